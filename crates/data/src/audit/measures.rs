//! Labels, lengths and atoms, set by set.

use std::collections::BTreeMap;

use chemr_tasks::Split;

use super::facts::{NO, YES};
use super::report::{AtomReport, Balance, LengthReport, MapReport, Place, Quantiles};
use super::table::{MapTally, Table};

const LENGTHS: [&str; 6] = [
    "question_characters",
    "question_tokens",
    "answer_characters",
    "answer_tokens",
    "question_model_tokens",
    "answer_model_tokens",
];

/// Count, mean and variance of the training rows of a task, all sources together.
#[derive(Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    variance: f64,
}

fn moments(values: &[f64]) -> Moments {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count.max(1.0);
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count.max(1.0);
    Moments { count, mean, variance }
}

/// Labels as 0 and 1, numbers as they are, of each set, in row order.
fn values(table: &Table) -> (Vec<Vec<f64>>, Vec<bool>) {
    let mut values = vec![Vec::new(); table.sets.len()];
    let mut has_labels = vec![false; table.sets.len()];
    for row in &table.rows {
        let set = row.set as usize;
        if let Some(number) = row.number() {
            values[set].push(number);
        } else if row.answer[0] == YES || row.answer[0] == NO {
            has_labels[set] = true;
            values[set].push(f64::from(row.answer[0] == YES));
        }
    }
    (values, has_labels)
}

/// Shares of labels and quantiles of numbers.
pub(super) fn balance(table: &Table) -> Vec<Balance> {
    let (values, has_labels) = values(table);
    let mut trained: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (set, values) in table.sets.iter().zip(&values) {
        if set.split == Split::Train {
            trained.entry(&set.task).or_default().extend(values);
        }
    }
    let trained: BTreeMap<&str, Moments> = trained.into_iter().map(|(task, values)| (task, moments(&values))).collect();
    let mut found = Vec::new();
    for place in table.sorted_sets() {
        let (set, values) = (&table.sets[place as usize], &values[place as usize]);
        if values.is_empty() {
            continue;
        }
        let own = moments(values);
        let train = trained.get(set.task.as_str()).filter(|train| set.split != Split::Train && train.count > 0.0);
        let difference = train.map(|train| own.mean - train.mean);
        let standard_errors = train.and_then(|train| {
            let error = (own.variance / own.count + train.variance / train.count).sqrt();
            (error > 0.0).then(|| (own.mean - train.mean) / error)
        });
        let is_label = has_labels[place as usize];
        let yes = values.iter().filter(|value| **value == 1.0).count() as u64;
        let rows = values.len() as u64;
        found.push(Balance {
            set: set.name(),
            rows,
            labels: if is_label { BTreeMap::from([("Yes", yes), ("No", rows - yes)]) } else { BTreeMap::new() },
            numbers: (!is_label).then(|| spread(values, own.mean)),
            difference,
            standard_errors,
        });
    }
    found
}

/// Least, quartiles (by rank), greatest and mean.
fn spread(values: &[f64], mean: f64) -> [f64; 6] {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (share * (sorted.len() - 1) as f64).round() as usize;
        sorted.get(place).copied().unwrap_or(f64::NAN)
    };
    [at(0.0), at(0.25), at(0.5), at(0.75), at(1.0), mean]
}

/// Quantiles of lengths.
pub(super) fn lengths(table: &Table) -> Vec<LengthReport> {
    let sets = table.sorted_sets().into_iter();
    sets.map(|place| {
        let histograms = LENGTHS.iter().zip(&table.tallies[place as usize].lengths);
        let lengths = histograms.filter(|(_, histogram)| histogram.total() > 0).map(|(what, histogram)| Quantiles {
            what,
            median: histogram.quantile(0.5),
            p95: histogram.quantile(0.95),
            p99: histogram.quantile(0.99),
            greatest: histogram.quantile(1.0),
            longest: histogram.greatest.map(|(_, row)| Place::of(row)),
        });
        LengthReport { set: table.sets[place as usize].name(), lengths: lengths.collect() }
    })
    .filter(|report| !report.lengths.is_empty())
    .collect()
}

/// Atom balance of the sets of reactions.
pub(super) fn atoms(table: &Table) -> Vec<AtomReport> {
    let places = |rows: &[u32]| rows.iter().map(|row| Place::of(*row)).collect();
    let sets = table.sorted_sets().into_iter();
    sets.map(|place| (&table.sets[place as usize], &table.tallies[place as usize].atoms))
        .filter(|(_, atoms)| atoms.checked + atoms.unchecked > 0)
        .map(|(set, atoms)| AtomReport {
            set: set.name(),
            checked: atoms.checked,
            unchecked: atoms.unchecked,
            unbalanced: atoms.unbalanced,
            missing: atoms.missing.clone(),
            product_is_reactant: atoms.product_is_reactant,
            examples: places(&atoms.unbalanced_rows),
            reactant_examples: places(&atoms.reactant_rows),
        })
        .collect()
}

/// Maps that stand in the rows themselves.
pub(super) fn maps(table: &Table) -> Vec<MapReport> {
    let sets = table.sorted_sets().into_iter();
    sets.map(|place| (&table.sets[place as usize], &table.tallies[place as usize]))
        .filter(|(_, tally)| tally.mapped_rows > 0)
        .map(|(set, tally)| {
            let name = format!("{}, {}, {}", set.task, set.source, set.split);
            let unread = tally.mapped_rows - tally.mapped.reactions;
            map_report(name, &tally.mapped, tally.mapped_rows, unread, tally.first_mapped.map(Place::of))
        })
        .collect()
}

/// Shares out of sums.
pub(super) fn map_report(
    name: String,
    tally: &MapTally,
    mapped_rows: u64,
    unread: u64,
    first: Option<Place>,
) -> MapReport {
    let share = |count: f64, of: u64| if of == 0 { 0.0 } else { count / of as f64 };
    MapReport {
        name,
        reactions: tally.reactions,
        with_one: tally.with_one,
        one_in_centre: share(tally.one_in_centre as f64, tally.with_one),
        first_in_centre: share(tally.first_in_centre as f64, tally.reactions),
        expected: share(tally.expected, tally.reactions),
        mapped_rows,
        unread,
        first,
    }
}
