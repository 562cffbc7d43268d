//! The 166 MACCS keys in RDKit 2026.9.1's definitions.
//!
//! A key is a chain of atoms, a centre with neighbours, or a count. Chains and centres are tables below; what has to be counted, and cycles, are
//! functions.

use super::BitFingerprint;
use super::flat_graph::{FlatGraph, atom::*, bond};

/// Neighbouring atoms, all different, with the demands on them and on the bonds between them.
struct Chain {
    key: usize,
    atoms: &'static [u32],
    /// One fewer than atoms; none for any bonds.
    bonds: &'static [u8],
    /// The place of the atom that the last one is bonded to, and that bond.
    close: Option<(usize, u8)>,
}

const fn chain(key: usize, atoms: &'static [u32]) -> Chain {
    Chain { key, atoms, bonds: &[], close: None }
}

const fn bonded(key: usize, atoms: &'static [u32], bonds: &'static [u8]) -> Chain {
    Chain { key, atoms, bonds, close: None }
}

/// The last atom is bonded to the one at `close`, by a single or aromatic bond.
const fn closed(key: usize, atoms: &'static [u32], bonds: &'static [u8], close: usize) -> Chain {
    Chain { key, atoms, bonds, close: Some((close, bond::SINGLE_OR_AROMATIC)) }
}

const RING_HETERO_H: u32 = HETERO_H | RING;
const RING_CH2: u32 = CH2 | RING;

