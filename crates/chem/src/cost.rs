//! Refuses the few structures that would keep the toolkit busy for seconds or for ever.
//!
//! Two steps of RDKit's sanitisation, and so of the toolkit's, are not polynomial in the length
//! of the text:
//!
//! * Aromaticity tries every combination of up to six rings of a fused system until all its bonds
//!   are aromatic. A ladder of 50 phosphorus atoms takes RDKit 15 seconds.
//! * Kekulisation tries every subset of the wildcard atoms (`*`) of an aromatic system.
//!
//! Both are estimated here before they run. A third limit keeps out graphs denser than any cage
//! of chemistry, in which path fingerprints and ring patterns would walk for minutes.
//!
//! Real molecules pass, fullerenes and their adducts included.

use std::collections::BTreeSet;

use cosmolkit::{BondOrder, Molecule, SanitizeOperations, SanitizeParams, SmilesParseParams};

use crate::error::{ChemError, ErrorClass};
use crate::graph::ring_systems;
use crate::syntax::Outline;

/// Most wildcards on rings of one text; 2 to this power matchings are tried in the worst case.
const MAX_RING_WILDCARDS: usize = 8;

/// A fused system with fewer independent cycles than this is never slow.
const HARMLESS_CYCLES: usize = 6;

/// Up to this size a ring system may be as dense as a polyhedron: three bonds an atom, less six.
/// That is the icosahedron of carborane and the largest closed cages of boron.
const POLYHEDRON_ATOMS: usize = 14;

/// Most ring bonds for each four atoms of a larger ring system. Fullerenes have 6, the densest
/// real cage in some 670,000 molecules has 6.5.
const MAX_BONDS_FOR_FOUR_ATOMS: usize = 7;

/// Largest ring that RDKit's search for fused aromatic systems looks at.
const LARGEST_FUSED_RING: usize = 24;

/// Largest combination of rings that it tries.
const LARGEST_COMBINATION: usize = 6;

/// Number of rings in one system above which it stops after pairs.
const PAIRS_ONLY_ABOVE: usize = 300;

/// Refuses a text whose sanitisation would take too long.
pub(crate) fn check(text: &str, outline: &Outline, most_combinations: u64) -> Result<(), ChemError> {
    if outline.rings == 0 {
        return Ok(());
    }
    let atoms = outline.atoms.len();
    let all = ring_systems(atoms, &outline.bonds, |_| true);
    if sizes(&outline.bonds, &all).iter().any(Size::is_too_dense) {
        return Err(ChemError::new(ErrorClass::Gate, "a ring system with more bonds than any cage has"));
    }
    let open = ring_systems(atoms, &outline.bonds, |bond| {
        let (begin, end) = outline.bonds[bond];
        outline.open[begin] && outline.open[end]
    });
    let wildcards: BTreeSet<usize> = outline
        .bonds
        .iter()
        .zip(&open)
        .filter(|(_, system)| system.is_some())
        .flat_map(|(&(begin, end), _)| [begin, end])
        .filter(|atom| outline.wildcard[*atom])
        .collect();
    if wildcards.len() > MAX_RING_WILDCARDS {
        return Err(ChemError::new(ErrorClass::Gate, format!("more than {MAX_RING_WILDCARDS} wildcards in rings")));
    }
    if sizes(&outline.bonds, &open).iter().all(|size| size.cycles() < HARMLESS_CYCLES) {
        return Ok(());
    }
    check_fused_rings(text, most_combinations)
}

/// How large a ring system is.
#[derive(Default)]
struct Size {
    atoms: usize,
    bonds: usize,
}

impl Size {
    fn cycles(&self) -> usize {
        (self.bonds + 1).saturating_sub(self.atoms)
    }

    fn is_too_dense(&self) -> bool {
        if self.atoms <= POLYHEDRON_ATOMS {
            self.bonds + 6 > 3 * self.atoms.max(3)
        } else {
            4 * self.bonds > MAX_BONDS_FOR_FOUR_ATOMS * self.atoms
        }
    }
}

