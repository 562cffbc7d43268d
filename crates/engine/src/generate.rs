//! Generation: many prompts at once, each with its own cache, place and random numbers.
//!
//! Up to [`DEFAULT_BATCH_WIDTH`] sequences run side by side; one that ends leaves at once and a waiting prompt takes its
//! place, so that the batch stays full. Equal prompts (a GRPO group) are computed once and their caches copied. A sequence
//! is a function of the model, its prompt, the sampling and its seed: neither the other prompts, nor the width, nor the
//! number of threads change a bit of it.
//!
//! Small models run different sequences on different threads without any synchronisation inside a step; large ones share
//! every matrix product, so that weights are read once.

mod attention;
mod decoder;

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use crate::sampling::{Chooser, Sampling};
use crate::{EngineError, Model, pool};
use decoder::{Cache, Decoder, Row, Workspace};

/// Sequences that run side by side unless [`Generator::with_batch_width`] says otherwise.
pub const DEFAULT_BATCH_WIDTH: usize = 64;
/// Below this many parameters each thread takes whole sequences: its weights stay in the processor's cache.
const SMALL_MODEL: usize = 8 << 20;
/// Fewest sequences that are worth a thread of their own.
const SEQUENCES_EACH: usize = 4;
/// Share of the width that must be free before waiting prompts are let in (they are cheaper together).
const ADMIT_SHARE: usize = 8;
const OPERATION: &str = "generate";

/// Why a sequence ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// A stop token was written; it is the last of [`Generated::tokens`].
    StopToken(u32),
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
}

/// What an observer of [`Generator::generate_observed`] sees.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// Sequence `sequence` got a token.
    Token { sequence: usize, token: u32 },
    /// Sequence `sequence` is complete.
    Finished { sequence: usize, result: &'a Generated },
}

/// Generates with packed weights and reused buffers.
pub struct Generator<'a> {
    decoder: Decoder<'a>,
    width: usize,
    spaces: Vec<Mutex<Workspace>>,
    choosers: Vec<Mutex<Chooser>>,
    free: Vec<Cache>,
}

/// A running sequence.
struct Sequence {
    index: usize,
    seed: u64,
    /// Tokens in the cache.
    position: usize,
    cache: Cache,
    most: usize,
    tokens: Vec<u32>,
    logps: Vec<f32>,
    stop: Option<StopReason>,
    failed: bool,
}

