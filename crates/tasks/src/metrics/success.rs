//! What the verifier accepts (`success`).
//!
//! # What it measures
//!
//! How many predictions the task's own verifier calls right. It is the metric of tasks with many right answers (generation under
//! constraints, editing, optimisation), of selections and of choices.
//!
//! # Definition
//!
//! 1 for a right answer as the task's page in the list of tasks says (read loosely), else 0; the mean over all rows that the verifier can judge,
//! missing predictions included. A row can be judged when its input columns and its reference can be read.
//!
//! # Known disagreements
//!
//! * TOMG-Bench calls it accuracy (MolCustom) or success rate (MolEdit, MolOpt), and counts mixtures like molecules in MolCustom.
//! * TOMG-Bench's weighted accuracy multiplies it by novelty or similarity, each a mean over valid rows; with similarity it is `success.weighted`.
//! * Version 1 took a change of a property within rounding (the same molecule, written in another order) for one.
//!
//! # Reference
//!
//! Li et al., *TOMG-Bench*, arXiv 2412.14642; ChemLLMBench, arXiv 2305.18365 (reagent selection).

use super::{Metric, Need, Statistic, mean, mean_row, yes_no};

pub(super) static SUCCESS: Metric = Metric {
    id: "success",
    version: 2,
    needs: &[Need::Judgement],
    predictions: 1,
    title: "Success",
    row: |pair| pair.judgement().map(|judgement| mean_row(yes_no(judgement.correct))),
    statistic: Statistic::Sums(mean),
    source: include_str!("success.rs"),
};
