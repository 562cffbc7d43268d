//! METEOR, over words and over pieces, with and without synonyms (`meteor`, `meteor.wordnet`, `meteor.wordpiece`, `meteor.wordpiece.wordnet`).
//!
//! # What it measures
//!
//! How well the words of the prediction can be laid over those of the reference, in order.
//!
//! # Definition
//!
//! Tokens in lower case. First equal tokens are matched, then tokens with equal Porter stems, each from the end of the
//! prediction, with the last free token of the reference; with synonyms, a third stage matches what is left with the last free token that is among the
//! synonyms of the predicted one in WordNet. With `P` and `R` the matched shares of prediction and reference, `F = P R / (0.9 P + 0.1 R)`; `c`
//! is the number of stretches that are matched in one piece; the score of a row is `F (1 - 0.5 (c / matches)^3)`. The mean over all
//! rows. As `nltk.translate.meteor_score` computes it.
//!
//! * `meteor`: words between blanks, without synonyms: as nltk when WordNet knows none.
//! * `meteor.wordnet`: words between blanks, with synonyms: nltk's default. As there, the third stage looks up the *stems* that the second one leaves,
//!   takes base forms by WordNet's lists and endings, and single words only. Without the files of WordNet it has no value.
//! * `meteor.wordpiece`, `meteor.wordpiece.wordnet`: the same over the WordPiece tokens of `bleu2.wordpiece`; without a vocabulary they have no value.
//!
//! # Known disagreements
//!
//! * MolT5 and its followers print `meteor.wordpiece.wordnet`, with the vocabulary of SciBERT and WordNet 3.0; synonyms add little to captions of
//!   molecules. The first version of MolT5's script gave nltk whole texts, which it then read as lists of characters.
//! * Other versions of WordNet know other synonyms.
//! * The Java program weighs stages differently and has other parameters.
//!
//! # Reference
//!
//! Banerjee and Lavie, *METEOR*, 2005; nltk 3.10.4 (`alpha` 0.9, `beta` 3, `gamma` 0.5, Porter stemmer with nltk's extensions).

use std::collections::HashMap;

use super::stem::stem;
use super::text::words;
use super::{Metric, Need, Pair, Statistic, Sums, WordNet, mean, mean_row};

macro_rules! meteor {
    ($name:ident, $id:literal, $title:literal, $needs:expr, $row:expr) => {
        pub(super) static $name: Metric = Metric {
            id: $id,
            version: 1,
            needs: $needs,
            predictions: 1,
            title: $title,
            row: $row,
            statistic: Statistic::Sums(mean),
            source: include_str!("meteor.rs"),
        };
    };
}

meteor!(WORDS, "meteor", "METEOR (exact, stem)", &[], |pair| row(&words_of(pair), None));
meteor!(WORDS_WORDNET, "meteor.wordnet", "METEOR (with synonyms)", &[Need::WordNet], |pair| {
    row(&words_of(pair), Some(pair.wordnet()?))
});
meteor!(PIECES, "meteor.wordpiece", "METEOR (WordPiece)", &[Need::Vocabulary], |pair| row(pair.pieces()?, None));
meteor!(
    PIECES_WORDNET,
    "meteor.wordpiece.wordnet",
    "METEOR (WordPiece, synonyms)",
    &[Need::Vocabulary, Need::WordNet],
    |pair| row(pair.pieces()?, Some(pair.wordnet()?))
);

const ALPHA: f64 = 0.9;
const BETA: i32 = 3;
const GAMMA: f64 = 0.5;

fn words_of<'a>(pair: &'a Pair<'_>) -> [Vec<&'a str>; 2] {
    [pair.reference(), pair.prediction()].map(|text| words(text).collect())
}

fn row<T: AsRef<str>>(texts: &[Vec<T>; 2], wordnet: Option<&WordNet>) -> Option<Sums> {
    Some(mean_row(score(texts, wordnet)))
}

/// A token and its place in the text.
type Placed = (usize, String);

fn score<T: AsRef<str>>([reference, prediction]: &[Vec<T>; 2], wordnet: Option<&WordNet>) -> f64 {
    let placed = |tokens: &[T]| -> Vec<Placed> {
        tokens.iter().map(|token| token.as_ref().to_lowercase()).enumerate().collect()
    };
    let (mut expected, mut given) = (placed(reference), placed(prediction));
    let mut matches = take_matches(&mut given, &mut expected, None);
    for (_, token) in given.iter_mut().chain(&mut expected) {
        *token = stem(token);
    }
    matches.extend(take_matches(&mut given, &mut expected, None));
    if wordnet.is_some() {
        matches.extend(take_matches(&mut given, &mut expected, wordnet));
    }
    if matches.is_empty() {
        return 0.0;
    }
    matches.sort_unstable();
    let count = matches.len() as f64;
    let (precision, recall) = (count / prediction.len() as f64, count / reference.len() as f64);
    let mean = precision * recall / (ALPHA * precision + (1.0 - ALPHA) * recall);
    let broken = |pair: &&[(usize, usize)]| pair[1] != (pair[0].0 + 1, pair[0].1 + 1);
    let chunks = 1 + matches.windows(2).filter(broken).count();
    (1.0 - GAMMA * (chunks as f64 / count).powi(BETA)) * mean
}

/// Takes out pairs of equal tokens, with WordNet also of synonyms: each given one, from the last, with the last expected one that is left.
fn take_matches(given: &mut Vec<Placed>, expected: &mut Vec<Placed>, wordnet: Option<&WordNet>) -> Vec<(usize, usize)> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, token) in expected.iter() {
        places.entry(token).or_default().push(*place);
    }
    let mut matches = Vec::new();
    for (place, token) in given.iter().rev() {
        let synonyms = wordnet.into_iter().flat_map(|wordnet| wordnet.synonyms(token));
        let same = std::iter::once(token.as_str()).chain(synonyms);
        let last = same.filter_map(|word| Some((*places.get(word)?.last()?, word))).max();
        if let Some((_, word)) = last
            && let Some(other) = places.get_mut(word).and_then(Vec::pop)
        {
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
