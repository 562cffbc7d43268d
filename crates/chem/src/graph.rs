//! Atoms, bonds and rings as plain values.

use cosmolkit::Molecule;

use crate::mol::Mol;

/// One atom of a [`Mol`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Atom {
    /// Place in the molecule: the order of the SMILES text, removed `[H]` not counted.
    pub index: usize,
    /// Element symbol as in the periodic table (`C`, `Cl`; `*` for a dummy).
    pub element: String,
    /// Atomic number, 0 for a dummy.
    pub atomic_number: u8,
    /// Formal charge.
    pub charge: i32,
    /// Hydrogens that are not atoms of their own: implicit ones and those in brackets.
    pub hydrogens: u8,
    /// Aromatic in RDKit's model.
    pub aromatic: bool,
    /// Member of at least one ring.
    pub in_ring: bool,
    /// Bonds to atoms of the molecule (implicit hydrogens not counted).
    pub degree: usize,
    /// Mass number, 0 when none is given.
    pub isotope: u16,
    /// Atom-map number, 0 when none is given.
    pub map_number: u32,
}

/// Order of a [`Bond`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BondOrder {
    Single,
    Double,
    Triple,
    Aromatic,
    /// Dative, quadruple, zero-order and the like.
    Other,
}

/// One bond of a [`Mol`], between atom indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bond {
    pub begin: usize,
    pub end: usize,
    pub order: BondOrder,
    /// Member of at least one ring.
    pub in_ring: bool,
}

pub(crate) fn order_of(order: cosmolkit::BondOrder) -> BondOrder {
    match order {
        cosmolkit::BondOrder::Single => BondOrder::Single,
        cosmolkit::BondOrder::Double => BondOrder::Double,
        cosmolkit::BondOrder::Triple => BondOrder::Triple,
        cosmolkit::BondOrder::Aromatic => BondOrder::Aromatic,
        _ => BondOrder::Other,
    }
}

/// Whether RDKit's ring search walks along a bond of this order.
fn walks(order: cosmolkit::BondOrder) -> bool {
    !matches!(
        order,
        cosmolkit::BondOrder::Zero
            | cosmolkit::BondOrder::Hydrogen
            | cosmolkit::BondOrder::Dative
            | cosmolkit::BondOrder::DativeOne
            | cosmolkit::BondOrder::DativeLeft
            | cosmolkit::BondOrder::DativeRight
    )
}

/// The ring systems of a graph: for each edge the number of its system, or nothing for an edge on
/// no cycle. Two edges are in one system when some cycle runs through both (a biconnected
/// component), so systems may share an atom but no edge. Edges for which `counts` is false are
/// left out. Iterative and linear, so that no molecule can exhaust the stack.
pub(crate) fn ring_systems(
    atoms: usize,
    edges: &[(usize, usize)],
    counts: impl Fn(usize) -> bool,
) -> Vec<Option<usize>> {
    let mut neighbours: Vec<Vec<(usize, usize)>> = vec![Vec::new(); atoms];
    for (index, &(begin, end)) in edges.iter().enumerate() {
        if counts(index) {
            neighbours[begin].push((end, index));
            neighbours[end].push((begin, index));
        }
    }
    let mut system = vec![None; edges.len()];
    let mut systems = 0;
    let mut entered = vec![usize::MAX; atoms];
    let mut lowest = vec![usize::MAX; atoms];
    let mut clock = 0;
    let mut open: Vec<usize> = Vec::new();
    for start in 0..atoms {
        if entered[start] != usize::MAX {
            continue;
        }
        entered[start] = clock;
        lowest[start] = clock;
        clock += 1;
        // (atom, edge it was entered by, next neighbour to look at)
        let mut stack = vec![(start, usize::MAX, 0)];
        while let Some(top) = stack.last_mut() {
            let (atom, by, next) = *top;
            if let Some(&(other, edge)) = neighbours[atom].get(next) {
                top.2 += 1;
                if edge == by {
                    continue;
                }
                if entered[other] == usize::MAX {
                    entered[other] = clock;
                    lowest[other] = clock;
                    clock += 1;
                    open.push(edge);
                    stack.push((other, edge, 0));
                } else if entered[other] < entered[atom] {
                    open.push(edge);
                    lowest[atom] = lowest[atom].min(entered[other]);
                }
                continue;
            }
            stack.pop();
            let Some(&(parent, _, _)) = stack.last() else {
                break;
            };
            lowest[parent] = lowest[parent].min(lowest[atom]);
            if lowest[atom] < entered[parent] {
                continue;
            }
            // The edges since `by` are one component; a bridge is one alone.
            let first = open.iter().rposition(|edge| *edge == by).unwrap_or(0);
            let members = open.split_off(first);
            if members.len() > 1 {
                for member in members {
                    system[member] = Some(systems);
                }
                systems += 1;
            }
        }
    }
    system
}

