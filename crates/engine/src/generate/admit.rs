//! Lets waiting prompts in: each prompt is computed once, and what it has in common with another is not computed again.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::Generator;
use super::pages::{Cache, PAGE};
use super::run::{Run, Sequence};
use crate::pool::{self, lock};

/// A prompt to compute.
struct Prefill {
    /// Its place among the active sequences, and whose first positions it takes over.
    place: usize,
    source: Option<Source>,
    /// Prompts of one round are computed side by side, behind the rounds that hold their sources.
    round: usize,
}

/// The sequence at a place, and how many of its positions are shared (whole pages).
#[derive(Clone, Copy)]
struct Source {
    place: usize,
    positions: usize,
}

/// A [`Prefill`] while it runs.
struct Job {
    place: usize,
    cache: Cache,
    logits: Vec<f32>,
}

impl Generator<'_> {
    /// Lets up to `free` waiting prompts in and chooses their first tokens.
    pub(super) fn admit(&mut self, run: &mut Run<'_>, free: usize) {
        let positions = self.device.config().max_position_embeddings;
        let first = run.active.len();
        for index in run.waiting.drain(..free.min(run.waiting.len())) {
            let length = run.prompts[index].len();
            let most = run.sampling.max_new_tokens.min(positions - length);
            run.active.push(Sequence::new(index, run.seeds[index], length, most, run.controls));
        }
        let (plan, copies) = plan(run, first);
        for round in 0..=plan.iter().map(|prefill| prefill.round).max().unwrap_or(0) {
            self.compute(run, plan.iter().filter(|prefill| prefill.round == round));
        }
        for (target, source) in copies {
            run.active[target].cache = run.active[source].cache.share(run.active[target].position);
        }
        let controls = run.controls;
        let mut chooser = lock(&self.choosers[0]);
        for sequence in &mut run.active[first..] {
            if let Some(logits) = run.same.logits.get(&run.same.first_of(sequence.index)) {
                sequence.choose(&mut chooser, logits, run.sampling, controls);
            }
            run.same.done_with(sequence.index);
        }
    }

    /// Computes prompts whose sources are complete.
    fn compute<'p>(&mut self, run: &mut Run<'_>, plan: impl Iterator<Item = &'p Prefill>) {
        let mut jobs = Vec::new();
        for Prefill { place, source, .. } in plan {
            let shared = source.map(|source| run.active[source.place].cache.share(source.positions));
            let mut cache = shared.unwrap_or_default();
            let computed = cache.computed();
            self.pages.extend(&mut cache, computed, run.active[*place].position);
            jobs.push(Mutex::new(Job { place: *place, cache, logits: Vec::new() }));
        }
        let (device, prompts, active) = (&self.device, run.prompts, &run.active);
        let prefill = |worker: usize, job: &Mutex<Job>| {
            let mut job = lock(job);
            let prompt = &prompts[active[job.place].index];
            job.logits = device.prefill(worker, prompt, &mut job.cache);
        };
        match jobs.as_slice() {
            // One prompt alone: its matrix products are shared among the threads.
            [job] => prefill(0, job),
            jobs => pool::run(self.choosers.len(), jobs.len(), &|worker, task| prefill(worker, &jobs[task])),
        }
        for job in jobs {
            let Job { place, cache, logits } = job.into_inner().unwrap_or_else(PoisonError::into_inner);
            let sequence = &mut run.active[place];
            sequence.cache = cache;
            run.same.logits.insert(run.same.first_of(sequence.index), logits);
        }
    }
}

/// What is computed for the sequences from place `first` on, and which of them are equal to another: pairs of target and
/// source.
fn plan(run: &Run<'_>, first: usize) -> (Vec<Prefill>, Vec<(usize, usize)>) {
    // Where each prompt is found, and all places with the first round that can share from them.
    let mut known: HashMap<usize, usize> = HashMap::new();
    let mut sources: Vec<(usize, usize)> = Vec::new();
    for (place, sequence) in run.active[..first].iter().enumerate() {
        if sequence.cache.is_whole() && known.insert(run.same.first_of(sequence.index), place).is_none() {
            sources.push((place, 0));
        }
    }
    let (mut plan, mut copies) = (Vec::new(), Vec::new());
    for (place, sequence) in run.active.iter().enumerate().skip(first) {
        let prompt = run.same.first_of(sequence.index);
        if let Some(source) = known.get(&prompt) {
            copies.push((place, *source));
            continue;
        }
        let tokens = &run.prompts[sequence.index];
        let common = |(source, round): &(usize, usize)| {
            let other = &run.prompts[run.active[*source].index];
            let equal = tokens.iter().zip(other).take_while(|(a, b)| a == b).count();
            // The last token is always computed: its logits are wanted.
            let positions = equal.min(tokens.len() - 1) / PAGE * PAGE;
            (positions > 0).then_some((Source { place: *source, positions }, *round))
        };
        let found = sources.iter().filter_map(common);
        let best = found.min_by_key(|(source, round)| (Reverse(source.positions), *round));
        let round = best.map_or(0, |(_, round)| round);
        plan.push(Prefill { place, source: best.map(|(source, _)| source), round });
        known.insert(prompt, place);
        sources.push((place, round + 1));
    }
    (plan, copies)
}