impl<'a> Generator<'a> {
    /// Packs the weights of `model`.
    pub fn new(model: &'a Model) -> Self {
        Self {
            decoder: Decoder::new(model),
            width: DEFAULT_BATCH_WIDTH,
            spaces: Vec::new(),
            choosers: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Sets how many sequences run side by side (at least 1). Results do not depend on it; memory and speed do.
    #[must_use]
    pub fn with_batch_width(mut self, width: usize) -> Self {
        self.width = width.max(1);
        self
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
        mut observe: impl FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Vec<Generated>, EngineError> {
        self.check(prompts, sampling, seeds)?;
        let positions = self.decoder.model.config.max_position_embeddings;
        let capacity = |prompt: &Vec<u32>| prompt.len().saturating_add(sampling.max_new_tokens).min(positions);
        let capacity = prompts.iter().map(capacity).max().unwrap_or(0);
        self.decoder.cover(capacity);
        self.free.retain(|cache| cache.capacity() >= capacity);
        let threads = pool::threads();
        self.spaces.resize_with(threads.max(self.spaces.len()), Mutex::default);
        self.choosers.resize_with(threads.max(self.choosers.len()), Mutex::default);

        let mut run = Run {
            prompts,
            sampling,
            seeds,
            capacity,
            waiting: (0..prompts.len()).collect(),
            active: Vec::new(),
            results: vec![None; prompts.len()],
            same: SamePrompts::new(prompts),
        };
        loop {
            let free = self.width - run.active.len();
            let enough = (self.width / ADMIT_SHARE).max(1).min(run.waiting.len());
            let before = run.active.len();
            if !run.waiting.is_empty() && (run.active.is_empty() || free >= enough) {
                self.admit(&mut run, free);
                run.report_tokens(before..run.active.len(), &mut observe)
            } else if run.active.is_empty() {
                break;
            } else {
                self.step(&mut run);
                run.report_tokens(0..before, &mut observe)
            }
            .unwrap_or_else(|| run.cancel());
            run.check_numbers()?;
            let finished = run.take_finished(&mut self.free);
            for sequence in finished {
                if let Some(result) = &run.results[sequence]
                    && observe(Event::Finished { sequence, result }).is_break()
                {
                    run.cancel();
                }
            }
        }
        Ok(run.into_results())
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
            Event::Finished { .. } => ControlFlow::Continue(()),
        })?;
        let nothing = Generated { tokens: Vec::new(), logps: Vec::new(), stop: StopReason::Cancelled };
        Ok(results.into_iter().next().unwrap_or(nothing))
    }

    fn check(&self, prompts: &[Vec<u32>], sampling: &Sampling, seeds: &[u64]) -> Result<(), EngineError> {
        sampling.validate()?;
        let config = &self.decoder.model.config;
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

    /// Lets waiting prompts in: computes each new one, copies the others, and chooses their first tokens.
    fn admit(&mut self, run: &mut Run<'_>, free: usize) {
        let config = &self.decoder.model.config;
        let first = run.active.len();
        for index in run.waiting.drain(..free.min(run.waiting.len())) {
            let length = run.prompts[index].len();
            let cache = self.free.pop().unwrap_or_else(|| Cache::new(config, run.capacity));
            run.active.push(Sequence {
                index,
                seed: run.seeds[index],
                position: length,
                cache,
                most: run.sampling.max_new_tokens.min(config.max_position_embeddings - length),
                tokens: Vec::new(),
                logps: Vec::new(),
                stop: None,
                failed: false,
            });
        }
        let (running, new) = run.active.split_at_mut(first);
        // The first of equal prompts is computed unless one is already running; the others copy it.
        let mut sources: HashMap<usize, usize> = HashMap::new();
        for (place, sequence) in running.iter().enumerate() {
            sources.insert(run.same.first_of(sequence.index), place);
        }
        let mut compute = Vec::new();
        let mut copy = Vec::new();
        for (offset, sequence) in new.iter().enumerate() {
            let prompt = run.same.first_of(sequence.index);
            match sources.get(&prompt) {
                Some(source) if run.same.logits.contains_key(&prompt) => copy.push((first + offset, *source)),
                _ => {
                    sources.insert(prompt, first + offset);
                    run.same.logits.insert(prompt, Vec::new());
                    compute.push(offset);
                }
            }
        }
        let (decoder, spaces, prompts) = (&self.decoder, &self.spaces, run.prompts);
        let mut chosen = compute.iter().copied().peekable();
        let jobs: Vec<Mutex<(&mut Sequence, Vec<f32>)>> = new
            .iter_mut()
            .enumerate()
            .filter(|(offset, _)| chosen.next_if_eq(offset).is_some())
            .map(|(_, sequence)| Mutex::new((sequence, Vec::new())))
            .collect();
        let prefill = |worker: usize, job: &Mutex<(&mut Sequence, Vec<f32>)>| {
            let (mut job, mut space) = (lock(job), lock(&spaces[worker]));
            let sequence = &mut *job.0;
            decoder.prefill(&prompts[sequence.index], &mut sequence.cache, &mut space);
            job.1 = space.logits[..decoder.model.config.vocab_size].to_vec();
        };
        match jobs.as_slice() {
            // One prompt alone: its matrix products are shared among the threads.
            [job] => prefill(0, job),
            jobs => pool::run(spaces.len(), jobs.len(), &|worker, task| prefill(worker, &jobs[task])),
        }
        for job in jobs {
            let (sequence, logits) = job.into_inner().unwrap_or_else(PoisonError::into_inner);
            run.same.logits.insert(run.same.first_of(sequence.index), logits);
        }
        for (target, source) in copy {
            let (low, high) = run.active.split_at_mut(target);
            let positions = high[0].position;
            high[0].cache.copy_from(&low[source].cache, config, positions);
        }
        let mut chooser = lock(&self.choosers[0]);
        for sequence in &mut run.active[first..] {
            if let Some(logits) = run.same.logits.get(&run.same.first_of(sequence.index)) {
                sequence.choose(&mut chooser, &self.decoder, logits, run.sampling);
            }
            run.same.done_with(sequence.index);
        }
    }

    /// One token for every running sequence.
    fn step(&mut self, run: &mut Run<'_>) {
        let rows = run.active.len();
        let threads = self.spaces.len().min(pool::threads());
        let small = self.decoder.model.config.parameter_count() <= SMALL_MODEL;
        let blocks = if small { threads.min(rows / SEQUENCES_EACH).max(1) } else { 1 };
        let (decoder, sampling) = (&self.decoder, run.sampling);
        let work = |worker: usize, block: &mut [Sequence]| {
            let (mut space, mut chooser) = (lock(&self.spaces[worker]), lock(&self.choosers[worker]));
            let mut batch: Vec<Row<'_>> = block.iter_mut().map(Sequence::row).collect();
            decoder.step(&mut batch, &mut space);
            let vocab = decoder.model.config.vocab_size;
            for (sequence, logits) in block.iter_mut().zip(space.logits.chunks_exact(vocab)) {
                sequence.position += 1;
                sequence.choose(&mut chooser, decoder, logits, sampling);
            }
        };
        if blocks == 1 {
            work(0, &mut run.active);
            return;
        }
        let each = rows.div_ceil(blocks);
        let blocks: Vec<Mutex<&mut [Sequence]>> = run.active.chunks_mut(each).map(Mutex::new).collect();
        pool::run(threads, blocks.len(), &|worker, task| work(worker, &mut lock(&blocks[task])));
    }
}

/// A lock that only one thread ever wants: it lets tasks own their part without unsafe code.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sequence {
    fn row(&mut self) -> Row<'_> {
        let token = self.tokens.last().copied().unwrap_or_default();
        Row { token, position: self.position, cache: &mut self.cache }
    }

