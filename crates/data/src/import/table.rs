//! Reading CSV files, plain or gzipped, and turning rows into examples in parallel.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use chemr_chem::{Gate, Mol};
use chemr_tasks::{Example, Split};
use flate2::read::MultiGzDecoder;
use rayon::prelude::*;

use super::{Imported, Reject, RejectReason};
use crate::DataError;

/// A table in memory: the wanted columns of every row.
pub(super) struct Table {
    pub file: String,
    /// One list of fields for each row, in the order of the wanted columns.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// Reads `stem.csv`, or `stem.csv.gz` when that is there.
    ///
    /// # Errors
    /// When neither file can be read, a column is missing or a row has another number of fields than the header.
    pub fn read(folder: &Path, stem: &str, columns: &[&str]) -> Result<Table, DataError> {
        let (path, reader) = open(folder, stem)?;
        let at = |row: usize, message: String| DataError::Table { path: path.clone(), row, message };
        let mut reader = csv::ReaderBuilder::new().from_reader(reader);
        let header = reader.headers().map_err(|error| at(0, error.to_string()))?.clone();
        let positions: Vec<usize> = columns
            .iter()
            .map(|column| {
                header
                    .iter()
                    .position(|name| name == *column)
                    .ok_or_else(|| at(0, format!("there is no column `{column}`")))
            })
            .collect::<Result<_, _>>()?;
        let mut rows = Vec::new();
        for (index, record) in reader.records().enumerate() {
            let record = record.map_err(|error| at(index + 1, error.to_string()))?;
            rows.push(positions.iter().map(|&column| record.get(column).unwrap_or("").trim().to_string()).collect());
        }
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Table { file, rows })
    }
}

fn open(folder: &Path, stem: &str) -> Result<(PathBuf, Box<dyn Read>), DataError> {
    let plain = folder.join(format!("{stem}.csv"));
    match File::open(&plain) {
        Ok(file) => Ok((plain, Box::new(BufReader::new(file)))),
        Err(source) => {
            let zipped = folder.join(format!("{stem}.csv.gz"));
            match File::open(&zipped) {
                Ok(file) => Ok((zipped, Box::new(MultiGzDecoder::new(BufReader::new(file))))),
                // The name without .gz is what a reader of the message looks for.
                Err(_) => Err(DataError::Read { path: plain, source }),
            }
        }
    }
}

/// A row on its way to an example.
pub(super) struct Candidate {
    pub example: Example,
    /// What must not be both in training and held-out rows: a canonical molecule without stereochemistry. Empty for
    /// held-out rows, which are compared with nothing.
    pub key: String,
}

/// A row's place and what became of it. The place has the final reason only for rejects of [`collect`].
pub(super) type Row = (Reject, Result<Candidate, RejectReason>);

/// Turns rows into candidates for `N` tasks, in parallel; each list keeps the order of the file.
pub(super) fn candidates<const N: usize>(
    table: &Table,
    convert: impl Fn(&[String]) -> [Result<Candidate, RejectReason>; N] + Sync,
) -> [Vec<Row>; N] {
    let rows: Vec<_> = table.rows.par_iter().map(|row| convert(row)).collect();
    let mut lists = [const { Vec::new() }; N];
    for (index, row) in rows.into_iter().enumerate() {
        for (list, result) in lists.iter_mut().zip(row) {
            list.push((Reject { file: table.file.clone(), row: index + 1, reason: RejectReason::Duplicate }, result));
        }
    }
    lists
}

/// Sorts candidates into examples and rejects; training rows are cleaned (see the module text).
pub(super) fn collect(rows: Vec<Row>, split: Split, held_out: &BTreeSet<String>) -> Imported {
    let mut answers: BTreeMap<(String, BTreeMap<String, String>), BTreeSet<String>> = BTreeMap::new();
    if split == Split::Train {
        for candidate in rows.iter().filter_map(|(_, result)| result.as_ref().ok()) {
            let example = &candidate.example;
            answers.entry((example.task.clone(), example.input.clone())).or_default().insert(example.reference.clone());
        }
    }
    let mut imported = Imported::default();
    let mut seen = BTreeSet::new();
    for (place, result) in rows {
        let checked = result.and_then(|candidate| {
            if split != Split::Train {
                return Ok(candidate);
            }
            let example = &candidate.example;
            let question = (example.task.clone(), example.input.clone());
            if held_out.contains(&candidate.key) {
                Err(RejectReason::HeldOut)
            } else if has_one_answer(&example.task) && answers.get(&question).is_some_and(|set| set.len() > 1) {
                Err(RejectReason::Contradiction)
            } else if !seen.insert(example.id.clone()) {
                Err(RejectReason::Duplicate)
            } else {
                Ok(candidate)
            }
        });
        match checked {
            Ok(candidate) => imported.examples.push(candidate.example),
            Err(reason) => imported.rejects.push(Reject { reason, ..place }),
        }
    }
    imported
}

/// Whether two answers to one question of the task cannot both be true: a molecule has one label, a name says one structure.
/// Two reactant sets for one product are both true.
fn has_one_answer(task: &str) -> bool {
    task.starts_with("property.") || task == "name.iupac_to_smiles"
}

/// A field that must not be empty.
pub(super) fn required<'a>(row: &'a [String], index: usize, column: &'static str) -> Result<&'a str, RejectReason> {
    match row.get(index).map(String::as_str) {
        Some("") | None => Err(RejectReason::Missing(column)),
        Some(text) => Ok(text),
    }
}

/// Parses a molecule (or several, dot-separated) of a file.
pub(super) fn molecule(text: &str) -> Result<Mol, RejectReason> {
    Mol::parse_with(text, &Gate::DATA).map_err(|error| RejectReason::Unparsable(error.class))
}

/// The key of a row's molecule, see [`Candidate::key`].
pub(super) fn key(mol: &Mol, split: Split) -> String {
    if split == Split::Train { mol.canonical_flat().to_string() } else { String::new() }
}

/// The keys of all readable molecules in one column of the held-out files.
pub(super) fn held_out_keys(folder: &Path, stems: &[&str], column: &str) -> Result<BTreeSet<String>, DataError> {
    let mut keys = BTreeSet::new();
    for stem in stems {
        let table = Table::read(folder, stem, &[column])?;
        let found: Vec<String> = table
            .rows
            .par_iter()
            .filter_map(|row| molecule(&row[0]).ok().map(|mol| mol.canonical_flat().to_string()))
            .collect();
        keys.extend(found);
    }
    Ok(keys)
}

/// A map from one pair.
pub(super) fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_string(), (*value).to_string())).collect()
}
