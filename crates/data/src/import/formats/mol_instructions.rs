//! Mol-Instructions, molecule-oriented part: an instruction, molecules as SELFIES, an answer.

use std::borrow::Cow;

use chemr_chem::selfies;
use chemr_tasks::{Example, task};

use super::super::convert::{Rejection, one, question};
use super::super::format::{Column, Format, Record};
use super::super::reject::RejectReason;
use super::super::source::{Sample, Shape};

/// Its tasks; ours, the field of the question, and whether the question and the answer are molecules.
const TASKS: [(&str, &str, &str, bool, bool); 5] = [
    ("description_guided_molecule_design", "molecule_design", "description", false, true),
    ("molecular_description_generation", "molecule_captioning", "smiles", true, false),
    ("forward_reaction_prediction", "reaction_prediction", "reactants", true, true),
    ("reagent_prediction", "reagent_prediction", "reaction", true, true),
    ("retrosynthesis", "retrosynthesis", "product", true, true),
];
/// Orbital energies, which no task asks about.
const PROPERTIES: &str = "property_prediction";

pub(super) fn formats() -> [Format; 1] {
    [Format {
        name: "mol-instructions",
        about: "Mol-Instructions, molecule-oriented: JSON arrays with instruction, input and output, or JSON lines with question and answer; molecules as SELFIES, or as SMILES in fields of their own",
        told_by: "JSON with instruction, input and output, or with question and answer, in a file named after one of its tasks",
        tasks: &[
            "molecule_design",
            "molecule_captioning",
            "reaction_prediction",
            "reagent_prediction",
            "retrosynthesis",
        ],
        is_evaluation_only: false,
        columns: |_| {
            vec![
                Column::required("question", &["input", "question"]),
                Column::required("answer", &["output", "answer"]),
                Column::optional("instruction", &["instruction"]),
                Column::optional("asked_smiles", &["reactants_smiles", "reaction_smiles", "product_smiles", "smiles"]),
                Column::optional("answer_smiles", &["answer_smiles"]),
                Column::optional("task", &["task"]),
            ]
        },
        recognise,
        convert: |record| one(example(record)),
    }]
}

fn recognise(sample: &Sample) -> Option<Shape> {
    let has = |wanted: &str| sample.columns.iter().any(|name| name == wanted);
    let is_pair = (has("instruction") && has("input") && has("output")) || (has("question") && has("answer"));
    (is_pair && task_of(sample.file_name()).is_some()).then_some(Shape::Columns)
}

/// The name of its task that a file name holds.
fn task_of(file_name: &str) -> Option<&'static str> {
    TASKS.iter().map(|(name, ..)| *name).chain([PROPERTIES]).find(|name| file_name.contains(name))
}

fn example(record: &Record<'_>) -> Result<Example, Rejection> {
    let by_file = || task_of(record.path.rsplit('/').next().unwrap_or_default()).map(Cow::Borrowed);
    let name = record.get("task").or_else(by_file);
    let name = name.ok_or_else(|| Rejection::new(RejectReason::Missing("task"), ""))?;
    let none = || Rejection::new(RejectReason::NoTask, name.clone());
    let (_, id, field, asks_molecule, gives_molecule) =
        TASKS.iter().find(|(known, ..)| *known == name).ok_or_else(none)?;
    let task = task(id).ok_or_else(none)?;
    let (text, answer) = (record.need("question")?, record.need("answer")?);
    let asked = match (asks_molecule, record.get("asked_smiles")) {
        (true, Some(smiles)) => smiles,
        // A question ends with its molecules.
        (true, None) => Cow::Owned(smiles(text.split_whitespace().next_back().unwrap_or_default())?),
        (false, _) => description(record, text),
    };
    let reference = match (gives_molecule, record.get("answer_smiles")) {
        (true, Some(smiles)) => smiles,
        (true, None) => Cow::Owned(smiles(&answer)?),
        (false, _) => answer,
    };
    question(record, task, &[(field, asked)], &reference)
}

/// The description, without the instruction before it where both are one text. Instructions are one sentence.
fn description<'a>(record: &Record<'_>, text: Cow<'a, str>) -> Cow<'a, str> {
    let rest =
        if record.get("instruction").is_some() { None } else { text.split_once(". ").map(|(_, rest)| rest.to_owned()) };
    rest.map_or(text, |rest| Cow::Owned(rest.trim().to_owned()))
}

/// SELFIES of molecules, or of the two sides of a reaction, as SMILES.
fn smiles(text: &str) -> Result<String, Rejection> {
    let decoded =
        |side: &str| selfies::decode(side).map_err(|error| Rejection::new(RejectReason::BadSelfies, error.to_string()));
    Ok(text.trim().split(">>").map(decoded).collect::<Result<Vec<_>, _>>()?.join(">>"))
}
