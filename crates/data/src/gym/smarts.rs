//! SMARTS of the gym's data files.

use chemr_chem::{ChemError, Mol, Pattern};
use serde::Deserialize;

/// A pattern of a data file, compiled as it is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Smarts(Pattern);

impl TryFrom<String> for Smarts {
    type Error = ChemError;

    fn try_from(text: String) -> Result<Smarts, ChemError> {
        Pattern::compile(&text).map(Smarts)
    }
}

impl Smarts {
    /// Whether the molecule contains the pattern.
    pub fn is_match(&self, mol: &Mol) -> bool {
        self.0.is_match(mol)
    }

    /// Number of matches; those on the same atoms count once.
    #[cfg(test)]
    pub fn count(&self, mol: &Mol) -> usize {
        self.0.count(mol)
    }
}
