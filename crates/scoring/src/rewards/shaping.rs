//! What a verdict is worth.

use chemr_tasks::Mode;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How a score is made of a verdict:
///
/// `score = (format * F + accuracy * A + claims * C) * L`, in 0..=1, with
///
/// * `F`: 1 for the strict format (one think and one answer block), else 0;
/// * `A`: 1 for a right answer, the task's credit for graded tasks, and for a wrong but valid molecule `tanimoto` times its similarity to the
///   reference (Morgan fingerprints, radius 2, 2,048 bits), whichever is more;
/// * `C`: the share of true ones among the decided claims of the completion; 0 when none is decided;
/// * `L`: 1 up to `max_length - length_margin` characters, then falling in a line to 0 at `max_length` (as the soft overlong
///   punishment of DAPO, arXiv 2503.14476, equation 13, brought to 0..=1).
///
/// The default is the paper-like 0.1 format + 0.9 accuracy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shaping {
    /// Which grammar finds the answer.
    pub mode: Mode,
    /// Weight of the format.
    pub format: f64,
    /// Weight of the answer.
    pub accuracy: f64,
    /// Weight of true claims.
    pub claims: f64,
    /// What a wrong molecule that is as similar as can be is worth, as a share of a right one.
    pub tanimoto: f64,
    /// Characters at which a completion is worth nothing; 0 for no bound.
    pub max_length: usize,
    /// Characters before `max_length` from which on the worth falls.
    pub length_margin: usize,
}

impl Default for Shaping {
    fn default() -> Self {
        Shaping {
            mode: Mode::Strict,
            format: chemr_tasks::FORMAT_WEIGHT,
            accuracy: chemr_tasks::ACCURACY_WEIGHT,
            claims: 0.0,
            tanimoto: 0.0,
            max_length: 0,
            length_margin: 0,
        }
    }
}

/// Why a [`Shaping`] makes no score in 0..=1.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ShapingError {
    #[error("{name} is {value}; it has to be from 0 to 1")]
    Range { name: &'static str, value: f64 },
    #[error("format, accuracy and claims add up to {sum}; they may not be above 1")]
    Sum { sum: f64 },
    #[error("length_margin {margin} is above max_length {length}")]
    Margin { margin: usize, length: usize },
}

impl Shaping {
    /// # Errors
    /// A weight outside of 0..=1, weights that add up to more than 1, a margin above the length.
    pub fn check(&self) -> Result<(), ShapingError> {
        let Shaping { format, accuracy, claims, tanimoto, .. } = *self;
        for (name, value) in [("format", format), ("accuracy", accuracy), ("claims", claims), ("tanimoto", tanimoto)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(ShapingError::Range { name, value });
            }
        }
        let sum = format + accuracy + claims;
        if sum > 1.0 + 1e-9 {
            return Err(ShapingError::Sum { sum });
        }
        if self.length_margin > self.max_length {
            return Err(ShapingError::Margin { margin: self.length_margin, length: self.max_length });
        }
        Ok(())
    }

    /// `L` of a completion with this many characters.
    pub(crate) fn length_factor(&self, characters: usize) -> f64 {
        let free = self.max_length - self.length_margin;
        if self.max_length == 0 || characters <= free {
            1.0
        } else if characters >= self.max_length {
            0.0
        } else {
            (self.max_length - characters) as f64 / self.length_margin as f64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_shaping() {
        assert_eq!(Shaping::default().check(), Ok(()));
        let sum = Shaping { claims: 0.2, ..Shaping::default() };
        assert!(sum.check().unwrap_err().to_string().contains("add up to 1.2"));
        for broken in [
            Shaping { format: -0.1, ..Shaping::default() },
            Shaping { tanimoto: f64::NAN, ..Shaping::default() },
            Shaping { length_margin: 5, ..Shaping::default() },
        ] {
            assert!(broken.check().is_err(), "{broken:?}");
        }
    }

    #[test]
    fn length_falls_in_a_line() {
        let shaping = Shaping { max_length: 100, length_margin: 20, ..Shaping::default() };
        assert_eq!([0, 80, 85, 100, 101].map(|length| shaping.length_factor(length)), [1.0, 1.0, 0.75, 0.0, 0.0]);
        let sudden = Shaping { max_length: 100, ..Shaping::default() };
        assert_eq!([99, 100, 101].map(|length| sudden.length_factor(length)), [1.0, 1.0, 0.0]);
        assert_eq!(Shaping::default().length_factor(1 << 30), 1.0);
    }
}
