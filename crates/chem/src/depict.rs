//! Drawings of molecules as SVG.

use crate::error::{ChemError, ErrorClass};
use crate::guard::guarded;
use crate::mol::Mol;

/// How to draw a molecule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Depiction {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Indices of the atoms to lay a coloured disc behind; bonds between two of them are marked too.
    pub highlight_atoms: Vec<usize>,
}

impl Default for Depiction {
    fn default() -> Depiction {
        Depiction {
            width: 300,
            height: 220,
            highlight_atoms: Vec::new(),
        }
    }
}

/// Draws a molecule.
///
/// # Errors
/// [`ErrorClass::Internal`] when the size is zero or the toolkit cannot lay the molecule out.
pub fn svg(mol: &Mol, options: &Depiction) -> Result<String, ChemError> {
    guarded(|| {
        mol.toolkit()
            .to_svg(options.width, options.height)
            .map_err(|error| ChemError::new(ErrorClass::Internal, error.to_string()))
    })
}
