//! Single-step retrosynthesis (`retrosynthesis`).
//!
//! # What it asks
//!
//! Given the product (input field `product`), write the reactants as one SMILES, molecules separated by `.`.
//!
//! # How it is scored
//!
//! The answer passes the input gate, is parsed, and is right when its multiset of fragments equals that of the reference,
//! each fragment by canonical isomeric SMILES: the order of the reactants does not matter, how often each occurs does.
//! Part `flat_match`: equal without stereochemistry.
//!
//! # Known disagreements
//!
//! * LlaSMol compares *sets* of fragment InChIs, so a doubled reactant is no mistake there, and tautomers are equal.
//! * One product can be made in many ways; exact match with the recorded one undercounts chemically good answers
//!   (round-trip accuracy would not). The gym keeps only products with one disconnection in the registry.
//! * An ion pair (`[Na+].[Cl-]`) is two fragments here; writing it as a covalent molecule is another answer.
//!
//! # Reference
//!
//! Liu et al., ACS Cent. Sci. 2017, 3, 1103, and Coley et al., ACS Cent. Sci. 2017, 3, 1237 (USPTO-50k, top-1 exact match);
//! ChemLLMBench, arXiv 2305.18365.

use crate::compare::{join_molecules, same_molecules};
use crate::registry::{Baseline, Task};
use crate::verdict::Judgement;
use crate::{Example, Mode, Prompt};

pub(crate) struct Retrosynthesis;

impl Task for Retrosynthesis {
    fn id(&self) -> &'static str {
        "retrosynthesis"
    }

    fn family(&self) -> &'static str {
        "retro"
    }

    fn title(&self) -> &'static str {
        "Retrosynthesis"
    }

    fn input_key(&self) -> &'static str {
        "product"
    }

    fn question(&self, example: &Example) -> Prompt {
        let line = "Predict the reactants that give the product. Separate the reactants with a dot.";
        Prompt::build(line, "Product", example.field(self.input_key()))
    }

    fn judge(&self, example: &Example, answer: &str, mode: Mode) -> Judgement {
        same_molecules(&join_molecules(answer, mode), &example.reference)
    }

    fn baseline(&self) -> Baseline {
        Baseline::RandomReference
    }

    fn source(&self) -> &'static str {
        include_str!("retrosynthesis.rs")
    }
}
