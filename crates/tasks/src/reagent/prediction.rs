//! Reagent prediction (`reagent_prediction`).
//!
//! # What it asks
//!
//! Given a reaction without its reagents (input field `reaction`, `reactants>>product`), write the reagents, catalysts and solvents as one SMILES, molecules
//! separated by `.`.
//!
//! # How it is scored
//!
//! The answer passes the input gate, is parsed, and is right when its multiset of fragments equals that of the reference, each fragment by canonical isomeric
//! SMILES. Part `flat_match`: equal without stereochemistry; `component_match`: every fragment of the reference is among the answer's.
//!
//! # Known disagreements
//!
//! * Many reagents do the same; the recorded ones alone are right. Mol-Instructions therefore reports similarities beside exact match.
//! * Patents record what the text names, so workup and solvents stand in some rows and not in others.
//! * Mol-Instructions gives molecules as SELFIES; here they are SMILES.
//!
//! # Reference
//!
//! Fang et al., *Mol-Instructions*, ICLR 2024, arXiv 2306.08018 (reagent prediction).

use crate::compare::{join_molecules, same_molecules};
use crate::kind::Kind;
use crate::registry::{Field, Task};

pub(crate) static PREDICTION: Task = Task {
    id: "reagent_prediction",
    family: "reagents",
    title: "Reagent prediction",
    kind: Kind::Reaction,
    fields: &[Field { key: "reaction", columns: &["reaction_smiles"] }],
    judge: |example, answer, mode| same_molecules(&join_molecules(answer, mode), &example.reference),
    source: include_str!("prediction.rs"),
};
