//! Some hundred well-known compounds: solvents, reagents, natural products, drugs.
//!
//! Written from general knowledge; every structure was compared with OPSIN 2.9.0's reading of its name or systematic
//! name, and its SMILES is canonical in the sense of RDKit 2026.9.1.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chemr_chem::Mol;
use chemr_tasks::{Example, polarity};

use crate::sketch::heavy_atoms;
use crate::split::split_of;

const TABLE: &str = include_str!("../data/compounds.csv");

/// The `source` of examples made from this table.
pub const SOURCE: &str = "compounds";

/// A well-known compound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compound {
    /// The usual name, e.g. `acetone`.
    pub name: String,
    /// A systematic name, e.g. `propan-2-one`; the usual name where that is systematic or no better one is in use.
    pub systematic: String,
    /// Canonical SMILES.
    pub smiles: String,
    /// Number of heavy atoms.
    pub heavy_atoms: usize,
}

/// All compounds, in the order of the file. Rows that cannot be read are left out; a test says that there are none.
pub fn all() -> &'static [Compound] {
    static COMPOUNDS: LazyLock<Vec<Compound>> = LazyLock::new(|| {
        let mut reader = csv::Reader::from_reader(TABLE.as_bytes());
        reader
            .records()
            .filter_map(|record| {
                let record = record.ok()?;
                let smiles = record.get(2)?;
                Some(Compound {
                    name: record.get(0)?.to_string(),
                    systematic: record.get(1)?.to_string(),
                    smiles: smiles.to_string(),
                    heavy_atoms: heavy_atoms(smiles),
                })
            })
            .collect()
    });
    &COMPOUNDS
}

/// A compound by its usual or systematic name, whatever the case.
pub fn by_name(name: &str) -> Option<&'static Compound> {
    let name = name.trim();
    all().iter().find(|entry| entry.name.eq_ignore_ascii_case(name) || entry.systematic.eq_ignore_ascii_case(name))
}

/// Examples of a task over all compounds, at level 3: `name.smiles_to_formula`, `name.iupac_to_smiles` (from the
/// systematic name) and `property.polarity_rule`; none for other tasks.
pub fn examples(task: &str) -> Vec<Example> {
    all()
        .iter()
        .filter_map(|compound| {
            let molecule = Mol::parse(&compound.smiles).ok()?;
            let canonical = molecule.canonical().to_string();
            let (field, value, reference) = match task {
                "name.smiles_to_formula" => ("smiles", canonical.clone(), molecule.formula()),
                "name.iupac_to_smiles" => ("iupac", compound.systematic.clone(), canonical.clone()),
                "property.polarity_rule" => {
                    ("smiles", canonical.clone(), polarity::count(&molecule).label().to_string())
                }
                _ => return None,
            };
            let meta = BTreeMap::from([
                ("key".to_string(), canonical.clone()),
                ("compound".to_string(), compound.name.clone()),
            ]);
            let input = BTreeMap::from([(field.to_string(), value)]);
            Some(Example::new(task, SOURCE, split_of(&canonical), 3, input, reference, meta))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_a_distinct_canonical_molecule() {
        let rows = TABLE.lines().count() - 1;
        assert_eq!(all().len(), rows);
        assert!(rows >= 300, "{rows}");
        let mut seen = BTreeMap::new();
        for compound in all() {
            let molecule = Mol::parse(&compound.smiles).unwrap_or_else(|error| panic!("{}: {error}", compound.name));
            assert_eq!(molecule.canonical(), compound.smiles, "{}", compound.name);
            assert_eq!(molecule.heavy_atoms(), compound.heavy_atoms, "{}", compound.name);
            let earlier = seen.insert(compound.smiles.clone(), compound.name.clone());
            assert_eq!(earlier, None, "{}", compound.name);
            assert!(!compound.name.is_empty() && !compound.systematic.is_empty());
        }
    }

    #[test]
    fn names_of_the_grammar_agree_with_the_table() {
        let mut checked = 0;
        for compound in all() {
            if let Some(name) = crate::names::parse(&compound.systematic) {
                let molecule = Mol::parse(&name.smiles()).unwrap();
                assert_eq!(molecule.canonical(), compound.smiles, "{}", compound.systematic);
                checked += 1;
            }
        }
        assert!(checked >= 100, "{checked}");
    }

    #[test]
    fn looks_up_and_makes_examples() {
        assert_eq!(by_name("Aspirin").map(|entry| entry.smiles.as_str()), Some("CC(=O)Oc1ccccc1C(=O)O"));
        assert_eq!(by_name("propan-2-one").map(|entry| entry.name.as_str()), Some("acetone"));
        assert!(by_name("unobtainium").is_none());
        for task in ["name.smiles_to_formula", "name.iupac_to_smiles", "property.polarity_rule"] {
            assert_eq!(examples(task).len(), all().len());
        }
        assert!(examples("retrosynthesis").is_empty());
    }
}
