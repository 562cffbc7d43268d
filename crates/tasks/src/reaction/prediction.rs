//! Forward reaction prediction (`reaction_prediction`).
//!
//! # What it asks
//!
//! Given the reactants, and reagents that the reaction needs, as one dot-separated SMILES (input field `reactants`), write the SMILES of the product.
//!
//! # How it is scored
//!
//! The answer passes the input gate, is parsed, and is right when its multiset of fragments equals that of the reference, each
//! fragment by canonical isomeric SMILES. By-products and left-over reactants in the answer make it wrong.
//! Parts: `component_match` (every fragment of the reference is among the answer's, see below) and `flat_match` (equal
//! without stereochemistry).
//!
//! # Known disagreements
//!
//! * ChemLLMBench accepts an answer when the reference equals *one dot-component* of it, so repeating all reactants beside the
//!   product costs nothing there. The main figure here is strict; `component_match` is theirs.
//! * RetroDFM-R clears atom maps and allows at most 200 characters; the gate here allows 400.
//! * Salts: a product given as ion pair and as neutral molecule are different molecules here.
//!
//! # Reference
//!
//! ChemLLMBench, arXiv 2305.18365, reaction prediction (USPTO-MIXED); Schwaller et al., *Molecular Transformer*, ACS Cent. Sci. 2019,
//! 5, 1572 (top-1 exact match of canonical SMILES).

use crate::compare::{join_molecules, same_molecules};
use crate::kind::Kind;
use crate::registry::{Field, Task};

pub(crate) static REACTION_PREDICTION: Task = Task {
    id: "reaction_prediction",
    family: "forward",
    title: "Reaction prediction",
    kind: Kind::Reaction,
    fields: &[Field { key: "reactants", columns: &[] }],
    judge: |example, answer, mode| same_molecules(&join_molecules(answer, mode), &example.reference),
    source: include_str!("prediction.rs"),
};
