//! LLaMA-Factory: `dataset_info.json` with two data sets for each split, the same rows in the alpaca form and as OpenAI-style messages. Reasoning stands inside
//! the answer.

use chemr_tasks::Split;
use serde_json::{Map, Value, json};

use crate::export::row::{Row, object};
use crate::export::target::{Files, by_split, json_document};
use crate::export::{ExportError, Stage, Target};

pub(crate) static LLAMA_FACTORY: Target =
    Target { id: "llama-factory", title: "LLaMA-Factory", stages: &[Stage::Sft], files, loading };

fn files(rows: &[Row], _stage: Stage) -> Result<Files, ExportError> {
    let mut files = Files::new();
    let mut known = Map::new();
    for (split, rows) in by_split(rows) {
        let (name, alpaca) = data_set(split, "alpaca");
        let columns = json!({"prompt": "instruction", "query": "input", "response": "output", "system": "system"});
        known.insert(name, json!({"file_name": alpaca, "formatting": "alpaca", "columns": columns}));
        let instructions = rows.iter().map(|row| {
            object([
                ("instruction", json!(row.user())),
                ("input", json!("")),
                ("output", json!(row.answer())),
                ("system", json!(row.system())),
            ])
        });
        files.insert(alpaca, json_document(&instructions.collect::<Vec<_>>())?);
        let (name, sharegpt) = data_set(split, "sharegpt");
        let tags = json!({
            "role_tag": "role", "content_tag": "content",
            "user_tag": "user", "assistant_tag": "assistant", "system_tag": "system",
        });
        let columns = json!({"messages": "messages"});
        known.insert(name, json!({"file_name": sharegpt, "formatting": "sharegpt", "columns": columns, "tags": tags}));
        let chats: Vec<Value> = rows.iter().map(|row| json!({"messages": row.dialogue()})).collect();
        files.insert(sharegpt, json_document(&chats)?);
    }
    files.insert("dataset_info.json".to_owned(), json_document(&known)?);
    Ok(files)
}

/// Name and file of a data set.
fn data_set(split: Split, form: &str) -> (String, String) {
    (format!("chemr_{split}_{form}"), format!("{split}_{form}.json"))
}

fn loading(_stage: Stage) -> &'static str {
    include_str!("readme/llama-factory.md")
}
