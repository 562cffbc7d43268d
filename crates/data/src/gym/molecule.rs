//! Random small molecules, grown unit by unit under local rules that keep them sound.

use std::sync::LazyLock;

use crate::rng::Rng;
use crate::sketch::{Element, Node, Order, Sketch};

/// Something that can be attached: a SMILES whose first atom takes the bond.
struct Unit {
    smiles: &'static str,
    order: Order,
    /// Lowest level that uses it.
    level: u8,
    weight: u32,
}

const fn unit(smiles: &'static str, level: u8, weight: u32) -> Unit {
    Unit { smiles, order: Order::Single, level, weight }
}

const UNITS: &[Unit] = &[
    unit("C", 1, 42),
    unit("CC", 1, 12),
    unit("O", 1, 16),
    unit("N", 1, 14),
    Unit { smiles: "O", order: Order::Double, level: 1, weight: 10 },
    unit("F", 1, 5),
    unit("Cl", 1, 5),
    unit("Br", 1, 3),
    unit("I", 2, 1),
    unit("C(=O)O", 1, 5),
    unit("C(N)=O", 1, 3),
    unit("C#N", 1, 4),
    unit("C=C", 1, 3),
    unit("C#C", 1, 2),
    unit("C(F)(F)F", 2, 3),
    unit("SC", 2, 2),
    unit("[N+](=O)[O-]", 2, 3),
    unit("S(C)(=O)=O", 2, 2),
    unit("S(N)(=O)=O", 3, 2),
    unit("C1CC1", 1, 2),
    unit("C1CCC1", 2, 1),
    unit("C1CCCC1", 1, 2),
    unit("C1CCCCC1", 1, 2),
    unit("N1CCOCC1", 2, 2),
    unit("N1CCCC1", 2, 2),
    unit("N1CCNCC1", 3, 1),
    unit("C1CCNCC1", 2, 1),
    unit("C1CCOC1", 2, 1),
    unit("c1ccccc1", 1, 8),
    unit("c1cccnc1", 2, 2),
    unit("c1ccncc1", 2, 2),
    unit("c1ccco1", 2, 2),
    unit("c1cccs1", 2, 2),
    unit("c1cnccn1", 3, 1),
    unit("c1cc[nH]c1", 3, 1),
    unit("c1ccc2ccccc2c1", 3, 1),
    unit("c1ccc2[nH]ccc2c1", 3, 1),
    unit("c1ccc2ncccc2c1", 3, 1),
    unit("C(=O)OC", 4, 4),
    unit("C(C)=O", 4, 2),
    unit("OC(F)(F)F", 4, 1),
    unit("C1CCSCC1", 4, 1),
    unit("c1cncs1", 4, 2),
    unit("c1cnco1", 4, 2),
    unit("c1cc[nH]n1", 4, 2),
    unit("c1ncc[nH]1", 4, 1),
    unit("c1ncccn1", 4, 2),
    unit("c1ccc2occc2c1", 4, 1),
    unit("c1ccc2sccc2c1", 4, 1),
    unit("c1ccc2ncsc2c1", 4, 1),
    unit("c1nc2ccccc2[nH]1", 4, 1),
    unit("C1CCc2ccccc21", 5, 1),
    unit("N1CCc2ccccc2C1", 5, 1),
    unit("c1ccc2c(c1)OCO2", 5, 2),
    unit("C1CC2CCC1C2", 5, 1),
    unit("c1ccc2[nH]c3ccccc3c2c1", 5, 1),
    unit("c1nnn[nH]1", 5, 1),
];

/// The units as sketches, in the same order.
static SKETCHES: LazyLock<Vec<Option<Sketch>>> =
    LazyLock::new(|| UNITS.iter().map(|unit| Sketch::parse(unit.smiles)).collect());

