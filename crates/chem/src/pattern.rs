//! SMARTS patterns, compiled once.

use cosmolkit::CompiledQuery;

use crate::error::{ChemError, ErrorClass};
use crate::guard::guarded;
use crate::mol::Mol;

/// A compiled SMARTS pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    smarts: String,
    query: CompiledQuery,
}

impl Pattern {
    /// Compiles a SMARTS string.
    ///
    /// # Errors
    /// [`ErrorClass::Pattern`] when it cannot be read.
    pub fn compile(smarts: &str) -> Result<Pattern, ChemError> {
        let query = guarded(|| {
            let graph = cosmolkit::parse_smarts(smarts)
                .map_err(|error| ChemError::new(ErrorClass::Pattern, error.to_string()))?;
            cosmolkit::compile_query(&graph)
                .map_err(|error| ChemError::new(ErrorClass::Pattern, error.to_string()))
        })?;
        Ok(Pattern {
            smarts: smarts.to_string(),
            query,
        })
    }

    /// The text that was compiled.
    pub fn smarts(&self) -> &str {
        &self.smarts
    }

    /// Atoms of the pattern.
    pub fn len(&self) -> usize {
        self.query.num_atoms()
    }

    /// Whether the pattern has no atom.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The compiled query, for the modules of this crate.
    #[allow(dead_code)]
    pub(crate) fn toolkit(&self) -> &CompiledQuery {
        &self.query
    }

    /// Whether the molecule contains the pattern.
    pub fn is_match(&self, mol: &Mol) -> bool {
        !self.matches(mol).is_empty()
    }

    /// Every match as molecule atom indices in the order of the pattern's atoms; matches on the
    /// same set of atoms count once, at most 1,000 are returned.
    pub fn matches(&self, mol: &Mol) -> Vec<Vec<usize>> {
        guarded(|| {
            mol.toolkit()
                .substruct_matches_compiled(&self.query)
                .map(|found| found.into_iter().map(|hit| hit.atom_mapping).collect())
                .map_err(ChemError::internal)
        })
        .unwrap_or_default()
    }

    /// Number of matches.
    pub fn count(&self, mol: &Mol) -> usize {
        self.matches(mol).len()
    }
}