/// A key is set when one of its chains is there.
const CHAINS: &[Chain] = &[
    bonded(14, &[S, S], &[bond::SINGLE]),
    bonded(17, &[C, C], &[bond::TRIPLE]),
    chain(20, &[SI]),
    bonded(24, &[N, O], &[bond::SINGLE]),
    chain(28, &[HETERO, CH2, HETERO]),
    chain(31, &[HETERO, X]),
    chain(32, &[C, S, N]),
    chain(33, &[N, S]),
    bonded(34, &[CH2, ANY], &[bond::DOUBLE]),
    chain(36, &[S | RING]),
    bonded(40, &[S, O], &[bond::SINGLE]),
    bonded(41, &[C, N], &[bond::TRIPLE]),
    chain(43, &[HETERO_H, ANY, HETERO_H]),
    chain(44, &[RARE]),
    bonded(45, &[C, C, N], &[bond::DOUBLE, bond::ANY]),
    chain(47, &[S, ANY, N]),
    chain(49, &[CHARGED]),
    chain(51, &[C, S, O]),
    chain(52, &[N, N]),
    chain(53, &[HETERO_H, ANY, ANY, ANY, HETERO_H]),
    chain(54, &[HETERO_H, ANY, ANY, HETERO_H]),
    chain(55, &[O, S, O]),
    chain(57, &[O | RING]),
    chain(58, &[HETERO, S, HETERO]),
    bonded(59, &[S, ANY, ANY], &[bond::NOT_AROMATIC, bond::AROMATIC]),
    bonded(60, &[S, O], &[bond::DOUBLE]),
    bonded(62, &[ANY, ANY, ANY, ANY], &[bond::RING, bond::CHAIN, bond::RING]),
    bonded(63, &[N, O], &[bond::DOUBLE]),
    bonded(64, &[ANY, ANY, S], &[bond::RING, bond::CHAIN]),
    bonded(65, &[C | AROMATIC, N | AROMATIC], &[bond::AROMATIC]),
    chain(67, &[HETERO, S]),
    chain(68, &[HETERO_H, HETERO_H]),
    chain(69, &[HETERO, HETERO_H]),
    chain(70, &[HETERO, N, HETERO]),
    chain(71, &[N, O]),
    chain(72, &[O, ANY, ANY, O]),
    bonded(73, &[S, ANY], &[bond::DOUBLE]),
    chain(74, &[CH3, ANY, CH3]),
    bonded(75, &[ANY, N, ANY], &[bond::CHAIN, bond::RING]),
    chain(77, &[N, ANY, N]),
    bonded(78, &[C, N], &[bond::DOUBLE]),
    chain(79, &[N, ANY, ANY, N]),
    chain(80, &[N, ANY, ANY, ANY, N]),
    chain(82, &[ANY, CH2, HETERO_H]),
    chain(84, &[N | ALIPHATIC | H2]),
    bonded(
        86,
        &[C | ALIPHATIC | H2_OR_H3, HETERO, C | ALIPHATIC | H2_OR_H3],
        &[bond::SINGLE_OR_AROMATIC, bond::SINGLE_OR_AROMATIC],
    ),
    bonded(87, &[X, ANY, ANY], &[bond::CHAIN, bond::RING]),
    chain(89, &[O, ANY, ANY, ANY, O]),
    chain(90, &[HETERO_H, ANY, ANY, CH2, ANY]),
    closed(90, &[RING_HETERO_H, RING, RING, RING_CH2], &[bond::RING; 3], 0),
    closed(90, &[HETERO_H, RING, RING, RING_CH2], &[bond::ANY, bond::RING, bond::RING], 1),
    chain(91, &[HETERO_H, ANY, ANY, ANY, CH2, ANY]),
    closed(91, &[RING_HETERO_H, RING, RING, RING, RING_CH2], &[bond::RING; 4], 0),
    closed(91, &[HETERO_H, RING, RING, RING, RING_CH2], &[bond::ANY, bond::RING, bond::RING, bond::RING], 1),
    closed(91, &[HETERO_H, ANY, RING, RING, RING_CH2], &[bond::ANY, bond::ANY, bond::RING, bond::RING], 2),
    chain(93, &[HETERO, CH3]),
    chain(94, &[HETERO, N]),
    chain(95, &[N, ANY, ANY, O]),
    chain(97, &[N, ANY, ANY, ANY, O]),
    bonded(99, &[C, C], &[bond::DOUBLE]),
    chain(100, &[ANY, CH2, N]),
    chain(102, &[HETERO, O]),
    chain(104, &[HETERO_H, ANY, CH2, ANY]),
    chain(108, &[CH3, ANY, ANY, ANY, CH2, ANY]),
    chain(109, &[ANY, CH2, O]),
    chain(110, &[N, C, O]),
    chain(111, &[N, ANY, CH2, ANY]),
    bonded(113, &[O, ANY, ANY], &[bond::NOT_AROMATIC, bond::AROMATIC]),
    chain(114, &[CH3, CH2, ANY]),
    chain(115, &[CH3, ANY, CH2, ANY]),
    chain(116, &[CH3, ANY, ANY, CH2, ANY]),
    closed(116, &[CH3, ANY, ANY, CH2], &[], 1),
    chain(117, &[N, ANY, O]),
    bonded(119, &[N, ANY], &[bond::DOUBLE]),
    chain(121, &[N | RING]),
    chain(123, &[O, C, O]),
    bonded(126, &[ANY, O, ANY], &[bond::CHAIN, bond::CHAIN]),
    chain(128, &[ANY, CH2, ANY, ANY, ANY, CH2, ANY]),
    closed(128, &[RING, RING_CH2, RING, RING, RING, RING_CH2], &[bond::RING; 5], 0),
    closed(
        128,
        &[ANY, CH2, RING, RING, RING, RING_CH2],
        &[bond::ANY, bond::ANY, bond::RING, bond::RING, bond::RING],
        2,
    ),
    closed(128, &[ANY, CH2, ANY, RING, RING, RING_CH2], &[bond::ANY, bond::ANY, bond::ANY, bond::RING, bond::RING], 3),
    chain(129, &[ANY, CH2, ANY, ANY, CH2, ANY]),
    closed(129, &[RING, CH2, RING, RING, RING_CH2], &[bond::RING; 4], 0),
    closed(129, &[ANY, CH2, RING, RING, RING_CH2], &[bond::ANY, bond::ANY, bond::RING, bond::RING], 2),
    chain(132, &[O, ANY, CH2, ANY]),
    bonded(133, &[ANY, ANY, N], &[bond::RING, bond::CHAIN]),
    bonded(135, &[N, ANY, ANY], &[bond::NOT_AROMATIC, bond::AROMATIC]),
    chain(137, &[NOT_C | RING]),
    chain(139, &[O | ALIPHATIC | H]),
    bonded(144, &[ANY, ANY, ANY, ANY], &[bond::NOT_AROMATIC, bond::AROMATIC, bond::NOT_AROMATIC]),
    chain(147, &[ANY, CH2, CH2, ANY]),
    closed(147, &[RING, RING_CH2, RING_CH2], &[bond::RING; 2], 0),
    bonded(150, &[ANY, ANY, ANY, ANY], &[bond::CHAIN, bond::RING, bond::CHAIN]),
    chain(151, &[N | H]),
    bonded(154, &[C, O], &[bond::DOUBLE]),
    bonded(155, &[ANY, CH2, ANY], &[bond::CHAIN, bond::CHAIN]),
    bonded(157, &[C, O], &[bond::SINGLE]),
    bonded(158, &[C, N], &[bond::SINGLE]),
    chain(162, &[AROMATIC]),
    chain(165, &[RING]),
];

