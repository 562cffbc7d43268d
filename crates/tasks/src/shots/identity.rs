//! What a row asks, so that a row is never an example of itself.

use chemr_chem::{ChemError, Gate, Mol, ReactionSmiles};

use crate::example::Example;
use crate::registry::Task;

/// Keys of fields that are molecules, or mixtures of some.
const MOLECULES: [&str; 6] = ["smiles", "reactants", "product", "other", "ring", "ring_system"];

/// Whether the field with this key is a molecule.
fn is_molecule(key: &str) -> bool {
    MOLECULES.contains(&key)
}

/// The fields of a row, read.
pub(super) struct Asked {
    /// Equal for rows whose fields are the same molecules (canonical SMILES), reactions or texts.
    pub identity: String,
    /// The first field, where it is a molecule.
    pub molecule: Option<Result<Mol, ChemError>>,
}

impl Asked {
    pub fn of(task: &Task, example: &Example) -> Asked {
        let mut asked = Asked { identity: String::new(), molecule: None };
        for (place, field) in task.fields().iter().enumerate() {
            let text = example.field(field.key).trim();
            let molecule = is_molecule(field.key).then(|| Mol::parse_with(text, &Gate::DATA));
            let written = match &molecule {
                Some(Ok(molecule)) => molecule.canonical().to_owned(),
                Some(Err(_)) => text.to_owned(),
                None if field.key == "reaction" => reaction(text).unwrap_or_else(|| text.to_owned()),
                None => text.split_whitespace().collect::<Vec<_>>().join(" "),
            };
            asked.identity.push_str(&written);
            asked.identity.push('\n');
            if place == 0 {
                asked.molecule = molecule;
            }
        }
        asked
    }
}

fn reaction(text: &str) -> Option<String> {
    Some(ReactionSmiles::parse(text).ok()?.canonical().ok()?.to_string())
}
