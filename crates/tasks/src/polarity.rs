//! The polarity rule: a synthetic property with an explicit rule.
//!
//! It is no measured quantity and stands for none. It exists so that a yes/no property can be generated without limit
//! and every step of the reasoning about it can be checked.

use chemr_chem::Mol;

/// The counts that the rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolarityCounts {
    /// Hydrogen-bond donors, as the toolkit counts them.
    pub donors: usize,
    /// Nitrogen and oxygen atoms.
    pub nitrogen_oxygen: usize,
    /// Carbon atoms.
    pub carbons: usize,
}

impl PolarityCounts {
    /// Donors plus nitrogen and oxygen atoms.
    pub fn points(&self) -> usize {
        self.donors + self.nitrogen_oxygen
    }

    /// The rule: polar when twice the points are at least the carbons.
    pub fn is_polar(&self) -> bool {
        2 * self.points() >= self.carbons
    }

    /// `Yes` or `No`, as references spell it.
    pub fn label(&self) -> &'static str {
        if self.is_polar() { "Yes" } else { "No" }
    }
}

/// Counts what the rule needs.
pub fn count(mol: &Mol) -> PolarityCounts {
    let elements = mol.element_counts();
    let of = |symbol: &str| elements.get(symbol).copied().unwrap_or(0);
    PolarityCounts { donors: mol.hbd(), nitrogen_oxygen: of("N") + of("O"), carbons: of("C") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_on_known_molecules() {
        for (smiles, donors, nitrogen_oxygen, carbons, label) in [
            ("CCO", 1, 1, 2, "Yes"),
            ("CCCCCO", 1, 1, 5, "No"),
            ("CCCCO", 1, 1, 4, "Yes"),
            ("CCOCC", 0, 1, 4, "No"),
            ("NCC(=O)O", 2, 3, 2, "Yes"),
            ("CCCCCCCl", 0, 0, 6, "No"),
        ] {
            let counts = count(&Mol::parse(smiles).unwrap());
            assert_eq!(counts, PolarityCounts { donors, nitrogen_oxygen, carbons }, "{smiles}");
            assert_eq!(counts.label(), label, "{smiles}");
        }
    }
}
