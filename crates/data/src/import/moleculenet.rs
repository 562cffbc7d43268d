//! MoleculeNet BBBP: does a molecule cross the blood-brain barrier?
//!
//! Files `BBBP_train`, `BBBP_valid` and `BBBP_test_public` with the columns `smiles, p_np` (1 crosses, 0 does not).

use std::path::Path;

use chemr_tasks::{Example, Split};

use super::table::{Candidate, Table, candidates, collect, fields, held_out_keys, key, molecule, required};
use super::{Imported, RejectReason};
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
    let table = Table::read(&folder, stem, &["smiles", "p_np"])?;
    let held_out = match split {
        Split::Train => held_out_keys(&folder, &["BBBP_valid", "BBBP_test_public"], "smiles")?,
        _ => Default::default(),
    };
    let labels = candidates(&table, |row| [label(row, split)]);
    Ok(labels.map(|rows| collect(rows, split, &held_out)).into())
}

fn label(row: &[String], split: Split) -> Result<Candidate, RejectReason> {
    let mol = molecule(required(row, 0, "smiles")?)?;
    let reference = match required(row, 1, "p_np")? {
        "1" | "1.0" => "Yes",
        "0" | "0.0" => "No",
        _ => return Err(RejectReason::BadLabel),
    };
    let canonical = mol.canonical().to_string();
    let (input, meta) = (fields(&[("smiles", &canonical)]), fields(&[("key", &canonical)]));
    let example = Example::new("property.bbbp", SOURCE, split, 0, input, reference, meta);
    Ok(Candidate { example, key: key(&mol, split) })
}
