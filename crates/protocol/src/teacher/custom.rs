//! A molecule with the groups asked for: a fragment for each, joined, then counted.

use chemr_tasks::Example;

use super::say::Speaker;
use super::{Lesson, TeacherError};
use crate::grammar::Rule;

pub(super) fn lesson(example: &Example, answer: String, speaker: Speaker) -> Result<Lesson, TeacherError> {
    let wanted = example.field("groups");
    if wanted.is_empty() {
        return Err(TeacherError::broken(example, "no groups asked for"));
    }
    let Some(pieces) = example.meta.get("pieces") else {
        return Err(TeacherError::not_covered(example, "no assembly known"));
    };
    let mut joined = String::new();
    let mut items = Vec::new();
    for piece in pieces.split(';') {
        let Some((name, fragment)) = piece.split_once('=') else {
            return Err(TeacherError::broken(example, format!("piece `{piece}`")));
        };
        joined.push_str(fragment);
        items.push(if name == "link" { fragment.to_string() } else { format!("{name} {fragment}") });
    }
    if joined != answer {
        return Err(TeacherError::broken(example, format!("pieces give {joined}, not {answer}")));
    }
    Ok(Lesson {
        texts: [
            speaker.sentence(Rule::Constraint, &[wanted]),
            speaker.sentence(Rule::Pieces, &[&items.join(", ")]),
            speaker.sentence(Rule::Joined, &[&answer]),
            format!("The result {}", speaker.sentence(Rule::Groups, &[wanted])),
        ],
        answer,
    })
}
