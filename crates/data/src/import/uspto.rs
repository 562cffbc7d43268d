//! USPTO-50k: retrosynthesis, and the same reactions forward.
//!
//! Files `train`, `valid` and `test_public` with the columns `id, rxn_class, product, reactants`. The atom-mapped files are
//! not read: their atom order gives the reaction centre away.

use std::path::Path;

use chemr_tasks::{Example, Split};

use super::table::{Candidate, Table, candidates, collect, fields, held_out_keys, key, molecule, required};
use super::{Imported, RejectReason};
use crate::DataError;

const FOLDER: &str = "uspto-50k";
const SOURCE: &str = "uspto-50k";

/// Products of USPTO-50k with their reactants as reference.
///
/// # Errors
/// When a file is missing or is no table with the expected columns.
pub fn uspto50k_retro(data: &Path, split: Split) -> Result<Imported, DataError> {
    import(data, split, Direction::Retro)
}

/// Reactants of USPTO-50k with the product as reference.
///
/// # Errors
/// When a file is missing or is no table with the expected columns.
pub fn uspto50k_forward(data: &Path, split: Split) -> Result<Imported, DataError> {
    import(data, split, Direction::Forward)
}

#[derive(Clone, Copy)]
enum Direction {
    Retro,
    Forward,
}

fn stem(split: Split) -> &'static str {
    match split {
        Split::Train => "train",
        Split::Valid => "valid",
        Split::Test => "test_public",
    }
}

fn import(data: &Path, split: Split, direction: Direction) -> Result<Imported, DataError> {
    let folder = data.join(FOLDER);
    let table = Table::read(&folder, stem(split), &["id", "rxn_class", "product", "reactants"])?;
    let held_out = match split {
        Split::Train => held_out_keys(&folder, &["valid", "test_public"], "product")?,
        _ => Default::default(),
    };
    Ok(collect(candidates(&table, |row| reaction(row, split, direction)), split, &held_out))
}

fn reaction(row: &[String], split: Split, direction: Direction) -> Result<Candidate, RejectReason> {
    let product = molecule(required(row, 2, "product")?)?;
    let reactants = molecule(required(row, 3, "reactants")?)?;
    let product_text = product.canonical().to_string();
    let mut parts: Vec<String> = match reactants.canonical().contains('.') {
        true => reactants.fragments().iter().map(|part| part.canonical().to_string()).collect(),
        false => vec![reactants.canonical().to_string()],
    };
    parts.sort_unstable();
    if parts.contains(&product_text) {
        return Err(RejectReason::ProductIsReactant);
    }
    let reactants_text = parts.join(".");
    let meta = fields(&[("patent", &row[0]), ("class", &row[1]), ("key", &product_text)]);
    let (task, input, reference) = match direction {
        Direction::Retro => ("retrosynthesis", fields(&[("product", &product_text)]), reactants_text),
        Direction::Forward => ("reaction_prediction", fields(&[("reactants", &reactants_text)]), product_text),
    };
    let example = Example::new(task, SOURCE, split, 0, input, reference, meta);
    Ok(Candidate { example, key: key(&product, split) })
}
