//! Single-step retrosynthesis (`retrosynthesis`).
//!
//! # What it asks
//!
//! Given the product (input field `product`), write the reactants as one SMILES, molecules separated by `.`.
//!
//! # How it is scored
//!
//! The answer passes the input gate, is parsed, and is right when its multiset of fragments equals that of the reference,
//! each fragment by canonical isomeric SMILES: the order of the reactants does not matter, how often each occurs does.
//! Part `flat_match`: equal without stereochemistry.
//!
//! # Known disagreements
//!
//! * LlaSMol compares *sets* of fragment InChIs, so a doubled reactant is no mistake there, and tautomers are equal.
//! * One product can be made in many ways; exact match with the recorded one undercounts chemically good answers
//!   (round-trip accuracy would not). The gym keeps only products with one disconnection in the registry.
//! * An ion pair (`[Na+].[Cl-]`) is two fragments here; writing it as a covalent molecule is another answer.
//!
//! # Reference
//!
//! Liu et al., ACS Cent. Sci. 2017, 3, 1103, and Coley et al., ACS Cent. Sci. 2017, 3, 1237 (USPTO-50k, top-1 exact match);
//! ChemLLMBench, arXiv 2305.18365.

use crate::compare::{join_molecules, same_molecules};
use crate::kind::Kind;
use crate::registry::{Field, Task};

pub(crate) static RETROSYNTHESIS: Task = Task {
    id: "retrosynthesis",
    family: "retro",
    title: "Retrosynthesis",
    kind: Kind::Reaction,
    fields: &[Field { key: "product", columns: &["products"] }],
    judge: |example, answer, mode| same_molecules(&join_molecules(answer, mode), &example.reference),
    source: include_str!("retrosynthesis.rs"),
};
