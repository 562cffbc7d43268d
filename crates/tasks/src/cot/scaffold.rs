//! Murcko scaffold (`cot.murcko_scaffold`).
//!
//! # What it asks
//!
//! Given a molecule (input field `smiles`), write the SMILES of its Murcko scaffold: all rings, what links them, and atoms doubly bonded to either.
//!
//! # How it is scored
//!
//! The answer passes the input gate, is parsed, and is right when it is the same molecule as the reference, by canonical isomeric SMILES. Part `flat_match`: equal
//! without stereochemistry.
//!
//! # Known disagreements
//!
//! * ChemCoTBench pays for the similarity of the scaffolds ("soft"); the metric `fts.morgan_2048` is the nearest here.
//! * Bemis and Murcko's own frameworks have neither elements nor double bonds to side atoms; RDKit keeps both, and the references are RDKit's.
//!
//! # Reference
//!
//! Bemis and Murcko, J. Med. Chem. 1996, 39, 2887; ChemCoTBench, arXiv 2505.21318; RDKit 2026.9.1 (`MurckoScaffold`).

use crate::compare::same_molecules;
use crate::kind::Kind;
use crate::registry::{Field, Task};

pub(crate) static MURCKO: Task = Task {
    id: "cot.murcko_scaffold",
    family: "scaffold",
    title: "Murcko scaffold",
    kind: Kind::Molecule,
    fields: &[Field { key: "smiles", columns: &["SMILES"] }],
    judge: |example, answer, _| same_molecules(answer, &example.reference),
    source: include_str!("scaffold.rs"),
};
