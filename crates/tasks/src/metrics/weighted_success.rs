//! Success times similarity (`success.weighted`).
//!
//! # What it measures
//!
//! How many edited or optimised molecules are right, marked down by how much of the given molecule they lose.
//!
//! # Definition
//!
//! The mean of `success` over all rows that the verifier can judge, times the mean of `similarity.source` over the rows with a valid answer. Not defined
//! without a valid answer, nor for tasks without a given molecule.
//!
//! # Known disagreements
//!
//! * It is the product of two means, not the mean of products: a wrong but valid answer counts in the similarity.
//! * TOMG-Bench's leaderboard means it over all nine tasks. For its three tasks of MolCustom the weight is novelty, which needs the molecules that
//!   the benchmark compares with, and is not computed here.
//!
//! # Reference
//!
//! Li et al., *TOMG-Bench*, arXiv 2412.14642 (weighted accuracy; MolEdit, MolOpt).

use super::{Metric, Need, Statistic, Sums, ratio, yes_no};

pub(super) static WEIGHTED_SUCCESS: Metric = Metric {
    id: "success.weighted",
    version: 1,
    needs: &[Need::Judgement],
    predictions: 1,
    title: "Success x similarity",
    row: |pair| {
        let judgement = pair.judgement()?;
        let mut sums = Sums::default();
        sums[0] = yes_no(judgement.correct);
        sums[1] = 1.0;
        if let Some(similarity) = judgement.parts.get("similarity") {
            sums[2] = *similarity;
            sums[3] = 1.0;
        }
        Some(sums)
    },
    statistic: Statistic::Sums(|sums| Some(ratio(sums[0], sums[1])? * ratio(sums[2], sums[3])?)),
    source: include_str!("weighted_success.rs"),
};
