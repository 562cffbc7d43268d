//! IUPAC name to SMILES (`name.iupac_to_smiles`).
//!
//! # What it asks
//!
//! Given an IUPAC name (input field `iupac`), write a SMILES of the molecule. Any SMILES of the molecule will do.
//!
//! # How it is scored
//!
//! The answer passes the input gate, is parsed, and is right when its canonical isomeric SMILES equals that of the
//! reference, fragment by fragment: molecules are compared, not strings. Part `flat_match`: equal without
//! stereochemistry.
//!
//! # Known disagreements
//!
//! * PubChem rows often give a flat SMILES beside a name that carries stereochemistry. A right stereo answer then counts as
//!   wrong here; `flat_match` shows how often.
//! * InChI-based scores (MolT5, ChemLLMBench molecule design) call tautomers such as 2-pyridone and 2-hydroxypyridine, and ionic and
//!   covalent sodium acetate, equal; canonical SMILES does not.
//! * The paper's reviewers report plain string matching for this task; that is harsher.
//!
//! # Reference
//!
//! ChemLLMBench, arXiv 2305.18365, name prediction (IUPAC to SMILES): canonicalised exact match, unparsable is wrong.

use crate::compare::same_molecules;
use crate::kind::Kind;
use crate::registry::{Field, Task};

pub(crate) static IUPAC_TO_SMILES: Task = Task {
    id: "name.iupac_to_smiles",
    family: "name",
    title: "IUPAC name to SMILES",
    kind: Kind::Molecule,
    fields: &[Field { key: "iupac", columns: &["name"] }],
    judge: |example, answer, _| same_molecules(answer, &example.reference),
    source: include_str!("iupac_to_smiles.rs"),
};
