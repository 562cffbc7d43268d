//! Why a text was not read or written as SELFIES.

use crate::error::ErrorClass;

/// What went wrong, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelfiesErrorKind {
    /// Longer than [`super::MAX_SELFIES_CHARS`] or [`super::MAX_SMILES_CHARS`].
    #[error("{length} characters, at most {limit} are read: give the molecules one by one")]
    TooLong {
        /// Bytes of the text.
        length: usize,
        /// Most bytes that are read.
        limit: usize,
    },
    /// A character outside ASCII.
    #[error("a character outside ASCII: SELFIES and SMILES have none")]
    NonAscii,
    /// Something other than `.` before, between or after symbols.
    #[error("text outside brackets: a SELFIES is a row of symbols like [C][=O], with `.` between molecules")]
    OutsideBrackets,
    /// `[` without `]` before the end or the next `.`.
    #[error("'[' without ']'")]
    Unclosed,
    /// Not a symbol of SELFIES.
    #[error("[{symbol}] is not a SELFIES symbol of an atom, branch or ring: remove or replace it")]
    UnknownSymbol {
        /// What stands in the brackets, cut when it is long.
        symbol: String,
    },
    /// A symbol of SELFIES before 2.0.
    #[error("[{symbol}] was written before SELFIES 2.0: read it with the option `compatible`")]
    OldSymbol {
        /// What stands in the brackets.
        symbol: String,
    },
    /// An atom with more hydrogens than it can have bonds.
    #[error("[{symbol}] has more hydrogens than the atom can have bonds: lower their number")]
    TooManyHydrogens {
        /// What stands in the brackets.
        symbol: String,
    },
    /// Not the part of SMILES that can be written as SELFIES.
    #[error("the SMILES cannot be written as SELFIES: {reason}")]
    Smiles {
        /// What is wrong or not supported.
        reason: &'static str,
    },
    /// No alternating single and double bonds were found for the aromatic atoms.
    #[error("no Kekulé form found for the aromatic atoms: write the SMILES with single and double bonds")]
    Kekulize,
    /// An atom has more bonds than the constraints allow, hydrogens in brackets counted.
    #[error("{atom} has {bonds} bonds, the constraints allow {capacity}: choose wider ones, or encode without a check")]
    Capacity {
        /// The atom as SMILES.
        atom: String,
        /// Bonds to other atoms.
        bonds: u32,
        /// Bonds to other atoms that are allowed.
        capacity: i32,
    },
    /// A branch or a ring bond that three digits in base 16 cannot count.
    #[error("a branch or ring bond spans {span}, SELFIES can count to 4096: start the SMILES at another atom")]
    Span {
        /// Symbols of the branch, or the difference of the atom indices.
        span: usize,
    },
}

impl SelfiesErrorKind {
    /// The class that reports and JSON output carry.
    pub fn class(&self) -> ErrorClass {
        match self {
            SelfiesErrorKind::TooLong { .. } => ErrorClass::TooLong,
            SelfiesErrorKind::NonAscii => ErrorClass::NonAscii,
            SelfiesErrorKind::OutsideBrackets
            | SelfiesErrorKind::Unclosed
            | SelfiesErrorKind::UnknownSymbol { .. }
            | SelfiesErrorKind::OldSymbol { .. }
            | SelfiesErrorKind::Smiles { .. } => ErrorClass::Syntax,
            SelfiesErrorKind::Kekulize => ErrorClass::Kekulize,
            SelfiesErrorKind::TooManyHydrogens { .. } | SelfiesErrorKind::Capacity { .. } => ErrorClass::Valence,
            SelfiesErrorKind::Span { .. } => ErrorClass::Gate,
        }
    }

    pub(super) fn at(self, position: usize) -> SelfiesError {
        SelfiesError { kind: self, position: Some(position) }
    }
}

impl From<SelfiesErrorKind> for SelfiesError {
    fn from(kind: SelfiesErrorKind) -> SelfiesError {
        SelfiesError { kind, position: None }
    }
}

/// An error of [`super::decode`] or [`super::encode`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}{}", place(*position))]
pub struct SelfiesError {
    /// What went wrong.
    pub kind: SelfiesErrorKind,
    /// Byte offset in the text that was given, where one place is to blame.
    pub position: Option<usize>,
}

fn place(position: Option<usize>) -> String {
    position.map_or_else(String::new, |byte| format!(" (at byte {byte})"))
}

/// The checks that a text passes before anything else is done with it.
pub(super) fn check_text(text: &str, limit: usize) -> Result<(), SelfiesError> {
    if text.len() > limit {
        return Err(SelfiesErrorKind::TooLong { length: text.len(), limit }.into());
    }
    match text.bytes().position(|byte| !byte.is_ascii()) {
        Some(position) => Err(SelfiesErrorKind::NonAscii.at(position)),
        None => Ok(()),
    }
}
