//! Comparing molecules: canonical identity, and identity of sets of molecules.

use chemr_chem::{Composition, Mol};

use crate::guard;
use crate::references;
use crate::verdict::Judgement;

/// Canonical SMILES of every fragment, sorted: a multiset that can be compared.
///
/// Fragments are canonicalised one by one, because the canonical order of the atoms of one fragment may depend on the
/// others when they are written as one string. A single molecule has its canonical form already.
pub(crate) fn fragments(mol: &Mol) -> Vec<String> {
    if !mol.canonical().contains('.') {
        return vec![mol.canonical().to_string()];
    }
    let mut list: Vec<String> = mol.fragments().iter().map(|part| part.canonical().to_string()).collect();
    list.sort_unstable();
    list
}

/// Whether both are equal without stereochemistry. Canonical forms of long molecules are the slow part of a verdict, so
/// they are made only when the atoms agree.
fn flat_equal(a: &Mol, b: &Mol) -> bool {
    let flat = |mol: &Mol| {
        let mut list: Vec<String> = mol.fragments().iter().map(|part| part.canonical_flat().to_string()).collect();
        list.sort_unstable();
        list
    };
    a.heavy_atoms() == b.heavy_atoms() && a.element_counts() == b.element_counts() && flat(a) == flat(b)
}

/// Judges an answer that must be the same molecule, or the same multiset of molecules, as the reference.
///
/// Parts: `flat_match` (equal without stereochemistry) and `component_match` (the reference is one of the answer's
/// components, as ChemLLMBench counts forward predictions).
pub(crate) fn same_molecules(answer: &str, reference: &str) -> Judgement {
    let right = || Judgement::right().part("flat_match", 1.0).part("component_match", 1.0);
    let reading = match guard::answer_reading(answer) {
        Ok(reading) => reading,
        Err(reason) => return Judgement::unreadable(reason),
    };
    if reading.input() == reference {
        return right();
    }
    // Most wrong answers have other atoms, which is seen without any canonical form: they neither are the reference nor hold its components.
    if let (Some(given), Some(wanted)) = (Composition::of(answer), Composition::of_components(reference))
        && !given.covers(&wanted)
    {
        return match references::read(reference) {
            Ok(_) => wrong(false, false),
            Err(reason) => Judgement::unreadable(reason),
        };
    }
    let answer_mol = match guard::canonicalised(reading) {
        Ok(mol) => mol,
        Err(reason) => return Judgement::unreadable(reason),
    };
    // References are canonical by contract, so most right answers are found by comparing strings.
    if answer_mol.canonical() == reference {
        return right();
    }
    let reference = match references::read(reference).and_then(|read| read.molecule()) {
        Ok(mol) => mol,
        Err(reason) => return Judgement::unreadable(reason),
    };
    if answer_mol.is_same(&reference) {
        return right();
    }
    let (given, wanted) = (fragments(&answer_mol), fragments(&reference));
    if given == wanted {
        return right();
    }
    wrong(flat_equal(&answer_mol, &reference), wanted.iter().all(|fragment| given.contains(fragment)))
}

fn wrong(flat: bool, component: bool) -> Judgement {
    let part = |is: bool| f64::from(u8::from(is));
    Judgement::wrong().part("flat_match", part(flat)).part("component_match", part(component))
}

/// A loose answer as one SMILES: blanks around the dots between molecules are taken out. Strict answers stay as they are.
pub(crate) fn join_molecules(answer: &str, mode: crate::Mode) -> String {
    match mode {
        crate::Mode::Strict => answer.to_string(),
        crate::Mode::Loose if answer.len() <= 4096 => answer.split('.').map(str::trim).collect::<Vec<_>>().join("."),
        crate::Mode::Loose => answer.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Reason;

    #[test]
    fn shortcuts_say_what_the_whole_comparison_says() {
        for (answer, reference, reason, flat, component) in [
            // The same text, another writing, and another writing of a reference that is not canonical.
            ("CCO", "CCO", Reason::Correct, 1.0, 1.0),
            (" OCC ", "CCO", Reason::Correct, 1.0, 1.0),
            ("CC(=O)O.OCC", "OCC.OC(C)=O", Reason::Correct, 1.0, 1.0),
            // Other atoms, fewer, more.
            ("CCN", "CCO", Reason::WrongAnswer, 0.0, 0.0),
            ("CCO", "CCO.CCO", Reason::WrongAnswer, 0.0, 1.0),
            ("CCO", "CCO.CO", Reason::WrongAnswer, 0.0, 0.0),
            ("CCO.Cl", "OCC", Reason::WrongAnswer, 0.0, 1.0),
            // The same atoms.
            ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", Reason::WrongAnswer, 1.0, 0.0),
            ("COC", "CCO", Reason::WrongAnswer, 0.0, 0.0),
            // A row that is broken, whatever the answer is made of.
            ("CCN", "CC(C)(C)(C)C", Reason::BrokenExample, 0.0, 0.0),
            ("CCCCCC", "CC(C)(C)(C)C", Reason::BrokenExample, 0.0, 0.0),
            ("CCO", "no molecule", Reason::BrokenExample, 0.0, 0.0),
        ] {
            let found = same_molecules(answer, reference);
            assert_eq!(found.reason, reason, "{answer} {reference}");
            let part = |name| found.parts.get(name).copied().unwrap_or(0.0);
            assert_eq!((part("flat_match"), part("component_match")), (flat, component), "{answer} {reference}");
        }
    }
}
