//! SMILES to formula: a walk along the atoms with running counts.

use chemr_tasks::Example;

use super::say::Speaker;
use super::{Lesson, TeacherError, molecule};
use crate::grammar::{Rule, walk};

pub(super) fn lesson(example: &Example, answer: String, speaker: Speaker) -> Result<Lesson, TeacherError> {
    let mol = molecule(example, example.field("smiles"))?;
    let formula = mol.formula();
    if formula != example.reference {
        return Err(TeacherError::broken(example, format!("reference {} is not {formula}", example.reference)));
    }
    let counts = mol.element_counts();
    let elements = walk::element_items(&counts);
    if elements.is_empty() {
        return Err(TeacherError::not_covered(example, "molecule without heavy atoms"));
    }
    Ok(Lesson {
        texts: [
            speaker.sentence(Rule::Elements, &[&elements.join(", ")]),
            speaker.sentence(Rule::AtomWalk, &[&walk::atom_items(&mol).join(" ")]),
            speaker.sentence(Rule::Totals, &[&walk::total_items(&counts).join(" ")]),
            speaker.sentence(Rule::Formula, &[&formula]),
        ],
        answer,
    })
}
