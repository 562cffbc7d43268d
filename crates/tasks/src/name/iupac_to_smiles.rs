//! IUPAC name to SMILES (`name.iupac_to_smiles`).
//!
//! # What it asks
//!
//! Given an IUPAC name (input field `iupac`), write a SMILES of the molecule. Any SMILES of the molecule will do.
//!
//! # How it is scored
//!
//! The answer passes the input gate, is parsed, and is right when its canonical isomeric SMILES equals that of the
//! reference, fragment by fragment: molecules are compared, not strings. Part `flat_match`: equal without
//! stereochemistry.
//!
//! # Known disagreements
//!
//! * PubChem rows often give a flat SMILES beside a name that carries stereochemistry. A right stereo answer then counts as
//!   wrong here; `flat_match` shows how often.
//! * InChI-based scores (MolT5, ChemLLMBench molecule design) call tautomers such as 2-pyridone and 2-hydroxypyridine, and ionic and
//!   covalent sodium acetate, equal; canonical SMILES does not.
//! * The paper's reviewers report plain string matching for this task; that is harsher.
//!
//! # Reference
//!
//! ChemLLMBench, arXiv 2305.18365, name prediction (IUPAC to SMILES): canonicalised exact match, unparsable is wrong.

use crate::compare::same_molecules;
use crate::registry::{Baseline, Task};
use crate::verdict::Judgement;
use crate::{Example, Mode, Prompt};

pub(crate) struct IupacToSmiles;

impl Task for IupacToSmiles {
    fn id(&self) -> &'static str {
        "name.iupac_to_smiles"
    }

    fn family(&self) -> &'static str {
        "name"
    }

    fn title(&self) -> &'static str {
        "IUPAC name to SMILES"
    }

    fn input_key(&self) -> &'static str {
        "iupac"
    }

    fn question(&self, example: &Example) -> Prompt {
        Prompt::build("Write the SMILES of the named molecule.", "Name", example.field(self.input_key()))
    }

    fn judge(&self, example: &Example, answer: &str, _mode: Mode) -> Judgement {
        same_molecules(answer, &example.reference)
    }

    fn baseline(&self) -> Baseline {
        Baseline::RandomReference
    }

    fn source(&self) -> &'static str {
        include_str!("iupac_to_smiles.rs")
    }
}
