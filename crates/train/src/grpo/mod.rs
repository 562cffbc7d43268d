//! Phase 3: GRPO over all tasks jointly (Shao et al. 2024), with the token-level mean and clip-higher of DAPO.
//!
//! An iteration draws the same number of prompts for every task, samples a group of completions for each, scores them
//! with the task's own verdict under the strict grammar, normalises the rewards inside each group, and takes a few
//! clipped steps. Groups whose rewards are all equal are counted and skipped.

mod advantage;
mod failure;
mod objective;
mod rollout;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use chemr_engine::{EngineError, PackedBatch, Tokenizer};

pub use advantage::advantages;
pub use objective::{ClipSettings, ClippedObjective, ObjectiveStats};
use rollout::{Iteration, Rollout, SampleError};

use crate::checkpoint::PhaseState;
use crate::error::TrainError;
use crate::folder::write_atomic;
use crate::learner::{Learner, Reference, Scores, Values};
use crate::metrics::rounded;
use crate::phase::{PhaseKind, RunStatus};
use crate::progress::{Pace, Update};
use crate::recipe::GrpoSection;
use crate::run::PhaseRun;
use crate::seed::{Use, mix, permute};

/// Runs GRPO from `state` to its end or to the stop flag. `reference` is the model that the phase started from; it is
/// only used when the KL term is on.
pub(crate) fn run(
    run: &PhaseRun<'_>,
    values: Values,
    mut reference: Option<Reference>,
    tokenizer: &Tokenizer,
    mut state: PhaseState,
    stop: &AtomicBool,
) -> Result<(RunStatus, PhaseState), TrainError> {
    let section = &run.recipe.grpo;
    let phase = PhaseKind::Grpo;
    let mut learner = run.learner(values, section.adamw(), &state)?;
    let mut scorer = reference.as_mut().map(Reference::scorer);
    let schedule = section.schedule();
    let before = state.seconds;
    let mut pace = Pace::new(state.step);
    let mut status = RunStatus::Finished;
    while state.step < section.steps {
        if stop.load(Ordering::Relaxed) {
            status = RunStatus::Stopped;
            break;
        }
        let step = state.step + 1;
        let rate = schedule.rate(state.step);
        let clock = Instant::now();
        let iteration = match rollout::sample(run.recipe, run.source, &learner.policy(), tokenizer, state.step) {
            Ok(iteration) => iteration,
            Err(SampleError::NotFinite(questions)) => {
                let failure = failure::sampling(run, &learner, tokenizer, &questions, rate);
                return Err(run.not_finite(&state, failure));
            }
            Err(SampleError::Other(error)) => return Err(error),
        };
        let sampled_in = clock.elapsed().as_secs_f64();
        let update = match train_on(run, section, &mut learner, scorer.as_deref_mut(), &iteration, step, rate)? {
            Ok(update) => update,
            Err(refused) => {
                let failure = failure::training(run, &learner, tokenizer, &iteration, refused, rate)?;
                return Err(run.not_finite(&state, failure));
            }
        };
        state.step = step;
        state.tokens += iteration.tokens();
        state.seconds = before + pace.seconds();
        for question in &iteration.questions {
            *state.rows.entry(run.source.tasks()[question.task].id().into()).or_default() += 1;
        }
        let tokens_per_second = pace.add(iteration.tokens());
        let mut line = iteration.line(run.source, section.group_size);
        line.insert("learning_rate".into(), rounded(f64::from(rate)));
        line.insert("grad_norm".into(), rounded(update.norm));
        line.insert("ratio_error".into(), rounded(update.mean(update.stats.ratio_error)));
        line.insert("first_ratio_error".into(), rounded(update.first_ratio_error));
        line.insert("clipped".into(), rounded(update.mean(update.stats.clipped as f64)));
        if section.kl > 0.0 {
            line.insert("kl".into(), rounded(update.mean(update.stats.kl)));
        }
        line.insert("updates".into(), update.updates.into());
        line.insert("sampling_seconds".into(), rounded(sampled_in));
        line.insert("tokens_total".into(), state.tokens.into());
        line.insert("tokens_per_second".into(), rounded(tokens_per_second));
        line.insert("seconds".into(), rounded(state.seconds));
        run.metrics.write(phase.name(), step, line)?;
        let last = step == section.steps;
        if section.samples_every > 0 && (step.is_multiple_of(section.samples_every) || last) {
            let path = run.folder.join(&format!("samples/grpo/step-{step:06}.jsonl"));
            write_atomic(&path, iteration.samples(run.source, section.group_size).as_bytes())?;
        }
        run.progress.update(&Update {
            phase: phase.name(),
            step,
            total: section.steps,
            tokens_per_second,
            seconds_left: pace.seconds_left(step, section.steps),
            message: &format!("reward {:.3} accuracy {:.3}", iteration.reward(), iteration.accuracy()),
        });
        run.checkpoint_if_due(&state, &learner, tokenizer)?;
    }
    run.checkpoint(&state, &learner, tokenizer)?;
    Ok((status, state))
}

/// What the optimizer steps of an iteration did.
#[derive(Debug, Default)]
struct IterationUpdate {
    updates: usize,
    /// Mean gradient norm before clipping.
    norm: f64,
    /// Mean |ratio - 1| of the very first mini-batch: the sampler's log-probabilities against the trainer's.
    first_ratio_error: f64,
    stats: ObjectiveStats,
}

impl IterationUpdate {
    fn mean(&self, sum: f64) -> f64 {
        sum / self.stats.tokens.max(1) as f64
    }
}

/// A step on `rollouts` that was not taken.
struct Refused<'a> {
    /// Which number is not finite.
    what: &'static str,
    loss: f64,
    rollouts: Vec<&'a Rollout>,
}

