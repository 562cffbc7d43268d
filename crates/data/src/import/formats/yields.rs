//! Yields: Buchwald-Hartwig and Suzuki-Miyaura plates, and AstraZeneca's notebook of Buchwald-Hartwig reactions.
//!
//! Reactions are shown as they come: the Suzuki files write dative bonds as `~`, which no SMILES reader here takes.

use std::sync::OnceLock;

use chemr_chem::{Mol, Template};

use super::super::convert::{Answers, Rejection, label, molecule, number};
use super::super::format::{Binding, Column, Format, Record, normalised};
use super::super::reject::RejectReason;
use super::super::source::{Sample, Shape};

/// A yield is high from here on, in percent.
const HIGH: f64 = 70.0;

pub(super) fn formats() -> [Format; 3] {
    [
        Format {
            name: "az-eln",
            about: "AstraZeneca's electronic notebook of Buchwald-Hartwig reactions: SMILES of the parts and the yield",
            told_by: "the columns reactant_smiles, product_smiles and a yield",
            tasks: &["yield.buchwald_hartwig", "yield.buchwald_hartwig_percent"],
            is_evaluation_only: false,
            columns: |_| {
                vec![
                    Column::required("reactants", &["reactant_smiles"]),
                    Column::optional("solvent", &["solvent_smiles"]),
                    Column::optional("base", &["base_smiles"]),
                    Column::required("product", &["product_smiles"]),
                    Column::required("yield", &["yield_percent", "yield"]),
                    Column::optional("id", &["id"]),
                ]
            },
            recognise: |sample| {
                (has(sample, "reactant_smiles") && has(sample, "product_smiles") && has_yield(sample))
                    .then_some(Shape::Columns)
            },
            convert: notebook,
        },
        Format {
            name: "buchwald-hartwig",
            about: "Buchwald-Hartwig plates: reaction SMILES with the yield or its class, or the columns Ligand, Additive, Base, Aryl halide, Output",
            told_by: "reaction and yield below a path with `buchwald`, `dreher` or `bh_`, or beside an aryl halide; the components and Output",
            tasks: &["yield.buchwald_hartwig", "yield.buchwald_hartwig_percent"],
            is_evaluation_only: false,
            // Normalised yields of these plates are published as `y`, so that it does not say its unit here.
            columns: |_| columns(&[]),
            recognise: |sample| {
                let is_own = sample.is_named(&["buchwald", "dreher", "bh_"]) || has(sample, "aryl_halide");
                let has_reaction = (has(sample, "reaction") || has(sample, "rxn")) && has_yield(sample);
                let has_parts =
                    ["ligand", "additive", "base", "aryl_halide", "output"].iter().all(|name| has(sample, name));
                ((has_reaction && is_own) || has_parts).then_some(Shape::Columns)
            },
            convert: |record| plate(record, "yield.buchwald_hartwig", "yield.buchwald_hartwig_percent"),
        },
        Format {
            name: "suzuki-miyaura",
            about: "Suzuki-Miyaura plates: reaction SMILES with the yield or its class (CSV, or the splits as TSV with rxn and y)",
            told_by: "reaction and yield below a path with `suzuki`, `su_` or `random_split`",
            tasks: &["yield.suzuki_miyaura", "yield.suzuki_miyaura_percent"],
            is_evaluation_only: false,
            columns: |_| columns(&["y"]),
            recognise: |sample| {
                let has_reaction = (has(sample, "reaction") || has(sample, "rxn")) && has_yield(sample);
                (has_reaction && sample.is_named(&["suzuki", "su_", "random_split"])).then_some(Shape::Columns)
            },
            convert: |record| plate(record, "yield.suzuki_miyaura", "yield.suzuki_miyaura_percent"),
        },
    ]
}

/// The field of yields as fractions of one.
const FRACTION: &str = "yield_fraction";

