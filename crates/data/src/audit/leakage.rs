//! What may be trained on and stands in a held-out set.

use std::collections::{BTreeMap, HashSet};

use chemr_tasks::{Split, Task};

use super::groups::{Keyed, groups, keyed};
use super::keys::NO_KEY;
use super::near::NearIndex;
use super::options::{AuditOptions, Check, Level, Progress};
use super::table::{NONE, Relation, Row, Set, Table};

/// What two rows share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shared {
    /// All that is asked, in the same task.
    Question,
    QuestionFlat,
    /// Reactants and product.
    Reaction,
    ReactionFlat,
    /// The molecule that the row is about; of a reaction its product.
    Molecule,
    MoleculeInchiKey,
    MoleculeFlat,
    MoleculeSkeleton,
    Near,
    Scaffold,
}

impl Shared {
    /// All kinds; of each thing the strict ones first.
    pub const ALL: [Shared; 10] = [
        Shared::Question,
        Shared::QuestionFlat,
        Shared::Reaction,
        Shared::ReactionFlat,
        Shared::Molecule,
        Shared::MoleculeInchiKey,
        Shared::MoleculeFlat,
        Shared::MoleculeSkeleton,
        Shared::Near,
        Shared::Scaffold,
    ];

    /// The name in `audit.json`.
    pub fn name(self) -> &'static str {
        match self {
            Shared::Question => "question",
            Shared::QuestionFlat => "question_flat",
            Shared::Reaction => "reaction",
            Shared::ReactionFlat => "reaction_flat",
            Shared::Molecule => "molecule",
            Shared::MoleculeInchiKey => "molecule_inchi_key",
            Shared::MoleculeFlat => "molecule_flat",
            Shared::MoleculeSkeleton => "molecule_skeleton",
            Shared::Near => "near",
            Shared::Scaffold => "scaffold",
        }
    }

    /// Whether rows that share this are the same for a model, rather than alike.
    fn is_same(self) -> bool {
        !matches!(self, Shared::Near | Shared::Scaffold)
    }
}

/// Rows that share something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Hit {
    pub train_rows: u64,
    pub held_out_rows: u64,
}

/// Two rows that share something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Example {
    pub shared: Shared,
    pub train: u32,
    pub held_out: u32,
    /// Of fingerprints.
    pub similarity: Option<f32>,
}

/// What a training set and a held-out set share.
#[derive(Clone, Debug, Default)]
pub(super) struct Pair {
    pub hits: [Hit; 10],
    pub examples: Vec<Example>,
}

/// What a row is found to be, as bits.
pub(super) mod flag {
    /// Shares its question, reaction or molecule with a row of the same or a related task.
    pub const SAME: u8 = 1;
    /// Is near a row of the same or a related task.
    pub const NEAR: u8 = 2;
    /// Shares its scaffold with a row of the same or a related task.
    pub const SCAFFOLD: u8 = 4;
    /// Shares its molecule or reaction with a row of another task.
    pub const ELSEWHERE: u8 = 8;
}

/// Why a row leaks: what it shares, and the first held-out row with that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leak {
    pub shared: Shared,
    pub held_out: u32,
}

/// Everything that sets share.
pub(super) struct Leakage {
    /// By places of training and held-out set.
    pub pairs: BTreeMap<(u32, u32), Pair>,
    /// Flags by row, as one that may be trained on and as a held-out one.
    pub train_flags: Vec<u8>,
    pub held_out_flags: Vec<u8>,
    /// By row, where rows are to be removed.
    pub leaks: BTreeMap<u32, Leak>,
}

/// One set in a group of rows with one key.
struct Member {
    set: u32,
    rows: u64,
    first: u32,
    train_flags: u8,
    held_out_flags: u8,
    leak: Option<u32>,
}

/// Finds it.
pub(super) fn leakage(table: &Table, options: &AuditOptions, progress: Progress) -> Leakage {
    let rows = table.rows.len();
    let mut finder = Finder {
        table,
        examples: options.examples,
        removes: options.fix.is_some(),
        found: Leakage {
            pairs: BTreeMap::new(),
            train_flags: vec![0; rows],
            held_out_flags: vec![0; rows],
            leaks: BTreeMap::new(),
        },
    };
    for (place, shared) in Shared::ALL.into_iter().enumerate() {
        let is_wanted = match shared {
            Shared::Near => options.wants(Check::Near),
            Shared::Scaffold => options.wants(Check::Scaffold),
            _ => options.wants(Check::Leakage),
        };
        if !is_wanted {
            continue;
        }
        progress("comparing sets", place as u64);
        if shared == Shared::Near {
            finder.near(options);
        } else {
            finder.walk(shared);
        }
    }
    finder.found
}

fn key(table: &Table, row: &Row, shared: Shared) -> u64 {
    match shared {
        Shared::Question => row.question[0],
        Shared::QuestionFlat => row.question[1],
        Shared::Reaction => row.reaction[0],
        Shared::ReactionFlat => row.reaction[1],
        Shared::Molecule => table.molecule_key(row, Level::Canonical),
        Shared::MoleculeInchiKey => table.molecule_key(row, Level::InchiKey),
        Shared::MoleculeFlat => table.molecule_key(row, Level::Flat),
        Shared::MoleculeSkeleton => table.molecule_key(row, Level::Skeleton),
        Shared::Scaffold => table.scaffold_key(row),
        Shared::Near => NO_KEY,
    }
}

