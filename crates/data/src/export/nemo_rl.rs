//! NeMo-RL: lines with `input`, `output` and `task_name`; supervised: `messages` and `task_name`.
//!
//! NeMo-RL keeps input and output alone, so that for reinforcement learning the output is the JSON text of all that the verifier needs. The system
//! message is the same in all rows and is given as a file.

use serde_json::{Map, Value, json};

use crate::export::row::{Row, object};
use crate::export::target::{Files, by_split, json_lines};
use crate::export::{ExportError, Stage, Target};

pub(crate) static NEMO_RL: Target =
    Target { id: "nemo-rl", title: "NeMo-RL", stages: &[Stage::Rl, Stage::Sft], files, loading };

fn files(rows: &[Row], stage: Stage) -> Result<Files, ExportError> {
    let mut files = Files::new();
    if let (Stage::Rl, Some(first)) = (stage, rows.first()) {
        files.insert("system_prompt.txt".to_owned(), first.system().into_bytes());
    }
    for (split, rows) in by_split(rows) {
        let rows: Vec<Map<String, Value>> = rows.into_iter().map(|row| members(row, stage)).collect();
        files.insert(format!("{split}.jsonl"), json_lines(&rows)?);
    }
    Ok(files)
}

fn members(row: &Row, stage: Stage) -> Map<String, Value> {
    let name = ("task_name", json!(row.task.id()));
    match stage {
        Stage::Sft => object([("messages", Value::Array(row.dialogue())), name]),
        Stage::Rl | Stage::Eval => {
            object([("input", json!(row.user())), ("output", json!(row.label().to_string())), name])
        }
    }
}

fn loading(stage: Stage) -> &'static str {
    match stage {
        Stage::Sft => include_str!("readme/nemo-rl-sft.md"),
        Stage::Rl | Stage::Eval => include_str!("readme/nemo-rl-rl.md"),
    }
}
