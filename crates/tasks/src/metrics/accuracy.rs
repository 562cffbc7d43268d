//! Share of right labels (`accuracy`).
//!
//! # What it measures
//!
//! How many predictions name the right label.
//!
//! # Definition
//!
//! 1 for the right label, else 0; the mean over all rows with a yes/no reference (`Yes`, `No`, `True`, `False`, `1`, `0`, `1.0`, `0.0`). The prediction is a
//! label spelt in one of these ways, or the one that its text gives without hedging, as the tasks `property.*` read it. Missing
//! and unclear predictions count as wrong.
//!
//! # Known disagreements
//!
//! * Some harnesses leave unclear predictions out, which flatters.
//! * On an unbalanced set the most frequent label alone scores high: read it beside `balanced_accuracy`.
//!
//! # Reference
//!
//! ChemLLMBench, arXiv 2305.18365; scikit-learn 1.9.1 (`accuracy_score`).

use super::{Metric, Statistic, labels, mean, mean_row, yes_no};

pub(super) static ACCURACY: Metric = Metric {
    id: "accuracy",
    version: 1,
    needs: &[],
    predictions: 1,
    title: "Accuracy",
    row: |pair| labels::outcome(pair).map(|(expected, given)| mean_row(yes_no(expected == given))),
    statistic: Statistic::Sums(mean),
    source: include_str!("accuracy.rs"),
};