/// The sizes of the systems that [`ring_systems`] has numbered.
fn sizes(bonds: &[(usize, usize)], systems: &[Option<usize>]) -> Vec<Size> {
    let count = systems.iter().flatten().max().map_or(0, |last| last + 1);
    let mut sizes: Vec<Size> = (0..count).map(|_| Size::default()).collect();
    let mut members = BTreeSet::new();
    for (&(begin, end), system) in bonds.iter().zip(systems) {
        if let Some(system) = *system {
            sizes[system].bonds += 1;
            members.insert((system, begin));
            members.insert((system, end));
        }
    }
    for (system, _) in members {
        sizes[system].atoms += 1;
    }
    sizes
}

/// Disjoint sets: things joined pair by pair.
struct Sets(Vec<usize>);

impl Sets {
    fn new(things: usize) -> Sets {
        Sets((0..things).collect())
    }

    fn root(&mut self, mut thing: usize) -> usize {
        while self.0[thing] != thing {
            self.0[thing] = self.0[self.0[thing]];
            thing = self.0[thing];
        }
        thing
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.0[other] = one;
    }
}

/// Kekulises without looking for aromaticity, then counts the ring combinations that the search
/// for aromaticity would have to try.
fn check_fused_rings(text: &str, most_combinations: u64) -> Result<(), ChemError> {
    let parameters = SmilesParseParams { sanitize: false, remove_hs: false, ..SmilesParseParams::default() };
    let stages = SanitizeOperations::CLEANUP.bits()
        | SanitizeOperations::CLEANUP_ORGANOMETALLICS.bits()
        | SanitizeOperations::PROPERTIES.bits()
        | SanitizeOperations::SYMM_RINGS.bits()
        | SanitizeOperations::KEKULIZE.bits();
    let staged = SanitizeOperations::from_bits(stages)
        .ok()
        .zip(Molecule::from_smiles_with_params(text, &parameters).ok())
        .and_then(|(operations, raw)| raw.sanitize_with_params(&SanitizeParams { operations }).ok());
    // What cannot be kekulised never reaches the slow step: the real reading says why.
    let Some(staged) = staged else {
        return Ok(());
    };
    let combinations = ring_combinations(&staged);
    if combinations > most_combinations {
        return Err(ChemError::new(
            ErrorClass::Gate,
            "a fused ring system that would take too long to examine for aromaticity",
        ));
    }
    Ok(())
}

/// What an atom can give to an aromatic system.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Donor {
    /// Cannot take part.
    Never,
    /// Certainly gives one electron: carbon or nitrogen with a double bond in a ring.
    One,
    /// May take part.
    Perhaps,
}

fn ring_combinations(molecule: &Molecule) -> u64 {
    let Ok(found) = molecule.symmetrized_sssr() else {
        return u64::MAX;
    };
    let mut in_ring = vec![false; molecule.num_bonds()];
    for ring in found.bond_rings() {
        for bond in ring {
            in_ring[bond.index()] = true;
        }
    }
    let donors = donors(molecule, &in_ring);
    let rings: Vec<(usize, Vec<usize>)> = found
        .atom_rings()
        .iter()
        .zip(found.bond_rings())
        .enumerate()
        .filter(|(_, (atoms, _))| {
            atoms.len() <= LARGEST_FUSED_RING && atoms.iter().all(|atom| donors[atom.index()] != Donor::Never)
        })
        .map(|(index, (_, bonds))| (index, bonds.iter().map(|bond| bond.index()).collect()))
        .collect();
    // Rings that share a bond are one system: join them through their bonds.
    let mut systems = Sets::new(molecule.num_bonds());
    for (_, bonds) in &rings {
        for pair in bonds.windows(2) {
            systems.join(pair[0], pair[1]);
        }
    }
    let mut count = vec![0_usize; molecule.num_bonds()];
    let mut bonds_of = vec![0_usize; molecule.num_bonds()];
    let mut done_of = vec![0_usize; molecule.num_bonds()];
    let mut seen = vec![false; molecule.num_bonds()];
    let mut done = vec![false; molecule.num_bonds()];
    for (index, bonds) in &rings {
        let root = systems.root(bonds[0]);
        count[root] += 1;
        let aromatic =
            bonds.len() % 4 == 2 && found.atom_rings()[*index].iter().all(|atom| donors[atom.index()] == Donor::One);
        for &bond in bonds {
            if !std::mem::replace(&mut seen[bond], true) {
                bonds_of[root] += 1;
            }
            if aromatic && !std::mem::replace(&mut done[bond], true) {
                done_of[root] += 1;
            }
        }
    }
    (0..count.len())
        .filter(|&root| count[root] > 0 && done_of[root] < bonds_of[root])
        .map(|root| combinations(count[root]))
        .fold(0, u64::saturating_add)
}

