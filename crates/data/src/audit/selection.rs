//! Yields that answer questions of reagent selection.
//!
//! A question names all components of a reaction but one, and candidates for it. A row of a yield table answers for a candidate when its
//! reaction has, among what stands before the product, every component of the question and of the candidate (each part of a salt is a component;
//! what the row has beside them, such as the catalyst, does not matter).

use std::collections::{BTreeMap, BTreeSet};

use chemr_tasks::Split;

use super::report::{SelectionReport, Shown};
use super::table::{SelectionRow, Table};

/// The rows of yield tables of one split, by component.
struct Yields<'a> {
    table: &'a Table,
    /// Places in [`Table::yields`], ascending.
    by_component: BTreeMap<u64, Vec<u32>>,
}

impl Yields<'_> {
    /// Rows that have all these components.
    fn with(&self, wanted: &[u64]) -> Vec<u32> {
        let lists: Option<Vec<&Vec<u32>>> = wanted.iter().map(|part| self.by_component.get(part)).collect();
        let Some(shortest) = lists.and_then(|lists| lists.into_iter().min_by_key(|list| list.len())) else {
            return Vec::new();
        };
        let has_all = |place: &u32| {
            let components = &self.table.yields[*place as usize].components;
            wanted.iter().all(|part| components.binary_search(part).is_ok())
        };
        shortest.iter().copied().filter(has_all).collect()
    }
}

/// Holds every held-out question of reagent selection against the yields that may be trained on while it is held out.
pub(super) fn selection(table: &Table, examples: usize) -> Vec<SelectionReport> {
    let split_of = |row: u32| table.set_of(&table.rows[row as usize]).split;
    let mut found: BTreeMap<(String, Split), (SelectionReport, BTreeSet<u32>)> = BTreeMap::new();
    for split in [Split::Valid, Split::Test] {
        let mut yields = Yields { table, by_component: BTreeMap::new() };
        for (place, row) in table.yields.iter().enumerate().filter(|(_, row)| split_of(row.row) < split) {
            for part in &row.components {
                yields.by_component.entry(*part).or_default().push(place as u32);
            }
        }
        if yields.by_component.is_empty() {
            continue;
        }
        for question in table.selections.iter().filter(|question| split_of(question.row) == split) {
            let task = table.set_of(&table.rows[question.row as usize]).task.clone();
            let (report, telling) = found.entry((task.clone(), split)).or_insert_with(|| {
                let report = SelectionReport {
                    task,
                    split,
                    questions: 0,
                    any: 0,
                    best: 0,
                    all: 0,
                    rows: 0,
                    examples: Vec::new(),
                };
                (report, BTreeSet::new())
            });
            report.questions += 1;
            ask(question, &yields, report, telling, examples);
        }
    }
    let reports = found.into_values();
    reports.map(|(report, telling)| SelectionReport { rows: telling.len() as u64, ..report }).collect()
}

fn ask(
    question: &SelectionRow,
    yields: &Yields,
    report: &mut SelectionReport,
    telling: &mut BTreeSet<u32>,
    examples: usize,
) {
    let mut told = 0;
    for (place, candidate) in question.candidates.iter().enumerate() {
        let mut wanted: Vec<u64> = question.components.iter().chain(candidate.iter()).copied().collect();
        wanted.sort_unstable();
        wanted.dedup();
        let rows = yields.with(&wanted);
        let Some(first) = rows.first() else { continue };
        if told == 0 && report.examples.len() < examples {
            let row = yields.table.yields[*first as usize].row;
            report.examples.push(Shown::of("the yield of a candidate", row, question.row));
        }
        told += 1;
        report.best += u64::from(question.best == Some(place));
        telling.extend(rows.iter().map(|place| yields.table.yields[*place as usize].row));
    }
    report.any += u64::from(told > 0);
    report.all += u64::from(told > 0 && told == question.candidates.len());
}
