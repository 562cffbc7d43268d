//! CIP stereodescriptors of atoms and double bonds.

use crate::error::ChemError;
use crate::guard::guarded;
use crate::mol::Mol;

/// The CIP labels of a molecule, as RDKit's new labeller (Hanson et al., J. Chem. Inf. Model. 2018, 58, 1755) assigns them: `R`, `S`, `E`, `Z`, and in
/// lower case the pseudo-asymmetric ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CipLabels {
    /// Labelled atoms by index, ascending.
    pub atoms: Vec<(usize, &'static str)>,
    /// Labelled double bonds: both atoms, as the bond lists them, and the label.
    pub bonds: Vec<(usize, usize, &'static str)>,
}

impl Mol {
    /// Labels of all stereocentres and double bonds whose configuration is given; none of those that are open.
    ///
    /// # Errors
    /// `internal` when the toolkit fails.
    pub fn cip_labels(&self) -> Result<CipLabels, ChemError> {
        guarded(|| {
            let labelled = self.toolkit().with_cip_labels().map_err(ChemError::internal)?;
            let mut labels = CipLabels::default();
            for (index, atom) in labelled.atoms().iter().enumerate() {
                if let Some(label) = atom.cip_descriptor().map_err(ChemError::internal)? {
                    labels.atoms.push((index, label.as_str()));
                }
            }
            for bond in labelled.bonds().iter() {
                if let Some(label) = bond.cip_descriptor().map_err(ChemError::internal)? {
                    labels.bonds.push((bond.begin().index(), bond.end().index(), label.as_str()));
                }
            }
            Ok(labels)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RDKit 2026.9.1: `rdCIPLabeler.AssignCIPLabels`.
    #[test]
    fn labels_are_those_of_rdkit() {
        for (smiles, atoms, bonds) in [
            ("N[C@@H](C)C(=O)O", vec![(1, "S")], vec![]),
            ("N[C@@H](CS)C(=O)O", vec![(1, "R")], vec![]),
            ("C[C@@H](O)[C@H](N)C(=O)O", vec![(1, "R"), (3, "S")], vec![]),
            ("C/C=C/C(=O)O", vec![], vec![(1, 2, "E")]),
            (r"C/C(Cl)=C(/C)Br", vec![], vec![(1, 3, "E")]),
            ("C[C@H]1CC[C@@H](O)CC1", vec![(1, "s"), (4, "s")], vec![]),
            ("CC(O)CC", vec![], vec![]),
        ] {
            let labels = Mol::parse(smiles).unwrap().cip_labels().unwrap();
            assert_eq!((labels.atoms, labels.bonds), (atoms, bonds), "{smiles}");
        }
    }
}
