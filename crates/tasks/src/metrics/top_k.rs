//! The reference among the first predictions (`topk.1`, `topk.3`, `topk.5`, `topk.10`).
//!
//! # What it measures
//!
//! How often the right molecule or mixture is one of the first `k` of ranked predictions.
//!
//! # Definition
//!
//! 1 when one of the first `k` predictions has the canonical isomeric SMILES of the reference, fragment by fragment, else 0; the mean over all
//! rows whose reference can be read. Invalid and repeated predictions keep their places.
//!
//! # Known disagreements
//!
//! * Papers that remove invalid or repeated predictions before counting score higher from the second place on.
//! * With sampled (unranked) predictions it is "any of `k`".
//!
//! # Reference
//!
//! ChemLLMBench, arXiv 2305.18365, reactions and names (top-1 to top-5); Liu et al., ACS Cent. Sci. 2017, 3, 1103 (retrosynthesis, top-10).

use super::{Metric, Pair, Statistic, Sums, mean, mean_row, yes_no};

macro_rules! top {
    ($name:ident, $id:literal, $title:literal, $count:literal) => {
        pub(super) static $name: Metric = Metric {
            id: $id,
            version: 1,
            needs: &[],
            predictions: $count,
            title: $title,
            row: |pair| among(pair, $count),
            statistic: Statistic::Sums(mean),
            source: include_str!("top_k.rs"),
        };
    };
}

top!(ONE, "topk.1", "Top 1", 1);
top!(THREE, "topk.3", "Top 3", 3);
top!(FIVE, "topk.5", "Top 5", 5);
top!(TEN, "topk.10", "Top 10", 10);

fn among(pair: &Pair<'_>, count: usize) -> Option<Sums> {
    pair.reference_molecule().ok()?;
    Some(mean_row(yes_no(pair.rank().is_some_and(|rank| rank <= count))))
}
