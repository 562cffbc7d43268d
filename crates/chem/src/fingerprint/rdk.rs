//! RDKit's path fingerprint: all connected sub-structures of 1 to 7 bonds, two bits each.

use cosmolkit::BondOrder;

use super::BitFingerprint;
use super::flat_graph::{FlatGraph, atom};

const LONGEST: usize = 7;

/// A fingerprint of `size` bits: each sub-structure sets the one at the hash of its bonds, and one drawn with that hash as the seed.
pub(super) fn fingerprint(graph: &FlatGraph, size: usize) -> BitFingerprint {
    let mut walk = Walk {
        graph,
        hashes: bond_hashes(graph),
        is_seen: vec![false; graph.bonds.len()],
        degrees: vec![0; graph.numbers.len()],
        atoms: 0,
        path: Vec::with_capacity(LONGEST),
        open: Vec::new(),
        size,
        found: BitFingerprint::empty(size),
    };
    for first in 0..graph.bonds.len() {
        // It stays seen: all sub-structures with this bond are found before the next one's turn.
        walk.is_seen[first] = true;
        walk.take(first, 0);
    }
    walk.found
}

/// Every connected set of bonds once: a set is extended by the bonds that were next to it in turn, and by those that became next to it with
/// its newest bond alone (Wernicke, IEEE/ACM Trans. Comput. Biol. Bioinform. 2006, 3, 347, for bonds in place of vertices).
struct Walk<'a> {
    graph: &'a FlatGraph,
    hashes: Vec<[[u32; LONGEST + 1]; LONGEST + 1]>,
    /// Part of the sub-structure, among the bonds that may extend it, or done with.
    is_seen: Vec<bool>,
    /// Bonds of the sub-structure at each atom.
    degrees: Vec<u8>,
    atoms: u32,
    path: Vec<usize>,
    /// Bonds that may extend the sub-structure; each level of the recursion works on an end of the list.
    open: Vec<usize>,
    size: usize,
    found: BitFingerprint,
}

impl Walk<'_> {
    /// Adds a bond, notes the sub-structure, and goes on with those that have it, too. `from` is where the bonds begin that may
    /// extend it.
    fn take(&mut self, bond: usize, from: usize) {
        let graph = self.graph;
        let (begin, end) = graph.bonds[bond];
        for atom in [begin, end] {
            self.atoms += u32::from(self.degrees[atom] == 0);
            self.degrees[atom] += 1;
        }
        self.path.push(bond);
        self.note();
        if self.path.len() < LONGEST {
            let old = self.open.len();
            for atom in [begin, end] {
                for way in graph.ways(atom) {
                    if !self.is_seen[way.bond] {
                        self.is_seen[way.bond] = true;
                        self.open.push(way.bond);
                    }
                }
            }
            let last = self.open.len();
            for place in from..last {
                let next = self.open[place];
                self.take(next, place + 1);
            }
            for place in old..last {
                self.is_seen[self.open[place]] = false;
            }
            self.open.truncate(old);
        }
        self.path.pop();
        for atom in [begin, end] {
            self.degrees[atom] -= 1;
            self.atoms -= u32::from(self.degrees[atom] == 0);
        }
    }

    fn note(&mut self) {
        let mut hashes = [0_u32; LONGEST + 1];
        let count = self.path.len();
        for (hash, &bond) in hashes.iter_mut().zip(&self.path) {
            let (begin, end) = self.graph.bonds[bond];
            *hash = self.hashes[bond][usize::from(self.degrees[begin])][usize::from(self.degrees[end])];
        }
        let seed = if count == 1 {
            hashes[0]
        } else {
            hashes[..count].sort_unstable();
            hashes[count] = self.atoms;
            let mut seed = 0;
            hashes[..=count].iter().for_each(|hash| combine(&mut seed, *hash));
            seed
        };
        self.found.set(seed as usize % self.size);
        self.found.set(drawn(seed) as usize % self.size);
    }
}

fn combine(seed: &mut u32, value: u32) {
    *seed ^= value.wrapping_add(0x9e37_79b9).wrapping_add(*seed << 6).wrapping_add(*seed >> 2);
}

/// The hash of each bond for all numbers of sub-structure bonds at its two atoms.
fn bond_hashes(graph: &FlatGraph) -> Vec<[[u32; LONGEST + 1]; LONGEST + 1]> {
    let is_aromatic = |place: usize| graph.is(place, atom::AROMATIC);
    let invariant = |atom: usize| (u32::from(graph.numbers[atom]) % 128) << 1 | u32::from(is_aromatic(atom));
    let each = graph.bonds.iter().zip(&graph.orders).map(|(&(begin, end), &order)| {
        let mut table = [[0; LONGEST + 1]; LONGEST + 1];
        let most = |atom: usize| graph.ways(atom).len().min(LONGEST);
        for (of_begin, row) in table.iter_mut().enumerate().take(most(begin) + 1).skip(1) {
            for (of_end, entry) in row.iter_mut().enumerate().take(most(end) + 1).skip(1) {
                let mut ends = [(invariant(begin), of_begin as u32), (invariant(end), of_end as u32)];
                ends.sort_unstable_by(|a, b| b.cmp(a));
                let mut hash = (of_begin + of_end - 2) as u32;
                let [(first, first_degree), (second, second_degree)] = ends;
                for value in [code(order), first, first_degree, second, second_degree] {
                    combine(&mut hash, value);
                }
                *entry = hash;
            }
        }
        table
    });
    each.collect()
}

/// RDKit's number of a bond order.
fn code(order: BondOrder) -> u32 {
    u32::try_from(order.rdkit_code()).unwrap_or(0)
}

/// The first number, of 31 bits, from RDKit's generator: a Mersenne twister with a state of four words.
fn drawn(seed: u32) -> u32 {
    const UPPER: u32 = 1 << 31;
    const TWIST: u32 = 0x9908_b0df;
    let mut state = [seed; 4];
    for index in 1..4 {
        let last: u32 = state[index - 1];
        state[index] = 1_812_433_253_u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(index as u32);
    }
    let mixed = state[1] ^ state[3];
    let low = if mixed & UPPER != 0 { ((mixed ^ TWIST) << 1) | 1 } else { mixed << 1 };
    state[0] = (state[0] & UPPER) | (low & !UPPER);
    if state == [0; 4] {
        state[0] = UPPER;
    }
    let joined = (state[0] & UPPER) | (state[1] & !UPPER);
    let mut word = state[2] ^ (joined >> 1) ^ ((state[1] & 1) * TWIST);
    word ^= word >> 11;
    word ^= (word << 7) & 0x9d2c_5680;
    word ^= (word << 15) & 0xefc6_0000;
    word ^= word >> 18;
    word / 2
}
