//! SMILES to molecular formula (`name.smiles_to_formula`).
//!
//! # What it asks
//!
//! Given one SMILES (input field `smiles`), write the molecular formula. The reference is in Hill order as RDKit writes it:
//! carbon, hydrogen, then the other elements by symbol, a charge at the end (`C2H8N+`, `O4S-2`).
//!
//! # How it is scored
//!
//! The answer is parsed as a formula and is right when its element counts and its charge equal those of the reference,
//! whatever the order of the elements (`OC2H6` is as good as `C2H6O`). Each element stands once; condensed structures
//! (`CH3CH2OH`), parentheses, dots and isotope marks are no molecular formula and count as invalid. Part
//! `element_agreement`: the share of elements whose counts agree.
//!
//! # Known disagreements
//!
//! * ChemLLMBench compares strings, so it refuses another order and `HCl` for `ClH`; here both are right.
//! * ether0's formula task is the opposite direction (formula to molecule) and is not comparable.
//! * Salts: the formula covers all fragments together, without dots, as RDKit's `CalcMolFormula`; PubChem does the same.
//! * Deuterium counts as hydrogen.
//!
//! # Reference
//!
//! Guo et al., *What can Large Language Models do in chemistry?* (ChemLLMBench), arXiv 2305.18365, name prediction;
//! Hill, *J. Am. Chem. Soc.* 1900, 22, 478.

use crate::formula::same_formula;
use crate::kind::Kind;
use crate::registry::{Field, Task};

pub(crate) static SMILES_TO_FORMULA: Task = Task {
    id: "name.smiles_to_formula",
    family: "formula",
    title: "SMILES to formula",
    kind: Kind::Formula,
    fields: &[Field { key: "smiles", columns: &["SMILES"] }],
    judge: |example, answer, _| same_formula(answer, &example.reference),
    source: include_str!("smiles_to_formula.rs"),
};
