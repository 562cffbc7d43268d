use std::collections::{BTreeMap, BTreeSet};

use chemr_chem::ErrorClass;

use super::*;
use crate::{Split, answer_block, completion};

pub(crate) fn example(task: &str, key: &str, field: &str, reference: &str) -> Example {
    let input = BTreeMap::from([(key.to_string(), field.to_string())]);
    Example::new(task, "test", Split::Train, 1, input, reference, BTreeMap::new())
}

/// One row for each task, with its right answer.
fn rows() -> Vec<Example> {
    vec![
        example("name.smiles_to_formula", "smiles", "OCC", "C2H6O"),
        example("name.iupac_to_smiles", "iupac", "propan-2-ol", "CC(C)O"),
        example("property.bbbp", "smiles", "CCO", "Yes"),
        example("property.polarity_rule", "smiles", "CCCCCC", "No"),
        example("reaction_prediction", "reactants", "CC(=O)O.OCC", "CCOC(C)=O"),
        example("retrosynthesis", "product", "CCOC(C)=O", "CC(=O)O.CCO"),
        example("tomg.functional_group", "groups", "1 ester, 1 alcohol", "CCOC(=O)CO"),
    ]
}

fn verdict(row: &Example, completion: &str, mode: Mode) -> Verdict {
    task(&row.task).unwrap().verify(row, completion, mode)
}

#[test]
fn every_task_has_the_headings() {
    for task in tasks() {
        let text = documentation(task);
        let mut position = 0;
        for heading in ["# What it asks", "# How it is scored", "# Known disagreements", "# Reference"] {
            let found = text[position..].find(heading);
            assert!(found.is_some(), "{}: heading `{heading}` is missing or out of order", task.id());
            position += found.unwrap_or(0) + heading.len();
        }
        // Endpoints of one file are named by their first one, the others by their family.
        let id = task.id();
        let named = text.contains(&format!("`{id}`"))
            || id.rsplit_once('.').is_some_and(|(stem, _)| text.contains(&format!("`{stem}.")));
        assert!(named, "{id} is not named in its file");
    }
}

/// Every file of a task folder belongs to a task of the registry, so a new file cannot be forgotten.
#[test]
fn every_file_is_registered() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources: BTreeSet<&str> = tasks().iter().map(|task| task.source()).collect();
    let mut files = vec![folder.join("choice.rs")];
    for name in ["cot", "molecule", "name", "property", "reaction", "reagent", "tomg", "yields"] {
        files.extend(std::fs::read_dir(folder.join(name)).unwrap().map(|entry| entry.unwrap().path()));
    }
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(sources.contains(text.as_str()), "{} is in no registered task", file.display());
    }
}

#[test]
fn ids_are_unique_and_found() {
    let ids: BTreeSet<&str> = tasks().iter().map(|task| task.id()).collect();
    assert_eq!(ids.len(), tasks().len());
    for id in ids {
        assert_eq!(task(id).map(|task| task.id()), Some(id));
    }
    assert!(task("nonsense").is_none());
}

#[test]
fn right_answers_are_right() {
    for row in rows() {
        let answer = task(&row.task).unwrap().reference_answer(&row);
        let full = verdict(&row, &completion("1. **A**: b", &answer), Mode::Strict);
        assert_eq!(
            (full.reason, full.score, full.format, full.valid),
            (Reason::Correct, 1.0, true, true),
            "{}",
            row.task
        );
        assert_eq!(full.answer.as_deref(), Some(answer.as_str()));
        let bare = verdict(&row, &answer_block(&answer), Mode::Loose);
        assert_eq!((bare.correct, bare.format, bare.score), (true, false, 0.9), "{}", row.task);
        let refused = verdict(&row, &answer_block(&answer), Mode::Strict);
        assert_eq!((refused.correct, refused.score, refused.reason), (false, 0.0, Reason::NoThink), "{}", row.task);
    }
}

