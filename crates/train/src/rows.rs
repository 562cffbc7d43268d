//! From an example to a row of tokens, and from rows to the packed batch of a step.

use std::collections::BTreeMap;

use chemr_engine::{ChatMessage, PackedBatch, Tokenizer};
use chemr_tasks::{Example, Prompt, Prompts, answer_block};
use rayon::prelude::*;

use crate::error::TrainError;
use crate::phase::PhaseKind;
use crate::recipe::SupervisedSection;
use crate::seed::{Use, mix};
use crate::source::{Source, find_task};

/// One training sequence.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// Prompt tokens, as generation will see them.
    pub prompt: Vec<u32>,
    /// Completion tokens with the end token last.
    pub completion: Vec<u32>,
}

impl Row {
    fn new(tokenizer: &Tokenizer, prompt: &Prompt, completion: &str) -> Result<Row, TrainError> {
        let prompt = prompt_tokens(tokenizer, prompt)?;
        Ok(Row { prompt, completion: tokenizer.encode_completion(completion) })
    }
}

/// Tokens of prompt and completion of a row as the foundation phase trains on them: the completion that is stored with it, otherwise the
/// answer block with [`chemr_tasks::Task::reference_answer`].
///
/// # Errors
/// An unknown task, or a question that holds a control token.
pub fn supervised_tokens(
    tokenizer: &Tokenizer,
    prompts: &Prompts,
    example: &Example,
    completion: Option<&str>,
) -> Result<(Vec<u32>, Vec<u32>), TrainError> {
    let task = find_task(&example.task)?;
    let answer = || answer_block(&task.reference_answer(example));
    let completion = completion.map_or_else(answer, str::to_owned);
    let row = Row::new(tokenizer, &prompts.question(task, example), &completion)?;
    Ok((row.prompt, row.completion))
}

/// Counts of dropped rows: task, then reason.
pub(crate) type Drops = BTreeMap<String, BTreeMap<String, u64>>;

/// The data of one optimizer step.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct StepData {
    /// The packed sequences.
    pub batch: PackedBatch,
    /// Task number of each sequence.
    pub tasks: Vec<usize>,
    /// Rows that were dropped while making this step.
    pub drops: Drops,
    /// A few dropped completions, for `samples/`.
    pub dropped_samples: Vec<DroppedSample>,
}

/// A dropped trace, kept for a person to look at.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct DroppedSample {
    pub task: String,
    pub example: String,
    pub reason: String,
    pub completion: String,
}

/// Tokens of a prompt: system and user message and the start of the assistant's turn.
pub(crate) fn prompt_tokens(tokenizer: &Tokenizer, prompt: &Prompt) -> Result<Vec<u32>, TrainError> {
    let messages = [ChatMessage::system(&prompt.system), ChatMessage::user(&prompt.user)];
    tokenizer.encode_prompt(&messages).map_err(TrainError::engine("writing a prompt"))
}

/// The completion that a supervised phase trains on.
///
/// # Errors
/// The reason why there is none (teacher refused, filter dropped).
pub(crate) fn completion_text(
    phase: PhaseKind,
    source: &Source,
    task: usize,
    example: &Example,
    seed: u64,
) -> Result<String, Box<(String, String)>> {
    if phase == PhaseKind::Foundation {
        return Ok(answer_block(&source.tasks()[task].reference_answer(example)));
    }
    let trace = chemr_protocol::expert_trace(example, seed)
        .map_err(|error| Box::new(("teacher_refused".to_string(), error.to_string())))?;
    let text = trace.render();
    match chemr_protocol::filter(example, &text) {
        Ok(()) => Ok(text),
        Err(reason) => Err(Box::new((reason.to_string(), text))),
    }
}

/// Makes rows and steps of a supervised phase. Everything is a function of (recipe, phase, step).
pub(crate) struct RowMaker<'a> {
    pub source: &'a Source,
    pub tokenizer: &'a Tokenizer,
    pub phase: PhaseKind,
    pub section: &'a SupervisedSection,
    pub seed: u64,
    /// Rows of each task in a step.
    pub rows_per_task: Vec<u64>,
}

