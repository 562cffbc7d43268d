//! High yield by rule (`yield.rule`), synthetic.
//!
//! # What it asks
//!
//! Given a substitution at an alkyl halide or sulfonate (input field `reaction`, `electrophile.nucleophile>base and solvents>product`), is its yield high
//! under the **synthetic** rule of the gym? The rule counts points:
//!
//! * carbon that bears the leaving group: methyl, benzylic or allylic CH2 3; other primary 2; secondary 1; tertiary 0;
//! * leaving group: iodide or sulfonate 2; bromide 1; chloride 0;
//! * strongest base: hydride, hydroxide, alkoxide or amide anion 2; carbonate or phosphate 1; amine, carboxylate or none 0;
//! * each electron-withdrawing group on an aromatic ring of the nucleophile (nitro, cyano, trifluoromethyl, carbonyl, sulfonyl): minus 1.
//!
//! High (`Yes`) with four points or more. It is an exercise in counting along the lines of what helps a substitution, and stands for no
//! measured yield.
//!
//! # How it is scored
//!
//! As the tasks `property.*`: `Yes` or `No`, right when it equals the reference.
//!
//! # Known disagreements
//!
//! * Real yields depend on much that the rule leaves out: see `yield.buchwald_hartwig` and `yield.suzuki_miyaura` for measured ones.
//!
//! # Reference
//!
//! The gym of this project.

use crate::kind::Kind;
use crate::property::label;
use crate::registry::{Field, Task};

pub(crate) static RULE: Task = Task {
    id: "yield.rule",
    family: "yield",
    title: "Yield rule (synthetic)",
    kind: Kind::Label,
    fields: &[Field { key: "reaction", columns: &[] }],
    judge: label::judge,
    source: include_str!("rule.rs"),
};
