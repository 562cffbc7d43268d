//! Reactions of US patents: USPTO-50k, USPTO-full, USPTO-MIT.
//!
//! Molecules are written canonical, without atom maps and in alphabetical order: in the mapped files of USPTO-50k the first
//! atom of the product and map number 1 give the reaction centre away.

use std::borrow::Cow;

use chemr_chem::Mol;
use chemr_tasks::{Example, Task};

use super::super::convert::{Answers, Rejection, all, mixture, molecule, one};
use super::super::format::{Column, Format, MAPPED, Record, normalised};
use super::super::reject::RejectReason;
use super::super::source::{Sample, Shape};
use crate::anatomy::has_maps;

const BOTH: &[&str] = &["retrosynthesis", "reaction_prediction"];

pub(super) fn formats() -> [Format; 3] {
    [
        Format {
            name: "uspto-50k",
            about: "USPTO-50k: product and reactants, or the mapped reaction, with reaction class",
            told_by: "a mapped reaction, `products_smiles`, or product and reactants beside a class or below a path with `50k` or `retro`",
            tasks: BOTH,
            is_evaluation_only: false,
            columns,
            recognise: is_uspto_50k,
            convert: both,
        },
        Format {
            name: "uspto-mit",
            about: "USPTO-MIT (480k) and its 15k subset: reactants and reagents mixed, product; text lines or CSV",
            told_by: "lines `reactants>reagents>product edits`, or reactants and product with the reactants first",
            tasks: &["reaction_prediction"],
            is_evaluation_only: false,
            columns,
            recognise: is_uspto_mit,
            convert: forward,
        },
        Format {
            name: "uspto-full",
            about: "USPTO-full: product and reactants without reagents and classes",
            told_by: "product and reactants with the product first, or a path with `full`",
            tasks: BOTH,
            is_evaluation_only: false,
            columns,
            recognise: is_uspto_full,
            convert: both,
        },
    ]
}

fn columns(_: Option<&'static Task>) -> Vec<Column> {
    vec![
        Column::optional("id", &["id", "idx"]),
        Column::optional("class", &["rxn_class", "class"]),
        Column::optional("product", &["product", "prod_smiles", "products_smiles", "input"]),
        Column::optional("reactants", &["reactants", "reactants_can", "reactants_smiles", "reactant", "target"]),
        Column::optional("reaction", &["mapped_rxn", "reactants>reagents>production"]),
        Column::optional("year", &["year"]),
    ]
}

/// Places of the product and the reactants among the columns.
fn sides_of(sample: &Sample) -> Option<(usize, usize)> {
    let place = |names: &[&str]| sample.columns.iter().position(|name| names.contains(&normalised(name).as_str()));
    Some((
        place(&["product", "prod_smiles", "products_smiles"])?,
        place(&["reactants", "reactants_can", "reactants_smiles", "reactant"])?,
    ))
}

fn has(sample: &Sample, names: &[&str]) -> bool {
    sample.columns.iter().any(|name| names.contains(&normalised(name).as_str()))
}

fn is_uspto_50k(sample: &Sample) -> Option<Shape> {
    let is_mapped = has(sample, &["reactants_reagents_production"])
        || (has(sample, &["mapped_rxn"]) && has(sample, &["rxn_class", "class"]));
    let has_sides = sides_of(sample).is_some();
    let is_own = has(sample, &["rxn_class", "class", "products_smiles"]) || sample.is_named(&["50k", "retro"]);
    (is_mapped || (has_sides && is_own)).then_some(Shape::Columns)
}

fn is_uspto_mit(sample: &Sample) -> Option<Shape> {
    let lines = &sample.lines;
    let right = lines.iter().filter(|line| mapped_line(line).is_some()).count();
    if right > 0 && right * 2 > lines.len() {
        return Some(Shape::Lines { comment: None });
    }
    let (product, reactants) = sides_of(sample)?;
    (reactants < product && !sample.is_named(&["full"])).then_some(Shape::Columns)
}

fn is_uspto_full(sample: &Sample) -> Option<Shape> {
    let is_augmented_form = has(sample, &["input"]) && has(sample, &["target"]) && sample.is_named(&["uspto-full"]);
    (is_augmented_form || sides_of(sample).is_some()).then_some(Shape::Columns)
}