struct Finder<'a> {
    table: &'a Table,
    examples: usize,
    removes: bool,
    found: Leakage,
}

impl Finder<'_> {
    fn walk(&mut self, shared: Shared) {
        let table = self.table;
        let sorted = keyed(table, |row| (0, key(table, row, shared)));
        for group in groups(&sorted).filter(|group| group.len() > 1) {
            let mut members: Vec<Member> = Vec::new();
            let mut by_set: Vec<(u32, u32)> =
                group.iter().map(|one| (table.rows[one.row as usize].set, one.row)).collect();
            by_set.sort_unstable();
            for run in by_set.chunk_by(|one, other| one.0 == other.0) {
                let (set, first) = run[0];
                let rows = run.len() as u64;
                members.push(Member { set, rows, first, train_flags: 0, held_out_flags: 0, leak: None });
            }
            if members.len() > 1 {
                self.compare(shared, &mut members, group);
                self.mark(shared, &members, &by_set);
            }
        }
    }

    /// Counts what the sets of a group share with each other.
    fn compare(&mut self, shared: Shared, members: &mut [Member], group: &[Keyed]) {
        let sets = &self.table.sets;
        for one in 0..members.len() {
            for other in 0..members.len() {
                let (train, held_out) = (&sets[members[one].set as usize], &sets[members[other].set as usize]);
                if !train.exposes(held_out) {
                    continue;
                }
                let relation = train.relation(held_out);
                // A question is one of its task.
                if matches!(shared, Shared::Question | Shared::QuestionFlat) && relation != Relation::SameTask {
                    continue;
                }
                let flags = flags(shared, train, relation);
                members[one].train_flags |= flags;
                members[other].held_out_flags |= flags;
                if flags & flag::SAME > 0 {
                    let first = members[other].first;
                    let leak = &mut members[one].leak;
                    *leak = Some(leak.map_or(first, |known| known.min(first)));
                }
                let pair = self.found.pairs.entry((members[one].set, members[other].set)).or_default();
                let hit = &mut pair.hits[shared as usize];
                hit.train_rows += members[one].rows;
                hit.held_out_rows += members[other].rows;
                let shown = pair.examples.iter().filter(|example| example.shared == shared).count();
                let most = if relation == Relation::OtherTask { 1 } else { self.examples };
                if shown < most.min(self.examples)
                    && let Some((train, held_out)) =
                        differing(self.table, shared, group, members[one].set, members[other].set)
                {
                    pair.examples.push(Example { shared, train, held_out, similarity: None });
                }
            }
        }
    }

    /// Marks the rows of a group.
    fn mark(&mut self, shared: Shared, members: &[Member], by_set: &[(u32, u32)]) {
        let mut rows = by_set;
        for member in members {
            let (own, rest) = rows.split_at((member.rows as usize).min(rows.len()));
            rows = rest;
            for (_, row) in own {
                self.found.train_flags[*row as usize] |= member.train_flags;
                self.found.held_out_flags[*row as usize] |= member.held_out_flags;
                if self.removes
                    && let Some(held_out) = member.leak
                {
                    self.found.leaks.entry(*row).or_insert(Leak { shared, held_out });
                }
            }
        }
    }

    fn near(&mut self, options: &AuditOptions) {
        let table = self.table;
        let by_molecule = ByMolecule::new(table);
        let is_any = |molecule: u32, role: fn(Split) -> bool| {
            by_molecule.rows(molecule).iter().any(|row| role(table.set_of(&table.rows[*row as usize]).split))
        };
        let molecules = 0..table.molecules.len() as u32;
        let held_out: Vec<u32> =
            molecules.clone().filter(|molecule| is_any(*molecule, |split| split != Split::Train)).collect();
        let exposing: Vec<u32> = molecules.filter(|molecule| is_any(*molecule, |split| split != Split::Test)).collect();
        let index = NearIndex::new(&table.fingerprints, &held_out, options.near);
        let mut counted: BTreeMap<(u32, u32), (u32, HashSet<u32>)> = BTreeMap::new();
        // In parts, so that the matches of a low threshold do not stand in memory together.
        for part in exposing.chunks(1 << 16) {
            for found in index.search(part) {
                let (one, other) = (&table.molecules[found.query as usize], &table.molecules[found.found as usize]);
                let is_same = one.flat == other.flat || (one.skeleton != NO_KEY && one.skeleton == other.skeleton);
                if !is_same {
                    self.near_pair(found, &by_molecule, &mut counted);
                }
            }
        }
    }

    fn near_pair(
        &mut self,
        found: super::near::Match,
        by_molecule: &ByMolecule,
        counted: &mut BTreeMap<(u32, u32), (u32, HashSet<u32>)>,
    ) {
        let table = self.table;
        let runs = |molecule: u32| -> Vec<&[u32]> {
            let set = |row: &u32| table.rows[*row as usize].set;
            by_molecule.rows(molecule).chunk_by(|one, other| set(one) == set(other)).collect()
        };
        let (train_runs, held_out_runs) = (runs(found.query), runs(found.found));
        for train_rows in &train_runs {
            for held_out_rows in &held_out_runs {
                let (Some(train_row), Some(held_out_row)) = (train_rows.first(), held_out_rows.first()) else {
                    continue;
                };
                let places = (table.rows[*train_row as usize].set, table.rows[*held_out_row as usize].set);
                let (train, held_out) = (&table.sets[places.0 as usize], &table.sets[places.1 as usize]);
                if !train.exposes(held_out) {
                    continue;
                }
                let (set, relation) = (train, train.relation(held_out));
                let pair = self.found.pairs.entry(places).or_default();
                let hit = &mut pair.hits[Shared::Near as usize];
                let (last, seen) = counted.entry(places).or_insert_with(|| (NONE, HashSet::new()));
                if *last != found.query {
                    *last = found.query;
                    hit.train_rows += train_rows.len() as u64;
                }
                if seen.insert(found.found) {
                    hit.held_out_rows += held_out_rows.len() as u64;
                }
                let shown = pair.examples.iter().filter(|example| example.shared == Shared::Near).count();
                let most = if relation == Relation::OtherTask { 1 } else { self.examples };
                if shown < most.min(self.examples) {
                    let (train, held_out, similarity) = (*train_row, *held_out_row, Some(found.similarity));
                    pair.examples.push(Example { shared: Shared::Near, train, held_out, similarity });
                }
                let flags = flags(Shared::Near, set, relation);
                for row in *train_rows {
                    self.found.train_flags[*row as usize] |= flags;
                    if self.removes && flags > 0 {
                        let leak = Leak { shared: Shared::Near, held_out: *held_out_row };
                        self.found.leaks.entry(*row).or_insert(leak);
                    }
                }
                for row in *held_out_rows {
                    self.found.held_out_flags[*row as usize] |= flags;
                }
            }
        }
    }
}

