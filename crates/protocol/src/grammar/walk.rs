//! What a walk along the atoms of a molecule must say: written by the teacher, compared by the checker.

use std::collections::BTreeMap;
use std::ops::Range;

use chemr_chem::{Atom, Mol};

/// Elements in Hill order: carbon, hydrogen, then alphabetical; without carbon all alphabetical.
pub(crate) fn hill_order(counts: &BTreeMap<String, usize>) -> Vec<(&str, usize)> {
    let carbon = counts.contains_key("C");
    let mut entries: Vec<(&str, usize)> = counts.iter().map(|(symbol, count)| (symbol.as_str(), *count)).collect();
    entries.sort_by_key(|(symbol, _)| match *symbol {
        "C" if carbon => (0, String::new()),
        "H" if carbon => (1, String::new()),
        other => (2, other.to_string()),
    });
    entries
}

/// `C(:1H3=3 C):2H3=6 O:1H1=7`: the SMILES cut before each atom, then the running number of the atom's element, and its
/// hydrogens with their running total. The text between two atoms stays with the first of them, so that reading the
/// items without their counts gives the SMILES back: a model copies along the string and never loses its place.
pub(crate) fn atom_items(mol: &Mol) -> Vec<String> {
    let atoms = mol.atoms();
    let chunks = atom_chunks(mol.input());
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut hydrogens = 0usize;
    let mut items = Vec::with_capacity(atoms.len());
    for (index, atom) in atoms.iter().enumerate() {
        let number = seen.entry(atom.element.clone()).or_default();
        *number += 1;
        let here = usize::from(atom.hydrogens);
        hydrogens += here;
        // Explicit hydrogens are text without an atom of their own: then the element stands for the chunk.
        let chunk = if chunks.len() == atoms.len() { chunks[index] } else { atom.element.as_str() };
        let count = if here == 0 { String::new() } else { format!("H{here}={hydrogens}") };
        items.push(format!("{chunk}:{number}{count}"));
    }
    items
}

/// Places of the atoms in a SMILES: a bracket with all that is in it, or a symbol.
pub(crate) fn atom_tokens(smiles: &str) -> Vec<Range<usize>> {
    let bytes = smiles.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'[' => at + smiles[at..].find(']').map_or(1, |offset| offset + 1),
            letter if letter.is_ascii_alphabetic() => {
                let two = matches!(&bytes[at..bytes.len().min(at + 2)], b"Cl" | b"Br");
                at + if two { 2 } else { 1 }
            }
            _ => {
                at += 1;
                continue;
            }
        };
        tokens.push(at..end);
        at = end;
    }
    tokens
}

/// A SMILES cut before each atom.
fn atom_chunks(smiles: &str) -> Vec<&str> {
    let starts: Vec<usize> = atom_tokens(smiles).into_iter().map(|token| token.start).collect();
    let ends = starts.iter().skip(1).copied().chain([smiles.len()]);
    starts.iter().zip(ends).map(|(&start, end)| &smiles[start..end]).collect()
}

/// `C6 H12 O2` in Hill order.
pub(crate) fn total_items(counts: &BTreeMap<String, usize>) -> Vec<String> {
    hill_order(counts).into_iter().map(|(symbol, count)| format!("{symbol}{count}")).collect()
}

/// Elements without hydrogen, in Hill order.
pub(crate) fn element_items(counts: &BTreeMap<String, usize>) -> Vec<String> {
    hill_order(counts).into_iter().map(|(symbol, _)| symbol.to_string()).filter(|symbol| symbol != "H").collect()
}

/// `C1 C2 C3`.
pub(crate) fn carbon_items(carbons: usize) -> Vec<String> {
    (1..=carbons).map(|number| format!("C{number}")).collect()
}

/// Whether the atom is a hydrogen-bond donor in RDKit's count.
fn is_donor(atom: &Atom) -> bool {
    match atom.element.as_str() {
        "N" => atom.hydrogens > 0 && matches!(atom.charge, 0 | 1),
        "O" | "S" => atom.hydrogens == 1 && atom.charge == 0,
        _ => false,
    }
}

