//! SELFIES: reading them as SMILES and writing them from SMILES.
//!
//! A SELFIES text is a row of symbols, `[C][=Branch1][C][=O][O]`. Reading it is a derivation: each symbol adds an atom, a
//! branch or a ring bond as far as the atoms before it have bonds left, so that every row of known symbols is a molecule
//! within the [`Constraints`]. The number of symbols in a branch and of atoms that a ring bond spans are written in base 16
//! with symbols for digits.
//!
//! Results are those of the Python package `selfies` 2.2.0, string for string, including the Kekulé form it finds for
//! aromatic atoms; `docs/chemistry.md` lists where they differ on purpose.
//!
//! References: Krenn et al., Mach. Learn.: Sci. Technol. 1 (2020) 045024; Lo et al., Digital Discovery 2 (2023) 897.

mod atom;
mod constraints;
mod decode;
mod encode;
mod error;
mod graph;
mod kekulize;
mod matching;
mod old;
mod read;
mod symbol;
mod write;

pub use constraints::Constraints;
pub use decode::{Decoding, MAX_SELFIES_CHARS, decode, decode_with};
pub use encode::{MAX_SMILES_CHARS, encode, encode_with};
pub use error::{SelfiesError, SelfiesErrorKind};
pub use symbol::{Token, tokens};

use crate::error::{ChemError, ErrorClass};
use crate::gate::{Gate, trimmed};
use crate::mol::Mol;

impl Mol {
    /// Reads a SELFIES text; the SMILES it stands for passes `gate`. Blanks around the text are dropped, [`Mol::input`] is
    /// that SMILES.
    ///
    /// # Errors
    /// Those of [`decode_with`] with their byte position, `empty` when the symbols make no atom, and those of
    /// [`Mol::parse_with`] without a position: RDKit refuses some atoms that the constraints allow, silicon with five
    /// bonds for one.
    pub fn parse_selfies(selfies: &str, options: &Decoding, gate: &Gate) -> Result<Mol, ChemError> {
        let (blanks, inner) = trimmed(selfies);
        let smiles = decode_with(inner, options).map_err(|error| {
            let position = error.position.map(|position| position + blanks);
            ChemError { class: error.kind.class(), position, message: error.kind.to_string() }
        })?;
        if smiles.is_empty() {
            return Err(ChemError::new(ErrorClass::Empty, "no symbol of the text makes an atom"));
        }
        Mol::parse_with(&smiles, gate).map_err(|error| {
            ChemError::new(error.class, format!("the symbols stand for a molecule that is refused: {}", error.message))
        })
    }

    /// SELFIES of the canonical SMILES, checked against [`Constraints::Default`].
    ///
    /// # Errors
    /// Those of [`encode`]; positions are those of the canonical SMILES. Molecules with wildcards, dative bonds or more
    /// bonds on an atom than the constraints allow have no SELFIES.
    pub fn selfies(&self) -> Result<String, SelfiesError> {
        encode(self.canonical())
    }
}
