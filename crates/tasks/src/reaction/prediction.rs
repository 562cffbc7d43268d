//! Forward reaction prediction (`reaction_prediction`).
//!
//! # What it asks
//!
//! Given the reactants, and reagents that the reaction needs, as one dot-separated SMILES (input field `reactants`), write the SMILES of the product.
//!
//! # How it is scored
//!
//! The answer passes the input gate, is parsed, and is right when its multiset of fragments equals that of the reference, each
//! fragment by canonical isomeric SMILES. By-products and left-over reactants in the answer make it wrong.
//! Parts: `component_match` (every fragment of the reference is among the answer's, see below) and `flat_match` (equal
//! without stereochemistry).
//!
//! # Known disagreements
//!
//! * ChemLLMBench accepts an answer when the reference equals *one dot-component* of it, so repeating all reactants beside the
//!   product costs nothing there. The main figure here is strict; `component_match` is theirs.
//! * RetroDFM-R clears atom maps and allows at most 200 characters; the gate here allows 400.
//! * Salts: a product given as ion pair and as neutral molecule are different molecules here.
//!
//! # Reference
//!
//! ChemLLMBench, arXiv 2305.18365, reaction prediction (USPTO-MIXED); Schwaller et al., *Molecular Transformer*, ACS Cent. Sci. 2019,
//! 5, 1572 (top-1 exact match of canonical SMILES).

use crate::compare::{join_molecules, same_molecules};
use crate::registry::{Baseline, Task};
use crate::verdict::Judgement;
use crate::{Example, Mode, Prompt};

pub(crate) struct ReactionPrediction;

impl Task for ReactionPrediction {
    fn id(&self) -> &'static str {
        "reaction_prediction"
    }

    fn family(&self) -> &'static str {
        "forward"
    }

    fn title(&self) -> &'static str {
        "Reaction prediction"
    }

    fn input_key(&self) -> &'static str {
        "reactants"
    }

    fn question(&self, example: &Example) -> Prompt {
        Prompt::build("Predict the product of the reaction.", "Reactants", example.field(self.input_key()))
    }

    fn judge(&self, example: &Example, answer: &str, mode: Mode) -> Judgement {
        same_molecules(&join_molecules(answer, mode), &example.reference)
    }

    fn baseline(&self) -> Baseline {
        Baseline::RandomReference
    }

    fn source(&self) -> &'static str {
        include_str!("prediction.rs")
    }
}