/// Points of the polarity rule, atom by atom: one for N or O, one more for a donor, with the running total:
/// `OH:2 O:3 NH:5`. Atoms without points are left out.
pub(crate) fn polar_items(mol: &Mol) -> Vec<String> {
    let mut points = 0usize;
    mol.atoms()
        .iter()
        .filter_map(|atom| {
            let donor = is_donor(atom);
            let here = usize::from(matches!(atom.element.as_str(), "N" | "O")) + usize::from(donor);
            points += here;
            (here > 0).then(|| format!("{}{}:{points}", atom.element, if donor { "H" } else { "" }))
        })
        .collect()
}

/// Longest chain of carbons outside rings.
pub(crate) fn longest_chain(mol: &Mol) -> usize {
    let atoms = mol.atoms();
    let chain: Vec<bool> = atoms.iter().map(|atom| atom.element == "C" && !atom.in_ring).collect();
    let mut neighbours: Vec<Vec<usize>> = vec![Vec::new(); atoms.len()];
    for bond in mol.bonds() {
        if bond.begin < atoms.len() && bond.end < atoms.len() && chain[bond.begin] && chain[bond.end] {
            neighbours[bond.begin].push(bond.end);
            neighbours[bond.end].push(bond.begin);
        }
    }
    // Carbons outside rings form a forest: the longest path is found by two searches in each tree.
    let farthest = |start: usize| {
        let mut best = (start, 1);
        let mut stack = vec![(start, usize::MAX, 1)];
        while let Some((atom, from, depth)) = stack.pop() {
            if depth > best.1 {
                best = (atom, depth);
            }
            stack.extend(neighbours[atom].iter().filter(|next| **next != from).map(|next| (*next, atom, depth + 1)));
        }
        best
    };
    let mut longest = 0;
    let mut seen = vec![false; atoms.len()];
    for start in 0..atoms.len() {
        if !chain[start] || seen[start] {
            continue;
        }
        let mut stack = vec![start];
        while let Some(atom) = stack.pop() {
            if !std::mem::replace(&mut seen[atom], true) {
                stack.extend(&neighbours[atom]);
            }
        }
        longest = longest.max(farthest(farthest(start).0).1);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mol(smiles: &str) -> Mol {
        Mol::parse(smiles).unwrap()
    }

    #[test]
    fn formula_walk() {
        let ester = mol("CC(C)C(=O)OCC");
        assert_eq!(atom_items(&ester).join(" "), "C:1H3=3 C(:2H1=4 C):3H3=7 C(=:4 O):1 O:2 C:5H2=9 C:6H3=12");
        assert_eq!(atom_items(&mol("Clc1cc[nH]c1")).join(" "), "Cl:1 c1:1 c:2H1=1 c:3H1=2 [nH]:1H1=3 c1:4H1=4");
        assert_eq!(total_items(&ester.element_counts()).join(" "), "C6 H12 O2");
        assert_eq!(element_items(&ester.element_counts()).join(" "), "C O");
        assert_eq!(total_items(&mol("O").element_counts()).join(" "), "H2 O1");
        assert_eq!(total_items(&mol("ClC(Br)C").element_counts()).join(" "), "C2 H4 Br1 Cl1");
    }

    #[test]
    fn polar_walk_adds_up_to_the_rule() {
        assert_eq!(polar_items(&mol("OCC(=O)NC")).join(" "), "OH:2 O:3 NH:5");
        for smiles in ["OCC(=O)NC", "CS", "c1cc[nH]c1", "C[NH3+]", "CC(=O)[O-]", "O", "CN(C)C", "NS(=O)(=O)C", "CC#N"] {
            let mol = mol(smiles);
            let points = chemr_tasks::polarity::count(&mol).points();
            let last = polar_items(&mol).last().and_then(|item| item.split_once(':')?.1.parse().ok()).unwrap_or(0);
            assert_eq!(points, last, "{smiles}");
        }
    }

    #[test]
    fn longest_chains() {
        for (smiles, length) in
            [("CCCC", 4), ("CC(C)(C)CC", 4), ("C1CC1CC", 2), ("CCOCCC", 3), ("c1ccccc1", 0), ("O", 0)]
        {
            assert_eq!(longest_chain(&mol(smiles)), length, "{smiles}");
        }
    }
}
