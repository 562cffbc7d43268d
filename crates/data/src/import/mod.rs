//! Importers for public files: each row becomes an [`Example`] or a [`Reject`] with its reason.
//!
//! The first argument is the folder that holds one sub-folder for each data set (`uspto-50k`, `pubchem-iupac`,
//! `moleculenet`), files as `name.csv` or `name.csv.gz` with a header row. Molecules are written as canonical SMILES, so that
//! neither atom order nor atom maps of a file can give an answer away.
//!
//! Training rows are cleaned: duplicates, contradicting labels and molecules that are also in the validation or test file are
//! rejected. Validation and test rows are kept as published, except those that cannot be read at all, so that a score on them is
//! comparable.

mod moleculenet;
mod pubchem;
mod reject;
mod table;
mod uspto;

use std::path::Path;

use chemr_tasks::{Example, Split};

use crate::DataError;

pub use moleculenet::moleculenet_bbbp;
pub use pubchem::{pubchem_formula, pubchem_iupac};
pub use reject::{Reject, RejectReason};
pub use uspto::{uspto50k_forward, uspto50k_retro};

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

/// An importer: folder and split in, rows out.
pub type Importer = fn(&Path, Split) -> Result<Imported, DataError>;

/// All importers by source name, as recipes name them.
pub fn importers() -> &'static [(&'static str, Importer)] {
    &[
        ("uspto50k_retro", uspto50k_retro),
        ("uspto50k_forward", uspto50k_forward),
        ("pubchem_iupac", pubchem_iupac),
        ("pubchem_formula", pubchem_formula),
        ("moleculenet_bbbp", moleculenet_bbbp),
    ]
}

/// The importer of this name.
pub fn importer(name: &str) -> Option<Importer> {
    importers().iter().find(|(known, _)| *known == name).map(|(_, importer)| *importer)
}

#[cfg(test)]
mod tests;
