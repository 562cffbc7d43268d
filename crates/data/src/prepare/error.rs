//! What can go wrong when rows are prepared, or prepared rows are read.

use std::path::{Path, PathBuf};

use crate::DataError;
use crate::export::{ExportError, RowFault};

/// An error of a preparation, with the file and row it belongs to.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error(transparent)]
    Input(#[from] ExportError),
    #[error(transparent)]
    Data(#[from] DataError),
    /// Options that say nothing, or too much.
    #[error("{message}")]
    Options { message: String },
    /// A folder without examples.
    #[error("{path} {message}", path = path.display())]
    NoExamples { path: PathBuf, message: String },
    /// A line that is no example of a known task.
    #[error("{place}: {fault}; correct the row, or leave such rows out with --skip-bad")]
    Row { place: String, fault: Box<RowFault> },
    #[error("more than {} rows; prepare them in parts", u32::MAX)]
    TooMany,
    #[error("no training row is left: {held}")]
    Empty { held: String },
    #[error("no row has a number or a date in the meta field `{field}`; name one with --time-field")]
    NoTime { field: String },
    #[error(
        "{place}: the row has {tokens} tokens, more than --length {length}; raise it, or leave such rows out with --overlong drop"
    )]
    OverLong { place: String, tokens: usize, length: usize },
    #[error("{place}: the row cannot be tokenised: {message}")]
    Tokens { place: String, message: String },
    #[error("cannot {operation} {path}: {source}", path = path.display())]
    Io { operation: &'static str, path: PathBuf, source: std::io::Error },
    /// A prepared file that is not what it says it is.
    #[error("{path}: {message}; prepare the rows again", path = path.display())]
    Broken { path: PathBuf, message: String },
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl PrepareError {
    /// Whether the request itself is wrong, whatever the files hold.
    pub fn is_usage(&self) -> bool {
        matches!(self, PrepareError::Options { .. })
    }

    pub(super) fn options(message: impl Into<String>) -> PrepareError {
        PrepareError::Options { message: message.into() }
    }

    pub(super) fn io(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> PrepareError {
        let path = path.to_owned();
        move |source| PrepareError::Io { operation, path, source }
    }

    pub(super) fn broken(path: &Path, message: impl Into<String>) -> PrepareError {
        PrepareError::Broken { path: path.to_owned(), message: message.into() }
    }
}
