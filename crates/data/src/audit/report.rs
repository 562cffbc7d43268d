//! What an audit says: the content of `audit.json`.

use std::collections::BTreeMap;

use chemr_tasks::Split;
use serde::Serialize;

use super::leakage::Hit;
use super::options::{Check, ConflictRule};
use super::table::Relation;

/// A row, by its place and in short.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// `FILE:LINE`.
    pub place: String,
    pub task: String,
    pub split: String,
    /// Question and answer, shortened.
    pub text: String,
    #[serde(skip)]
    pub(super) row: u32,
}

impl Place {
    pub(super) fn of(row: u32) -> Place {
        Place { row, ..Place::default() }
    }
}

/// Two rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// What they share, e.g. `molecule_flat`, or how they differ.
    pub what: String,
    pub first: Place,
    pub second: Place,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similarity: Option<f64>,
}

impl Shown {
    pub(super) fn of(what: &str, first: u32, second: u32) -> Shown {
        Shown { what: what.to_owned(), first: Place::of(first), second: Place::of(second), similarity: None }
    }
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing was found.
    None,
    /// For information.
    Note,
    /// Scores may be too good, or training worse.
    Warning,
    /// Scores on the held-out rows cannot be trusted, or labels contradict each other.
    Serious,
}

impl Severity {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Severity::None => "none",
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Serious => "serious",
        }
    }
}

/// One line of the summary.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    pub check: Check,
    pub severity: Severity,
    /// Rows, questions or pairs that were found.
    pub count: u64,
    /// Out of so many.
    pub of: u64,
    /// What it means, in a sentence.
    pub sentence: String,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileSummary {
    pub file: String,
    /// SHA-256 of its content, unpacked.
    pub sha256: String,
    pub lines: u64,
    /// The split that all its rows were taken as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_as: Option<&'static str>,
}

/// Rows of one task, source and split.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SetName {
    pub task: String,
    pub source: String,
    pub split: Split,
}

/// What could not be read.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Unreadable {
    /// Lines that are no example.
    pub lines: u64,
    pub first_lines: Vec<Line>,
    /// Molecules that no reader takes; they are compared as texts.
    pub components: u64,
    pub rows: u64,
    pub first_rows: Vec<Place>,
    /// Rows of tasks that chem-r does not have, by task.
    pub unknown_tasks: BTreeMap<String, u64>,
}

/// A line that is no example.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    pub place: String,
    pub message: String,
}

/// Rows of a set beyond the first of their kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Duplicates {
    #[serde(flatten)]
    pub set: SetName,
    pub rows: u64,
    /// Question and answer are those of an earlier row.
    pub exact: u64,
    /// The question is.
    pub question: u64,
    pub question_flat: u64,
    /// The molecule is, by level.
    pub molecule: BTreeMap<&'static str, u64>,
    pub examples: Vec<Shown>,
}

/// Different questions, of which those with several answers are a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Questions {
    /// Of tasks with one right answer.
    pub one_answer: u64,
    /// Of the other tasks.
    pub several: u64,
}

/// Questions of a task that have several answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conflicts {
    pub task: String,
    /// Whether only one answer can be right.
    pub is_conflict: bool,
    pub canonical: ConflictCounts,
    /// Beyond those: questions that differ in stereochemistry or isotopes alone, with answers that differ in more.
    pub flat: ConflictCounts,
    pub examples: Vec<Shown>,
}

/// Numbers of a kind of conflict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConflictCounts {
    pub questions: u64,
    pub train_rows: u64,
    pub valid_rows: u64,
    pub test_rows: u64,
    /// Questions whose answers differ between splits and within none.
    pub between_splits: u64,
}

/// What two sets share.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairReport {
    pub train: SetName,
    pub held_out: SetName,
    pub relation: Relation,
    /// By what is shared; what is not there is none.
    pub shared: BTreeMap<&'static str, Hit>,
    pub examples: Vec<Shown>,
}

/// A held-out set, or one that is trained on, and its rows that are in the other kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetLeakage {
    #[serde(flatten)]
    pub set: SetName,
    pub rows: u64,
    /// Rows that share question, reaction or molecule with the same or a related task.
    pub same: u64,
    /// Of the others: rows that are near one of the same or a related task.
    pub near: u64,
    /// Of the others: rows with a scaffold of the same or a related task.
    pub scaffold: u64,
    /// Rows whose molecule or reaction stands in another task.
    pub elsewhere: u64,
}

/// Leakage of held-out sets.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LeakageReport {
    /// Least similarity of near-duplicates.
    pub near: f64,
    /// Validation and test sets.
    pub held_out: Vec<SetLeakage>,
    /// Training and validation sets.
    pub train: Vec<SetLeakage>,
    pub pairs: Vec<PairReport>,
}

/// Mapped reactions of a file or a set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MapReport {
    /// The file, or task, source and split.
    pub name: String,
    pub reactions: u64,
    /// Reactions whose product has an atom with the map number 1.
    pub with_one: u64,
    /// Share of those in which that atom belongs to the reaction centre.
    pub one_in_centre: f64,
    /// Share of all in which the first product atom as written belongs to it.
    pub first_in_centre: f64,
    /// Mean share of the product's atoms that belong to it: what chance expects of both.
    pub expected: f64,
    /// Rows that show maps; a file that was named has them in all.
    pub mapped_rows: u64,
    /// Rows in which no centre was found.
    pub unread: u64,
    pub first: Option<Place>,
}

