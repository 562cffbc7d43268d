//! ChemCoTBench: items of many tasks, told by their field `task` or by the folder of the file. Evaluation only.

use std::borrow::Cow;

use chemr_chem::{Gate, Mol};
use chemr_tasks::{Example, task};
use serde_json::Value;

use super::super::convert::{Rejection, one, question};
use super::super::format::{Format, Record};
use super::super::reject::RejectReason;
use super::super::rows::Row;
use super::super::source::{Sample, Shape};
use crate::predictions::scalar;

/// Keys that only these items have.
const TELLING: [&str; 9] = [
    "fg_smarts",
    "largest_scaffold",
    "mutated",
    "permutated",
    "src_smiles",
    "rxn_cls",
    "added_group",
    "removed_group",
    "subtask",
];

pub(super) fn formats() -> [Format; 1] {
    [Format {
        name: "chemcotbench",
        about: "ChemCoTBench: items of all tasks in one file of JSON lines, or the arrays of its folders",
        told_by: "JSON with one of the keys fg_smarts, largest_scaffold, mutated, permutated, src_smiles, rxn_cls, added_group, removed_group, subtask",
        tasks: &[
            "cot.*",
            "tomg.add",
            "tomg.del",
            "tomg.sub",
            "tomg.logp",
            "tomg.qed",
            "reaction_prediction",
            "retrosynthesis",
        ],
        is_evaluation_only: true,
        columns: |_| Vec::new(),
        recognise: |sample: &Sample| {
            let is_json = matches!(sample.rows.first(), Some(Row::Object(_)));
            let is_told = TELLING.iter().any(|key| sample.columns.iter().any(|name| name == key))
                || (sample.is_named(&["chemcotbench"]) && sample.columns.iter().any(|name| name == "ring"));
            (is_json && is_told).then_some(Shape::Columns)
        },
        convert: |record| one(item(record)),
    }]
}

/// The name of the item's task: its own field, or the folder of the file.
fn name<'a>(record: &'a Record<'_>) -> Cow<'a, str> {
    let own = record.row.text("task").filter(|_| record.row.value("item_id").is_some());
    own.unwrap_or_else(|| Cow::Borrowed(record.path.rsplit('/').nth(1).unwrap_or_default()))
}

fn item(record: &Record<'_>) -> Result<Example, Rejection> {
    let name = name(record);
    let asked = |id: &str, fields: &[(&'static str, &'static str)], reference: &str| {
        let task = task(id).ok_or_else(|| Rejection::new(RejectReason::NoTask, id))?;
        let given: Vec<(&'static str, Cow<'_, str>)> =
            fields.iter().map(|(field, key)| Ok((*field, text(record, key)?))).collect::<Result<_, Rejection>>()?;
        identified(record, question(record, task, &given, reference)?)
    };
    match &*name {
        "add" => asked("tomg.add", &[("smiles", "molecule"), ("add", "added_group")], &text(record, "reference")?),
        "delete" => {
            asked("tomg.del", &[("smiles", "molecule"), ("remove", "removed_group")], &text(record, "reference")?)
        }
        "sub" => asked(
            "tomg.sub",
            &[("smiles", "molecule"), ("remove", "removed_group"), ("add", "added_group")],
            &text(record, "reference")?,
        ),
        "fg_samples" => {
            asked("cot.group_count", &[("smiles", "smiles"), ("group", "fg_name")], &text(record, "fg_num")?)
        }
        "ring_count" => asked("cot.ring_count", &[("smiles", "smiles"), ("ring", "ring")], &text(record, "count")?),
        "murcko_scaffold" => asked("cot.murcko_scaffold", &[("smiles", "smiles")], &text(record, "largest_scaffold")?),
        "mutated" | "permutated" => same_molecule(record, &name),
        "ring_system_scaffold" => ring_system(record),
        "logp" | "qed" => {
            let id = if name == "qed" { "tomg.qed" } else { "tomg.logp" };
            let given = [("smiles", text(record, "src_smiles")?), ("direction", Cow::Borrowed("increase"))];
            let task = task(id).ok_or_else(|| Rejection::new(RejectReason::NoTask, id))?;
            identified(record, question(record, task, &given, "")?)
        }
        "fs" => forward(record),
        "retro" => {
            let (product, reactants) =
                (molecules(record.row.value("products")), molecules(record.row.value("reactants")));
            reaction(record, "retrosynthesis", "product", product, reactants)
        }
        other => Err(Rejection::new(RejectReason::NoTask, other)),
    }
}

