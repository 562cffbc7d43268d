//! Importers for public files: each row becomes an [`Example`] or a [`Reject`] with its reason.
//!
//! [`import_files`] turns files of any known [`Format`] into a folder of examples, row by row. [`import`] reads the tables that recipes
//! name, whole and cleaned; its first argument is the folder that holds one sub-folder for each data set (`uspto-50k`, `pubchem-iupac`,
//! `moleculenet`; their files are described in docs/data.md), files as `name.csv` or `name.csv.gz` with a header row.
//! Molecules are written as canonical SMILES, so that neither atom order nor atom maps of a file can give an answer away.
//!
//! Training rows are cleaned: duplicates, contradictions (one molecule with two labels, one name with two structures) and
//! molecules that are also in the validation or test file are rejected. Validation and test rows are kept as published,
//! except those that cannot be read at all, so that a score on them is comparable.

mod convert;
mod format;
mod formats;
mod inputs;
mod moleculenet;
mod pubchem;
mod reject;
pub(crate) mod rows;
mod run;
pub(crate) mod source;
mod summary;
mod table;
mod uspto;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use chemr_tasks::{Example, Split};

use crate::DataError;

pub(crate) use self::format::MAPPED;
pub use self::format::{Column, Format, format, formats};
pub use reject::{Reject, RejectReason};
pub use run::{EXAMPLES_FILE, REJECTS_FILE, Request, SUMMARY_FILE, import_files};
pub(crate) use summary::peak_memory;
pub use summary::{Counts, FileSummary, OptionsNote, Skipped, Summary};

/// What came out of a file.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    pub examples: Vec<Example>,
    /// Rows that were not used, with the reason, in file order.
    pub rejects: Vec<Reject>,
}

impl Imported {
    /// Rows read: examples plus rejects.
    pub fn rows(&self) -> usize {
        self.examples.len() + self.rejects.len()
    }

    /// Number of rejects by reason code.
    pub fn reject_counts(&self) -> std::collections::BTreeMap<String, usize> {
        let mut counts = std::collections::BTreeMap::new();
        for reject in &self.rejects {
            *counts.entry(reject.reason.to_string()).or_default() += 1;
        }
        counts
    }
}

/// Reads one family of files: folder and split in, one [`Imported`] for each task that the files serve.
type Reader = fn(&Path, Split) -> Result<Vec<Imported>, DataError>;

/// A source of examples for one task, as recipes name it.
#[derive(Debug)]
pub struct Importer {
    /// Name in recipes.
    pub name: &'static str,
    /// Folder of its files. Importers of one folder have one reader.
    pub folder: &'static str,
    read: Reader,
    /// Which of the reader's results is this importer's.
    part: usize,
}

/// All importers.
pub fn importers() -> &'static [Importer] {
    const ALL: &[Importer] = &[
        Importer { name: "uspto50k_retro", folder: uspto::FOLDER, read: uspto::read, part: 0 },
        Importer { name: "uspto50k_forward", folder: uspto::FOLDER, read: uspto::read, part: 1 },
        Importer { name: "pubchem_iupac", folder: pubchem::FOLDER, read: pubchem::read, part: 0 },
        Importer { name: "pubchem_formula", folder: pubchem::FOLDER, read: pubchem::read, part: 1 },
        Importer { name: "moleculenet_bbbp", folder: moleculenet::FOLDER, read: moleculenet::read, part: 0 },
    ];
    ALL
}

/// Reads the rows of some importers of one split, in the order of `names`. What two importers share (the same reactions in
/// both directions) is read and its molecules parsed once.
///
/// # Errors
/// When a name is unknown, a file is missing or is no table with the expected columns.
pub fn import<S: AsRef<str>>(names: &[S], data: &Path, split: Split) -> Result<Vec<Imported>, DataError> {
    let mut read: BTreeMap<&str, Vec<Imported>> = BTreeMap::new();
    let mut found = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let name = name.as_ref();
        let importer = importers().iter().find(|known| known.name == name).ok_or_else(|| {
            let known: Vec<&str> = importers().iter().map(|known| known.name).collect();
            DataError::UnknownImporter { name: name.to_owned(), known: known.join(", ") }
        })?;
        let parts = match read.entry(importer.folder) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert((importer.read)(data, split)?),
        };
        let again = names[number + 1..].iter().any(|later| later.as_ref() == name);
        let part = &mut parts[importer.part];
        found.push(if again { part.clone() } else { std::mem::take(part) });
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
