//! MoleculeNet BBBP: does a molecule cross the blood-brain barrier?
//!
//! Files `BBBP_train`, `BBBP_valid` and `BBBP_test_public` with the columns `smiles, p_np` (1 crosses, 0 does not).

use std::path::Path;

use chemr_tasks::Split;

use super::Imported;
use super::convert::{Rejection, molecule};
use super::format::{Column, Record};
use super::formats::labelled;
use super::table::{Candidate, Table, candidates, collect, held_out_keys, key};
use crate::DataError;

pub(super) const FOLDER: &str = "moleculenet";
const SOURCE: &str = "moleculenet-bbbp";

/// Canonical SMILES with `Yes` or `No` as reference.
pub(super) fn read(data: &Path, split: Split) -> Result<Vec<Imported>, DataError> {
    let folder = data.join(FOLDER);
    let stem = match split {
        Split::Train => "BBBP_train",
        Split::Valid => "BBBP_valid",
        Split::Test => "BBBP_test_public",
    };
    let columns = ["smiles", "p_np"].map(|name| Column::required(name, &[name]));
    let table = Table::read(&folder, stem, &columns)?;
    let held_out = match split {
        Split::Train => held_out_keys(&folder, &["BBBP_valid", "BBBP_test_public"], "smiles")?,
        _ => Default::default(),
    };
    let labels = candidates(&table, SOURCE, split, |record| Ok([Ok(label(record, split)?)]));
    Ok(labels.map(|rows| collect(rows, split, &held_out)).into())
}

fn label(record: &Record<'_>, split: Split) -> Result<Candidate, Rejection> {
    let mol = molecule(&record.need("smiles")?)?;
    let example = labelled(record, &mol, "property.bbbp", &record.need("p_np")?)?;
    Ok(Candidate { example, key: key(&mol, split) })
}
