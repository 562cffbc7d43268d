//! Rows with one key, as runs of a sorted list.

use rayon::prelude::*;

use super::keys::NO_KEY;
use super::table::{Row, Table};

/// A key of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Keyed {
    /// What rows are kept apart by beside the key, e.g. the task.
    pub scope: u32,
    pub key: u64,
    pub row: u32,
}

/// The rows that have a key, sorted by scope, key and place.
pub(super) fn keyed(table: &Table, key: impl Fn(&Row) -> (u32, u64) + Sync) -> Vec<Keyed> {
    let mut found: Vec<Keyed> = table
        .rows
        .par_iter()
        .enumerate()
        .filter_map(|(place, row)| {
            let (scope, key) = key(row);
            (key != NO_KEY).then_some(Keyed { scope, key, row: place as u32 })
        })
        .collect();
    found.par_sort_unstable();
    found
}

/// The runs of rows with one scope and key.
pub(super) fn groups(sorted: &[Keyed]) -> impl Iterator<Item = &[Keyed]> {
    sorted.chunk_by(|one, other| one.scope == other.scope && one.key == other.key)
}
