//! What fingerprints read of a molecule, in flat arrays.

use cosmolkit::{BondOrder, Molecule};

use crate::graph::{ends, ring_bonds, ring_systems};

/// Demands on an atom; one that has all bits of a demand meets it.
pub(super) mod atom {
    pub const ANY: u32 = 0;
    pub const C: u32 = 1;
    pub const N: u32 = 1 << 1;
    pub const O: u32 = 1 << 2;
    pub const S: u32 = 1 << 3;
    pub const SI: u32 = 1 << 4;
    /// Fluorine to iodine.
    pub const X: u32 = 1 << 5;
    /// Neither carbon nor hydrogen.
    pub const HETERO: u32 = 1 << 6;
    pub const NOT_C: u32 = 1 << 7;
    /// Not among H, C, N, O, F, Si, P, S, Cl, Br, I.
    pub const RARE: u32 = 1 << 8;
    pub const AROMATIC: u32 = 1 << 9;
    pub const ALIPHATIC: u32 = 1 << 10;
    pub const RING: u32 = 1 << 11;
    pub const CHARGED: u32 = 1 << 12;
    /// At least one hydrogen.
    pub const H: u32 = 1 << 13;
    pub const H2: u32 = 1 << 14;
    pub const H3: u32 = 1 << 15;
    pub const H2_OR_H3: u32 = 1 << 16;
    pub const H3_OR_H4: u32 = 1 << 17;
    pub const CH2: u32 = C | ALIPHATIC | H2;
    pub const CH3: u32 = C | ALIPHATIC | H3;
    pub const HETERO_H: u32 = HETERO | H;
}

/// Demands on a bond.
pub(super) mod bond {
    pub const ANY: u8 = 0;
    pub const SINGLE: u8 = 1;
    pub const DOUBLE: u8 = 1 << 1;
    pub const TRIPLE: u8 = 1 << 2;
    pub const AROMATIC: u8 = 1 << 3;
    pub const NOT_AROMATIC: u8 = 1 << 4;
    pub const RING: u8 = 1 << 5;
    pub const CHAIN: u8 = 1 << 6;
    pub const SINGLE_OR_AROMATIC: u8 = 1 << 7;
}

/// A bond seen from one of its atoms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub atom: usize,
    pub bond: usize,
    pub kind: u8,
}

#[derive(Debug)]
pub(super) struct FlatGraph {
    pub numbers: Vec<u8>,
    /// What each atom meets, by the bits of [`atom`].
    pub kinds: Vec<u32>,
    pub bonds: Vec<(usize, usize)>,
    pub orders: Vec<BondOrder>,
    /// Bonds on a cycle of the graph, whatever their order: what the ring search does not walk along counts here, too.
    pub on_cycle: Vec<bool>,
    first: Vec<usize>,
    ways: Vec<Way>,
}

impl FlatGraph {
    pub fn of(molecule: &Molecule) -> FlatGraph {
        let bonds = ends(molecule);
        let orders: Vec<BondOrder> = molecule.bonds().iter().map(|bond| bond.order()).collect();
        let in_ring = ring_bonds(molecule);
        let atoms = molecule.num_atoms();
        let mut first = vec![0; atoms + 1];
        for &(begin, end) in &bonds {
            first[begin + 1] += 1;
            first[end + 1] += 1;
        }
        for atom in 0..atoms {
            first[atom + 1] += first[atom];
        }
        let mut ways = vec![Way { atom: 0, bond: 0, kind: 0 }; 2 * bonds.len()];
        let mut next = first.clone();
        for (index, &(begin, end)) in bonds.iter().enumerate() {
            let kind = kind_of(orders[index], in_ring[index]);
            for (from, to) in [(begin, end), (end, begin)] {
                ways[next[from]] = Way { atom: to, bond: index, kind };
                next[from] += 1;
            }
        }
        let numbers = molecule.atomic_numbers();
        let neighbours = |atom: usize| &ways[first[atom]..first[atom + 1]];
        let atoms_read = molecule.atoms();
        let kinds = atoms_read.iter().enumerate().map(|(index, atom)| {
            let near = neighbours(index).iter().filter(|way| numbers[way.atom] == 1).count();
            let hydrogens = near + atom.total_hydrogens().map_or(0, |count| usize::try_from(count).unwrap_or(0));
            let is_in_ring = neighbours(index).iter().any(|way| way.kind & bond::RING != 0);
            atom_kind(numbers[index], hydrogens)
                | if atom.is_aromatic() { atom::AROMATIC } else { atom::ALIPHATIC }
                | if is_in_ring { atom::RING } else { 0 }
                | if atom.formal_charge() != 0 { atom::CHARGED } else { 0 }
        });
        let kinds = kinds.collect();
        let on_cycle = ring_systems(atoms, &bonds, |_| true).iter().map(Option::is_some).collect();
        FlatGraph { numbers, kinds, bonds, orders, on_cycle, first, ways }
    }

    pub fn ways(&self, atom: usize) -> &[Way] {
        &self.ways[self.first[atom]..self.first[atom + 1]]
    }

    pub fn is(&self, atom: usize, demand: u32) -> bool {
        self.kinds[atom] & demand == demand
    }
}

fn kind_of(order: BondOrder, in_ring: bool) -> u8 {
    let order = match order {
        BondOrder::Single => bond::SINGLE | bond::SINGLE_OR_AROMATIC | bond::NOT_AROMATIC,
        BondOrder::Double => bond::DOUBLE | bond::NOT_AROMATIC,
        BondOrder::Triple => bond::TRIPLE | bond::NOT_AROMATIC,
        BondOrder::Aromatic => bond::AROMATIC | bond::SINGLE_OR_AROMATIC,
        _ => bond::NOT_AROMATIC,
    };
    order | if in_ring { bond::RING } else { bond::CHAIN }
}

fn atom_kind(number: u8, hydrogens: usize) -> u32 {
    let element = match number {
        6 => atom::C,
        7 => atom::N,
        8 => atom::O,
        16 => atom::S,
        14 => atom::SI,
        9 | 17 | 35 | 53 => atom::X,
        1 | 15 => 0,
        _ => atom::RARE,
    };
    let hydrogens = match hydrogens {
        0 => 0,
        1 => atom::H,
        2 => atom::H | atom::H2 | atom::H2_OR_H3,
        3 => atom::H | atom::H3 | atom::H2_OR_H3 | atom::H3_OR_H4,
        4 => atom::H | atom::H3_OR_H4,
        _ => atom::H,
    };
    let hetero = if matches!(number, 1 | 6) { 0 } else { atom::HETERO };
    element | hydrogens | hetero | if number == 6 { 0 } else { atom::NOT_C }
}
