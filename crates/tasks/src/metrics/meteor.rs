//! METEOR, exact and stem stages (`meteor`).
//!
//! # What it measures
//!
//! How well the words of the prediction can be laid over those of the reference, in order.
//!
//! # Definition
//!
//! Words between blanks, in lower case. First equal words are matched, then words with equal Porter stems, each from the end of the
//! prediction, with the last free word of the reference. With `P` and `R` the matched shares of prediction and reference, `F = P R / (0.9 P + 0.1 R)`; `c`
//! is the number of stretches that are matched in one piece; the score of a row is `F (1 - 0.5 (c / matches)^3)`. The mean over all
//! rows. As `nltk.translate.meteor_score` computes it when WordNet knows no synonyms.
//!
//! # Known disagreements
//!
//! * nltk's default also matches WordNet synonyms, a third stage that needs the WordNet files; it adds little to captions of molecules.
//! * MolT5 and its followers cut texts with the WordPiece tokenizer of SciBERT.
//! * The Java program weighs stages differently and has other parameters.
//!
//! # Reference
//!
//! Banerjee and Lavie, *METEOR*, 2005; nltk 3.10.4 (`alpha` 0.9, `beta` 3, `gamma` 0.5, Porter stemmer with nltk's extensions).

use std::collections::HashMap;

use super::stem::stem;
use super::text::words;
use super::{Metric, mean, mean_row};

pub(super) static METEOR: Metric = Metric {
    id: "meteor",
    version: 1,
    is_judged: false,
    predictions: 1,
    title: "METEOR (exact, stem)",
    row: |pair| Some(mean_row(score(pair.reference(), pair.prediction()))),
    value: mean,
    source: include_str!("meteor.rs"),
};

const ALPHA: f64 = 0.9;
const BETA: i32 = 3;
const GAMMA: f64 = 0.5;

fn score(reference: &str, prediction: &str) -> f64 {
    let numbered = |text: &str| words(text).map(str::to_lowercase).enumerate().collect::<Vec<_>>();
    let (mut expected, mut given) = (numbered(reference), numbered(prediction));
    let (expected_words, given_words) = (expected.len() as f64, given.len() as f64);
    let mut matches = take_matches(&mut given, &mut expected);
    for (_, word) in given.iter_mut().chain(&mut expected) {
        *word = stem(word);
    }
    matches.extend(take_matches(&mut given, &mut expected));
    if matches.is_empty() {
        return 0.0;
    }
    matches.sort_unstable();
    let count = matches.len() as f64;
    let (precision, recall) = (count / given_words, count / expected_words);
    let mean = precision * recall / (ALPHA * precision + (1.0 - ALPHA) * recall);
    let broken = |pair: &&[(usize, usize)]| pair[1] != (pair[0].0 + 1, pair[0].1 + 1);
    let chunks = 1 + matches.windows(2).filter(broken).count();
    (1.0 - GAMMA * (chunks as f64 / count).powi(BETA)) * mean
}

/// Takes out equal words: each given one, from the last, with the last expected one that is left.
fn take_matches(given: &mut Vec<(usize, String)>, expected: &mut Vec<(usize, String)>) -> Vec<(usize, usize)> {
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, word) in expected.iter() {
        places.entry(word.clone()).or_default().push(*place);
    }
    let mut matches = Vec::new();
    for (place, word) in given.iter().rev() {
        if let Some(other) = places.get_mut(word).and_then(Vec::pop) {
            matches.push((*place, other));
        }
    }
    let (mut from, mut to): (Vec<usize>, Vec<usize>) = matches.iter().copied().unzip();
    from.sort_unstable();
    to.sort_unstable();
    given.retain(|(place, _)| from.binary_search(place).is_err());
    expected.retain(|(place, _)| to.binary_search(place).is_err());
    matches
}