/// An atom with neighbours, all different, and the bonds to them.
struct Centre {
    key: usize,
    atom: u32,
    neighbours: &'static [(u8, u32)],
}

const fn centre(key: usize, atom: u32, neighbours: &'static [(u8, u32)]) -> Centre {
    Centre { key, atom, neighbours }
}

const CENTRES: &[Centre] = &[
    centre(13, N, &[(bond::ANY, O), (bond::ANY, C), (bond::ANY, C)]),
    centre(15, C, &[(bond::ANY, O); 3]),
    centre(21, C, &[(bond::DOUBLE, C), (bond::ANY, HETERO), (bond::ANY, HETERO)]),
    centre(23, C, &[(bond::ANY, N), (bond::ANY, O), (bond::ANY, O)]),
    centre(25, C, &[(bond::ANY, N); 3]),
    centre(26, C, &[(bond::DOUBLE | bond::RING, C), (bond::RING, ANY), (bond::RING, ANY)]),
    centre(30, HETERO, &[(bond::ANY, C), (bond::ANY, C), (bond::ANY, C), (bond::ANY, ANY)]),
    centre(37, C, &[(bond::ANY, N), (bond::ANY, O), (bond::ANY, N)]),
    centre(38, C, &[(bond::ANY, N), (bond::ANY, C), (bond::ANY, N)]),
    centre(39, S, &[(bond::ANY, O); 3]),
    centre(48, HETERO, &[(bond::ANY, O); 3]),
    centre(50, C, &[(bond::DOUBLE, C), (bond::ANY, C), (bond::ANY, C)]),
    centre(56, N, &[(bond::ANY, O), (bond::ANY, O), (bond::ANY, C)]),
    centre(61, S, &[(bond::ANY, ANY); 3]),
    centre(66, C, &[(bond::ANY, C), (bond::ANY, C), (bond::ANY, C), (bond::ANY, ANY)]),
    centre(76, C, &[(bond::DOUBLE, C), (bond::ANY, ANY), (bond::ANY, ANY)]),
    centre(81, ANY, &[(bond::ANY, S), (bond::ANY, ANY), (bond::ANY, ANY)]),
    centre(85, N, &[(bond::ANY, C); 3]),
    centre(92, C, &[(bond::ANY, O), (bond::ANY, N), (bond::ANY, C)]),
    centre(105, ANY, &[(bond::RING, ANY); 3]),
    centre(106, ANY, &[(bond::ANY, HETERO); 3]),
    centre(107, ANY, &[(bond::ANY, X), (bond::ANY, ANY), (bond::ANY, ANY)]),
    centre(112, ANY, &[(bond::ANY, ANY); 4]),
    centre(122, N, &[(bond::ANY, ANY); 3]),
    centre(148, HETERO, &[(bond::ANY, ANY); 3]),
    centre(152, C, &[(bond::ANY, O), (bond::ANY, C), (bond::ANY, C)]),
    centre(156, ANY, &[(bond::ANY, N), (bond::ANY, ANY), (bond::ANY, ANY)]),
];

