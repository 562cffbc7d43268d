//! What an audit is asked for.

use std::path::PathBuf;

use chemr_tasks::{Example, Split};
use serde::Serialize;

use super::AuditError;

/// A part of the audit that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Rows, questions and molecules that stand twice in a set.
    Duplicates,
    /// One question with several answers.
    Conflicts,
    /// What a training or validation set shares with a held-out one.
    Leakage,
    /// Molecules of a training set that look like held-out ones, by fingerprint.
    Near,
    /// Murcko scaffolds that a training set shares with a held-out one.
    Scaffold,
    /// Atom maps that give the reaction centre away.
    Maps,
    /// Yields that answer questions of reagent selection.
    Selection,
    /// Shares of labels, quantiles of numbers.
    Balance,
    /// Characters and tokens.
    Length,
    /// Elements of a product that no reactant brings.
    Atoms,
}

impl Check {
    /// Every check, in the order of reports.
    pub const ALL: [Check; 10] = [
        Check::Duplicates,
        Check::Conflicts,
        Check::Leakage,
        Check::Near,
        Check::Scaffold,
        Check::Maps,
        Check::Selection,
        Check::Balance,
        Check::Length,
        Check::Atoms,
    ];

    /// The name on the command line and in `audit.json`.
    pub fn name(self) -> &'static str {
        match self {
            Check::Duplicates => "duplicates",
            Check::Conflicts => "conflicts",
            Check::Leakage => "leakage",
            Check::Near => "near",
            Check::Scaffold => "scaffold",
            Check::Maps => "maps",
            Check::Selection => "selection",
            Check::Balance => "balance",
            Check::Length => "length",
            Check::Atoms => "atoms",
        }
    }
}

/// What two molecules have to share to be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Canonical isomeric SMILES.
    Canonical,
    /// Standard InChIKey: also tautomers, as far as InChI moves hydrogens, and ionic spellings of covalent metal bonds.
    InchiKey,
    /// Canonical SMILES without stereochemistry and isotopes.
    Flat,
    /// First block of the InChIKey: one skeleton with any stereochemistry, isotopes and mobile hydrogens.
    Skeleton,
}

impl Level {
    /// From the strictest to the loosest.
    pub const ALL: [Level; 4] = [Level::Canonical, Level::InchiKey, Level::Flat, Level::Skeleton];

    /// The name in `audit.json`.
    pub fn name(self) -> &'static str {
        match self {
            Level::Canonical => "canonical",
            Level::InchiKey => "inchi_key",
            Level::Flat => "flat",
            Level::Skeleton => "skeleton",
        }
    }
}

/// What becomes of rows of a training set that contradict each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictRule {
    /// All are removed: nothing tells which is right.
    #[default]
    RemoveAll,
    /// The first row stays and, in the order of the files, each that agrees with all that stay.
    KeepFirst,
}

/// How rows are cleaned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FixOptions {
    /// Also remove near-duplicates of held-out rows of the same or a related task.
    pub near: bool,
    pub conflicts: ConflictRule,
}

/// Files or folders of examples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// A file with one example a line, plain or gzipped, or a folder with `examples.jsonl`.
    pub path: PathBuf,
    /// Takes all rows as this split, whatever they say.
    pub split: Option<Split>,
}

/// Counts the tokens of a question and of its answer under a model's tokenizer.
pub type TokenCounter<'a> = &'a (dyn Fn(&Example) -> (usize, usize) + Sync);

/// Told while an audit runs: what is done, and how many rows of it.
pub type Progress<'a> = &'a (dyn Fn(&'static str, u64) + Sync);

/// What is audited, and how.
#[derive(Clone)]
pub struct AuditOptions<'a> {
    pub given: Vec<Given>,
    /// Files with mapped reactions as they were published: importing removes the maps.
    pub mapped: Vec<PathBuf>,
    pub checks: Vec<Check>,
    /// Least Tanimoto similarity of near-duplicates (Morgan fingerprint, radius 2, 2,048 bits), above 0 and at most 1.
    pub near: f64,
    /// Measured numbers that differ by more than this contradict each other, in the unit of the task.
    pub tolerance: f64,
    /// Most examples of each finding.
    pub examples: usize,
    /// Writes the clean rows too.
    pub fix: Option<FixOptions>,
    pub tokens: Option<TokenCounter<'a>>,
}

impl Default for AuditOptions<'_> {
    fn default() -> Self {
        AuditOptions {
            given: Vec::new(),
            mapped: Vec::new(),
            checks: Check::ALL.to_vec(),
            near: 0.9,
            tolerance: 0.1,
            examples: 5,
            fix: None,
            tokens: None,
        }
    }
}

impl AuditOptions<'_> {
    /// Whether a check is made: it is asked for, or rows are cleaned by what it finds.
    pub(super) fn wants(&self, check: Check) -> bool {
        let is_needed = match check {
            Check::Leakage => self.fix.is_some(),
            Check::Near => self.fix.is_some_and(|fix| fix.near),
            _ => false,
        };
        is_needed || self.checks.contains(&check)
    }

    /// Whether any check compares molecules by InChI.
    pub(super) fn wants_inchi(&self) -> bool {
        self.wants(Check::Duplicates) || self.wants(Check::Leakage)
    }

    pub(super) fn check(&self) -> Result<(), AuditError> {
        if !(self.near > 0.0 && self.near <= 1.0) {
            return Err(AuditError::Option { name: "near", message: "a similarity above 0 and at most 1" });
        }
        if !(self.tolerance >= 0.0 && self.tolerance.is_finite()) {
            return Err(AuditError::Option { name: "tolerance", message: "a number that is not negative" });
        }
        Ok(())
    }
}
