//! The task trait and the list of all tasks.

use crate::answer::{Mode, extract};
use crate::example::Example;
use crate::guard;
use crate::prompt::Prompt;
use crate::verdict::{Judgement, Reason, Verdict};
use crate::{name, property, reaction, tomg};

/// What a task is compared with in a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Baseline {
    /// Always answer the most frequent reference of the training rows.
    Majority,
    /// Answer with the reference of a random training row.
    RandomReference,
}

impl Baseline {
    /// Wording for reports.
    pub fn title(self) -> &'static str {
        match self {
            Baseline::Majority => "majority label",
            Baseline::RandomReference => "random training answer",
        }
    }
}

/// A task: how rows become questions, and how completions are judged.
pub trait Task: Send + Sync {
    /// Stable id, e.g. `name.smiles_to_formula`.
    fn id(&self) -> &'static str;

    /// The family decides which protocol fits: `formula`, `name`, `property`, `forward`, `retro` or `custom`.
    fn family(&self) -> &'static str;

    /// Short human name for tables.
    fn title(&self) -> &'static str;

    /// Key of the input field that the question shows.
    fn input_key(&self) -> &'static str;

    /// The prompt of a row: the envelope, the task line, and the labelled field.
    fn question(&self, example: &Example) -> Prompt;

    /// What is right or wrong about an extracted answer. [`Task::verify`] turns a panic into a reason.
    fn judge(&self, example: &Example, answer: &str, mode: Mode) -> Judgement;

    /// What reports put beside the accuracy.
    fn baseline(&self) -> Baseline;

    /// Source text of the task's file; its leading comment is the documentation.
    fn source(&self) -> &'static str;

    /// The right answer as training writes it: `meta["aligned_answer"]` when the row has one, otherwise the reference.
    fn reference_answer(&self, example: &Example) -> String {
        example.meta.get("aligned_answer").unwrap_or(&example.reference).clone()
    }

    /// Judges a completion. Always returns: text that fits no grammar, molecules that do not parse, broken rows and
    /// panics all become a reason.
    fn verify(&self, example: &Example, completion: &str, mode: Mode) -> Verdict {
        let extraction = extract(completion, mode);
        let answer = match extraction.answer {
            Ok(answer) => answer,
            Err(reason) => {
                return Verdict::of(Judgement::unreadable(reason), extraction.format, None);
            }
        };
        let judgement = guard::caught(|| self.judge(example, answer, mode))
            .unwrap_or_else(|| Judgement::unreadable(Reason::ToolkitPanic));
        Verdict::of(judgement, extraction.format, Some(guard::stored(answer)))
    }
}

static TASKS: [&dyn Task; 7] = [
    &name::SmilesToFormula,
    &name::IupacToSmiles,
    &property::BBBP,
    &property::POLARITY_RULE,
    &reaction::ReactionPrediction,
    &reaction::Retrosynthesis,
    &tomg::FunctionalGroup,
];

/// All tasks, in the order of reports.
pub fn tasks() -> &'static [&'static dyn Task] {
    &TASKS
}

/// The task with this id.
pub fn task(id: &str) -> Option<&'static dyn Task> {
    TASKS.iter().copied().find(|task| task.id() == id)
}

/// The documentation of a task: the leading `//!` comment of its file, as Markdown.
pub fn documentation(task: &dyn Task) -> String {
    leading_comment(task.source())
}

/// The leading `//!` comment of a source file, as Markdown.
pub(crate) fn leading_comment(source: &str) -> String {
    let mut text = String::new();
    for line in source.lines().map_while(|line| line.strip_prefix("//!")) {
        text.push_str(line.strip_prefix(' ').unwrap_or(line));
        text.push('\n');
    }
    text
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
