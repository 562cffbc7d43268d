//! Names drawn from the grammar of [`crate::names`], with their structures position by position.

use chemr_chem::Mol;
use chemr_tasks::Example;

use super::{ATTEMPTS, Draw, finish, list, molecule};
use crate::error::DataError;
use crate::names::{self, Drawn, Locant, Name, Unsaturation};

/// What is asked about a name and its structure: which of them, or the formula, is the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Smiles,
    Name,
    Formula,
}

/// A name of the wanted split.
struct Named {
    name: String,
    /// Along the parent.
    smiles: String,
    mol: Mol,
    meta: Vec<(&'static str, String)>,
}

pub(super) fn example(mut draw: Draw<'_>, direction: Direction) -> Result<Option<Example>, DataError> {
    for _ in 0..ATTEMPTS {
        let Some(Named { name, smiles, mol, mut meta }) = named(&mut draw)? else { continue };
        meta.push(("key", mol.canonical().to_string()));
        let (task, input, reference) = match direction {
            Direction::Smiles => {
                meta.push(("aligned_answer", smiles));
                ("name.iupac_to_smiles", ("iupac", name), mol.canonical().to_string())
            }
            Direction::Name => {
                let shown = if draw.level >= 3 { mol.canonical().to_string() } else { smiles };
                ("name.smiles_to_iupac", ("smiles", shown), name)
            }
            Direction::Formula => {
                meta.push(("smiles", mol.canonical().to_string()));
                ("name.iupac_to_formula", ("iupac", name), mol.formula())
            }
        };
        return Ok(Some(finish(task, &draw, input, reference, meta)));
    }
    Ok(None)
}

fn named(draw: &mut Draw<'_>) -> Result<Option<Named>, DataError> {
    if draw.level > 3 {
        let Some(drawn) = names::draw_any(draw.rng, draw.level) else { return Ok(None) };
        let mol = structure(&drawn)?;
        let meta = describe_drawn(&drawn);
        return Ok(draw.wants(mol.canonical()).then_some(Named { name: drawn.name, smiles: drawn.smiles, mol, meta }));
    }
    let Some(name) = names::draw(draw.rng, draw.level) else { return Ok(None) };
    let smiles = name.smiles();
    let mol = molecule("drawn name", &smiles)?;
    let is_wanted = draw.wants(mol.canonical());
    Ok(is_wanted.then(|| Named { name: name.render(), smiles, mol, meta: describe(&name) }))
}

/// The molecule of a drawn name.
pub(super) fn structure(drawn: &Drawn) -> Result<Mol, DataError> {
    drawn.mol.clone().map_or_else(|| molecule("drawn name", &drawn.smiles), Ok)
}

/// The parts of a name of level 4 or 5 as metadata.
fn describe_drawn(drawn: &Drawn) -> Vec<(&'static str, String)> {
    vec![
        ("parent", drawn.parent.clone()),
        ("parent_kind", drawn.kind.to_string()),
        ("substituents", list(drawn.prefixes.iter().map(|(locant, prefix)| format!("{locant}:{prefix}")))),
        ("stereo", drawn.labels.iter().map(|(locant, label)| format!("{locant}{label}")).collect::<Vec<_>>().join(",")),
    ]
}

/// The parts of a name as metadata.
fn describe(name: &Name) -> Vec<(&'static str, String)> {
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
        ("parent_kind", name.parent.skeleton.as_str().to_string()),
        ("length", name.parent.length.to_string()),
        ("suffix", name.suffix.ending(name.parent.is_cyclic()).to_string()),
        ("suffix_locants", name.suffix_locants.iter().map(u8::to_string).collect::<Vec<_>>().join(",")),
        ("unsaturation", unsaturation),
        ("substituents", substituents),
        ("ester_alkyl", name.ester_alkyl.map_or(String::new(), |alkyl| alkyl.name.to_string())),
        ("positions", positions),
    ]
}
