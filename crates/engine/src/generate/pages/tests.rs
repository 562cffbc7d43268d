use std::ops::ControlFlow;

use super::super::tests::{config, model};
use super::super::{Generated, Generator, StopReason};
use super::*;
use crate::rng::SplitMix64;
use crate::{Architecture, Family, Model, PackedBatch, Sampling, Scorer, set_threads};

impl Cache {
    /// Pages of its own for `positions`.
    pub(crate) fn new(config: &ModelConfig, positions: usize) -> Self {
        let mut cache = Self::default();
        PagePool::new(config).extend(&mut cache, 0, positions);
        cache
    }
}

impl Generator<'_> {
    /// Pages that the generator holds between calls; all that were ever made.
    fn pages_made(&self) -> usize {
        assert_eq!(self.pages.free.len(), self.pages.made, "pages are lost or copied past the pool");
        assert_eq!(self.cache_bytes(), self.pages.made * self.pages.length * 4);
        self.pages.made
    }
}

/// A model with positions for several pages; layers not in `full` have the window.
fn long(window: Option<usize>, full: &[usize]) -> Model {
    let mut model = model();
    model.config.max_position_embeddings = 400;
    let family = if full.is_empty() { Family::Mistral } else { Family::Qwen3 };
    if let Some(window) = window {
        model = Model::init_as(
            model.config.clone(),
            Architecture {
                sliding_window: Some(window),
                full_attention_layers: full.to_vec(),
                ..Architecture::plain(family)
            },
            4,
        )
        .unwrap();
        for value in &mut model.weights.embed {
            *value *= 12.0;
        }
    }
    model
}

fn below(random: &mut SplitMix64, bound: usize) -> usize {
    random.next_u64() as usize % bound
}

fn tokens(random: &mut SplitMix64, count: usize) -> Vec<u32> {
    (0..count).map(|_| below(random, 70) as u32).collect()
}

fn run(generator: &mut Generator<'_>, prompts: &[Vec<u32>], sampling: &Sampling) -> Vec<Generated> {
    generator.generate(prompts, sampling, &vec![7; prompts.len()]).unwrap()
}

#[test]
fn a_shared_page_is_copied_by_the_first_write_and_stays_with_the_others() {
    let config = config();
    let mut pool = PagePool::new(&config);
    let row = |seed: u64| {
        let mut random = SplitMix64::new(seed);
        (0..config.qkv_width()).map(|_| random.normal() as f32).collect::<Vec<f32>>()
    };
    let fill = |pool: &mut PagePool, cache: &mut Cache, positions: std::ops::Range<usize>, seed: u64| {
        pool.extend(cache, positions.start, positions.end);
        for position in positions {
            for layer in 0..config.num_hidden_layers {
                cache.store(&config, layer, position, &row(seed + (position * 10 + layer) as u64));
            }
        }
    };
    let holds = |cache: &Cache, positions: std::ops::Range<usize>, seed: u64| {
        for position in positions {
            for layer in 0..config.num_hidden_layers {
                let mut found = vec![0.0; config.qkv_width()];
                cache.load(&config, layer, position, &mut found);
                let expected = row(seed + (position * 10 + layer) as u64);
                assert_eq!(found[config.query_width()..], expected[config.query_width()..], "{position} {layer}");
            }
        }
    };
    let mut first = Cache::default();
    fill(&mut pool, &mut first, 0..40, 0);
    assert_eq!((first.pages.len(), pool.made), (2, 2));
    let mut members = [first.share(40), first.share(40)];
    assert_eq!(pool.made, 2, "sharing copies nothing");
    for (member, made) in members.iter_mut().zip([3, 4]) {
        fill(&mut pool, member, 40..41, 5000 * made as u64);
        // Only the page that is written; the full one stays shared.
        assert_eq!((member.pages.len(), pool.made), (2, made));
        assert!(Arc::ptr_eq(&member.pages[0], &first.pages[0]));
    }
    // Nobody else holds the last page of the first any more: it is written in place.
    fill(&mut pool, &mut first, 40..65, 900);
    assert_eq!((first.pages.len(), pool.made), (3, 5));
    holds(&first, 0..40, 0);
    holds(&first, 40..65, 900);
    for (member, seed) in members.iter().zip([15_000, 20_000]) {
        holds(member, 0..40, 0);
        holds(member, 40..41, seed);
    }
    let [second, third] = members;
    pool.give_back(first);
    assert_eq!(pool.free.len(), 2, "the page that others hold stays with them");
    holds(&second, 0..40, 0);
    pool.give_back(second);
    pool.give_back(third);
    assert_eq!((pool.free.len(), pool.made), (5, 5));
    // They are used again.
    let mut later = Cache::default();
    pool.extend(&mut later, 0, 5 * PAGE);
    assert_eq!((pool.free.len(), pool.made), (0, 5));
    pool.release_before(&mut later, 2 * PAGE + 31);
    assert_eq!((pool.free.len(), later.pages_from(2 * PAGE).len()), (2, 3));
    assert!(!later.is_whole());
    pool.release_before(&mut later, 2 * PAGE + 31);
    pool.extend(&mut later, 5 * PAGE, 5 * PAGE + 1);
    assert_eq!((pool.free.len(), later.pages_from(4 * PAGE).len(), pool.made), (1, 2, 5));
}

