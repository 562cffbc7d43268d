//! USPTO-50k: retrosynthesis, and the same reactions forward.
//!
//! Files `train`, `valid` and `test_public` with the columns `id, rxn_class, product, reactants`. The atom-mapped files are
//! not read: their atom order gives the reaction centre away.

use std::path::Path;

use chemr_tasks::{Example, Split};

use super::table::{Candidate, Table, candidates, collect, fields, held_out_keys, key, molecule, required};
use super::{Imported, RejectReason};
use crate::DataError;

pub(super) const FOLDER: &str = "uspto-50k";
const SOURCE: &str = "uspto-50k";

/// Products with their reactants as reference, and reactants with the product as reference.
pub(super) fn read(data: &Path, split: Split) -> Result<Vec<Imported>, DataError> {
    let folder = data.join(FOLDER);
    let stem = match split {
        Split::Train => "train",
        Split::Valid => "valid",
        Split::Test => "test_public",
    };
    let table = Table::read(&folder, stem, &["id", "rxn_class", "product", "reactants"])?;
    let held_out = match split {
        Split::Train => held_out_keys(&folder, &["valid", "test_public"], "product")?,
        _ => Default::default(),
    };
    let directions = candidates(&table, |row| match reaction(row, split) {
        Ok((retro, forward)) => [Ok(retro), Ok(forward)],
        Err(reason) => [Err(reason), Err(reason)],
    });
    Ok(directions.map(|rows| collect(rows, split, &held_out)).into())
}

/// Both directions of a row.
fn reaction(row: &[String], split: Split) -> Result<(Candidate, Candidate), RejectReason> {
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
    let key = key(&product, split);
    let candidate = |task, question, asked: &str, reference: &str| {
        let meta = fields(&[("patent", &row[0]), ("class", &row[1]), ("key", &product_text)]);
        let example = Example::new(task, SOURCE, split, 0, fields(&[(question, asked)]), reference, meta);
        Candidate { example, key: key.clone() }
    };
    Ok((
        candidate("retrosynthesis", "product", &product_text, &reactants_text),
        candidate("reaction_prediction", "reactants", &reactants_text, &product_text),
    ))
}
