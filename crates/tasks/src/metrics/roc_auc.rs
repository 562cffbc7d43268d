//! Area under the ROC curve (`roc_auc`).
//!
//! # What it measures
//!
//! How well a probability orders the rows: how often a positive row has a higher one than a negative row. 0.5 is what guessing gives.
//!
//! # Definition
//!
//! The share of pairs of a positive and a negative row in which the positive one has the higher probability, ties counted as half
//! (Mann and Whitney's U over the product of the classes' sizes). Over all rows with a yes/no reference and a number in the column
//! `probability` beside the prediction: the probability of `Yes`, or anything that grows with it. Not defined when one class does
//! not occur. A row on its own has no value.
//!
//! # Known disagreements
//!
//! * It is never computed from labels: a column that holds nothing but 0 and 1 counts as none. ChemLLMBench's "AUC-ROC" comes from labels, and
//!   is `balanced_accuracy`.
//! * Rows without a number are left out; read `n` beside it.
//! * MoleculeNet means over the tasks of Tox21 and SIDER; here each task has its own value.
//!
//! # Reference
//!
//! Hanley and McNeil, Radiology 1982, 143, 29; Wu et al., *MoleculeNet*, Chem. Sci. 2018, 9, 513; scikit-learn 1.9.1 (`roc_auc_score`).

use super::{Metric, Need, Statistic, Sums, labels, ratio, yes_no};

pub(super) static ROC_AUC: Metric = Metric {
    id: "roc_auc",
    version: 1,
    needs: &[Need::Probability],
    predictions: 1,
    title: "ROC-AUC",
    row: |pair| {
        let mut sums = Sums::default();
        sums[PROBABILITY] = pair.probability()?;
        sums[LABEL] = yes_no(labels::spelt(pair.reference())?);
        Some(sums)
    },
    statistic: Statistic::Ranks(area),
    source: include_str!("roc_auc.rs"),
};

/// [`Statistic::Ranks`] orders by the first place.
const PROBABILITY: usize = 0;
const LABEL: usize = 1;

fn area(ranked: &[(&Sums, f64)]) -> Option<f64> {
    let (mut positives, mut negatives, mut won) = (0.0, 0.0, 0.0);
    for tied in ranked.chunk_by(|(left, _), (right, _)| left[PROBABILITY] == right[PROBABILITY]) {
        let all: f64 = tied.iter().map(|(_, count)| count).sum();
        let positive: f64 = tied.iter().map(|(row, count)| row[LABEL] * count).sum();
        won += positive * (negatives + (all - positive) / 2.0);
        positives += positive;
        negatives += all - positive;
    }
    ratio(won, positives * negatives)
}
