//! How many rows of each task are trained on, and in which order.

use chemr_tasks::{Split, tasks};

use super::manifest::Manifest;
use super::scan::Entry;
use super::{Options, PrepareError};
use crate::rng::{mix, permute};

/// Keep the seeds of the choice and of the order apart from others.
const CHOICE: u64 = 0x3c4;
const ORDER: u64 = 0x3c5;

/// A row to write: its place among the entries, and which of its copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub row: u32,
    /// 0 for the row as it was given.
    pub variant: u32,
}

/// The training rows with their copies, in the order in which they are written.
pub(super) fn choose(
    options: &Options,
    entries: &[Entry],
    splits: &[Option<Split>],
    manifest: &mut Manifest,
) -> Result<Vec<Item>, PrepareError> {
    let mut by_task: Vec<Vec<u32>> = vec![Vec::new(); tasks().len()];
    for (row, (entry, split)) in entries.iter().zip(splits).enumerate() {
        if let (Some(Split::Train), Some(rows)) = (split, by_task.get_mut(usize::from(entry.task))) {
            rows.push(row as u32);
        }
    }
    let mut weights = Vec::new();
    for (task, rows) in tasks().iter().zip(&mut by_task) {
        // By a hash of the id: the same rows are chosen whatever stands beside them.
        rows.sort_by_cached_key(|row| (mix(&[options.seed, CHOICE, entries[*row as usize].id]), *row));
        rows.truncate(Options::of(&options.caps, task.id()).unwrap_or(usize::MAX));
        let weight = Options::of(&options.weights, task.id()).unwrap_or(1.0);
        weights.push(if rows.is_empty() { 0.0 } else { weight * (rows.len() as f64).powf(1.0 / options.temperature) });
    }
    let counts: Vec<usize> = by_task.iter().map(Vec::len).collect();
    let is_mixed = options.temperature > 1.0 || !options.weights.is_empty() || options.rows > 0;
    let quotas = if is_mixed {
        quotas(&weights, if options.rows > 0 { options.rows } else { counts.iter().sum() })
    } else {
        counts
    };
    let mut items = Vec::new();
    for (task, (rows, quota)) in by_task.iter().zip(quotas).enumerate() {
        let task = task as u16;
        // A task of fewer rows than its share has them several times.
        for place in 0..quota.min(rows.len()) {
            let times = (quota - place).div_ceil(rows.len()) as u32;
            let row = rows[place];
            let copies = copies(options, &entries[row as usize]);
            let variants = times.checked_mul(copies).ok_or(PrepareError::TooMany)?;
            items.extend((0..variants).map(|variant| Item { row, variant }));
        }
        if quota > 0 && !rows.is_empty() {
            manifest.count(task, Split::Train).mixture += quota;
        }
        if options.augment.is_some() {
            let is_fixed = |row: &&u32| !entries[**row as usize].has_spellings;
            manifest.not_respelled += rows.iter().take(quota).filter(is_fixed).count();
        }
    }
    items.sort_unstable_by_key(|item| (item.row, item.variant));
    if options.keep_order {
        return Ok(items);
    }
    let count = items.len() as u64;
    let key = mix(&[options.seed, ORDER]);
    Ok((0..count).filter_map(|place| items.get(permute(place, count, key) as usize).copied()).collect())
}

/// How often a row of the mixture is written: in its alignments where it can be aligned, otherwise once; and in its further spellings, which
/// are further alignments of an aligned row.
pub(super) fn copies(options: &Options, entry: &Entry) -> u32 {
    let alignments = if entry.has_maps { options.align.max(1) } else { 1 };
    let spellings = if entry.has_spellings { options.augment.map_or(0, |augment| augment.copies) } else { 0 };
    (alignments + spellings) as u32
}

/// `total` in proportion to the weights, as whole numbers (largest remainder).
fn quotas(weights: &[f64], total: usize) -> Vec<usize> {
    let sum: f64 = weights.iter().sum();
    if sum <= 0.0 {
        return vec![0; weights.len()];
    }
    let exact: Vec<f64> = weights.iter().map(|weight| weight / sum * total as f64).collect();
    let mut quotas: Vec<usize> = exact.iter().map(|share| share.floor() as usize).collect();
    let mut order: Vec<usize> = (0..weights.len()).filter(|place| weights[*place] > 0.0).collect();
    let rest = |place: usize| exact[place] - exact[place].floor();
    order.sort_by(|left, right| rest(*right).total_cmp(&rest(*left)).then(left.cmp(right)));
    let missing = total.saturating_sub(quotas.iter().sum());
    order.iter().cycle().take(missing).for_each(|place| quotas[*place] += 1);
    quotas
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_add_up() {
        assert_eq!(quotas(&[1.0, 1.0, 1.0], 10), [4, 3, 3]);
        assert_eq!(quotas(&[3.0, 0.0, 1.0], 8), [6, 0, 2]);
        assert_eq!(quotas(&[0.0], 5), [0]);
        assert_eq!(quotas(&[1e9, 1.0], 3), [3, 0]);
        // n^(1/T) with T = 2 of 10,000 and 100 rows: 10 to 1.
        let weights: Vec<f64> = [10_000.0_f64, 100.0].map(|count| count.powf(0.5)).to_vec();
        assert_eq!(quotas(&weights, 10_100), [9182, 918]);
    }
}
