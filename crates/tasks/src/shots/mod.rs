//! Examples before a question (few-shot prompts), chosen as ChemLLMBench (arXiv 2305.18365) does.
//!
//! [`Shots`] holds the rows to choose from, for each task; what a choice needs of a row (the fingerprint of its scaffold, its indexed text) is
//! computed once. A row that asks what the question asks is never shown.

mod identity;
mod sequence;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use chemr_chem::{BitFingerprint, CountFingerprint, Mol};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::example::Example;
use crate::prompt::{Prompt, Prompts};
use crate::registry::Task;
use crate::suggest::suggestion;

use identity::Asked;
use sequence::{Query, Text, more_alike};

/// Longest first field of a row for [`ShotChoice::Sequence`], in characters: the time of a comparison grows faster than the text.
const MAX_TEXT: usize = 10_000;

/// How examples are chosen for a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShotChoice {
    /// The same rows for every question, drawn once with a seed.
    Fixed,
    /// Rows whose Murcko scaffolds have the highest Tanimoto similarity (Morgan fingerprint, radius 2, 2,048 bits) to that of the question, for tasks
    /// that ask about a molecule. An acyclic molecule has an empty scaffold, whose similarity to any is 0.
    Scaffold,
    /// As [`ShotChoice::Scaffold`] with the unfolded counts of the Morgan fingerprint, as ChemLLMBench's code has it.
    ScaffoldCounts,
    /// Rows whose text has the highest ratio of Python's `difflib.SequenceMatcher` to that of the question.
    Sequence,
    /// [`ShotChoice::Scaffold`] for tasks that ask about a molecule, [`ShotChoice::Sequence`] for the others.
    Similar,
}

impl ShotChoice {
    /// Every choice.
    pub const ALL: [ShotChoice; 5] = [
        ShotChoice::Fixed,
        ShotChoice::Scaffold,
        ShotChoice::ScaffoldCounts,
        ShotChoice::Sequence,
        ShotChoice::Similar,
    ];

    /// `fixed`, `scaffold`, `scaffold-counts`, `sequence` or `similar`.
    pub fn as_str(self) -> &'static str {
        match self {
            ShotChoice::Fixed => "fixed",
            ShotChoice::Scaffold => "scaffold",
            ShotChoice::ScaffoldCounts => "scaffold-counts",
            ShotChoice::Sequence => "sequence",
            ShotChoice::Similar => "similar",
        }
    }
}

impl fmt::Display for ShotChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for ShotChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<ShotChoice, String> {
        ShotChoice::ALL.into_iter().find(|choice| choice.as_str() == text).ok_or_else(|| {
            let names = ShotChoice::ALL.map(ShotChoice::as_str);
            format!("unknown choice of examples `{text}`{}", suggestion(text, names.into_iter()))
        })
    }
}

/// A row to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shot {
    /// Its place in the file, for messages.
    pub row: usize,
    pub example: Example,
}

/// Why no examples can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ShotsError {
    #[error(
        "{task}: {wanted} examples are wanted, and there are {rows} rows to choose from; ask for fewer or add rows of this task"
    )]
    TooFew { task: &'static str, rows: usize, wanted: usize },
    #[error(
        "{task} asks about `{key}`, which is no molecule with a scaffold; choose its examples by sequence, similar or fixed"
    )]
    NoMolecule { task: &'static str, key: &'static str },
    #[error("row {row}: the `{key}` of {task} cannot be read: {reason}; correct the row or leave it out")]
    Row { row: usize, task: &'static str, key: &'static str, reason: String },
    #[error("the prompts of {task} have no place for examples; add {{shots}} to its `user`")]
    NotShown { task: &'static str },
}

/// Rows of the tasks, ready to choose from.
#[derive(Debug)]
pub struct Shots {
    count: usize,
    pools: BTreeMap<&'static str, Vec<Row>>,
}

/// A row of a task; where rows are drawn, in the order of the draw.
#[derive(Debug)]
struct Row {
    example: Example,
    /// What it asks.
    identity: String,
    compared: Compared,
}

/// What a row is compared by.
#[derive(Debug)]
enum Compared {
    Nothing,
    Scaffold(BitFingerprint),
    ScaffoldCounts(CountFingerprint),
    Text(Text),
}

