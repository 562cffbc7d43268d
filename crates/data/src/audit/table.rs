//! What the first pass keeps of the rows: keys and places, never texts.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use chemr_tasks::{Split, Task};

use super::keys::{MoleculeKeys, NO_KEY};
use super::options::Level;
use super::report::SetName;
use crate::anatomy::{Group, group};
use crate::prefix_filter::Fingerprint;

/// No molecule.
pub(super) const NONE: u32 = u32::MAX;

/// Marks an answer that is a number.
const NUMBER: u64 = 1;

/// Sets beyond so many are taken together: their pairs are counted, and a file can name a source in every row.
const MOST_SETS: usize = 4096;
const OTHER_SOURCES: &str = "(other sources)";
const OTHER_TASKS: &str = "(other tasks)";

/// Rows of one task, source and split.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub task: String,
    pub source: String,
    pub split: Split,
    /// `None` for a task that is not known.
    pub known: Option<&'static Task>,
}

impl Set {
    pub fn name(&self) -> SetName {
        SetName { task: self.task.clone(), source: self.source.clone(), split: self.split }
    }

    fn group(&self) -> Option<Group> {
        self.known.map(group)
    }

    /// How the other set's task stands to this one's.
    pub fn relation(&self, other: &Set) -> Relation {
        if self.task == other.task {
            Relation::SameTask
        } else if self.group().is_some() && self.group() == other.group() {
            Relation::RelatedTask
        } else {
            Relation::OtherTask
        }
    }

    /// Whether rows of this set may be trained on or chosen by while those of the other are held out.
    pub fn exposes(&self, held_out: &Set) -> bool {
        self.split < held_out.split
    }
}

/// How two tasks stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    SameTask,
    /// The same facts asked in another way: a reaction forwards and backwards, a name and its structure.
    RelatedTask,
    OtherTask,
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row {
    pub file: u32,
    pub line: u32,
    pub set: u32,
    /// Place in [`Table::molecules`], or [`NONE`].
    pub molecule: u32,
    /// The whole question: canonical, flat.
    pub question: [u64; 2],
    /// The answer: canonical, flat; of a number its bits and [`NUMBER`].
    pub answer: [u64; 2],
    /// Reactants and product: canonical, flat; [`NO_KEY`] where the row is of no reaction.
    pub reaction: [u64; 2],
}

impl Row {
    pub fn number_key(value: f64) -> [u64; 2] {
        // Minus zero is zero.
        [(value + 0.0).to_bits(), NUMBER]
    }

    pub fn number(&self) -> Option<f64> {
        (self.answer[1] == NUMBER).then(|| f64::from_bits(self.answer[0]))
    }
}

/// A file that was read.
#[derive(Clone, Debug)]
pub(super) struct FileNote {
    pub path: PathBuf,
    pub split: Option<Split>,
    pub sha256: [u8; 32],
    pub lines: u64,
}

/// A line that is no example.
#[derive(Clone, Debug)]
pub(super) struct BadLine {
    pub file: u32,
    pub line: u32,
    pub message: String,
}

/// How often each value came, and the row of the greatest.
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    pub counts: BTreeMap<u32, u64>,
    pub greatest: Option<(u32, u32)>,
}

impl Histogram {
    pub fn add(&mut self, value: u32, row: u32) {
        *self.counts.entry(value).or_default() += 1;
        if self.greatest.is_none_or(|(known, _)| value > known) {
            self.greatest = Some((value, row));
        }
    }

    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The least value that so large a share of all does not exceed.
    pub fn quantile(&self, share: f64) -> u32 {
        let wanted = (share * self.total() as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (value, count) in &self.counts {
            seen += count;
            if seen >= wanted {
                return *value;
            }
        }
        0
    }
}

/// What is counted of a set while its rows are read.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Characters and tokens of question and answer, then tokens of a model's tokenizer.
    pub lengths: [Histogram; 6],
    pub atoms: AtomTally,
    pub mapped: MapTally,
    pub mapped_rows: u64,
    pub first_mapped: Option<u32>,
}

/// Reactions whose sides were compared.
#[derive(Clone, Debug, Default)]
pub(super) struct AtomTally {
    pub checked: u64,
    /// A side has no composition: too long, or with bonds that no reader takes.
    pub unchecked: u64,
    pub unbalanced: u64,
    pub missing: BTreeMap<String, u64>,
    pub product_is_reactant: u64,
    pub unbalanced_rows: Vec<u32>,
    pub reactant_rows: Vec<u32>,
}