/// Sizes in heavy atoms of a level and how often each is aimed at.
fn sizes(level: u8) -> (usize, &'static [u32]) {
    match level {
        0 | 1 => (3, &[1, 1, 2, 3, 6, 10, 14]),
        2 => (6, &[2, 3, 4, 5, 6, 6, 6, 5, 4]),
        3 => (10, &[2, 3, 4, 5, 6, 6, 6, 5, 4, 3, 2]),
        4 => (12, &[2, 3, 4, 5, 6, 6, 6, 5, 4, 3, 2]),
        _ => (15, &[2, 3, 4, 5, 6, 6, 6, 5, 5, 4, 3, 2, 1]),
    }
}

/// Draws a molecule of a level (1: 3 to 9 heavy atoms, 2: 6 to 14, 3: 10 to 20, 4: 12 to 22, 5: 15 to 27). `None` when growth got stuck outside
/// the size; draw again.
pub fn draw(rng: &mut Rng, level: u8) -> Option<Sketch> {
    let (smallest, weights) = sizes(level);
    let target = smallest + rng.weighted(weights);
    let mut sketch = start(rng, level, target)?;
    let weights: Vec<u32> = UNITS.iter().map(|unit| if unit.level <= level { unit.weight } else { 0 }).collect();
    for _ in 0..60 {
        if sketch.len() == target {
            return Some(sketch);
        }
        let site = pick_site(rng, &sketch);
        let room = target - sketch.len();
        let chosen = rng.weighted(&weights);
        let (unit, piece) = (UNITS.get(chosen)?, SKETCHES.get(chosen)?.as_ref()?);
        if piece.len() <= room && may_attach(&sketch, site, piece, unit.order) {
            sketch.graft(site, piece, unit.order);
        }
    }
    None
}

fn start(rng: &mut Rng, level: u8, target: usize) -> Option<Sketch> {
    let weights: Vec<u32> = UNITS
        .iter()
        .map(|unit| {
            let carbon = unit.smiles.starts_with(['C', 'c']) && !unit.smiles.starts_with("Cl");
            let fits = unit.level <= level && carbon && unit.smiles != "C#N" && unit.smiles != "C(F)(F)F";
            if fits { unit.weight } else { 0 }
        })
        .collect();
    let sketch = Sketch::parse(UNITS.get(rng.weighted(&weights))?.smiles)?;
    (sketch.len() <= target).then_some(sketch)
}

/// An atom to grow from: any, but with a preference for the ones added last, so that chains come out more often than
/// stars.
fn pick_site(rng: &mut Rng, sketch: &Sketch) -> usize {
    if rng.chance(1, 2) { sketch.len() - 1 - rng.below(sketch.len().min(3)) } else { rng.below(sketch.len()) }
}

fn is_hetero(node: &Node) -> bool {
    node.element != Element::Carbon
}

