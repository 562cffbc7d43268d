//! The leaks of a table as they are reported.

use std::collections::BTreeMap;

use super::leakage::{Leakage, Shared, flag};
use super::options::{AuditOptions, Check};
use super::report::{LeakageReport, PairReport, SetLeakage, Shown};
use super::table::{Relation, Table};

/// Sets and pairs of sets, in the order of reports. Pairs of different tasks that share scaffolds or similar molecules alone are left out.
pub(super) fn leakage_report(table: &Table, options: &AuditOptions, leaks: &Leakage) -> LeakageReport {
    let is_wanted = [Check::Leakage, Check::Near, Check::Scaffold].iter().any(|check| options.wants(*check));
    if !is_wanted {
        return LeakageReport::default();
    }
    let mut held_out = vec![[0; 5]; table.sets.len()];
    let mut train = held_out.clone();
    for (place, row) in table.rows.iter().enumerate() {
        count(&mut held_out[row.set as usize], leaks.held_out_flags[place]);
        count(&mut train[row.set as usize], leaks.train_flags[place]);
    }
    let sets = |counts: &[[u64; 5]], has_role: fn(chemr_tasks::Split) -> bool| {
        let places = table.sorted_sets().into_iter().filter(|place| has_role(table.sets[*place as usize].split));
        let reports = places.map(|place| {
            let [rows, same, near, scaffold, elsewhere] = counts[place as usize];
            SetLeakage { set: table.sets[place as usize].name(), rows, same, near, scaffold, elsewhere }
        });
        reports.collect()
    };
    let mut pairs: Vec<PairReport> = leaks
        .pairs
        .iter()
        .map(|((train, held_out), pair)| {
            let (train, held_out) = (&table.sets[*train as usize], &table.sets[*held_out as usize]);
            let hits = Shared::ALL.into_iter().map(|shared| (shared, pair.hits[shared as usize]));
            let shared: BTreeMap<_, _> =
                hits.filter(|(_, hit)| hit.train_rows > 0).map(|(shared, hit)| (shared.name(), hit)).collect();
            let examples = pair.examples.iter().map(|example| {
                let mut shown = Shown::of(example.shared.name(), example.train, example.held_out);
                shown.similarity = example.similarity.map(|value| (f64::from(value) * 1000.0).round() / 1000.0);
                shown
            });
            PairReport {
                train: train.name(),
                held_out: held_out.name(),
                relation: train.relation(held_out),
                shared,
                examples: examples.collect(),
            }
        })
        .collect();
    pairs.retain(|pair| {
        pair.relation != Relation::OtherTask
            || pair.shared.keys().any(|name| *name != Shared::Near.name() && *name != Shared::Scaffold.name())
    });
    pairs.sort_by(|one, other| {
        (one.relation, &one.held_out, &one.train).cmp(&(other.relation, &other.held_out, &other.train))
    });
    LeakageReport {
        near: options.near,
        held_out: sets(&held_out, |split| split != chemr_tasks::Split::Train),
        train: sets(&train, |split| split != chemr_tasks::Split::Test),
        pairs,
    }
}

/// Adds a row to rows, same, near, scaffold and elsewhere; the first of same, near and scaffold counts.
fn count(counts: &mut [u64; 5], flags: u8) {
    counts[0] += 1;
    if flags & flag::SAME > 0 {
        counts[1] += 1;
    } else if flags & flag::NEAR > 0 {
        counts[2] += 1;
    } else if flags & flag::SCAFFOLD > 0 {
        counts[3] += 1;
    }
    counts[4] += u64::from(flags & flag::ELSEWHERE > 0);
}
