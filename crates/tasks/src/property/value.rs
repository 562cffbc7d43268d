//! Measured numbers of a molecule (`property.*`).
//!
//! # What it asks
//!
//! Given one SMILES (input field `smiles`), estimate a measured number:
//!
//! * `property.esol`: decadic logarithm of the solubility in water, mol/L (ESOL);
//! * `property.aqsoldb`: the same, of the larger curated set AqSolDB;
//! * `property.freesolv`: free energy of hydration, kcal/mol (FreeSolv);
//! * `property.lipophilicity`: logarithm of the distribution coefficient between octanol and water at pH 7.4 (Lipophilicity).
//!
//! # How it is scored
//!
//! Strict: the answer is a number (`-2.31`, `1e-3`) and nothing else. Loose: the only number in the answer, so that a unit may follow. Right
//! when it is off by at most 0.5 (logarithms) or 1 kcal/mol (FreeSolv), the chemical accuracy that such measurements have. Part
//! `absolute_error`, in the unit of the number. The metrics of files of predictions are MAE, RMSE and R2.
//!
//! # Known disagreements
//!
//! * No benchmark has an accuracy for these sets: MoleculeNet reports RMSE. The bound is ours, for a reward that can be verified; other shapes
//!   can be made of `absolute_error`.
//! * ESOL and AqSolDB overlap, and their values for one molecule differ by up to a unit.
//!
//! # Reference
//!
//! Wu et al., *MoleculeNet*, Chem. Sci. 2018, 9, 513; Delaney, J. Chem. Inf. Comput. Sci. 2004, 44, 1000 (ESOL); Mobley and Guthrie, J.
//! Comput.-Aided Mol. Des. 2014, 28, 711 (FreeSolv); Sorkun et al., Sci. Data 2019, 6, 143 (AqSolDB).

use crate::kind::Kind;
use crate::number::within;
use crate::registry::{Field, Task};

macro_rules! value {
    ($id:literal, $title:literal, $tolerance:literal) => {
        Task {
            id: concat!("property.", $id),
            family: "property_value",
            title: $title,
            kind: Kind::Number,
            fields: &[Field { key: "smiles", columns: &["SMILES"] }],
            judge: |example, answer, mode| within(example, answer, mode, $tolerance),
            source: include_str!("value.rs"),
        }
    };
}

pub(crate) static VALUES: [Task; 4] = [
    value!("esol", "Solubility in water (ESOL)", 0.5),
    value!("aqsoldb", "Solubility in water (AqSolDB)", 0.5),
    value!("freesolv", "Free energy of hydration", 1.0),
    value!("lipophilicity", "Lipophilicity", 0.5),
];
