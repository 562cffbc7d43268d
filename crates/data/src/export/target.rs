//! What rows are exported to.

use std::collections::BTreeMap;
use std::fmt;

use chemr_tasks::Split;

use crate::export::row::Row;
use crate::export::{ExportError, inspect, llama_factory, lm_eval, nemo_rl, openai, openrlhf, skyrl, trl, verl};

/// What the rows are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reinforcement learning: questions, and what the verifier needs.
    Rl,
    /// Supervised training: questions with answers.
    Sft,
    /// Evaluation: questions with a scorer.
    Eval,
}

impl Stage {
    /// `rl`, `sft` or `eval`.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Rl => "rl",
            Stage::Sft => "sft",
            Stage::Eval => "eval",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Files of an export by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// A program that rows are written for.
pub struct Target {
    /// Its name on the command line.
    pub id: &'static str,
    /// Its own name.
    pub title: &'static str,
    /// The stages it has; the first is the default.
    pub stages: &'static [Stage],
    pub(crate) files: fn(&[Row], Stage) -> Result<Files, ExportError>,
    /// How a folder is loaded, as Markdown. `SPLIT` and `VALIDATION` stand for splits of the export, `TASK_ID` for one of its tasks, `TASK` for the same as part of a
    /// name.
    pub(crate) loading: fn(Stage) -> &'static str,
}

impl fmt::Debug for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Target({})", self.id)
    }
}

impl Target {
    /// How an export with these splits, to train on and to validate with, and this task is loaded, as Markdown.
    pub fn loading(&self, stage: Stage, [split, validation]: [&str; 2], task: &str) -> String {
        let text = (self.loading)(stage).replace("SPLIT", split).replace("VALIDATION", validation);
        text.replace("TASK_ID", task).replace("TASK", &task.replace('.', "_"))
    }

    /// The stage to export, when this one is asked for.
    ///
    /// # Errors
    /// [`ExportError::Stage`] when the target does not have it.
    pub fn stage(&self, asked: Option<Stage>) -> Result<Stage, ExportError> {
        let stage = asked.unwrap_or(self.stages[0]);
        if self.stages.contains(&stage) {
            return Ok(stage);
        }
        let stages = self.stages.iter().map(|stage| stage.as_str()).collect::<Vec<_>>().join(" and ");
        Err(ExportError::Stage { target: self.title, stage, stages })
    }
}

/// All targets, in the order of the manual.
pub fn targets() -> &'static [&'static Target] {
    const ALL: &[&Target] = &[
        &trl::TRL,
        &verl::VERL,
        &llama_factory::LLAMA_FACTORY,
        &openai::OPENAI,
        &openrlhf::OPENRLHF,
        &skyrl::SKYRL,
        &nemo_rl::NEMO_RL,
        &lm_eval::LM_EVAL,
        &inspect::INSPECT,
    ];
    ALL
}

/// The target with this name.
pub fn target(id: &str) -> Option<&'static Target> {
    targets().iter().copied().find(|target| target.id == id)
}

/// The rows of each split that has any, in the order train, valid, test.
pub(crate) fn by_split(rows: &[Row]) -> Vec<(Split, Vec<&Row>)> {
    let of = |split| (split, rows.iter().filter(|row| row.example.split == split).collect::<Vec<_>>());
    [Split::Train, Split::Valid, Split::Test].map(of).into_iter().filter(|(_, rows)| !rows.is_empty()).collect()
}

/// The rows of each task, in the order in which tasks appear.
pub(crate) fn by_task(rows: &[Row]) -> Vec<(&'static str, Vec<&Row>)> {
    let mut found: Vec<(&'static str, Vec<&Row>)> = Vec::new();
    for row in rows {
        match found.iter_mut().find(|(task, _)| *task == row.task.id()) {
            Some((_, rows)) => rows.push(row),
            None => found.push((row.task.id(), vec![row])),
        }
    }
    found
}

/// JSON lines.
pub(crate) fn json_lines<T: serde::Serialize>(rows: &[T]) -> Result<Vec<u8>, ExportError> {
    let mut lines = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut lines, row)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// Indented JSON.
pub(crate) fn json_document<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, ExportError> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}
