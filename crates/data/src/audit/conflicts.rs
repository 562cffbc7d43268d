//! One question with several answers.

use std::collections::{BTreeMap, BTreeSet};

use chemr_tasks::Split;

use super::groups::{groups, keyed};
use super::report::{ConflictCounts, Conflicts, Questions, Shown};
use super::table::{Row, Table};
use crate::anatomy::has_one_answer;

/// Finds the tasks with such questions, in alphabetical order, and counts the different questions: those with one right answer, and the others.
pub(super) fn conflicts(table: &Table, tolerance: f64, examples: usize) -> (Vec<Conflicts>, Questions) {
    let tasks = Tasks::of(table);
    let mut found: BTreeMap<u32, Conflicts> = BTreeMap::new();
    let mut known: BTreeSet<(u32, u64)> = BTreeSet::new();
    let one_answer: Vec<bool> = tasks.names.iter().map(|name| has_one_answer(chemr_tasks::task(name))).collect();
    let mut questions = Questions::default();
    for level in [0, 1] {
        let sorted = keyed(table, |row| (tasks.of_set[row.set as usize], row.question[level]));
        for group in groups(&sorted) {
            if level == 0 {
                let of = if one_answer[group[0].scope as usize] {
                    &mut questions.one_answer
                } else {
                    &mut questions.several
                };
                *of += 1;
            }
            if group.len() == 1 {
                continue;
            }
            let rows: Vec<u32> = group.iter().map(|one| one.row).collect();
            let (task, flat) = (group[0].scope, table.rows[rows[0] as usize].question[1]);
            // What conflicts as it stands does so without stereochemistry too.
            if level == 1 && known.contains(&(task, flat)) {
                continue;
            }
            let Some(other) = disagreeing(table, &rows, level, tolerance) else { continue };
            if level == 0 {
                known.insert((task, flat));
            }
            let conflicts = found.entry(task).or_insert_with(|| Conflicts {
                task: tasks.names[task as usize].clone(),
                is_conflict: one_answer[task as usize],
                canonical: ConflictCounts::default(),
                flat: ConflictCounts::default(),
                examples: Vec::new(),
            });
            let (counts, what) = match level {
                0 => (&mut conflicts.canonical, "one question, two answers"),
                _ => (&mut conflicts.flat, "one question without stereochemistry, two answers"),
            };
            tell(counts, table, &rows, level, tolerance);
            if conflicts.examples.iter().filter(|shown| shown.what == what).count() < examples {
                conflicts.examples.push(Shown::of(what, rows[0], other));
            }
        }
    }
    let mut sorted: Vec<Conflicts> = found.into_values().collect();
    sorted.sort_by(|one, other| one.task.cmp(&other.task));
    (sorted, questions)
}

/// Numbers of tasks, in the order in which they come.
pub(super) struct Tasks {
    pub names: Vec<String>,
    /// By set.
    pub of_set: Vec<u32>,
}

impl Tasks {
    pub fn of(table: &Table) -> Tasks {
        let (mut names, mut places) = (Vec::new(), BTreeMap::new());
        let of_set = table
            .sets
            .iter()
            .map(|set| {
                *places.entry(set.task.clone()).or_insert_with(|| {
                    names.push(set.task.clone());
                    names.len() as u32 - 1
                })
            })
            .collect();
        Tasks { names, of_set }
    }
}

/// Rows that agree: all have the answer of the first, or numbers that lie within the tolerance together.
pub(super) struct Agreed<'a> {
    table: &'a Table,
    level: usize,
    tolerance: f64,
    /// The first row, with the least and the greatest of the numbers.
    first: Option<(&'a Row, Option<(f64, f64)>)>,
}

impl<'a> Agreed<'a> {
    /// No row yet.
    pub fn new(table: &'a Table, level: usize, tolerance: f64) -> Self {
        Agreed { table, level, tolerance, first: None }
    }

    /// Takes a row that agrees with all taken so far; whether it does.
    pub fn takes(&mut self, place: u32) -> bool {
        let row: &Row = &self.table.rows[place as usize];
        let Some((first, bounds)) = &mut self.first else {
            self.first = Some((row, row.number().map(|value| (value, value))));
            return true;
        };
        match (bounds, row.number()) {
            // The spread of all counts: three values may differ by the tolerance each.
            (Some((least, most)), Some(value)) => {
                let wider = (least.min(value), most.max(value));
                let agrees = wider.1 - wider.0 <= self.tolerance;
                if agrees {
                    (*least, *most) = wider;
                }
                agrees
            }
            _ => row.answer[self.level] == first.answer[self.level],
        }
    }
}

/// The first row whose answer is not that of the rows before it; `None` when all agree.
pub(super) fn disagreeing(table: &Table, rows: &[u32], level: usize, tolerance: f64) -> Option<u32> {
    let mut agreed = Agreed::new(table, level, tolerance);
    rows.iter().copied().find(|row| !agreed.takes(*row))
}

fn tell(counts: &mut ConflictCounts, table: &Table, rows: &[u32], level: usize, tolerance: f64) {
    counts.questions += 1;
    let mut is_within = false;
    for (split, number) in [
        (Split::Train, &mut counts.train_rows),
        (Split::Valid, &mut counts.valid_rows),
        (Split::Test, &mut counts.test_rows),
    ] {
        let of_split: Vec<u32> =
            rows.iter().copied().filter(|row| table.set_of(&table.rows[*row as usize]).split == split).collect();
        *number += of_split.len() as u64;
        is_within |= disagreeing(table, &of_split, level, tolerance).is_some();
    }
    counts.between_splits += u64::from(!is_within);
}
