//! Comparing molecules: canonical identity, and identity of sets of molecules.

use chemr_chem::Mol;

use crate::guard;
use crate::verdict::{Judgement, Reason};

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
    let answer_mol = match guard::answer_molecule(answer) {
        Ok(mol) => mol,
        Err(reason) => return Judgement::unreadable(reason),
    };
    // References are canonical by contract, so most right answers are found by comparing strings.
    if answer_mol.canonical() == reference {
        return Judgement::right().part("flat_match", 1.0).part("component_match", 1.0);
    }
    let reference_mol = match guard::data_molecule(reference) {
        Ok(mol) => mol,
        Err(Reason::ToolkitPanic) => return Judgement::unreadable(Reason::ToolkitPanic),
        Err(_) => return Judgement::unreadable(Reason::BrokenExample),
    };
    let (given, wanted) = (fragments(&answer_mol), fragments(&reference_mol));
    if given == wanted {
        return Judgement::right().part("flat_match", 1.0).part("component_match", 1.0);
    }
    let flat = flat_equal(&answer_mol, &reference_mol);
    let component = wanted.iter().all(|fragment| given.contains(fragment));
    Judgement::wrong()
        .part("flat_match", f64::from(u8::from(flat)))
        .part("component_match", f64::from(u8::from(component)))
}

/// A loose answer as one SMILES: blanks around the dots between molecules are taken out. Strict answers stay as they are.
pub(crate) fn join_molecules(answer: &str, mode: crate::Mode) -> String {
    match mode {
        crate::Mode::Strict => answer.to_string(),
        crate::Mode::Loose if answer.len() <= 4096 => answer.split('.').map(str::trim).collect::<Vec<_>>().join("."),
        crate::Mode::Loose => answer.to_string(),
    }
}
