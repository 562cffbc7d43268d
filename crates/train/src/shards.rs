//! The foundation phase on the token shards of a prepared folder: its mixture, in the sequences that were packed, in another order each
//! epoch.

use chemr_data::prepare::{Order, Position, ShardRow, Shards};
use chemr_engine::{PackedBatch, Tokenizer};

use crate::error::TrainError;
use crate::phase::PhaseKind;
use crate::recipe::{Recipe, SupervisedSection};
use crate::rows::{DroppedSample, StepData, push_row, supervised_tokens};
use crate::seed::{Use, mix};
use crate::source::Source;

/// Makes the steps of the foundation phase from token shards. Everything is a function of (recipe, step), so that a resumed run reads on
/// where it was.
pub(crate) struct ShardMaker<'a> {
    shards: &'a Shards,
    source: &'a Source,
    tokenizer: &'a Tokenizer,
    section: &'a SupervisedSection,
    order: Order,
    /// Sequences of a step.
    sequences: u64,
    /// For each task that the shards name, its place in [`Source::tasks`]; `None` for tasks of other splits alone.
    tasks: Vec<Option<usize>>,
}

fn refused(message: String) -> TrainError {
    TrainError::Data { context: "data.shards".into(), message }
}

impl<'a> ShardMaker<'a> {
    /// Fixes how many sequences make a step of about `batch_tokens` tokens. `tokenizer_sha256` is that of the run's `tokenizer.json`.
    ///
    /// # Errors
    /// The shards are of another tokenizer, hold a task that the run does not train, or hold other tokens for a row than this run would
    /// make of it: of other prompts, or of another chat template.
    pub fn new(
        source: &'a Source,
        shards: &'a Shards,
        tokenizer: &'a Tokenizer,
        tokenizer_sha256: &str,
        recipe: &'a Recipe,
    ) -> Result<Self, TrainError> {
        let section = &recipe.foundation;
        let theirs = shards.shards().first().map(|shard| shard.tokenizer_sha256()).unwrap_or_default();
        if theirs != tokenizer_sha256 {
            return Err(refused(format!(
                "the shards are of the tokenizer {theirs}, the run's is {tokenizer_sha256}; name the folder that they were prepared with in \
                 model.from, or prepare again with --tokenizer"
            )));
        }
        let place = |id: &String| source.tasks().iter().position(|task| task.id() == id);
        let tasks: Vec<Option<usize>> = shards.tasks.iter().map(place).collect();
        if let Some(task) = shards.tasks_with_rows().into_iter().find(|task| tasks[*task].is_none()) {
            let id = &shards.tasks[task];
            return Err(refused(format!("data.tasks leaves out {id}, of which the shards hold rows")));
        }
        let (count, tokens) = (shards.sequences(), shards.tokens());
        let per_step = (section.batch_tokens as f64 * count as f64 / tokens.max(1) as f64).round() as u64;
        let order = Order::new(count, mix(&[recipe.run.seed, Use::Rows as u64, PhaseKind::Foundation as u64]));
        let maker = Self { shards, source, tokenizer, section, order, sequences: per_step.max(1), tasks };
        maker.check_rows()?;
        Ok(maker)
    }

    /// Compares rows from all over the shards with what this run would make of the same lines.
    fn check_rows(&self) -> Result<(), TrainError> {
        const PROBE: u64 = 48;
        let (count, mut fitting) = (self.shards.sequences(), 0usize);
        for probe in 0..PROBE.min(count) {
            for row in self.sequence(probe * count / PROBE.min(count))?.iter().take(2) {
                let line = u64::from(row.line);
                let Some((example, completion)) = self.source.prepared_row(line)? else {
                    return Err(refused(format!("train.jsonl has no line {}, which a shard names", line + 1)));
                };
                let prompts = self.source.prompts();
                let (prompt, end) = supervised_tokens(self.tokenizer, prompts, &example, completion.as_deref())?;
                if prompt.len() != row.prompt || [prompt, end].concat() != row.tokens {
                    return Err(refused(format!(
                        "the shards hold other tokens for line {} of train.jsonl than this run makes of it: they were prepared with other \
                         prompts or another chat template; prepare again with --tokenizer and --prompts of this run",
                        line + 1
                    )));
                }
                fitting += usize::from(self.fits(row));
            }
        }
        if fitting == 0 {
            let most = self.section.max_tokens;
            return Err(refused(format!(
                "none of the rows looked at has at most foundation.max_tokens ({most}) tokens"
            )));
        }
        Ok(())
    }

    fn sequence(&self, number: u64) -> Result<Vec<ShardRow>, TrainError> {
        self.shards.sequence(number).ok_or_else(|| refused(format!("sequence {number} is gone")))
    }

    fn fits(&self, row: &ShardRow) -> bool {
        row.tokens.len() <= self.section.max_tokens
    }

    /// The data of step `step`, counted from 0: the next sequences of the order.
    pub fn step(&self, step: u64) -> Result<StepData, TrainError> {
        let mut data = StepData { batch: PackedBatch::new(), ..StepData::default() };
        let count = self.shards.sequences();
        for place in step * self.sequences..(step + 1) * self.sequences {
            let at = Position { epoch: place / count, next: place % count };
            let number = self.order.number(at).ok_or_else(|| refused("the shards hold no sequence".into()))?;
            for row in self.sequence(number)? {
                let Some(task) = self.tasks[row.task as usize] else { continue };
                if self.fits(&row) {
                    push_row(&mut data.batch, &row.tokens, row.prompt, self.section.prompt_weight)?;
                    data.tasks.push(task);
                } else {
                    self.drop_row(&mut data, task, &row)?;
                }
            }
        }
        Ok(data)
    }

    fn drop_row(&self, data: &mut StepData, task: usize, row: &ShardRow) -> Result<(), TrainError> {
        let task = self.source.tasks()[task].id().to_string();
        let reason = "over_long".to_string();
        let completion = self.tokenizer.decode(&row.tokens[row.prompt..]);
        *data.drops.entry(task.clone()).or_default().entry(reason.clone()).or_default() += 1;
        let example = format!("train.jsonl, line {}", row.line + 1);
        data.dropped_samples.push(DroppedSample { task, example, reason, completion });
        Ok(())
    }
}
