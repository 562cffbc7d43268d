//! Name and formula tasks.

pub(crate) mod formula_to_smiles;
pub(crate) mod iupac_to_formula;
pub(crate) mod iupac_to_smiles;
pub(crate) mod smiles_to_formula;
pub(crate) mod smiles_to_iupac;
