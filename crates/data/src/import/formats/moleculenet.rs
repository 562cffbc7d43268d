//! Properties of molecules: MoleculeNet and AqSolDB.
//!
//! The endpoints of a file are told by its columns; blank labels were not measured.

use std::sync::LazyLock;

use chemr_chem::Mol;
use chemr_tasks::{Example, Kind, Task, task};

use super::super::convert::{Answers, Rejection, label, molecule, number};
use super::super::format::{Column, Format, Record, normalised, tasks_under};
use super::super::reject::RejectReason;
use super::super::source::{Sample, Shape};

const NAME: &str = "moleculenet";
const TOX21: &str = "property.tox21.";
const SIDER: &str = "property.sider.";

/// Endpoints whose column is named otherwise than the task.
const NAMED: [(&str, &str); 8] = [
    ("property.bbbp", "p_np"),
    ("property.bace", "Class"),
    ("property.hiv", "HIV_active"),
    ("property.clintox", "CT_TOX"),
    ("property.esol", "measured log solubility in mols per litre"),
    ("property.freesolv", "expt"),
    ("property.lipophilicity", "exp"),
    ("property.aqsoldb", "Solubility"),
];

pub(super) fn formats() -> [Format; 1] {
    [Format {
        name: NAME,
        about: "MoleculeNet (BBBP, BACE, HIV, ClinTox, Tox21, SIDER, ESOL, FreeSolv, Lipophilicity) and AqSolDB: SMILES with labels",
        told_by: "a column of SMILES beside a column that names an endpoint (p_np, Class, HIV_active, CT_TOX, NR-AR, ...)",
        tasks: &["property.*"],
        is_evaluation_only: false,
        columns,
        recognise,
        convert,
    }]
}

/// A property of molecules and the column that holds it.
pub(crate) struct Endpoint {
    pub task: &'static str,
    column: String,
}

static ENDPOINTS: LazyLock<Vec<Endpoint>> = LazyLock::new(|| {
    let named = NAMED.iter().map(|&(task, column)| Endpoint { task, column: normalised(column) });
    // The assays and the classes of side effects are named as their columns are, in small letters.
    let families = [TOX21, SIDER].into_iter().flat_map(|family| {
        tasks_under(family).into_iter().map(move |task| Endpoint { task, column: task[family.len()..].to_owned() })
    });
    named.chain(families).collect()
});

static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(|| {
    let mut columns = vec![Column::required("smiles", &["smiles", "SMILES", "mol"])];
    columns.extend(ENDPOINTS.iter().map(|endpoint| Column::optional(endpoint.task, &[endpoint.column.as_str()])));
    columns
});

fn columns(_: Option<&'static Task>) -> Vec<Column> {
    COLUMNS.clone()
}

fn recognise(sample: &Sample) -> Option<Shape> {
    let names: Vec<String> = sample.columns.iter().map(|name| normalised(name)).collect();
    let has_molecule = ["smiles", "mol"].iter().any(|wanted| names.iter().any(|name| name == wanted));
    let has_endpoint = ENDPOINTS.iter().any(|endpoint| names.contains(&endpoint.column));
    (has_molecule && has_endpoint).then_some(Shape::Columns)
}

fn convert(record: &Record<'_>) -> Answers {
    let mol = match record.need("smiles").and_then(|smiles| molecule(&smiles)) {
        Ok(mol) => mol,
        Err(rejection) => return vec![Err(rejection)],
    };
    let mut answers: Answers = record
        .binding
        .fields()
        .filter(|field| field.starts_with("property."))
        .filter_map(|task| Some(labelled(record, &mol, task, &record.get(task)?).map_err(|bad| bad.of_task(task))))
        .collect();
    answers.extend(any_assay(record, &mol));
    if answers.is_empty() {
        answers.push(Err(Rejection::new(RejectReason::NotMeasured, "")));
    }
    answers
}

/// The example of one endpoint.
pub(crate) fn labelled(record: &Record<'_>, mol: &Mol, id: &str, value: &str) -> Result<Example, Rejection> {
    let is_label = task(id).is_some_and(|task| task.kind() == Kind::Label);
    let reference = match is_label {
        true => label(value)?.to_owned(),
        false => number(value).map(|_| value.to_owned())?,
    };
    let mut example = record.example(id, &[("smiles", mol.canonical())], &reference, &[("key", mol.canonical())]);
    // The sets have little in common but the form of their files.
    if record.source == NAME {
        example.source = match id.split('.').nth(1).unwrap_or_default() {
            "aqsoldb" => "aqsoldb".to_owned(),
            set => format!("{NAME}-{set}"),
        };
    }
    Ok(example)
}

/// Whether any of the twelve Tox21 assays is hit: yes when one is, no when all twelve were measured and none is.
fn any_assay(record: &Record<'_>, mol: &Mol) -> Option<Result<Example, Rejection>> {
    let assays: Vec<&str> = record.binding.fields().filter(|field| field.starts_with(TOX21)).collect();
    if assays.is_empty() {
        return None;
    }
    let labels: Vec<Option<&str>> = assays.iter().map(|assay| label(&record.get(assay)?).ok()).collect();
    let is_hit = labels.contains(&Some("Yes"));
    let is_whole = labels.len() == tasks_under(TOX21).len() && labels.iter().all(Option::is_some);
    (is_hit || is_whole).then(|| labelled(record, mol, "property.tox21", if is_hit { "1" } else { "0" }))
}
