//! From a free question to a task: which task a person means, and the field in it.

use chemr_chem::Mol;

use crate::registry::{Task, task};

/// Words that point to a task, in the order they are tried: the first line with a match decides.
const CUES: [(&str, &[&str]); 6] = [
    ("retrosynthesis", &["retrosynth", "disconnect", "precursor", "starting material", "reactants for", "how to make"]),
    ("reaction_prediction", &["product", "react with", "reaction of", "what forms", "predict the reaction"]),
    ("name.smiles_to_formula", &["formula"]),
    ("property.bbbp", &["blood-brain", "blood brain", "bbb"]),
    ("property.polarity_rule", &["polar"]),
    ("name.iupac_to_smiles", &["structure of", "smiles of", "smiles for", "draw"]),
];

/// The task that a question fits and the field to put into its prompt; `None` when no task is recognised.
///
/// The field is the longest word that reads as a molecule with more than one character. For names it is the text after
/// the last `of` or `for`. A list of groups is asked for with `make` or `design` and `with`.
pub fn route(question: &str) -> Option<(&'static dyn Task, String)> {
    let lower = question.to_lowercase();
    if let Some((_, groups)) = lower.split_once(" with ").filter(|(verb, _)| verb.contains("molecule")) {
        let groups = tidy(groups).replace(" and ", ", ");
        if crate::group_request::parse(&groups).is_ok() {
            return Some((task("tomg.functional_group")?, groups));
        }
    }
    let (id, _) = CUES.iter().find(|(_, cues)| cues.iter().any(|cue| lower.contains(cue)))?;
    let task = task(id)?;
    let field = if *id == "name.iupac_to_smiles" { name(question)? } else { molecule(question)? };
    Some((task, field))
}

fn tidy(text: &str) -> &str {
    text.trim().trim_end_matches(['?', '.', '!', ',']).trim()
}

fn molecule(question: &str) -> Option<String> {
    question
        .split_whitespace()
        .map(|word| tidy(word).trim_matches(['"', '\'', '`']))
        .filter(|word| word.len() > 1 && Mol::parse(word).is_ok())
        .max_by_key(|word| word.len())
        .map(str::to_owned)
}

fn name(question: &str) -> Option<String> {
    let start = [" of ", " for "].iter().filter_map(|word| question.rfind(word).map(|at| at + word.len())).max()?;
    let name = tidy(&question[start..]).trim_matches(['"', '\'', '`']);
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routed(question: &str) -> Option<(&'static str, String)> {
        route(question).map(|(task, field)| (task.id(), field))
    }

    #[test]
    fn questions_find_their_task() {
        let cases = [
            ("What is the molecular formula of CC(=O)OCC?", "name.smiles_to_formula", "CC(=O)OCC"),
            ("Which product do you get from CC(=O)O.OCC", "reaction_prediction", "CC(=O)O.OCC"),
            ("Suggest precursors for CC(C)C(=O)OCC.", "retrosynthesis", "CC(C)C(=O)OCC"),
            ("What is the structure of 2-methylpropan-1-ol?", "name.iupac_to_smiles", "2-methylpropan-1-ol"),
            ("Does c1ccccc1CN cross the blood-brain barrier?", "property.bbbp", "c1ccccc1CN"),
            ("Make a molecule with 1 ester and 2 alcohol", "tomg.functional_group", "1 ester, 2 alcohol"),
        ];
        for (question, id, field) in cases {
            assert_eq!(routed(question), Some((id, field.to_owned())), "{question}");
        }
    }

    #[test]
    fn other_text_finds_none() {
        for question in ["", "How are you?", "formula", "What is the formula of love?", "structure", "products of ()"] {
            assert_eq!(routed(question), None, "{question}");
        }
    }
}
