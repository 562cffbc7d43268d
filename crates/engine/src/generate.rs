//! Generation: many prompts at once, each with its own cache, place and random numbers.
//!
//! Up to [`DEFAULT_BATCH_WIDTH`] sequences run side by side; one that ends leaves at once and a waiting prompt takes its
//! place, so that the batch stays full. Equal prompts (a GRPO group) and common beginnings of prompts (a system message)
//! are computed once; keys and values lie in pages that sequences share until one writes. A sequence is a function of the
//! model, its prompt, the sampling and its seed: neither the other prompts, nor the width, nor the number of threads change
//! a bit of it.
//!
//! Small models run different sequences on different threads without any synchronisation inside a step; large ones share
//! every matrix product, so that weights are read once.

mod admit;
pub(crate) mod pages;
mod run;
mod stop;

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Mutex;

use crate::device::cpu::decoder::Decoder;
use crate::device::{Decoding, Row};
use crate::pool::lock;
use crate::sampling::{Chooser, Sampling, TokenMask};
use crate::{EngineError, InferenceModel, Model, Precision, pool};
use pages::PagePool;
use run::{Run, Sequence};

pub use stop::{StopStream, StopStrings};

/// Sequences that run side by side unless [`Generator::with_batch_width`] says otherwise.
pub const DEFAULT_BATCH_WIDTH: usize = 64;
/// Below this many parameters each thread takes whole sequences: its weights stay in the processor's cache.
const SMALL_MODEL: usize = 8 << 20;
/// Fewest sequences that are worth a thread of their own.
const SEQUENCES_EACH: usize = 4;
/// Share of the width that must be free before waiting prompts are let in (they are cheaper together).
const ADMIT_SHARE: usize = 8;
/// Tasks of one thread when tokens are chosen for all sequences: more than one, as threads differ.
const CHOICES_EACH_THREAD: usize = 4;
const OPERATION: &str = "generate";

/// Why a sequence ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// A stop token was written; it is the last of [`Generated::tokens`].
    StopToken(u32),
    /// The text contains a stop string, the one of this number in [`StopStrings::strings`]; [`Generated::text`] ends before
    /// it.
    StopString(usize),
    /// `max_new_tokens` were written.
    MaxNewTokens,
    /// The model has no further position.
    MaxPositions,
    /// The observer asked to end.
    Cancelled,
}

/// One generated sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// New tokens, the stop token included.
    pub tokens: Vec<u32>,
    /// Log-probability of each new token under the model's own distribution: at temperature 1 and with nothing filtered,
    /// whatever the sampling was. These are the values that [`crate::Scorer::logprobs`] gives for the same sequence.
    pub logps: Vec<f32>,
    /// Why it ended.
    pub stop: StopReason,
    /// The new text, without control tokens and cut before the stop string; only with [`Controls::stop_strings`].
    pub text: Option<String>,
}

/// Restricts the tokens that a sequence may be continued with.
///
/// Called before every token of every sequence, possibly from several threads at once. `sequence` is the number of its prompt
/// and `written` are its new tokens so far; the mask comes with every token allowed. A sequence stays a function of its own
/// prompt, sampling and seed as long as the restriction is one of `sequence` and `written`.
///
/// Stop tokens are restricted like any other: a mask that never allows them never lets the sequence end by itself.
pub trait Constraint: Sync {
    /// Forbids tokens in `mask`; leaving none is an error of the call.
    fn restrict(&self, sequence: usize, written: &[u32], mask: &mut TokenMask);
}

impl<F: Fn(usize, &[u32], &mut TokenMask) + Sync> Constraint for F {
    fn restrict(&self, sequence: usize, written: &[u32], mask: &mut TokenMask) {
        self(sequence, written, mask);
    }
}

/// What else shapes the sequences of [`Generator::generate_with`]; by default nothing.
#[derive(Clone, Copy, Default)]
pub struct Controls<'c> {
    /// Ends a sequence when its text contains one of these, and gives the text of every sequence (also with no strings).
    pub stop_strings: Option<&'c StopStrings>,
    /// Restricts the tokens. Reported log-probabilities stay those of the model's own distribution over all tokens.
    pub constraint: Option<&'c dyn Constraint>,
}

/// What an observer of [`Generator::generate_observed`] sees.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// Sequence `sequence` got a token.
    Token { sequence: usize, token: u32 },
    /// More text of sequence `sequence` is certain; only with [`Controls::stop_strings`]. It never holds a part of a stop
    /// string, and all the pieces together are [`Generated::text`].
    Text { sequence: usize, text: &'a str },
    /// Sequence `sequence` is complete.
    Finished { sequence: usize, result: &'a Generated },
}

impl Generated {
    /// What a sequence is that never ran.
    fn cancelled() -> Self {
        Self { tokens: Vec::new(), logps: Vec::new(), stop: StopReason::Cancelled, text: None }
    }
}

/// Generates with packed weights and reused buffers.
pub struct Generator<'a> {
    device: Box<dyn Decoding + 'a>,
    width: usize,
    choosers: Vec<Mutex<(Chooser, TokenMask)>>,
    pages: PagePool,
}

