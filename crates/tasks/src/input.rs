//! Whether a text can be the input of a task, before a model is asked.

use chemr_chem::{ChemError, Gate, Mol};
use thiserror::Error;

use crate::group_request::{self, RequestError};
use crate::registry::Task;

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
}

/// Whether `text` can be the input of `task`: a molecule that the toolkit reads, or a list of known groups. Names are taken
/// as they are: a model may know more of them than the name reader.
///
/// # Errors
/// [`InputError`], with the toolkit's reason and place.
pub fn check_input(task: &dyn Task, text: &str) -> Result<(), InputError> {
    match task.input_key() {
        "iupac" => Ok(()),
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
            ("tomg.functional_group", "1 unicorn", "unknown functional group `unicorn`"),
        ] {
            assert!(said(id, text).contains(wanted), "{id} {text}: {}", said(id, text));
        }
    }
}
