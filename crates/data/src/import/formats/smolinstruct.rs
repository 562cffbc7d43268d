//! SMolInstruct: one object a line with task, input and output, as sentences with tags or as the bare texts.

use std::borrow::Cow;

use chemr_tasks::{Example, Task, task};

use super::super::convert::{Rejection, one, question};
use super::super::format::{Column, Format, Record, normalised};
use super::super::reject::RejectReason;
use super::super::source::{Sample, Shape};

/// Its tasks, ours, and the field of the question.
const TASKS: [(&str, &str, &str); 13] = [
    ("forward_synthesis", "reaction_prediction", "reactants"),
    ("retrosynthesis", "retrosynthesis", "product"),
    ("molecule_captioning", "molecule_captioning", "smiles"),
    ("molecule_generation", "molecule_design", "description"),
    ("name_conversion-i2f", "name.iupac_to_formula", "iupac"),
    ("name_conversion-i2s", "name.iupac_to_smiles", "iupac"),
    ("name_conversion-s2f", "name.smiles_to_formula", "smiles"),
    ("name_conversion-s2i", "name.smiles_to_iupac", "smiles"),
    ("property_prediction-esol", "property.esol", "smiles"),
    ("property_prediction-lipo", "property.lipophilicity", "smiles"),
    ("property_prediction-bbbp", "property.bbbp", "smiles"),
    ("property_prediction-clintox", "property.clintox", "smiles"),
    ("property_prediction-hiv", "property.hiv", "smiles"),
];
const SIDER: &str = "property_prediction-sider";

pub(super) fn formats() -> [Format; 1] {
    [Format {
        name: "smolinstruct",
        about: "SMolInstruct: 14 tasks as JSON lines, with raw_input and raw_output, or with tags in input and output",
        told_by: "JSON with raw_input and raw_output, or input and output in a file named after one of its tasks",
        tasks: &[
            "reaction_prediction",
            "retrosynthesis",
            "molecule_captioning",
            "molecule_design",
            "name.iupac_to_formula",
            "name.iupac_to_smiles",
            "name.smiles_to_formula",
            "name.smiles_to_iupac",
            "property.esol",
            "property.lipophilicity",
            "property.bbbp",
            "property.clintox",
            "property.hiv",
            "property.sider.*",
        ],
        is_evaluation_only: false,
        columns: |_| {
            vec![
                Column::required("input", &["raw_input", "input"]),
                Column::required("output", &["raw_output", "output"]),
                Column::optional("task", &["task"]),
                Column::optional("target", &["target"]),
                Column::optional("split", &["split"]),
            ]
        },
        recognise,
        convert: |record| one(example(record)),
    }]
}

fn recognise(sample: &Sample) -> Option<Shape> {
    let has = |wanted: &str| sample.columns.iter().any(|name| name == wanted);
    let is_raw = has("raw_input") && has("raw_output");
    let is_tagged = has("input") && has("output") && !has("instruction") && task_of(sample.file_name()).is_some();
    (is_raw || is_tagged).then_some(Shape::Columns)
}

/// The name of its task that a file name holds.
fn task_of(file_name: &str) -> Option<&'static str> {
    TASKS.iter().map(|(name, ..)| *name).chain([SIDER]).find(|name| file_name.contains(name))
}

fn example(record: &Record<'_>) -> Result<Example, Rejection> {
    let named = record.get("task");
    let by_file = || task_of(record.path.rsplit('/').next().unwrap_or_default()).map(Cow::Borrowed);
    let name = named.or_else(by_file).ok_or_else(|| Rejection::new(RejectReason::Missing("task"), ""))?;
    let (task, field) = known(&name, record.get("target").as_deref())?;
    let (input, output) = (record.need("input")?, record.need("output")?);
    let (asked, answer) = (core(&input), core(&output));
    question(record, task, &[(field, asked)], &answer)
}

fn known(name: &str, target: Option<&str>) -> Result<(&'static Task, &'static str), Rejection> {
    let none = || Rejection::new(RejectReason::NoTask, name);
    if name == SIDER {
        let class = target.ok_or_else(|| Rejection::new(RejectReason::Missing("target"), ""))?;
        let id = format!("property.sider.{}", normalised(class));
        return Ok((task(&id).ok_or_else(none)?, "smiles"));
    }
    let (_, id, field) = TASKS.iter().find(|(known, ..)| *known == name).ok_or_else(none)?;
    Ok((task(id).ok_or_else(none)?, field))
}

/// The text between the last opening tag and its end; the whole text when there are no tags. The first release of retrosynthesis has
/// tags within tags.
fn core(text: &str) -> Cow<'_, str> {
    for tag in ["SMILES", "IUPAC", "MOLFORMULA", "NUMBER", "BOOLEAN"] {
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        if let Some((_, after)) = text.rsplit_once(&open) {
            return Cow::Borrowed(after.split(&close).next().unwrap_or_default().trim());
        }
    }
    Cow::Borrowed(text.trim())
}
