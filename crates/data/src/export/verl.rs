//! verl: Parquet with `data_source`, `prompt`, `ability`, `reward_model` and `extra_info`. Supervised: `messages`.
//!
//! `data_source` is the task, because verl reports validation by it; `chemr.rewards.verl` reads the task and the fields of the question from `extra_info`.

use serde_json::{Map, Value, json};

use crate::export::parquet::{self, Column};
use crate::export::row::{Row, names, object};
use crate::export::target::{Files, by_split};
use crate::export::{ExportError, Stage, Target};

pub(crate) static VERL: Target = Target { id: "verl", title: "verl", stages: &[Stage::Rl, Stage::Sft], files, loading };

fn files(rows: &[Row], stage: Stage) -> Result<Files, ExportError> {
    let fields = names(rows);
    let columns = match stage {
        Stage::Sft => vec![Column::Chat("messages"), Column::Text("task"), Column::Text("id")],
        Stage::Rl | Stage::Eval => vec![
            Column::Text("data_source"),
            Column::Chat("prompt"),
            Column::Text("ability"),
            Column::Struct("reward_model", Column::texts(&["style", "ground_truth"])),
            extra_columns(&fields),
        ],
    };
    let mut files = Files::new();
    for (split, rows) in by_split(rows) {
        let rows: Vec<Map<String, Value>> = rows
            .into_iter()
            .enumerate()
            .map(|(index, row)| match stage {
                Stage::Sft => object([
                    ("messages", Value::Array(row.dialogue())),
                    ("task", json!(row.task.id())),
                    ("id", json!(row.example.id)),
                ]),
                Stage::Rl | Stage::Eval => object([
                    ("data_source", json!(row.task.id())),
                    ("prompt", Value::Array(row.prompt())),
                    ("ability", json!("chemistry")),
                    ("reward_model", json!({"style": "rule", "ground_truth": row.example.reference})),
                    ("extra_info", Value::Object(extra(row, index, &fields))),
                ]),
            })
            .collect();
        files.insert(format!("{split}.parquet"), parquet::write(&rows, &columns)?);
    }
    Ok(files)
}

/// `extra_info`, which SkyRL has too: the place in the file, the task, the fields of the question, and where the row comes from.
pub(crate) fn extra(row: &Row, index: usize, fields: &[&'static str]) -> Map<String, Value> {
    let mut members = object([("index", json!(index)), ("task", json!(row.task.id()))]);
    members.extend(row.columns(fields));
    members.extend(row.origin());
    members
}

/// The columns of [`extra`].
pub(crate) fn extra_columns(fields: &[&'static str]) -> Column {
    let mut columns = vec![Column::Number("index"), Column::Text("task")];
    columns.extend(Column::texts(fields));
    columns.extend(Column::texts(&["id", "source", "split"]));
    columns.push(Column::Number("level"));
    Column::Struct("extra_info", columns)
}

fn loading(stage: Stage) -> &'static str {
    match stage {
        Stage::Sft => include_str!("readme/verl-sft.md"),
        Stage::Rl | Stage::Eval => include_str!("readme/verl-rl.md"),
    }
}
