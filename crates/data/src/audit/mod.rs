//! Audits of examples: duplicates, contradictions, leaks of held-out rows, and what gives answers away.
//!
//! [`audit`] reads files of examples two or three times. The first pass turns each row into keys of 64 bits (see `keys.rs`) and counts what can be counted
//! row by row; all comparisons are made on sorted keys. Another, where cleaning is asked for, copies the rows that stay; the last fetches the rows that the report shows. Memory holds some 60 bytes
//! for each row and 300 for each different molecule that rows are about, whatever the texts are.
//!
//! `docs/audit.md` says what is compared on which field of which task.

mod collect;
mod conflicts;
mod duplicates;
mod error;
mod facts;
mod fix;
mod groups;
mod html;
mod input;
mod keys;
mod leakage;
mod mapped;
mod maps;
mod measures;
mod near;
mod options;
mod pairs;
mod report;
mod selection;
mod show;
mod summary;
mod table;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Instant;

pub use error::AuditError;
pub use leakage::{Hit, Shared};
pub use options::{AuditOptions, Check, ConflictRule, FixOptions, Given, Level, Progress, TokenCounter};
pub use report::{
    AtomReport, Balance, ConflictCounts, Conflicts, Duplicates, FileSummary, Finding, FixReport, FixedSet,
    LeakageReport, LengthReport, Line, MapReport, OptionsNote, PairReport, Place, Quantiles, Questions, Report,
    SelectionReport, SetLeakage, SetName, Severity, Shown, Unreadable,
};
pub use table::Relation;

use crate::folder::{self, NewFolder};
use crate::import::peak_memory;
use crate::wording::thousands;
use table::Table;

/// Names of the files of an audit.
pub const JSON_FILE: &str = "audit.json";
pub const HTML_FILE: &str = "report.html";
/// Of cleaning: the rows that stay, and the rows that went with their reasons.
pub const CLEAN_FILE: &str = "clean/examples.jsonl";
pub const REMOVED_FILE: &str = "removed.jsonl";

/// Audits examples and writes the new folder `out`: `audit.json`, `report.html` and, where cleaning is asked for, `clean/examples.jsonl` and
/// `removed.jsonl`. The folder appears when all is written. Results depend on the files, their order and the options, and on nothing else but the
/// two fields `seconds` and `peak_memory_bytes`.
///
/// # Errors
/// When the folder exists, a file cannot be read to its end, no row of any file can be read, an option is out of range, or the folder cannot be
/// written. Rows that cannot be read are counted, and end nothing.
pub fn audit(options: &AuditOptions, out: &Path, progress: Progress) -> Result<Report, AuditError> {
    let started = Instant::now();
    options.check()?;
    folder::check(out)?;
    let files = input::files(&options.given)?;
    let mut maps = Vec::new();
    for path in &options.mapped {
        maps.push(mapped::mapped_file(path)?);
    }
    let table = collect::collect(&files, options, progress)?;
    if table.rows.is_empty() && (table.bad_lines > 0 || maps.is_empty()) {
        let first = table.first_bad_lines.first().map_or_else(
            || "is that the files are empty".to_owned(),
            |bad| format!("{}, line {}: {}", files[bad.file as usize].path.display(), bad.line, bad.message),
        );
        return Err(AuditError::NothingReadable { lines: table.bad_lines, first });
    }
    let leaks = leakage::leakage(&table, options, progress);
    progress("comparing rows", table.rows.len() as u64);
    let mut report = assemble(&table, options, &leaks, maps);
    let new = NewFolder::begin(out)?;
    if let Some(rules) = options.fix {
        progress("writing rows", 0);
        report.fix = Some(fix::fix(&table, options, rules, &leaks, new.path(), progress)?);
    }
    show::fill(&table, &mut report)?;
    report.summary = summary::findings(&report);
    report.seconds = started.elapsed().as_secs_f64();
    report.peak_memory_bytes = peak_memory();
    let mut json = serde_json::to_vec_pretty(&report)
        .map_err(|error| AuditError::Write { path: new.path().join(JSON_FILE), source: error.into() })?;
    json.push(b'\n');
    write(new.path(), JSON_FILE, &json)?;
    write(new.path(), HTML_FILE, html::page(&report).as_bytes())?;
    new.finish()?;
    Ok(report)
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), AuditError> {
    let path = folder.join(name);
    folder::write_file(&path, bytes).map_err(|source| AuditError::Write { path, source })
}

/// The report without the texts of rows.
fn assemble(table: &Table, options: &AuditOptions, leaks: &leakage::Leakage, mut maps: Vec<MapReport>) -> Report {
    let wants = |check| options.wants(check);
    if wants(Check::Maps) {
        maps.extend(measures::maps(table));
    }
    let mut sets = std::collections::BTreeMap::new();
    for row in &table.rows {
        let set = table.set_of(row);
        *sets.entry(format!("{}, {}, {}", set.task, set.source, set.split)).or_default() += 1;
    }
    let found = wants(Check::Conflicts).then(|| conflicts::conflicts(table, options.tolerance, options.examples));
    let (conflicts, questions) = found.map_or((Vec::new(), None), |(tasks, questions)| (tasks, Some(questions)));
    Report {
        format: "chemr-audit-1",
        version: env!("CARGO_PKG_VERSION"),
        options: OptionsNote {
            checks: Check::ALL.into_iter().filter(|check| wants(*check)).collect(),
            near: options.near,
            tolerance: options.tolerance,
            examples: options.examples,
            fix: options.fix.is_some(),
            fix_near: options.fix.is_some_and(|fix| fix.near),
            conflicts: options.fix.map(|fix| fix.conflicts),
        },
        files: table.files.iter().map(show::file).collect(),
        rows: table.rows.len() as u64,
        molecules: table.molecules.len() as u64,
        sets,
        summary: Vec::new(),
        unreadable: show::unreadable(table),
        duplicates: if wants(Check::Duplicates) { duplicates::duplicates(table, options.examples) } else { Vec::new() },
        questions,
        conflicts,
        leakage: pairs::leakage_report(table, options, leaks),
        maps,
        selection: if wants(Check::Selection) { selection::selection(table, options.examples) } else { Vec::new() },
        balance: if wants(Check::Balance) { measures::balance(table) } else { Vec::new() },
        lengths: if wants(Check::Length) { measures::lengths(table) } else { Vec::new() },
        atoms: if wants(Check::Atoms) { measures::atoms(table) } else { Vec::new() },
        fix: None,
        seconds: 0.0,
        peak_memory_bytes: None,
    }
}

/// `12 of 345`.
fn out_of(count: u64, of: u64) -> String {
    format!("{} of {}", thousands(count), thousands(of))
}
