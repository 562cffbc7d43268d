//! The state of one call: its running sequences, what waits and what is done.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;

use super::pages::{Cache, PagePool};
use super::{Controls, Event, Generated, OPERATION, StopReason, StopStream};
use crate::EngineError;
use crate::device::Row;
use crate::kernels::simd::Isa;
use crate::sampling::{Chooser, Sampling, TokenMask};

/// Why a sequence cannot go on.
#[derive(Clone, Copy)]
enum Failure {
    NotFinite,
    NothingAllowed,
}

/// A running sequence.
pub(super) struct Sequence<'r> {
    pub index: usize,
    seed: u64,
    /// Tokens in the cache.
    pub position: usize,
    pub cache: Cache,
    most: usize,
    tokens: Vec<u32>,
    logps: Vec<f32>,
    stop: Option<StopReason>,
    failure: Option<Failure>,
    stream: Option<StopStream<'r>>,
    /// What the stream gave so far, and how much of it was reported (bytes).
    text: String,
    shown: usize,
}

impl<'r> Sequence<'r> {
    /// A sequence whose prompt has `position` tokens, and which may get `most` new ones.
    pub(super) fn new(index: usize, seed: u64, position: usize, most: usize, controls: Controls<'r>) -> Self {
        Self {
            index,
            seed,
            position,
            cache: Cache::default(),
            most,
            tokens: Vec::new(),
            logps: Vec::new(),
            stop: None,
            failure: None,
            stream: controls.stop_strings.map(|strings| strings.stream()),
            text: String::new(),
            shown: 0,
        }
    }

    pub(super) fn row(&mut self) -> Row<'_> {
        let token = self.tokens.last().copied().unwrap_or_default();
        Row { token, position: self.position, cache: &mut self.cache }
    }

    /// Appends the next token and notes whether the sequence ends with it.
    pub(super) fn choose(
        &mut self,
        (chooser, mask): &mut (Chooser, TokenMask),
        logits: &[f32],
        sampling: &Sampling,
        controls: Controls<'_>,
    ) {
        if self.most == 0 {
            self.stop = Some(self.limit_reason(sampling));
            return;
        }
        let mask = match controls.constraint {
            None => None,
            Some(constraint) => {
                mask.reset(logits.len());
                constraint.restrict(self.index, &self.tokens, mask);
                if mask.is_empty() {
                    self.failure = Some(Failure::NothingAllowed);
                    return;
                }
                Some(&*mask)
            }
        };
        let Some(choice) = chooser.choose(Isa::detect(), logits, sampling, self.seed, self.tokens.len(), mask) else {
            self.failure = Some(Failure::NotFinite);
            return;
        };
        self.tokens.push(choice.token);
        self.logps.push(choice.logp);
        if let Some(stream) = &mut self.stream {
            self.text.push_str(&stream.push(choice.token));
            if let Some(string) = stream.found() {
                self.stop = Some(StopReason::StopString(string));
                return;
            }
        }
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

    /// The result, the pages, and how much of the text was reported.
    fn finish(mut self, stop: StopReason) -> (Generated, Cache, usize) {
        let text = self.stream.take().map(|stream| {
            let (rest, found) = stream.finish();
            self.text.push_str(&rest);
            (std::mem::take(&mut self.text), found)
        });
        // The last bytes of an incomplete character can complete a stop string.
        let late = text.as_ref().and_then(|(_, found)| *found);
        let stop = late.map_or(stop, StopReason::StopString);
        let text = text.map(|(text, _)| text);
        (Generated { tokens: self.tokens, logps: self.logps, stop, text }, self.cache, self.shown)
    }
}

/// Which prompts are equal, and the logits behind a prompt while an equal one still waits.
pub(super) struct SamePrompts {
    first: Vec<usize>,
    waiting: HashMap<usize, usize>,
    pub logits: HashMap<usize, Vec<f32>>,
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

    pub(super) fn first_of(&self, index: usize) -> usize {
        self.first[index]
    }

    /// Forgets the logits when no equal prompt waits any more.
    pub(super) fn done_with(&mut self, index: usize) {
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
pub(super) struct Run<'r> {
    pub prompts: &'r [Vec<u32>],
    pub sampling: &'r Sampling,
    pub seeds: &'r [u64],
    pub controls: Controls<'r>,
    pub waiting: VecDeque<usize>,
    pub active: Vec<Sequence<'r>>,
    pub results: Vec<Option<Generated>>,
    pub same: SamePrompts,
}

impl<'r> Run<'r> {
    pub(super) fn new(
        prompts: &'r [Vec<u32>],
        sampling: &'r Sampling,
        seeds: &'r [u64],
        controls: Controls<'r>,
    ) -> Self {
        Self {
            prompts,
            sampling,
            seeds,
            controls,
            waiting: (0..prompts.len()).collect(),
            active: Vec::new(),
            results: vec![None; prompts.len()],
            same: SamePrompts::new(prompts),
        }
    }

    /// Reports the newest token of the given sequences and the text that it made certain; `None` when the observer breaks.
    pub(super) fn report_tokens(
        &mut self,
        places: std::ops::Range<usize>,
        observe: &mut impl FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Option<()> {
        for sequence in &mut self.active[places] {
            let index = sequence.index;
            if let Some(token) = sequence.tokens.last()
                && observe(Event::Token { sequence: index, token: *token }).is_break()
            {
                return None;
            }
            let new = &sequence.text[sequence.shown..];
            if !new.is_empty() {
                let flow = observe(Event::Text { sequence: index, text: new });
                sequence.shown = sequence.text.len();
                if flow.is_break() {
                    return None;
                }
            }
        }
        Some(())
    }

    pub(super) fn cancel(&mut self) {
        self.waiting.clear();
        for sequence in &mut self.active {
            sequence.stop.get_or_insert(StopReason::Cancelled);
        }
    }

    /// The error of the first sequence that cannot go on.
    pub(super) fn check_failures(&self) -> Result<(), EngineError> {
        let failed = self.active.iter().filter_map(|sequence| Some((sequence, sequence.failure?)));
        let Some((sequence, failure)) = failed.min_by_key(|(sequence, _)| sequence.index) else {
            return Ok(());
        };
        let place = format!("prompt {} behind {} new tokens", sequence.index, sequence.tokens.len());
        Err(match failure {
            Failure::NotFinite => {
                EngineError::NotFinite { operation: OPERATION, what: format!("the logits of {place}") }
            }
            Failure::NothingAllowed => {
                let reason = format!("the constraint allows no token for {place}; its mask is empty");
                EngineError::batch(OPERATION, reason)
            }
        })
    }

    /// Moves finished sequences to the results; returns their numbers in order, each with how much of its text was
    /// reported (bytes).
    pub(super) fn take_finished(&mut self, pages: &mut PagePool) -> Vec<(usize, usize)> {
        let mut finished = Vec::new();
        let mut place = 0;
        while place < self.active.len() {
            let Some(stop) = self.active[place].stop else {
                place += 1;
                continue;
            };
            let sequence = self.active.swap_remove(place);
            let index = sequence.index;
            let (result, cache, shown) = sequence.finish(stop);
            pages.give_back(cache);
            finished.push((index, shown));
            self.results[index] = Some(result);
        }
        finished.sort_unstable();
        finished
    }

    pub(super) fn into_results(self) -> Vec<Generated> {
        self.results.into_iter().map(|result| result.unwrap_or_else(Generated::cancelled)).collect()
    }
}
