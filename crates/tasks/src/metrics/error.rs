//! Errors of numbers (`mae`, `rmse`, `r2`).
//!
//! # What it measures
//!
//! How far predicted numbers lie from the references.
//!
//! # Definition
//!
//! Over the rows where both texts are numbers: `mae`, the mean of the distances; `rmse`, the root of the mean of their squares; `r2`, one
//! minus the squared errors over the squared deviations of the references from their mean (not defined when those are less than 1e-12
//! of the references' squares: references that are equal but for rounding). Numbers beyond 1e100 count as no
//! numbers.
//!
//! # Known disagreements
//!
//! * Rows without a number are left out and counted as unparsable: a model that answers only where it is sure looks better. Read the
//!   count beside it.
//! * The square of Pearson's correlation is also called R2; it ignores scale and offset.
//!
//! # Reference
//!
//! Wu et al., *MoleculeNet*, Chem. Sci. 2018, 9, 513; scikit-learn 1.9.1 (`mean_absolute_error`, `root_mean_squared_error`, `r2_score`).

use super::{Metric, Pair, Statistic, Sums, mean, mean_row};

/// Least squared deviations of references, as a share of their squares, for an R2.
const LEAST_VARIATION: f64 = 1e-12;

/// Largest number that is read: squares of larger ones could not be added up.
const LARGEST: f64 = 1e100;

macro_rules! error {
    ($name:ident, $id:literal, $title:literal, $row:expr, $value:expr) => {
        pub(super) static $name: Metric = Metric {
            id: $id,
            version: 1,
            needs: &[],
            predictions: 1,
            title: $title,
            row: $row,
            statistic: Statistic::Sums($value),
            source: include_str!("error.rs"),
        };
    };
}

error!(MAE, "mae", "MAE", |pair| numbers(pair).map(|(expected, given)| mean_row((given - expected).abs())), mean);
error!(
    RMSE,
    "rmse",
    "RMSE",
    |pair| numbers(pair).map(|(expected, given)| mean_row((given - expected).powi(2))),
    |sums| mean(sums).map(f64::sqrt)
);
error!(
    R2,
    "r2",
    "R2",
    |pair| {
        let (expected, given) = numbers(pair)?;
        let mut sums = Sums::default();
        sums[..4].copy_from_slice(&[(given - expected).powi(2), 1.0, expected, expected * expected]);
        Some(sums)
    },
    |sums| {
        let deviations = sums[3] - sums[2] * sums[2] / sums[1];
        // Below that, too few digits of the two sums' difference are more than rounding.
        (deviations > LEAST_VARIATION * sums[3]).then(|| 1.0 - sums[0] / deviations)
    }
);

/// Reference and prediction as numbers.
fn numbers(pair: &Pair<'_>) -> Option<(f64, f64)> {
    Some((number(pair.reference())?, number(pair.prediction())?))
}

/// A number of at most 1e100 in size that is the whole text.
pub fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.abs() <= LARGEST)
}