fn flags(shared: Shared, train: &Set, relation: Relation) -> u8 {
    // All reactions of a plate have one product: they are the same when their reactants and reagents are.
    let is_of_molecule = !matches!(train.known.map_or("", Task::family), "yield" | "yield_percent");
    let is_of_reaction =
        matches!(shared, Shared::Question | Shared::QuestionFlat | Shared::Reaction | Shared::ReactionFlat);
    match (relation, shared) {
        _ if relation != Relation::OtherTask && !is_of_molecule && !is_of_reaction => 0,
        (Relation::OtherTask, Shared::Molecule | Shared::Reaction) => flag::ELSEWHERE,
        (Relation::OtherTask, _) => 0,
        (_, Shared::Near) => flag::NEAR,
        (_, Shared::Scaffold) => flag::SCAFFOLD,
        (_, same) if same.is_same() => flag::SAME,
        _ => 0,
    }
}

/// The first rows of the two sets that share this and nothing stricter; `None` when all of the first rows do.
fn differing(table: &Table, shared: Shared, group: &[Keyed], train: u32, held_out: u32) -> Option<(u32, u32)> {
    /// Rows looked at.
    const FIRST: usize = 8;
    let stricter: &[Shared] = match shared {
        Shared::QuestionFlat => &[Shared::Question],
        Shared::ReactionFlat => &[Shared::Reaction],
        Shared::MoleculeInchiKey | Shared::MoleculeFlat => &[Shared::Molecule],
        Shared::MoleculeSkeleton => &[Shared::MoleculeInchiKey, Shared::MoleculeFlat],
        Shared::Scaffold => &[Shared::MoleculeFlat],
        _ => &[],
    };
    let rows =
        |set: u32| group.iter().map(|one| one.row).filter(move |row| table.rows[*row as usize].set == set).take(FIRST);
    rows(train).find_map(|one| {
        let found = rows(held_out).find(|other| {
            let (one, other) = (&table.rows[one as usize], &table.rows[*other as usize]);
            stricter.iter().all(|kind| {
                let key = |row| key(table, row, *kind);
                key(one) == NO_KEY || key(one) != key(other)
            })
        });
        Some((one, found?))
    })
}

/// The rows of each molecule, by set.
struct ByMolecule {
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl ByMolecule {
    fn new(table: &Table) -> ByMolecule {
        let place = |row: &u32| &table.rows[*row as usize];
        let mut rows: Vec<u32> = (0..table.rows.len() as u32).filter(|row| place(row).molecule != NONE).collect();
        rows.sort_unstable_by_key(|row| (place(row).molecule, place(row).set, *row));
        let mut starts = vec![0; table.molecules.len() + 1];
        for row in &rows {
            starts[place(row).molecule as usize + 1] += 1;
        }
        for molecule in 1..starts.len() {
            starts[molecule] += starts[molecule - 1];
        }
        ByMolecule { starts, rows }
    }

    fn rows(&self, molecule: u32) -> &[u32] {
        let place = molecule as usize;
        &self.rows[self.starts[place] as usize..self.starts[place + 1] as usize]
    }
}
