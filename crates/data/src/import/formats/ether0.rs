//! ether0: problems with a solution `function!:!info!:!type`.
//!
//! The three parts are read as texts; the info of some functions is a Python literal, which is never evaluated.

use std::borrow::Cow;

use chemr_chem::Mol;
use chemr_tasks::formula::Formula;
use chemr_tasks::{Example, task};

use super::super::convert::{Rejection, molecule, one, question};
use super::super::format::{Column, Format, Record};
use super::super::reject::RejectReason;
use super::super::source::{Sample, Shape};

const SEPARATOR: &str = "!:!";

pub(super) fn formats() -> [Format; 1] {
    [Format {
        name: "ether0",
        about: "ether0: problem and solution `function!:!info!:!type`, as JSON lines or CSV",
        told_by: "the columns problem and solution, with `!:!` in the solution",
        tasks: &["reaction_prediction", "name.formula_to_smiles"],
        is_evaluation_only: false,
        columns: |_| {
            vec![
                Column::required("problem", &["problem"]),
                Column::required("solution", &["solution"]),
                Column::optional("id", &["id"]),
            ]
        },
        recognise: |sample: &Sample| {
            let is_triple = |text: Cow<'_, str>| text.contains(SEPARATOR);
            let first = sample.rows.first();
            let is_own =
                first.is_some_and(|row| row.text("problem").is_some() && row.text("solution").is_some_and(is_triple));
            is_own.then_some(Shape::Columns)
        },
        convert: |record| one(example(record)),
    }]
}

fn example(record: &Record<'_>) -> Result<Example, Rejection> {
    let (problem, solution) = (record.need("problem")?, record.need("solution")?);
    // The info may hold anything but the separator.
    let parts: Vec<&str> = solution.split(SEPARATOR).collect();
    let &[function, info, kind] = parts.as_slice() else {
        let detail = format!("{} parts with `{SEPARATOR}` between them, not 3", parts.len());
        return Err(Rejection::new(RejectReason::UnknownWording, detail));
    };
    let none = || Rejection::new(RejectReason::NoTask, format!("{function} {kind}"));
    let unclear = |what: &str| Rejection::new(RejectReason::UnknownWording, format!("no {what} in the problem"));
    let (id, field, asked) = match function {
        "product_eval" => ("reaction_prediction", "reactants", reactants(&problem).ok_or_else(|| unclear("reaction"))?),
        "formula_eval" => {
            let formula = formula(&problem, &molecule(info)?).ok_or_else(|| unclear("formula of the molecule"))?;
            ("name.formula_to_smiles", "formula", formula)
        }
        _ => return Err(none()),
    };
    let mut example = question(record, task(id).ok_or_else(none)?, &[(field, Cow::Owned(asked))], info)?;
    example.meta.insert("problem_type".to_owned(), kind.to_owned());
    if let Some(id) = record.get("id") {
        example.meta.insert("item".to_owned(), id.into_owned());
    }
    Ok(example)
}

/// Words without the marks of the sentence around them.
fn words(problem: &str) -> impl Iterator<Item = &str> {
    problem.split_whitespace().map(|word| word.trim_matches(['.', ',', '?', '!', ':', ';', '"', '\'']))
}

/// Reactants and reagents of the one word with the arrows of a reaction.
fn reactants(problem: &str) -> Option<String> {
    let mut reactions = words(problem).filter(|word| word.matches('>').count() == 2);
    let reaction = reactions.next()?;
    let mut sides = reaction.split('>').filter(|side| !side.is_empty());
    let (reactants, reagents) = (sides.next()?, sides.next());
    // A product would be the answer.
    let is_only = reactions.next().is_none() && reaction.ends_with('>');
    is_only.then(|| reagents.map_or(reactants.to_owned(), |reagents| format!("{reactants}.{reagents}")))
}

/// The word that is the formula of the molecule.
fn formula(problem: &str, mol: &Mol) -> Option<String> {
    let wanted = Formula::parse(&mol.formula())?;
    let is_it = |word: &&str| Formula::parse(word.trim_matches(['(', ')'])).is_some_and(|found| found == wanted);
    words(problem).find(is_it).map(|word| word.trim_matches(['(', ')']).to_owned())
}
