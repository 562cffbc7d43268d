//! USPTO-50k: retrosynthesis, and the same reactions forward.
//!
//! Files `train`, `valid` and `test_public` with the columns `id, rxn_class, product, reactants`. The atom-mapped files are
//! not read: their atom order gives the reaction centre away.

use std::path::Path;

use chemr_tasks::Split;

use super::Imported;
use super::format::Column;
use super::formats::both_directions;
use super::table::{Candidate, Table, candidates, collect, held_out_keys, key};
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
    let columns = [("id", "id"), ("class", "rxn_class"), ("product", "product"), ("reactants", "reactants")];
    let columns = columns.map(|(field, name)| Column::required(field, &[name]));
    let table = Table::read(&folder, stem, &columns)?;
    let held_out = match split {
        Split::Train => held_out_keys(&folder, &["valid", "test_public"], "product")?,
        _ => Default::default(),
    };
    let directions = candidates(&table, SOURCE, split, |record| {
        let found = both_directions(record)?;
        let key = key(&found.product, split);
        Ok([found.retro, found.forward].map(|example| Ok(Candidate { example, key: key.clone() })))
    });
    Ok(directions.map(|rows| collect(rows, split, &held_out)).into())
}
