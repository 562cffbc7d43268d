//! TRL: a data set with a column `prompt` (a chat); every other column reaches the reward functions. Supervised: `prompt` and `completion`.

use serde_json::{Map, Value, json};

use crate::export::parquet::{self, Column};
use crate::export::row::{Row, message, names, object};
use crate::export::target::{Files, by_split, json_lines};
use crate::export::{ExportError, Stage, Target};

pub(crate) static TRL: Target = Target { id: "trl", title: "TRL", stages: &[Stage::Rl, Stage::Sft], files, loading };

fn files(rows: &[Row], stage: Stage) -> Result<Files, ExportError> {
    let fields = names(rows);
    let mut columns = vec![Column::Chat("prompt")];
    match stage {
        Stage::Sft => columns.extend([Column::Chat("completion"), Column::Text("task")]),
        Stage::Rl | Stage::Eval => {
            columns.extend(Column::texts(&["reference", "task"]));
            columns.extend(Column::texts(&fields));
        }
    }
    columns.extend(Column::texts(&["id", "source", "split"]));
    columns.push(Column::Number("level"));
    let mut files = Files::new();
    for (split, rows) in by_split(rows) {
        let rows: Vec<Map<String, Value>> = rows.into_iter().map(|row| members(row, stage, &fields)).collect();
        files.insert(format!("{split}.jsonl"), json_lines(&rows)?);
        files.insert(format!("{split}.parquet"), parquet::write(&rows, &columns)?);
    }
    Ok(files)
}

fn members(row: &Row, stage: Stage, fields: &[&'static str]) -> Map<String, Value> {
    let prompt = Value::Array(row.prompt());
    let mut members = match stage {
        Stage::Sft => object([
            ("prompt", prompt),
            ("completion", json!([message("assistant", &row.answer())])),
            ("task", json!(row.task.id())),
        ]),
        Stage::Rl | Stage::Eval => {
            let mut members = object([
                ("prompt", prompt),
                ("reference", json!(row.example.reference)),
                ("task", json!(row.task.id())),
            ]);
            members.extend(row.columns(fields));
            members
        }
    };
    members.extend(row.origin());
    members
}

fn loading(stage: Stage) -> &'static str {
    match stage {
        Stage::Sft => include_str!("readme/trl-sft.md"),
        Stage::Rl | Stage::Eval => include_str!("readme/trl-rl.md"),
    }
}
