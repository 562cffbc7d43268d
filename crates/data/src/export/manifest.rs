//! What an export folder says about itself: `manifest.json` and `README.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use chemr_tasks::{Example, Split};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::export::row::Row;
use crate::export::target::{Files, by_split, by_task};
use crate::export::{ExportError, ExportOptions, Stage, Target};
use crate::wording::counted;

/// Where rows came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InputNote {
    /// Name of the file, with that of its folder where the folder was given; or `gym:…`.
    pub name: String,
    /// Of the bytes of the file (unpacked) that were read; of generated rows as JSON lines.
    pub sha256: String,
    /// Rows that were read, before any was chosen.
    pub rows: usize,
    /// Whether the file was read to its end; `--limit` ends reading early.
    pub is_whole: bool,
    /// Of the gym.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Rows of the gym that were asked for; there are fewer where no more different questions were found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<usize>,
}

/// What was asked for beside the inputs: with them and the same version the folder can be made again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OptionsNote {
    /// Only these splits; empty for all.
    pub splits: Vec<&'static str>,
    /// Only these tasks; empty for all.
    pub tasks: Vec<String>,
    /// At most so many rows; 0 for all.
    pub limit: usize,
    pub skip_bad: bool,
}

/// The contents of `manifest.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    /// `chemr-export-1`.
    pub format: &'static str,
    pub chemr_version: &'static str,
    pub target: &'static str,
    pub stage: &'static str,
    pub inputs: Vec<InputNote>,
    pub options: OptionsNote,
    /// Of the prompts of the exported tasks without the fields' texts: another hash, other prompts.
    pub prompts_sha256: String,
    pub rows: usize,
    /// Rows with a stored completion.
    pub completions: usize,
    /// Rows by task and split.
    pub counts: BTreeMap<&'static str, BTreeMap<&'static str, usize>>,
    /// Rows by source.
    pub sources: BTreeMap<String, usize>,
    /// Rows left out by reason code.
    pub skipped: BTreeMap<&'static str, usize>,
    /// SHA-256 by file.
    pub files: BTreeMap<String, String>,
}

impl Manifest {
    pub(crate) fn new(
        target: &'static Target,
        stage: Stage,
        options: &ExportOptions,
        inputs: Vec<InputNote>,
        skipped: BTreeMap<&'static str, usize>,
        rows: &[Row],
        files: &Files,
    ) -> Manifest {
        let mut counts: BTreeMap<&'static str, BTreeMap<&'static str, usize>> = BTreeMap::new();
        let mut sources = BTreeMap::new();
        for row in rows {
            *counts.entry(row.task.id()).or_default().entry(row.example.split.as_str()).or_default() += 1;
            *sources.entry(row.example.source.clone()).or_default() += 1;
        }
        Manifest {
            format: "chemr-export-1",
            chemr_version: env!("CARGO_PKG_VERSION"),
            target: target.id,
            stage: stage.as_str(),
            inputs,
            options: OptionsNote {
                splits: options.splits.iter().map(|split| split.as_str()).collect(),
                tasks: options.tasks.clone(),
                limit: options.limit,
                skip_bad: options.skip_bad,
            },
            prompts_sha256: prompts(rows),
            rows: rows.len(),
            completions: rows.iter().filter(|row| row.completion.is_some()).count(),
            counts,
            sources,
            skipped,
            files: files.iter().map(|(name, bytes)| (name.clone(), sha256(bytes))).collect(),
        }
    }
}

/// Hexadecimal SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hash of the prompts of these rows' tasks, with empty fields.
fn prompts(rows: &[Row]) -> String {
    let mut texts = BTreeSet::new();
    for (id, rows) in by_task(rows) {
        let blank = Example::new(id, "", Split::Train, 0, BTreeMap::new(), "", BTreeMap::new());
        let prompt = rows[0].task.question(&blank);
        texts.insert(format!("{id}\n{}\n{}\n", prompt.system, prompt.user));
    }
    sha256(texts.into_iter().collect::<String>().as_bytes())
}

/// The contents of `README.md`.
pub(crate) fn readme(target: &Target, stage: Stage, manifest: &Manifest, rows: &[Row]) -> String {
    let mut text = format!(
        "# {} for {}, stage `{stage}`\n\nWritten by chem-r {} (`chemr data export`). `manifest.json` holds the hashes of the inputs and of every file.\n\n\
         | task | split | rows |\n|---|---|---|\n",
        counted(manifest.rows as u64, "row", "rows"),
        target.title,
        manifest.chemr_version
    );
    for (task, splits) in &manifest.counts {
        for (split, count) in splits {
            let _ = writeln!(text, "| `{task}` | {split} | {count} |");
        }
    }
    let sources: Vec<String> =
        manifest.sources.iter().take(MOST_TOLD).map(|(source, count)| format!("`{source}` ({count})")).collect();
    let _ = write!(
        text,
        "\nSources: {}. What may be done with rows of public data is said by their sources.\n\n## How to load it\n\n",
        sources.join(", ")
    );
    let splits = by_split(rows);
    let split = splits.first().map_or(Split::Train, |(split, _)| *split);
    // Without validation rows a trainer that wants some gets the others.
    let validation = if splits.iter().any(|(split, _)| *split == Split::Valid) { Split::Valid } else { split };
    let task = rows.first().map_or("", |row| row.task.id());
    text.push_str(&target.loading(stage, [split, validation].map(Split::as_str), task));
    text
}

/// Most kinds of rows, or sources, that a text tells.
const MOST_TOLD: usize = 20;

/// What the inputs hold and what was left out, for the message that nothing is left.
pub(crate) fn held(found: &BTreeMap<(String, Split), usize>, skipped: &BTreeMap<&'static str, usize>) -> String {
    let rows = found.iter().map(|((task, split), count)| format!("{count} of `{task}` ({split})"));
    let skipped = skipped.iter().map(|(reason, count)| format!("{count} left out ({reason})"));
    let told: Vec<String> = rows.take(MOST_TOLD).chain(skipped).collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

/// The manifest as a file.
pub(crate) fn file(manifest: &Manifest) -> Result<Vec<u8>, ExportError> {
    crate::export::target::json_document(manifest)
}
