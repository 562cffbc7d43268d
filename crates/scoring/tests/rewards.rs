//! Rewards from completions to scores.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use chemr_scoring::rewards::{Item, Scorer, Shaping};
use chemr_tasks::{Mode, Reason, Verdict, completion, task};

fn item(id: &str, columns: &[(&str, &str)], reference: &str, text: &str) -> Item {
    let task = task(id).unwrap();
    let columns: BTreeMap<String, String> =
        columns.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    Item { task, example: task.row(&columns, reference), completion: text.to_owned() }
}

fn one(shaping: Shaping, item: Item) -> Verdict {
    Scorer::new(shaping).unwrap().score(vec![item]).remove(0)
}

fn design(reference: &str, answer: &str) -> Item {
    item("molecule_design", &[("description", "x")], reference, &completion("It has a ring.", answer))
}

#[test]
fn the_default_is_format_and_accuracy() {
    assert_eq!(one(Shaping::default(), design("CCO", "OCC")).score, 1.0);
    assert_eq!(one(Shaping::default(), design("CCO", "CCC")).score, 0.1);
    let bare = one(Shaping::default(), item("molecule_design", &[], "CCO", "<answer>CCO</answer>"));
    assert_eq!((bare.score, bare.reason), (0.0, Reason::NoThink));
    let loose = Shaping { mode: Mode::Loose, ..Shaping::default() };
    assert_eq!(one(loose, item("molecule_design", &[], "CCO", "<answer>CCO</answer>")).score, 0.9);
}

/// RDKit 2026.9.1: `TanimotoSimilarity` of Morgan fingerprints (radius 2, 2,048 bits) of propanol and ethanol is 5/9.
#[test]
fn a_similar_molecule_is_worth_something() {
    let shaping = Shaping { tanimoto: 0.5, ..Shaping::default() };
    let found = one(shaping.clone(), design("CCO", "CCCO"));
    assert!((found.parts["tanimoto"] - 5.0 / 9.0).abs() < 1e-12, "{:?}", found.parts);
    assert!((found.score - (0.1 + 0.9 * 0.5 * 5.0 / 9.0)).abs() < 1e-12);
    assert_eq!(one(shaping.clone(), design("CCO", "OCC")).score, 1.0);
    assert_eq!(one(shaping.clone(), design("CCO", "C(")).score, 0.1);
    let label = item("property.bbbp", &[("smiles", "CCO")], "1", &completion("a", "No"));
    assert_eq!(one(shaping, label).score, 0.1);
}

#[test]
fn claims_are_counted() {
    let text = "1. **Product analysis**: The molecular formula is C2H6O. The molecule has 7 heavy atoms.";
    let row = item("name.smiles_to_formula", &[("smiles", "CCO")], "C2H6O", &completion(text, "C2H6O"));
    let found = one(Shaping { accuracy: 0.7, claims: 0.2, ..Shaping::default() }, row);
    assert_eq!((found.parts["claims_true"], found.parts["claims_false"]), (1.0, 1.0), "{:?}", found.parts);
    assert!((found.score - 0.9).abs() < 1e-12, "{}", found.score);
}

#[test]
fn a_long_completion_is_worth_less() {
    let shaping = Shaping { max_length: 100, length_margin: 50, ..Shaping::default() };
    let text = completion(&"é".repeat(75 - completion("", "CCO").len()), "CCO");
    let found = one(shaping, item("molecule_design", &[], "CCO", &text));
    assert_eq!((found.parts["length_factor"], found.score), (0.5, 0.5));
}

#[test]
fn captions_are_graded() {
    let reference =
        "The molecule is a primary alcohol that is ethane in which one hydrogen is substituted by a hydroxy group.";
    let row = |text: &str| item("molecule_captioning", &[("smiles", "CCO")], reference, &completion("a", text));
    assert_eq!(one(Shaping::default(), row(&reference.to_uppercase())).score, 1.0);
    let near = one(Shaping::default(), row("The molecule is a primary alcohol."));
    assert!(!near.correct && 0.15 < near.score && near.score < 0.6, "{near:?}");
    let mean =
        ["bleu2.whitespace", "bleu4.whitespace", "rougeL", "meteor"].iter().map(|id| near.parts[*id]).sum::<f64>()
            / 4.0;
    assert!((near.credit - mean).abs() < 1e-12);
}

/// The same verdicts in any order, on any number of threads, with and without a cache.
#[test]
fn results_are_of_the_items_alone() {
    let answers = ["CCO", "OCC", "CCCO", "C(", "", "not a molecule", "c1ccccc1O", "CCO.O"];
    let items: Vec<Item> = (0..200)
        .map(|n| {
            let reference = answers[n % 3];
            design(if reference.is_empty() { "C" } else { reference }, answers[n * 7 % answers.len()])
        })
        .collect();
    let shaping = Shaping { tanimoto: 0.5, accuracy: 0.8, claims: 0.1, ..Shaping::default() };
    let scorer = || Scorer::new(shaping.clone()).unwrap();
    let wanted = scorer().threads(1).cached(0).score(items.clone());
    for scorer in [scorer(), scorer().threads(3), scorer().cached(4), scorer().threads(7).cached(0)] {
        assert_eq!(scorer.score(items.clone()), wanted);
        let mut reversed = scorer.score(items.iter().rev().cloned().collect());
        reversed.reverse();
        assert_eq!(reversed, wanted);
    }
}

#[test]
fn a_deadline_that_nothing_can_hold_is_a_timeout() {
    // Long captions: thousands of words to compare.
    let words = "alpha beta gamma delta ".repeat(400);
    let items: Vec<Item> = (0..8)
        .map(|n| {
            item(
                "molecule_captioning",
                &[("smiles", "C")],
                &words.repeat(20),
                &completion("a", &format!("{n} {words}")),
            )
        })
        .collect();
    let found = Scorer::new(Shaping::default()).unwrap().deadline(std::time::Duration::from_nanos(1)).score(items);
    assert!(found.iter().all(|verdict| verdict.reason == Reason::Timeout || verdict.valid));
    let late = found.iter().find(|verdict| verdict.reason == Reason::Timeout).expect("one was given up");
    assert_eq!((late.score, late.correct, late.format), (0.0, false, true));
}
