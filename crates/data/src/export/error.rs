//! What can go wrong in an export.

use std::fmt;
use std::path::PathBuf;

use chemr_tasks::Reason;

use crate::DataError;
use crate::export::Stage;

/// An error of an export, with the file or row it belongs to.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(
        "cannot read {path}: {source}; wanted is a file with one example a line (JSON, plain or gzipped), or a folder that \
         `chemr data import` or `chemr data prepare` made",
        path = path.display()
    )]
    Read { path: PathBuf, source: std::io::Error },
    /// A folder that is none of examples; the message stands behind its name.
    #[error("{path} {message}", path = path.display())]
    NoExamples { path: PathBuf, message: String },
    /// An input that begins with `gym:` and goes on in another way than it must.
    #[error("`{input}`: {message}; write gym:TASK[:LEVEL]:COUNT, e.g. gym:retrosynthesis:1:1000")]
    Gym { input: String, message: String },
    #[error(transparent)]
    Data(#[from] DataError),
    /// A row that no export can use.
    #[error("{place}: {fault}; correct the row, or leave such rows out with --skip-bad")]
    Row { place: String, fault: Box<RowFault> },
    #[error("{place}: the line is longer than {limit} bytes; is it a file with one example a line?")]
    LongLine { place: String, limit: usize },
    /// Nothing to write.
    #[error("no rows to export: the inputs have {held}; see --split, --task and --limit")]
    Empty { held: String },
    #[error("{target} has no stage `{stage}`; it has {stages}")]
    Stage { target: &'static str, stage: Stage, stages: String },
    #[error("{path} exists already; exports are never overwritten, choose a new folder", path = path.display())]
    Exists { path: PathBuf },
    #[error("cannot write {path}: {source}", path = path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("cannot write rows as Parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl ExportError {
    /// Whether the request itself is wrong, whatever the files hold.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            ExportError::Gym { .. }
                | ExportError::Stage { .. }
                | ExportError::Data(DataError::UnknownTask { .. } | DataError::Levels { .. })
        )
    }
}

/// Why a row cannot be exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowFault {
    /// The line is no JSON object with the fields of an example.
    NoExample {
        message: String,
    },
    UnknownTask {
        task: String,
    },
    /// A field that the question shows is not there.
    MissingField {
        field: &'static str,
    },
    /// A field or the reference is another text once it has stood in a column, e.g. for a line break in it.
    Altered {
        field: &'static str,
    },
    /// The reference is none of the kind of the task's answers, e.g. no SMILES.
    UnreadableReference {
        reference: String,
    },
    /// The verifier cannot judge the row.
    Broken {
        reason: Reason,
    },
    /// The answer to train on is not right for the verifier.
    WrongAnswer {
        reason: Reason,
    },
    /// The stored completion is not in the strict form or not right.
    WrongTrace {
        reason: Reason,
    },
}

impl RowFault {
    /// Stable code, under which manifests count.
    pub fn code(&self) -> &'static str {
        match self {
            RowFault::NoExample { .. } => "no_example",
            RowFault::UnknownTask { .. } => "unknown_task",
            RowFault::MissingField { .. } => "missing_field",
            RowFault::Altered { .. } => "altered",
            RowFault::UnreadableReference { .. } => "unreadable_reference",
            RowFault::Broken { .. } => "broken_example",
            RowFault::WrongAnswer { .. } => "wrong_answer",
            RowFault::WrongTrace { .. } => "wrong_trace",
        }
    }
}

impl fmt::Display for RowFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RowFault::NoExample { message } => write!(formatter, "not an example: {message}"),
            RowFault::UnknownTask { task } => write!(formatter, "there is no task `{task}`"),
            RowFault::MissingField { field } => write!(formatter, "the question lacks its field `{field}`"),
            RowFault::Altered { field } => {
                write!(formatter, "`{field}` has line breaks or blanks around it that a column would not keep")
            }
            RowFault::UnreadableReference { reference } => {
                write!(formatter, "the reference `{reference}` is no answer to the task")
            }
            RowFault::Broken { reason } => write!(formatter, "the verifier cannot judge the row ({reason})"),
            RowFault::WrongAnswer { reason } => {
                write!(formatter, "the row has no answer to train on that the verifier calls right ({reason})")
            }
            RowFault::WrongTrace { reason } => write!(formatter, "the row's completion is not right ({reason})"),
        }
    }
}
