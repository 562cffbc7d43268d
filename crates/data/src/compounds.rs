//! Some hundred well-known compounds: solvents, reagents, natural products, drugs.
//!
//! Written from general knowledge; every structure was compared with OPSIN 2.9.0's reading of its name or systematic
//! name, and its SMILES is canonical in the sense of RDKit 2026.9.1.

use std::sync::LazyLock;

use crate::sketch::heavy_atoms;

const TABLE: &str = include_str!("../data/compounds.csv");

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chemr_chem::Mol;

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
}
