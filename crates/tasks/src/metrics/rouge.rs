//! ROUGE-1, ROUGE-2 and ROUGE-L (`rouge1`, `rouge2`, `rougeL`).
//!
//! # What it measures
//!
//! The words, pairs of words, or the longest sequence of words (not necessarily adjacent) that prediction and reference share.
//!
//! # Definition
//!
//! The F-measure of precision and recall of each row; the mean over all rows. Words are the runs of `a` to `z` and `0` to `9` of the
//! text in lower case; no stemming; ROUGE-L over the whole text as one sentence. As `rouge_score.RougeScorer(use_stemmer=False)`
//! computes it.
//!
//! # Known disagreements
//!
//! * With stemming, or with the tokenizer of the Perl script, values are higher.
//! * `rougeLsum`, which splits at line ends, equals `rougeL` for captions of one line.
//!
//! # Reference
//!
//! Lin, *ROUGE*, 2004; MolT5, EMNLP 2022; rouge-score 0.1.2.

use super::text::shared_runs;
use super::{Metric, Pair, Statistic, Sums, mean, mean_row, ratio};

macro_rules! rouge {
    ($name:ident, $id:literal, $title:literal, $shared:expr, $run:literal) => {
        pub(super) static $name: Metric = Metric {
            id: $id,
            version: 1,
            needs: &[],
            predictions: 1,
            title: $title,
            row: |pair| Some(f_measure(pair, $run, $shared)),
            statistic: Statistic::Sums(mean),
            source: include_str!("rouge.rs"),
        };
    };
}

rouge!(ONE, "rouge1", "ROUGE-1", |reference, prediction| shared_runs(reference, prediction, 1), 1);
rouge!(TWO, "rouge2", "ROUGE-2", |reference, prediction| shared_runs(reference, prediction, 2), 2);
rouge!(LONGEST, "rougeL", "ROUGE-L", longest_common, 1);

type Shared = fn(&[String], &[String]) -> usize;

fn f_measure(pair: &Pair<'_>, run: usize, shared: Shared) -> Sums {
    let (reference, prediction) = (tokens(pair.reference()), tokens(pair.prediction()));
    let shared = shared(&reference, &prediction) as f64;
    let share = |list: &[String]| ratio(shared, (list.len() + 1).saturating_sub(run) as f64).unwrap_or(0.0);
    let (precision, recall) = (share(&prediction), share(&reference));
    mean_row(ratio(2.0 * precision * recall, precision + recall).unwrap_or(0.0))
}

fn tokens(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    lower
        .split(|letter: char| !letter.is_ascii_lowercase() && !letter.is_ascii_digit())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Length of the longest common subsequence: one row of the table at a time.
fn longest_common(reference: &[String], prediction: &[String]) -> usize {
    let mut row = vec![0; reference.len() + 1];
    for word in prediction {
        let mut diagonal = 0;
        for (index, other) in reference.iter().enumerate() {
            let longest = if word == other { diagonal + 1 } else { row[index].max(row[index + 1]) };
            diagonal = std::mem::replace(&mut row[index + 1], longest);
        }
    }
    row[reference.len()]
}
