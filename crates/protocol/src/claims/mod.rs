//! Factual claims in a completion, and whether each is true.

mod context;
mod judge;
pub(crate) mod judge_name;
pub(crate) mod judge_reaction;
mod scan;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use scan::check_claims;
pub(crate) use scan::{Found, every_claim};

/// What a claim is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    /// A functional group is in the subject.
    GroupPresent,
    /// A functional group is not in the subject.
    GroupAbsent,
    /// The subject has exactly this many of a group.
    GroupCount,
    /// A fragment of an assembly carries a group.
    GroupFragment,
    /// The groups asked for, restated.
    Constraint,
    /// Molecular formula.
    Formula,
    /// The set of elements.
    Elements,
    /// The total number of atoms of one element.
    ElementCount,
    /// A running total along the atoms.
    RunningCount,
    /// Number of heavy atoms.
    HeavyAtoms,
    /// Number of rings.
    RingCount,
    /// Number of aromatic rings.
    AromaticRings,
    /// Number of hydrogen-bond donors.
    Donors,
    /// Number of hydrogen-bond acceptors.
    Acceptors,
    /// Number of rotatable bonds.
    RotatableBonds,
    /// Molecular weight, logP, polar surface area.
    Descriptor,
    /// Number of reactants.
    ReactantCount,
    /// Length of the parent chain or ring.
    ChainLength,
    /// A substituent or suffix at a locant.
    Substituent,
    /// The text of one parent position.
    Position,
    /// Presence, absence or number of stereodescriptors.
    Stereo,
    /// Ring scaffold.
    Scaffold,
    /// A string is a valid SMILES.
    Smiles,
    /// Parts joined give a string or molecule.
    Assembly,
    /// The named type of the reaction.
    ReactionType,
    /// A bond that the reaction forms.
    BondFormed,
    /// A bond that the reaction breaks.
    BondBroken,
    /// What leaves in the reaction.
    Leaving,
    /// What stands beside the molecules that react.
    Reagent,
    /// An arithmetic step of a rule.
    Arithmetic,
    /// A comparison of a rule.
    Comparison,
    /// Yes or no under the rule.
    Verdict,
}

impl ClaimKind {
    /// Stable code, e.g. `group_present`.
    pub fn as_str(self) -> &'static str {
        match self {
            ClaimKind::GroupPresent => "group_present",
            ClaimKind::GroupAbsent => "group_absent",
            ClaimKind::GroupCount => "group_count",
            ClaimKind::GroupFragment => "group_fragment",
            ClaimKind::Constraint => "constraint",
            ClaimKind::Formula => "formula",
            ClaimKind::Elements => "elements",
            ClaimKind::ElementCount => "element_count",
            ClaimKind::RunningCount => "running_count",
            ClaimKind::HeavyAtoms => "heavy_atoms",
            ClaimKind::RingCount => "ring_count",
            ClaimKind::AromaticRings => "aromatic_rings",
            ClaimKind::Donors => "donors",
            ClaimKind::Acceptors => "acceptors",
            ClaimKind::RotatableBonds => "rotatable_bonds",
            ClaimKind::Descriptor => "descriptor",
            ClaimKind::ReactantCount => "reactant_count",
            ClaimKind::ChainLength => "chain_length",
            ClaimKind::Substituent => "substituent",
            ClaimKind::Position => "position",
            ClaimKind::Stereo => "stereo",
            ClaimKind::Scaffold => "scaffold",
            ClaimKind::Smiles => "smiles",
            ClaimKind::Assembly => "assembly",
            ClaimKind::ReactionType => "reaction_type",
            ClaimKind::BondFormed => "bond_formed",
            ClaimKind::BondBroken => "bond_broken",
            ClaimKind::Leaving => "leaving",
            ClaimKind::Reagent => "reagent",
            ClaimKind::Arithmetic => "arithmetic",
            ClaimKind::Comparison => "comparison",
            ClaimKind::Verdict => "verdict",
        }
    }
}

impl fmt::Display for ClaimKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What the toolkit says about a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    True,
    False,
    /// The toolkit cannot decide: the subject is unclear or there is no rule.
    Unverifiable,
}

/// One factual claim in a completion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub kind: ClaimKind,
    /// Bytes of the completion that state the claim (on character boundaries).
    pub span: Range<usize>,
    /// What the claim is about: a SMILES, `reactant 1`, a locant.
    pub subject: String,
    /// What is said of it: a group, a number, a formula.
    pub value: String,
    pub truth: Truth,
    /// Number of the step, from 1; 0 outside the numbered steps.
    pub step: usize,
}

/// Counts of claims by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimTally {
    pub right: usize,
    #[serde(rename = "false")]
    pub wrong: usize,
    pub unverifiable: usize,
}

impl ClaimTally {
    /// Claims that the toolkit decided.
    pub fn checked(&self) -> usize {
        self.right + self.wrong
    }

    /// Adds one outcome.
    pub fn add(&mut self, truth: Truth) {
        match truth {
            Truth::True => self.right += 1,
            Truth::False => self.wrong += 1,
            Truth::Unverifiable => self.unverifiable += 1,
        }
    }
}

/// Counts claims by kind.
pub fn tally(claims: &[Claim]) -> BTreeMap<ClaimKind, ClaimTally> {
    let mut counts: BTreeMap<ClaimKind, ClaimTally> = BTreeMap::new();
    for claim in claims {
        counts.entry(claim.kind).or_default().add(claim.truth);
    }
    counts
}

#[cfg(test)]
mod tests;
