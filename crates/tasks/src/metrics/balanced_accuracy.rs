//! Mean of the two classes' accuracies (`balanced_accuracy`).
//!
//! # What it measures
//!
//! How many labels are right when both classes count the same. 0.5 is what guessing gives.
//!
//! # Definition
//!
//! The mean of recall among positives and recall among negatives, over all rows with a yes/no reference. Missing and unclear predictions
//! count as the wrong label. Not defined when one class does not occur.
//!
//! # Known disagreements
//!
//! * The area under the ROC curve "computed" from hard labels, as ChemLLMBench prints it, is this number.
//!
//! # Reference
//!
//! Brodersen et al., ICPR 2010; scikit-learn 1.9.1 (`balanced_accuracy_score`).

use super::{Metric, Statistic, Sums, labels, ratio, yes_no};

pub(super) static BALANCED_ACCURACY: Metric = Metric {
    id: "balanced_accuracy",
    version: 1,
    needs: &[],
    predictions: 1,
    title: "Balanced accuracy",
    row: |pair| {
        let (expected, given) = labels::outcome(pair)?;
        let mut sums = Sums::default();
        let class = 2 * usize::from(expected);
        sums[class] = yes_no(expected == given);
        sums[class + 1] = 1.0;
        Some(sums)
    },
    statistic: Statistic::Sums(|sums| Some((ratio(sums[0], sums[1])? + ratio(sums[2], sums[3])?) / 2.0)),
    source: include_str!("balanced_accuracy.rs"),
};
