//! The same molecule, seven definitions (`exact.*`).
//!
//! # What it measures
//!
//! How many predictions are the reference.
//!
//! # Definition
//!
//! 1 when both sides agree, else 0; the mean over all rows with a readable reference, missing and invalid predictions included.
//! What is compared:
//!
//! * `exact.string`: the two texts, blanks around them dropped.
//! * `exact.canonical`: canonical isomeric SMILES.
//! * `exact.inchi`: standard InChI.
//! * `exact.fragments`: the canonical SMILES of all fragments, as a multiset.
//! * `exact.component`: whether all fragments of the reference are among those of the prediction.
//! * `exact.largest_fragment`: the canonical SMILES of the fragment with most heavy atoms (of several, the first in the order of
//!   their canonical SMILES).
//! * `exact.map_free`: canonical isomeric SMILES after atom-map numbers were taken out of both texts.
//!
//! # Known disagreements
//!
//! * Standard InChI calls 2-pyridone and 2-hydroxypyridine, and ionic and covalent sodium acetate, equal; canonical SMILES does not.
//! * `exact.component` is how ChemLLMBench counts reactions: repeating all reactants beside the product costs nothing.
//! * `exact.string` punishes another way of writing the same molecule; some papers report it as "exact".
//! * ether0 drops fragments of at most three characters before it takes the largest, so an answer `CCO` counts as none;
//!   `exact.largest_fragment` does not.
//! * ether0 also drops fragments that cannot be read, and takes the first of several largest ones in the order of the text.
//! * RDKit's InChI of a molecule with a wildcard atom is the empty text, and MolT5's code calls two empty texts equal; here a molecule
//!   without an InChI equals nothing.
//! * LlaSMol compares *sets* of InChI of fragments: two equal fragments count as one there.
//!
//! # Reference
//!
//! MolT5 and ChemLLMBench, molecule design (InChI); ChemLLMBench, names (canonical) and reactions (component); LlaSMol (fragments); ether0,
//! arXiv 2506.17238 (largest fragment); RetroDFM-R (map-free). InChI and canonical SMILES as of RDKit 2026.9.1.

use chemr_chem::{Mol, without_maps};

use super::pair::read_molecule;
use super::{Metric, Pair, Statistic, Sums, mean, mean_row, yes_no};
use crate::compare::fragments;

macro_rules! exact {
    ($name:ident, $id:literal, $title:literal, $row:expr) => {
        pub(super) static $name: Metric = Metric {
            id: $id,
            version: 1,
            needs: &[],
            predictions: 1,
            title: $title,
            row: $row,
            statistic: Statistic::Sums(mean),
            source: include_str!("exact.rs"),
        };
    };
}

exact!(STRING, "exact.string", "Exact (string)", |pair| Some(mean_row(yes_no(pair.prediction() == pair.reference()))));
exact!(CANONICAL, "exact.canonical", "Exact (canonical)", |pair| same(pair, |mol| Some(mol.canonical().to_owned())));
exact!(INCHI, "exact.inchi", "Exact (InChI)", |pair| same(pair, Mol::inchi));
exact!(FRAGMENTS, "exact.fragments", "Exact (fragments)", |pair| same(pair, |mol| Some(fragments(mol))));
exact!(COMPONENT, "exact.component", "Exact (component)", |pair| {
    let wanted = fragments(pair.reference_molecule().ok()?);
    let given = pair.predicted_molecule().map(fragments).unwrap_or_default();
    Some(mean_row(yes_no(!given.is_empty() && wanted.iter().all(|fragment| given.contains(fragment)))))
});
exact!(LARGEST_FRAGMENT, "exact.largest_fragment", "Exact (largest fragment)", |pair| same(pair, largest_fragment));
exact!(MAP_FREE, "exact.map_free", "Exact (map-free)", |pair| {
    if ![pair.reference(), pair.prediction()].iter().any(|text| text.contains(':')) {
        return same(pair, |mol| Some(mol.canonical().to_owned()));
    }
    let canonical = |text| read_molecule(&without_maps(text)).ok().map(|mol| mol.canonical().to_owned());
    let reference = canonical(pair.reference())?;
    Some(mean_row(yes_no(canonical(pair.prediction()) == Some(reference))))
});

/// Whether both molecules have the same form. A form that the toolkit cannot make equals nothing.
fn same<T: PartialEq>(pair: &Pair<'_>, form: impl Fn(&Mol) -> Option<T>) -> Option<Sums> {
    let reference = pair.reference_molecule().ok()?;
    let equal = pair.predicted_molecule().is_ok_and(|predicted| match (form(reference), form(predicted)) {
        (Some(reference), Some(predicted)) => reference == predicted,
        _ => false,
    });
    Some(mean_row(yes_no(equal)))
}

fn largest_fragment(mol: &Mol) -> Option<String> {
    let parts = mol.fragments();
    let largest = parts.iter().map(Mol::heavy_atoms).max()?;
    parts.iter().filter(|part| part.heavy_atoms() == largest).map(|part| part.canonical().to_owned()).min()
}
