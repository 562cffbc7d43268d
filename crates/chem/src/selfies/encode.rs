//! SMILES to SELFIES.

use super::constraints::Constraints;
use super::error::{SelfiesError, SelfiesErrorKind, check_text};
use super::graph::{Bond, Graph, Order};
use super::kekulize::kekulize;
use super::read::read;
use super::symbol::{MOST_DIGITS, digit_count, push_number};

/// Longest SMILES that is written as SELFIES, in bytes.
pub const MAX_SMILES_CHARS: usize = 1 << 17;

/// The SELFIES of a SMILES, checked against [`Constraints::Default`].
///
/// # Errors
/// As [`encode_with`].
pub fn encode(smiles: &str) -> Result<String, SelfiesError> {
    encode_with(smiles, Some(Constraints::Default))
}

/// The SELFIES of a SMILES: symbols in the order of its atoms, aromatic rings in Kekulé form.
///
/// Without `constraints` nothing is checked, and what [`super::decode`] makes of the result may be another molecule.
///
/// # Errors
/// `TooLong`, `NonAscii`; `Smiles` for what is no SMILES or has no symbols (wildcards, quadruple and dative bonds, chirality
/// other than `@` and `@@`, ring bonds across a dot); `Kekulize`; `Capacity` for the first atom with more bonds than
/// `constraints` allow; `Span` for a branch or ring bond too long to be counted.
pub fn encode_with(smiles: &str, constraints: Option<Constraints>) -> Result<String, SelfiesError> {
    check_text(smiles, MAX_SMILES_CHARS)?;
    let (mut graph, positions) = read(smiles)?;
    kekulize(&mut graph, &positions)?;
    if let Some(constraints) = constraints {
        check(&graph, &positions, constraints)?;
    }
    for atom in 0..graph.atoms.len() {
        if written_bonds_permute_oddly(&graph, atom) {
            graph.atoms[atom].invert();
        }
    }
    let lengths = lengths(&graph, &positions)?;
    let mut text = String::with_capacity(smiles.len() * 4);
    for (place, &root) in graph.roots.iter().enumerate() {
        if place > 0 {
            text.push('.');
        }
        push_chain(&graph, &lengths, root, &mut text);
    }
    Ok(text)
}

fn check(graph: &Graph, positions: &[usize], constraints: Constraints) -> Result<(), SelfiesError> {
    for (index, atom) in graph.atoms.iter().enumerate() {
        let (bonds, capacity) = (graph.pairs(index), atom.capacity(constraints));
        if i64::from(bonds) > i64::from(capacity) {
            let mut symbol = String::new();
            atom.push_smiles(&mut symbol);
            return Err(SelfiesErrorKind::Capacity { atom: symbol, bonds, capacity }.at(positions[index]));
        }
    }
    Ok(())
}

/// Whether the order in which decoding writes the bonds of an atom is an odd permutation of the order here, so that `@` and
/// `@@` change places: ring bonds that close here come first, then those that open here by their other atom, then the rest.
fn written_bonds_permute_oddly(graph: &Graph, atom: usize) -> bool {
    let bonds = &graph.bonds[atom];
    if graph.atoms[atom].chirality.is_none() || bonds.iter().all(|bond| bond.ring.is_none()) {
        return false;
    }
    let mut order: Vec<usize> = (0..bonds.len()).collect();
    order.sort_by_key(|&place| {
        let bond = &bonds[place];
        match bond.ring {
            Some(_) if bond.to < atom => (0, 0),
            Some(_) => (1, bond.to),
            None => (2, 0),
        }
    });
    let mut seen = vec![false; order.len()];
    let mut even_cycles = 0;
    for start in 0..order.len() {
        let mut length = 0;
        let mut place = start;
        while !seen[place] {
            seen[place] = true;
            length += 1;
            place = order[place];
        }
        even_cycles += usize::from(length > 0 && length % 2 == 0);
    }
    even_cycles % 2 == 1
}

/// For each atom the symbols of the chain that begins there.
fn lengths(graph: &Graph, positions: &[usize]) -> Result<Vec<usize>, SelfiesError> {
    let mut lengths = vec![1; graph.atoms.len()];
    // Bonds of a chain lead to later atoms, whose lengths are known when the earlier one's turn comes.
    for atom in (0..graph.atoms.len()).rev() {
        let bonds = &graph.bonds[atom];
        for (place, bond) in bonds.iter().enumerate() {
            let (counted, within) = match bond.ring {
                Some(_) if bond.to > atom => continue,
                Some(_) => (atom - bond.to, 0),
                None if place + 1 == bonds.len() => {
                    lengths[atom] += lengths[bond.to];
                    continue;
                }
                None => (lengths[bond.to], lengths[bond.to]),
            };
            let digits = digit_count(counted - 1);
            if digits > MOST_DIGITS {
                return Err(SelfiesErrorKind::Span { span: counted }.at(positions[atom]));
            }
            lengths[atom] += 1 + digits + within;
        }
    }
    Ok(lengths)
}

/// An atom of the chain that is being written, or one to go back to.
struct Visit {
    atom: usize,
    /// The next of its bonds.
    next: usize,
}

fn push_chain(graph: &Graph, lengths: &[usize], root: usize, text: &mut String) {
    push_atom(graph, root, None, text);
    let mut open = vec![Visit { atom: root, next: 0 }];
    while let Some(visit) = open.last_mut() {
        let atom = visit.atom;
        let bonds = &graph.bonds[atom];
        let Some(bond) = bonds.get(visit.next) else {
            open.pop();
            continue;
        };
        visit.next += 1;
        if bond.ring.is_some() {
            if bond.to < atom {
                push_ring(graph, atom, bond, text);
            }
            continue;
        }
        if visit.next < bonds.len() {
            push_counted(bond.order_sign().as_slice(), "Branch", lengths[bond.to] - 1, text);
        }
        push_atom(graph, bond.to, Some(bond), text);
        open.push(Visit { atom: bond.to, next: 0 });
    }
}

fn push_atom(graph: &Graph, atom: usize, bond: Option<&Bond>, text: &mut String) {
    text.push('[');
    text.extend(bond.and_then(Bond::sign));
    graph.atoms[atom].push_body(text);
    text.push(']');
}

/// A ring bond, written at its later atom.
fn push_ring(graph: &Graph, later: usize, bond: &Bond, text: &mut String) {
    let distance = later - bond.to - 1;
    let marks = (graph.between(bond.to, later).and_then(|other| other.stereo), bond.stereo);
    if bond.order == Order::Single && marks != (None, None) {
        let signs = [marks.0, marks.1].map(|mark| mark.map_or('-', |mark| mark.sign()));
        push_counted(&signs, "Ring", distance, text);
    } else {
        push_counted(bond.order_sign().as_slice(), "Ring", distance, text);
    }
}

/// A branch or ring symbol and the number that belongs to it.
fn push_counted(signs: &[char], name: &str, number: usize, text: &mut String) {
    text.push('[');
    text.extend(signs);
    text.push_str(name);
    text.push_str(&digit_count(number).to_string());
    text.push(']');
    push_number(number, text);
}