impl Shots {
    /// Gets the rows ready: `count` of them stand before each question of the tasks; rows of other tasks are left out. `seed` draws those of
    /// [`ShotChoice::Fixed`].
    ///
    /// # Errors
    /// A task without enough rows, a choice that does not fit a task, a row that cannot be compared.
    pub fn new(
        count: usize,
        choice: ShotChoice,
        seed: u64,
        rows: Vec<Shot>,
        tasks: &[&'static Task],
    ) -> Result<Shots, ShotsError> {
        let mut of_task: BTreeMap<&'static str, Vec<Shot>> = tasks.iter().map(|task| (task.id(), Vec::new())).collect();
        for row in rows {
            if let Some(found) = of_task.get_mut(row.example.task.as_str()) {
                found.push(row);
            }
        }
        let mut pools = BTreeMap::new();
        for task in tasks.iter().copied() {
            let mut rows = of_task.remove(task.id()).unwrap_or_default();
            if rows.len() < count {
                return Err(ShotsError::TooFew { task: task.id(), rows: rows.len(), wanted: count });
            }
            if choice == ShotChoice::Fixed {
                rows.sort_by_cached_key(|row| (lot(seed, &row.example), row.row));
            }
            let read: Vec<Result<Row, ShotsError>> =
                rows.into_par_iter().map(|row| Row::read(task, choice, row)).collect();
            // The first bad row is named, whichever was read first.
            pools.insert(task.id(), read.into_iter().collect::<Result<_, _>>()?);
        }
        Ok(Shots { count, pools })
    }

    /// SHA-256 over the rows, in hex.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        // A content id covers task, input and reference.
        self.pools.values().flatten().for_each(|row| hash.update(row.example.id.as_bytes()));
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The examples for a question, in the order in which they are shown: the most similar first. Fewer than wanted only where too few rows ask
    /// something else than the question.
    pub fn choose(&self, task: &Task, question: &Example) -> Vec<&Example> {
        let Some(rows) = self.pools.get(task.id()) else { return Vec::new() };
        let asked = Asked::of(task, question);
        // A row that asks what an earlier one asks would be shown twice.
        let mut seen = BTreeSet::from([&asked.identity]);
        let others = rows.iter().enumerate().filter(|(_, row)| seen.insert(&row.identity));
        let mut texts = Vec::new();
        let mut alike = Vec::new();
        // A question that is no molecule is as unlike every row as an acyclic one.
        let molecule = asked.molecule.as_ref().and_then(|molecule| molecule.as_ref().ok());
        let (bits, counts) = (molecule.map(scaffold), molecule.map(scaffold_counts));
        for (place, row) in others {
            let similarity = match &row.compared {
                Compared::Nothing => None,
                Compared::Scaffold(theirs) => bits.as_ref().map(|ours| ours.tanimoto(theirs)),
                Compared::ScaffoldCounts(theirs) => counts.as_ref().map(|ours| ours.tanimoto(theirs)),
                Compared::Text(text) => {
                    texts.push((place, text));
                    continue;
                }
            };
            alike.push((similarity.unwrap_or(0.0), place));
        }
        alike.sort_by(more_alike);
        let mut chosen: Vec<usize> = alike.into_iter().take(self.count).map(|(_, place)| place).collect();
        if !texts.is_empty() {
            chosen = Query::new(question.field(task.input_key())).most_alike(&texts, self.count);
        }
        chosen.into_iter().map(|place| &rows[place].example).collect()
    }
}

impl Row {
    fn read(task: &'static Task, choice: ShotChoice, Shot { row, example }: Shot) -> Result<Row, ShotsError> {
        let key = task.input_key();
        let refused = |reason: String| ShotsError::Row { row, task: task.id(), key, reason };
        let Asked { identity, molecule } = Asked::of(task, &example);
        let compared = match (choice, molecule) {
            (ShotChoice::Fixed, _) => Compared::Nothing,
            (ShotChoice::Scaffold | ShotChoice::Similar, Some(molecule)) => {
                Compared::Scaffold(scaffold(&molecule.map_err(|error| refused(error.to_string()))?))
            }
            (ShotChoice::ScaffoldCounts, Some(molecule)) => {
                Compared::ScaffoldCounts(scaffold_counts(&molecule.map_err(|error| refused(error.to_string()))?))
            }
            (ShotChoice::Scaffold | ShotChoice::ScaffoldCounts, None) => {
                return Err(ShotsError::NoMolecule { task: task.id(), key });
            }
            (ShotChoice::Sequence, _) | (ShotChoice::Similar, None) => {
                let text = example.field(key);
                let length = text.chars().count();
                if length > MAX_TEXT {
                    return Err(refused(format!("{length} characters are more than {MAX_TEXT}")));
                }
                Compared::Text(Text::new(text))
            }
        };
        Ok(Row { example, identity, compared })
    }
}

fn scaffold(molecule: &Mol) -> BitFingerprint {
    molecule.scaffold_morgan(2, 2048)
}

fn scaffold_counts(molecule: &Mol) -> CountFingerprint {
    molecule.scaffold_morgan_counts(2)
}

/// What decides the order of a draw: it depends on the row alone, not on its place among others.
fn lot(seed: u64, example: &Example) -> Vec<u8> {
    Sha256::digest(format!("{seed} {}", example.id)).to_vec()
}

/// How questions are asked: in which words, and after which examples.
#[derive(Clone, Copy, Debug)]
pub struct Questions<'a> {
    prompts: &'a Prompts,
    shots: Option<&'a Shots>,
}

impl<'a> Questions<'a> {
    /// Questions without examples.
    pub fn zero_shot(prompts: &'a Prompts) -> Questions<'a> {
        Questions { prompts, shots: None }
    }

    /// Questions after examples.
    ///
    /// # Errors
    /// [`ShotsError::NotShown`] when the prompts of a task have no place for them.
    pub fn few_shot(
        prompts: &'a Prompts,
        shots: &'a Shots,
        tasks: &[&'static Task],
    ) -> Result<Questions<'a>, ShotsError> {
        match tasks.iter().find(|task| !prompts.shows_shots(task)) {
            Some(task) => Err(ShotsError::NotShown { task: task.id() }),
            None => Ok(Questions { prompts, shots: Some(shots) }),
        }
    }

    /// The templates.
    pub fn prompts(&self) -> &'a Prompts {
        self.prompts
    }

    /// The prompt of a row.
    pub fn ask(&self, task: &Task, example: &Example) -> Prompt {
        let shots = self.shots.map(|shots| shots.choose(task, example)).unwrap_or_default();
        self.prompts.question_after(task, example, &shots)
    }
}

#[cfg(test)]
mod tests;
