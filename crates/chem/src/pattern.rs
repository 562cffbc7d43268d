//! SMARTS patterns, compiled once.

use cosmolkit::{CompiledQuery, SmartsParseError};

use crate::error::{ChemError, ErrorClass};
use crate::guard::guarded;
use crate::mol::Mol;

/// A compiled SMARTS pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    smarts: String,
    query: CompiledQuery,
}

/// Longest pattern that is read, in bytes.
const MAX_CHARS: usize = 5_000;

/// Deepest nesting of parentheses, recursive environments included: the compiler recurses.
const MAX_DEPTH: usize = 100;

impl Pattern {
    /// Compiles a SMARTS string of at most 5,000 characters.
    ///
    /// # Errors
    /// [`ErrorClass::Pattern`] when it cannot be read or is nested too deeply.
    pub fn compile(smarts: &str) -> Result<Pattern, ChemError> {
        check(smarts)?;
        let query = guarded(|| {
            let graph = cosmolkit::parse_smarts(smarts).map_err(|error| ChemError {
                class: ErrorClass::Pattern,
                position: place(&error),
                message: error.to_string(),
            })?;
            cosmolkit::compile_query(&graph).map_err(|error| ChemError::new(ErrorClass::Pattern, error.to_string()))
        })?;
        Ok(Pattern { smarts: smarts.to_string(), query })
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

fn check(smarts: &str) -> Result<(), ChemError> {
    if smarts.len() > MAX_CHARS {
        return Err(ChemError::new(ErrorClass::Pattern, format!("more than {MAX_CHARS} characters")));
    }
    let mut depth = 0_usize;
    for (position, byte) in smarts.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(ChemError::at(
                ErrorClass::Pattern,
                position,
                format!("more than {MAX_DEPTH} nested parentheses"),
            ));
        }
    }
    Ok(())
}

fn place(error: &SmartsParseError) -> Option<usize> {
    match error {
        SmartsParseError::UnclosedBracket(position)
        | SmartsParseError::UnclosedParenthesis(position)
        | SmartsParseError::UnexpectedCharacter { position, .. }
        | SmartsParseError::InvalidAtomPrimitive { position, .. } => Some(*position),
        _ => None,
    }
}