/// Keys that are set when more than so many atoms meet a demand.
const COUNTS: &[(usize, u32, usize)] = &[
    (120, NOT_C | RING, 1),
    (131, HETERO_H, 1),
    (140, O, 3),
    (146, O, 2),
    (159, O, 1),
    (164, O, 0),
    (141, CH3, 2),
    (142, N, 1),
    (161, N, 0),
    (149, C | ALIPHATIC | H3_OR_H4, 1),
    (160, C | ALIPHATIC | H3_OR_H4, 0),
];

/// The key of an element by itself; groups of metals, and the halogens.
fn element_keys(number: u8) -> &'static [usize] {
    match number {
        3 | 11 | 19 | 37 | 55 | 87 => &[35],
        4 | 12 | 20 | 38 | 56 | 88 => &[10],
        5 | 13 | 31 | 49 | 81 => &[18],
        9 => &[42, 134],
        15 => &[29],
        16 => &[88],
        17 => &[103, 134],
        35 => &[46, 134],
        53 => &[27, 134],
        21 | 22 | 39 | 40 | 72 => &[5],
        23..=25 | 41..=43 | 73..=75 => &[7],
        26..=28 | 44..=46 | 76..=78 => &[9],
        29 | 30 | 47 | 48 | 79 | 80 => &[12],
        32..=34 | 50..=52 | 82..=84 => &[3],
        57..=71 => &[6],
        89..=103 => &[4],
        104 => &[2],
        _ => &[],
    }
}

/// The keys by their numbers; `aromatic_rings` as [`crate::Mol::aromatic_rings`] counts them.
pub(super) fn keys(graph: &FlatGraph, aromatic_rings: usize) -> BitFingerprint {
    let mut found = BitFingerprint::empty(167);
    let atoms = 0..graph.numbers.len();
    graph.numbers.iter().flat_map(|number| element_keys(*number)).for_each(|key| found.set(*key));
    let mut path = Vec::with_capacity(16);
    for chain in CHAINS {
        if !found.has(chain.key) && atoms.clone().any(|start| starts(graph, chain, start, &mut path)) {
            found.set(chain.key);
        }
    }
    for centre in CENTRES {
        if atoms.clone().any(|atom| graph.is(atom, centre.atom) && surrounds(graph, atom, centre.neighbours, &mut path))
        {
            found.set(centre.key);
        }
    }
    for &(key, demand, most) in COUNTS {
        if atoms.clone().filter(|atom| graph.is(*atom, demand)).nth(most).is_some() {
            found.set(key);
        }
    }
    set_pairs(graph, &mut found);
    set_triples(graph, &mut found);
    set_cycles(graph, &mut found);
    let pairs_of_ch2 = [chain(118, &[ANY, CH2, CH2, ANY]), closed(118, &[ANY, CH2, CH2], &[], 0)];
    let begins = |start: &usize| pairs_of_ch2.iter().any(|chain| starts(graph, chain, *start, &mut path));
    if atoms.clone().filter(begins).nth(1).is_some() {
        found.set(118);
    }
    if aromatic_rings > 1 {
        found.set(125);
    }
    if is_mixture(graph) {
        found.set(166);
    }
    found
}

/// Whether a chain starts at an atom.
fn starts(graph: &FlatGraph, chain: &Chain, start: usize, path: &mut Vec<usize>) -> bool {
    path.clear();
    path.push(start);
    graph.is(start, chain.atoms[0]) && goes_on(graph, chain, path)
}

