//! Foundation and distillation: next-token training on completions.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use chemr_engine::{Objective, TokenLoss, Tokenizer};
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use crate::ahead::Ahead;
use crate::checkpoint::PhaseState;
use crate::error::TrainError;
use crate::failure::{Failure, floats, sequences};
use crate::folder::write_json;
use crate::learner::{Learner, Values};
use crate::metrics::rounded;
use crate::phase::{PhaseKind, RunStatus};
use crate::progress::{Pace, Update};
use crate::recipe::SupervisedSection;
use crate::rows::{DroppedSample, RowMaker, StepData};
use crate::run::PhaseRun;
use crate::shards::ShardMaker;

/// Dropped traces kept in `samples/` for a person to look at, per phase.
const KEPT_DROPS: usize = 40;

/// Cross-entropy that also notes each token's log-probability, so that the loss can be told by task.
struct NotedCrossEntropy {
    denominator: f32,
    logp: Vec<AtomicU32>,
}

impl NotedCrossEntropy {
    fn new(denominator: f64, positions: usize) -> Self {
        Self { denominator: denominator as f32, logp: (0..positions).map(|_| AtomicU32::new(0)).collect() }
    }

    /// Mean loss per supervised token of each task.
    fn by_task(&self, data: &StepData, tasks: usize) -> Vec<Option<f64>> {
        let mut sums = vec![(0.0f64, 0usize); tasks];
        for (sequence, task) in data.tasks.iter().enumerate() {
            for position in data.batch.range(sequence) {
                if data.batch.weights[position] == 1.0 {
                    sums[*task].0 -= f64::from(f32::from_bits(self.logp[position].load(Ordering::Relaxed)));
                    sums[*task].1 += 1;
                }
            }
        }
        sums.into_iter().map(|(sum, count)| (count > 0).then(|| sum / count as f64)).collect()
    }
}

impl Objective for NotedCrossEntropy {
    fn token(&self, position: usize, logp: f32, _entropy: f32) -> TokenLoss {
        // Every position is written by one thread once, so the order of the threads does not show.
        self.logp[position].store(logp.to_bits(), Ordering::Relaxed);
        TokenLoss { loss: -logp / self.denominator, dlogp: -1.0 / self.denominator }
    }
}

/// Runs a supervised phase from `state` to its end or to the stop flag.
pub(crate) fn run(
    run: &PhaseRun<'_>,
    section: &SupervisedSection,
    values: Values,
    tokenizer: &Tokenizer,
    mut state: PhaseState,
    stop: &AtomicBool,
) -> Result<(RunStatus, PhaseState), TrainError> {
    let phase = state.phase;
    let mut learner = run.learner(values, section.adamw(), &state)?;
    let make = step_maker(run, section, tokenizer, phase)?;
    let (schedule, max_norm) = (section.schedule(), section.max_norm());
    let before = state.seconds;
    let mut pace = Pace::new(state.step);
    let mut window = Window::new(run.source.tasks().len());
    let drops_file = run.folder.join("samples/distill-dropped.json");
    // After an interruption the list goes on; it is for people to read, no result depends on it.
    let mut drops_seen: Vec<DroppedSample> = if state.step > 0 { read_drops(&drops_file) } else { Vec::new() };
    let status = std::thread::scope(|scope| {
        let block = run.recipe.data.block_steps as u64;
        let mut ahead = Ahead::start(scope, state.step, section.steps, block, |first, count| {
            (first..first + count).into_par_iter().map(&make).collect()
        });
        while state.step < section.steps {
            if stop.load(Ordering::Relaxed) {
                return Ok(RunStatus::Stopped);
            }
            let Some(data) = ahead.next()? else { break };
            let rate = schedule.rate(state.step);
            let step = state.step + 1;
            let objective = NotedCrossEntropy::new(data.batch.weight_sum().max(1.0), data.batch.len());
            let accumulate = |learner: &mut Learner| {
                let context = format!("{phase} step {step}");
                learner.accumulate(&data.batch, &objective).map_err(TrainError::engine(context))
            };
            let stats = accumulate(&mut learner)?;
            let finite_loss = stats.loss_sum.is_finite();
            let norm = if finite_loss { learner.step(rate, max_norm) } else { f32::NAN };
            if !norm.is_finite() {
                if finite_loss {
                    // The refused step left the weights as they were and zeroed the gradients: here they are again.
                    accumulate(&mut learner)?;
                }
                let failure = Failure {
                    what: if finite_loss { "the gradient norm" } else { "the loss" },
                    learning_rate: rate,
                    loss: Some(stats.loss_sum),
                    tensors: learner.not_finite(),
                    sequences: failed_sequences(run, tokenizer, &data, &objective),
                };
                return Err(run.not_finite(&state, failure));
            }
            state.step = step;
            state.tokens += data.batch.len() as u64;
            state.seconds = before + pace.seconds();
            count_rows(&mut state, run, &data);
            if drops_seen.len() < KEPT_DROPS {
                drops_seen.extend(data.dropped_samples.iter().take(KEPT_DROPS - drops_seen.len()).cloned());
            }
            let tokens_per_second = pace.add(data.batch.len() as u64);
            window.add(&stats, norm, &data, &objective.by_task(&data, run.source.tasks().len()));
            let message = format!("loss {:.3}", window.loss());
            let last = step == section.steps;
            if step.is_multiple_of(run.recipe.run.log_every.max(1)) || last {
                let mut line = window.line(run);
                line.insert("learning_rate".into(), rounded(f64::from(rate)));
                line.insert("tokens_total".into(), state.tokens.into());
                line.insert("tokens_per_second".into(), rounded(tokens_per_second));
                line.insert("seconds".into(), rounded(state.seconds));
                run.metrics.write(phase.name(), step, line)?;
                window = Window::new(run.source.tasks().len());
            }
            run.progress.update(&Update {
                phase: phase.name(),
                step,
                total: section.steps,
                tokens_per_second,
                seconds_left: pace.seconds_left(step, section.steps),
                message: &message,
            });
            run.checkpoint_if_due(&state, &learner, tokenizer)?;
        }
        Ok(RunStatus::Finished)
    })?;
    run.checkpoint(&state, &learner, tokenizer)?;
    if phase == PhaseKind::Distill {
        write_json(
            &drops_file,
            &json!({
                "dropped": state.dropped, "rows": state.rows, "examples": drops_seen,
            }),
        )?;
    }
    Ok((status, state))
}

