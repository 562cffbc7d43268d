//! Names and structures: PubChem's IUPAC names, ChemLLMBench's sample, OPSIN's cases.

use chemr_chem::Mol;
use chemr_tasks::Example;

use super::super::convert::{Answers, Rejection, all, molecule};
use super::super::format::{Column, Format, Record, normalised};
use super::super::reject::RejectReason;
use super::super::rows::Row;
use super::super::source::{Sample, Shape};

pub(super) fn formats() -> [Format; 2] {
    [
        Format {
            name: "opsin",
            about: "OPSIN's cases: name and InChI, tab-separated lines with `//` comments, or CSV with SMILES",
            told_by: "lines `name<TAB>InChI=...`, or the columns name and inchi",
            tasks: &["name.iupac_to_smiles", "name.iupac_to_formula"],
            is_evaluation_only: false,
            columns: |_| {
                vec![
                    Column::optional("name", &["name"]),
                    Column::optional("smiles", &["smiles_from_inchi", "smiles"]),
                    Column::optional("inchi", &["inchi"]),
                    Column::optional("category", &["category"]),
                ]
            },
            recognise: is_opsin,
            convert: opsin,
        },
        Format {
            name: "pubchem-iupac",
            about: "IUPAC names with SMILES: PubChem pairs (CSV, tab-separated text, JSON by entry), ChemLLMBench's name files",
            told_by: "SMILES beside iupac or pubchem_iupac; SMILES and description below a path with `iupac`, or beside a column `cid` in small letters when no description is a sentence",
            tasks: &[
                "name.iupac_to_smiles",
                "name.smiles_to_iupac",
                "name.smiles_to_formula",
                "name.iupac_to_formula",
                "name.formula_to_smiles",
            ],
            is_evaluation_only: false,
            columns: |_| {
                vec![
                    Column::optional("cid", &["cid", "CID"]),
                    Column::required("smiles", &["smiles", "SMILES"]),
                    Column::optional("iupac", &["iupac", "pubchem_iupac", "description"]),
                ]
            },
            recognise: is_pubchem,
            convert: pubchem,
        },
    ]
}

fn is_pubchem(sample: &Sample) -> Option<Shape> {
    let has = |wanted: &str| sample.columns.iter().any(|name| normalised(name) == wanted);
    // The pairs of TOMG-Bench call the name a description, as its captions do; the captions write `CID`.
    let writes = |wanted: &str| sample.columns.iter().any(|name| name == wanted);
    let is_pair = has("description")
        && (sample.is_named(&["iupac"]) || (writes("cid") && writes("SMILES") && !has_captions(sample)));
    (has("smiles") && (has("iupac") || has("pubchem_iupac") || is_pair)).then_some(Shape::Columns)
}

/// Whether the descriptions are sentences.
fn has_captions(sample: &Sample) -> bool {
    let description = sample.columns.iter().find(|name| normalised(name) == "description");
    let text = |row: &Row| description.and_then(|name| row.text(name).map(|text| text.ends_with('.')));
    sample.rows.iter().filter_map(text).any(|is_sentence| is_sentence)
}

/// The examples of a molecule with a name, by task, and the molecule. A row without a name still has a formula.
pub(crate) fn compound(record: &Record<'_>) -> Result<(Mol, Vec<Result<Example, Rejection>>), Rejection> {
    let mol = molecule(&record.need("smiles")?)?;
    let (smiles, formula) = (mol.canonical(), mol.formula());
    let cid = record.get("cid").unwrap_or_default();
    let meta = [("key", smiles), ("cid", &*cid)];
    let named = |task: &'static str, build: &dyn Fn(&str) -> Example| {
        record.need("iupac").map(|name| build(&name)).map_err(|rejection| rejection.of_task(task))
    };
    let answers = vec![
        named("name.iupac_to_smiles", &|name| {
            record.example("name.iupac_to_smiles", &[("iupac", name)], smiles, &meta)
        }),
        Ok(record.example("name.smiles_to_formula", &[("smiles", smiles)], &formula, &meta)),
        named("name.smiles_to_iupac", &|name| {
            record.example("name.smiles_to_iupac", &[("smiles", smiles)], name, &meta)
        }),
        named("name.iupac_to_formula", &|name| {
            record.example("name.iupac_to_formula", &[("iupac", name)], &formula, &meta)
        }),
        Ok(record.example("name.formula_to_smiles", &[("formula", &formula)], smiles, &meta)),
    ];
    Ok((mol, answers))
}

fn pubchem(record: &Record<'_>) -> Answers {
    compound(record).map_or_else(|rejection| vec![Err(rejection)], |(_, answers)| answers)
}

fn is_opsin(sample: &Sample) -> Option<Shape> {
    let has = |wanted: &str| sample.columns.iter().any(|name| normalised(name) == wanted);
    if has("name") && has("inchi") {
        return Some(Shape::Columns);
    }
    let mut cases = sample.lines.iter().filter(|line| !line.starts_with("//")).peekable();
    (cases.peek().is_some() && cases.all(|line| line.contains("\tInChI=")))
        .then_some(Shape::Lines { comment: Some("//") })
}

fn opsin(record: &Record<'_>) -> Answers {
    let read = || -> Result<[Example; 2], Rejection> {
        let (name, mol, category) = match record.row.line() {
            Some(line) => {
                let (name, inchi) =
                    line.split_once('\t').ok_or_else(|| Rejection::new(RejectReason::Missing("inchi"), ""))?;
                (name.trim().to_owned(), from_inchi(inchi.trim())?, String::new())
            }
            None => {
                let name = record.need("name")?.into_owned();
                let mol = match (record.get("smiles"), record.get("inchi")) {
                    (Some(smiles), _) => molecule(&smiles)?,
                    (None, Some(inchi)) => from_inchi(&inchi)?,
                    (None, None) => return Err(Rejection::new(RejectReason::Missing("inchi"), "")),
                };
                (name, mol, record.get("category").unwrap_or_default().into_owned())
            }
        };
        let (smiles, formula) = (mol.canonical(), mol.formula());
        let meta = [("key", smiles), ("category", category.as_str())];
        Ok([
            record.example("name.iupac_to_smiles", &[("iupac", &name)], smiles, &meta),
            record.example("name.iupac_to_formula", &[("iupac", &name)], &formula, &meta),
        ])
    };
    all(read())
}

fn from_inchi(inchi: &str) -> Result<Mol, Rejection> {
    // What the reader makes of a non-standard InChI differs from what the name says.
    if !inchi.starts_with("InChI=1S/") {
        return Err(Rejection::new(RejectReason::BadInchi, "not a standard InChI"));
    }
    Mol::from_inchi(inchi).map_err(|error| Rejection::new(RejectReason::BadInchi, error.to_string()))
}
