//! Molecular formulas of drawn molecules and well-known compounds.

use super::{ATTEMPTS, Draw, finish, list, molecule};
use crate::compounds;
use crate::error::DataError;
use crate::rng::Rng;
use crate::sketch::Sketch;
use chemr_chem::Mol;
use chemr_tasks::Example;

/// A molecule as a question shows it.
pub(super) struct Shown {
    /// The text of the question.
    pub smiles: String,
    pub sketch: Sketch,
    pub mol: Mol,
}

/// Draws a molecule of the wanted split and writes it in the manner of the level: level 1 from a drawn first atom with
/// small branches first, level 2 with branches in any order, level 3 canonically. From level 2 on, one in twelve is a
/// well-known compound.
pub(super) fn shown_molecule(draw: &mut Draw<'_>) -> Result<Option<Shown>, DataError> {
    shown_molecule_where(draw, |_| true)
}

/// As [`shown_molecule`], of drawn molecules only those that `fits` takes; it is asked before the toolkit reads them, which is the
/// dear part. Well-known compounds are not asked about.
pub(super) fn shown_molecule_where(
    draw: &mut Draw<'_>,
    fits: impl Fn(&Sketch) -> bool,
) -> Result<Option<Shown>, DataError> {
    let (smiles, known) = match well_known(draw.rng, draw.level) {
        Some(smiles) => (smiles.to_string(), true),
        None => {
            let Some(sketch) = super::molecule::draw(draw.rng, draw.level) else { return Ok(None) };
            let root = draw.rng.below(sketch.len());
            let order = if draw.level == 1 { None } else { Some(&mut *draw.rng) };
            let text = sketch.write(root, None, order);
            if !fits(&sketch) {
                return Ok(None);
            }
            (text, false)
        }
    };
    let mol = molecule("drawn molecule", &smiles)?;
    if !draw.wants(mol.canonical()) {
        return Ok(None);
    }
    let smiles = if draw.level >= 3 || known { mol.canonical().to_string() } else { smiles };
    // Well-known compounds may hold what a sketch does not know, such as stereochemistry.
    Ok(Sketch::parse(&smiles).map(|sketch| Shown { smiles, sketch, mol }))
}

fn well_known(rng: &mut Rng, level: u8) -> Option<&'static str> {
    let largest = match level {
        0 | 1 => return None,
        2 => 14,
        3 => 20,
        4 => 22,
        _ => 27,
    };
    if !rng.chance(1, 12) {
        return None;
    }
    let compound = rng.pick(compounds::all())?;
    (compound.heavy_atoms <= largest).then_some(compound.smiles.as_str())
}

pub(super) fn example(mut draw: Draw<'_>) -> Result<Option<Example>, DataError> {
    for _ in 0..ATTEMPTS {
        let Some(Shown { smiles, sketch, mol }) = shown_molecule(&mut draw)? else { continue };
        let counts = list(sketch.element_counts().iter().map(|(symbol, count)| format!("{symbol}:{count}")));
        let meta =
            [("key", mol.canonical().to_string()), ("atoms", super::molecule::atom_list(&sketch)), ("counts", counts)];
        return Ok(Some(finish("name.smiles_to_formula", &draw, ("smiles", smiles), mol.formula(), meta)));
    }
    Ok(None)
}
