//! Rows, files and audits for tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use chemr_tasks::{Example, Split};
use serde_json::Value;

use super::super::{AuditError, AuditOptions, Given, JSON_FILE, Report, audit};

/// A row.
pub(super) fn row(task: &str, split: Split, fields: &[(&str, &str)], reference: &str) -> Example {
    let input = fields.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
    Example::new(task, "made", split, 0, input, reference, BTreeMap::new())
}

/// A row of a yes/no property.
pub(super) fn bbbp(split: Split, smiles: &str, label: &str) -> Example {
    row("property.bbbp", split, &[("smiles", smiles)], label)
}

/// A reaction backwards.
pub(super) fn retro(split: Split, product: &str, reactants: &str) -> Example {
    row("retrosynthesis", split, &[("product", product)], reactants)
}

/// A reaction forwards.
pub(super) fn forward(split: Split, reactants: &str, product: &str) -> Example {
    row("reaction_prediction", split, &[("reactants", reactants)], product)
}

/// A folder for files and reports.
pub(super) struct Desk {
    pub folder: tempfile::TempDir,
    audits: AtomicUsize,
}

impl Desk {
    pub fn new() -> Desk {
        Desk { folder: tempfile::tempdir().unwrap(), audits: AtomicUsize::new(0) }
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    pub fn rows(&self, name: &str, rows: &[Example]) -> PathBuf {
        let lines: String = rows.iter().map(|row| serde_json::to_string(row).unwrap() + "\n").collect();
        self.write(name, lines.as_bytes())
    }

    /// A folder for the next audit.
    pub fn out(&self) -> PathBuf {
        let number = self.audits.fetch_add(1, Ordering::Relaxed);
        self.folder.path().join(format!("audit-{number}"))
    }

    pub fn try_audit(&self, given: &[PathBuf], options: AuditOptions) -> Result<(Report, PathBuf), AuditError> {
        let given = given.iter().map(|path| Given { path: path.clone(), split: None });
        let mut options = options;
        options.given.extend(given);
        let out = self.out();
        Ok((audit(&options, &out, &|_, _| {})?, out))
    }

    /// Audits rows.
    pub fn audit(&self, rows: &[Example], options: AuditOptions) -> (Report, PathBuf) {
        let path = self.rows(&format!("rows-{}.jsonl", self.audits.load(Ordering::Relaxed)), rows);
        self.try_audit(&[path], options).unwrap()
    }
}

/// `audit.json` without what differs from run to run.
pub(super) fn stored(out: &std::path::Path) -> Value {
    let mut stored: Value = serde_json::from_slice(&fs::read(out.join(JSON_FILE)).unwrap()).unwrap();
    for key in ["seconds", "peak_memory_bytes"] {
        assert!(stored.as_object_mut().unwrap().remove(key).is_some(), "{key}");
    }
    stored
}