/// Number of sets of one to six out of `rings` rings.
fn combinations(rings: usize) -> u64 {
    let largest = if rings > PAIRS_ONLY_ABOVE { 2 } else { LARGEST_COMBINATION.min(rings) };
    let mut total = 0_u64;
    let mut choose = 1_u64;
    for size in 1..=largest {
        choose = choose * (rings - size + 1) as u64 / size as u64;
        total = total.saturating_add(choose);
    }
    total
}

fn donors(molecule: &Molecule, in_ring: &[bool]) -> Vec<Donor> {
    let mut multiple = vec![0_usize; molecule.num_atoms()];
    let mut cyclic = vec![false; molecule.num_atoms()];
    let mut valence = vec![0_usize; molecule.num_atoms()];
    for (index, bond) in molecule.bonds().iter().enumerate() {
        let order = match bond.order() {
            BondOrder::Double => 2,
            BondOrder::Triple => 3,
            _ => 1,
        };
        for atom in [bond.begin().index(), bond.end().index()] {
            valence[atom] += order;
            if order > 1 {
                multiple[atom] += 1;
                cyclic[atom] |= in_ring[index];
            }
        }
    }
    molecule
        .atoms()
        .iter()
        .enumerate()
        .map(|(index, atom)| {
            let hydrogens = atom.total_hydrogens().map_or(0, |count| usize::try_from(count).unwrap_or(0));
            let charge = i32::from(atom.formal_charge());
            match atom.atomic_number() {
                0 => Donor::Perhaps,
                1 | 2 | 3 | 9 | 10 | 11 | 17 | 18 => Donor::Never,
                number if number > 18 && number != 34 && number != 52 => Donor::Never,
                _ if atom.degree() + hydrogens > 3 || multiple[index] > 1 => Donor::Never,
                number
                    if default_valence(i32::from(number) - charge)
                        .is_some_and(|most| valence[index] + hydrogens > most) =>
                {
                    Donor::Never
                }
                6 if multiple[index] == 0 && charge == 0 => Donor::Never,
                6 | 7 if cyclic[index] => Donor::One,
                _ => Donor::Perhaps,
            }
        })
        .collect()
}

