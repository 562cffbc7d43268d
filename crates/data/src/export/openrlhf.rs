//! OpenRLHF: lines with the keys `input` (a chat) and `label` (the JSON text that `chemr.rewards.openrlhf` reads), or `output` (a chat) for supervised training.

use serde_json::{Map, Value, json};

use crate::export::row::{Row, message, object};
use crate::export::target::{Files, by_split, json_lines};
use crate::export::{ExportError, Stage, Target};

pub(crate) static OPENRLHF: Target =
    Target { id: "openrlhf", title: "OpenRLHF", stages: &[Stage::Rl, Stage::Sft], files, loading };

fn files(rows: &[Row], stage: Stage) -> Result<Files, ExportError> {
    let mut files = Files::new();
    for (split, rows) in by_split(rows) {
        let rows: Vec<Map<String, Value>> = rows.into_iter().map(|row| members(row, stage)).collect();
        files.insert(format!("{split}.jsonl"), json_lines(&rows)?);
    }
    Ok(files)
}

fn members(row: &Row, stage: Stage) -> Map<String, Value> {
    let answer = match stage {
        Stage::Sft => ("output", json!([message("assistant", &row.answer())])),
        Stage::Rl | Stage::Eval => ("label", json!(row.label().to_string())),
    };
    // What OpenRLHF groups its logs by.
    object([("input", Value::Array(row.prompt())), answer, ("datasource", json!(row.task.id()))])
}

fn loading(stage: Stage) -> &'static str {
    match stage {
        Stage::Sft => include_str!("readme/openrlhf-sft.md"),
        Stage::Rl | Stage::Eval => include_str!("readme/openrlhf-rl.md"),
    }
}
