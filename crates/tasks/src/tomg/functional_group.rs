//! MolCustom functional groups (`tomg.functional_group`).
//!
//! # What it asks
//!
//! Given a list of functional groups with counts (input field `groups`, e.g. `1 ester, 2 alcohol`), write the SMILES of a molecule that
//! has exactly these numbers of the listed groups. Any such molecule is right; the reference is one of them.
//!
//! # How it is scored
//!
//! The answer passes the input gate, is parsed, and is right when it is one molecule (no dot) and the count of **every listed
//! group** equals the wanted count, under the functional-group registry with its precedence (a carboxylic acid is not also an alcohol and a ketone).
//! Groups that are not listed do not count. Part `groups_matched`: the share of listed groups with the right count.
//!
//! # Known disagreements
//!
//! * TOMG-Bench counts the groups of a mixture (`CC(=O)OC.CO.CO` for one ester and two alcohols) together. The question asks for a
//!   molecule, so an answer of more than one component is wrong here, with the reason `several_molecules`; that goes for salts too.
//! * TOMG-Bench counts its groups with its own SMARTS list without precedence; its numbers are not comparable one to one.
//! * TOMG-Bench also weighs accuracy with novelty; that needs a reference set and is not part of a verdict.
//!
//! # Reference
//!
//! Li et al., *TOMG-Bench* (also S2-Bench), arXiv 2412.14642: MolCustom, FunctionalGroup: valid, and every listed count equal.

use chemr_chem::groups;

use crate::kind::Kind;
use crate::registry::{Field, Task};
use crate::verdict::{Judgement, Reason};
use crate::{Example, Mode, group_request, guard};

pub(crate) static FUNCTIONAL_GROUP: Task = Task {
    id: "tomg.functional_group",
    family: "custom",
    title: "Functional groups",
    kind: Kind::Demand,
    fields: &[Field { key: "groups", columns: &[] }],
    judge,
    source: include_str!("functional_group.rs"),
};

fn judge(example: &Example, answer: &str, _mode: Mode) -> Judgement {
    let Ok(wanted) = group_request::parse(example.field("groups")) else {
        return Judgement::unreadable(Reason::BrokenExample);
    };
    let mol = match guard::answer_molecule(answer) {
        Ok(mol) => mol,
        Err(reason) => return Judgement::unreadable(reason),
    };
    let counts = groups().counts(&mol);
    let matched =
        wanted.iter().filter(|(count, group)| counts.get(group.id.as_str()).copied().unwrap_or(0) == *count).count();
    guard::one_molecule(&mol, matched == wanted.len()).part("groups_matched", matched as f64 / wanted.len() as f64)
}
