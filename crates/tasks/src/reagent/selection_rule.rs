//! Reagent selection by rule (`reagent.selection_rule`), synthetic.
//!
//! # What it asks
//!
//! Given a transformation (input field `reaction`, `reactant>>product`) and four to six reagents (`candidates`: SMILES separated by commas), choose
//! the one that makes this product. The gym writes the rows: the right reagent is that of a reaction of the registry, and each of the others is wrong
//! by a row of a documented table: it leaves the group alone that has to react, makes something else of it, or attacks a second group that
//! the product still has. **Synthetic**: nobody measured which reagent is best; the table decides.
//!
//! # How it is scored
//!
//! The answer is the SMILES of one candidate, compared by canonical isomeric SMILES, fragment by fragment; another molecule is
//! `unclear_choice`. Right when it is the reference.
//!
//! # Known disagreements
//!
//! * A chemist may know conditions under which a wrong candidate works (another solvent, temperature or amount). The table speaks of the usual ones.
//! * The tasks `reagent.reactant`, `reagent.ligand` and `reagent.solvent` rank candidates by measured yields; this one has one right candidate.
//!
//! # Reference
//!
//! The gym of this project; Wuts, *Greene's Protective Groups in Organic Synthesis*, 5th ed., chapter 10 (reactivity charts).

use crate::kind::Kind;
use crate::reagent::selection::{FAMILY, chosen};
use crate::registry::{Field, Task};
use crate::verdict::{Judgement, Reason};

pub(crate) static SELECTION_RULE: Task = Task {
    id: "reagent.selection_rule",
    family: FAMILY,
    title: "Reagent selection by rule (synthetic)",
    kind: Kind::Demand,
    fields: &[Field { key: "reaction", columns: &[] }, Field { key: "candidates", columns: &[] }],
    judge: |example, answer, _| {
        let candidates: Vec<&str> = example.field("candidates").split(',').map(str::trim).collect();
        // The reference has to be one of them.
        let Ok(right) = chosen(&candidates, &example.reference) else {
            return Judgement::unreadable(Reason::BrokenExample);
        };
        match chosen(&candidates, answer) {
            Ok(given) => Judgement::of(given == right),
            Err(reason) => Judgement::unreadable(reason),
        }
    },
    source: include_str!("selection_rule.rs"),
};
