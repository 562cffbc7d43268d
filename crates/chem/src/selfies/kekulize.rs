//! Single and double bonds for the aromatic atoms of a SMILES.
//!
//! An aromatic atom either takes part in exactly one double bond or, when its valence is filled already, in none; the double
//! bonds are a perfect matching of the former. Which of several Kekulé forms comes out is decided in [`super::matching`].

use super::atom::Atom;
use super::error::{SelfiesError, SelfiesErrorKind};
use super::graph::{Graph, Order};
use super::matching::perfect_matching;

/// Valences in aromatic systems and outer electrons.
fn aromatic_valences(atom: &Atom) -> Option<(&'static [i32], i32)> {
    match atom.element.symbol() {
        "B" | "Al" => Some((&[3], 3)),
        "C" | "Si" => Some((&[4], 4)),
        "N" | "P" | "As" => Some((&[3, 5], 5)),
        "O" | "S" | "Se" | "Te" => Some((&[2, 4], 6)),
        _ => None,
    }
}

/// Replaces aromatic bonds by single and double ones. `positions` are the byte offsets of the atoms.
///
/// # Errors
/// `Kekulize` when no perfect matching was found, `Smiles` for an aromatic bond at an element that is never aromatic.
pub(super) fn kekulize(graph: &mut Graph, positions: &[usize]) -> Result<(), SelfiesError> {
    let bonds = std::mem::take(&mut graph.aromatic);
    if bonds.is_empty() {
        return Ok(());
    }
    let mut neighbours = vec![Vec::new(); graph.atoms.len()];
    for &(one, other) in &bonds {
        neighbours[one].push(other);
        neighbours[other].push(one);
    }
    let mut labels = vec![None; graph.atoms.len()];
    let mut takers = Vec::new();
    for (atom, around) in neighbours.iter().enumerate().filter(|(_, around)| !around.is_empty()) {
        if takes_double_bond(graph, atom, around.len(), positions)? {
            labels[atom] = Some(takers.len());
            takers.push(atom);
        }
    }
    let system: Vec<Vec<usize>> = takers
        .iter()
        .map(|&atom| neighbours[atom].iter().filter_map(|&neighbour| labels[neighbour]).collect())
        .collect();
    let matching = perfect_matching(&system).ok_or_else(|| {
        let first = takers.first().and_then(|&atom| positions.get(atom)).copied();
        SelfiesError { kind: SelfiesErrorKind::Kekulize, position: first }
    })?;
    for (one, other) in bonds {
        graph.set_order(one, other, Order::Single);
    }
    for (label, mate) in matching.into_iter().enumerate() {
        graph.set_order(takers[label], takers[mate], Order::Double);
    }
    Ok(())
}

/// Whether an atom with this many aromatic bonds is still to receive a double bond.
fn takes_double_bond(graph: &Graph, index: usize, aromatic: usize, positions: &[usize]) -> Result<bool, SelfiesError> {
    let atom = &graph.atoms[index];
    let Some((valences, outer)) = aromatic_valences(atom) else {
        let kind = SelfiesErrorKind::Smiles { reason: "an aromatic bond at an element that is never aromatic" };
        return Err(SelfiesError { kind, position: positions.get(index).copied() });
    };
    let halves = i64::from(graph.halves(index));
    // Every aromatic bond counts as a single one.
    let used = (halves - aromatic as i64) / 2;
    let filled = |charge: i64, used: i64| valences.iter().any(|&valence| used == i64::from(valence) - charge);
    let Some(hydrogens) = atom.hydrogens else {
        return Ok(!filled(0, used));
    };
    let (charge, hydrogens) = (i64::from(atom.charge), i64::from(hydrogens));
    let used = used + hydrogens;
    let largest = valences.last().map_or(0, |&valence| i64::from(valence));
    let bound = charge.max(0) + hydrogens + halves / 2 + halves % 2;
    // An unpaired electron stays out of the aromatic system.
    let unpaired = (i64::from(outer) - bound).max(0) % 2;
    let free = largest - charge - used - unpaired;
    Ok(!filled(charge, used) && free >= 0 && free % 2 != 0)
}