/// The two atoms of each bond.
pub(crate) fn ends(molecule: &Molecule) -> Vec<(usize, usize)> {
    molecule.bonds().iter().map(|bond| (bond.begin().index(), bond.end().index())).collect()
}

/// For each bond of the molecule whether it is in a ring.
pub(crate) fn ring_bonds(molecule: &Molecule) -> Vec<bool> {
    let bonds = molecule.bonds();
    ring_systems(molecule.num_atoms(), &ends(molecule), |bond| walks(bonds[bond].order()))
        .into_iter()
        .map(|system| system.is_some())
        .collect()
}

impl Mol {
    /// The atoms, by index.
    pub fn atoms(&self) -> Vec<Atom> {
        let molecule = self.toolkit();
        let on_cycle = ring_bonds(molecule);
        let mut in_ring = vec![false; molecule.num_atoms()];
        for (bond, cyclic) in molecule.bonds().iter().zip(&on_cycle) {
            if *cyclic {
                in_ring[bond.begin().index()] = true;
                in_ring[bond.end().index()] = true;
            }
        }
        molecule
            .atoms()
            .iter()
            .enumerate()
            .map(|(index, atom)| Atom {
                index,
                element: atom.element().symbol().to_string(),
                atomic_number: atom.atomic_number(),
                charge: i32::from(atom.formal_charge()),
                hydrogens: atom
                    .total_hydrogens()
                    .ok()
                    .and_then(|count| u8::try_from(count).ok())
                    .unwrap_or_else(|| atom.explicit_hydrogens()),
                aromatic: atom.is_aromatic(),
                in_ring: in_ring[index],
                degree: atom.degree(),
                isotope: atom.isotope().unwrap_or(0),
                map_number: atom.atom_map().unwrap_or(0),
            })
            .collect()
    }

    /// The bonds, in the toolkit's order (that of the SMILES text).
    pub fn bonds(&self) -> Vec<Bond> {
        let molecule = self.toolkit();
        let on_cycle = ring_bonds(molecule);
        molecule
            .bonds()
            .iter()
            .zip(on_cycle)
            .map(|(bond, in_ring)| Bond {
                begin: bond.begin().index(),
                end: bond.end().index(),
                order: order_of(bond.order()),
                in_ring,
            })
            .collect()
    }

    /// The rings of the symmetrised smallest set of smallest rings, each as atom indices in the
    /// order around the ring.
    pub fn ring_atoms(&self) -> Vec<Vec<usize>> {
        crate::guard::guarded(|| {
            let found = self.toolkit().symmetrized_sssr().map_err(crate::ChemError::internal)?;
            Ok(found.atom_rings().iter().map(|ring| ring.iter().map(|atom| atom.index()).collect()).collect())
        })
        .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ring_systems_share_atoms_but_no_edges() {
        // Two triangles with one atom in common, a tail, and a square apart.
        let edges = [(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 2), (4, 5), (6, 7), (7, 8), (8, 9), (9, 6)];
        let found = ring_systems(10, &edges, |_| true);
        let same = |one: usize, other: usize| found[one].is_some() && found[one] == found[other];
        assert!(same(0, 1) && same(1, 2));
        assert!(same(3, 4) && same(4, 5));
        assert!(!same(0, 3));
        assert_eq!(found[6], None);
        assert!(same(7, 10) && !same(7, 0));
        // Without one of its edges the first triangle is no ring.
        let found = ring_systems(10, &edges, |edge| edge != 1);
        assert_eq!(&found[..3], &[None, None, None]);
        assert!(found[3].is_some());
    }

    #[test]
    fn fused_rings_are_one_system() {
        let edges = [(0, 1), (1, 2), (2, 3), (3, 0), (2, 4), (4, 5), (5, 3)];
        let found = ring_systems(6, &edges, |_| true);
        assert!(found.iter().all(|system| *system == Some(0)));
    }
}