#[test]
fn memory_follows_what_is_shared_and_written() {
    let model = long(None, &[]);
    let prompt = tokens(&mut SplitMix64::new(1), 256);
    // New tokens but the last are stored.
    for (length, new, pages) in [(256, 21, 8 + 8), (250, 21, 7 + 2 * 8), (250, 7, 7 + 8), (250, 8, 7 + 2 * 8)] {
        let mut generator = Generator::new(&model);
        let sampling = Sampling::greedy(new, vec![]);
        let group = run(&mut generator, &vec![prompt[..length].to_vec(); 8], &sampling);
        assert!(group.iter().all(|member| *member == group[0]));
        assert_eq!(generator.pages_made(), pages, "{length} + {new}");
    }
    // Whole pages of a common beginning, then one own page each.
    let mut generator = Generator::new(&model);
    let prompts: Vec<Vec<u32>> = (0..8).map(|last| [&prompt[..200], &[last, 1, 2]].concat()).collect();
    run(&mut generator, &prompts, &Sampling::greedy(5, vec![]));
    assert_eq!(generator.pages_made(), 6 + 8);
    // A later call uses the same pages.
    run(&mut generator, &prompts[..3], &Sampling::greedy(5, vec![]));
    assert_eq!(generator.pages_made(), 6 + 8);

    // The limit of new tokens takes no memory; one that ends early gives its pages to the next.
    let mut generator = Generator::new(&model).with_batch_width(1);
    let free = run(&mut generator, &[vec![3; 5]], &Sampling::greedy(usize::MAX, vec![]));
    assert_eq!((free[0].tokens.len(), generator.pages_made()), (395, 13));
    let mut generator = Generator::new(&model).with_batch_width(1);
    let early = Sampling::greedy(usize::MAX, vec![free[0].tokens[2]]);
    assert!(run(&mut generator, &vec![vec![3; 5]; 4], &early)[3].tokens.len() <= 3);
    assert_eq!(generator.pages_made(), 1);
}

#[test]
fn pages_before_every_window_are_given_back() {
    let sampling = Sampling::greedy(300, vec![]);
    for (window, full, pages) in [(40, &[][..], 3), (1, &[], 1), (64, &[], 3), (40, &[1], 10)] {
        let model = long(Some(window), full);
        let mut generator = Generator::new(&model);
        let results = run(&mut generator, &[vec![5, 6, 7]], &sampling);
        assert!(generator.pages_made() <= pages, "window {window}: {} pages", generator.pages_made());
        assert!(full.is_empty() || generator.pages_made() == pages, "a layer looks at everything");
        let mut batch = PackedBatch::new();
        batch.push_completion(&[5, 6, 7], &results[0].tokens).unwrap();
        let scored = Scorer::new(&model).logprobs(&batch).unwrap();
        assert_eq!(results[0].tokens.len(), 300);
        for (scored, logp) in scored.logp[2..].iter().zip(&results[0].logps) {
            assert!((scored - logp).abs() < 2e-5, "{scored} {logp}");
        }
    }
}

