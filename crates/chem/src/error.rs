//! What can go wrong with a molecule, a pattern or a template, and where.

use serde::{Deserialize, Serialize};

/// The kind of a [`ChemError`].
///
/// The names returned by [`ErrorClass::as_str`] are stable: reports, rewards and JSON output carry
/// them. The parse classes are those of the RDKit messages they stand for (`syntax`,
/// `unclosed_ring`, ...); the gate classes (`too_long`, ...) are our own, see [`crate::Gate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorClass {
    /// Refused by the gate for a reason without a class of its own (too many heavy atoms, or a
    /// structure whose canonical form would take too long).
    Gate,
    /// Nothing but blanks.
    Empty,
    /// More characters than [`crate::Gate::max_chars`].
    TooLong,
    /// A character outside ASCII.
    NonAscii,
    /// A blank, tab, newline or other control character inside the text.
    InnerWhitespace,
    /// A character that the gate refuses although a parser may read it (`~`, `|`).
    ForbiddenCharacter,
    /// Not the grammar of SMILES, or of SELFIES where these are read.
    Syntax,
    /// A ring bond number opened and never closed.
    UnclosedRing,
    /// `(` without `)`, or the reverse.
    UnbalancedParentheses,
    /// A ring bond from an atom to itself, or beside a bond that exists already.
    DuplicateRingBond,
    /// More bonds than the element and charge permit.
    Valence,
    /// Aromatic atoms for which no alternating single and double bonds exist.
    Kekulize,
    /// An atom or bond written as aromatic outside any ring.
    AromaticAtomNotInRing,
    /// A reaction template that cannot be read or applied.
    Template,
    /// A SMARTS pattern that cannot be read.
    Pattern,
    /// The toolkit failed in a way that says nothing about the input, or panicked.
    Internal,
}

impl ErrorClass {
    /// Every class, in the order of declaration.
    pub const ALL: [ErrorClass; 16] = [
        ErrorClass::Gate,
        ErrorClass::Empty,
        ErrorClass::TooLong,
        ErrorClass::NonAscii,
        ErrorClass::InnerWhitespace,
        ErrorClass::ForbiddenCharacter,
        ErrorClass::Syntax,
        ErrorClass::UnclosedRing,
        ErrorClass::UnbalancedParentheses,
        ErrorClass::DuplicateRingBond,
        ErrorClass::Valence,
        ErrorClass::Kekulize,
        ErrorClass::AromaticAtomNotInRing,
        ErrorClass::Template,
        ErrorClass::Pattern,
        ErrorClass::Internal,
    ];

    /// The stable name, in snake_case.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorClass::Gate => "gate",
            ErrorClass::Empty => "empty",
            ErrorClass::TooLong => "too_long",
            ErrorClass::NonAscii => "non_ascii",
            ErrorClass::InnerWhitespace => "inner_whitespace",
            ErrorClass::ForbiddenCharacter => "forbidden_character",
            ErrorClass::Syntax => "syntax",
            ErrorClass::UnclosedRing => "unclosed_ring",
            ErrorClass::UnbalancedParentheses => "unbalanced_parentheses",
            ErrorClass::DuplicateRingBond => "duplicate_ring_bond",
            ErrorClass::Valence => "valence",
            ErrorClass::Kekulize => "kekulize",
            ErrorClass::AromaticAtomNotInRing => "aromatic_atom_not_in_ring",
            ErrorClass::Template => "template",
            ErrorClass::Pattern => "pattern",
            ErrorClass::Internal => "internal",
        }
    }
}

impl std::fmt::Display for ErrorClass {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// An error of this crate: what, where in the input, and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{class}{}: {message}", at(*position))]
pub struct ChemError {
    /// What went wrong.
    pub class: ErrorClass,
    /// Byte offset in the text that was given, where one place is to blame.
    pub position: Option<usize>,
    /// One sentence, without the input itself.
    pub message: String,
}

fn at(position: Option<usize>) -> String {
    position.map_or_else(String::new, |byte| format!(" at byte {byte}"))
}

impl ChemError {
    /// An error without a place.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> ChemError {
        ChemError { class, position: None, message: message.into() }
    }

    /// An error at a byte offset.
    pub fn at(class: ErrorClass, position: usize, message: impl Into<String>) -> ChemError {
        ChemError { class, position: Some(position), message: message.into() }
    }

    pub(crate) fn internal(error: impl std::fmt::Display) -> ChemError {
        ChemError::new(ErrorClass::Internal, error.to_string())
    }
}
