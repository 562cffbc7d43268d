//! The texts of the rows that a report shows, read again from the files.

use std::collections::{BTreeMap, BTreeSet};

use chemr_tasks::Example;

use super::AuditError;
use super::input::batches;
use super::report::{FileSummary, Line, Place, Report, Unreadable};
use super::table::{FileNote, Table};
use crate::example_lines::example;
use crate::export::manifest::hexadecimal;
use crate::wording::shorten;

/// Most characters of a row that are shown.
const SHOWN: usize = 400;

/// A file as the report names it.
pub(super) fn file(note: &FileNote) -> FileSummary {
    FileSummary {
        file: note.path.display().to_string(),
        sha256: hexadecimal(&note.sha256),
        lines: note.lines,
        taken_as: note.split.map(chemr_tasks::Split::as_str),
    }
}

/// What could not be read.
pub(super) fn unreadable(table: &Table) -> Unreadable {
    let lines = table
        .first_bad_lines
        .iter()
        .map(|bad| Line { place: place(table, bad.file, bad.line), message: bad.message.clone() });
    Unreadable {
        lines: table.bad_lines,
        first_lines: lines.collect(),
        components: table.unreadable_components,
        rows: table.unreadable_rows,
        first_rows: table.first_unreadable.iter().map(|row| Place::of(*row)).collect(),
        unknown_tasks: table.unknown_tasks.clone(),
    }
}

/// `FILE:LINE`.
pub(super) fn place(table: &Table, file: u32, line: u32) -> String {
    let path = table.files.get(file as usize).map(|file| file.path.display().to_string());
    format!("{}:{line}", path.unwrap_or_default())
}

/// Question and answer on one line.
pub(super) fn text(example: &Example) -> String {
    let fields = chemr_tasks::task(&example.task).map(|task| task.fields());
    let question: Vec<&str> = match fields {
        Some(fields) => fields.iter().map(|field| example.field(field.key)).collect(),
        None => example.input.values().map(String::as_str).collect(),
    };
    shorten(&format!("{} → {}", question.join(" | "), example.reference), SHOWN)
}

/// Fills the rows that a report shows.
pub(super) fn fill(table: &Table, report: &mut Report) -> Result<(), AuditError> {
    let mut places = report.places();
    let mut wanted: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for place in &places {
        let row = &table.rows[place.row as usize];
        wanted.entry(row.file).or_default().insert(row.line);
    }
    let mut texts: BTreeMap<(u32, u32), String> = BTreeMap::new();
    for (file, lines) in &wanted {
        let note = &table.files[*file as usize];
        let sha256 = batches(&note.path, |batch| {
            for line in batch.iter().filter(|line| lines.contains(&line.number)) {
                if let Ok((example, _)) = example(&line.bytes, |_| Ok(String::new())) {
                    texts.insert((*file, line.number), text(&example));
                }
            }
            Ok(())
        })?;
        if sha256 != note.sha256 {
            return Err(AuditError::Changed { path: note.path.clone() });
        }
    }
    for shown in &mut places {
        let row = &table.rows[shown.row as usize];
        let set = table.set_of(row);
        shown.place = place(table, row.file, row.line);
        shown.task.clone_from(&set.task);
        shown.split = set.split.as_str().to_owned();
        shown.text = texts.get(&(row.file, row.line)).cloned().unwrap_or_default();
    }
    Ok(())
}