/// A value that every item of the task has. The names of items' keys are not fields of `--map`.
fn text<'a>(record: &'a Record<'_>, key: &'static str) -> Result<Cow<'a, str>, Rejection> {
    record.row.text(key).ok_or_else(|| Rejection::new(RejectReason::Missing(key), ""))
}

/// The example with the number of its item.
fn identified(record: &Record<'_>, mut example: Example) -> Result<Example, Rejection> {
    let id = record.row.text("item_id").or_else(|| record.row.text("id"));
    example.meta.extend(id.map(|id| ("item".to_owned(), id.into_owned())));
    Ok(example)
}

/// Pairs of one molecule in two atom orders, and pairs of a molecule and a changed one.
fn same_molecule(record: &Record<'_>, name: &str) -> Result<Example, Rejection> {
    let key = if name == "mutated" { "mutated" } else { "permutated" };
    let (one, other) = (text(record, "smiles")?, text(record, key)?);
    let reference = if key == "mutated" { "No" } else { "Yes" };
    let parse = |text: &str| Mol::parse_with(text, &Gate::DATA).ok();
    if let (Some(one), Some(other)) = (parse(&one), parse(&other))
        && one.is_same(&other) != (reference == "Yes")
    {
        return Err(Rejection::new(RejectReason::BrokenExample, "the toolkit finds the opposite"));
    }
    let task = task("cot.same_molecule").ok_or_else(|| Rejection::new(RejectReason::NoTask, name))?;
    identified(record, question(record, task, &[("smiles", one), ("other", other)], reference)?)
}

/// The two molecules stand in the text of the question alone.
fn ring_system(record: &Record<'_>) -> Result<Example, Rejection> {
    let query = text(record, "query")?;
    let (_, fields) = query.rsplit_once("Input Molecule: ").unwrap_or_default();
    let Some((smiles, ring)) = fields.split_once(", Ring System Structure: ") else {
        return Err(Rejection::new(RejectReason::UnknownWording, "no `Input Molecule` and `Ring System Structure`"));
    };
    let given = [("smiles", Cow::Borrowed(smiles.trim())), ("ring_system", Cow::Borrowed(ring.trim()))];
    let task = task("cot.has_ring_system").ok_or_else(|| Rejection::new(RejectReason::NoTask, ""))?;
    identified(record, question(record, task, &given, &text(record, "gt")?)?)
}

/// Forward reactions: the answer and the reaction are JSON within strings.
fn forward(record: &Record<'_>) -> Result<Example, Rejection> {
    let parsed = |key: &'static str| -> Result<Value, Rejection> {
        serde_json::from_str(&text(record, key)?)
            .map_err(|error| Rejection::new(RejectReason::BadJson, format!("{key}: {error}")))
    };
    let (answer, meta) = (parsed("gt")?, parsed("meta")?);
    let mut mixture = molecules(meta.get("reactants"));
    mixture.extend(molecules(meta.get("reagents")));
    let product = answer.get("Major Product").and_then(scalar);
    reaction(record, "reaction_prediction", "reactants", mixture, product.into_iter().collect())
}

fn reaction(
    record: &Record<'_>,
    id: &'static str,
    field: &'static str,
    asked: Vec<String>,
    answer: Vec<String>,
) -> Result<Example, Rejection> {
    let missing = |list: &[String], what| match list {
        [] => Err(Rejection::new(RejectReason::Missing(what), "")),
        _ => Ok(()),
    };
    missing(&asked, field)?;
    missing(&answer, "answer")?;
    let task = task(id).ok_or_else(|| Rejection::new(RejectReason::NoTask, id))?;
    identified(record, question(record, task, &[(field, Cow::Owned(asked.join(".")))], &answer.join("."))?)
}

fn molecules(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(scalar).filter(|text| !text.trim().is_empty()).collect()
}
