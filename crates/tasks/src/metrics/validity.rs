//! Share of valid molecules (`validity`).
//!
//! # What it measures
//!
//! How many predictions are molecules at all.
//!
//! # Definition
//!
//! 1 for a prediction that the toolkit reads (syntax, valences, aromaticity), else 0; the mean over all rows with a
//! readable reference, missing predictions included. The gate for files comes first: it refuses blanks inside, characters outside ASCII, `~` and `|`, more than
//! 2,000 characters, 1,000 heavy atoms, and ring systems that would take too long.
//!
//! # Known disagreements
//!
//! * RDKit reads the start of `CCO the product`, and `C~C`, and texts of any length; the published scores count these as valid.
//! * RDKit calls the empty string a molecule without atoms; here it is a missing prediction and counts as 0.
//! * LlaSMol divides by the predictions that hold an answer, not by all rows.
//!
//! # Reference
//!
//! Edwards et al., *Translation between Molecules and Natural Language* (MolT5), EMNLP 2022; RDKit 2026.9.1.

use super::{Metric, Statistic, mean, mean_row, yes_no};

pub(super) static VALIDITY: Metric = Metric {
    id: "validity",
    version: 1,
    needs: &[],
    predictions: 1,
    title: "Valid",
    row: |pair| Some(mean_row(yes_no(pair.predicted_molecule().is_ok()))),
    statistic: Statistic::Sums(mean),
    source: include_str!("validity.rs"),
};
