//! Whole tables for recipes: files by their name, rows in memory, training rows cleaned.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chemr_chem::Mol;
use chemr_tasks::{Example, Split};
use rayon::prelude::*;

use super::convert::{Rejection, molecule};
use super::format::{Binding, Column, Record};
use super::rows::Row as FileRow;
use super::source::{Shape, Source};
use super::{Imported, Reject, RejectReason};
use crate::DataError;

/// A table in memory.
pub(super) struct Table {
    pub file: String,
    rows: Vec<FileRow>,
    binding: Binding,
}

impl Table {
    /// Reads `stem.csv`, or `stem.csv.gz` when that is there.
    ///
    /// # Errors
    /// When neither file can be read, a column is missing or a row cannot be read.
    pub fn read(folder: &Path, stem: &str, columns: &[Column]) -> Result<Table, DataError> {
        let (path, source) = open(folder, stem)?;
        let at = |row: usize, message: String| DataError::Table { path: path.clone(), row, message };
        let binding = Binding::new(columns, &source.sample, Shape::Columns, &[]).map_err(|message| at(0, message))?;
        let mut reader = source.rows(Shape::Columns).map_err(|error| at(0, error.to_string()))?;
        let mut rows = Vec::new();
        while let Some(numbered) = reader.rows.next_row().map_err(|error| at(rows.len() + 1, error.to_string()))? {
            let row = numbered.row.map_err(|bad| at(rows.len() + 1, bad.detail))?;
            rows.push(row);
        }
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Table { file, rows, binding })
    }
}

fn open(folder: &Path, stem: &str) -> Result<(PathBuf, Source), DataError> {
    let name = format!("{stem}.csv");
    let plain = folder.join(&name);
    match Source::open(&plain, name) {
        Ok(source) => Ok((plain, source)),
        Err(error) => {
            let name = format!("{stem}.csv.gz");
            let zipped = folder.join(&name);
            match Source::open(&zipped, name) {
                Ok(source) => Ok((zipped, source)),
                // The name without .gz is what a reader of the message looks for.
                Err(_) => Err(DataError::Read { path: plain, source: error }),
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
    source: &str,
    split: Split,
    convert: impl Fn(&Record<'_>) -> Result<[Result<Candidate, RejectReason>; N], Rejection> + Sync,
) -> [Vec<Row>; N] {
    let rows: Vec<_> = table
        .rows
        .par_iter()
        .map(|row| {
            let record = Record { row, binding: &table.binding, split, source, path: "", task: None, keep_maps: false };
            convert(&record).unwrap_or_else(|rejection| std::array::from_fn(|_| Err(rejection.reason)))
        })
        .collect();
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

/// The key of a row's molecule, see [`Candidate::key`].
pub(super) fn key(mol: &Mol, split: Split) -> String {
    if split == Split::Train { mol.canonical_flat().to_string() } else { String::new() }
}

/// The keys of all readable molecules in one column of the held-out files.
pub(super) fn held_out_keys(
    folder: &Path,
    stems: &[&str],
    column: &'static str,
) -> Result<BTreeSet<String>, DataError> {
    let mut keys = BTreeSet::new();
    for stem in stems {
        let table = Table::read(folder, stem, &[Column::required(column, &[column])])?;
        let key = |row: &FileRow| molecule(&table.binding.get(row, column)?).ok().map(|mol| mol.canonical_flat());
        keys.extend(table.rows.par_iter().filter_map(key).collect::<Vec<String>>());
    }
    Ok(keys)
}

/// A map from pairs.
pub(super) fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_string(), (*value).to_string())).collect()
}
