//! Numbers computed from a molecule, with RDKit 2026.9.1's definitions.

use std::collections::BTreeMap;

use crate::error::ChemError;
use crate::guard::guarded;
use crate::mol::Mol;

/// NaN should the toolkit fail.
fn number<E: std::fmt::Display>(call: impl FnOnce() -> Result<f64, E>) -> f64 {
    guarded(|| call().map_err(ChemError::internal)).unwrap_or(f64::NAN)
}

/// 0 should the toolkit fail.
fn count<E: std::fmt::Display>(call: impl FnOnce() -> Result<u32, E>) -> usize {
    guarded(|| call().map_err(ChemError::internal)).unwrap_or(0) as usize
}

/// # Failures
/// The toolkit refuses a descriptor when a molecule lacks prepared hydrogens or rings. No [`Mol`] does: reading one computes
/// them, and a molecule without them, or without a formula, is refused with the class `internal`. What is left is a fault
/// inside a descriptor. It would give NaN for a real number and 0 for a count; the columns that RDKit's reference
/// tables cover (46,000 values) show none, and a test here asks the toolkit itself on some hundred molecules.
impl Mol {
    /// Hill formula as RDKit writes it, with the charge at the end: `C2H6O`, `C6H6NO3-`, `Ca+2`. Never empty: a molecule
    /// without a formula cannot be read.
    pub fn formula(&self) -> String {
        guarded(|| self.toolkit().molecular_formula().map_err(ChemError::internal)).unwrap_or_default()
    }

