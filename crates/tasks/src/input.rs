//! Whether a text can be the input of a task, before a model is asked.

use chemr_chem::{ChemError, Gate, Mol};
use thiserror::Error;

use crate::counts;
use crate::formula::Formula;
use crate::group_request::{self, RequestError};
use crate::registry::Task;
use crate::tomg::{atom_num, bond_num};

/// Why a text cannot be the input of a task.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InputError {
    #[error("`{text}` is no SMILES: {source}")]
    Smiles { text: String, source: ChemError },
    #[error("`{text}` is a reaction; {task} takes {wanted} alone")]
    Reaction { text: String, task: &'static str, wanted: &'static str },
    #[error(
        "`{text}` is no list of functional groups: {source}; write e.g. `1 ester, 2 alcohol` (names as in `chemr mol`)"
    )]
    Groups { text: String, source: RequestError },
    #[error("`{text}` is not what {task} takes: {wanted}")]
    Form { text: String, task: &'static str, wanted: &'static str },
    #[error("{task} asks about several fields ({keys}), which one text cannot give")]
    SeveralFields { task: &'static str, keys: String },
}

/// Whether `text` can be the input of `task`: a molecule that the toolkit reads, a list of known groups, a formula. Names and
/// descriptions are taken as they are: a model may know more of them than any reader.
///
/// # Errors
/// [`InputError`], with the toolkit's reason and place; also for tasks that ask about more than one field.
pub fn check_input(task: &Task, text: &str) -> Result<(), InputError> {
    if let [_, _, ..] = task.fields() {
        let keys = task.fields().iter().map(|field| field.key).collect::<Vec<_>>().join(", ");
        return Err(InputError::SeveralFields { task: task.id(), keys });
    }
    let form = |is: bool, wanted| {
        let refused = || InputError::Form { text: text.to_owned(), task: task.id(), wanted };
        is.then_some(()).ok_or_else(refused)
    };
    match task.input_key() {
        "iupac" | "description" | "reaction" => Ok(()),
        "formula" => form(Formula::parse(text).is_some(), "a molecular formula, e.g. `C2H6O`"),
        "atoms" => form(counts::parse(text, &atom_num::NAMES).is_some(), "a list of atoms, e.g. `5 carbon, 2 oxygen`"),
        "bonds" => form(counts::parse(text, &bond_num::KINDS).is_some(), "a list of bonds, e.g. `5 single, 1 double`"),
        "groups" => group_request::parse(text)
            .map(|_| ())
            .map_err(|source| InputError::Groups { text: text.to_owned(), source }),
        key => {
            // Outside of brackets a SMILES has `>` in dative bonds alone: the text has the shape of
            // `reactants>reagents>products`.
            if text.replace("->", "").matches('>').count() == 2 && !text.contains(char::is_whitespace) {
                let wanted = match key {
                    "reactants" => "the reactants",
                    "product" => "the product",
                    _ => "one molecule",
                };
                return Err(InputError::Reaction { text: text.to_owned(), task: task.id(), wanted });
            }
            Mol::parse_with(text, &Gate::DATA)
                .map(|_| ())
                .map_err(|source| InputError::Smiles { text: text.to_owned(), source })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::task;

    fn said(id: &str, text: &str) -> String {
        check_input(task(id).unwrap(), text).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn inputs_that_can_be_asked() {
        for (id, text) in [
            ("name.smiles_to_formula", "CC(=O)[O-].[Na+]"),
            ("reaction_prediction", "CC(=O)O.OCC"),
            ("retrosynthesis", "CC(C)C(=O)OCC"),
            ("tomg.functional_group", "1 ester, 2 alcohol"),
            ("name.iupac_to_smiles", "a name that nobody knows"),
        ] {
            assert_eq!(said(id, text), "", "{id} {text}");
        }
    }

    #[test]
    fn inputs_that_cannot() {
        for (id, text, wanted) in [
            ("name.smiles_to_formula", "C1CC", "unclosed_ring at byte 1"),
            ("property.bbbp", "What is CCO?", "inner_whitespace at byte 4"),
            ("reaction_prediction", "CCO>>CC=O", "takes the reactants alone"),
            ("retrosynthesis", "CCO>[Na]>CC=O", "takes the product alone"),
            ("name.smiles_to_formula", "CCO>>CC=O", "takes one molecule alone"),
            ("tomg.functional_group", "three unicorns", "1 ester, 2 alcohol"),
            ("tomg.atom_num", "5 unobtainium", "5 carbon, 2 oxygen"),
            ("name.formula_to_smiles", "CH3CH2OH", "C2H6O"),
            ("tomg.add", "CCO", "several fields (smiles, add)"),
            ("tomg.functional_group", "1 unicorn", "unknown functional group `unicorn`"),
        ] {
            assert!(said(id, text).contains(wanted), "{id} {text}: {}", said(id, text));
        }
    }
}
