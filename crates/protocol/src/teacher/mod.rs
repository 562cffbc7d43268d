//! The expert teacher: true, protocol-shaped traces from the chemistry toolkit.
//!
//! A trace is written so that a small model can learn it: each word follows from a few earlier ones by copying, counting
//! or looking up. The seed chooses among the wordings of [`crate::grammar::SENTENCES`]; the facts do not depend on it.
//! No trace speaks of a hint or a known answer, and none states the answer before the step that derives it.

mod custom;
mod formula;
mod name;
mod property;
mod reaction;
mod say;

use chemr_chem::{ErrorClass, Mol};
use chemr_tasks::{Example, task};
use thiserror::Error;

use crate::protocol::{Protocol, STEPS, protocol_for};
use crate::trace::{Trace, TraceStep};
use say::Speaker;

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

    fn not_covered(example: &Example, what: &'static str) -> TeacherError {
        TeacherError::NotCovered { id: example.id.clone(), task: example.task.clone(), what }
    }

    fn broken(example: &Example, what: impl Into<String>) -> TeacherError {
        TeacherError::BrokenExample { id: example.id.clone(), task: example.task.clone(), what: what.into() }
    }
}

/// The four paragraphs and the answer, before they get their titles.
struct Lesson {
    texts: [String; STEPS],
    answer: String,
}

/// Writes a true trace for an example; the seed chooses the wording only.
///
/// # Errors
/// [`TeacherError`] when the task has no protocol, the row is broken or no true trace can be written.
pub fn expert_trace(example: &Example, seed: u64) -> Result<Trace, TeacherError> {
    let unknown = || TeacherError::UnknownTask { task: example.task.clone() };
    let task = task(&example.task).ok_or_else(unknown)?;
    let protocol = protocol_for(task.family()).ok_or_else(unknown)?;
    let speaker = Speaker::new(seed, &example.id);
    let answer = task.reference_answer(example);
    let lesson = match task.family() {
        "formula" => formula::lesson(example, answer, speaker),
        "name" => name::lesson(example, answer, speaker),
        "property" => property::lesson(example, answer, speaker),
        "forward" => reaction::forward(example, answer, speaker),
        "retro" => reaction::retro(example, answer, speaker),
        "custom" => custom::lesson(example, answer, speaker),
        _ => Err(unknown()),
    }?;
    Ok(titled(protocol, lesson))
}

fn titled(protocol: &Protocol, lesson: Lesson) -> Trace {
    let steps = protocol
        .steps
        .iter()
        .zip(lesson.texts)
        .map(|(step, text)| TraceStep { title: step.title.clone(), text })
        .collect();
    Trace { protocol: protocol.id.clone(), steps, answer: lesson.answer }
}

/// The molecule of a field or a reference.
fn molecule(example: &Example, smiles: &str) -> Result<Mol, TeacherError> {
    Mol::parse(smiles).map_err(|error| match error.class {
        ErrorClass::TooLong => TeacherError::not_covered(example, "molecule above the size limit of answers"),
        _ => TeacherError::broken(example, format!("`{smiles}`: {error}")),
    })
}

#[cfg(test)]
mod tests;