#[test]
fn verdicts_by_task() {
    let rows = rows();
    let reasons = |index: usize, answer: &str| {
        let verdict = verdict(&rows[index], &completion("a", answer), Mode::Strict);
        assert_eq!(verdict.correct, verdict.reason == Reason::Correct);
        assert_eq!(verdict.score, if verdict.correct { 1.0 } else { 0.1 });
        verdict.reason.to_string()
    };
    for (index, answer, reason) in [
        (0, "H6C2O", "correct"),
        (0, "C2H6", "wrong_answer"),
        (0, "C2H6O+", "wrong_answer"),
        (0, "CH3CH2OH", "bad_formula"),
        (0, "CCO", "bad_formula"),
        (1, "OC(C)C", "correct"),
        (1, "CCCO", "wrong_answer"),
        (1, "C(C", "invalid.unbalanced_parentheses"),
        (1, "CC(C)O is it", "invalid.inner_whitespace"),
        (2, "yes", "correct"),
        (2, "Yes.", "correct"),
        (2, "No", "wrong_answer"),
        (2, "Yes, it does", "unclear_label"),
        (2, "Maybe", "unclear_label"),
        (3, "NO", "correct"),
        (4, "CC(=O)OCC", "correct"),
        (4, "CC(=O)OCC.O", "wrong_answer"),
        (4, "CC(=O)OCC.CC(=O)O.OCC", "wrong_answer"),
        (5, "OCC.OC(C)=O", "correct"),
        (5, "OCC", "wrong_answer"),
        (5, "OCC.OCC.OC(C)=O", "wrong_answer"),
        (5, "C1.C1", "wrong_answer"),
        (6, "OCCC(=O)OC", "correct"),
        (6, "CCC(=O)OC", "wrong_answer"),
        (6, "OCC(O)C(=O)OC", "wrong_answer"),
        (6, "c1cccc", "invalid.unclosed_ring"),
        (6, "CC(=O)OC.CO", "several_molecules"),
        (6, "OCCC(=O)OC.C", "several_molecules"),
    ] {
        assert_eq!(reasons(index, answer), reason, "{} {answer}", rows[index].task);
    }
}

#[test]
fn loose_reads_more() {
    let rows = rows();
    for (index, text) in [
        (0, "<answer>Formula: C₂H₆O.</answer>"),
        (2, "<answer>Yes, it crosses; there are no donors.</answer>"),
        (3, "<think>a</think>\nSo the molecule is not polar: No."),
        (5, "<answer>CC(=O)O . OCC</answer>"),
    ] {
        assert_eq!(verdict(&rows[index], text, Mode::Loose).reason, Reason::Correct, "{text}");
    }
}

#[test]
fn parts_carry_the_other_definitions() {
    let rows = rows();
    let parts = |row: &Example, answer: &str| verdict(row, &answer_block(answer), Mode::Loose).parts;
    assert_eq!(parts(&rows[4], "CC(=O)OCC.O")["component_match"], 1.0);
    assert_eq!(parts(&rows[4], "CCO")["component_match"], 0.0);
    let chiral = example("name.iupac_to_smiles", "iupac", "(2R)-butan-2-ol", "CC[C@@H](C)O");
    let flat = parts(&chiral, "CCC(C)O");
    assert_eq!(flat["flat_match"], 1.0);
    assert_eq!(parts(&rows[6], "CCC(=O)OC")["groups_matched"], 0.5);
    assert_eq!(parts(&rows[0], "C2H6")["element_agreement"], 2.0 / 3.0);
}

/// The size of a row's own answer is refused where the verifier refuses it, and nowhere else.
#[test]
fn answers_that_are_too_large_are_known_beforehand() {
    let chain = |atoms: usize| "C".repeat(atoms);
    // Three characters an atom.
    let halides = |halves: usize| format!("C{}", "C(Cl)(Cl)".repeat(halves));
    // A ladder of phosphorus atoms, each rung a ring closure: fused rings that take too long.
    let ladder: String = (10..40).chain((10..40).rev()).map(|rung| format!("P%{rung}")).collect();
    let ladder = ladder.replace("%39P%39", "");
    for (task_id, key, field, reference) in [
        ("molecule_design", "description", "x", chain(300)),
        ("molecule_design", "description", "x", chain(301)),
        ("molecule_design", "description", "x", halides(44)),
        ("molecule_design", "description", "x", halides(45)),
        ("molecule_design", "description", "x", ladder),
        ("retrosynthesis", "product", "x", format!("{}.CCl", chain(296))),
        ("retrosynthesis", "product", "x", format!("{}.{}", chain(200), chain(200))),
        ("name.formula_to_smiles", "formula", "C300H602", chain(300)),
        ("name.formula_to_smiles", "formula", "C301H604", chain(301)),
        ("name.smiles_to_iupac", "smiles", "C", chain(2_000)),
        ("name.smiles_to_iupac", "smiles", "C", chain(2_001)),
        ("molecule_captioning", "smiles", "C", "a cap ".repeat(1_666)),
        ("molecule_captioning", "smiles", "C", "a cap ".repeat(1_667)),
        ("property.bbbp", "smiles", "C", "Yes".to_owned()),
        ("tomg.logp", "smiles", "C", String::new()),
    ] {
        let row = example(task_id, key, field, &reference);
        let found = task(task_id).unwrap().oversize(&row).map(|error| error.class);
        let reason = verdict(&row, &completion("a", &reference), Mode::Strict).reason;
        let wanted = match reason {
            Reason::TooLong => Some(ErrorClass::TooLong),
            Reason::Invalid(class) => Some(class),
            _ => None,
        };
        assert_eq!(found, wanted, "{task_id} {} bytes: {reason}", reference.len());
        let is_read = matches!(reason, Reason::Correct) || reference.is_empty();
        assert!(is_read || found.is_some(), "{task_id} {} bytes: {reason}", reference.len());
    }
    // Any isomer is right: another spelling of it, or another molecule, may be short enough.
    let row = example("name.formula_to_smiles", "formula", "C46H2Cl90", &halides(45));
    assert_eq!(task("name.formula_to_smiles").unwrap().oversize(&row), None);
}