impl<'a> RowMaker<'a> {
    /// Measures the first rows of each task and fixes how many rows of each task make a step of about
    /// `batch_tokens` tokens.
    pub fn new(
        source: &'a Source,
        tokenizer: &'a Tokenizer,
        phase: PhaseKind,
        section: &'a SupervisedSection,
        shares: &[u32],
        seed: u64,
    ) -> Result<Self, TrainError> {
        const PROBE: u64 = 48;
        let shares: Vec<u64> = if shares.is_empty() {
            vec![1; source.tasks().len()]
        } else {
            shares.iter().map(|share| u64::from(*share)).collect()
        };
        if tokenizer.eos().is_none() {
            return Err(TrainError::Engine {
                context: "tokenizer".into(),
                message: "names no end-of-sequence token, so no completion could end".into(),
            });
        }
        let mut maker = Self { source, tokenizer, phase, section, seed, rows_per_task: shares.clone() };
        let mut round = 0.0;
        for (task, share) in shares.iter().enumerate() {
            let rows: Vec<_> =
                (0..PROBE).into_par_iter().map(|position| maker.row(task, position)).collect::<Result<Vec<_>, _>>()?;
            let lengths: Vec<usize> =
                rows.iter().flatten().map(|row| row.prompt.len() + row.completion.len() - 1).collect();
            if lengths.is_empty() {
                let reason = rows.iter().find_map(|row| row.as_ref().err().map(|e| e.0.clone())).unwrap_or_default();
                return Err(TrainError::Data {
                    context: format!("{phase}: {}", source.tasks()[task].id()),
                    message: format!("none of the first {PROBE} rows can be used ({reason})"),
                });
            }
            round += *share as f64 * lengths.iter().sum::<usize>() as f64 / PROBE as f64;
        }
        let rounds = ((section.batch_tokens as f64 / round).round() as u64).max(1);
        maker.rows_per_task.iter_mut().for_each(|rows| *rows *= rounds);
        Ok(maker)
    }

    /// The row at `position` of a task, or why there is none: reason and completion text.
    #[allow(clippy::type_complexity)]
    fn row(&self, task: usize, position: u64) -> Result<Result<Row, Box<(String, String)>>, TrainError> {
        let (example, stored) = self.source.row(self.phase, task, position)?;
        let seed = mix(&[self.seed, Use::Trace as u64, self.phase as u64, task as u64, position]);
        let made = stored.map_or_else(|| completion_text(self.phase, self.source, task, &example, seed), Ok);
        let text = match made {
            Ok(text) => text,
            Err(dropped) => return Ok(Err(dropped)),
        };
        let row = Row::new(self.tokenizer, &self.source.question(task, &example), &text)?;
        if row.prompt.len() + row.completion.len() > self.section.max_tokens {
            return Ok(Err(Box::new(("over_long".to_string(), text))));
        }
        Ok(Ok(row))
    }

    /// The data of step `step`, counted from 0: the next rows of every task, equal numbers (times the share), tasks
    /// interleaved.
    pub fn step(&self, step: u64) -> Result<StepData, TrainError> {
        let mut data = StepData { batch: PackedBatch::new(), ..StepData::default() };
        for (task, rows) in self.rows_per_task.iter().enumerate() {
            let id = self.source.tasks()[task].id();
            for position in step * rows..(step + 1) * rows {
                match self.row(task, position)? {
                    Ok(Row { mut prompt, completion }) => {
                        let length = prompt.len();
                        prompt.extend(completion);
                        push_row(&mut data.batch, &prompt, length, self.section.prompt_weight)?;
                        data.tasks.push(task);
                    }
                    Err(dropped) => {
                        let (reason, completion) = *dropped;
                        *data.drops.entry(id.into()).or_default().entry(reason.clone()).or_default() += 1;
                        let example = self.source.example(self.phase, task, position)?.id;
                        data.dropped_samples.push(DroppedSample { task: id.into(), example, reason, completion });
                    }
                }
            }
        }
        Ok(data)
    }
}

/// Adds a row: the loss of its completion counts once, that of its prompt, the first `prompt` tokens, `prompt_weight` times.
pub(crate) fn push_row(
    batch: &mut PackedBatch,
    tokens: &[u32],
    prompt: usize,
    prompt_weight: f32,
) -> Result<(), TrainError> {
    let mut weights = vec![prompt_weight; prompt - 1];
    weights.resize(tokens.len() - 1, 1.0);
    batch.push(tokens, &weights).map_err(TrainError::engine("packing a row"))
}
