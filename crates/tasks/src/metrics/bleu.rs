//! BLEU, three tokenisations (`bleu.char`, `bleu2.whitespace`, `bleu4.whitespace`, `bleu2.wordpiece`, `bleu4.wordpiece`).
//!
//! # What it measures
//!
//! Which share of the prediction's short runs of tokens stand in the reference.
//!
//! # Definition
//!
//! Corpus BLEU with one reference (Papineni et al. 2002): numerators and denominators of the clipped precisions are added
//! over all rows, then combined with equal weights and the brevity penalty; no smoothing. As `nltk.translate.bleu_score.corpus_bleu` computes
//! it: a text shorter than `n` tokens adds 1 to the denominator of `n`; without any shared token the value is 0, and a longer run that is
//! never shared counts as the smallest normal double.
//!
//! * `bleu.char`: characters of SMILES, runs of 1 to 4.
//! * `bleu2.whitespace`, `bleu4.whitespace`: words between blanks, letter case kept, runs of 1 to 2 and of 1 to 4.
//! * `bleu2.wordpiece`, `bleu4.wordpiece`: the first 512 WordPiece tokens of a text in lower case, as `BertTokenizerFast` of `transformers` cuts them
//!   with the vocabulary that is given; `[CLS]`, `[SEP]` and `[PAD]` in a text are left out, `[UNK]` counts. Without a vocabulary they have no
//!   value. Papers take that of `allenai/scibert_scivocab_uncased`.
//!
//! # Known disagreements
//!
//! * MolT5 and its followers cut captions with the WordPiece tokenizer of SciBERT, which gives other (higher) values than words; another
//!   vocabulary gives other values again.
//! * MolT5's script cuts texts off after 512 pieces with `tokenize` of transformers 4. In transformers 5 `tokenize` takes no notice of that limit.
//! * Means of sentence BLEU are another metric; so are the smoothed variants.
//! * ChemLLMBench's values for MolT5 differ from the MolT5 paper's because of the 100 rows that it scores, not of the code.
//!
//! # Reference
//!
//! Papineni et al., *BLEU*, ACL 2002; MolT5, EMNLP 2022; nltk 3.10.4; tokens as of transformers 4.57.1 and 5.24.0.

use std::hash::Hash;

use super::text::{shared_runs, words};
use super::{Metric, Need, Pair, Statistic, Sums};

/// Longest run; [`Sums`] holds four numerators, four denominators and two lengths.
const LONGEST: usize = 4;
const PREDICTED: usize = 2 * LONGEST;
const EXPECTED: usize = 2 * LONGEST + 1;

macro_rules! bleu {
    ($name:ident, $id:literal, $title:literal, $order:literal, $needs:expr, $row:expr) => {
        pub(super) static $name: Metric = Metric {
            id: $id,
            version: 1,
            needs: $needs,
            predictions: 1,
            title: $title,
            row: $row,
            statistic: Statistic::Sums(value::<$order>),
            source: include_str!("bleu.rs"),
        };
    };
}

bleu!(CHARACTERS, "bleu.char", "BLEU (characters)", 4, &[], |pair| {
    let letters = |text: &str| text.chars().collect::<Vec<_>>();
    Some(row(&letters(pair.reference()), &letters(pair.prediction())))
});
bleu!(TWO_WORDS, "bleu2.whitespace", "BLEU-2 (words)", 2, &[], of_words);
bleu!(FOUR_WORDS, "bleu4.whitespace", "BLEU-4 (words)", 4, &[], of_words);
bleu!(TWO_PIECES, "bleu2.wordpiece", "BLEU-2 (WordPiece)", 2, &[Need::Vocabulary], of_pieces);
bleu!(FOUR_PIECES, "bleu4.wordpiece", "BLEU-4 (WordPiece)", 4, &[Need::Vocabulary], of_pieces);

fn of_words(pair: &Pair<'_>) -> Option<Sums> {
    let list = |text| words(text).collect::<Vec<_>>();
    Some(row(&list(pair.reference()), &list(pair.prediction())))
}

fn of_pieces(pair: &Pair<'_>) -> Option<Sums> {
    let [reference, prediction] = pair.pieces()?;
    Some(row(reference, prediction))
}

fn row<T: Hash + Eq>(reference: &[T], prediction: &[T]) -> Sums {
    let mut sums = Sums::default();
    for length in 1..=LONGEST {
        sums[length - 1] = shared_runs(reference, prediction, length) as f64;
        sums[LONGEST + length - 1] = (prediction.len() + 1).saturating_sub(length).max(1) as f64;
    }
    sums[PREDICTED] = prediction.len() as f64;
    sums[EXPECTED] = reference.len() as f64;
    sums
}

fn value<const ORDER: usize>(sums: &Sums) -> Option<f64> {
    if sums[LONGEST] == 0.0 {
        return None;
    }
    if sums[0] == 0.0 {
        return Some(0.0);
    }
    let precision = |run: usize| match sums[run] {
        0.0 => f64::MIN_POSITIVE,
        shared => shared / sums[LONGEST + run],
    };
    let logarithms: f64 = (0..ORDER).map(|run| precision(run).ln() / ORDER as f64).sum();
    let brevity = (1.0 - sums[EXPECTED] / sums[PREDICTED]).min(0.0);
    Some((brevity + logarithms).exp())
}
