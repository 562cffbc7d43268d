//! The same molecular formula (`exact.formula`).
//!
//! # What it measures
//!
//! How many predictions are the reference's formula.
//!
//! # Definition
//!
//! 1 when both sides have the same elements in the same numbers and the same charge, in any order (`H6C2O` is `C2H6O`), else 0; the mean
//! over all rows whose reference can be read, missing and unparsable predictions included.
//!
//! # Known disagreements
//!
//! * ChemLLMBench compares texts, which calls `H6C2O` wrong: that is `exact.string`.
//! * ether0 counts a molecule of Tanimoto similarity 0.7 and more as solving its formula task.
//!
//! # Reference
//!
//! ChemLLMBench, arXiv 2305.18365, name prediction (SMILES and IUPAC name to formula).

use super::{Metric, Statistic, mean, mean_row, yes_no};
use crate::formula::Formula;

pub(super) static EXACT_FORMULA: Metric = Metric {
    id: "exact.formula",
    version: 1,
    needs: &[],
    predictions: 1,
    title: "Exact (formula)",
    row: |pair| {
        let reference = Formula::parse(pair.reference())?;
        Some(mean_row(yes_no(Formula::parse(pair.prediction()).as_ref() == Some(&reference))))
    },
    statistic: Statistic::Sums(mean),
    source: include_str!("exact_formula.rs"),
};