/// Makes the data of a step by its number, counted from 0.
type StepMaker<'a> = Box<dyn Fn(u64) -> Result<StepData, TrainError> + Send + Sync + 'a>;

fn step_maker<'a>(
    run: &'a PhaseRun<'_>,
    section: &'a SupervisedSection,
    tokenizer: &'a Tokenizer,
    phase: PhaseKind,
) -> Result<StepMaker<'a>, TrainError> {
    let recipe = run.recipe;
    match run.source.shards().filter(|_| phase == PhaseKind::Foundation) {
        Some(shards) => {
            let maker = ShardMaker::new(run.source, shards, tokenizer, &run.tokenizer_sha256()?, recipe)?;
            if let Some(note) = maker.note() {
                run.progress.message(&note);
            }
            Ok(Box::new(move |step| maker.step(step)))
        }
        None => {
            let maker = RowMaker::new(run.source, tokenizer, phase, section, &recipe.data.shares, recipe.run.seed)?;
            Ok(Box::new(move |step| maker.step(step)))
        }
    }
}

/// The batch of a step that failed, with each position's log-probability.
fn failed_sequences(
    run: &PhaseRun<'_>,
    tokenizer: &Tokenizer,
    data: &StepData,
    objective: &NotedCrossEntropy,
) -> Vec<Value> {
    sequences(&data.batch, tokenizer, |sequence, positions| {
        let logp: Vec<f32> =
            objective.logp[positions].iter().map(|bits| f32::from_bits(bits.load(Ordering::Relaxed))).collect();
        let task = data.tasks.get(sequence).map(|task| run.source.tasks()[*task].id());
        Map::from_iter([("task".into(), json!(task)), ("logp".into(), floats(&logp))])
    })
}

/// Dropped traces that an earlier part of the run kept.
fn read_drops(path: &Path) -> Vec<DroppedSample> {
    #[derive(serde::Deserialize)]
    struct Kept {
        examples: Vec<DroppedSample>,
    }
    let text = std::fs::read_to_string(path).unwrap_or_default();
    serde_json::from_str::<Kept>(&text).map(|kept| kept.examples).unwrap_or_default()
}

fn count_rows(state: &mut PhaseState, run: &PhaseRun<'_>, data: &StepData) {
    for task in &data.tasks {
        *state.rows.entry(run.source.tasks()[*task].id().into()).or_default() += 1;
    }
    for (task, reasons) in &data.drops {
        for (reason, count) in reasons {
            *state.dropped.entry(task.clone()).or_default().entry(reason.clone()).or_default() += count;
        }
    }
}

/// Sums since the last metrics line.
struct Window {
    steps: usize,
    loss: f64,
    norm: f64,
    entropy: f64,
    supervised: usize,
    tokens: usize,
    by_task: Vec<(f64, usize)>,
}

impl Window {
    fn new(tasks: usize) -> Self {
        Self { steps: 0, loss: 0.0, norm: 0.0, entropy: 0.0, supervised: 0, tokens: 0, by_task: vec![(0.0, 0); tasks] }
    }

    fn add(&mut self, stats: &chemr_engine::StepStats, norm: f32, data: &StepData, by_task: &[Option<f64>]) {
        self.steps += 1;
        self.loss += stats.loss_sum;
        self.norm += f64::from(norm);
        self.entropy += stats.entropy_sum;
        self.supervised += stats.tokens;
        self.tokens += data.batch.len();
        for (sum, loss) in self.by_task.iter_mut().zip(by_task) {
            if let Some(loss) = loss {
                sum.0 += loss;
                sum.1 += 1;
            }
        }
    }

    fn loss(&self) -> f64 {
        self.loss / self.steps.max(1) as f64
    }

    fn line(&self, run: &PhaseRun<'_>) -> Map<String, Value> {
        let mut line = Map::new();
        line.insert("loss".into(), rounded(self.loss()));
        line.insert("grad_norm".into(), rounded(self.norm / self.steps.max(1) as f64));
        line.insert("entropy".into(), rounded(self.entropy / self.supervised.max(1) as f64));
        line.insert("tokens_per_step".into(), rounded(self.tokens as f64 / self.steps.max(1) as f64));
        let losses = run.source.task_ids().into_iter().zip(&self.by_task);
        let losses: Map<String, Value> = losses
            .filter(|(_, (_, count))| *count > 0)
            .map(|(id, (sum, count))| (id.to_string(), json!({"loss": rounded(sum / *count as f64)})))
            .collect();
        line.insert("tasks".into(), losses.into());
        line
    }
}
