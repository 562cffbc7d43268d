//! Where the reaction centre of a mapped reaction stands in its text.

use std::collections::BTreeMap;

use chemr_chem::{BondOrder, Gate, Mol};

use super::table::MapTally;
use crate::anatomy::sides;

/// The bonds of an atom: map number of the other end (0 for none) and order, sorted.
type Bonds = Vec<(u32, BondOrder)>;

/// Bonds by map number.
fn bonds(mol: &Mol, found: &mut BTreeMap<u32, Bonds>) {
    let atoms = mol.atoms();
    let number = |atom: usize| atoms.get(atom).map_or(0, |atom| atom.map_number);
    for bond in mol.bonds() {
        for (one, other) in [(bond.begin, bond.end), (bond.end, bond.begin)] {
            if number(one) > 0 {
                found.entry(number(one)).or_default().push((number(other), bond.order));
            }
        }
    }
    for bonds in found.values_mut() {
        bonds.sort_unstable();
    }
}

/// Looks at a mapped reaction: an atom of the product is in the centre when its bonds, each with its order and the map number of its other end,
/// are not those it has in the reactants. `None` where a side cannot be read or no atom is mapped on both.
pub(super) fn centre(reaction: &str) -> Option<MapTally> {
    let (reactants, product) = sides(reaction)?;
    let product = Mol::parse_with(product, &Gate::DATA).ok()?;
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    let mut known = std::collections::BTreeSet::new();
    for text in reactants.split('.') {
        let mol = Mol::parse_with(text, &Gate::DATA).ok()?;
        known.extend(mol.atoms().iter().map(|atom| atom.map_number).filter(|number| *number > 0));
        bonds(&mol, &mut before);
    }
    bonds(&product, &mut after);
    let atoms = product.atoms();
    if !atoms.iter().any(|atom| known.contains(&atom.map_number)) {
        return None;
    }
    let is_in_centre = |number: u32| number == 0 || before.get(&number) != after.get(&number);
    let in_centre = atoms.iter().filter(|atom| is_in_centre(atom.map_number)).count();
    let one = atoms.iter().any(|atom| atom.map_number == 1);
    let first = atoms.first()?.map_number;
    Some(MapTally {
        reactions: 1,
        with_one: u64::from(one),
        one_in_centre: u64::from(one && is_in_centre(1)),
        first_in_centre: u64::from(is_in_centre(first)),
        expected: in_centre as f64 / atoms.len() as f64,
    })
}

impl MapTally {
    pub fn add(&mut self, other: &MapTally) {
        self.reactions += other.reactions;
        self.with_one += other.with_one;
        self.one_in_centre += other.one_in_centre;
        self.first_in_centre += other.first_in_centre;
        self.expected += other.expected;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_centre_is_where_bonds_change() {
        // Acetic acid and methylamine to the amide: the carbonyl carbon (2) and the nitrogen (5) change, of five atoms.
        let found = |product: &str| centre(&format!("[CH3:1][C:2](=[O:3])[OH:4].[NH2:5][CH3:6]>O>{product}")).unwrap();
        let by_name = found("[CH3:1][C:2](=[O:3])[NH:5][CH3:6]");
        assert_eq!((by_name.with_one, by_name.one_in_centre, by_name.first_in_centre), (1, 0, 0));
        assert!((by_name.expected - 0.4).abs() < 1e-12);
        assert_eq!(found("[NH:5]([CH3:6])[C:2]([CH3:1])=[O:3]").first_in_centre, 1);
        let relabelled =
            centre("[CH3:2][C:1](=[O:3])[OH:4].[NH2:5][CH3:6]>>[CH3:2][C:1](=[O:3])[NH:5][CH3:6]").unwrap();
        assert_eq!((relabelled.one_in_centre, relabelled.first_in_centre), (1, 0));
        // An order that changes counts.
        assert!((centre("[CH2:1]=[CH2:2]>>[CH3:1][CH3:2]").unwrap().expected - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_has_no_centre() {
        for text in ["", "CC>>CC", "[CH4:1]", "[CH4:1]>>", "[CH3:1>>C", "[CH4:1]>>[CH4:2]", "C>>[CH4:1] |f:0|"] {
            assert_eq!(centre(text), None, "{text}");
        }
    }
}
