//! The synthetic polarity rule of `chemr_tasks::polarity`, asked half of the time about a polar molecule.

use super::formula::{Shown, shown_molecule};
use super::{ATTEMPTS, Draw, finish, list};
use crate::error::DataError;
use crate::sketch::Element;
use chemr_tasks::Example;
use chemr_tasks::polarity;

pub(super) fn example(mut draw: Draw<'_>) -> Result<Option<Example>, DataError> {
    // The label is drawn first and kept through all attempts: that is what balances the stream.
    let polar = draw.rng.chance(1, 2);
    for _ in 0..ATTEMPTS {
        let Some(Shown { smiles, sketch, mol }) = shown_molecule(&mut draw)? else { continue };
        let counts = polarity::count(&mol);
        if counts.is_polar() != polar {
            continue;
        }
        let is_polar = |element| matches!(element, Element::Nitrogen | Element::Oxygen);
        let nodes = sketch.nodes().iter().enumerate().filter(|(_, node)| is_polar(node.element));
        let polar_atoms =
            list(nodes.map(|(atom, node)| format!("{}:{}", node.element.symbol(), sketch.hydrogens(atom))));
        let meta = [
            ("key", mol.canonical().to_string()),
            ("atoms", super::molecule::atom_list(&sketch)),
            ("polar_atoms", polar_atoms),
            ("carbons", counts.carbons.to_string()),
            ("hetero", counts.nitrogen_oxygen.to_string()),
            ("donors", counts.donors.to_string()),
            ("points", counts.points().to_string()),
            ("doubled", (2 * counts.points()).to_string()),
        ];
        let reference = counts.label().to_string();
        return Ok(Some(finish("property.polarity_rule", &draw, ("smiles", smiles), reference, meta)));
    }
    Ok(None)
}
