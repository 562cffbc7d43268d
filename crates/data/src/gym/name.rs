//! Names drawn from the grammar of [`crate::names`], with their structures position by position.

use super::{ATTEMPTS, Draw, finish, list, molecule};
use crate::error::DataError;
use crate::names::{self, Locant, Name, Skeleton, Unsaturation};
use chemr_tasks::Example;

pub(super) fn example(draw: Draw<'_>) -> Result<Option<Example>, DataError> {
    for _ in 0..ATTEMPTS {
        let Some(name) = names::draw(draw.rng, draw.level) else { continue };
        let smiles = name.smiles();
        let mol = molecule("drawn name", &smiles)?;
        if !draw.wants(mol.canonical()) {
            continue;
        }
        let mut meta = describe(&name);
        meta.push(("key", mol.canonical().to_string()));
        meta.push(("aligned_answer", smiles));
        let reference = mol.canonical().to_string();
        return Ok(Some(finish("name.iupac_to_smiles", &draw, ("iupac", name.render()), reference, meta)));
    }
    Ok(None)
}

/// The parts of a name as metadata.
pub(super) fn describe(name: &Name) -> Vec<(&'static str, String)> {
    let kind = match name.parent.skeleton {
        Skeleton::Chain => "chain",
        Skeleton::Ring => "ring",
        Skeleton::Benzene => "benzene",
        Skeleton::Pyridine => "pyridine",
    };
    let unsaturation = name.unsaturation.map_or(String::new(), |(position, bond)| {
        format!("{position}:{}", if bond == Unsaturation::Double { "ene" } else { "yne" })
    });
    let substituents = list(name.substituents.iter().map(|(locant, entry)| match locant {
        Locant::Nitrogen => format!("N:{}", entry.name),
        Locant::Position(position) => format!("{position}:{}", entry.name),
    }));
    let positions = list(name.positions().iter().enumerate().map(|(index, text)| format!("{}:{text}", index + 1)));
    vec![
        ("parent", name.parent.hydride()),
        ("parent_kind", kind.to_string()),
        ("length", name.parent.length.to_string()),
        ("suffix", name.suffix.ending(name.parent.is_cyclic()).to_string()),
        ("suffix_locants", name.suffix_locants.iter().map(u8::to_string).collect::<Vec<_>>().join(",")),
        ("unsaturation", unsaturation),
        ("substituents", substituents),
        ("ester_alkyl", name.ester_alkyl.map_or(String::new(), |alkyl| alkyl.name.to_string())),
        ("positions", positions),
    ]
}
