//! OpenAI's chat form: a line `{"messages": [...]}` for each row. For reinforcement fine-tuning the messages end with the question, and the other members are what a
//! grader reads as `item`.

use serde_json::{Map, Value};

use crate::export::row::{Row, object};
use crate::export::target::{Files, by_split, json_lines};
use crate::export::{ExportError, Stage, Target};

pub(crate) static OPENAI: Target =
    Target { id: "openai", title: "OpenAI chat", stages: &[Stage::Sft, Stage::Rl], files, loading };

fn files(rows: &[Row], stage: Stage) -> Result<Files, ExportError> {
    let mut files = Files::new();
    for (split, rows) in by_split(rows) {
        let rows: Vec<Map<String, Value>> = rows.into_iter().map(|row| members(row, stage)).collect();
        files.insert(format!("{split}.jsonl"), json_lines(&rows)?);
    }
    Ok(files)
}

fn members(row: &Row, stage: Stage) -> Map<String, Value> {
    match stage {
        Stage::Sft => object([("messages", Value::Array(row.dialogue()))]),
        Stage::Rl | Stage::Eval => {
            let mut members = object([("messages", Value::Array(row.prompt()))]);
            if let Value::Object(label) = row.label() {
                members.extend(label);
            }
            members
        }
    }
}

fn loading(stage: Stage) -> &'static str {
    match stage {
        Stage::Sft => include_str!("readme/openai-sft.md"),
        Stage::Rl | Stage::Eval => include_str!("readme/openai-rl.md"),
    }
}
