//! lm-evaluation-harness: a YAML task and a file of rows for each task of the export, and `utils.py`, which asks the verifier.
//!
//! The figure `acc` is the share of right answers with loose extraction, as `chemr eval` reports it.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::export::row::{Row, names, object};
use crate::export::target::{Files, by_task, json_lines};
use crate::export::{ExportError, Stage, Target};

pub(crate) static LM_EVAL: Target =
    Target { id: "lm-eval", title: "lm-evaluation-harness", stages: &[Stage::Eval], files, loading };

/// Goes up when a figure of the same model can change.
const VERSION: &str = "1.0";

/// Longest answer, in tokens, unless `--gen_kwargs` says otherwise.
const MAX_TOKENS: u32 = 1024;

fn files(rows: &[Row], _stage: Stage) -> Result<Files, ExportError> {
    let fields = names(rows);
    let mut files = Files::from([("utils.py".to_owned(), include_bytes!("python/lm_eval_utils.py").to_vec())]);
    let mut group = String::from("group: chemr\ntask:\n");
    for (task, rows) in by_task(rows) {
        let name = task_name(task);
        let lines: Vec<Map<String, Value>> = rows.iter().map(|row| members(row, &fields)).collect();
        files.insert(format!("{name}.jsonl"), json_lines(&lines)?);
        // JSON texts are YAML texts, whatever stands in them.
        let system = serde_json::to_string(&rows[0].system())?;
        files.insert(format!("{name}.yaml"), yaml(&name, &system).into_bytes());
        let _ = writeln!(group, "  - {name}");
    }
    let _ = write!(
        group,
        "aggregate_metric_list:\n  - metric: acc\n    aggregation: mean\n    weight_by_size: false\nmetadata:\n  version: {VERSION}\n"
    );
    files.insert("chemr.yaml".to_owned(), group.into_bytes());
    Ok(files)
}

/// `name.smiles_to_formula` is `chemr_name_smiles_to_formula`, as command lines of the harness want names.
fn task_name(task: &str) -> String {
    format!("chemr_{}", task.replace('.', "_"))
}

fn members(row: &Row, fields: &[&'static str]) -> Map<String, Value> {
    let mut members = object([
        ("prompt", json!(row.user())),
        ("reference", json!(row.example.reference)),
        ("task", json!(row.task.id())),
    ]);
    members.extend(row.columns(fields));
    members.extend(row.origin());
    members
}

fn yaml(name: &str, system: &str) -> String {
    let mut text = format!(
        "task: {name}\n\
         dataset_path: json\n\
         custom_dataset: !function utils.load_rows\n\
         dataset_kwargs:\n  file: {name}.jsonl\n\
         test_split: test\n\
         output_type: generate_until\n\
         description: {system}\n\
         doc_to_text: \"{{{{prompt}}}}\"\n\
         doc_to_target: \"{{{{reference}}}}\"\n\
         process_results: !function utils.process_results\n\
         num_fewshot: 0\n\
         generation_kwargs:\n  until: []\n  do_sample: false\n  max_gen_toks: {MAX_TOKENS}\n\
         metric_list:\n"
    );
    for metric in ["acc", "format", "valid"] {
        let _ = write!(text, "  - metric: {metric}\n    aggregation: mean\n    higher_is_better: true\n");
    }
    let _ = write!(text, "metadata:\n  version: {VERSION}\n");
    text
}

fn loading(_stage: Stage) -> &'static str {
    include_str!("readme/lm-eval.md")
}
