//! Relations of two structures (`cot.same_molecule`, `cot.has_ring_system`).
//!
//! # What it asks
//!
//! * `cot.same_molecule`: given two SMILES (input fields `smiles` and `other`), are they one molecule?
//! * `cot.has_ring_system`: given a molecule (`smiles`) and a ring system (`ring_system`), does the molecule hold it?
//!
//! # How it is scored
//!
//! As the tasks `property.*`: `Yes` or `No`, right when it equals the reference.
//!
//! # Known disagreements
//!
//! * ChemCoTBench has two sets of pairs, one all permuted (`Yes`) and one all mutated (`No`), and scores each alone: a constant answer is perfect on one. Here they
//!   are one task with both labels.
//!
//! # Reference
//!
//! ChemCoTBench, arXiv 2505.21318 (molecule understanding: equivalence, ring systems).

use crate::kind::Kind;
use crate::property::label;
use crate::registry::{Field, Task};

macro_rules! relation {
    ($id:literal, $title:literal, $field:expr) => {
        Task {
            id: concat!("cot.", $id),
            family: "relation",
            title: $title,
            kind: Kind::Label,
            fields: &[Field { key: "smiles", columns: &["SMILES"] }, $field],
            judge: label::judge,
            source: include_str!("relation.rs"),
        }
    };
}

pub(crate) static RELATIONS: [Task; 2] = [
    relation!("same_molecule", "Same molecule", Field { key: "other", columns: &["permutated", "mutated"] }),
    relation!("has_ring_system", "Ring system in a molecule", Field { key: "ring_system", columns: &[] }),
];
