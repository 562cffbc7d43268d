//! Reagent selection (`reagent.reactant`, `reagent.ligand`, `reagent.solvent`).
//!
//! # What it asks
//!
//! Given a Suzuki-Miyaura reaction that lacks one component (input field `reaction`: the other components, each with its role) and candidates for it
//! (`candidates`: SMILES separated by commas), choose the one with the highest yield. The reference is the list of candidates, best first, separated by commas.
//!
//! # How it is scored
//!
//! The answer is the SMILES of one candidate, compared by canonical isomeric SMILES, fragment by fragment; another molecule is `unclear_choice`. Reactant and solvent: right when it
//! is the best. Ligand: right when it is in the better half (of ten candidates the first five). Where the row gives the yields (`meta["yields"]`, numbers in the order of
//! the reference, separated by commas), a candidate with the same yield as one that is right is right. Part `rank`: its place in the reference, from 0 for the
//! best to 1 for the last.
//!
//! # Known disagreements
//!
//! * The components inside ChemLLMBench's prompts stand under the wrong roles in part (a solvent as `base`); rows are shown as they come.
//! * The training half of the same plates holds the answers to many questions: see the audit of the data before training on it.
//!
//! # Reference
//!
//! Perera et al., Science 2018, 359, 429; ChemLLMBench, arXiv 2305.18365, reagent selection (top 1; top 50 % for ligands).

use crate::compare::fragments;
use crate::kind::Kind;
use crate::metrics::number;
use crate::registry::{Field, Task};
use crate::verdict::{Judgement, Reason};
use crate::{Example, guard};

/// Their family: the reference of such a row may be a ranking.
pub(crate) const FAMILY: &str = "selection";

/// Most candidates that a row may have: a reaction of the benchmark has at most ten.
const MAX_CANDIDATES: usize = 100;

macro_rules! selection {
    ($id:literal, $title:literal, $right:expr) => {
        Task {
            id: concat!("reagent.", $id),
            family: FAMILY,
            title: $title,
            kind: Kind::Demand,
            fields: &[Field { key: "reaction", columns: &["prompt_body"] }, Field { key: "candidates", columns: &[] }],
            judge: |example, answer, _| judge(example, answer, $right),
            source: include_str!("selection.rs"),
        }
    };
}

pub(crate) static SELECTIONS: [Task; 3] = [
    selection!("reactant", "Reactant selection", |_| 1),
    selection!("ligand", "Ligand selection", |all| usize::max(all / 2, 1)),
    selection!("solvent", "Solvent selection", |_| 1),
];

/// The best candidate of a ranking.
pub(crate) fn best(ranking: &str) -> &str {
    ranking.split(',').next().unwrap_or(ranking).trim()
}

/// The place of the answer among the candidates.
pub(crate) fn chosen(candidates: &[&str], answer: &str) -> Result<usize, Reason> {
    if candidates.len() > MAX_CANDIDATES || candidates.iter().any(|candidate| candidate.is_empty()) {
        return Err(Reason::BrokenExample);
    }
    let given = fragments(&guard::answer_molecule(answer)?);
    let is_given = |candidate: &&str| guard::data_molecule(candidate).is_ok_and(|mol| fragments(&mol) == given);
    candidates.iter().position(is_given).ok_or(Reason::UnclearChoice)
}

fn judge(example: &Example, answer: &str, right: fn(usize) -> usize) -> Judgement {
    let ranked: Vec<&str> = example.reference.split(',').map(str::trim).collect();
    let place = match chosen(&ranked, answer) {
        Ok(place) => place,
        Err(reason) => return Judgement::unreadable(reason),
    };
    let right = right(ranked.len());
    let is_tied = || {
        let yields = example.meta.get("yields")?;
        let yields: Vec<f64> = yields.split(',').map(number).collect::<Option<_>>()?;
        (yields.len() == ranked.len()).then(|| yields[place] >= yields[right - 1])
    };
    let last = (ranked.len() - 1).max(1) as f64;
    Judgement::of(place < right || is_tied() == Some(true)).part("rank", place as f64 / last)
}
