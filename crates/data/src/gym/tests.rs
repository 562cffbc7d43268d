use chemr_tasks::Mode;

use super::*;

fn gym(levels: &[u8]) -> Gym {
    Gym::new(GymConfig { seed: 1, levels: levels.to_vec() }).unwrap()
}

const SPLITS: [Split; 3] = [Split::Train, Split::Valid, Split::Test];

#[test]
fn bad_configurations_and_tasks_are_errors() {
    assert!(matches!(Gym::new(GymConfig { seed: 0, levels: vec![] }), Err(DataError::Levels { .. })));
    for levels in [vec![0], vec![6], vec![1, 9]] {
        assert!(matches!(Gym::new(GymConfig { seed: 0, levels }), Err(DataError::Levels { .. })));
    }
    let error = gym(&[1]).example("alchemy", Split::Train, 0).unwrap_err();
    assert!(error.to_string().contains("retrosynthesis"), "{error}");
}

#[test]
fn an_example_depends_on_its_coordinates_alone() {
    let gym = gym(&Gym::LEVELS);
    for task in Gym::TASKS {
        let range = gym.examples(task, Split::Train, 0..24).unwrap();
        for index in [23u64, 0, 7] {
            assert_eq!(gym.example(task, Split::Train, index).unwrap(), range[index as usize], "{task}");
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(pool.install(|| gym.examples(task, Split::Train, 0..24)).unwrap(), range);
    }
    let other = Gym::new(GymConfig { seed: 2, levels: vec![1, 2] }).unwrap();
    let task = Gym::TASKS[0];
    assert_ne!(other.examples(task, Split::Train, 0..8).unwrap(), gym.examples(task, Split::Train, 0..8).unwrap());
}

/// Examples of a task and level in the tests that look at all: fewer of those that run templates.
fn sample(id: &str) -> u64 {
    if matches!(id, "reaction_prediction" | "retrosynthesis") { 25 } else { 80 }
}

#[test]
fn tasks_stand_in_the_order_of_the_registry() {
    let place = |id: &str| chemr_tasks::tasks().iter().position(|task| task.id() == id).unwrap();
    assert!(Gym::TASKS.is_sorted_by_key(|id| place(id)));
}

#[test]
fn references_are_right_for_their_own_verifier() {
    for level in Gym::LEVELS {
        let gym = gym(&[level]);
        for id in Gym::TASKS {
            let task = chemr_tasks::task(id).unwrap_or_else(|| panic!("{id} has no verifier"));
            gym.examples(id, Split::Train, 0..sample(id)).unwrap().par_iter().for_each(|example| {
                assert_eq!(example.level, level);
                assert!(!task.question(example).user.is_empty());
                let fields: BTreeSet<&str> = task.fields().iter().map(|field| field.key).collect();
                assert_eq!(fields, example.input.keys().map(String::as_str).collect(), "{example:?}");
                let answers = [Some(example.reference.clone()), example.meta.get("aligned_answer").cloned()];
                for answer in answers.into_iter().flatten() {
                    let completion = chemr_tasks::completion("x", &answer);
                    let verdict = task.verify(example, &completion, Mode::Strict);
                    assert!(verdict.correct, "{id} {answer} {:?} {example:?}", verdict.reason);
                }
            });
        }
    }
}

#[test]
fn no_question_exceeds_the_gate_of_answers() {
    for level in Gym::LEVELS {
        let gym = gym(&[level]);
        for id in Gym::TASKS {
            for example in gym.examples(id, Split::Train, 0..sample(id)).unwrap() {
                for key in ["smiles", "other", "reactants", "product", "ring", "ring_system"] {
                    let text = example.field(key);
                    assert!(text.is_empty() || Mol::parse(text).is_ok(), "{id} {text}");
                }
            }
        }
    }
}

/// Hashes over the lines of examples: what the first levels of the first tasks ask may not change unnoticed, because published figures belong
/// to it.
#[test]
fn the_first_levels_of_the_first_tasks_stay_as_they_are() {
    for (id, level, wanted) in GOLDEN {
        let gym = gym(&[level]);
        let mut lines = String::new();
        for (split, count) in [(Split::Train, 100), (Split::Test, 20)] {
            for example in gym.examples(id, split, 0..count).unwrap() {
                lines.push_str(&serde_json::to_string(&example).unwrap());
                lines.push('\n');
            }
        }
        assert_eq!(crate::stable_hash(&lines), wanted, "{id} level {level}");
    }
}

const GOLDEN: [(&str, u8, u64); 18] = [
    ("name.smiles_to_formula", 1, 0x1cb3_7781_d7a8_82e8),
    ("name.smiles_to_formula", 2, 0x38b5_449d_e56d_0dfe),
    ("name.smiles_to_formula", 3, 0x9f7a_278a_b40b_a035),
    ("name.iupac_to_smiles", 1, 0x6817_2aa1_d190_2d16),
    ("name.iupac_to_smiles", 2, 0x80de_b7cf_7496_6649),
    ("name.iupac_to_smiles", 3, 0x465b_0416_3479_56ff),
    ("property.polarity_rule", 1, 0xedc8_5b2c_f1fa_70eb),
    ("property.polarity_rule", 2, 0xbcd2_47e3_2d52_529c),
    ("property.polarity_rule", 3, 0xe692_1157_5588_0553),
    ("reaction_prediction", 1, 0x97ed_6219_cc8d_5cbe),
    ("reaction_prediction", 2, 0x60ef_5141_c14b_e69b),
    ("reaction_prediction", 3, 0x0fef_7594_7423_0bbc),
    ("retrosynthesis", 1, 0x5494_b732_d99d_91cc),
    ("retrosynthesis", 2, 0xdbf7_5c2f_e0b0_ceb5),
    ("retrosynthesis", 3, 0xbf49_9dc1_bc35_3193),
    ("tomg.functional_group", 1, 0x19a3_de34_bd8d_63c6),
    ("tomg.functional_group", 2, 0x32e5_c9b1_03b8_8af4),
    ("tomg.functional_group", 3, 0xe280_5f50_4893_ae03),
];

#[test]
fn key_molecules_are_disjoint_between_splits() {
    // `split_of` guards each key; this looks at what came out, over all tasks together.
    let counts = |id: &str| match id {
        "name.smiles_to_formula" | "name.iupac_to_smiles" => (3_000, 300),
        "reaction_prediction" | "reagent.selection_rule" => (240, 20),
        "retrosynthesis" => (100, 10),
        "yield.rule" => (400, 20),
        _ => (500, 30),
    };
    let gym = gym(&Gym::LEVELS);
    let mut seen: BTreeMap<String, Split> = BTreeMap::new();
    let mut total = 0;
    for task in Gym::TASKS {
        let (train, held_out) = counts(task);
        for (split, count) in SPLITS.into_iter().zip([train, held_out, held_out]) {
            for example in gym.examples(task, split, 0..count).unwrap() {
                assert_eq!(example.split, split);
                let earlier = seen.insert(example.meta["key"].clone(), split);
                assert!(earlier.is_none_or(|earlier| earlier == split), "{example:?}");
                total += 1;
            }
        }
    }
    assert!(total >= 15_000, "{total}");
}

/// Where many molecules are right, the question itself belongs to one split.
#[test]
fn demands_are_disjoint_between_splits() {
    let gym = gym(&[1, 4]);
    for id in ["name.formula_to_smiles", "tomg.atom_num", "tomg.functional_group"] {
        let mut seen: BTreeMap<Vec<String>, Split> = BTreeMap::new();
        for (split, count) in SPLITS.into_iter().zip([400, 30, 30]) {
            for example in gym.examples(id, split, 0..count).unwrap() {
                let earlier = seen.insert(question_key(&example), split);
                assert!(earlier.is_none_or(|earlier| earlier == split), "{example:?}");
            }
        }
    }
}

/// The spaces of the first levels are small, those of their held-out splits smaller.
#[test]
fn held_out_streams_of_the_first_levels_do_not_run_dry() {
    for level in [1, 2] {
        let gym = gym(&[level]);
        for id in Gym::TASKS {
            for split in [Split::Valid, Split::Test] {
                assert_eq!(gym.examples(id, split, 0..8).map(|rows| rows.len()).unwrap_or(0), 8, "{id} level {level}");
            }
        }
    }
}

#[test]
fn labels_and_directions_are_balanced() {
    let gym = gym(&Gym::LEVELS);
    let share = |id: &str, is: &dyn Fn(&Example) -> bool| {
        let rows = gym.examples(id, Split::Train, 0..400).unwrap();
        let count = rows.iter().filter(|row| is(row)).count();
        assert!((150..250).contains(&count), "{id}: {count} of 400");
    };
    for id in ["cot.same_molecule", "cot.has_ring_system"] {
        share(id, &|row| row.reference == "Yes");
    }
    for id in ["tomg.logp", "tomg.mr", "tomg.qed"] {
        share(id, &|row| row.field("direction") == "increase");
    }
}

#[test]
fn group_questions_are_disjoint_between_splits() {
    let gym = gym(&[1, 2]);
    let mut seen: BTreeMap<Vec<String>, Split> = BTreeMap::new();
    for (split, count) in SPLITS.into_iter().zip([600, 60, 60]) {
        for example in gym.examples("tomg.functional_group", split, 0..count).unwrap() {
            let earlier = seen.insert(question_key(&example), split);
            assert!(earlier.is_none_or(|earlier| earlier == split), "{example:?}");
        }
    }
}

#[test]
fn metadata_splices() {
    let gym = gym(&[1, 2]);
    for example in gym.examples("reaction_prediction", Split::Train, 0..40).unwrap() {
        let meta = &example.meta;
        let fill = |text: &str| text.replace("{L}", &meta["left"]).replace("{R}", &meta["right"]);
        assert_eq!(fill(&meta["product_pattern"]), meta["aligned_answer"]);
        assert_eq!(fill(&meta["reactants_pattern"]), meta["aligned_reactants"]);
        assert_eq!(meta["reactant_groups"].split(';').count(), meta["aligned_reactants"].split('.').count());
        if example.level == 1 {
            assert!(example.field("reactants").starts_with(&meta["aligned_reactants"]));
        }
    }
    for example in gym.examples("name.iupac_to_smiles", Split::Train, 0..40).unwrap() {
        let texts: String = example.meta["positions"]
            .split(';')
            .filter_map(|item| item.split_once(':'))
            .map(|(_, text)| text)
            .collect();
        assert_eq!(texts, example.meta["aligned_answer"]);
    }
    for example in gym.examples("tomg.functional_group", Split::Train, 0..40).unwrap() {
        let texts: String =
            example.meta["pieces"].split(';').filter_map(|item| item.split_once('=')).map(|(_, text)| text).collect();
        assert_eq!(texts, example.meta["aligned_answer"]);
    }
    for example in gym.examples("name.smiles_to_formula", Split::Train, 0..40).unwrap() {
        let hydrogens: usize =
            example.meta["atoms"].split(' ').filter_map(|item| item.split_once(':')?.1.parse::<usize>().ok()).sum();
        let counts = example.meta["counts"].replace(':', "").replace(';', " ");
        assert!(hydrogens == 0 || counts.contains(&format!("H{hydrogens}")), "{example:?}");
    }
}

#[test]
fn polarity_is_balanced() {
    let rows = gym(&[1]).examples("property.polarity_rule", Split::Train, 0..600).unwrap();
    let yes = rows.iter().filter(|row| row.reference == "Yes").count();
    assert!((255..345).contains(&yes), "{yes}");
}

#[test]
fn yields_are_balanced() {
    let acid = chemr_chem::Pattern::compile("C(=O)[OX2H1]").unwrap();
    for level in Gym::LEVELS {
        let rows = gym(&[level]).examples("yield.rule", Split::Train, 0..300).unwrap();
        let yes = rows.iter().filter(|row| row.reference == "Yes").count();
        assert!((115..185).contains(&yes), "level {level}: {yes}");
        let mut acids = 0;
        for row in &rows {
            let counts = chemr_tasks::yield_rule::count_reaction(row.field("reaction")).unwrap();
            assert_eq!(
                (counts.label(), counts.points().to_string()),
                (row.reference.as_str(), row.meta["points"].clone())
            );
            let is_acid = acid.is_match(&Mol::parse(&row.meta["nucleophile"]).unwrap());
            assert_eq!(is_acid, row.meta["withdrawing_groups"].split(';').any(|name| name == "carboxyl"), "{row:?}");
            acids += usize::from(is_acid);
        }
        assert_eq!(acids > 10, level >= 3, "level {level}: {acids}");
    }
}

/// One candidate is right; at levels 4 and 5 some are wrong because of a second group.
#[test]
fn reagents_to_choose_from() {
    let task = chemr_tasks::task("reagent.selection_rule").unwrap();
    for level in Gym::LEVELS {
        let rows = gym(&[level]).examples("reagent.selection_rule", Split::Train, 0..200).unwrap();
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for row in &rows {
            let candidates: Vec<&str> = row.field("candidates").split(',').collect();
            assert!((4..=6).contains(&candidates.len()), "{row:?}");
            for candidate in candidates {
                let verdict = task.verify(row, &chemr_tasks::completion("x", candidate), Mode::Strict);
                assert_eq!(verdict.correct, candidate == row.reference, "{row:?}");
            }
            for item in row.meta["wrong"].split(';') {
                *kinds.entry(item.split_once(':').unwrap().1).or_default() += 1;
            }
        }
        assert!(kinds["too_weak"] > 100 && kinds["other_change"] > 20, "{kinds:?}");
        assert_eq!(kinds.get("too_strong").is_some_and(|count| *count > 50), level >= 4, "{kinds:?}");
    }
}

/// Levels 1 to 3 carry no equation in their metadata; there is one for each reaction all the same.
#[test]
fn atoms_balance_at_every_level() {
    for level in Gym::LEVELS {
        for row in gym(&[level]).examples("reaction_prediction", Split::Train, 0..60).unwrap() {
            let reaction = chemr_chem::named_reactions().get(&row.meta["reaction"]).unwrap();
            let reactants: Vec<Mol> =
                row.meta["aligned_reactants"].split('.').map(|text| Mol::parse(text).unwrap()).collect();
            let equation = balance::Equation::of(reaction, &reactants, &Mol::parse(&row.reference).unwrap());
            let equation = equation.unwrap_or_else(|| panic!("{row:?}"));
            assert!(row.meta.get("balance").is_none_or(|balance| *balance == equation.balance()), "{row:?}");
        }
    }
}

#[test]
fn distinct_questions() {
    let gym = gym(&[1]);
    for task in ["name.smiles_to_formula", "tomg.functional_group"] {
        let rows = gym.distinct(task, Split::Test, 40).unwrap();
        assert_eq!(rows.len(), 40);
        let questions: BTreeSet<_> = rows.iter().map(question_key).collect();
        assert_eq!(questions.len(), 40);
        assert_eq!(rows[0], gym.example(task, Split::Test, 0).unwrap());
        assert_eq!(rows[..10], gym.distinct(task, Split::Test, 10).unwrap());
    }
}

#[test]
fn duplicates_are_few() {
    let gym = gym(&[1]);
    for task in Gym::TASKS {
        let least = match task {
            "name.iupac_to_smiles" => 85,
            // A molecule is asked about in two directions, and again with other answers.
            "tomg.logp" | "tomg.mr" => 20,
            "tomg.qed" => 10,
            _ => 70,
        };
        let rows = gym.examples(task, Split::Train, 0..200).unwrap();
        let distinct: BTreeSet<&str> = rows.iter().map(|row| row.meta["key"].as_str()).collect();
        assert!(distinct.len() * 100 >= rows.len() * least, "{task}: {} of {}", distinct.len(), rows.len());
    }
}
