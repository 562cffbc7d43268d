//! Why a row was not used.

use std::fmt;

use chemr_chem::ErrorClass;

/// The reason for a reject. [`fmt::Display`] gives a stable code, e.g. `unparsable.valence`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RejectReason {
    /// A field that the task needs is empty or missing.
    Missing(&'static str),
    /// A SMILES cannot be read.
    Unparsable(ErrorClass),
    /// A label is neither 0 nor 1.
    BadLabel,
    /// The product is also one of the reactants.
    ProductIsReactant,
    /// The same question and answer stand in an earlier row.
    Duplicate,
    /// Another row gives the same question another answer. All such rows are rejected.
    Contradiction,
    /// The molecule (or product) is also in the validation or test file.
    HeldOut,
}

impl fmt::Display for RejectReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RejectReason::Missing(column) => write!(formatter, "missing.{column}"),
            RejectReason::Unparsable(class) => write!(formatter, "unparsable.{}", class.as_str()),
            RejectReason::BadLabel => formatter.write_str("bad_label"),
            RejectReason::ProductIsReactant => formatter.write_str("product_is_reactant"),
            RejectReason::Duplicate => formatter.write_str("duplicate"),
            RejectReason::Contradiction => formatter.write_str("contradiction"),
            RejectReason::HeldOut => formatter.write_str("held_out"),
        }
    }
}

/// A row that was not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// File name without its folder.
    pub file: String,
    /// Data row, counted from 1; the header is not counted.
    pub row: usize,
    pub reason: RejectReason,
}