    /// Appends the next token and notes whether the sequence ends with it.
    fn choose(&mut self, chooser: &mut Chooser, decoder: &Decoder<'_>, logits: &[f32], sampling: &Sampling) {
        if self.most == 0 {
            self.stop = Some(self.limit_reason(sampling));
            return;
        }
        let Some(choice) = chooser.choose(decoder.isa, logits, sampling, self.seed, self.tokens.len()) else {
            self.failed = true;
            return;
        };
        self.tokens.push(choice.token);
        self.logps.push(choice.logp);
        if sampling.stop_tokens.contains(&choice.token) {
            self.stop = Some(StopReason::StopToken(choice.token));
        } else if self.tokens.len() >= self.most {
            self.stop = Some(self.limit_reason(sampling));
        }
    }

    fn limit_reason(&self, sampling: &Sampling) -> StopReason {
        match self.most < sampling.max_new_tokens {
            true => StopReason::MaxPositions,
            false => StopReason::MaxNewTokens,
        }
    }
}

/// Which prompts are equal, and the logits behind a prompt while an equal one still waits.
struct SamePrompts {
    first: Vec<usize>,
    waiting: HashMap<usize, usize>,
    logits: HashMap<usize, Vec<f32>>,
}

impl SamePrompts {
    fn new(prompts: &[Vec<u32>]) -> Self {
        let mut known: HashMap<&[u32], usize> = HashMap::new();
        let mut waiting: HashMap<usize, usize> = HashMap::new();
        let mut first = Vec::with_capacity(prompts.len());
        for (index, prompt) in prompts.iter().enumerate() {
            let place = *known.entry(prompt.as_slice()).or_insert(index);
            *waiting.entry(place).or_default() += 1;
            first.push(place);
        }
        Self { first, waiting, logits: HashMap::new() }
    }

    fn first_of(&self, index: usize) -> usize {
        self.first[index]
    }

    /// Forgets the logits when no equal prompt waits any more.
    fn done_with(&mut self, index: usize) {
        let prompt = self.first[index];
        if let Some(count) = self.waiting.get_mut(&prompt) {
            *count -= 1;
            if *count == 0 {
                self.logits.remove(&prompt);
            }
        }
    }
}

/// The state of one call.
struct Run<'r> {
    prompts: &'r [Vec<u32>],
    sampling: &'r Sampling,
    seeds: &'r [u64],
    capacity: usize,
    waiting: VecDeque<usize>,
    active: Vec<Sequence>,
    results: Vec<Option<Generated>>,
    same: SamePrompts,
}

impl Run<'_> {
    /// Reports the newest token of the given sequences; `None` when the observer breaks.
    fn report_tokens(
        &self,
        places: std::ops::Range<usize>,
        observe: &mut impl FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Option<()> {
        for sequence in &self.active[places] {
            if let Some(token) = sequence.tokens.last()
                && observe(Event::Token { sequence: sequence.index, token: *token }).is_break()
            {
                return None;
            }
        }
        Some(())
    }

    fn cancel(&mut self) {
        self.waiting.clear();
        for sequence in &mut self.active {
            sequence.stop.get_or_insert(StopReason::Cancelled);
        }
    }

    fn check_numbers(&self) -> Result<(), EngineError> {
        match self.active.iter().filter(|sequence| sequence.failed).min_by_key(|sequence| sequence.index) {
            None => Ok(()),
            Some(sequence) => Err(EngineError::NotFinite {
                operation: OPERATION,
                what: format!("the logits of prompt {} behind {} new tokens", sequence.index, sequence.tokens.len()),
            }),
        }
    }

    /// Moves finished sequences to the results and returns their numbers in order.
    fn take_finished(&mut self, free: &mut Vec<Cache>) -> Vec<usize> {
        let mut finished = Vec::new();
        let mut place = 0;
        while place < self.active.len() {
            let Some(stop) = self.active[place].stop else {
                place += 1;
                continue;
            };
            let sequence = self.active.swap_remove(place);
            free.push(sequence.cache);
            finished.push(sequence.index);
            self.results[sequence.index] = Some(Generated { tokens: sequence.tokens, logps: sequence.logps, stop });
        }
        finished.sort_unstable();
        finished
    }

    fn into_results(self) -> Vec<Generated> {
        let cancelled = || Generated { tokens: Vec::new(), logps: Vec::new(), stop: StopReason::Cancelled };
        self.results.into_iter().map(|result| result.unwrap_or_else(cancelled)).collect()
    }
}

#[cfg(test)]
mod tests;
