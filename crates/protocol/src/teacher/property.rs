//! Yes/no properties: the polarity rule step by step; measured properties described and decided.

use chemr_tasks::{Example, polarity};

use super::say::{Speaker, described_size};
use super::{Lesson, TeacherError, molecule};
use crate::grammar::{Rule, walk};

pub(super) fn lesson(example: &Example, answer: String, speaker: Speaker) -> Result<Lesson, TeacherError> {
    if example.task == "property.polarity_rule" {
        by_rule(example, answer, &speaker)
    } else {
        described(example, answer, &speaker)
    }
}

/// The gym's rule: count carbons, count points, compare.
fn by_rule(example: &Example, answer: String, speaker: &Speaker) -> Result<Lesson, TeacherError> {
    let mol = molecule(example, example.field("smiles"))?;
    let counts = polarity::count(&mol);
    if counts.label() != example.reference {
        return Err(TeacherError::broken(example, format!("reference {} breaks the rule", example.reference)));
    }
    let polar = walk::polar_items(&mol);
    let points =
        polar.last().and_then(|item| item.split_once(':')).and_then(|(_, total)| total.parse().ok()).unwrap_or(0);
    if counts.carbons == 0 || points != counts.points() {
        return Err(TeacherError::not_covered(example, "points that cannot be read off the atoms"));
    }
    let polar = if polar.is_empty() {
        speaker.sentence(Rule::NoPolarAtoms, &[])
    } else {
        speaker.sentence(Rule::PolarWalk, &[&polar.join(" ")])
    };
    let rule = if counts.is_polar() { Rule::AtLeast } else { Rule::Below };
    let numbers = [points.to_string(), (2 * points).to_string(), counts.carbons.to_string()];
    Ok(Lesson {
        texts: [
            speaker.sentence(Rule::CarbonWalk, &[&walk::carbon_items(counts.carbons).join(" ")]),
            polar,
            speaker.sentence(rule, &[&numbers[0], &numbers[1], &numbers[2]]),
            speaker.sentence(Rule::Verdict, &[counts.label()]),
        ],
        answer,
    })
}

/// A measured property: no rule decides it, so the trace states what is true of the molecule and then the verdict.
fn described(example: &Example, answer: String, speaker: &Speaker) -> Result<Lesson, TeacherError> {
    let mol = molecule(example, example.field("smiles"))?;
    let (size, groups) = described_size(speaker, &mol);
    let donors = speaker.say(Rule::Donors, &[&mol.hbd().to_string()]);
    let acceptors = speaker.sentence(Rule::Acceptors, &[&mol.hba().to_string()]);
    let surface = speaker.sentence(Rule::PolarSurface, &[&format!("{:.0}", mol.tpsa())]);
    let logp = speaker.sentence(Rule::LogP, &[&format!("{:.1}", mol.logp())]);
    Ok(Lesson {
        texts: [
            format!("{size} {groups}"),
            format!("{donors} {acceptors}"),
            format!("{surface} {logp}"),
            speaker.sentence(Rule::Verdict, &[&answer]),
        ],
        answer,
    })
}
