//! The synthetic polarity rule of `chemr_tasks::polarity`, asked half of the time about a polar molecule.

use super::formula::{Shown, shown_molecule_where};
use super::{ATTEMPTS, Draw, finish, list};
use crate::error::DataError;
use crate::sketch::{Element, Sketch};
use chemr_tasks::Example;
use chemr_tasks::polarity::{self, PolarityCounts};

pub(super) fn example(mut draw: Draw<'_>) -> Result<Option<Example>, DataError> {
    // The label is drawn first and kept through all attempts: that is what balances the stream.
    let polar = draw.rng.chance(1, 2);
    let fits = |sketch: &Sketch| counts_of(sketch).is_polar() == polar;
    for _ in 0..ATTEMPTS {
        let Some(Shown { smiles, sketch, mol }) = shown_molecule_where(&mut draw, fits)? else { continue };
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

/// The counts of a drawn molecule, which has no other donors than nitrogen and oxygen with a hydrogen.
fn counts_of(sketch: &Sketch) -> PolarityCounts {
    let count = |is: &dyn Fn(usize, Element) -> bool| {
        sketch.nodes().iter().enumerate().filter(|(atom, node)| is(*atom, node.element)).count()
    };
    let polar = |element| matches!(element, Element::Nitrogen | Element::Oxygen);
    PolarityCounts {
        donors: count(&|atom, element| polar(element) && sketch.hydrogens(atom) > 0),
        nitrogen_oxygen: count(&|_, element| polar(element)),
        carbons: count(&|_, element| element == Element::Carbon),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn the_sketch_has_the_counts_of_the_molecule() {
        for level in 1..=5 {
            let mut rng = Rng::new(u64::from(level));
            for _ in 0..400 {
                let Some(sketch) = super::super::molecule::draw(&mut rng, level) else { continue };
                let text = sketch.write(0, None, None);
                let mol = chemr_chem::Mol::parse(&text).unwrap();
                assert_eq!(counts_of(&sketch), polarity::count(&mol), "{text}");
            }
        }
    }
}
