//! What can go wrong in an evaluation or a report.

use std::path::{Path, PathBuf};

use chemr_engine::{EngineError, TokenizerError};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A task has no rows, so no accuracy exists.
    #[error("task {task} has no rows to evaluate on")]
    NoRows { task: String },
    /// The caller's progress function asked to stop.
    #[error("the evaluation was stopped")]
    Stopped,
    #[error("generating answers: {0}")]
    Engine(#[from] EngineError),
    /// A question cannot be encoded.
    #[error("row {id} of task {task}: {source}")]
    Prompt { task: String, id: String, source: TokenizerError },
    #[error("cannot {action} {path}: {source}", path = path.display())]
    File { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{path} is not what an evaluation writes: {source}; move it out of the run folder to report the rest", path = path.display())]
    Json { path: PathBuf, source: serde_json::Error },
    /// A run folder without any evaluated phase.
    #[error("{path} holds no evaluated phase (no eval/*.json); run `chemr eval` on it first", path = path.display())]
    NothingEvaluated { path: PathBuf },
    #[error("rendering the report: {0}")]
    Template(#[from] minijinja::Error),
}

impl EvalError {
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> EvalError {
        let path = path.to_path_buf();
        move |source| EvalError::File { action, path, source }
    }

    pub(crate) fn json(path: &Path) -> impl FnOnce(serde_json::Error) -> EvalError {
        let path = path.to_path_buf();
        move |source| EvalError::Json { path, source }
    }
}
