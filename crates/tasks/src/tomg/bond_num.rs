//! MolCustom bonds (`tomg.bond_num`).
//!
//! # What it asks
//!
//! Given a list of bonds with counts (input field `bonds`, e.g. `5 single, 1 double, 2 rotatable`; kinds are `single`, `double`, `triple`, `aromatic` and
//! `rotatable`), write the SMILES of a molecule with exactly these numbers of the listed bonds. Any such molecule is right.
//!
//! # How it is scored
//!
//! The answer passes the input gate, is parsed, and is right when it is one molecule (no dot) and the count of every listed kind equals the
//! wanted one. Bonds are those between heavy atoms, aromatic ones counted as aromatic alone; rotatable ones as RDKit counts them. Kinds that
//! are not listed do not count. Part `bonds_matched`: the share of listed kinds with the right count.
//!
//! # Known disagreements
//!
//! * Of the two published forms of the check, one compares the kinds with the number zero as well. List them (`0 triple`) to have it so.
//! * A mixture is wrong here (`several_molecules`); TOMG-Bench counts its bonds together.
//!
//! # Reference
//!
//! Li et al., *TOMG-Bench* (also S2-Bench), arXiv 2412.14642: MolCustom, BondNum; rotatable bonds as of RDKit 2026.9.1.

use chemr_chem::{BondOrder, Mol};

use crate::kind::Kind;
use crate::registry::{Field, Task};
use crate::verdict::{Judgement, Reason};
use crate::{Example, Mode, counts, guard};

pub(crate) const KINDS: [&str; 5] = ["single", "double", "triple", "aromatic", "rotatable"];

pub(crate) static BOND_NUM: Task = Task {
    id: "tomg.bond_num",
    family: "bonds",
    title: "Numbers of bonds",
    kind: Kind::Demand,
    fields: &[Field { key: "bonds", columns: &[] }],
    judge,
    source: include_str!("bond_num.rs"),
};

fn judge(example: &Example, answer: &str, _mode: Mode) -> Judgement {
    let Some(wanted) = counts::parse(example.field("bonds"), &KINDS) else {
        return Judgement::unreadable(Reason::BrokenExample);
    };
    let mol = match guard::answer_molecule(answer) {
        Ok(mol) => mol,
        Err(reason) => return Judgement::unreadable(reason),
    };
    let found = kinds(&mol);
    let matched = wanted.iter().filter(|(kind, count)| found[*kind] == *count).count();
    guard::one_molecule(&mol, matched == wanted.len()).part("bonds_matched", matched as f64 / wanted.len() as f64)
}

/// Bonds by kind, in the order of [`KINDS`].
fn kinds(mol: &Mol) -> [usize; 5] {
    let bonds = mol.bonds();
    let of = |order: BondOrder| bonds.iter().filter(|bond| bond.order == order).count();
    [
        of(BondOrder::Single),
        of(BondOrder::Double),
        of(BondOrder::Triple),
        of(BondOrder::Aromatic),
        mol.rotatable_bonds(),
    ]
}