/// The reaction of a line `reactants>reagents>product edits`.
fn mapped_line(line: &str) -> Option<(&str, &str, &str)> {
    let mut words = line.split_whitespace();
    let reaction = words.next()?;
    // Edits are `1-2-1.0;3-4-0.0`; templates and tables have other signs.
    let is_edits = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b';'));
    if reaction.contains([',', ';', '"']) || !words.next().is_none_or(is_edits) || words.next().is_some() {
        return None;
    }
    let mut sides = reaction.split('>');
    let found = (sides.next()?, sides.next()?, sides.next()?);
    (sides.next().is_none() && !found.0.is_empty() && !found.2.is_empty()).then_some(found)
}

/// The reaction of a row as one text, where it has one.
fn whole<'a>(record: &'a Record<'_>) -> Option<Cow<'a, str>> {
    record.row.line().map(Cow::Borrowed).or_else(|| record.get("reaction"))
}

/// The reaction with its atom maps, where the row has them and they are asked for: [`crate::prepare`] aligns by them. It stands in the
/// meta fields, which no prompt shows.
fn mapped(record: &Record<'_>) -> String {
    let reaction = if record.keep_maps { whole(record) } else { None };
    let reaction = reaction.as_deref().and_then(|text| text.split_whitespace().next()).unwrap_or_default();
    if has_maps(reaction) { reaction.to_owned() } else { String::new() }
}

/// Product and reactants of a row as the file writes them, and the reagents between the arrows.
fn written(record: &Record<'_>) -> Result<(String, String, String), Rejection> {
    let reaction = match (record.row.line(), record.get("product"), whole(record)) {
        (None, None, Some(reaction)) | (Some(_), _, Some(reaction)) => reaction.into_owned(),
        _ => {
            let (product, reactants) = (record.need("product")?, record.need("reactants")?);
            return Ok((product.into_owned(), reactants.into_owned(), String::new()));
        }
    };
    let (reactants, reagents, product) = mapped_line(&reaction).ok_or_else(|| {
        Rejection::new(RejectReason::BadReaction, "not reactants, reagents and product with `>` between them")
    })?;
    Ok((product.to_owned(), reactants.to_owned(), reagents.to_owned()))
}

/// A reaction in both directions.
pub(crate) struct Directions {
    pub retro: Example,
    pub forward: Example,
    pub product: Mol,
}

/// Reads the product and the reactants of a row with the fields `product`, `reactants`, `id` and `class`.
pub(crate) fn both_directions(record: &Record<'_>) -> Result<Directions, Rejection> {
    let (product, reactants, reagents) = written(record)?;
    let product = molecule(&product)?;
    let parts = mixture(&reactants)?;
    let asked = product.canonical();
    if parts.iter().any(|part| part == asked) {
        return Err(Rejection::new(RejectReason::ProductIsReactant, ""));
    }
    let reactants = parts.join(".");
    let mixture = match reagents.is_empty() {
        true => reactants.clone(),
        false => mixture(&format!("{reactants}.{reagents}"))?.join("."),
    };
    let (id, class) = (record.get("id").unwrap_or_default(), record.get("class").unwrap_or_default());
    let (year, mapped) = (record.get("year").unwrap_or_default(), mapped(record));
    let meta = [("patent", &*id), ("class", &*class), ("key", asked), ("year", &*year), (MAPPED, mapped.as_str())];
    Ok(Directions {
        retro: record.example("retrosynthesis", &[("product", asked)], &reactants, &meta),
        forward: record.example("reaction_prediction", &[("reactants", &mixture)], asked, &meta),
        product,
    })
}

fn both(record: &Record<'_>) -> Answers {
    all(both_directions(record).map(|found| [found.retro, found.forward]))
}

/// Reactants and reagents together, as the mixed setting of USPTO-MIT asks.
fn forward(record: &Record<'_>) -> Answers {
    one(both_directions(record).map(|found| {
        let mut example = found.forward;
        // The number of a line is no patent.
        if let Some(row) = example.meta.remove("patent") {
            example.meta.insert("row".to_owned(), row);
        }
        example
    }))
}
