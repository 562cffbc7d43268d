//! The foundation phase on the token shards of a prepared folder: its mixture, in the sequences that were packed, in another order each
//! epoch.

use chemr_data::prepare::{Order, Position, ShardRow, Shards};
use chemr_engine::{PackedBatch, Tokenizer};

use crate::error::TrainError;
use crate::phase::PhaseKind;
use crate::recipe::Recipe;
use crate::rows::{StepData, push_row, supervised_tokens};
use crate::seed::{Use, mix};
use crate::source::Source;

/// Sequences whose first row is compared with what the run makes of its line.
const PROBE: usize = 64;

/// Makes the steps of the foundation phase from token shards. Everything is a function of (recipe, step), so that a resumed run reads on
/// where it was.
pub(crate) struct ShardMaker<'a> {
    shards: &'a Shards,
    source: &'a Source,
    /// Longer rows are dropped, with a count.
    max_tokens: usize,
    prompt_weight: f32,
    /// Numbers of the sequences that hold a row of at most `max_tokens`.
    numbers: Vec<u64>,
    /// Rows of the shards, and how many of them are longer.
    rows: (usize, usize),
    order: Order,
    /// Sequences of a step.
    per_step: u64,
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
    /// The shards are of another tokenizer; hold a task that the run does not train, or of which every row is too long; or hold other
    /// tokens for a row than this run would make of it: of other prompts, or of another chat template.
    pub fn new(
        source: &'a Source,
        shards: &'a Shards,
        tokenizer: &Tokenizer,
        tokenizer_sha256: &str,
        recipe: &Recipe,
    ) -> Result<Self, TrainError> {
        let theirs = shards.shards().first().map(|shard| shard.tokenizer_sha256()).unwrap_or_default();
        if theirs != tokenizer_sha256 {
            return Err(refused(format!(
                "the shards are of the tokenizer {theirs}, the run's is {tokenizer_sha256}; name the folder that they were prepared with in \
                 model.from, or prepare again with --tokenizer"
            )));
        }
        let place = |id: &String| source.tasks().iter().position(|task| task.id() == id);
        let tasks: Vec<Option<usize>> = shards.tasks.iter().map(place).collect();
        let max_tokens = recipe.foundation.max_tokens;
        let (mut numbers, mut tokens) = (Vec::new(), 0usize);
        // Rows of each task, and those among them that are not too long.
        let mut rows = vec![(0usize, 0usize); tasks.len()];
        for (number, sequence) in (0u64..).zip(shards.sizes()) {
            let mut fitting = 0;
            for row in sequence {
                rows[row.task].0 += 1;
                if row.tokens <= max_tokens {
                    rows[row.task].1 += 1;
                    fitting += row.tokens;
                }
            }
            if fitting > 0 {
                numbers.push(number);
                tokens += fitting;
            }
        }
        let all: usize = rows.iter().map(|(all, _)| all).sum();
        let fitting: usize = rows.iter().map(|(_, fitting)| fitting).sum();
        let counted = (all, all - fitting);
        for ((all, fitting), (id, place)) in rows.into_iter().zip(shards.tasks.iter().zip(&tasks)) {
            if all > 0 && place.is_none() {
                return Err(refused(format!("data.tasks leaves out {id}, of which the shards hold rows")));
            }
            if all > 0 && fitting == 0 {
                return Err(refused(format!(
                    "every row of {id} has more than {max_tokens} tokens; raise foundation.max_tokens"
                )));
            }
        }
        let count = numbers.len() as u64;
        let per_step = (recipe.foundation.batch_tokens as f64 * count as f64 / tokens.max(1) as f64).round() as u64;
        let order = Order::new(count, mix(&[recipe.run.seed, Use::Rows as u64, PhaseKind::Foundation as u64]));
        let prompt_weight = recipe.foundation.prompt_weight;
        let per_step = per_step.max(1);
        let maker = Self { shards, source, max_tokens, prompt_weight, numbers, rows: counted, order, per_step, tasks };
        maker.check_rows(tokenizer)?;
        Ok(maker)
    }

    /// What a user should know of rows that are too long; sequences of such rows alone are in no step.
    pub fn note(&self) -> Option<String> {
        let (all, long) = self.rows;
        let most = self.max_tokens;
        (long > 0)
            .then(|| format!("{long} of {all} rows have more than foundation.max_tokens ({most}) and are left out"))
    }

    /// Compares rows from all over the shards with what this run would make of the same lines.
    fn check_rows(&self, tokenizer: &Tokenizer) -> Result<(), TrainError> {
        let every = self.numbers.len().div_ceil(PROBE).max(1);
        for number in self.numbers.iter().step_by(every) {
            for row in self.sequence(*number)?.into_iter().take(1) {
                let line = u64::from(row.line);
                let Some((example, completion)) = self.source.prepared_row(line)? else {
                    return Err(refused(format!("train.jsonl has no line {}, which a shard names", line + 1)));
                };
                let prompts = self.source.prompts();
                let (prompt, end) = supervised_tokens(tokenizer, prompts, &example, completion.as_deref())?;
                if prompt.len() != row.prompt || [prompt, end].concat() != row.tokens {
                    return Err(refused(format!(
                        "the shards hold other tokens for line {} of train.jsonl than this run makes of it: they were prepared with other \
                         prompts or another chat template; prepare again with --tokenizer and --prompts of this run",
                        line + 1
                    )));
                }
            }
        }
        Ok(())
    }

    fn sequence(&self, number: u64) -> Result<Vec<ShardRow>, TrainError> {
        self.shards.sequence(number).ok_or_else(|| refused(format!("sequence {number} is gone")))
    }

    /// The data of step `step`, counted from 0: the next sequences of the order.
    pub fn step(&self, step: u64) -> Result<StepData, TrainError> {
        let mut data = StepData { batch: PackedBatch::new(), ..StepData::default() };
        let count = self.numbers.len() as u64;
        for place in step * self.per_step..(step + 1) * self.per_step {
            let at = Position { epoch: place / count, next: place % count };
            let number = self.order.number(at).and_then(|number| self.numbers.get(number as usize));
            for row in self.sequence(*number.ok_or_else(|| refused("the shards hold no rows".into()))?)? {
                let Some(task) = self.tasks[row.task as usize] else { continue };
                if row.tokens.len() <= self.max_tokens {
                    push_row(&mut data.batch, &row.tokens, row.prompt, self.prompt_weight)?;
                    data.tasks.push(task);
                } else {
                    let id = self.source.tasks()[task].id().to_string();
                    *data.drops.entry(id).or_default().entry("over_long".to_string()).or_default() += 1;
                }
            }
        }
        Ok(data)
    }
}
