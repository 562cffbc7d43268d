//! One question with several answers.

use std::collections::{BTreeMap, BTreeSet};

use chemr_tasks::Split;

use super::groups::{groups, keyed};
use super::report::{ConflictCounts, Conflicts, Shown};
use super::table::{Row, Table};
use crate::anatomy::has_one_answer;

/// Finds the tasks with such questions, in alphabetical order.
pub(super) fn conflicts(table: &Table, tolerance: f64, examples: usize) -> Vec<Conflicts> {
    let tasks = Tasks::of(table);
    let mut found: BTreeMap<u32, Conflicts> = BTreeMap::new();
    let mut known: BTreeSet<(u32, u64)> = BTreeSet::new();
    for level in [0, 1] {
        let sorted = keyed(table, |row| (tasks.of_set[row.set as usize], row.question[level]));
        for group in groups(&sorted).filter(|group| group.len() > 1) {
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
                is_conflict: has_one_answer(chemr_tasks::task(&tasks.names[task as usize])),
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
    sorted
}

/// Different questions of all tasks.
pub(super) fn questions(table: &Table) -> u64 {
    let tasks = Tasks::of(table);
    groups(&keyed(table, |row| (tasks.of_set[row.set as usize], row.question[0]))).count() as u64
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

/// The first row whose answer is not that of the first row; `None` when all agree.
pub(super) fn disagreeing(table: &Table, rows: &[u32], level: usize, tolerance: f64) -> Option<u32> {
    let first = &table.rows[*rows.first()? as usize];
    let mut bounds = first.number().map(|value| (value, value));
    rows[1..].iter().copied().find(|place| {
        let row: &Row = &table.rows[*place as usize];
        match (&mut bounds, row.number()) {
            // The spread of all counts: three values may differ by the tolerance each.
            (Some((least, most)), Some(value)) => {
                *least = least.min(value);
                *most = most.max(value);
                *most - *least > tolerance
            }
            _ => row.answer[level] != first.answer[level],
        }
    })
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
