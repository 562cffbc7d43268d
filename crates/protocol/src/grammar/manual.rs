//! The table of patterns as it stands in `docs/protocols.md`.

use super::sentences::{Rule, SENTENCES};
use crate::ClaimKind;

impl Rule {
    /// The kinds of claims that a sentence of this rule makes.
    pub fn kinds(self) -> &'static [ClaimKind] {
        match self {
            Rule::Elements => &[ClaimKind::Elements],
            Rule::AtomWalk | Rule::CarbonWalk | Rule::PolarWalk | Rule::NoPolarAtoms => &[ClaimKind::RunningCount],
            Rule::Totals | Rule::ElementCount => &[ClaimKind::ElementCount],
            Rule::Formula => &[ClaimKind::Formula],
            Rule::ChainParent | Rule::RingParent | Rule::ChainLength => &[ClaimKind::ChainLength],
            Rule::Substituents | Rule::NoSubstituents => &[ClaimKind::Substituent],
            Rule::Stereodescriptors | Rule::Stereocentres | Rule::DefinedStereocentres => &[ClaimKind::Stereo],
            Rule::Positions => &[ClaimKind::Position, ClaimKind::Assembly, ClaimKind::Smiles],
            Rule::Written => &[ClaimKind::Smiles],
            Rule::Scaffold => &[ClaimKind::Scaffold],
            Rule::AtLeast | Rule::Below => &[ClaimKind::Arithmetic, ClaimKind::Comparison],
            Rule::Verdict => &[ClaimKind::Verdict],
            Rule::HeavyAtoms => &[ClaimKind::HeavyAtoms],
            Rule::Rings | Rule::RingSystems | Rule::Acyclic => &[ClaimKind::RingCount],
            Rule::AromaticRings | Rule::BenzeneRings => &[ClaimKind::AromaticRings],
            Rule::Donors => &[ClaimKind::Donors],
            Rule::Acceptors => &[ClaimKind::Acceptors],
            Rule::RotatableBonds => &[ClaimKind::RotatableBonds],
            Rule::PolarSurface | Rule::LogP | Rule::Weight => &[ClaimKind::Descriptor],
            Rule::ReactantCount => &[ClaimKind::ReactantCount],
            Rule::Reagents => &[ClaimKind::Reagent],
            Rule::Groups | Rule::GroupsPresent => {
                &[ClaimKind::GroupPresent, ClaimKind::GroupCount, ClaimKind::GroupAbsent]
            }
            Rule::NoGroups | Rule::GroupsAbsent | Rule::NoKnownGroup => &[ClaimKind::GroupAbsent],
            Rule::ReactionType => &[ClaimKind::ReactionType],
            Rule::BondsFormed => &[ClaimKind::BondFormed],
            Rule::BondsBroken => &[ClaimKind::BondBroken],
            Rule::Leaving | Rule::LeavingAtoms => &[ClaimKind::Leaving],
            Rule::Parts | Rule::Joined => &[ClaimKind::Assembly, ClaimKind::Smiles],
            Rule::Constraint => &[ClaimKind::Constraint],
            Rule::Pieces => &[ClaimKind::GroupFragment],
        }
    }
}

/// All patterns in Markdown: rule, claims, wordings of the teacher, further wordings of the reader.
pub fn documentation() -> String {
    let mut text = String::new();
    for sentence in SENTENCES {
        let kinds: Vec<&str> = sentence.rule.kinds().iter().map(|kind| kind.as_str()).collect();
        text.push_str(&format!("* **{:?}** → {}\n", sentence.rule, kinds.join(", ")));
        for wording in sentence.teacher {
            text.push_str(&format!("  * `{wording}`\n"));
        }
        for wording in sentence.reader {
            text.push_str(&format!("  * reader: `{wording}`\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: &str = "<!-- patterns: begin -->\n";
    const END: &str = "<!-- patterns: end -->";

    /// `docs/protocols.md` shows the table as it is; with `CHEMR_WRITE_DOCS` set the test writes it.
    #[test]
    fn the_manual_lists_every_pattern() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocols.md");
        let manual = std::fs::read_to_string(path).unwrap();
        let (before, rest) = manual.split_once(BEGIN).unwrap();
        let (listed, after) = rest.split_once(END).unwrap();
        if listed != documentation() {
            if std::env::var_os("CHEMR_WRITE_DOCS").is_some() {
                std::fs::write(path, format!("{before}{BEGIN}{}{END}{after}", documentation())).unwrap();
            } else {
                panic!("docs/protocols.md is out of date: run this test with CHEMR_WRITE_DOCS=1");
            }
        }
    }

    #[test]
    fn every_rule_is_in_the_table_once() {
        for (place, sentence) in SENTENCES.iter().enumerate() {
            assert!(!SENTENCES[..place].iter().any(|other| other.rule == sentence.rule), "{:?}", sentence.rule);
            assert!(!sentence.rule.kinds().is_empty());
        }
    }
}
