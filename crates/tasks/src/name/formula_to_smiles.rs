//! Molecular formula to SMILES (`name.formula_to_smiles`).
//!
//! # What it asks
//!
//! Given a molecular formula (input field `formula`), write the SMILES of a molecule that has it. Most formulas have many molecules;
//! the reference is one of them.
//!
//! # How it is scored
//!
//! The answer passes the input gate, is parsed, and is right when its formula (hydrogens included, all fragments together) has the element
//! counts and the charge of the given one. Parts: `element_agreement` (the share of elements whose counts agree) and `reference_match` (it is the
//! molecule of the reference).
//!
//! # Known disagreements
//!
//! * Comparing with the recorded molecule alone calls every other isomer wrong, though nothing in the question rules it out;
//!   `reference_match` is that figure.
//!
//! # Reference
//!
//! Guo et al., ChemLLMBench, arXiv 2305.18365, name prediction (the notebook's fifth direction).

use crate::compare::same_molecules;
use crate::formula::Formula;
use crate::kind::Kind;
use crate::registry::{Field, Task};
use crate::verdict::{Judgement, Reason};
use crate::{Example, Mode, guard};

pub(crate) static FORMULA_TO_SMILES: Task = Task {
    id: "name.formula_to_smiles",
    family: "isomer",
    title: "Formula to SMILES",
    kind: Kind::Demand,
    fields: &[Field { key: "formula", columns: &[] }],
    judge,
    source: include_str!("formula_to_smiles.rs"),
};

fn judge(example: &Example, answer: &str, _mode: Mode) -> Judgement {
    let Some(wanted) = Formula::parse(example.field("formula").trim()) else {
        return Judgement::unreadable(Reason::BrokenExample);
    };
    let mol = match guard::answer_molecule(answer) {
        Ok(mol) => mol,
        Err(reason) => return Judgement::unreadable(reason),
    };
    // Dummy atoms have no place in a formula.
    let Some(given) = Formula::parse(&mol.formula()) else {
        return Judgement::wrong();
    };
    let is_reference = given == wanted && same_molecules(answer, &example.reference).correct;
    Judgement::of(given == wanted)
        .part("element_agreement", given.agreement(&wanted))
        .part("reference_match", f64::from(u8::from(is_reference)))
}
