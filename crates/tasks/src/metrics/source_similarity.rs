//! Similarity to the molecule that was to be changed (`similarity.source`).
//!
//! # What it measures
//!
//! How much of the given molecule an edited or optimised one keeps.
//!
//! # Definition
//!
//! Tanimoto similarity of Morgan fingerprints (radius 2, 2,048 bits) of the given molecule and the answer; the mean over rows with a valid answer, right or
//! wrong. Tasks without a given molecule have none.
//!
//! # Known disagreements
//!
//! * TOMG-Bench means over valid answers as well and multiplies the mean with the success rate.
//! * ChemCoTBench means over right answers in some tables.
//!
//! # Reference
//!
//! Li et al., *TOMG-Bench*, arXiv 2412.14642 (MolEdit, MolOpt); fingerprints as of RDKit 2026.9.1.

use super::{Metric, Need, Statistic, mean, mean_row};

pub(super) static SOURCE_SIMILARITY: Metric = Metric {
    id: "similarity.source",
    version: 1,
    needs: &[Need::Judgement],
    predictions: 1,
    title: "Similarity to the source",
    row: |pair| pair.judgement()?.parts.get("similarity").copied().map(mean_row),
    statistic: Statistic::Sums(mean),
    source: include_str!("source_similarity.rs"),
};
