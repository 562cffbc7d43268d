//! PubChem names: IUPAC name to SMILES, and SMILES to formula.
//!
//! Files `train`, `valid` and `test_public` with the columns `smiles, iupac`; `simple_names_train` (small molecules) is added to the
//! training rows when it is there. The formula is computed by the toolkit from the SMILES.

use std::path::Path;

use chemr_tasks::Split;

use super::convert::Rejection;
use super::format::{Column, Record};
use super::formats;
use super::table::{Candidate, Table, candidates, collect, held_out_keys, key};
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
    let columns = ["smiles", "iupac"].map(|name| Column::required(name, &[name]));
    let mut tasks = [Vec::new(), Vec::new()];
    for stem in stems {
        match Table::read(&folder, stem, &columns) {
            Ok(table) => {
                let rows = candidates(&table, SOURCE, split, |record| compound(record, split));
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
fn compound(record: &Record<'_>, split: Split) -> Result<[Result<Candidate, RejectReason>; 2], Rejection> {
    let (mol, answers) = formats::compound(record)?;
    let key = key(&mol, split);
    let mut answers = answers.into_iter();
    // The first two answers of a compound.
    Ok(std::array::from_fn(|_| match answers.next() {
        Some(Ok(example)) => Ok(Candidate { example, key: key.clone() }),
        Some(Err(rejection)) => Err(rejection.reason),
        None => Err(RejectReason::NoTask),
    }))
}
