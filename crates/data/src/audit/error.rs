//! What ends an audit.

use std::path::PathBuf;

use chemr_tasks::Split;

use crate::DataError;
use crate::folder::FolderError;
use crate::wording::counted;

/// An error of an audit. Rows that cannot be read are no errors; they are counted in the report.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error(
        "cannot read {path}: {source}; an input is a file with one example a line (JSON, plain or gzipped), or a folder that \
         `chemr data import` or `chemr data prepare` wrote",
        path = path.display()
    )]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path} {message}", path = path.display())]
    NoExamples { path: PathBuf, message: String },
    /// All rows of a prepared folder as of one split.
    #[error(
        "--{split} {folder}: a prepared folder has a file for each split; name {folder}/{split}.jsonl, or the folder without --{split}",
        folder = folder.display()
    )]
    Parts { split: Split, folder: PathBuf },
    /// Every line was unreadable, or there was none.
    #[error(
        "no row can be read: {}, the first fault {first}; `chemr data import` makes examples of public files",
        counted(*lines, "line", "lines")
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

impl AuditError {
    /// Whether the request itself is wrong, whatever the files hold.
    pub fn is_usage(&self) -> bool {
        matches!(self, AuditError::Option { .. } | AuditError::Parts { .. })
    }
}

impl From<FolderError> for AuditError {
    fn from(error: FolderError) -> AuditError {
        match error {
            FolderError::Exists(path) => AuditError::Exists { path },
            FolderError::Write { path, source } => AuditError::Write { path, source },
        }
    }
}
