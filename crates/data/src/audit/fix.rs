//! Cleaning: which rows go, and the second pass that copies the others.
//!
//! Test rows always stay, whatever they are. Of training rows go, in this order of reasons: those that leak (from training rows what stands in
//! validation or test, from validation rows what stands in test), those that contradict another row of their split, and those that repeat an
//! earlier one that stays.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use chemr_tasks::Split;
use rayon::prelude::*;
use serde_json::{Value, json};

use super::conflicts::{Agreed, Tasks, disagreeing};
use super::duplicates::exact_key;
use super::groups::{groups, keyed};
use super::input::{RawLine, batches};
use super::leakage::{Leak, Leakage, Shared};
use super::options::{AuditOptions, ConflictRule, FixOptions, Progress};
use super::report::{FixReport, FixedSet};
use super::show::place;
use super::table::{Row, Table};
use super::{AuditError, CLEAN_FILE, REMOVED_FILE};
use crate::anatomy::has_one_answer;

/// Why a row goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// The code of what it shares, `leak.molecule_flat`.
    Leak(Shared),
    Conflict,
    Duplicate,
}

impl Reason {
    fn code(self) -> String {
        match self {
            Reason::Leak(shared) => format!("leak.{}", shared.name()),
            Reason::Conflict => "conflict".to_owned(),
            Reason::Duplicate => "duplicate".to_owned(),
        }
    }
}

/// The code of a line that is no example.
const BAD_LINE: &str = "no_example";

/// The rows that go, with the row that each collides with.
fn removals(table: &Table, options: &AuditOptions, rules: FixOptions, leaks: &Leakage) -> BTreeMap<u32, (Reason, u32)> {
    let mut gone: BTreeMap<u32, (Reason, u32)> = BTreeMap::new();
    for (row, Leak { shared, held_out }) in &leaks.leaks {
        if *shared != Shared::Near || rules.near {
            gone.insert(*row, (Reason::Leak(*shared), *held_out));
        }
    }
    let is_trained = |row: u32| table.set_of(&table.rows[row as usize]).split != Split::Test;
    let tasks = Tasks::of(table);
    // Rows of one task and split belong together, whatever their source.
    let scope = |row: &Row| tasks.of_set[row.set as usize] * 3 + table.set_of(row).split as u32;
    let questions = keyed(table, |row| (scope(row), row.question[0]));
    for group in groups(&questions).filter(|group| group.len() > 1 && is_trained(group[0].row)) {
        let rows: Vec<u32> = group.iter().map(|one| one.row).filter(|row| !gone.contains_key(row)).collect();
        if !has_one_answer(table.set_of(&table.rows[group[0].row as usize]).known) {
            continue;
        }
        let Some(other) = disagreeing(table, &rows, 0, options.tolerance) else { continue };
        let mut staying = Agreed::new(table, 0, options.tolerance);
        for row in &rows {
            let agrees = staying.takes(*row);
            let against = if agrees { other } else { rows[0] };
            if !agrees || rules.conflicts == ConflictRule::RemoveAll {
                gone.insert(*row, (Reason::Conflict, against));
            }
        }
    }
    let exact = keyed(table, |row| (scope(row), exact_key(row)));
    for group in groups(&exact).filter(|group| group.len() > 1 && is_trained(group[0].row)) {
        let mut staying =
            group.iter().map(|one| one.row).filter(|row| !gone.contains_key(row)).collect::<Vec<_>>().into_iter();
        let Some(first) = staying.next() else { continue };
        for row in staying {
            gone.insert(row, (Reason::Duplicate, first));
        }
    }
    gone
}

