//! Stereodescriptors: marks written into a text, and what the toolkit calls them.

use std::collections::BTreeMap;

use chemr_chem::Mol;

use crate::rng::Rng;
use crate::sketch::{Element, Order, Sketch};

/// A structure with its configuration.
pub(super) struct Configured {
    pub smiles: String,
    pub mol: Mol,
    /// Locant and label, `(2, 'R')`, by locant. A double bond has the locant of its first atom.
    pub labels: Vec<(u8, char)>,
}

/// Gives every stereocentre among the parent's atoms a drawn configuration, and labels it.
///
/// `text` is a flat SMILES; `marked` the same with the marks of a double bond, if there is one. `parent` holds, for the atoms of the parent by
/// their order in the text, the locants (0 for none). `None` when the toolkit refuses something, or when a centre is
/// pseudo-asymmetric, for which this grammar has no names.
pub(super) fn configure(
    rng: &mut Rng,
    text: &str,
    marked: Option<&str>,
    parent: &BTreeMap<usize, u8>,
) -> Option<Configured> {
    let sketch = Sketch::parse(text)?;
    let shown = marked.unwrap_or(text);
    let mut turns: BTreeMap<usize, bool> = BTreeMap::new();
    for (&atom, &locant) in parent {
        if locant > 0 && is_candidate(&sketch, atom) {
            turns.insert(atom, rng.chance(1, 2));
        }
    }
    let smiles = with_turns(shown, &sketch, &turns);
    let mol = Mol::parse(&smiles).ok()?;
    if turns.is_empty() && marked.is_none() {
        return Some(Configured { smiles, mol, labels: Vec::new() });
    }
    let found = mol.cip_labels().ok()?;
    let mut labels: Vec<(u8, char)> = Vec::new();
    for (atom, label) in &found.atoms {
        labels.push((*parent.get(atom)?, letter(label)?));
    }
    for (begin, end, label) in &found.bonds {
        labels.push((*parent.get(begin)?.min(parent.get(end)?), letter(label)?));
    }
    labels.sort_unstable();
    // Marks that mean nothing are taken off.
    let centres = turns.len();
    turns.retain(|atom, _| found.atoms.iter().any(|(labelled, _)| labelled == atom));
    if turns.len() == centres && (marked.is_none() || !found.bonds.is_empty()) {
        return Some(Configured { smiles, mol, labels });
    }
    let smiles = with_turns(if found.bonds.is_empty() { text } else { shown }, &sketch, &turns);
    let mol = Mol::parse(&smiles).ok()?;
    Some(Configured { smiles, mol, labels })
}

/// R, S, E or Z; the lower-case labels are not for this grammar.
fn letter(label: &str) -> Option<char> {
    label.chars().next().filter(|letter| matches!(letter, 'R' | 'S' | 'E' | 'Z'))
}

/// A saturated carbon with at most one hydrogen and no two like end atoms on it.
fn is_candidate(sketch: &Sketch, atom: usize) -> bool {
    let Some(node) = sketch.nodes().get(atom) else { return false };
    let around = sketch.neighbours(atom);
    let ends: Vec<(Element, usize)> = around
        .iter()
        .filter(|&&(other, order)| order == Order::Single && sketch.neighbours(other).len() == 1)
        .filter_map(|&(other, _)| Some((sketch.nodes().get(other)?.element, other)))
        .collect();
    let like = ends.iter().any(|(element, atom)| ends.iter().any(|(other, place)| place > atom && other == element));
    node.element == Element::Carbon
        && !node.aromatic
        && sketch.hydrogens(atom) <= 1
        && around.iter().all(|(_, order)| *order == Order::Single)
        && !like
}

/// The text with `[C@H]` and the like in the place of the chosen plain carbons.
fn with_turns(text: &str, sketch: &Sketch, turns: &BTreeMap<usize, bool>) -> String {
    let mut written = String::with_capacity(text.len() + 6 * turns.len());
    let (mut atom, mut bracket) = (0usize, false);
    for (place, letter) in text.char_indices() {
        let second = text[..place].ends_with(['C', 'B']) && matches!(letter, 'l' | 'r') && !bracket;
        let is_atom = (letter == '[' || (letter.is_ascii_alphabetic() && !second)) && !bracket;
        bracket = (bracket || letter == '[') && letter != ']';
        match turns.get(&atom).filter(|_| is_atom && letter == 'C') {
            Some(turn) => {
                let hydrogen = if sketch.hydrogens(atom) == 1 { "H" } else { "" };
                written.push_str(&format!("[C@{}{hydrogen}]", if *turn { "@" } else { "" }));
            }
            None => written.push(letter),
        }
        atom += usize::from(is_atom);
    }
    written
}

/// `(2R,3E)-`, or nothing.
pub(super) fn descriptor(labels: &[(u8, char)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let items: Vec<String> = labels.iter().map(|(locant, label)| format!("{locant}{label}")).collect();
    format!("({})-", items.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_labels() {
        let parent: BTreeMap<usize, u8> = [(0, 1), (3, 2), (4, 3), (6, 4)].into();
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..20 {
            // 3-chlorobutanoic acid and 2-methyl: two centres.
            let text = "C(=O)(O)C(Cl)C(Br)C";
            let parent: BTreeMap<usize, u8> = [(0, 1), (3, 2), (5, 3), (7, 4)].into();
            let made = configure(&mut Rng::new(seed), text, None, &parent).unwrap();
            assert_eq!(made.labels.iter().map(|(locant, _)| *locant).collect::<Vec<_>>(), [2, 3]);
            seen.insert(descriptor(&made.labels));
        }
        assert_eq!(seen.len(), 4, "{seen:?}");
        let flat = configure(&mut Rng::new(1), "C(=O)(O)C(C)C", None, &parent).unwrap();
        assert_eq!((flat.smiles.as_str(), flat.labels.len()), ("C(=O)(O)C(C)C", 0));
        let double: BTreeMap<usize, u8> = [(0, 1), (3, 2), (4, 3), (5, 4)].into();
        let made = configure(&mut Rng::new(1), "C(=O)(O)C=CC", Some("C(=O)(O)/C=C/C"), &double).unwrap();
        assert_eq!(descriptor(&made.labels), "(2E)-");
        // Two like groups: no configuration, and no marks.
        let flat = configure(&mut Rng::new(1), "C(=O)(O)C=C(C)C", Some("C(=O)(O)/C=C/(C)C"), &double);
        assert!(flat.is_none_or(|made| made.labels.is_empty()));
    }
}