impl<'a> Generator<'a> {
    /// Packs the weights of `model` at full precision.
    pub fn new(model: &'a Model) -> Self {
        Self::with(Cow::Owned(InferenceModel::new(model, Precision::Single)))
    }

    /// Generates with a model that was packed before.
    pub fn packed(model: &'a InferenceModel<'a>) -> Self {
        Self::with(Cow::Borrowed(model))
    }

    fn with(model: Cow<'a, InferenceModel<'a>>) -> Self {
        let pages = PagePool::new(model.config());
        Self { device: Box::new(Decoder::new(model)), width: DEFAULT_BATCH_WIDTH, choosers: Vec::new(), pages }
    }

    /// Sets how many sequences run side by side (at least 1). Results do not depend on it; memory and speed do.
    #[must_use]
    pub fn with_batch_width(mut self, width: usize) -> Self {
        self.width = width.max(1);
        self
    }

    /// Bytes of keys and values that the generator holds for its next call: as many as its sequences needed at once so far.
    pub fn cache_bytes(&self) -> usize {
        self.pages.free_bytes()
    }

    /// Continues every prompt; `seeds` has one entry for each. Results in the order of the prompts.
    ///
    /// # Errors
    /// [`EngineError::Batch`] for an empty prompt, one longer than the model's positions, or sampling out of range;
    /// [`EngineError::Token`] for an unknown id; [`EngineError::NotFinite`] when the model computes no number.
    pub fn generate(
        &mut self,
        prompts: &[Vec<u32>],
        sampling: &Sampling,
        seeds: &[u64],
    ) -> Result<Vec<Generated>, EngineError> {
        self.generate_observed(prompts, sampling, seeds, |_| ControlFlow::Continue(()))
    }

