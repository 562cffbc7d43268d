//! What an import did, in numbers.

use std::collections::BTreeMap;

use serde::Serialize;

/// What became of the rows of one file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FileSummary {
    /// The path below the folder that was named, or the name of the file.
    pub file: String,
    pub format: &'static str,
    /// Split of its rows, of which some may name another; `rows` where only they tell it.
    pub split: &'static str,
    /// Length of the file as it lies, packed or not.
    pub bytes: u64,
    /// SHA-256 of the file as it lies.
    pub sha256: String,
    #[serde(flatten)]
    pub counts: Counts,
    pub seconds: f64,
}

/// Numbers of rows and examples.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Rows of the file; headers, empty lines and comments do not count.
    pub rows: u64,
    /// Rows that gave at least one example.
    pub kept: u64,
    /// Rows that gave none, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Of rows that were kept: what could not be used for one of their tasks, by reason.
    pub partial: BTreeMap<String, u64>,
    /// Examples by task.
    pub examples: BTreeMap<String, u64>,
    /// Examples that keep a mapped reaction.
    pub mapped: u64,
}

impl Counts {
    /// Rows that gave no example.
    pub fn rejected_rows(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Examples of all tasks.
    pub fn example_count(&self) -> u64 {
        self.examples.values().sum()
    }

    pub(crate) fn add(&mut self, other: &Counts) {
        self.rows += other.rows;
        self.kept += other.kept;
        self.mapped += other.mapped;
        for (sum, part) in [
            (&mut self.rejected, &other.rejected),
            (&mut self.partial, &other.partial),
            (&mut self.examples, &other.examples),
        ] {
            for (key, count) in part {
                *sum.entry(key.clone()).or_default() += count;
            }
        }
    }
}

/// A file in a folder that was passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    pub file: String,
    pub reason: String,
}

/// What was asked for beside the files: with them and the same version the examples can be made again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OptionsNote {
    /// Name of the format, when it was not told from the files.
    pub format: Option<String>,
    /// The only task.
    pub task: Option<&'static str>,
    /// Split of all rows.
    pub split: Option<&'static str>,
    /// Columns by the field that they were named for.
    pub map: BTreeMap<String, String>,
    /// Whether mapped reactions were kept.
    pub keep_maps: bool,
}

/// What an import did: the content of `import.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Version of chem-r.
    pub version: &'static str,
    pub options: OptionsNote,
    #[serde(flatten)]
    pub counts: Counts,
    pub seconds: f64,
    /// The most memory that the process has held so far, in bytes; where the system tells it.
    pub peak_memory_bytes: Option<u64>,
    pub files: Vec<FileSummary>,
    pub skipped: Vec<Skipped>,
}

/// The most memory that this process has held, in bytes: `VmHWM` of Linux.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
