//! The checks that every text passes before the toolkit sees it.

use crate::error::{ChemError, ErrorClass};
use crate::read::admitted;
use crate::syntax::Outline;

/// Limits for a text that claims to be a SMILES string.
///
/// A gate refuses, in this order: nothing but blanks (`empty`), too many characters (`too_long`),
/// characters outside ASCII (`non_ascii`), inner blanks and control characters
/// (`inner_whitespace`), `~` and `|` (`forbidden_character`). Blanks around the text are dropped.
/// RDKit-family parsers read `CCO the product` as `CCO` and skip foreign bytes; a reward must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Most characters (bytes) of the text, blanks around it not counted.
    pub max_chars: usize,
    /// Most atoms other than hydrogen.
    pub max_heavy_atoms: usize,
    /// Most combinations of fused rings that the search for aromaticity may have to try; it takes
    /// 0.1 to 0.2 microseconds for each.
    pub max_ring_combinations: u64,
}

/// The text without the ASCII blanks around it, and where it starts.
pub(crate) fn trimmed(text: &str) -> (usize, &str) {
    let inner = text.trim_start_matches(|character: char| character.is_ascii_whitespace());
    let offset = text.len() - inner.len();
    (offset, inner.trim_end_matches(|character: char| character.is_ascii_whitespace()))
}

impl Gate {
    /// For text that a model wrote: 400 characters, 300 heavy atoms.
    pub const ANSWER: Gate = Gate { max_chars: 400, max_heavy_atoms: 300, max_ring_combinations: 100_000 };

    /// For files of molecules: 2,000 characters, 1,000 heavy atoms.
    pub const DATA: Gate = Gate { max_chars: 2_000, max_heavy_atoms: 1_000, max_ring_combinations: 5_000_000 };

    /// The text without the blanks around it, or why it is refused. Positions count from the
    /// start of `text` as given.
    pub fn check<'a>(&self, text: &'a str) -> Result<&'a str, ChemError> {
        let (offset, inner) = trimmed(text);
        if inner.is_empty() {
            return Err(ChemError::new(ErrorClass::Empty, "the text is empty"));
        }
        if inner.len() > self.max_chars {
            return Err(ChemError::new(
                ErrorClass::TooLong,
                format!("{} characters, at most {} are read", inner.len(), self.max_chars),
            ));
        }
        if let Some(index) = inner.bytes().position(|byte| !byte.is_ascii()) {
            return Err(ChemError::at(ErrorClass::NonAscii, offset + index, "a character outside ASCII"));
        }
        if let Some(index) = inner.bytes().position(|byte| byte == b' ' || byte.is_ascii_control()) {
            return Err(ChemError::at(
                ErrorClass::InnerWhitespace,
                offset + index,
                "a blank or control character inside the text",
            ));
        }
        if let Some(index) = inner.bytes().position(|byte| matches!(byte, b'~' | b'|')) {
            return Err(ChemError::at(
                ErrorClass::ForbiddenCharacter,
                offset + index,
                "`~` and `|` belong to patterns and extensions, not to the SMILES of a molecule",
            ));
        }
        Ok(inner)
    }
}

impl Gate {
    /// Whether the text passes all limits of the gate and the grammar. No molecule is made, so one that passes may still be none:
    /// this is the cheap question for a text that is known to be a molecule.
    ///
    /// # Errors
    /// As [`Gate::check`] and for the limits on the structure; the classes of the grammar.
    pub fn admit(&self, text: &str) -> Result<(), ChemError> {
        let inner = self.check(text)?;
        admitted(inner, self).map(|_| ())
    }

    /// The limits on the structure, once the grammar has been read.
    pub(crate) fn check_outline(&self, outline: &Outline) -> Result<(), ChemError> {
        let heavy = outline.heavy_atoms();
        if heavy > self.max_heavy_atoms {
            return Err(ChemError::new(
                ErrorClass::Gate,
                format!("{heavy} heavy atoms, at most {} are read", self.max_heavy_atoms),
            ));
        }
        Ok(())
    }
}

impl Default for Gate {
    fn default() -> Gate {
        Gate::ANSWER
    }
}
