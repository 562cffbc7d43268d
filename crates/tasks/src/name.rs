//! Name and formula tasks.

mod iupac_to_smiles;
mod smiles_to_formula;

pub(crate) use iupac_to_smiles::IupacToSmiles;
pub(crate) use smiles_to_formula::SmilesToFormula;
