//! What formats share when they turn rows into examples.

use std::borrow::Cow;
use std::cell::RefCell;

use chemr_chem::{ChemError, Gate, Mol, without_maps};
use chemr_tasks::formula::Formula;
use chemr_tasks::{Example, Kind, Mode, Reason, Task};

use super::format::Record;
use super::reject::RejectReason;
use crate::memo::Memo;

/// What a row gave: one entry for each task that it serves, never none.
pub(crate) type Answers = Vec<Result<Example, Rejection>>;

/// Why a row, or one task of it, gave no example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub reason: RejectReason,
    /// The toolkit's or the reader's words, with the place; may be empty.
    pub detail: String,
    /// The task, where others of the row can go on.
    pub task: Option<&'static str>,
}

impl Rejection {
    pub fn new(reason: RejectReason, detail: impl Into<String>) -> Rejection {
        Rejection { reason, detail: detail.into(), task: None }
    }

    pub fn of_task(self, task: &'static str) -> Rejection {
        Rejection { task: Some(task), ..self }
    }
}

/// A row with one answer.
pub(crate) fn one(answer: Result<Example, Rejection>) -> Answers {
    vec![answer]
}

/// A row with several answers, or none of them.
pub(crate) fn all<const N: usize>(answers: Result<[Example; N], Rejection>) -> Answers {
    match answers {
        Ok(examples) => examples.into_iter().map(Ok).collect(),
        Err(rejection) => vec![Err(rejection)],
    }
}

/// Parses a molecule, or several with dots between them, of a file. Atom maps are taken off.
pub(crate) fn molecule(text: &str) -> Result<Mol, Rejection> {
    Mol::parse_with(&bare(text), &Gate::DATA).map_err(|error| unparsable(text, &error))
}

fn bare(text: &str) -> Cow<'_, str> {
    if text.contains(':') { Cow::Owned(without_maps(text)) } else { Cow::Borrowed(text) }
}

fn unparsable(text: &str, error: &ChemError) -> Rejection {
    let shown: String = bare(text).chars().take(80).collect();
    Rejection::new(RejectReason::Unparsable(error.class), format!("{shown}: {error}"))
}

/// The molecules of a mixture as canonical SMILES in alphabetical order. Atom maps are taken off.
pub(crate) fn mixture(text: &str) -> Result<Vec<String>, Rejection> {
    let whole = bare(text);
    let inner = Gate::DATA.check(&whole).map_err(|error| unparsable(text, &error))?;
    let parts: Option<Vec<String>> = inner.split('.').map(canonical).collect();
    let mut parts = match parts {
        Some(parts) => parts,
        // A ring bond may join what dots part, and an error has its place in the whole text.
        None => molecule(text)?.fragments().iter().map(|part| part.canonical().to_owned()).collect(),
    };
    parts.sort_unstable();
    Ok(parts)
}

/// The canonical SMILES of one molecule. Reagents and building blocks come again and again, and most of an import's time goes into
/// reading molecules: each thread keeps some thousand of them.
fn canonical(part: &str) -> Option<String> {
    thread_local! {
        static KNOWN: RefCell<Memo<String>> = RefCell::new(Memo::new(16_384));
    }
    let read = || Mol::parse_with(part, &Gate::DATA).map(|mol| mol.canonical().to_owned());
    KNOWN.with_borrow_mut(|known| known.get(part, read)).ok()
}

/// A finite number.
pub(crate) fn number(text: &str) -> Result<f64, Rejection> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| {
        Rejection::new(RejectReason::BadNumber, format!("`{}`", text.chars().take(40).collect::<String>()))
    })
}

/// A yes or no, however it is written in files.
pub(crate) fn label(text: &str) -> Result<&'static str, Rejection> {
    match text {
        "1" | "1.0" | "Yes" | "yes" | "True" | "true" => Ok("Yes"),
        "0" | "0.0" | "No" | "no" | "False" | "false" => Ok("No"),
        other => {
            let shown: String = other.chars().take(40).collect();
            Err(Rejection::new(RejectReason::BadLabel, format!("`{shown}` is neither 0 nor 1")))
        }
    }
}