/// Default valence of the neutral element with this number, where it matters here.
fn default_valence(number: i32) -> Option<usize> {
    match number {
        5 | 7 | 15 => Some(3),
        6 | 14 => Some(4),
        8 | 16 | 34 | 52 => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::outline;

    fn verdict(text: &str) -> Result<(), ErrorClass> {
        check(text, &outline(text).unwrap(), crate::Gate::ANSWER.max_ring_combinations).map_err(|error| error.class)
    }

    /// A ladder of `rungs` rungs, every atom `atom`.
    fn ladder(atom: &str, rungs: usize) -> String {
        let mut text = String::new();
        for rung in 1..=rungs {
            text.push_str(&format!("{atom}%({rung})"));
        }
        for rung in (1..=rungs).rev() {
            text.push_str(&format!("{atom}%({rung})"));
        }
        // The two atoms of the last rung are neighbours already.
        text.replace(&format!("%({rungs}){atom}%({rungs})"), atom)
    }

    /// A text with these bonds, every one written as a ring closure between parts.
    fn graph(atom: &str, edges: &[(usize, usize)]) -> String {
        let atoms = edges.iter().flat_map(|&(one, other)| [one, other]).max().unwrap_or(0) + 1;
        let mut texts = vec![atom.to_string(); atoms];
        for (number, &(one, other)) in edges.iter().enumerate() {
            texts[one].push_str(&format!("%({number})"));
            texts[other].push_str(&format!("%({number})"));
        }
        texts.join(".")
    }

    /// The icosahedron, its atoms counted from `first` on; `top` and `bottom` are its poles.
    fn icosahedron(top: usize, first: usize, bottom: usize) -> Vec<(usize, usize)> {
        (0..5)
            .flat_map(|place| {
                let (upper, lower) = (first + place, first + 5 + place);
                let (beside, below) = (first + (place + 1) % 5, first + 5 + (place + 1) % 5);
                [(top, upper), (bottom, lower), (upper, beside), (lower, below), (upper, lower), (upper, below)]
            })
            .collect()
    }

    #[test]
    fn closed_cages_pass_and_denser_graphs_do_not() {
        let carborane = icosahedron(0, 1, 11);
        assert_eq!(carborane.len(), 30);
        assert_eq!(verdict(&graph("[BH]", &carborane)), Ok(()));
        // Two of them that share the metal atom between them.
        let sandwich: Vec<(usize, usize)> = carborane.into_iter().chain(icosahedron(0, 12, 22)).collect();
        assert_eq!(verdict(&graph("[Co]", &sandwich)), Ok(()));
        let bipartite: Vec<(usize, usize)> = (0..6).flat_map(|one| (6..12).map(move |other| (one, other))).collect();
        assert_eq!(verdict(&graph("[Fe]", &bipartite)), Err(ErrorClass::Gate));
        let torus: Vec<(usize, usize)> =
            (0..36).flat_map(|at| [(at, at / 6 * 6 + (at + 1) % 6), (at, (at + 6) % 36)]).collect();
        assert_eq!(verdict(&graph("C", &torus)), Err(ErrorClass::Gate));
    }

    #[test]
    fn combinations_are_sums_of_binomials() {
        assert_eq!(combinations(1), 1);
        assert_eq!(combinations(4), 15);
        assert_eq!(combinations(22), 110_055);
        assert_eq!(combinations(301), 301 + 301 * 300 / 2);
    }

    #[test]
    fn ladders_of_lone_pairs_are_refused_and_those_of_methylene_pass() {
        assert_eq!(verdict(&ladder("P", 10)), Ok(()));
        assert_eq!(verdict(&ladder("P", 30)), Err(ErrorClass::Gate));
        assert_eq!(verdict(&ladder("N", 30)), Err(ErrorClass::Gate));
        assert_eq!(verdict(&ladder("C", 30)), Ok(()));
    }

    #[test]
    fn real_ring_systems_pass() {
        let fullerene = "c12c3c4c5c1c1c6c7c2c2c8c3c3c9c4c4c%10c5c5c1c1c6c6c%11c7c2c2c7c8c3c3c8c9\
                         c4c4c9c%10c5c5c1c1c6c6c%11c2c2c7c3c3c8c4c4c9c5c1c1c6c2c3c41";
        assert_eq!(verdict(fullerene), Ok(()));
        let phthalocyanine = "c1ccc2c(c1)C1=NC3=NC(=NC4=NC(=NC5=NC(=NC2=N1)c1ccccc15)c1ccccc14)c1ccccc13";
        assert_eq!(verdict(phthalocyanine), Ok(()));
        assert_eq!(verdict("C12C3C4C1C5C2C3C45"), Ok(()));
    }

    #[test]
    fn wildcards_are_counted_in_rings_only() {
        let chain = "*".repeat(20);
        assert_eq!(verdict(&format!("{chain}c1ccccc1")), Ok(()));
        assert_eq!(verdict("*1cc*cc1"), Ok(()));
        let ring = "c*".repeat(12);
        assert_eq!(verdict(&format!("[nH]1c[nH]{ring}1")), Err(ErrorClass::Gate));
    }
}
