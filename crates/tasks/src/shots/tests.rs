use serde_json::Value;

use super::*;
use crate::example::Split;
use crate::registry::task;

fn row(row: usize, id: &str, texts: &[&str], reference: &str) -> Shot {
    let task = task(id).unwrap();
    let input = task.fields().iter().zip(texts).map(|(field, text)| (field.key.to_owned(), (*text).to_owned()));
    Shot { row, example: Example::new(id, "test", Split::Train, 0, input.collect(), reference, BTreeMap::new()) }
}

fn formulas(molecules: &[&str]) -> Vec<Shot> {
    (1..).zip(molecules).map(|(place, smiles)| row(place, "name.smiles_to_formula", &[smiles], "CH4")).collect()
}

fn chosen(shots: &Shots, question: &Shot) -> Vec<String> {
    let task = task(&question.example.task).unwrap();
    shots.choose(task, &question.example).iter().map(|shot| shot.field(task.input_key()).to_owned()).collect()
}

/// `tests/fixtures/shots.py` wrote the ranks with RDKit 2026.9.1.
#[test]
fn scaffolds_are_ranked_as_rdkit_does() {
    let stored: Value = serde_json::from_str(include_str!("../../tests/fixtures/scaffold_ranks.json")).unwrap();
    let molecules: Vec<&str> = stored["molecules"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let task = task("name.smiles_to_formula").unwrap();
    let shots = Shots::new(20, ShotChoice::Scaffold, 0, formulas(&molecules), &[task]).unwrap();
    let ranks = stored["ranks"].as_array().unwrap();
    assert!(ranks.len() > 30, "{}", ranks.len());
    let counts = Shots::new(20, ShotChoice::ScaffoldCounts, 0, formulas(&molecules), &[task]).unwrap();
    for rank in ranks {
        let query = rank[0].as_u64().unwrap() as usize;
        for (shots, rows) in [(&shots, &rank[1]), (&counts, &rank[2])] {
            let rows = rows.as_array().unwrap().iter().map(|row| molecules[row.as_u64().unwrap() as usize]);
            assert_eq!(chosen(shots, &formulas(&molecules)[query]), rows.collect::<Vec<_>>(), "{}", molecules[query]);
        }
    }
}

#[test]
fn a_row_is_no_example_of_itself() {
    let formula = task("name.smiles_to_formula").unwrap();
    for choice in ShotChoice::ALL {
        let shots = Shots::new(2, choice, 1, formulas(&["CCO", "CCCO", "C"]), &[formula]).unwrap();
        // The same molecule, written otherwise.
        for query in ["OCC", " CCO", "C(O)C"] {
            assert!(!chosen(&shots, &formulas(&[query])[0]).contains(&"CCO".to_owned()), "{choice} {query}");
        }
        assert_eq!(chosen(&shots, &formulas(&["CCO"])[0]).len(), 2, "the next row takes its place");
        assert_eq!(chosen(&shots, &formulas(&["no molecule"])[0]).len(), 2);
    }
    let yields = task("yield.suzuki_miyaura").unwrap();
    let reactions = ["CCO.CC(=O)O>>CC(=O)OCC", "CCBr.O>>CCO"].map(|text| row(1, yields.id(), &[text], "Yes"));
    let shots = Shots::new(1, ShotChoice::Fixed, 1, reactions.to_vec(), &[yields]).unwrap();
    assert_eq!(chosen(&shots, &row(1, yields.id(), &["OC(C)=O.OCC>>CCOC(C)=O"], "")), ["CCBr.O>>CCO"]);
    // All fields count.
    let add = task("tomg.add").unwrap();
    let rows = ["nitro", "amine"].map(|group| row(1, add.id(), &["CCO", group], "C"));
    let shots = Shots::new(2, ShotChoice::Similar, 1, rows.to_vec(), &[add]).unwrap();
    let question = row(1, add.id(), &["OCC", "amine"], "");
    assert_eq!(shots.choose(add, &question.example), [&rows[0].example]);
}

#[test]
fn fixed_rows_are_drawn_once() {
    let molecules: Vec<String> = (1..40).map(|length| "C".repeat(length)).collect();
    let mut rows = formulas(&molecules.iter().map(String::as_str).collect::<Vec<_>>());
    let formula = [task("name.smiles_to_formula").unwrap()];
    let draw = |rows: &[Shot], seed| {
        chosen(&Shots::new(5, ShotChoice::Fixed, seed, rows.to_vec(), &formula).unwrap(), &formulas(&["O"])[0])
    };
    let first = draw(&rows, 1);
    assert_eq!(first.len(), 5);
    assert_ne!(draw(&rows, 2), first);
    rows.reverse();
    assert_eq!(draw(&rows, 1), first, "whatever the order of the file");
    let shots = Shots::new(5, ShotChoice::Fixed, 1, rows, &formula).unwrap();
    assert_eq!(chosen(&shots, &formulas(&[&first[0]])[0])[..4], first[1..]);
}

#[test]
fn examples_stand_before_the_question() {
    let design = task("molecule_design").unwrap();
    let rows = vec![
        row(1, design.id(), &["an alcohol with two carbons"], "CCO"),
        row(2, design.id(), &["an acid"], "CC(=O)O"),
        row(3, design.id(), &["an alcohol with {three}\ncarbons"], "CCCO"),
    ];
    let shots = Shots::new(2, ShotChoice::Similar, 1, rows, &[design]).unwrap();
    let prompts = Prompts::builtin();
    let question = row(0, design.id(), &["an alcohol with three carbons"], "");
    let asked = Questions::few_shot(prompts, &shots, &[design]).unwrap().ask(design, &question.example);
    let examples = "Description: an alcohol with {three} carbons\nSMILES: CCCO\nDescription: an alcohol with two carbons\nSMILES: CCO\n";
    let alone = Questions::zero_shot(prompts).ask(design, &question.example);
    let (before, after) = alone.user.split_once("Description: ").unwrap();
    let intro = "Examples with their answers come first, then the question.\n";
    assert_eq!(asked.user, format!("{before}{intro}{examples}Description: {after}"));
    let without = Prompts::parse("user = \"{fields}\"", "").unwrap();
    let refused = Questions::few_shot(&without, &shots, &[design]).unwrap_err();
    assert_eq!(refused, ShotsError::NotShown { task: "molecule_design" });
}

#[test]
fn what_cannot_be_chosen_from() {
    let formula = task("name.smiles_to_formula").unwrap();
    let design = task("molecule_design").unwrap();
    let refused = |choice, rows, task| Shots::new(1, choice, 1, rows, &[task]).unwrap_err().to_string();
    let few = refused(ShotChoice::Fixed, formulas(&["C"]), design);
    assert!(few.contains("molecule_design: 1 examples are wanted, and there are 0 rows"), "{few}");
    let text = refused(ShotChoice::Scaffold, vec![row(1, design.id(), &["an acid"], "C")], design);
    assert!(text.contains("`description`, which is no molecule") && text.contains("sequence"), "{text}");
    let broken = refused(ShotChoice::Scaffold, formulas(&["C", "C1CC"]), formula);
    assert!(broken.contains("row 2: the `smiles` of name.smiles_to_formula cannot be read: unclosed_ring"), "{broken}");
    let long = refused(ShotChoice::Sequence, vec![row(7, design.id(), &[&"a".repeat(MAX_TEXT + 1)], "C")], design);
    assert!(long.contains("row 7: ") && long.contains("10001 characters"), "{long}");
    assert_eq!("scaffold".parse(), Ok(ShotChoice::Scaffold));
    let unknown = "scafold".parse::<ShotChoice>().unwrap_err();
    assert!(unknown.contains("did you mean `scaffold`?"), "{unknown}");
}
