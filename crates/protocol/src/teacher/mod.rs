//! The expert teacher: true, protocol-shaped traces from the chemistry toolkit.

use chemr_tasks::Example;
use thiserror::Error;

use crate::Trace;

/// Why the teacher writes no trace for an example.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TeacherError {
    /// No protocol family for this task.
    #[error("task `{task}` has no protocol")]
    UnknownTask { task: String },
    /// A true trace would need knowledge that the toolkit lacks.
    #[error("example {id} of task `{task}` is not covered: {what}")]
    NotCovered { id: String, task: String, what: &'static str },
    /// The example cannot be read.
    #[error("example {id} of task `{task}` is broken: {what}")]
    BrokenExample { id: String, task: String, what: String },
}

impl TeacherError {
    /// Stable code: `unknown_task`, `not_covered`, `broken_example`.
    pub fn code(&self) -> &'static str {
        match self {
            TeacherError::UnknownTask { .. } => "unknown_task",
            TeacherError::NotCovered { .. } => "not_covered",
            TeacherError::BrokenExample { .. } => "broken_example",
        }
    }
}

/// Writes a true trace for an example; the seed chooses the wording only.
///
/// # Errors
/// [`TeacherError`] when the task has no protocol, the row is broken or no true trace can be written.
pub fn expert_trace(example: &Example, _seed: u64) -> Result<Trace, TeacherError> {
    Err(TeacherError::UnknownTask { task: example.task.clone() })
}
