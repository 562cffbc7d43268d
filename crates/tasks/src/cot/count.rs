//! Counting parts of a molecule (`cot.group_count`, `cot.ring_count`).
//!
//! # What it asks
//!
//! Given a molecule (input field `smiles`), how often does it hold a functional group (`group`, by name), or a ring (`ring`, as SMILES)? Answer with a number.
//!
//! # How it is scored
//!
//! Strict: a whole number and nothing else; loose: the only number in the answer. Right when it equals the reference. Part `absolute_error`.
//!
//! # Known disagreements
//!
//! * ChemCoTBench reports the mean absolute error and no accuracy, over answers that could be read: `mae`.
//! * Its references come from RDKit's list of functional groups, which names some groups in ways a chemist would not; they are taken as they are.
//!
//! # Reference
//!
//! ChemCoTBench, arXiv 2505.21318 (molecule understanding: functional groups, rings).

use crate::kind::Kind;
use crate::number::within;
use crate::registry::{Field, Task};

macro_rules! count {
    ($id:literal, $title:literal, $field:expr) => {
        Task {
            id: concat!("cot.", $id),
            family: "count",
            title: $title,
            kind: Kind::Number,
            fields: &[Field { key: "smiles", columns: &["SMILES"] }, $field],
            judge: |example, answer, mode| within(example, answer, mode, 0.0),
            source: include_str!("count.rs"),
        }
    };
}

pub(crate) static COUNTS: [Task; 2] = [
    count!("group_count", "Count a functional group", Field { key: "group", columns: &["fg_name"] }),
    count!("ring_count", "Count a ring", Field { key: "ring", columns: &[] }),
];
