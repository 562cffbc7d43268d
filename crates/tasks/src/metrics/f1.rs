//! F1 of the positive label (`f1`).
//!
//! # What it measures
//!
//! How well the positives are found, false alarms counted.
//!
//! # Definition
//!
//! `2 TP / (2 TP + FP + FN)` over all rows with a yes/no reference; `Yes` is positive. Missing and unclear predictions count as the
//! wrong label. Not defined without a positive on either side.
//!
//! # Known disagreements
//!
//! * Macro and weighted means over both classes are other numbers.
//! * scikit-learn gives 0 with a warning where it is not defined.
//!
//! # Reference
//!
//! ChemLLMBench, arXiv 2305.18365; scikit-learn 1.9.1 (`f1_score`).

use super::{Metric, Statistic, Sums, labels, ratio, yes_no};

pub(super) static F1: Metric = Metric {
    id: "f1",
    version: 1,
    needs: &[],
    predictions: 1,
    title: "F1",
    row: |pair| {
        let (expected, given) = labels::outcome(pair)?;
        let mut sums = Sums::default();
        sums[0] = yes_no(expected && given);
        sums[1] = yes_no(expected != given);
        Some(sums)
    },
    statistic: Statistic::Sums(|sums| ratio(2.0 * sums[0], 2.0 * sums[0] + sums[1])),
    source: include_str!("f1.rs"),
};
