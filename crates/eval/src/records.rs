//! Figures of one evaluated phase.

use std::collections::BTreeMap;

use chemr_protocol::{Claim, ClaimTally, Truth};
use serde::{Deserialize, Serialize};

/// Figures of one task, as `summary.json` holds them. Shares are in 0..=1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskScore {
    /// Share of right answers, loose extraction, greedy decoding.
    pub accuracy: f64,
    /// Lower end of the 95 % Wilson interval of the accuracy.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Rows evaluated.
    pub n: usize,
    /// Accuracy of the task's baseline on the same rows.
    pub baseline: f64,
    /// Share of answers that can be read as what was asked for.
    pub valid: f64,
    /// Share of completions in the strict format.
    pub format: f64,
}

/// Figures of one task with everything the report needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskDetail {
    /// Task id.
    pub task: String,
    pub score: TaskScore,
    /// Wording of the baseline, e.g. `majority label`.
    pub baseline_kind: String,
    /// Completions by reason code.
    pub reasons: BTreeMap<String, usize>,
    /// Mean of each part of the verdicts over all rows; a verdict without the part counts 0.
    pub parts: BTreeMap<String, f64>,
    pub claims: ClaimTally,
    /// Mean number of generated tokens.
    pub mean_tokens: f64,
    /// Completions that reached the token limit.
    pub truncated: usize,
    /// Questions that did not fit into the model's positions; they count as wrong.
    pub unasked: usize,
    /// One character for each row, `1` right and `0` wrong, in row order: phases can be compared row by row.
    pub outcomes: String,
}

/// A claim of a sample, with byte offsets into the completion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClaimRecord {
    pub start: usize,
    pub end: usize,
    pub kind: String,
    pub subject: String,
    pub value: String,
    pub truth: Truth,
    pub step: usize,
}

impl From<&Claim> for ClaimRecord {
    fn from(claim: &Claim) -> ClaimRecord {
        ClaimRecord {
            start: claim.span.start,
            end: claim.span.end,
            kind: claim.kind.as_str().to_string(),
            subject: claim.subject.clone(),
            value: claim.value.clone(),
            truth: claim.truth,
            step: claim.step,
        }
    }
}

/// One row with the model's completion, for reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    pub task: String,
    /// Id of the row.
    pub id: String,
    pub level: u8,
    /// Key of the input field, e.g. `smiles`.
    pub input_key: String,
    /// Its text.
    pub input: String,
    /// Task line of the prompt.
    pub question: String,
    pub completion: String,
    pub correct: bool,
    pub format: bool,
    pub valid: bool,
    /// Reason code of the verdict.
    pub reason: String,
    pub answer: Option<String>,
    pub reference: String,
    /// Generated tokens.
    pub tokens: usize,
    /// The completion reached the token limit.
    pub truncated: bool,
    pub claims: Vec<ClaimRecord>,
}

/// How rows were asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// SHA-256 of the prompts, as `chemr prompts` prints it.
    pub prompts_sha256: String,
    /// The examples before each question; `None` without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shots: Option<ShotsFacts>,
}

/// Examples before questions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShotsFacts {
    /// Before each question.
    pub count: usize,
    /// How they were chosen, as `--shots-by` names it.
    pub by: String,
    /// Where the rows to choose from stood.
    pub file: String,
    /// SHA-256 over the rows of the asked tasks.
    pub rows_sha256: String,
    /// Seed of fixed examples.
    pub seed: u64,
}

/// Figures of one phase over all tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseScores {
    /// In the order in which the tasks were given.
    pub tasks: Vec<TaskDetail>,
    /// The first rows of every task, not chosen by outcome.
    pub samples: Vec<Sample>,
}

impl PhaseScores {
    /// Mean accuracy over tasks, every task with the same weight.
    pub fn mean(&self) -> f64 {
        let sum: f64 = self.tasks.iter().map(|task| task.score.accuracy).sum();
        sum / self.tasks.len().max(1) as f64
    }

    /// The lowest accuracy of a task; 0 without tasks.
    pub fn worst(&self) -> f64 {
        self.tasks.iter().map(|task| task.score.accuracy).min_by(f64::total_cmp).unwrap_or(0.0)
    }

    /// Claims of all tasks together.
    pub fn claims(&self) -> ClaimTally {
        let mut total = ClaimTally::default();
        for task in &self.tasks {
            total.right += task.claims.right;
            total.wrong += task.claims.wrong;
            total.unverifiable += task.claims.unverifiable;
        }
        total
    }

    /// The figures of one task.
    pub fn task(&self, id: &str) -> Option<&TaskDetail> {
        self.tasks.iter().find(|task| task.task == id)
    }
}
