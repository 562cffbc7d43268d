//! PubChem names: IUPAC name to SMILES, and SMILES to formula.
//!
//! Files `train`, `valid` and `test_public` with the columns `smiles, iupac`; `simple_names_train` (small molecules) is added to the
//! training rows when it is there. The formula is computed by the toolkit from the SMILES.

use std::path::Path;

use chemr_tasks::{Example, Split};

use super::table::{Candidate, Table, candidates, collect, fields, held_out_keys, key, molecule, required};
use super::{Imported, RejectReason};
use crate::DataError;

const FOLDER: &str = "pubchem-iupac";
const SOURCE: &str = "pubchem-iupac";
const SIMPLE: &str = "simple_names_train";

/// IUPAC names with the canonical SMILES as reference.
///
/// # Errors
/// When a file is missing or is no table with the expected columns.
pub fn pubchem_iupac(data: &Path, split: Split) -> Result<Imported, DataError> {
    import(data, split, |row| {
        let mol = molecule(required(row, 0, "smiles")?)?;
        let name = required(row, 1, "iupac")?;
        let canonical = mol.canonical().to_string();
        let (input, meta) = (fields(&[("iupac", name)]), fields(&[("key", &canonical)]));
        let example = Example::new("name.iupac_to_smiles", SOURCE, split, 0, input, canonical, meta);
        Ok(Candidate { example, key: key(&mol, split) })
    })
}

/// Canonical SMILES with the molecular formula as reference.
///
/// # Errors
/// When a file is missing or is no table with the expected columns.
pub fn pubchem_formula(data: &Path, split: Split) -> Result<Imported, DataError> {
    import(data, split, |row| {
        let mol = molecule(required(row, 0, "smiles")?)?;
        let canonical = mol.canonical().to_string();
        let (input, meta) = (fields(&[("smiles", &canonical)]), fields(&[("key", &canonical)]));
        let example = Example::new("name.smiles_to_formula", SOURCE, split, 0, input, mol.formula(), meta);
        Ok(Candidate { example, key: key(&mol, split) })
    })
}

fn import(
    data: &Path,
    split: Split,
    convert: impl Fn(&[String]) -> Result<Candidate, RejectReason> + Sync,
) -> Result<Imported, DataError> {
    let folder = data.join(FOLDER);
    let stems: &[&str] = match split {
        Split::Train => &["train", SIMPLE],
        Split::Valid => &["valid"],
        Split::Test => &["test_public"],
    };
    let mut rows = Vec::new();
    for stem in stems {
        match Table::read(&folder, stem, &["smiles", "iupac"]) {
            Ok(table) => rows.extend(candidates(&table, &convert)),
            Err(DataError::Read { source, .. }) if *stem == SIMPLE && source.kind() == std::io::ErrorKind::NotFound => {
            }
            Err(error) => return Err(error),
        }
    }
    let held_out = match split {
        Split::Train => held_out_keys(&folder, &["valid", "test_public"], "smiles")?,
        _ => Default::default(),
    };
    Ok(collect(rows, split, &held_out))
}
