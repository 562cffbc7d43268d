//! SkyRL: as verl, with `env_class` and `reward_spec`, and an environment that calls the verifier.

use serde_json::{Map, Value, json};

use crate::export::parquet::{self, Column};
use crate::export::row::{Row, names, object};
use crate::export::target::{Files, by_split};
use crate::export::verl::{extra, extra_columns};
use crate::export::{ExportError, Stage, Target};

pub(crate) static SKYRL: Target = Target { id: "skyrl", title: "SkyRL", stages: &[Stage::Rl], files, loading };

fn files(rows: &[Row], _stage: Stage) -> Result<Files, ExportError> {
    let fields = names(rows);
    let columns = [
        Column::Text("data_source"),
        Column::Chat("prompt"),
        Column::Text("env_class"),
        Column::Struct("reward_spec", Column::texts(&["method", "ground_truth"])),
        extra_columns(&fields),
    ];
    let mut files = Files::from([("chemr_env.py".to_owned(), include_bytes!("python/chemr_env.py").to_vec())]);
    for (split, rows) in by_split(rows) {
        let rows: Vec<Map<String, Value>> = rows
            .into_iter()
            .enumerate()
            .map(|(index, row)| {
                object([
                    ("data_source", json!(row.task.id())),
                    ("prompt", Value::Array(row.prompt())),
                    ("env_class", json!("chemr")),
                    ("reward_spec", json!({"method": "rule", "ground_truth": row.example.reference})),
                    ("extra_info", Value::Object(extra(row, index, &fields))),
                ])
            })
            .collect();
        files.insert(format!("{split}.parquet"), parquet::write(&rows, &columns)?);
    }
    Ok(files)
}

fn loading(_stage: Stage) -> &'static str {
    include_str!("readme/skyrl.md")
}
