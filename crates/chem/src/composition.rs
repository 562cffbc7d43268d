//! Which heavy atoms a text has, read off its symbols.

use std::collections::BTreeMap;

use crate::gate::Gate;
use crate::syntax::{Outline, heavy_symbol, outline};

/// How many heavy atoms of each element a SMILES text has. Texts of one molecule have one composition, however they are written, so
/// different ones tell that two texts are not the same molecule for a hundredth of the time of reading them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Composition(BTreeMap<[u8; 2], usize>);

impl Composition {
    /// The composition of a text that [`Gate::DATA`] and the grammar pass; whether it is a molecule is not looked at. `None` for other
    /// texts, and for those with elements by their numbers or by obsolete names.
    pub fn of(smiles: &str) -> Option<Composition> {
        let text = Gate::DATA.check(smiles).ok()?;
        let Outline { atoms, edits, .. } = outline(text).ok()?;
        if !edits.is_empty() {
            return None;
        }
        let mut counts = BTreeMap::new();
        for start in atoms {
            if let Some(symbol) = heavy_symbol(&text[start..])? {
                *counts.entry(symbol).or_insert(0) += 1;
            }
        }
        Some(Composition(counts))
    }

    /// The least that a mixture must hold to have every molecule of this text among its components, however often each stands here: parts of one
    /// composition may be one molecule, and count once. `None` as in [`Composition::of`], and for rings that close across a dot.
    pub fn of_components(smiles: &str) -> Option<Composition> {
        let mut parts: Vec<Composition> = smiles.split('.').map(Composition::of).collect::<Option<_>>()?;
        parts.sort_unstable();
        parts.dedup();
        let mut counts = BTreeMap::new();
        for (symbol, count) in parts.into_iter().flat_map(|part| part.0) {
            *counts.entry(symbol).or_insert(0) += count;
        }
        Some(Composition(counts))
    }

    /// Symbols of the elements of which the other has more atoms, in alphabetical order: what this lacks to become the other.
    pub fn lacks(&self, other: &Composition) -> Vec<String> {
        let more = other.0.iter().filter(|(symbol, count)| self.0.get(*symbol).is_none_or(|found| found < count));
        more.map(|(symbol, _)| symbol.iter().filter(|byte| **byte != 0).map(|byte| char::from(*byte)).collect())
            .collect()
    }

    /// Whether there are at least as many atoms of each element as the other has: otherwise the other is no part of this.
    pub fn covers(&self, other: &Composition) -> bool {
        other.0.iter().all(|(symbol, count)| self.0.get(symbol).is_some_and(|found| found >= count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mol;

    fn of(text: &str) -> Composition {
        Composition::of(text).unwrap_or_else(|| panic!("{text} has no composition"))
    }

    #[test]
    fn symbols_are_counted_however_they_are_written() {
        for (one, other) in [
            ("OCC", "C([2H])(O)C"),
            ("c1cc[nH]c1", "C1=CNC=C1"),
            ("[Cl-].[Na+]", "[Na]Cl"),
            ("Clc1ccc[se]1", "[CH]1=C[Se]C([35Cl])=C1"),
            ("[H][H].*", "*"),
        ] {
            assert_eq!(of(one), of(other), "{one} {other}");
        }
        assert_ne!(of("CCl"), of("CC"));
        assert_ne!(of("Cn"), of("[Cn]"));
        assert!(of("CCO.CC(=O)O").covers(&of("OCC")));
        assert!(!of("CCO").covers(&of("CCN")));
        assert_eq!(of("CCO").lacks(&of("ClCN.CCCl")), ["C", "Cl", "N"]);
        assert!(of("CCO.N").lacks(&of("CCN")).is_empty());
        let components = |text| Composition::of_components(text);
        assert_eq!(components("[Cl-].[Mg+2].[Cl-]"), Some(of("Cl[Mg]")));
        assert_eq!(components("CCO.OCC.CO"), Some(of("CCO.CO")));
        assert_eq!(components("C1.C1"), None);
        for text in ["", "C(", "CCO the product", "[#6]C", "[Uuo]"] {
            assert_eq!(Composition::of(text), None, "{text}");
        }
    }

    #[test]
    fn the_atoms_of_a_molecule_are_those_of_its_text() {
        let fixture = include_str!("../tests/fixtures/molecules.csv");
        let mut count = 0;
        for mol in fixture.lines().filter_map(|line| Mol::parse_with(line.split(',').nth(1)?, &Gate::DATA).ok()) {
            let mut atoms = BTreeMap::new();
            for element in mol.atoms().into_iter().map(|atom| atom.element).filter(|element| element != "H") {
                let bytes = element.as_bytes();
                *atoms.entry([bytes[0], bytes.get(1).copied().unwrap_or(0)]).or_insert(0) += 1;
            }
            for text in [mol.input(), mol.canonical(), &mol.random_smiles(7)] {
                assert_eq!(of(text), Composition(atoms.clone()), "{text}");
            }
            count += 1;
        }
        assert!(count > 100);
    }
}
