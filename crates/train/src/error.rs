//! Everything that can go wrong in a run, with what to do about it.

use std::path::{Path, PathBuf};

/// Errors of recipes, run folders and training phases.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A recipe that does not parse, names an unknown key, or asks for something impossible.
    #[error("{file}{}: {message}", line.map(|l| format!(":{l}")).unwrap_or_default())]
    Recipe {
        /// File name as given, or `--set` for an override.
        file: String,
        /// Line in the file, from 1, where known.
        line: Option<usize>,
        /// What is wrong, and the nearest known key where one exists.
        message: String,
    },
    /// The run folder cannot be used as asked.
    #[error("run folder {}: {message}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong and what to do.
        message: String,
    },
    /// Another process holds the run folder's lock.
    #[error("run folder {} is in use by another process (pid {pid}); wait for it or choose another folder", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
        /// Process id as written by the holder, or `unknown`.
        pid: String,
    },
    /// A file operation failed.
    #[error("{operation} {}: {source}{}", path.display(), remedy(source))]
    Io {
        /// `write`, `read`, `rename`, ….
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// Loss, gradient or log-probabilities stopped being numbers.
    #[error(
        "{phase} step {step}: {what} is not finite; the batch is in {}. --resume repeats the failure; {remedy}",
        dump.display()
    )]
    NotFinite {
        /// Phase name.
        phase: String,
        /// Step within the phase.
        step: u64,
        /// Which number.
        what: String,
        /// What to do.
        remedy: String,
        /// File with the batch and the numbers at hand when it happened.
        dump: PathBuf,
    },
    /// The engine refused (shapes, files, tokenizer).
    #[error("{context}: {message}")]
    Engine {
        /// What was being done.
        context: String,
        /// The engine's message.
        message: String,
    },
    /// Examples could not be made or read.
    #[error("{context}: {message}")]
    Data {
        /// Task and row.
        context: String,
        /// The data layer's message.
        message: String,
    },
    /// The hook after a phase failed.
    #[error("after phase {phase}: {message}")]
    Hook {
        /// Phase name.
        phase: String,
        /// The hook's message.
        message: String,
    },
}

/// What to do about an error of the operating system, where one thing is likely.
fn remedy(source: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory => "; check the path",
        ErrorKind::PermissionDenied => "; check the permissions, or choose another folder",
        ErrorKind::StorageFull => "; make room, then go on with --resume",
        _ => "",
    }
}

impl TrainError {
    /// An input/output error with the operation and the path.
    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { operation, path, source }
    }

    /// An engine error with what was being done.
    pub(crate) fn engine<E: std::fmt::Display>(context: impl Into<String>) -> impl FnOnce(E) -> Self {
        let context = context.into();
        move |error| Self::Engine { context, message: error.to_string() }
    }

    /// A data error with task and row.
    pub(crate) fn data<E: std::fmt::Display>(context: impl Into<String>) -> impl FnOnce(E) -> Self {
        let context = context.into();
        move |error| Self::Data { context, message: error.to_string() }
    }

    /// A folder error.
    pub(crate) fn folder(path: &Path, message: impl Into<String>) -> Self {
        Self::Folder { path: path.to_path_buf(), message: message.into() }
    }
}