/// Yields that answer questions of reagent selection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SelectionReport {
    pub task: String,
    /// Split of the questions; the yields are those of the splits before it.
    pub split: Split,
    /// Questions in all.
    pub questions: u64,
    /// Questions for which the yield of one candidate at least is in the table; of the best; of all.
    pub any: u64,
    pub best: u64,
    pub all: u64,
    /// Rows of the table that tell a yield.
    pub rows: u64,
    pub examples: Vec<Shown>,
}

/// Labels or numbers of a set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Balance {
    #[serde(flatten)]
    pub set: SetName,
    pub rows: u64,
    /// Rows by label.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<&'static str, u64>,
    /// Least, quartiles, greatest and mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numbers: Option<[f64; 6]>,
    /// Share of `Yes`, or mean, less that of the training rows of the task (all sources).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<f64>,
    /// That difference in standard errors of the two samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard_errors: Option<f64>,
}

/// Lengths of a set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LengthReport {
    #[serde(flatten)]
    pub set: SetName,
    pub lengths: Vec<Quantiles>,
}

/// One kind of length.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Quantiles {
    /// `question_characters` and so on.
    pub what: &'static str,
    pub median: u32,
    pub p95: u32,
    pub p99: u32,
    pub greatest: u32,
    pub longest: Option<Place>,
}

/// Atom balance of a set of reactions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AtomReport {
    #[serde(flatten)]
    pub set: SetName,
    pub checked: u64,
    pub unchecked: u64,
    /// Products with more atoms of an element than all reactants together.
    pub unbalanced: u64,
    /// Of those, by element.
    pub missing: BTreeMap<String, u64>,
    pub product_is_reactant: u64,
    pub examples: Vec<Place>,
    pub reactant_examples: Vec<Place>,
}

/// What cleaning took away.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FixReport {
    pub kept: u64,
    pub removed: u64,
    /// By reason.
    pub reasons: BTreeMap<String, u64>,
    /// By set: rows before and after.
    pub sets: Vec<FixedSet>,
}

/// A set before and after.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FixedSet {
    #[serde(flatten)]
    pub set: SetName,
    pub before: u64,
    pub after: u64,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OptionsNote {
    pub checks: Vec<Check>,
    pub near: f64,
    pub tolerance: f64,
    pub examples: usize,
    pub fix: bool,
    pub fix_near: bool,
    pub conflicts: Option<ConflictRule>,
}

/// What an audit found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `chemr-audit-1`.
    pub format: &'static str,
    pub version: &'static str,
    pub options: OptionsNote,
    pub files: Vec<FileSummary>,
    pub rows: u64,
    /// Different molecules that rows are about.
    pub molecules: u64,
    pub sets: BTreeMap<String, u64>,
    pub summary: Vec<Finding>,
    pub unreadable: Unreadable,
    pub duplicates: Vec<Duplicates>,
    /// `null` where conflicts were not looked for.
    pub questions: Option<Questions>,
    pub conflicts: Vec<Conflicts>,
    pub leakage: LeakageReport,
    pub maps: Vec<MapReport>,
    pub selection: Vec<SelectionReport>,
    pub balance: Vec<Balance>,
    pub lengths: Vec<LengthReport>,
    pub atoms: Vec<AtomReport>,
    pub fix: Option<FixReport>,
    pub seconds: f64,
    /// The most memory that the process has held, in bytes; where the system tells it.
    pub peak_memory_bytes: Option<u64>,
}

impl Report {
    /// Those of these checks that found something: the check's first finding counts, notes behind it do not.
    pub fn found(&self, checks: &[Check]) -> Vec<Check> {
        let first = |check: &Check| self.summary.iter().find(|finding| finding.check == *check);
        checks.iter().copied().filter(|check| first(check).is_some_and(|finding| finding.count > 0)).collect()
    }

    /// Every row that the report shows.
    pub(super) fn places(&mut self) -> Vec<&mut Place> {
        let mut places: Vec<&mut Place> = Vec::new();
        let mut shown: Vec<&mut Shown> = Vec::new();
        places.extend(&mut self.unreadable.first_rows);
        shown.extend(self.duplicates.iter_mut().flat_map(|set| &mut set.examples));
        shown.extend(self.conflicts.iter_mut().flat_map(|task| &mut task.examples));
        shown.extend(self.leakage.pairs.iter_mut().flat_map(|pair| &mut pair.examples));
        shown.extend(self.selection.iter_mut().flat_map(|task| &mut task.examples));
        places.extend(self.maps.iter_mut().filter_map(|map| map.first.as_mut()));
        let lengths = self.lengths.iter_mut().flat_map(|set| &mut set.lengths);
        places.extend(lengths.filter_map(|quantiles| quantiles.longest.as_mut()));
        for set in &mut self.atoms {
            places.extend(&mut set.examples);
            places.extend(&mut set.reactant_examples);
        }
        places.extend(shown.into_iter().flat_map(|pair| [&mut pair.first, &mut pair.second]));
        places
    }
}
