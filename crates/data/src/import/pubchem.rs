//! PubChem names: IUPAC name to SMILES, and SMILES to formula.
//!
//! Files `train`, `valid` and `test_public` with the columns `smiles, iupac`; `simple_names_train` (small molecules) is added to the
//! training rows when it is there. The formula is computed by the toolkit from the SMILES.

use std::path::Path;

use chemr_tasks::{Example, Split};

use super::table::{Candidate, Table, candidates, collect, fields, held_out_keys, key, molecule, required};
use super::{Imported, RejectReason};
use crate::DataError;

pub(super) const FOLDER: &str = "pubchem-iupac";
const SOURCE: &str = "pubchem-iupac";
const SIMPLE: &str = "simple_names_train";

/// IUPAC names with the canonical SMILES as reference, and canonical SMILES with the molecular formula as reference.
pub(super) fn read(data: &Path, split: Split) -> Result<Vec<Imported>, DataError> {
    let folder = data.join(FOLDER);
    let stems: &[&str] = match split {
        Split::Train => &["train", SIMPLE],
        Split::Valid => &["valid"],
        Split::Test => &["test_public"],
    };
    let mut tasks = [Vec::new(), Vec::new()];
    for stem in stems {
        match Table::read(&folder, stem, &["smiles", "iupac"]) {
            Ok(table) => {
                let rows = candidates(&table, |row| compound(row, split));
                tasks.iter_mut().zip(rows).for_each(|(task, rows)| task.extend(rows));
            }
            Err(DataError::Read { source, .. }) if *stem == SIMPLE && source.kind() == std::io::ErrorKind::NotFound => {
            }
            Err(error) => return Err(error),
        }
    }
    let held_out = match split {
        Split::Train => held_out_keys(&folder, &["valid", "test_public"], "smiles")?,
        _ => Default::default(),
    };
    Ok(tasks.map(|rows| collect(rows, split, &held_out)).into())
}

/// Name and formula of a row. A row without a name still has a formula.
fn compound(row: &[String], split: Split) -> [Result<Candidate, RejectReason>; 2] {
    let mol = match required(row, 0, "smiles").and_then(molecule) {
        Ok(mol) => mol,
        Err(reason) => return [Err(reason), Err(reason)],
    };
    let (canonical, key) = (mol.canonical().to_string(), key(&mol, split));
    let candidate = |task, question, asked: &str, reference: &str| {
        let meta = fields(&[("key", &canonical)]);
        let example = Example::new(task, SOURCE, split, 0, fields(&[(question, asked)]), reference, meta);
        Candidate { example, key: key.clone() }
    };
    let name = required(row, 1, "iupac").map(|name| candidate("name.iupac_to_smiles", "iupac", name, &canonical));
    [name, Ok(candidate("name.smiles_to_formula", "smiles", &canonical, &mol.formula()))]
}
