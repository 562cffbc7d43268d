//! What can go wrong when examples are made or read.

use std::path::PathBuf;

use chemr_chem::ChemError;

/// An error of this crate, with the task, file or row it belongs to.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The gym has no generator of this name.
    #[error("the gym has no task {task:?}; it has {known}")]
    UnknownTask { task: String, known: String },
    /// A difficulty level that the gym does not have, or none at all.
    #[error("gym levels must be a non-empty list of numbers from 1 to 5, got {levels:?}")]
    Levels { levels: Vec<u8> },
    /// No example was found within the bounded number of attempts.
    #[error("no {task} example of level {level} for the {split} split at index {index} after {attempts} attempts")]
    Exhausted { task: String, level: u8, split: &'static str, index: u64, attempts: u32 },
    /// The chemistry toolkit refused something that the gym made itself.
    #[error("{what}: the toolkit refuses {smiles:?}: {source}")]
    Chem { what: &'static str, smiles: String, source: ChemError },
    /// There is no importer of this name.
    #[error("there is no importer {name:?}; there are {known}")]
    UnknownImporter { name: String, known: String },
    /// A file could not be read.
    #[error("cannot read {path}: {source}; docs/data.md says which files are wanted", path = path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// A file of predictions or examples could not be read.
    #[error("cannot read {path}: {source}; predictions and examples are CSV or JSONL, plain or gzipped", path = path.display())]
    Predictions { path: PathBuf, source: std::io::Error },
    /// A file was read but a row (0: the header) does not have the expected shape.
    #[error("{path}, {}: {message}", place(*row), path = path.display())]
    Table { path: PathBuf, row: usize, message: String },
    /// A file or folder cannot be imported as a whole.
    #[error("cannot import {path}: {message}", path = path.display())]
    Import { path: PathBuf, message: String },
    /// What was asked of an import does not fit the file, or itself.
    #[error("cannot import {path}: {message}", path = path.display())]
    ImportUsage { path: PathBuf, message: String },
    /// Where something is to be written, something lies already.
    #[error("{path} is already there; name another folder with --out, or remove it", path = path.display())]
    Exists { path: PathBuf },
    /// What was imported cannot be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    Write { path: PathBuf, source: std::io::Error },
}

impl DataError {
    /// Whether the user asked for what cannot be, as opposed to files that cannot be read or written.
    pub fn is_usage(&self) -> bool {
        matches!(self, DataError::ImportUsage { .. })
    }
}

fn place(row: usize) -> String {
    if row == 0 { "header".to_owned() } else { format!("row {row}") }
}
