//! Rows that stand twice in a set.

use std::collections::BTreeMap;

use super::groups::{groups, keyed};
use super::keys::combined;
use super::options::Level;
use super::report::{Duplicates, Shown};
use super::table::{Row, Table};

/// Counts the rows of each set beyond the first of their kind; sets in the order of reports.
pub(super) fn duplicates(table: &Table, examples: usize) -> Vec<Duplicates> {
    let mut found: Vec<Duplicates> = Vec::new();
    for set in &table.sets {
        found.push(Duplicates {
            set: set.name(),
            rows: 0,
            exact: 0,
            question: 0,
            question_flat: 0,
            molecule: Level::ALL.map(|level| (level.name(), 0)).into_iter().collect::<BTreeMap<_, _>>(),
            examples: Vec::new(),
        });
    }
    for row in &table.rows {
        found[row.set as usize].rows += 1;
    }
    count(table, exact_key, |set, rows| {
        let duplicates = &mut found[set as usize];
        duplicates.exact += rows.len() as u64 - 1;
        if let (true, [first, second, ..]) = (duplicates.examples.len() < examples, rows) {
            duplicates.examples.push(Shown::of("question and answer", *first, *second));
        }
    });
    count(table, |row| row.question[0], |set, rows| found[set as usize].question += rows.len() as u64 - 1);
    count(table, |row| row.question[1], |set, rows| found[set as usize].question_flat += rows.len() as u64 - 1);
    for level in Level::ALL {
        count(
            table,
            |row| table.molecule_key(row, level),
            |set, rows| {
                if let Some(number) = found[set as usize].molecule.get_mut(level.name()) {
                    *number += rows.len() as u64 - 1;
                }
            },
        );
    }
    let mut sorted: Vec<Duplicates> = table.sorted_sets().into_iter().map(|set| found[set as usize].clone()).collect();
    sorted.retain(|duplicates| duplicates.rows > 0);
    sorted
}

/// Question and answer together.
pub(super) fn exact_key(row: &Row) -> u64 {
    combined([row.question[0], row.answer[0]])
}

/// Tells the rows of each set that share a key.
fn count(table: &Table, key: impl Fn(&Row) -> u64 + Sync, mut take: impl FnMut(u32, &[u32])) {
    let sorted = keyed(table, |row| (row.set, key(row)));
    for group in groups(&sorted).filter(|group| group.len() > 1) {
        let rows: Vec<u32> = group.iter().map(|one| one.row).collect();
        take(group[0].scope, &rows);
    }
}
