//! IUPAC name to SMILES: parent, locants, then the atoms of each position joined.

use chemr_data::names::{self, Name, Skeleton};
use chemr_tasks::Example;

use super::say::{Speaker, described_size};
use super::{Lesson, TeacherError, molecule};
use crate::claims::judge_name::{locant_items, stereodescriptors};
use crate::grammar::Rule;

pub(super) fn lesson(example: &Example, answer: String, speaker: Speaker) -> Result<Lesson, TeacherError> {
    let text = example.field("iupac");
    if text.is_empty() {
        return Err(TeacherError::broken(example, "no name"));
    }
    if let Some(name) = names::parse(text) {
        let smiles = name.smiles();
        if smiles == answer || molecule(example, &smiles)?.is_same(&molecule(example, &example.reference)?) {
            return Ok(by_position(&name, smiles, &speaker));
        }
    }
    described(example, answer, &speaker)
}

/// A name of the grammar.
fn by_position(name: &Name, smiles: String, speaker: &Speaker) -> Lesson {
    let parent = if name.parent.skeleton == Skeleton::Chain { Rule::ChainParent } else { Rule::RingParent };
    let locants = locant_items(name);
    let positions: Vec<String> =
        name.positions().iter().enumerate().map(|(place, atoms)| format!("{}:{atoms}", place + 1)).collect();
    let substituents = if locants.is_empty() {
        speaker.sentence(Rule::NoSubstituents, &[])
    } else {
        speaker.sentence(Rule::Substituents, &[&locants.join(", ")])
    };
    Lesson {
        texts: [
            speaker.sentence(parent, &[&name.parent.hydride(), &name.parent.length.to_string()]),
            substituents,
            speaker.sentence(Rule::Stereodescriptors, &["0"]),
            speaker.sentence(Rule::Positions, &[&positions.join(" "), &smiles]),
        ],
        answer: smiles,
    }
}

/// A name beyond the grammar: what is true of the structure, then the structure.
fn described(example: &Example, answer: String, speaker: &Speaker) -> Result<Lesson, TeacherError> {
    let mol = molecule(example, &answer)?;
    let (size, groups) = described_size(speaker, &mol);
    let scaffold = mol.scaffold();
    let mut assembly = String::new();
    if !scaffold.is_empty() {
        assembly.push_str(&speaker.sentence(Rule::Scaffold, &[&scaffold]));
        assembly.push(' ');
    }
    assembly.push_str(&speaker.sentence(Rule::Written, &[&answer]));
    Ok(Lesson {
        texts: [
            size,
            groups,
            speaker.sentence(Rule::Stereodescriptors, &[&stereodescriptors(example.field("iupac")).to_string()]),
            assembly,
        ],
        answer,
    })
}