fn columns(fraction: &[&'static str]) -> Vec<Column> {
    vec![
        Column::optional("reaction", &["reaction", "rxn"]),
        Column::optional("yield", &["yield_percent", "Output", "yield"]),
        Column::optional(FRACTION, fraction),
        Column::optional("high_yield", &["high_yield"]),
        Column::optional("ligand", &["ligand"]),
        Column::optional("additive", &["additive"]),
        Column::optional("base", &["base"]),
        Column::optional("aryl_halide", &["aryl_halide"]),
    ]
}

fn has(sample: &Sample, wanted: &str) -> bool {
    sample.columns.iter().any(|name| normalised(name) == wanted)
}

fn has_yield(sample: &Sample) -> bool {
    ["yield_percent", "yield", "y", "high_yield"].iter().any(|name| has(sample, name))
}

/// Why the yields of a plate cannot be read: their column does not say whether they are percent or fractions, nor does `--map`. Values do
/// not tell: every yield of a small file may be below one percent.
pub(crate) fn unit_fault(
    format: &Format,
    sample: &Sample,
    binding: &Binding,
    map: &[(String, String)],
) -> Option<String> {
    let is_plate = (format.columns)(None).iter().any(|column| column.field == FRACTION);
    if !is_plate || map.iter().any(|(field, _)| field == "yield" || field == FRACTION) {
        return None;
    }
    let column = match (binding.column("yield"), binding.column(FRACTION)) {
        // Beside the class (ChemLLMBench) it is percent.
        (Some(column), _) => Some(column).filter(|name| normalised(name) == "yield" && !has(sample, "high_yield")),
        (None, None) => sample.columns.iter().map(String::as_str).find(|name| normalised(name) == "y"),
        (None, Some(_)) => None,
    }?;
    Some(format!(
        "the column `{column}` does not say its unit; give --map yield={column} where it is percent, --map {FRACTION}={column} where it is a fraction of one"
    ))
}

/// The yield of a row in percent, if it has one.
fn measured(record: &Record<'_>) -> Option<Result<String, Rejection>> {
    let fraction = record.get(FRACTION);
    let text = fraction.clone().or_else(|| record.get("yield"))?;
    let percent = |value: f64| {
        let is_possible = (0.0..=100.0).contains(&value);
        is_possible
            .then_some(value)
            .ok_or_else(|| Rejection::new(RejectReason::OutOfRange, format!("a yield of `{text}`")))
    };
    Some(match fraction {
        // A factor of 100 leaves digits behind that nobody measured.
        Some(_) => number(&text)
            .and_then(|value| percent(value * 100.0))
            .map(|value| ((value * 1e6).round() / 1e6).to_string()),
        // As the file writes it.
        None => number(&text).and_then(percent).map(|_| text.clone().into_owned()),
    })
}

/// Both tasks of a reaction: the class as the file gives it, else by the bound.
fn both(
    record: &Record<'_>,
    reaction: &str,
    (class, in_percent): (&'static str, &'static str),
    meta: &[(&str, &str)],
) -> Answers {
    let (high, measured) = (record.get("high_yield"), measured(record));
    let mut answers = Vec::new();
    let input = [("reaction", reaction)];
    if let Some(found) = &measured {
        let found = found.as_ref().map(|text| record.example(in_percent, &input, text, meta));
        answers.push(found.map_err(|rejection| rejection.clone().of_task(in_percent)));
    }
    let by_bound = || {
        let text = measured.as_ref()?.as_ref().ok()?;
        Some(number(text).map(|value| if value >= HIGH { "Yes" } else { "No" }))
    };
    if let Some(found) = high.as_deref().map(label).or_else(by_bound) {
        let found = found.map(|reference| record.example(class, &input, reference, meta));
        answers.push(found.map_err(|rejection| rejection.of_task(class)));
    }
    if answers.is_empty() {
        answers.push(Err(Rejection::new(RejectReason::Missing("yield"), "")));
    }
    answers
}

/// Whether the text has the form of a reaction; its molecules are not parsed.
fn checked(reaction: &str) -> Result<&str, Rejection> {
    let is_reaction = reaction.split_once(">>").is_some_and(|(left, right)| !left.is_empty() && !right.is_empty())
        && !reaction.contains(char::is_whitespace)
        && reaction.is_ascii();
    let wrong = "not reactants and product with `>>` between them";
    is_reaction.then_some(reaction).ok_or_else(|| Rejection::new(RejectReason::BadReaction, wrong))
}

fn plate(record: &Record<'_>, class: &'static str, in_percent: &'static str) -> Answers {
    let reaction = match record.get("reaction") {
        Some(reaction) => checked(&reaction).map(str::to_owned),
        None if record.get("aryl_halide").is_some() => coupling(record),
        None => Err(Rejection::new(RejectReason::Missing("reaction"), "")),
    };
    match reaction {
        Ok(reaction) => both(record, &reaction, (class, in_percent), &[]),
        Err(rejection) => vec![Err(rejection)],
    }
}

/// The amine of every reaction of the Buchwald-Hartwig plates, and their palladium source.
const TOLUIDINE: &str = "Cc1ccc(N)cc1";
const PALLADIUM: &str = "O=S(=O)(O[Pd]1c2ccccc2-c2ccccc2N-1)C(F)(F)F";

/// An aryl halide and an aniline give the diarylamine.
const COUPLING: &str = "[F,Cl,Br,I]-[c:1].[NX3H2:2]-[c:3]>>[c:1]-[NH:2]-[c:3]";

/// The reaction of a row of the workbook, which names its components alone: halide, amine, palladium, ligand, base, additive, product.
fn coupling(record: &Record<'_>) -> Result<String, Rejection> {
    static TEMPLATE: OnceLock<Option<(Template, Mol)>> = OnceLock::new();
    let parts = TEMPLATE.get_or_init(|| Some((Template::compile(COUPLING).ok()?, Mol::parse(TOLUIDINE).ok()?)));
    let none = |detail: String| Rejection::new(RejectReason::NoProduct, detail);
    let (template, amine) = parts.as_ref().ok_or_else(|| none("the coupling cannot be read".into()))?;
    let halide = molecule(&record.need("aryl_halide")?)?;
    let products = template.apply(&[&halide, amine]).map_err(|error| none(error.to_string()))?;
    // Symmetric sites give the same product; other sites leave it open which one reacted.
    let mut found: Vec<String> =
        products.iter().filter_map(|set| set.first()).map(|product| product.canonical().to_owned()).collect();
    found.sort_unstable();
    found.dedup();
    let [product] = found.as_slice() else {
        return Err(none(format!("{} products of {}", found.len(), halide.canonical())));
    };
    let mut left = vec![halide.canonical().to_owned(), TOLUIDINE.to_owned(), PALLADIUM.to_owned()];
    for field in ["ligand", "base", "additive"] {
        // An empty additive is a well without one.
        if let Some(text) = record.get(field) {
            left.push(molecule(&text)?.canonical().to_owned());
        }
    }
    Ok(format!("{}>>{product}", left.join(".")))
}

fn notebook(record: &Record<'_>) -> Answers {
    let read = || -> Result<(String, String), Rejection> {
        let (reactants, product) = (record.need("reactants")?, record.need("product")?);
        let parts = [Some(reactants), record.get("base"), record.get("solvent")];
        let left: Vec<String> = parts.into_iter().flatten().map(|part| part.into_owned()).collect();
        let reaction = format!("{}>>{product}", left.join("."));
        Ok((checked(&reaction)?.to_owned(), record.get("id").unwrap_or_default().into_owned()))
    };
    match read() {
        Ok((reaction, id)) => {
            both(record, &reaction, ("yield.buchwald_hartwig", "yield.buchwald_hartwig_percent"), &[("row", &id)])
        }
        Err(rejection) => vec![Err(rejection)],
    }
}
