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
    ///
    /// None should the toolkit fail. It has two reasons to: a predicate that it does not support, which
    /// [`Pattern::compile`] refuses, and a molecule without rings and hydrogens, of which there is no [`Mol`].
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_compiles_can_be_matched() {
        let target = Mol::parse("C[C@H](N)C(=O)Nc1ccc(/C=C/[N+](=O)[O-])cc1.[Na+].[13CH4]").unwrap();
        let primitives = [
            "*",
            "a",
            "A",
            "[#6]",
            "[C,N;!R]",
            "[R]",
            "[R2]",
            "[r6]",
            "[x2]",
            "[X3]",
            "[D2]",
            "[v4]",
            "[H1]",
            "[h1]",
            "[+]",
            "[-]",
            "[+0]",
            "[C@H]",
            "[C@@]",
            "[13C]",
            "[C:1]",
            "[$([CX3]=O)]",
            "[!$(*~[#7])]",
            "[^2]",
            "[z1]",
            "[Z1]",
            "C~C",
            "C-,=C",
            "C!@C",
            "C/C=C/C",
            "c:c",
            "c@c",
            "[Na+].C",
            "(C).(C)",
            "(C.C)",
            "[#6&H1]",
            "[k5]",
            "[d2]",
            "[D{1-3}]",
        ];
        let mut compiled = 0;
        for smarts in primitives {
            let Ok(pattern) = Pattern::compile(smarts) else { continue };
            assert!(target.toolkit().substruct_matches_compiled(&pattern.query).is_ok(), "{smarts}");
            compiled += 1;
        }
        assert!(compiled >= 30, "{compiled}");
    }
}