/// The example of a question whose fields and answer are given as texts: molecules are parsed and written canonical, labels, numbers and
/// formulas checked, and the task must be able to judge the row.
pub(crate) fn question(
    record: &Record<'_>,
    task: &'static Task,
    given: &[(&'static str, Cow<'_, str>)],
    reference: &str,
) -> Result<Example, Rejection> {
    let mut input = Vec::new();
    let mut key = String::new();
    for (field, text) in given {
        let text = match *field {
            // Whether two texts are one molecule is the question itself.
            "smiles" if task.id() == "cot.same_molecule" => text.to_string(),
            "smiles" | "product" | "ring" | "ring_system" => {
                let mol = molecule(text)?;
                key = mol.canonical().to_owned();
                key.clone()
            }
            "reactants" => mixture(text)?.join("."),
            "reaction" if task.id() == "reagent_prediction" => without_reagents(text)?,
            "formula" if Formula::parse(text).is_none() => {
                return Err(Rejection::new(RejectReason::BrokenExample, format!("`{text}` is no formula")));
            }
            _ => text.to_string(),
        };
        input.push((*field, text));
    }
    let reference = match task.kind() {
        Kind::Molecule => molecule(reference)?.canonical().to_owned(),
        Kind::Reaction => mixture(reference)?.join("."),
        Kind::Label => label(reference)?.to_owned(),
        Kind::Number => number(reference).map(|_| reference.to_owned())?,
        Kind::Demand if task.family() != "selection" && !reference.is_empty() => {
            molecule(reference)?.canonical().to_owned()
        }
        Kind::Demand | Kind::Text | Kind::Name | Kind::Choice | Kind::Formula => reference.to_owned(),
    };
    if key.is_empty() && matches!(task.kind(), Kind::Molecule | Kind::Reaction) {
        key.clone_from(&reference);
    }
    let input: Vec<(&str, &str)> = input.iter().map(|(field, text)| (*field, text.as_str())).collect();
    let example = record.example(task.id(), &input, &reference, &[("key", &key)]);
    judged(task, example)
}

/// The example, unless its task cannot judge it.
pub(crate) fn judged(task: &Task, example: Example) -> Result<Example, Rejection> {
    // The verdict on a molecule that the toolkit just wrote says nothing new.
    let is_free =
        matches!(task.kind(), Kind::Text | Kind::Name | Kind::Molecule | Kind::Reaction | Kind::Number | Kind::Label);
    // An answer to a demand may be any molecule: one that passes the gate reaches the verifier.
    let answer =
        if example.reference.is_empty() { "C" } else { example.reference.split(',').next().unwrap_or_default() };
    if !is_free && task.judge(&example, answer.trim(), Mode::Loose).reason == Reason::BrokenExample {
        let detail = format!("{} cannot judge the reference `{}`", task.id(), example.reference);
        return Err(Rejection::new(RejectReason::BrokenExample, detail));
    }
    Ok(example)
}

/// The example, unless its verifier reads no answer as large as the row's own.
pub(crate) fn answerable(example: Example) -> Result<Example, Rejection> {
    let Some(task) = chemr_tasks::task(&example.task) else { return Ok(example) };
    match task.oversize(&example) {
        Some(error) => {
            let detail = format!("the answer has {}", error.message);
            Err(Rejection::new(RejectReason::Unanswerable(error.class), detail).of_task(task.id()))
        }
        None => Ok(example),
    }
}

/// A reaction `reactants>>product` with its molecules canonical.
fn without_reagents(text: &str) -> Result<String, Rejection> {
    let wrong = || Rejection::new(RejectReason::BadReaction, "not reactants and product with `>>` between them");
    let (reactants, product) = text.split_once(">>").ok_or_else(wrong)?;
    Ok(format!("{}>>{}", mixture(reactants)?.join("."), mixture(product)?.join(".")))
}

/// A text on one line, blanks as they are within lines.
pub(crate) fn on_one_line(text: &str) -> String {
    text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixture_is_the_fragments_of_its_text() {
        for text in [
            "OCC",
            "CCO.C",
            "[CH3:1][OH:2].[Na+].[Cl-]",
            "C1CC.CC1",
            "C1CC.CC1.O",
            "F/C=C/1.Br1",
            "[13CH4].N[C@@H](C)O",
        ] {
            let mut wanted: Vec<String> =
                molecule(text).unwrap().fragments().iter().map(|part| part.canonical().to_owned()).collect();
            wanted.sort_unstable();
            assert_eq!(mixture(text).unwrap(), wanted, "{text}");
            assert_eq!(mixture(text).unwrap(), wanted, "a second time: {text}");
        }
        assert_eq!(mixture("C1CC.CC1").unwrap(), ["CCCCC"]);
    }

    #[test]
    fn a_broken_mixture_is_refused_as_a_whole() {
        for text in ["", " ", "CCO.C1", "CCO..C", ".", "CCO.", "CCO C", "CC(C)(C)(C)C.O", "é.C"] {
            assert_eq!(mixture(text).unwrap_err(), molecule(text).err().unwrap(), "{text}");
        }
    }
}
