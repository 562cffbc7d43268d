//! IUPAC name to molecular formula (`name.iupac_to_formula`).
//!
//! # What it asks
//!
//! Given an IUPAC name (input field `iupac`), write the molecular formula.
//!
//! # How it is scored
//!
//! As `name.smiles_to_formula`: right when element counts and charge equal those of the reference, in any order of the elements. Part
//! `element_agreement`: the share of elements whose counts agree.
//!
//! # Known disagreements
//!
//! * ChemLLMBench compares strings; the metric `exact.string` is theirs.
//!
//! # Reference
//!
//! Guo et al., ChemLLMBench, arXiv 2305.18365, name prediction.

use crate::formula::same_formula;
use crate::kind::Kind;
use crate::registry::{Field, Task};

pub(crate) static IUPAC_TO_FORMULA: Task = Task {
    id: "name.iupac_to_formula",
    family: "name_formula",
    title: "IUPAC name to formula",
    kind: Kind::Formula,
    fields: &[Field { key: "iupac", columns: &["name"] }],
    judge: |example, answer, _| same_formula(answer, &example.reference),
    source: include_str!("iupac_to_formula.rs"),
};
