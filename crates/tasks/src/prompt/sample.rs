//! A row of any task, to show what its prompt looks like.

use std::collections::BTreeMap;

use crate::example::{Example, Split};
use crate::registry::Task;

/// A made-up row with an input for every field of the task, and no reference.
pub fn sample(task: &Task) -> Example {
    let input = task.fields().iter().map(|field| (field.key.to_owned(), text(field.key).to_owned()));
    Example::new(task.id(), "sample", Split::Train, 0, input.collect(), "", BTreeMap::new())
}

fn text(key: &str) -> &'static str {
    match key {
        "smiles" | "other" => "CC(=O)Oc1ccccc1C(=O)O",
        "iupac" => "2-acetyloxybenzoic acid",
        "formula" => "C9H8O4",
        "description" => "The molecule is the acetic acid ester of salicylic acid.",
        "reactants" => "CC(=O)O.OCC",
        "product" => "CCOC(C)=O",
        "reaction" => "Brc1ccccc1.OB(O)c1ccccc1>>c1ccc(-c2ccccc2)cc1",
        "candidates" => "CCO,CO,C1CCOC1",
        "atoms" => "5 carbon, 2 oxygen",
        "bonds" => "5 single, 1 double",
        "groups" => "1 ester, 1 alcohol",
        "group" => "ester",
        "add" => "nitro",
        "remove" => "carboxyl",
        "direction" => "increase",
        "ring" | "ring_system" => "c1ccccc1",
        "question" => "Which of these is an acid?",
        "options" => "CCO\nCC(=O)O\nCCN",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::tasks;
    use crate::{InputError, check_input};

    #[test]
    fn every_field_has_a_text_that_can_be_asked() {
        for task in tasks() {
            let row = sample(task);
            assert!(row.input.values().all(|text| !text.is_empty()), "{} lacks a field", task.id());
            let checked = check_input(task, row.field(task.input_key()));
            assert!(matches!(checked, Ok(()) | Err(InputError::SeveralFields { .. })), "{}: {checked:?}", task.id());
        }
    }
}
