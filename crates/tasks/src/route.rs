//! From a free question to a task: which task a person means, and the field in it.

use chemr_chem::Mol;

use crate::registry::{Task, task};

/// Words that point to a task, in the order they are tried: the first line with a match decides. A formula can be asked of
/// a product, so it goes first. Being polar is a matter of the synthetic rule only where the question names the rule.
const CUES: [(&str, &[&str]); 6] = [
    ("name.smiles_to_formula", &["formula"]),
    ("retrosynthesis", &["retrosynth", "disconnect", "precursor", "starting material", "reactants for", "how to make"]),
    ("reaction_prediction", FORWARD),
    ("property.bbbp", &["blood-brain", "blood brain", "bbb"]),
    ("property.polarity_rule", &["polarity rule"]),
    ("name.iupac_to_smiles", &["structure of", "smiles of", "smiles for", "draw"]),
];

/// Words for a reaction that goes forward.
const FORWARD: &[&str] = &[
    "product of",
    "products of",
    "product from",
    "products from",
    "product do",
    "products do",
    "product is formed",
    "products are formed",
    "predict the product",
    "react with",
    "reacts with",
    "reaction of",
    "what forms",
    "predict the reaction",
];

/// Verbs that ask for a molecule with given groups.
const MAKE: [&str; 2] = ["make", "design"];

/// The task that a question fits and the field to put into its prompt; `None` when no task is recognised.
///
/// The field is the longest word that reads as a molecule with more than one character. For names it is the text after
/// the last `of` or `for`. A list of groups is asked for with `make` or `design`, `molecule` and `with`. The formula of what a
/// reaction gives is two questions, which no task asks together.
pub fn route(question: &str) -> Option<(&'static Task, String)> {
    let lower = question.to_lowercase();
    if let Some((_, groups)) = lower.split_once(" with ").filter(|(start, _)| asks_to_make(start)) {
        let groups = tidy(groups).replace(" and ", ", ");
        if crate::group_request::parse(&groups).is_ok() {
            return Some((task("tomg.functional_group")?, groups));
        }
    }
    let task = task_of(&lower)?;
    let field = if task.id() == "name.iupac_to_smiles" { name(question)? } else { molecule(question)? };
    Some((task, field))
}

/// For a question that [`route`] does not place: the task that its words point to, and the longest word that was probably
/// meant as its molecule and cannot be read as one. `None` when there is no such word.
pub fn unread(question: &str) -> Option<(&'static Task, String)> {
    let task = task_of(&question.to_lowercase()).filter(|task| task.id() != "name.iupac_to_smiles")?;
    if molecule(question).is_some() {
        return None;
    }
    words(question)
        .filter(|word| meant_as_smiles(word))
        .max_by_key(|word| word.len())
        .map(|word| (task, word.to_owned()))
}

/// The task that the words of a question point to.
fn task_of(lower: &str) -> Option<&'static Task> {
    let has = |cues: &[&str]| cues.iter().any(|cue| lower.contains(cue));
    let (id, _) = CUES.iter().find(|(_, cues)| has(cues))?;
    if *id == "name.smiles_to_formula" && has(FORWARD) {
        return None;
    }
    task(id)
}

/// Nothing but atoms and signs of SMILES, at least three atoms, and a sign or a chain that formulas (`CO2`), names
/// (`(S)-limonene`) and abbreviations (`NOS2`) do not have.
fn meant_as_smiles(word: &str) -> bool {
    let telling = word.contains(['(', '=', '#', '[', '>']);
    let chain = ["CC", "cc"].iter().any(|chain| word.contains(chain)) && word.contains(|c: char| c.is_ascii_digit());
    (telling || chain) && atoms(word).is_some_and(|atoms| atoms >= 3)
}

/// Atoms of a text that is made of atoms, bonds, branches and ring numbers, in any order; `None` for any other.
fn atoms(text: &str) -> Option<usize> {
    let mut count = 0;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '[' => rest.find(']').map_or(rest.len(), |end| end + 1),
            'C' if rest.starts_with("Cl") => 2,
            'B' if rest.starts_with("Br") => 2,
            'B' | 'C' | 'N' | 'O' | 'P' | 'S' | 'F' | 'I' | 'b' | 'c' | 'n' | 'o' | 'p' | 's' => 1,
            '(' | ')' | ']' | '-' | '=' | '#' | ':' | '/' | '\\' | '.' | '>' | '%' | '+' | '@' | '0'..='9' => 0,
            _ => return None,
        };
        count += usize::from(length > 0);
        rest = &rest[length.max(1)..];
    }
    Some(count)
}

/// Whether the words before the list of groups ask for a molecule.
fn asks_to_make(start: &str) -> bool {
    let has = |wanted: &str| start.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == wanted);
    has("molecule") && MAKE.iter().any(|verb| has(verb))
}

fn tidy(text: &str) -> &str {
    text.trim().trim_end_matches(['?', '.', '!', ',']).trim()
}

fn words(question: &str) -> impl Iterator<Item = &str> {
    question.split_whitespace().map(|word| tidy(word).trim_matches(['"', '\'', '`']))
}

fn molecule(question: &str) -> Option<String> {
    words(question)
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
            ("Please design a molecule with 1 nitrile.", "tomg.functional_group", "1 nitrile"),
            ("Give the formula of the product CCOC(C)=O.", "name.smiles_to_formula", "CCOC(C)=O"),
            ("What is the main product of CC(=O)Cl.OCC?", "reaction_prediction", "CC(=O)Cl.OCC"),
            ("Is CCO polar under the polarity rule?", "property.polarity_rule", "CCO"),
        ];
        for (question, id, field) in cases {
            assert_eq!(routed(question), Some((id, field.to_owned())), "{question}");
        }
    }

    #[test]
    fn other_text_finds_none() {
        for question in [
            "",
            "How are you?",
            "formula",
            "What is the formula of love?",
            "structure",
            "products of ()",
            "What is the polar surface area of CC(N)=O?",
            "Is CCO a polar solvent?",
            "What is the formula of the product of CC(=O)O.OCC?",
            "Is CCOC(C)=O a natural product?",
            "Which molecule occurs with 1 ester?",
            "How many molecules remake themselves with 1 ester?",
            "What is the formula of vitamin B12?",
            "What is the formula of (S)-limonene?",
            "What is the formula of 2-Propanol?",
            "What is the formula of H2SO4?",
            "What is the formula of Fe2O3?",
            "What is the formula of an NOS2 inhibitor?",
            "Is the reaction of methyl iodide with cyanide SN2?",
            "What is the reaction of lime with CO2?",
            "Which precursors has 2-Bromopropane?",
        ] {
            assert_eq!(routed(question), None, "{question}");
            assert!(unread(question).is_none(), "{question}");
        }
    }

    #[test]
    fn a_broken_molecule_is_found() {
        for (question, id, word) in [
            ("What is the molecular formula of C1CC?", "name.smiles_to_formula", "C1CC"),
            ("Suggest precursors for CC(C)(C(=O)OCC.", "retrosynthesis", "CC(C)(C(=O)OCC"),
            ("What is the product of CCO>>CC=O?", "reaction_prediction", "CCO>>CC=O"),
            ("What is the formula of Clc1ccccc?", "name.smiles_to_formula", "Clc1ccccc"),
        ] {
            assert_eq!(routed(question), None, "{question}");
            let (task, found) = unread(question).unwrap();
            assert_eq!((task.id(), found.as_str()), (id, word), "{question}");
        }
        assert!(unread("What is the formula of CCO?").is_none());
    }
}