/// Mapped reactions by where their centre stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct MapTally {
    pub reactions: u64,
    /// With the map number 1 on an atom of the product.
    pub with_one: u64,
    pub one_in_centre: u64,
    pub first_in_centre: u64,
    /// Sum of the shares of product atoms in the centre: what chance expects.
    pub expected: f64,
}

/// A row of a yield table by its components.
#[derive(Clone, Debug)]
pub(super) struct YieldRow {
    pub row: u32,
    /// Sorted, each once.
    pub components: Box<[u64]>,
}

/// A question of reagent selection.
#[derive(Clone, Debug)]
pub(super) struct SelectionRow {
    pub row: u32,
    pub components: Box<[u64]>,
    /// Each candidate's components, in the order of the question.
    pub candidates: Vec<Box<[u64]>>,
    /// Place of the candidate that the answer names first.
    pub best: Option<usize>,
}

/// All rows.
#[derive(Default)]
pub(super) struct Table {
    pub files: Vec<FileNote>,
    pub sets: Vec<Set>,
    pub tallies: Vec<Tally>,
    pub rows: Vec<Row>,
    pub molecules: Vec<MoleculeKeys>,
    /// One for each molecule, or none at all.
    pub fingerprints: Vec<Fingerprint>,
    pub yields: Vec<YieldRow>,
    pub selections: Vec<SelectionRow>,
    pub bad_lines: u64,
    pub first_bad_lines: Vec<BadLine>,
    /// Components that cannot be read, and the rows with some.
    pub unreadable_components: u64,
    pub unreadable_rows: u64,
    pub first_unreadable: Vec<u32>,
    /// Rows by unknown task.
    pub unknown_tasks: BTreeMap<String, u64>,
    set_places: HashMap<(String, String, Split), u32>,
}

impl Table {
    /// The place of a set, which is made when it is new.
    pub fn set(&mut self, task: &str, source: &str, split: Split) -> u32 {
        let key = (task.to_owned(), source.to_owned(), split);
        if let Some(place) = self.set_places.get(&key) {
            return *place;
        }
        let known = chemr_tasks::task(task);
        if self.sets.len() >= MOST_SETS && source != OTHER_SOURCES {
            return self.set(task, OTHER_SOURCES, split);
        }
        // Known tasks are few; names that are none have no end.
        if self.sets.len() >= MOST_SETS && task != OTHER_TASKS && known.is_none() {
            return self.set(OTHER_TASKS, OTHER_SOURCES, split);
        }
        let place = self.sets.len() as u32;
        let (task, source) = (key.0.clone(), key.1.clone());
        self.sets.push(Set { task, source, split, known });
        self.tallies.push(Tally::default());
        self.set_places.insert(key, place);
        place
    }

    pub fn set_of(&self, row: &Row) -> &Set {
        &self.sets[row.set as usize]
    }

    /// The places of sets in the order of reports: by task, source and split.
    pub fn sorted_sets(&self) -> Vec<u32> {
        let mut places: Vec<u32> = (0..self.sets.len() as u32).collect();
        places.sort_by_key(|place| {
            let set = &self.sets[*place as usize];
            (&set.task, &set.source, set.split)
        });
        places
    }

    /// The key of a row's molecule.
    pub fn molecule_key(&self, row: &Row, level: Level) -> u64 {
        let Some(keys) = self.molecules.get(row.molecule as usize) else { return NO_KEY };
        match level {
            Level::Canonical => keys.canonical,
            Level::InchiKey => keys.inchi_key,
            Level::Flat => keys.flat,
            Level::Skeleton => keys.skeleton,
        }
    }

    pub fn scaffold_key(&self, row: &Row) -> u64 {
        self.molecules.get(row.molecule as usize).map_or(NO_KEY, |keys| keys.scaffold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_counts() {
        let mut lengths = Histogram::default();
        for (row, value) in [5, 1, 3, 9, 9].into_iter().enumerate() {
            lengths.add(value, row as u32);
        }
        assert_eq!([0.0, 0.2, 0.5, 0.9, 1.0].map(|share| lengths.quantile(share)), [1, 1, 5, 9, 9]);
        assert_eq!((lengths.greatest, lengths.total()), (Some((9, 3)), 5));
    }

    #[test]
    fn a_source_in_every_row_does_not_make_endless_sets() {
        let mut table = Table::default();
        for number in 0..MOST_SETS + 50 {
            table.set("t", &number.to_string(), Split::Train);
        }
        assert_eq!(table.sets.len(), MOST_SETS + 1);
        assert_eq!(table.set("t", "7", Split::Train), 7);
        for number in 0..50 {
            table.set(&number.to_string(), "new", Split::Train);
        }
        table.set("property.bbbp", "new", Split::Train);
        assert_eq!(table.sets.len(), MOST_SETS + 2);
    }
}
