use std::collections::BTreeSet;

use chemr_tasks::{Mode, Split, completion};

use super::super::reaction::largest;
use super::super::smarts::Smarts;
use super::super::{Gym, GymConfig};
use super::*;
use crate::rng::Rng;
use crate::sketch::{Sketch, heavy_atoms};

/// One case for each rule, products by Python RDKit 2026.9.1.
const CASES: &str = include_str!("../../../tests/fixtures/gym/selectivity.tsv");

fn mol(smiles: &str) -> Mol {
    Mol::parse(smiles).unwrap_or_else(|error| panic!("{smiles}: {error}"))
}

#[test]
fn centres_are_counted() {
    for (smiles, count) in [("CC", 0), ("C[C@H](N)O", 1), ("C[C@@H](N)[C@H](C)O", 2), ("C[C@@H](N)[C@@H](C)O", 2)] {
        assert_eq!(centres(smiles), count, "{smiles}");
    }
}

/// Each rule on a molecule written by hand: the group is there before and after, the templates make the product, and whatever else
/// they make is what the rule decides against. A rule with `over` has to be needed in some case.
#[test]
fn every_rule_decides_its_case() {
    let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
    for line in CASES.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let &[id, reaction, reactants, product] = columns.as_slice() else { panic!("bad line {line}") };
        let named = named_reactions().get(reaction).unwrap();
        let survivors = rules().survivors(reaction);
        let reactants: Vec<Mol> = reactants.split('.').map(mol).collect();
        let product = mol(product);
        let counts =
            |pattern: &Smarts| (reactants.iter().map(|mol| pattern.count(mol)).sum::<usize>(), pattern.count(&product));
        let protected = survivors.iter().any(|(group, rule)| {
            let (before, after) = counts(&group.smarts);
            let is_excepted = reactants.iter().any(|mol| rule.excepts(group, mol));
            rule.id == id && before >= 1 && after >= before && !is_excepted
        });
        let Some((_, rule)) = survivors.iter().find(|(_, rule)| rule.id == id).filter(|_| protected) else {
            wrong.push(format!("{line}: the group does not survive"));
            continue;
        };
        if rules().conditions(reaction).unwrap().may_cleave(&product) {
            wrong.push(format!("{line}: the conditions may cleave the product"));
        }
        let own_reagents = reagents(&named.reagent_smiles).unwrap();
        let mixture: Vec<&Mol> = reactants.iter().chain(&own_reagents).collect();
        let outcomes = named_reactions().outcomes(&mixture);
        if !outcomes.iter().any(|(known, made)| known.id == reaction && made.contains(&product)) {
            wrong.push(format!("{line}: the template does not make the product"));
        }
        for (known, made) in outcomes {
            if !rule.over.contains(&known.id) && made.iter().any(|made| *made != product) {
                wrong.push(format!("{line}: {} makes {made:?}", known.id));
            }
        }
        if Equation::of(named, &reactants, &product).is_none() {
            wrong.push(format!("{line}: not balanced"));
        }
        seen.insert(id);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let ids: BTreeSet<&str> = rules().all().iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(seen, ids);
}

#[test]
fn sixty_types_have_distractors() {
    for level in [4, 5] {
        let forward = plans(level, false);
        assert!(forward.len() >= 60, "level {level}: {} types", forward.len());
        let groups: BTreeSet<&str> =
            forward.iter().flat_map(|(_, plans)| plans).map(|plan| plan.distractor.group.id.as_str()).collect();
        assert!(groups.len() >= 25, "level {level}: {groups:?}");
        assert!(plans(level, true).len() >= 40, "level {level}: {} backwards", plans(level, true).len());
    }
}