fn goes_on(graph: &FlatGraph, chain: &Chain, path: &mut Vec<usize>) -> bool {
    let place = path.len();
    let last = path[place - 1];
    if place == chain.atoms.len() {
        return chain.close.is_none_or(|(to, demand)| {
            graph.ways(last).iter().any(|way| way.atom == path[to] && way.kind & demand == demand)
        });
    }
    let demand = chain.bonds.get(place - 1).copied().unwrap_or(bond::ANY);
    for way in graph.ways(last) {
        if way.kind & demand == demand && graph.is(way.atom, chain.atoms[place]) && !path.contains(&way.atom) {
            path.push(way.atom);
            if goes_on(graph, chain, path) {
                return true;
            }
            path.pop();
        }
    }
    false
}

/// Whether an atom has different neighbours for all the demands.
fn surrounds(graph: &FlatGraph, atom: usize, demands: &[(u8, u32)], taken: &mut Vec<usize>) -> bool {
    fn rest(graph: &FlatGraph, atom: usize, demands: &[(u8, u32)], taken: &mut Vec<usize>) -> bool {
        let Some(((bond, demand), others)) = demands.split_first() else { return true };
        for way in graph.ways(atom) {
            if way.kind & bond == *bond && graph.is(way.atom, *demand) && !taken.contains(&way.atom) {
                taken.push(way.atom);
                if rest(graph, atom, others, taken) {
                    return true;
                }
                taken.pop();
            }
        }
        false
    }
    taken.clear();
    graph.ways(atom).len() >= demands.len() && rest(graph, atom, demands, taken)
}

/// 124 and 130: one and two bonds between heteroatoms; 136: two double bonds of oxygen.
fn set_pairs(graph: &FlatGraph, found: &mut BitFingerprint) {
    let (mut hetero, mut oxo) = (0, 0);
    for (&(begin, end), order) in graph.bonds.iter().zip(&graph.orders) {
        hetero += usize::from(graph.is(begin, HETERO) && graph.is(end, HETERO));
        let is_oxygen = graph.is(begin, O) || graph.is(end, O);
        oxo += usize::from(is_oxygen && *order == cosmolkit::BondOrder::Double);
    }
    for (key, is_set) in [(124, hetero > 0), (130, hetero > 1), (136, oxo > 1)] {
        if is_set {
            found.set(key);
        }
    }
}

/// 127 and 143: an oxygen on a ring; 138 and 153: CH2 on a heteroatom. Different sets of three atoms count.
fn set_triples(graph: &FlatGraph, found: &mut BitFingerprint) {
    let oxygen = bonded(0, &[O, ANY, ANY], &[bond::CHAIN, bond::RING]);
    let methylene = chain(0, &[HETERO, CH2, ANY]);
    for (chain, one, two) in [(oxygen, 143, 127), (methylene, 153, 138)] {
        match different_triples(graph, &chain) {
            0 => {}
            1 => found.set(one),
            _ => {
                found.set(one);
                found.set(two);
            }
        }
    }
}

/// How many different sets of three atoms form the chain: 0, 1 or 2 for more.
fn different_triples(graph: &FlatGraph, chain: &Chain) -> usize {
    let meets = |kind: u8, place: usize| {
        let demand = chain.bonds.get(place).copied().unwrap_or(bond::ANY);
        kind & demand == demand
    };
    let mut first: Option<[usize; 3]> = None;
    for start in (0..graph.numbers.len()).filter(|atom| graph.is(*atom, chain.atoms[0])) {
        for near in graph.ways(start) {
            if !meets(near.kind, 0) || !graph.is(near.atom, chain.atoms[1]) {
                continue;
            }
            for far in graph.ways(near.atom) {
                if far.atom == start || !meets(far.kind, 1) || !graph.is(far.atom, chain.atoms[2]) {
                    continue;
                }
                let mut set = [start, near.atom, far.atom];
                set.sort_unstable();
                match first {
                    None => first = Some(set),
                    Some(other) if other != set => return 2,
                    Some(_) => {}
                }
            }
        }
    }
    usize::from(first.is_some())
}

/// Keys by the length of a cycle: any, and one with a heteroatom.
const CYCLES: [(usize, usize, Option<usize>); 5] =
    [(3, 22, Some(16)), (4, 11, Some(8)), (5, 96, Some(83)), (6, 163, Some(98)), (7, 19, None)];