    /// Atoms of each element, hydrogen included, isotopes counted as their element.
    pub fn element_counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for atom in self.atoms() {
            if atom.hydrogens > 0 {
                *counts.entry("H".to_string()).or_insert(0) += usize::from(atom.hydrogens);
            }
            *counts.entry(atom.element).or_insert(0) += 1;
        }
        counts
    }

    /// Monoisotopic mass in dalton. NaN should the toolkit fail, see Failures above.
    pub fn exact_mass(&self) -> f64 {
        number(|| self.toolkit().exact_molecular_weight())
    }

    /// Average molecular mass in dalton. NaN should the toolkit fail, see Failures above.
    pub fn average_mass(&self) -> f64 {
        number(|| self.toolkit().molecular_weight())
    }

    /// Wildman-Crippen logP. NaN should the toolkit fail, see Failures above.
    pub fn logp(&self) -> f64 {
        number(|| self.toolkit().crippen_descriptors().map(|both| both.logp))
    }

    /// Wildman-Crippen molar refractivity. NaN should the toolkit fail, see Failures above.
    pub fn mr(&self) -> f64 {
        number(|| self.toolkit().crippen_descriptors().map(|both| both.molar_refractivity))
    }

    /// Topological polar surface area in square angstrom, nitrogen and oxygen only. NaN should the toolkit fail, see Failures above.
    pub fn tpsa(&self) -> f64 {
        number(|| self.toolkit().tpsa())
    }

    /// Quantitative estimate of drug-likeness, 0 to 1. NaN should the toolkit fail, see Failures above.
    pub fn qed(&self) -> f64 {
        number(|| self.toolkit().qed())
    }

    /// Hydrogen-bond donors. 0 should the toolkit fail, see Failures above.
    pub fn hbd(&self) -> usize {
        count(|| self.toolkit().num_hbd())
    }

    /// Hydrogen-bond acceptors. 0 should the toolkit fail, see Failures above.
    pub fn hba(&self) -> usize {
        count(|| self.toolkit().num_hba())
    }

    /// Rotatable bonds, strict definition. 0 should the toolkit fail, see Failures above.
    pub fn rotatable_bonds(&self) -> usize {
        count(|| self.toolkit().num_rotatable_bonds())
    }

    /// Rings of the symmetrised smallest set of smallest rings. 0 should the toolkit fail, see Failures above.
    pub fn rings(&self) -> usize {
        count(|| self.toolkit().num_rings())
    }

    /// Rings whose bonds are all aromatic. 0 should the toolkit fail, see Failures above.
    pub fn aromatic_rings(&self) -> usize {
        count(|| self.toolkit().num_aromatic_rings())
    }

    /// Atoms that are aromatic in RDKit's model.
    pub fn aromatic_atoms(&self) -> usize {
        self.toolkit().atoms().iter().filter(|atom| atom.is_aromatic()).count()
    }

    /// Atoms other than hydrogen and wildcards.
    pub fn heavy_atoms(&self) -> usize {
        self.toolkit().atomic_numbers().iter().filter(|number| **number > 1).count()
    }

    /// Atoms other than hydrogen and carbon.
    pub fn heteroatoms(&self) -> usize {
        self.toolkit().atomic_numbers().iter().filter(|number| !matches!(**number, 1 | 6)).count()
    }

    /// Sum of the formal charges.
    pub fn charge(&self) -> i32 {
        self.toolkit().atoms().iter().map(|atom| i32::from(atom.formal_charge())).sum()
    }

    /// Atoms that are stereocentres, specified or not. 0 should the toolkit fail, see Failures above.
    pub fn stereocenters(&self) -> usize {
        count(|| self.toolkit().num_atom_stereo_centers())
    }

    /// Share of the carbon atoms that are sp3, 0 to 1. NaN should the toolkit fail, see Failures above.
    pub fn fraction_csp3(&self) -> f64 {
        number(|| self.toolkit().fraction_csp3())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Molecules of the group fixture: first column of a tab-separated table.
    const FIXTURE: &str = include_str!("../tests/fixtures/functional_groups.tsv");

    /// The toolkit's own results, where a failure is still one.
    fn all_computed(mol: &Mol) -> bool {
        let toolkit = mol.toolkit();
        toolkit.molecular_formula().is_ok_and(|formula| !formula.is_empty())
            && toolkit.num_hbd().is_ok()
            && toolkit.num_hba().is_ok()
            && toolkit.num_rotatable_bonds().is_ok()
            && toolkit.num_rings().is_ok()
            && toolkit.num_aromatic_rings().is_ok()
            && toolkit.num_atom_stereo_centers().is_ok()
            && toolkit.crippen_descriptors().is_ok()
            && [
                toolkit.fraction_csp3(),
                toolkit.tpsa(),
                toolkit.exact_molecular_weight(),
                toolkit.molecular_weight(),
                toolkit.qed(),
            ]
            .into_iter()
            .all(|value| value.is_ok_and(f64::is_finite))
    }

    #[test]
    fn a_molecule_without_rings_and_hydrogens_is_refused() {
        // A product as the toolkit leaves it, before sanitisation.
        let mut reaction = cosmolkit::Reaction::from_smirks("[C:1][O:2]>>[C:1]=[O:2]").unwrap();
        reaction = reaction.with_initialized_with_params(&cosmolkit::ReactionValidationParams::new(true)).unwrap();
        let ethanol = Mol::parse("CCO").unwrap();
        let parameters = cosmolkit::ReactionRunParams::default();
        let sets =
            ethanol.toolkit().reaction_products_from_inputs(&mut reaction, &[ethanol.toolkit()], &parameters).unwrap();
        let refused = Mol::from_toolkit(sets[0][0].clone(), String::new()).unwrap_err();
        assert_eq!(refused.class, crate::ErrorClass::Internal);
    }

    #[test]
    fn no_descriptor_fails_on_a_molecule_that_was_read() {
        let odd =
            ["*", "[H+]", "[H][H]", "[U]", "[Na+].[Cl-]", "[2H]O[2H]", "*c1ccccc1", "[Fe+2].c1cc[cH-]c1.c1cc[cH-]c1"];
        let lines = FIXTURE.lines().filter(|line| !line.starts_with('#'));
        for smiles in lines.filter_map(|line| line.split('\t').next()).chain(odd) {
            let mol = Mol::parse(smiles).unwrap();
            assert!(all_computed(&mol), "{smiles}");
            for part in mol.fragments() {
                assert!(all_computed(&part), "{part} of {smiles}");
            }
        }
    }
}