    /// As [`generate`](Self::generate), and calls `observe` for every token and every finished sequence. When it breaks,
    /// what is unfinished is returned as it is, with [`StopReason::Cancelled`].
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn generate_observed(
        &mut self,
        prompts: &[Vec<u32>],
        sampling: &Sampling,
        seeds: &[u64],
        observe: impl FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Vec<Generated>, EngineError> {
        self.generate_with(prompts, sampling, seeds, Controls::default(), observe)
    }

    /// As [`generate_observed`](Self::generate_observed), with stop strings and a constraint.
    ///
    /// # Errors
    /// As [`generate`](Self::generate), and [`EngineError::Batch`] when the constraint allows no token.
    pub fn generate_with(
        &mut self,
        prompts: &[Vec<u32>],
        sampling: &Sampling,
        seeds: &[u64],
        controls: Controls<'_>,
        mut observe: impl FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Vec<Generated>, EngineError> {
        self.check(prompts, sampling, seeds)?;
        let positions = self.device.config().max_position_embeddings;
        let capacity = |prompt: &Vec<u32>| prompt.len().saturating_add(sampling.max_new_tokens).min(positions);
        let capacity = prompts.iter().map(capacity).max().unwrap_or(0);
        let threads = pool::threads();
        self.device.prepare(capacity, threads);
        self.choosers.resize_with(threads.max(self.choosers.len()), Mutex::default);

        let mut run = Run::new(prompts, sampling, seeds, controls);
        let outcome = self.drive(&mut run, &mut observe);
        for sequence in run.active.drain(..) {
            self.pages.give_back(sequence.cache);
        }
        outcome.map(|()| run.into_results())
    }

    /// Runs until nothing waits and nothing is active, or a sequence cannot go on.
    fn drive(
        &mut self,
        run: &mut Run<'_>,
        observe: &mut impl FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        loop {
            let free = self.width - run.active.len();
            let enough = (self.width / ADMIT_SHARE).max(1).min(run.waiting.len());
            let before = run.active.len();
            if !run.waiting.is_empty() && (run.active.is_empty() || free >= enough) {
                self.admit(run, free);
                run.report_tokens(before..run.active.len(), observe)
            } else if run.active.is_empty() {
                return Ok(());
            } else {
                self.step(run);
                run.report_tokens(0..before, observe)
            }
            .unwrap_or_else(|| run.cancel());
            run.check_failures()?;
            let finished = run.take_finished(&mut self.pages);
            for (sequence, shown) in finished {
                let Some(result) = &run.results[sequence] else { continue };
                let rest = result.text.as_deref().and_then(|text| text.get(shown..)).filter(|rest| !rest.is_empty());
                let text = rest.map(|text| Event::Text { sequence, text });
                if text.into_iter().chain([Event::Finished { sequence, result }]).any(|event| observe(event).is_break())
                {
                    run.cancel();
                }
            }
        }
    }

    /// Continues one prompt and calls `token` with each new token as it comes.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn generate_streaming(
        &mut self,
        prompt: &[u32],
        sampling: &Sampling,
        seed: u64,
        mut token: impl FnMut(u32) -> ControlFlow<()>,
    ) -> Result<Generated, EngineError> {
        let results = self.generate_observed(&[prompt.to_vec()], sampling, &[seed], |event| match event {
            Event::Token { token: new, .. } => token(new),
            Event::Text { .. } | Event::Finished { .. } => ControlFlow::Continue(()),
        })?;
        Ok(results.into_iter().next().unwrap_or_else(Generated::cancelled))
    }

    /// Continues one prompt and calls `text` with each piece of new text as it becomes certain (see [`Event::Text`]).
    ///
    /// # Errors
    /// As [`generate_with`](Self::generate_with).
    pub fn generate_text(
        &mut self,
        prompt: &[u32],
        sampling: &Sampling,
        seed: u64,
        stop_strings: &StopStrings,
        constraint: Option<&dyn Constraint>,
        mut text: impl FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generated, EngineError> {
        let controls = Controls { stop_strings: Some(stop_strings), constraint };
        let results = self.generate_with(&[prompt.to_vec()], sampling, &[seed], controls, |event| match event {
            // Also without new text the caller may want to end.
            Event::Token { .. } => text(""),
            Event::Text { text: piece, .. } => text(piece),
            Event::Finished { .. } => ControlFlow::Continue(()),
        })?;
        Ok(results.into_iter().next().unwrap_or_else(Generated::cancelled))
    }

    fn check(&self, prompts: &[Vec<u32>], sampling: &Sampling, seeds: &[u64]) -> Result<(), EngineError> {
        sampling.validate()?;
        let config = self.device.config();
        if seeds.len() != prompts.len() {
            let reason = format!("{} prompts but {} seeds", prompts.len(), seeds.len());
            return Err(EngineError::batch(OPERATION, reason));
        }
        for (index, prompt) in prompts.iter().enumerate() {
            if prompt.is_empty() {
                return Err(EngineError::batch(
                    OPERATION,
                    format!("prompt {index} is empty; it needs at least one token"),
                ));
            }
            if prompt.len() > config.max_position_embeddings {
                let reason = format!(
                    "prompt {index} has {} tokens, the model has max_position_embeddings = {}",
                    prompt.len(),
                    config.max_position_embeddings
                );
                return Err(EngineError::batch(OPERATION, reason));
            }
            if let Some(position) = prompt.iter().position(|token| *token as usize >= config.vocab_size) {
                return Err(EngineError::Token {
                    operation: OPERATION,
                    token: prompt[position],
                    position,
                    vocab_size: config.vocab_size,
                });
            }
        }
        Ok(())
    }

    /// One token for every running sequence.
    fn step(&mut self, run: &mut Run<'_>) {
        let rows = run.active.len();
        let threads = self.choosers.len().min(pool::threads());
        let small = self.device.config().parameter_count() <= SMALL_MODEL;
        let blocks = if small { threads.min(rows / SEQUENCES_EACH).max(1) } else { 1 };
        for sequence in &mut run.active {
            let position = sequence.position;
            self.pages.release_before(&mut sequence.cache, self.device.oldest_seen(position));
            self.pages.extend(&mut sequence.cache, position, position + 1);
        }
        let (device, sampling, controls) = (&self.device, run.sampling, run.controls);
        let vocab = device.config().vocab_size;
        let step = |worker: usize, block: &mut [Sequence<'_>]| {
            device.step(worker, &mut block.iter_mut().map(Sequence::row).collect::<Vec<Row<'_>>>());
        };
        let choose = |worker: usize, block: &mut [Sequence<'_>], logits: &[f32]| {
            let mut chooser = lock(&self.choosers[worker]);
            for (sequence, logits) in block.iter_mut().zip(logits.chunks_exact(vocab)) {
                sequence.position += 1;
                sequence.choose(&mut chooser, logits, sampling, controls);
            }
        };
        if blocks == 1 {
            step(0, &mut run.active);
            device.logits(0, rows, &mut |logits| {
                let each = rows.div_ceil(CHOICES_EACH_THREAD * threads);
                let blocks = cut(&mut run.active, each);
                pool::run(threads, blocks.len(), &|worker, task| {
                    choose(worker, &mut lock(&blocks[task]), &logits[task * each * vocab..]);
                });
            });
            return;
        }
        let blocks = cut(&mut run.active, rows.div_ceil(blocks));
        pool::run(threads, blocks.len(), &|worker, task| {
            let mut block = lock(&blocks[task]);
            step(worker, &mut block);
            device.logits(worker, block.len(), &mut |logits| choose(worker, &mut block, logits));
        });
    }
}

/// Blocks of `each` sequences, for one task each.
fn cut<'s, 'r>(active: &'s mut [Sequence<'r>], each: usize) -> Vec<Mutex<&'s mut [Sequence<'r>]>> {
    active.chunks_mut(each).map(Mutex::new).collect()
}

#[cfg(test)]
mod control_tests;
#[cfg(test)]
pub(crate) mod tests;