/// Whether `piece` may be bound to `site`: free valence, no bond between heteroatoms, one heteroatom group on a carbon
/// (apart from carboxyl and amide carbons and repeated fluorine or chlorine), no heteroatom on C=C or C#C.
pub(super) fn may_attach(sketch: &Sketch, site: usize, piece: &Sketch, order: Order) -> bool {
    let (Some(node), Some(first)) = (sketch.nodes().get(site), piece.nodes().first()) else { return false };
    let needed = if order == Order::Double { 2 } else { 1 };
    if sketch.free(site) < needed || node.bracket_hydrogens.is_some() {
        return false;
    }
    let around = sketch.neighbours(site);
    let unsaturated_piece = piece.neighbours(0).iter().any(|(_, order)| matches!(order, Order::Double | Order::Triple));
    if is_hetero(node) {
        // Oxygen and nitrogen take carbon; no enol ethers, cyanates or peroxides. A carbonyl only goes on nitrogen.
        let carbonyl = piece
            .neighbours(0)
            .iter()
            .any(|&(other, order)| order == Order::Double && piece.nodes()[other].element == Element::Oxygen);
        let acid = carbonyl
            && piece
                .neighbours(0)
                .iter()
                .any(|&(other, order)| order == Order::Single && piece.nodes()[other].element == Element::Oxygen);
        // One carbonyl on a nitrogen, and no carbamic acid.
        let acylated = around.iter().any(|&(next, _)| {
            sketch.neighbours(next).iter().any(|&(_, order)| order == Order::Double) && !sketch.nodes()[next].aromatic
        });
        let soft = !unsaturated_piece || (carbonyl && !acid && !acylated && node.element == Element::Nitrogen);
        return matches!(node.element, Element::Oxygen | Element::Nitrogen)
            && !node.aromatic
            && first.element == Element::Carbon
            && order == Order::Single
            && soft
            && !piece.nodes().iter().any(|node| node.element.is_halogen());
    }
    let hetero: Vec<(usize, Order)> =
        around.iter().copied().filter(|&(other, _)| is_hetero(&sketch.nodes()[other])).collect();
    if order == Order::Double {
        // A new carbonyl: on CH2 or CH3 without other heteroatoms or multiple bonds.
        let plain = around.iter().all(|(_, order)| *order == Order::Single);
        return !node.aromatic && hetero.is_empty() && plain;
    }
    if first.element == Element::Carbon {
        return true;
    }
    if node.aromatic {
        return true;
    }
    let on_carbonyl = hetero.len() == 1 && hetero[0].1 == Order::Double;
    if on_carbonyl {
        return matches!(first.element, Element::Oxygen | Element::Nitrogen) && piece.len() <= 2;
    }
    let multiple = around.iter().any(|(_, order)| matches!(order, Order::Double | Order::Triple));
    let same_halogen = matches!(first.element, Element::Fluorine | Element::Chlorine)
        && hetero.iter().all(|&(other, _)| sketch.nodes()[other].element == first.element);
    !multiple && (hetero.is_empty() || same_halogen)
}

/// The heavy atoms of a SMILES text as `token:hydrogens`, in the order of the text, blank-separated.
pub(super) fn atom_list(sketch: &Sketch) -> String {
    let items: Vec<String> = sketch
        .nodes()
        .iter()
        .enumerate()
        .map(|(atom, node)| {
            let symbol = node.element.symbol();
            let token = if node.aromatic { symbol.to_ascii_lowercase() } else { symbol.to_string() };
            format!("{token}:{}", sketch.hydrogens(atom))
        })
        .collect();
    items.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_molecules_are_sound() {
        let mut seen = std::collections::BTreeSet::new();
        for level in 1..=5u8 {
            let mut rng = Rng::new(u64::from(level));
            let (smallest, weights) = sizes(level);
            let mut made = 0;
            for _ in 0..1_200 {
                let Some(sketch) = draw(&mut rng, level) else { continue };
                made += 1;
                assert!((smallest..smallest + weights.len()).contains(&sketch.len()));
                let text = sketch.write(rng.below(sketch.len()), None, Some(&mut rng));
                let molecule = chemr_chem::Mol::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
                let read = Sketch::parse(&text).unwrap();
                let formula: String = read
                    .element_counts()
                    .iter()
                    .map(|(symbol, count)| if *count == 1 { symbol.to_string() } else { format!("{symbol}{count}") })
                    .collect();
                assert_eq!(formula, molecule.formula(), "{text}");
                let counts = chemr_tasks::polarity::count(&molecule);
                let donors = (0..read.len())
                    .filter(|&atom| {
                        matches!(read.nodes()[atom].element, Element::Nitrogen | Element::Oxygen)
                            && read.hydrogens(atom) > 0
                    })
                    .count();
                assert_eq!(donors, counts.donors, "{text}");
                seen.insert(molecule.canonical().to_string());
            }
            assert!(made > 900, "level {level}: {made} of 1200");
        }
        assert!(seen.len() > 4_400, "{}", seen.len());
    }

    #[test]
    fn atom_list_follows_the_text() {
        assert_eq!(atom_list(&Sketch::parse("CC(=O)c1ccccc1Cl").unwrap()), "C:3 C:0 O:0 c:0 c:1 c:1 c:1 c:1 c:0 Cl:0");
    }
}