#[test]
fn hundreds_of_examples_hold() {
    for level in [4u8, 5] {
        let gym = Gym::new(GymConfig { seed: 1, levels: vec![level] }).unwrap();
        for (id, field) in [("reaction_prediction", "reactants"), ("retrosynthesis", "product")] {
            let task = chemr_tasks::task(id).unwrap();
            let (mut inverted, mut kept, mut two) = (0, 0, 0);
            for example in gym.examples(id, Split::Train, 0..200).unwrap() {
                let meta = &example.meta;
                for answer in [&example.reference, &meta["aligned_answer"]] {
                    let verdict = task.verify(&example, &completion("x", answer), Mode::Strict);
                    assert_eq!(verdict.score, 1.0, "{example:?}");
                }
                assert!(chemr_tasks::check_input(task, example.field(field)).is_ok(), "{example:?}");
                assert!(example.field(field).len() <= chemr_chem::Gate::ANSWER.max_chars, "{example:?}");
                let distractors: Vec<&str> = meta["distractors"].split(';').collect();
                assert!((1..=2).contains(&distractors.len()) && distractors.len() <= usize::from(level) - 3);
                assert_eq!(meta["rules"].split(';').count(), distractors.len());
                // What `largest` allows, and the distractors on top.
                let length = |piece: Option<Sketch>| piece.map_or(0, |piece| piece.len());
                let bound = |id: &&str| {
                    let (chain, ring) = rules().group(id).unwrap().pieces();
                    length(chain).max(length(ring))
                };
                let most = largest(level) + distractors.iter().map(bound).sum::<usize>();
                assert!(heavy_atoms(&meta["aligned_product"]) <= most, "{example:?}");
                let reaction = meta["reaction"].as_str();
                let conditions = rules().conditions(reaction).unwrap();
                assert!(!conditions.may_cleave(&mol(&meta["aligned_product"])), "{example:?}");
                let reactants: Vec<Mol> = meta["aligned_reactants"].split('.').map(mol).collect();
                for (group, rule) in rules().survivors(reaction) {
                    let is_excepted = reactants.iter().any(|mol| rule.excepts(group, mol));
                    assert!(!distractors.contains(&group.id.as_str()) || !is_excepted, "{} {example:?}", rule.id);
                }
                assert!(!meta["why"].is_empty() && !meta["balance"].is_empty() && !meta["conditions"].is_empty());
                inverted += usize::from(meta["stereo"] == "inversion");
                kept += usize::from(meta["stereo"] == "retention" || meta["spectator_centre"] == "yes");
                two += usize::from(distractors.len() == 2);
            }
            let is_five = level == 5;
            assert_eq!((inverted > 0, kept > 5, two > 50), (is_five, is_five, is_five), "{id} {level}");
        }
    }
}

/// What a rule makes an exception of and what the conditions may cleave is drawn now and then, and refused.
#[test]
fn what_is_not_certain_is_refused() {
    for id in ["ketone_reduction", "debenzylation"] {
        let (_, plans) = plans(4, false).iter().find(|(reaction, _)| reaction.id == id).unwrap();
        let mut refused = 0;
        for (seed, plan) in (0..1_000).zip(plans.iter().cycle()) {
            let Some(substrates) = Substrates::draw(&mut Rng::new(seed), plan, 4) else { continue };
            let product = mol(&substrates.drawn.product);
            let reactants = substrates.drawn.read_reactants().unwrap();
            let mut pairs = substrates.distractors.iter();
            let is_excepted = pairs.any(|(group, rule)| reactants.iter().any(|mol| rule.excepts(group, mol)));
            if is_excepted || substrates.conditions.may_cleave(&product) {
                assert!(passed(substrates, product.clone(), false).unwrap().is_none(), "{id} {product}");
                refused += 1;
            }
        }
        assert!(refused > 10, "{id}: {refused}");
    }
}

/// Without the phosphine and the azodicarboxylate an alcohol and a phenol would be no question.
#[test]
fn mitsunobu_reactions_show_their_reagents() {
    for level in [2u8, 3, 4, 5] {
        let gym = Gym::new(GymConfig { seed: 1, levels: vec![level] }).unwrap();
        let rows = gym.examples("reaction_prediction", Split::Train, 0..400).unwrap();
        let mut seen = 0;
        for row in rows.iter().filter(|row| row.meta["reaction"] == "mitsunobu_ether") {
            let shown: Vec<&str> = row.field("reactants").split('.').collect();
            for reagent in ["c1ccc(P(c2ccccc2)c2ccccc2)cc1", "CCOC(=O)N=NC(=O)OCC"] {
                assert_eq!(shown.iter().filter(|text| **text == reagent).count(), 1, "{row:?}");
            }
            seen += 1;
        }
        assert!(seen > 0, "level {level}");
    }
}

/// SN2 turns the centre over: cut out of the whole chain of drawing, so that a change there is noticed.
#[test]
fn inversion_changes_the_centre_that_reacts() {
    let gym = Gym::new(GymConfig { seed: 5, levels: vec![5] }).unwrap();
    let rows = gym.examples("reaction_prediction", Split::Train, 0..400).unwrap();
    let mut seen = 0;
    for row in rows.iter().filter(|row| row.meta["stereo"] != "none" && row.meta["spectator_centre"] == "no") {
        let named = named_reactions().get(&row.meta["reaction"]).unwrap();
        let reactants: Vec<Mol> = row.meta["aligned_reactants"].split('.').map(mol).collect();
        let borrowed: Vec<&Mol> = reactants.iter().collect();
        // The template knows of no inversion: it makes the one configuration or, with two distractors, several products.
        let made = named_reactions().products(named, &borrowed);
        let same = made.iter().any(|made| made.is_same(&mol(&row.reference)));
        assert_eq!(same, row.meta["stereo"] == "retention", "{row:?}");
        seen += 1;
    }
    assert!(seen > 10, "{seen}");
}
