//! MolEdit (`tomg.add`, `tomg.del`, `tomg.sub`).
//!
//! # What it asks
//!
//! Given a molecule (input field `smiles`) and a functional group to add (`add`), to remove (`remove`), or one of each, write the SMILES of the edited
//! molecule. Any molecule that passes is right.
//!
//! # How it is scored
//!
//! The answer passes the input gate, is parsed, and is right when the count of the group to add is one more than in the given molecule, and that of
//! the group to remove one less. Groups and their patterns: benzene ring `[cR1]1[cR1][cR1][cR1][cR1][cR1]1`, hydroxyl `[OX2H]`, anhydride, aldehyde, ketone,
//! carboxyl, ester, amide, amine (primary or secondary), nitro, halo, thioether, nitrile, thiol, sulfide (without disulfides), disulfide, sulfoxide, sulfone and
//! borane. Part `similarity`: Tanimoto similarity to the given molecule, Morgan fingerprints of radius 2 and 2,048 bits; the benchmark weighs
//! success with it.
//!
//! # Known disagreements
//!
//! * The patterns are those of ChemCoTBench's checker, which mended TOMG-Bench's: the first release of TOMG-Bench looked for nitro groups as
//!   `[NX3](=O)=O`, which no charge-separated nitro group matches, and for disulfides as `S=S`. Scores by those patterns are not comparable.
//! * Nothing but counts is compared: an answer may change the rest of the molecule, or be a mixture. `similarity` shows how much.
//!
//! # Reference
//!
//! Li et al., *TOMG-Bench* (also S2-Bench), arXiv 2412.14642: MolEdit; ChemCoTBench (molecule editing), arXiv 2505.21318.

use std::sync::LazyLock;

use chemr_chem::{Mol, Pattern};

use crate::kind::Kind;
use crate::registry::{Field, Task};
use crate::verdict::{Judgement, Reason};
use crate::{Example, guard};

const MOLECULE: Field = Field { key: "smiles", columns: &["molecule"] };
const ADD: Field = Field { key: "add", columns: &["added_group"] };
const REMOVE: Field = Field { key: "remove", columns: &["removed_group"] };

macro_rules! edit {
    ($id:literal, $title:literal, $fields:expr, $judge:expr) => {
        Task {
            id: $id,
            family: "edit",
            title: $title,
            kind: Kind::Demand,
            fields: $fields,
            judge: $judge,
            source: include_str!("edit.rs"),
        }
    };
}

pub(crate) static EDITS: [Task; 3] = [
    edit!("tomg.add", "Add a group", &[MOLECULE, ADD], |example, answer, _| judge(example, answer, &[("add", 1)])),
    edit!("tomg.del", "Remove a group", &[MOLECULE, REMOVE], |example, answer, _| judge(
        example,
        answer,
        &[("remove", -1)]
    )),
    edit!("tomg.sub", "Replace a group", &[MOLECULE, REMOVE, ADD], |example, answer, _| judge(
        example,
        answer,
        &[("remove", -1), ("add", 1)]
    )),
];

/// Names and patterns.
const PATTERNS: [(&str, &str); 19] = [
    ("benzene ring", "[cR1]1[cR1][cR1][cR1][cR1][cR1]1"),
    ("hydroxyl", "[OX2H]"),
    ("anhydride", "[CX3](=[OX1])[OX2][CX3](=[OX1])"),
    ("aldehyde", "[CX3H1](=O)[#6]"),
    ("ketone", "[#6][CX3](=O)[#6]"),
    ("carboxyl", "[CX3](=O)[OX2H1]"),
    ("ester", "[#6][CX3](=O)[OX2H0][#6]"),
    ("amide", "[NX3][CX3](=[OX1])[#6]"),
    ("amine", "[NX3;H2,H1;!$(NC=O)]"),
    ("nitro", "[$([NX3](=O)=O),$([NX3+](=O)[O-])][!#8]"),
    ("halo", "[F,Cl,Br,I]"),
    ("thioether", "[SX2][CX4]"),
    ("nitrile", "[NX1]#[CX2]"),
    ("thiol", "[#16X2H]"),
    ("sulfide", "[#16X2H0]"),
    ("disulfide", "[#16X2H0][#16X2H0]"),
    ("sulfoxide", "[$([#16X3]=[OX1]),$([#16X3+][OX1-])]"),
    ("sulfone", "[$([#16X4](=[OX1])=[OX1]),$([#16X4+2]([OX1-])[OX1-])]"),
    ("borane", "[BX3]"),
];

static GROUPS: LazyLock<Vec<(&'static str, Pattern)>> = LazyLock::new(|| {
    PATTERNS.iter().filter_map(|(name, smarts)| Some((*name, Pattern::compile(smarts).ok()?))).collect()
});

fn pattern(name: &str) -> Option<&'static Pattern> {
    let name = name.trim().replace('_', " ");
    GROUPS.iter().find(|(known, _)| *known == name).map(|(_, pattern)| pattern)
}

/// How many of the group with this name the molecule has; `None` for a name that the benchmark does not have.
pub fn count(mol: &Mol, name: &str) -> Option<usize> {
    let found = pattern(name)?.count(mol);
    let paired = if name.trim() == "sulfide" { pattern("disulfide")?.count(mol) } else { 0 };
    Some(found.saturating_sub(paired))
}

fn judge(example: &Example, answer: &str, changes: &[(&str, isize)]) -> Judgement {
    let Ok(before) = guard::data_molecule(example.field("smiles")) else {
        return Judgement::unreadable(Reason::BrokenExample);
    };
    let after = match guard::answer_molecule(answer) {
        Ok(mol) => mol,
        Err(reason) => return Judgement::unreadable(reason),
    };
    let mut meets = true;
    for (field, change) in changes {
        let name = example.field(field);
        let (Some(had), Some(has)) = (count(&before, name), count(&after, name)) else {
            return Judgement::unreadable(Reason::BrokenExample);
        };
        meets &= had.checked_add_signed(*change) == Some(has);
    }
    Judgement::of(meets).part("similarity", guard::similarity(&before, &after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_count() {
        assert_eq!(GROUPS.len(), PATTERNS.len(), "each pattern compiles");
        // RDKit 2026.9.1: len(GetSubstructMatches) of the same patterns.
        for (smiles, name, wanted) in [
            ("CC[N+](=O)[O-]", "nitro", 1),
            ("c1ccc2ccccc2c1", "benzene ring", 0),
            ("c1ccccc1-c1ccccc1", "benzene_ring", 2),
            ("CSSC", "sulfide", 1),
            ("CSSC", "disulfide", 1),
            ("CSC", "thioether", 2),
            ("CC(=O)OC(C)=O", "ester", 2),
            ("OCC(=O)O", "hydroxyl", 2),
        ] {
            assert_eq!(count(&Mol::parse(smiles).unwrap(), name), Some(wanted), "{smiles} {name}");
        }
    }
}
