//! Multiple choice (`choice.mmlu`, `choice.chembench`, `choice.chembench4k`).
//!
//! # What it asks
//!
//! Given a question (input field `question`) and options (`options`: one option, or several separated by line breaks, that the prompt shows with letters), choose
//! the right one, or all right ones.
//!
//! # How it is scored
//!
//! The reference is the letter, or the letters separated by commas (`A, C`). Strict: the answer is letters in that form, in any letter case, with an optional
//! full stop. Loose: letters as well with brackets (`(B)`), before the option's own text (`B. ethanol`, `B) ethanol`), or the text of one option
//! alone. Right when the set of letters is that of the reference. Anything else is invalid with the reason `unclear_choice`.
//!
//! # Known disagreements
//!
//! * ChemBench reads `[ANSWER]` tags with its own expressions and a model as fallback; lm-evaluation-harness compares likelihoods of the letters and never asks for
//!   text. Neither is comparable.
//! * ChemBench4K compares the option's text; its options carry phrases such as `My response is`, which belong to the text.
//!
//! # Reference
//!
//! Hendrycks et al., *MMLU*, ICLR 2021 (college and high school chemistry); Mirza et al., *ChemBench*, Nat. Chem. 2025, 17, 1027; Zhang et al.,
//! *ChemLLM* (ChemBench4K), arXiv 2402.06852.

use std::collections::BTreeSet;

use crate::kind::Kind;
use crate::registry::{Field, Task};
use crate::verdict::{Judgement, Reason};
use crate::{Example, Mode};

/// Key of the field with the options.
pub(crate) const OPTIONS: &str = "options";

/// Longest answer that is read, in bytes.
const MAX_ANSWER: usize = 4000;

macro_rules! choice {
    ($id:literal, $title:literal) => {
        Task {
            id: concat!("choice.", $id),
            family: "choice",
            title: $title,
            kind: Kind::Choice,
            fields: &[Field { key: "question", columns: &[] }, Field { key: OPTIONS, columns: &["choices"] }],
            judge,
            source: include_str!("choice.rs"),
        }
    };
}

pub(crate) static CHOICES: [Task; 3] = [
    choice!("mmlu", "MMLU chemistry"),
    choice!("chembench", "ChemBench, multiple choice"),
    choice!("chembench4k", "ChemBench4K"),
];

/// The letter of an option by its place.
fn letter(place: usize) -> Option<char> {
    u8::try_from(place).ok().filter(|place| *place < 26).map(|place| char::from(b'A' + place))
}

/// The options with their letters, as prompts show them.
pub(crate) fn lettered(options: &str) -> String {
    let lines = options.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate();
    let shown = lines.filter_map(|(place, text)| Some(format!("{}. {text}", letter(place)?)));
    // The first line stands below the label.
    shown.map(|line| format!("\n{line}")).collect()
}

/// The letters of a text that is nothing else.
pub(crate) fn letters(text: &str) -> Option<BTreeSet<char>> {
    let text = text.trim();
    let parts = text.strip_suffix('.').unwrap_or(text).split(',').map(str::trim);
    let letters: BTreeSet<char> = parts.map(one_letter).collect::<Option<_>>()?;
    (!letters.is_empty()).then_some(letters)
}

fn one_letter(text: &str) -> Option<char> {
    let mut characters = text.chars();
    let letter = characters.next().filter(char::is_ascii_alphabetic)?;
    characters.next().is_none().then(|| letter.to_ascii_uppercase())
}

fn judge(example: &Example, answer: &str, mode: Mode) -> Judgement {
    let options: Vec<&str> = example.field(OPTIONS).lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let Some(wanted) = letters(&example.reference) else {
        return Judgement::unreadable(Reason::BrokenExample);
    };
    let exists =
        |letters: &BTreeSet<char>| letters.iter().all(|letter| (*letter as usize - 'A' as usize) < options.len());
    if !exists(&wanted) {
        return Judgement::unreadable(Reason::BrokenExample);
    }
    let given = match mode {
        _ if answer.len() > MAX_ANSWER => None,
        Mode::Strict => letters(answer),
        Mode::Loose => letters(answer).or_else(|| loose(answer, &options)),
    };
    match given.filter(exists) {
        None => Judgement::unreadable(Reason::UnclearChoice),
        Some(given) => Judgement::of(given == wanted),
    }
}

/// A letter in brackets or before the text of its option, or the text of one option.
fn loose(answer: &str, options: &[&str]) -> Option<BTreeSet<char>> {
    let answer = answer.trim();
    let bracketed: String = answer.chars().filter(|letter| !"()[]{}*".contains(*letter)).collect();
    if let Some(letters) = letters(&bracketed.replace(" and ", ",")) {
        return Some(letters);
    }
    let same = |a: &str, b: &str| a.trim().trim_end_matches('.').eq_ignore_ascii_case(b.trim().trim_end_matches('.'));
    let mut named = options.iter().enumerate().filter(|(place, option)| {
        let opening = answer.trim_start_matches(['(', '*', ' ']);
        let after = opening.chars().next().filter(|first| Some(first.to_ascii_uppercase()) == letter(*place));
        let rest = after.map(|first| &opening[first.len_utf8()..]);
        // `A` alone opens many words: a mark must follow the letter.
        let marked = rest.filter(|rest| rest.starts_with([')', '.', ':']));
        same(answer, option)
            || marked.is_some_and(|rest| same(rest.trim_start_matches([')', '.', ':', ' ', '*']), option))
    });
    let first = named.next().and_then(|(place, _)| letter(place))?;
    named.next().is_none().then(|| BTreeSet::from([first]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_a_choice() {
        let options = ["ethane", "ethanol", "Acetone"];
        for (text, wanted) in [
            ("B", "B"),
            ("b.", "B"),
            ("(B)", "B"),
            ("**B**", "B"),
            ("B. ethanol", "B"),
            ("(c) acetone.", "C"),
            ("acetone", "C"),
            ("A, C", "AC"),
            ("A and C", "AC"),
            ("B. ethane", ""),
            ("Ethanol is right", ""),
            ("A or B", ""),
            ("", ""),
        ] {
            let found = letters(text).or_else(|| loose(text, &options)).unwrap_or_default();
            assert_eq!(found.into_iter().collect::<String>(), wanted, "{text}");
        }
        assert_eq!(lettered("ethane\n\n ethanol"), "\nA. ethane\nB. ethanol");
    }
}
