//! The molecule that decides on which side of a split a row stands.

use chemr_tasks::{Example, Task};

use super::SplitBy;
use crate::anatomy::{Anatomy, molecule};
use crate::prefix_filter::{BITS, RADIUS};
use crate::split::stable_hash;

/// The key molecule as the row writes it: what is asked about, or the product of a reaction. `None` for rows without one.
///
/// The same reaction asked forwards and backwards has one key, as have the name of a molecule and its formula.
pub(super) fn text(task: &'static Task, example: &Example) -> Option<String> {
    Anatomy::of(Some(task), example).molecule.map(str::to_owned)
}

/// What a key molecule says about the split.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Key {
    /// Hash of the canonical SMILES. Two molecules of one hash would only stand on the same side.
    pub molecule: u64,
    /// Hash of what is kept together: the molecule, or its scaffold.
    pub group: u64,
    /// Fingerprint of molecules that are clustered.
    pub bits: Vec<u16>,
    pub is_molecule: bool,
}

impl Key {
    /// Of a text; one that is no SMILES (a polymer, a name) stands for itself.
    pub fn new(text: &str, by: SplitBy) -> Key {
        let Some(mol) = molecule(text) else {
            let hash = stable_hash(&format!("text {text}"));
            return Key { molecule: hash, group: hash, ..Key::default() };
        };
        let molecule = stable_hash(mol.canonical());
        let group = match by {
            SplitBy::Scaffold => stable_hash(&format!("scaffold {}", mol.scaffold())),
            _ => molecule,
        };
        let bits = match by {
            SplitBy::Cluster => mol.morgan(RADIUS, BITS).on_bits().into_iter().map(|bit| bit as u16).collect(),
            _ => Vec::new(),
        };
        Key { molecule, group, bits, is_molecule: true }
    }

    /// Of a row without a molecule, by its id: no other row is kept together with it but its repetitions.
    pub fn none(id: u64) -> Key {
        Key { molecule: id, group: id, ..Key::default() }
    }
}

/// A number or a date (`2011`, `2011-04`, `2011-04-30`) as a number that orders them; years and dates compare.
pub(super) fn time(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then_some(number);
    }
    let mut parts = text.split(['T', ' ']).next()?.split('-');
    let year: f64 = parts.next()?.parse().ok()?;
    let mut part = |most: u32| -> Option<u32> {
        let number = parts.next().map_or(Ok(1), str::parse).ok()?;
        (1..=most).contains(&number).then_some(number - 1)
    };
    let (month, day) = (part(12)?, part(31)?);
    parts.next().is_none().then_some(year + f64::from(month * 31 + day) / 372.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chemr_tasks::{Split, task};
    use std::collections::BTreeMap;

    fn key(id: &str, input: &[(&str, &str)], reference: &str) -> Option<String> {
        let input: BTreeMap<String, String> = input.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
        text(task(id).unwrap(), &Example::new(id, "test", Split::Train, 0, input, reference, BTreeMap::new()))
    }

    #[test]
    fn the_key_is_what_is_asked_or_made() {
        assert_eq!(key("retrosynthesis", &[("product", "CCOC")], "CO.CCO").as_deref(), Some("CCOC"));
        assert_eq!(key("reaction_prediction", &[("reactants", "CO.CCO")], "CCOC").as_deref(), Some("CCOC"));
        assert_eq!(key("name.smiles_to_formula", &[("smiles", "CCO")], "C2H6O").as_deref(), Some("CCO"));
        assert_eq!(key("name.iupac_to_smiles", &[("iupac", "ethanol")], "CCO").as_deref(), Some("CCO"));
        assert_eq!(key("reagent_prediction", &[("reaction", "CO.CCO>>CCOC")], "Cl").as_deref(), Some("CCOC"));
        let (one, other) = (Key::new("OCC", SplitBy::Random), Key::new("C(C)O", SplitBy::Random));
        assert_eq!(one, other);
        assert_eq!(one, Key::new("[CH3:1][CH2:2][OH:3]", SplitBy::Random));
        assert!(!Key::new("polystyrene", SplitBy::Scaffold).is_molecule);
        // RDKit 2026.9.1, MurckoScaffold.MurckoScaffoldSmiles: both have O=C(Nc1ccccc1)C1CC1.
        let scaffold = |text: &str| Key::new(text, SplitBy::Scaffold).group;
        assert_eq!(scaffold("O=C(Nc1ccc(Cl)cc1)C1CC1C"), scaffold("O=C(Nc1ccccc1)C1CC1"));
        assert_ne!(scaffold("O=C(Nc1ccccc1)C1CC1"), scaffold("c1ccccc1"));
    }

    #[test]
    fn times_are_ordered() {
        let times =
            ["1976", "1999-12-31", "2000", "2000-02", "2000-02-03T10:00:00Z", "2016"].map(|text| time(text).unwrap());
        assert!(times.is_sorted() && times[0] < times[5], "{times:?}");
        for wrong in ["", "soon", "NaN", "2000-13", "2000-01-00", "2000-01-01-01", "inf"] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }
}
