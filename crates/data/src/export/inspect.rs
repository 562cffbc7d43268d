//! Inspect: samples as JSON, and `task.py` with a `@task` and a `@scorer` that asks the verifier.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::export::row::{Row, names, object};
use crate::export::target::{Files, json_document};
use crate::export::{ExportError, Stage, Target};

pub(crate) static INSPECT: Target = Target { id: "inspect", title: "Inspect", stages: &[Stage::Eval], files, loading };

fn files(rows: &[Row], _stage: Stage) -> Result<Files, ExportError> {
    let fields = names(rows);
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let samples: Vec<_> = rows
        .iter()
        .map(|row| {
            // A question may stand in a file twice, and Inspect wants ids that differ.
            let times = seen.entry(&row.example.id).or_insert(0);
            *times += 1;
            let id = if *times == 1 { row.example.id.clone() } else { format!("{}-{times}", row.example.id) };
            let mut metadata = object([("task", json!(row.task.id()))]);
            metadata.extend(row.columns(&fields));
            metadata.extend(row.origin());
            object([
                ("input", Value::Array(row.prompt())),
                ("target", json!(row.example.reference)),
                ("id", json!(id)),
                ("metadata", Value::Object(metadata)),
            ])
        })
        .collect();
    Ok(Files::from([
        ("samples.json".to_owned(), json_document(&samples)?),
        ("task.py".to_owned(), include_bytes!("python/inspect_task.py").to_vec()),
    ]))
}

fn loading(_stage: Stage) -> &'static str {
    include_str!("readme/inspect.md")
}
