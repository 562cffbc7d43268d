//! Reagent selection of ChemLLMBench: Suzuki-Miyaura reactions that lack one component, with ranked candidates.

use std::borrow::Cow;

use chemr_tasks::{Example, task};
use serde_json::Value;

use super::super::convert::{Rejection, molecule, one, question};
use super::super::format::{Format, Record};
use super::super::reject::RejectReason;
use super::super::source::{Sample, Shape};
use crate::predictions::scalar;

pub(super) fn formats() -> [Format; 1] {
    [Format {
        name: "reagent-selection",
        about: "ChemLLMBench reagent selection: components, candidates and their ranking with yields",
        told_by: "JSON with components, candidates and ranking",
        tasks: &["reagent.*"],
        is_evaluation_only: false,
        columns: |_| Vec::new(),
        recognise: |sample: &Sample| {
            let has = |wanted: &str| sample.columns.iter().any(|name| name == wanted);
            (has("components") && has("candidates") && has("ranking")).then_some(Shape::Columns)
        },
        convert: |record| one(selection(record)),
    }]
}

fn selection(record: &Record<'_>) -> Result<Example, Rejection> {
    let missing = |key| move || Rejection::new(RejectReason::Missing(key), "");
    let kind = record.row.text("task").ok_or_else(missing("task"))?;
    let task = task(&format!("reagent.{kind}")).filter(|task| task.family() == "selection");
    let task = task.ok_or_else(|| Rejection::new(RejectReason::NoTask, kind.into_owned()))?;
    let components = record.row.value("components").and_then(Value::as_object).ok_or_else(missing("components"))?;
    // The roles are the source's, which mixes them up; nothing here can tell which are right.
    let shown: Option<Vec<String>> =
        components.iter().map(|(role, smiles)| Some(format!("{role}: {}", scalar(smiles)?))).collect();
    let (candidates, ranking) = (list(record, "candidates")?, list(record, "ranking")?);
    for candidate in &ranking {
        molecule(candidate)?;
        if !candidates.contains(candidate) {
            return Err(Rejection::new(RejectReason::AnswerNotAnOption, candidate.clone()));
        }
    }
    let given = [
        ("reaction", Cow::Owned(shown.ok_or_else(missing("components"))?.join("; "))),
        ("candidates", Cow::Owned(candidates.join(", "))),
    ];
    let mut example = question(record, task, &given, &ranking.join(","))?;
    let measured = record.row.value("yields").and_then(Value::as_object);
    let yields: Option<Vec<String>> =
        measured.and_then(|yields| ranking.iter().map(|candidate| scalar(yields.get(candidate)?)).collect());
    example.meta.extend(yields.map(|yields| ("yields".to_owned(), yields.join(","))));
    Ok(example)
}

/// A list of SMILES that is not empty.
fn list(record: &Record<'_>, key: &'static str) -> Result<Vec<String>, Rejection> {
    let items = record.row.value(key).and_then(Value::as_array);
    let texts: Option<Vec<String>> = items.and_then(|items| items.iter().map(scalar).collect());
    texts.filter(|texts| !texts.is_empty()).ok_or_else(|| Rejection::new(RejectReason::Missing(key), ""))
}