/// Prompts of which some are equal, some begin alike and some are alone.
fn mixed_prompts(random: &mut SplitMix64, count: usize) -> Vec<Vec<u32>> {
    let beginnings: Vec<Vec<u32>> = [0, 33, 64, 120].map(|length| tokens(random, length)).to_vec();
    let mut prompts: Vec<Vec<u32>> = Vec::new();
    for _ in 0..count {
        let own = 1 + below(random, 50);
        let prompt = match (below(random, 4), prompts.is_empty()) {
            (0, false) => prompts[below(random, prompts.len())].clone(),
            // Another prompt with more behind it, or cut.
            (1, false) => {
                let mut prompt = prompts[below(random, prompts.len())].clone();
                prompt.truncate(own.max(prompt.len() / 2));
                prompt.extend(tokens(random, own));
                prompt
            }
            _ => [beginnings[below(random, 4)].clone(), tokens(random, own)].concat(),
        };
        prompts.push(prompt);
    }
    prompts
}

#[test]
fn mixes_of_prompts_give_what_each_gives_alone() {
    let mut random = SplitMix64::new(11);
    for (window, full) in [(None, &[][..]), (Some(37), &[]), (Some(50), &[0, 2])] {
        let model = long(window, full);
        for round in 0..6 {
            let count = 2 + below(&mut random, 24);
            let prompts = mixed_prompts(&mut random, count);
            let new = below(&mut random, 45);
            let sampling = Sampling::greedy(new, tokens(&mut random, round / 2));
            let alone: Vec<Generated> = prompts
                .iter()
                .map(|prompt| run(&mut Generator::new(&model), std::slice::from_ref(prompt), &sampling).remove(0))
                .collect();
            for width in [1, 2, 5, 64] {
                set_threads(1 + below(&mut random, 3));
                let mut generator = Generator::new(&model).with_batch_width(width);
                assert_eq!(run(&mut generator, &prompts, &sampling), alone, "width {width}");
                generator.pages_made();
                // The observer ends it somewhere; what is there is the beginning of the whole.
                let mut events = below(&mut random, 1 + count * new);
                let cut = generator.generate_observed(&prompts, &sampling, &vec![7; count], |_| {
                    events = events.saturating_sub(1);
                    if events == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                });
                for (cut, alone) in cut.unwrap().iter().zip(&alone) {
                    let length = cut.tokens.len();
                    assert!(length == alone.tokens.len() || cut.stop == StopReason::Cancelled);
                    assert_eq!((&cut.tokens[..], &cut.logps[..]), (&alone.tokens[..length], &alone.logps[..length]));
                }
                generator.pages_made();
            }
        }
    }
}

#[test]
fn a_failed_call_gives_its_pages_back() {
    let model = long(None, &[]);
    let mut generator = Generator::new(&model);
    let forbid = |sequence: usize, written: &[u32], mask: &mut crate::TokenMask| {
        if sequence == 2 && written.len() == 3 {
            mask.keep_only([]);
        }
    };
    let controls = super::super::Controls { constraint: Some(&forbid), ..Default::default() };
    let prompts = vec![vec![1; 70]; 4];
    let sampling = Sampling::greedy(9, vec![]);
    generator.generate_with(&prompts, &sampling, &[0; 4], controls, |_| ControlFlow::Continue(())).unwrap_err();
    assert_eq!(generator.pages_made(), 2 + 4);
}

#[test]
fn shared_prompts_have_the_log_probabilities_of_training() {
    let model = long(None, &[]);
    let mut random = SplitMix64::new(21);
    let beginning = tokens(&mut random, 150);
    let prompts: Vec<Vec<u32>> =
        (0..8).map(|index| [&beginning[..], &tokens(&mut random, 1 + 9 * (index / 2))].concat()).collect();
    let sampling = Sampling::sampled(1.0, 60, vec![]);
    let results = Generator::new(&model).generate(&prompts, &sampling, &[1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    let mut batch = PackedBatch::new();
    for (prompt, result) in prompts.iter().zip(&results) {
        batch.push_completion(prompt, &result.tokens).unwrap();
    }
    let scored = Scorer::new(&model).logprobs(&batch).unwrap();
    for (index, (prompt, result)) in prompts.iter().zip(&results).enumerate() {
        let range = batch.range(index);
        for (scored, logp) in scored.logp[range.start + prompt.len() - 1..range.end].iter().zip(&result.logps) {
            assert!((scored - logp).abs() < 1e-5, "{scored} {logp}");
        }
    }
}
