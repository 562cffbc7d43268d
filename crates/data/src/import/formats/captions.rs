//! Molecules with descriptions: ChEBI-20, PubChem captions, ChemLLMBench's sample.

use chemr_tasks::{Example, Task};

use super::super::convert::{Answers, Rejection, all, molecule};
use super::super::format::{Column, Format, Record, normalised};
use super::super::source::{Sample, Shape};

const TASKS: &[&str] = &["molecule_design", "molecule_captioning"];

pub(super) fn formats() -> [Format; 2] {
    [
        Format {
            name: "pubchem-captions",
            about: "PubChem captions: CID, SMILES and description; tab-separated text or CSV",
            told_by: "as chebi20, below a path with `pubchem`",
            tasks: TASKS,
            is_evaluation_only: false,
            columns,
            recognise: |sample| recognise(sample).filter(|_| sample.is_named(&["pubchem"])),
            convert,
        },
        Format {
            name: "chebi20",
            about: "ChEBI-20: CID, SMILES and description; tab-separated text with doubled backslashes, or CSV",
            told_by: "the columns SMILES and description",
            tasks: TASKS,
            is_evaluation_only: false,
            columns,
            recognise,
            convert,
        },
    ]
}

fn columns(_: Option<&'static Task>) -> Vec<Column> {
    vec![
        Column::optional("cid", &["cid", "CID"]),
        Column::required("smiles", &["smiles", "SMILES"]),
        Column::required("description", &["description"]),
    ]
}

fn recognise(sample: &Sample) -> Option<Shape> {
    let has = |wanted: &str| sample.columns.iter().any(|name| normalised(name) == wanted);
    (has("smiles") && has("description")).then_some(Shape::Columns)
}

fn convert(record: &Record<'_>) -> Answers {
    all(examples(record))
}

fn examples(record: &Record<'_>) -> Result<[Example; 2], Rejection> {
    // MolT5's files write each backslash twice; no SMILES has two of them in a row.
    let smiles = record.need("smiles")?.replace("\\\\", "\\");
    let description = record.need("description")?;
    let mol = molecule(&smiles)?;
    let cid = record.get("cid").unwrap_or_default();
    let meta = [("cid", &*cid), ("key", mol.canonical())];
    Ok([
        record.example("molecule_design", &[("description", &description)], mol.canonical(), &meta),
        record.example("molecule_captioning", &[("smiles", mol.canonical())], &description, &meta),
    ])
}