/// Most steps of the search for large rings, some tens of milliseconds. A sheet of graphene of a thousand atoms takes a million; small cages that
/// share one atom have no large ring and a number of paths that grows with the power of 14.
const MOST_STEPS: usize = 4_000_000;

/// Cycles of three to seven atoms of the graph, not only those of a smallest set of rings, and rings of eight to fourteen.
fn set_cycles(graph: &FlatGraph, found: &mut BitFingerprint) {
    let is_on_cycle = |atom: usize| graph.ways(atom).iter().any(|way| graph.on_cycle[way.bond]);
    let mut six = None;
    let mut path = Vec::with_capacity(16);
    for start in (0..graph.numbers.len()).filter(|atom| is_on_cycle(*atom)) {
        path.push(start);
        cycles_from(graph, &mut path, &mut six, found);
        path.pop();
    }
    let mut steps = MOST_STEPS;
    let is_large = |length: usize| {
        (0..graph.numbers.len()).filter(|atom| graph.is(*atom, RING)).any(|start| {
            path.clear();
            path.push(start);
            is_cycle_of(graph, length, &mut path, &mut steps)
        })
    };
    if (8..=14).any(is_large) {
        found.set(101);
    }
}

/// Walks from the atom with the lowest number of its cycles. `six` is the first cycle of six atoms.
fn cycles_from(graph: &FlatGraph, path: &mut Vec<usize>, six: &mut Option<[usize; 6]>, found: &mut BitFingerprint) {
    let (start, last) = (path[0], path[path.len() - 1]);
    for way in graph.ways(last) {
        if !graph.on_cycle[way.bond] || way.atom < start {
            continue;
        }
        if way.atom == start && path.len() >= 3 {
            note_cycle(graph, path, six, found);
        } else if path.len() < 7 && !path.contains(&way.atom) {
            path.push(way.atom);
            cycles_from(graph, path, six, found);
            path.pop();
        }
    }
}

fn note_cycle(graph: &FlatGraph, path: &[usize], six: &mut Option<[usize; 6]>, found: &mut BitFingerprint) {
    for (length, any, with_hetero) in CYCLES {
        if length == path.len() {
            found.set(any);
            if let Some(key) = with_hetero.filter(|_| path.iter().any(|atom| graph.is(*atom, HETERO))) {
                found.set(key);
            }
        }
    }
    if let Ok(mut set) = <[usize; 6]>::try_from(path) {
        set.sort_unstable();
        match six {
            None => *six = Some(set),
            Some(other) if *other != set => found.set(145),
            Some(_) => {}
        }
    }
}

/// Whether ring bonds lead from the first atom around a cycle of so many atoms. `steps` are those that are left; without any there is none.
fn is_cycle_of(graph: &FlatGraph, length: usize, path: &mut Vec<usize>, steps: &mut usize) -> bool {
    let Some(left) = steps.checked_sub(1) else { return false };
    *steps = left;
    let (start, last) = (path[0], path[path.len() - 1]);
    for way in graph.ways(last).iter().filter(|way| way.kind & bond::RING != 0) {
        if path.len() == length {
            if way.atom == start {
                return true;
            }
        } else if way.atom > start && !path.contains(&way.atom) {
            path.push(way.atom);
            if is_cycle_of(graph, length, path, steps) {
                return true;
            }
            path.pop();
        }
    }
    false
}

fn is_mixture(graph: &FlatGraph) -> bool {
    let atoms = graph.numbers.len();
    let mut is_reached = vec![false; atoms];
    let mut open: Vec<usize> = (0..atoms.min(1)).collect();
    is_reached[..atoms.min(1)].fill(true);
    let mut count = open.len();
    while let Some(atom) = open.pop() {
        for way in graph.ways(atom) {
            if !std::mem::replace(&mut is_reached[way.atom], true) {
                count += 1;
                open.push(way.atom);
            }
        }
    }
    count < atoms
}
