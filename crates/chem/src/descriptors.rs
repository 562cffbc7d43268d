//! Numbers computed from a molecule, with RDKit 2026.9.1's definitions.

use std::collections::BTreeMap;

use crate::error::ChemError;
use crate::guard::guarded;
use crate::mol::Mol;

fn number<E: std::fmt::Display>(call: impl FnOnce() -> Result<f64, E>) -> f64 {
    guarded(|| call().map_err(ChemError::internal)).unwrap_or(f64::NAN)
}

fn count<E: std::fmt::Display>(call: impl FnOnce() -> Result<u32, E>) -> usize {
    guarded(|| call().map_err(ChemError::internal)).unwrap_or(0) as usize
}

/// Floating-point results are NaN should the toolkit fail on a molecule that it has read itself,
/// which has not been seen.
impl Mol {
    /// Hill formula as RDKit writes it, with the charge at the end: `C2H6O`, `C6H6NO3-`, `Ca+2`.
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

    /// Monoisotopic mass in dalton.
    pub fn exact_mass(&self) -> f64 {
        number(|| self.toolkit().exact_molecular_weight())
    }

    /// Average molecular mass in dalton.
    pub fn average_mass(&self) -> f64 {
        number(|| self.toolkit().molecular_weight())
    }

    /// Wildman-Crippen logP.
    pub fn logp(&self) -> f64 {
        number(|| self.toolkit().crippen_descriptors().map(|both| both.logp))
    }

    /// Wildman-Crippen molar refractivity.
    pub fn mr(&self) -> f64 {
        number(|| self.toolkit().crippen_descriptors().map(|both| both.molar_refractivity))
    }

    /// Topological polar surface area in square angstrom, nitrogen and oxygen only.
    pub fn tpsa(&self) -> f64 {
        number(|| self.toolkit().tpsa())
    }

    /// Quantitative estimate of drug-likeness, 0 to 1.
    pub fn qed(&self) -> f64 {
        number(|| self.toolkit().qed())
    }

    /// Hydrogen-bond donors.
    pub fn hbd(&self) -> usize {
        count(|| self.toolkit().num_hbd())
    }

    /// Hydrogen-bond acceptors.
    pub fn hba(&self) -> usize {
        count(|| self.toolkit().num_hba())
    }

    /// Rotatable bonds, strict definition.
    pub fn rotatable_bonds(&self) -> usize {
        count(|| self.toolkit().num_rotatable_bonds())
    }

    /// Rings of the symmetrised smallest set of smallest rings.
    pub fn rings(&self) -> usize {
        count(|| self.toolkit().num_rings())
    }

    /// Rings whose bonds are all aromatic.
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

    /// Atoms that are stereocentres, specified or not.
    pub fn stereocenters(&self) -> usize {
        count(|| self.toolkit().num_atom_stereo_centers())
    }

    /// Share of the carbon atoms that are sp3, 0 to 1.
    pub fn fraction_csp3(&self) -> f64 {
        number(|| self.toolkit().fraction_csp3())
    }
}