/// Writes the rows that stay and those that go.
pub(super) fn fix(
    table: &Table,
    options: &AuditOptions,
    rules: FixOptions,
    leaks: &Leakage,
    folder: &Path,
    progress: Progress,
) -> Result<FixReport, AuditError> {
    let gone = removals(table, options, rules, leaks);
    let failed = |name: &str| {
        let path = folder.join(name);
        move |source| AuditError::Write { path: path.clone(), source }
    };
    let clean_folder = folder.join(CLEAN_FILE);
    fs::create_dir(clean_folder.parent().unwrap_or(folder)).map_err(failed(CLEAN_FILE))?;
    let create = |name: &str| File::create(folder.join(name)).map(BufWriter::new).map_err(failed(name));
    let (mut clean, mut removed) = (create(CLEAN_FILE)?, create(REMOVED_FILE)?);
    let mut report = FixReport::default();
    let mut counts = vec![(0u64, 0u64); table.sets.len()];
    // Rows come in the order of the first pass; the next one is the line's when the places agree.
    let mut next = 0usize;
    for (file, note) in table.files.iter().enumerate() {
        let sha256 = batches(&note.path, |batch| {
            let mut rows = Vec::with_capacity(batch.len());
            for line in &batch {
                let row = table.rows.get(next).filter(|row| row.file as usize == file && row.line == line.number);
                rows.push(row.map(|row| (next as u32, row)));
                next += usize::from(row.is_some());
            }
            let kept: Vec<Option<Vec<u8>>> = batch
                .par_iter()
                .zip(&rows)
                .map(|(line, row)| match row {
                    Some((place, _)) if !gone.contains_key(place) => Some(kept_line(line, note.split)),
                    _ => None,
                })
                .collect();
            for ((line, row), kept) in batch.iter().zip(rows).zip(kept) {
                let set = row.map(|(_, row)| row.set as usize);
                if let Some(set) = set {
                    counts[set].0 += 1;
                }
                if let (Some(text), Some(set)) = (kept, set) {
                    counts[set].1 += 1;
                    report.kept += 1;
                    clean.write_all(&text).map_err(failed(CLEAN_FILE))?;
                    continue;
                }
                let found = row.and_then(|(place, _)| gone.get(&place));
                let reason = found.map_or_else(|| BAD_LINE.to_owned(), |(reason, _)| reason.code());
                let other = found.map(|(_, other)| place_of(table, *other));
                let text = removed_line(&place(table, file as u32, line.number), &reason, other, line);
                removed.write_all(text.as_bytes()).map_err(failed(REMOVED_FILE))?;
                report.removed += 1;
                *report.reasons.entry(reason).or_default() += 1;
            }
            progress("writing rows", report.kept + report.removed);
            Ok(())
        })?;
        if sha256 != note.sha256 {
            return Err(AuditError::Changed { path: note.path.clone() });
        }
    }
    for (name, file) in [(CLEAN_FILE, clean), (REMOVED_FILE, removed)] {
        let file = file.into_inner().map_err(|error| error.into_error()).map_err(failed(name))?;
        file.sync_all().map_err(failed(name))?;
    }
    report.sets = table
        .sorted_sets()
        .into_iter()
        .map(|place| {
            let (before, after) = counts[place as usize];
            FixedSet { set: table.sets[place as usize].name(), before, after }
        })
        .collect();
    Ok(report)
}

fn place_of(table: &Table, row: u32) -> String {
    let row = &table.rows[row as usize];
    place(table, row.file, row.line)
}

/// The line as it stands; with the split that its file was taken as, where that is another.
fn kept_line(line: &RawLine, split: Option<Split>) -> Vec<u8> {
    let mut text = line.bytes.clone();
    if let Some(split) = split
        && let Ok(Value::Object(mut object)) = serde_json::from_slice(&text)
        && object.get("split").and_then(Value::as_str) != Some(split.as_str())
    {
        object.insert("split".to_owned(), split.as_str().into());
        text = Value::Object(object).to_string().into_bytes();
    }
    text.push(b'\n');
    text
}

fn removed_line(place: &str, reason: &str, other: Option<String>, line: &RawLine) -> String {
    let row = serde_json::from_slice(&line.bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&line.bytes).into_owned()));
    let mut object = json!({ "place": place, "reason": reason, "collides_with": other });
    object["row"] = row;
    format!("{object}\n")
}
