//! What ends an audit.

use std::path::PathBuf;

use crate::DataError;
use crate::folder::FolderError;

/// An error of an audit. Rows that cannot be read are no errors; they are counted in the report.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error(
        "cannot read {path}: {source}; an input is a file with one example a line (JSON, plain or gzipped), or a folder that \
         `chemr data import` wrote",
        path = path.display()
    )]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path} holds no examples.jsonl; name a folder that `chemr data import` wrote, or a file of examples", path = path.display())]
    NoExamples { path: PathBuf },
    /// Every line was unreadable, or there was none.
    #[error(
        "no row can be read: {lines} lines, the first fault {first}; `chemr data import` makes examples of public files"
    )]
    NothingReadable { lines: u64, first: String },
    #[error("{path} has more than {limit} lines that hold something", path = path.display())]
    TooMany { path: PathBuf, limit: u64 },
    /// The file was written to between the two passes.
    #[error("{path} changed while it was audited; audit it again when nothing writes to it", path = path.display())]
    Changed { path: PathBuf },
    #[error("--{name} is {message}")]
    Option { name: &'static str, message: &'static str },
    /// A file of mapped reactions that cannot be used.
    #[error("{path}: {message}", path = path.display())]
    Mapped { path: PathBuf, message: String },
    #[error("{path} is there already; name another folder with --out, or remove it", path = path.display())]
    Exists { path: PathBuf },
    #[error("cannot write {path}: {source}", path = path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Data(#[from] DataError),
}

impl From<FolderError> for AuditError {
    fn from(error: FolderError) -> AuditError {
        match error {
            FolderError::Exists(path) => AuditError::Exists { path },
            FolderError::Write { path, source } => AuditError::Write { path, source },
        }
    }
}