/// A verifier with a fault of its own.
static FAULTY: Task = Task {
    id: "faulty",
    family: "custom",
    title: "Faulty",
    kind: Kind::Demand,
    fields: &[Field { key: "smiles", columns: &[] }],
    judge: |_, answer, _| panic!("deliberate: {answer}"),
    source: "",
};

#[test]
fn a_panic_becomes_a_reason() {
    let row = example("faulty", "smiles", "C", "C");
    let verdict = FAULTY.verify(&row, &completion("a", "C"), Mode::Strict);
    assert_eq!((verdict.reason, verdict.correct, verdict.score), (Reason::ToolkitPanic, false, 0.1));
}

#[test]
fn broken_rows_become_a_reason() {
    for (task_id, key, field, reference, answer) in [
        ("name.smiles_to_formula", "smiles", "CCO", "", "C2H6O"),
        ("name.iupac_to_smiles", "iupac", "x", "not a molecule", "CCO"),
        ("property.bbbp", "smiles", "CCO", "2", "Yes"),
        ("property.esol", "smiles", "CCO", "low", "-1"),
        ("name.formula_to_smiles", "formula", "CCO", "CCO", "CCO"),
        ("tomg.add", "smiles", "CCO", "", "CCO"),
        ("tomg.logp", "smiles", "CCO", "", "CCO"),
        ("tomg.atom_num", "atoms", "5 unobtainium", "", "CCO"),
        ("choice.mmlu", "question", "Which?", "A", "A"),
        ("reagent.ligand", "reaction", "x", "", "CCO"),
        ("molecule_captioning", "smiles", "CCO", " ", "The molecule is ethanol."),
        ("retrosynthesis", "product", "CCO", "C(", "CCO"),
        ("tomg.functional_group", "groups", "2 quux", "CCO", "CCO"),
        ("tomg.functional_group", "wrong key", "", "CCO", "CCO"),
    ] {
        let row = example(task_id, key, field, reference);
        let verdict = verdict(&row, &completion("a", answer), Mode::Strict);
        assert_eq!((verdict.reason, verdict.correct), (Reason::BrokenExample, false), "{task_id}");
    }
}

#[test]
fn long_answers_are_stored_cut() {
    let row = &rows()[1];
    let verdict = verdict(row, &completion("a", &"é".repeat(50_000)), Mode::Strict);
    assert!(!verdict.valid);
    assert_eq!(verdict.answer.map(|answer| answer.len()), Some(1000));
}

/// The reference of a row may be a ranking; what training writes is the best of it.
#[test]
fn a_ranking_is_answered_by_its_best() {
    let row = example("reagent.solvent", "reaction", "reactant 1: CCBr", "O, CO,CCO");
    let solvent = task("reagent.solvent").unwrap();
    assert_eq!(solvent.reference_answer(&row), "O");
    assert_eq!(solvent.shown_answer(&row).as_deref(), Some("O"));
    assert!(verdict(&row, &completion("a", &solvent.reference_answer(&row)), Mode::Strict).correct);
    let other = example("molecule_captioning", "smiles", "CCO", "An alcohol, a solvent.");
    assert_eq!(task("molecule_captioning").unwrap().reference_answer(&other), "An alcohol, a solvent.");
}

#[test]
fn a_reagent_is_chosen_by_rule() {
    let mut row = example("reagent.selection_rule", "reaction", "CC(C)=O>>CC(C)O", "[BH4-].[Na+]");
    row.input.insert("candidates".into(), "[Fe], [Na+].[BH4-],[H][H],BrBr".into());
    let reason = |row: &Example, answer: &str| verdict(row, &completion("a", answer), Mode::Strict).reason;
    assert_eq!(reason(&row, "[Na+].[BH4-]"), Reason::Correct);
    assert_eq!(reason(&row, "[Fe]"), Reason::WrongAnswer);
    assert_eq!(reason(&row, "B"), Reason::UnclearChoice);
    assert!(matches!(reason(&row, "C("), Reason::Invalid(_)));
    row.input.insert("candidates".into(), "[Fe],BrBr".into());
    assert_eq!(reason(&row, "[Fe]"), Reason::BrokenExample);
}
