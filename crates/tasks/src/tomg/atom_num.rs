//! MolCustom atoms (`tomg.atom_num`).
//!
//! # What it asks
//!
//! Given a list of atoms with counts (input field `atoms`, e.g. `5 carbon, 2 oxygen`), write the SMILES of a molecule with exactly these heavy atoms.
//! Any such molecule is right.
//!
//! # How it is scored
//!
//! The answer passes the input gate, is parsed, and is right when it is one molecule (no dot) and the count of each of the benchmark's 17
//! elements equals the listed one, or zero when it is not listed. Hydrogens are not counted. Part `atoms_matched`: the share of the 17 whose
//! count is right.
//!
//! # Known disagreements
//!
//! * TOMG-Bench counts the atoms of a mixture together; the question asks for a molecule, so a mixture is wrong here
//!   (`several_molecules`).
//! * An element outside of the 17 (a metal) is not looked at, there and here.
//!
//! # Reference
//!
//! Li et al., *TOMG-Bench* (also S2-Bench), arXiv 2412.14642: MolCustom, AtomNum.

use crate::kind::Kind;
use crate::registry::{Field, Task};
use crate::verdict::{Judgement, Reason};
use crate::{Example, Mode, counts, guard};

pub(crate) const NAMES: [&str; 17] = [
    "carbon",
    "oxygen",
    "nitrogen",
    "sulfur",
    "fluorine",
    "chlorine",
    "bromine",
    "iodine",
    "phosphorus",
    "boron",
    "silicon",
    "selenium",
    "tellurium",
    "arsenic",
    "antimony",
    "bismuth",
    "polonium",
];
const SYMBOLS: [&str; 17] =
    ["C", "O", "N", "S", "F", "Cl", "Br", "I", "P", "B", "Si", "Se", "Te", "As", "Sb", "Bi", "Po"];

pub(crate) static ATOM_NUM: Task = Task {
    id: "tomg.atom_num",
    family: "atoms",
    title: "Numbers of atoms",
    kind: Kind::Demand,
    fields: &[Field { key: "atoms", columns: &[] }],
    judge,
    source: include_str!("atom_num.rs"),
};

fn judge(example: &Example, answer: &str, _mode: Mode) -> Judgement {
    let Some(wanted) = counts::parse(example.field("atoms"), &NAMES) else {
        return Judgement::unreadable(Reason::BrokenExample);
    };
    let mol = match guard::answer_molecule(answer) {
        Ok(mol) => mol,
        Err(reason) => return Judgement::unreadable(reason),
    };
    let found = mol.element_counts();
    let is_right = |(place, symbol): (usize, &&str)| {
        let wanted = wanted.iter().find(|(other, _)| *other == place).map_or(0, |(_, count)| *count);
        found.get(*symbol).copied().unwrap_or(0) == wanted
    };
    let matched = SYMBOLS.iter().enumerate().filter(|pair| is_right(*pair)).count();
    let all = SYMBOLS.len();
    guard::one_molecule(&mol, matched == all).part("atoms_matched", matched as f64 / all as f64)
}