/// The optimizer steps of an iteration.
fn train_on<'a>(
    run: &PhaseRun<'_>,
    section: &GrpoSection,
    learner: &mut Learner,
    mut scorer: Option<&mut Scores<'_>>,
    iteration: &'a Iteration,
    step: u64,
    rate: f32,
) -> Result<Result<IterationUpdate, Refused<'a>>, TrainError> {
    let max_norm = section.max_norm();
    // Groups that say something, as ranges of completions; a group stays in one mini-batch, where its advantages
    // cancel.
    let groups: Vec<usize> = (0..iteration.questions.len())
        .filter(|group| iteration.rollouts[group * section.group_size].advantage.is_some())
        .collect();
    let mut update = IterationUpdate::default();
    for epoch in 0..section.epochs {
        let key = mix(&[run.recipe.run.seed, Use::MiniBatches as u64, step, epoch as u64]);
        let count = groups.len() as u64;
        let order: Vec<usize> = (0..count).map(|i| groups[permute(i, count, key) as usize]).collect();
        let size = order.len().div_ceil(section.mini_batches).max(1);
        for mini_batch in order.chunks(size) {
            let rollouts = members(section, iteration, mini_batch);
            if rollouts.is_empty() {
                // All cut off and masked: a step would move the weights by momentum and decay alone.
                continue;
            }
            let mut accumulate = |learner: &mut Learner| {
                accumulate(section, learner, scorer.as_deref_mut(), iteration, &rollouts)
                    .map_err(TrainError::engine(format!("grpo iteration {step}")))
            };
            let (loss, stats) = accumulate(learner)?;
            let norm = if loss.is_finite() { learner.step(rate, max_norm) } else { f32::NAN };
            if !norm.is_finite() {
                if loss.is_finite() {
                    // The refused step left the weights as they were and zeroed the gradients: here they are again.
                    accumulate(learner)?;
                }
                let what = if loss.is_finite() { "the gradient norm" } else { "the objective" };
                return Ok(Err(Refused { what, loss, rollouts }));
            }
            if update.updates == 0 {
                update.first_ratio_error = stats.ratio_error / stats.tokens.max(1) as f64;
            }
            update.updates += 1;
            update.norm += f64::from(norm);
            update.stats.add(&stats);
        }
    }
    update.norm /= update.updates.max(1) as f64;
    Ok(Ok(update))
}

/// Adds the gradient of a mini-batch; returns its loss. Stops at the first part whose loss is not finite.
fn accumulate(
    section: &GrpoSection,
    learner: &mut Learner,
    mut scorer: Option<&mut Scores<'_>>,
    iteration: &Iteration,
    rollouts: &[&Rollout],
) -> Result<(f64, ObjectiveStats), EngineError> {
    let settings = ClipSettings {
        clip_low: section.clip_low,
        clip_high: section.clip_high,
        kl: section.kl,
        kl_clamp: section.kl_clamp,
    };
    let denominator = rollouts.iter().map(|rollout| rollout.tokens.len()).sum::<usize>().max(1) as f32;
    let mut loss = 0.0;
    let mut stats = ObjectiveStats::default();
    for part in cut(rollouts, iteration, section.micro_tokens) {
        let (batch, old, advantage) = pack(part, iteration)?;
        let reference = match scorer.as_deref_mut() {
            Some(scorer) => Some(scorer(&batch)?.logp),
            None => None,
        };
        let objective = ClippedObjective::new(settings, denominator, &old, &advantage, reference.as_deref());
        loss += learner.accumulate(&batch, &objective)?.loss_sum;
        if !loss.is_finite() {
            break;
        }
        stats.add(&objective.stats());
    }
    Ok((loss, stats))
}

/// The completions of some groups, without those that the recipe masks.
fn members<'a>(section: &GrpoSection, iteration: &'a Iteration, groups: &[usize]) -> Vec<&'a Rollout> {
    let of = |group: &usize| group * section.group_size..(group + 1) * section.group_size;
    groups
        .iter()
        .flat_map(|group| &iteration.rollouts[of(group)])
        .filter(|rollout| !(section.mask_truncated && rollout.truncated))
        .collect()
}

/// Consecutive parts of at most `limit` tokens (at least one sequence each).
fn cut<'a, 'b>(rollouts: &'b [&'a Rollout], iteration: &Iteration, limit: usize) -> Vec<&'b [&'a Rollout]> {
    let mut parts = Vec::new();
    let (mut start, mut tokens) = (0, 0);
    for (index, rollout) in rollouts.iter().enumerate() {
        let length = iteration.questions[rollout.question].prompt.len() + rollout.tokens.len();
        if index > start && tokens + length > limit {
            parts.push(&rollouts[start..index]);
            (start, tokens) = (index, 0);
        }
        tokens += length;
    }
    if start < rollouts.len() {
        parts.push(&rollouts[start..]);
    }
    parts
}

/// Packs completions with, for each position, the sampling log-probability and the advantage.
fn pack(part: &[&Rollout], iteration: &Iteration) -> Result<(PackedBatch, Vec<f32>, Vec<f32>), EngineError> {
    let mut batch = PackedBatch::new();
    let (mut old, mut advantage) = (Vec::new(), Vec::new());
    for rollout in part {
        let prompt = &iteration.questions[rollout.question].prompt;
        batch.push_completion(prompt, &rollout.tokens)?;
        old.resize(old.len() + prompt.len() - 1, 0.0);
        old.extend_from_slice(&rollout.logps);
        advantage.resize(old.len(), rollout.advantage.unwrap_or(0.0) as f32);
    }
    Ok((batch, old, advantage))
}
