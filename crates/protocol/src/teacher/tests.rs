use std::collections::BTreeMap;

use chemr_data::{Gym, GymConfig};
use chemr_tasks::Split;

use super::*;
use crate::claims::{Claim, ClaimKind, Truth, check_claims};
use crate::filter::{DropReason, filter};
use crate::grammar::wordings;
use crate::protocol::has_protocol;

const PER_TASK: u64 = 60;

fn gym_rows(level: u8, count: u64) -> Vec<Example> {
    let gym = Gym::new(GymConfig { seed: 11, levels: vec![level] }).unwrap();
    taught().flat_map(|task| gym.examples(task, Split::Train, 0..count).unwrap()).collect()
}

/// The tasks of the gym that have a protocol.
fn taught() -> impl Iterator<Item = &'static str> {
    Gym::TASKS.into_iter().filter(|id| task(id).is_some_and(has_protocol))
}

fn row(task: &str, key: &str, value: &str, reference: &str) -> Example {
    let input = BTreeMap::from([(key.to_string(), value.to_string())]);
    Example::new(task, "test", Split::Train, 0, input, reference, BTreeMap::new())
}

fn wrong(claims: &[Claim]) -> Vec<&Claim> {
    claims.iter().filter(|claim| claim.truth == Truth::False).collect()
}

#[test]
fn gym_traces_are_true_checked_and_kept() {
    for level in Gym::LEVELS {
        for example in gym_rows(level, PER_TASK) {
            let trace = match expert_trace(&example, u64::from(level)) {
                Ok(trace) => trace,
                Err(TeacherError::NotCovered { .. }) if level >= 3 => continue,
                Err(error) => panic!("{error}"),
            };
            let text = trace.render();
            let claims = check_claims(&example, &text);
            assert!(wrong(&claims).is_empty(), "{text}\n{:?}", wrong(&claims));
            let checked = claims.iter().filter(|claim| claim.truth == Truth::True).count();
            assert!(checked >= 3, "{text}\n{claims:?}");
            assert!(claims.iter().all(|claim| (1..=4).contains(&claim.step) && text.get(claim.span.clone()).is_some()));
            // Every step makes a statement that is understood.
            for step in 1..=4 {
                assert!(claims.iter().any(|claim| claim.step == step), "step {step} of {text}");
            }
            assert_eq!(filter(&example, &text), Ok(()), "{text}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_trace_and_seeds_vary_it() {
    for example in gym_rows(1, 3) {
        let traces: Vec<Trace> = (0..12).map(|seed| expert_trace(&example, seed).unwrap()).collect();
        assert_eq!(traces[3], expert_trace(&example, 3).unwrap());
        assert!(traces.iter().any(|trace| trace.steps != traces[0].steps), "{}", example.task);
        assert!(traces.iter().all(|trace| trace.answer == traces[0].answer));
    }
}

#[test]
fn imported_rows_get_general_traces() {
    let rows = [
        row("reaction_prediction", "reactants", "CC(=O)Cl.NCCc1ccccc1", "CC(=O)NCCc1ccccc1"),
        row("retrosynthesis", "product", "CCOC(=O)c1ccccc1", "CCO.O=C(O)c1ccccc1"),
        // No named reaction: the atoms say what leaves.
        row("reaction_prediction", "reactants", "CCCCCC.BrBr", "CCCC(Br)CC"),
        row(
            "name.iupac_to_smiles",
            "iupac",
            "(2R)-2-amino-3-(1H-indol-3-yl)propanoic acid",
            "N[C@H](Cc1c[nH]c2ccccc12)C(=O)O",
        ),
        row("name.iupac_to_smiles", "iupac", "tetrachloromethane", "ClC(Cl)(Cl)Cl"),
        row("property.bbbp", "smiles", "CN1CCC[C@H]1c1cccnc1", "Yes"),
        row("property.bbbp", "smiles", "CCCCCC", "Yes"),
        row("name.smiles_to_formula", "smiles", "C[N+](C)(C)CC([O-])=O", "C5H11NO2"),
        row("name.smiles_to_formula", "smiles", "C[N+](C)(C)C", "C4H12N+"),
    ];
    for example in rows {
        for seed in 0..3 {
            let text = expert_trace(&example, seed).unwrap().render();
            let claims = check_claims(&example, &text);
            assert!(wrong(&claims).is_empty(), "{text}\n{:?}", wrong(&claims));
            assert!(claims.iter().filter(|claim| claim.truth == Truth::True).count() >= 3, "{text}\n{claims:?}");
            assert_eq!(filter(&example, &text), Ok(()), "{text}");
        }
    }
}

/// The third step of a trace, in the wording that says "breaks" and "releases".
fn type_step(reactants: &str, product: &str) -> String {
    let example = row("reaction_prediction", "reactants", reactants, product);
    let traces = (0..60).map(|seed| expert_trace(&example, seed).unwrap().steps[2].text.clone());
    traces
        .into_iter()
        .find(|text| text.contains("it forms") || text.contains("leave") && text.starts_with("The atoms"))
        .unwrap()
}

#[test]
fn what_is_said_of_a_reaction_is_in_its_row() {
    for (reactants, product, said) in [
        ("CCCCl.Oc1ccccc1", "CCCOc1ccccc1", "Williamson ether synthesis: it forms C-O, breaks C-Cl, releases Cl."),
        ("CCOC(=O)C(C)C", "CC(C)C(=O)O", "ester hydrolysis: it forms C-O, breaks C-O, releases CCO."),
        ("CCC(=O)F.Nc1ccccc1", "CCC(=O)Nc1ccccc1", "an acyl chloride: it forms C-N, breaks C-F, releases F."),
        (
            "O=[N+]([O-])c1ccc(Cl)cc1.CCN",
            "CCNc1ccc([N+](=O)[O-])cc1",
            "nucleophilic aromatic substitution: it forms C-N, breaks C-Cl, releases Cl.",
        ),
        (
            "CC1(C)OB(c2ccccc2)OC1(C)C.CCc1ccc(I)cc1",
            "CCc1ccc(-c2ccccc2)cc1",
            "Suzuki coupling: it forms C-C, breaks C-I, B-C.",
        ),
        ("CCCCCC.BrBr", "CCCC(Br)CC", "The atoms Br1 H1 leave."),
    ] {
        let text = type_step(reactants, product);
        assert!(text.ends_with(said), "{reactants}: {text}");
    }
}

#[test]
fn reagents_are_named_apart() {
    let example = row("reaction_prediction", "reactants", "[BH4-].[Na+].CCC(C)=O", "CCC(C)O");
    for seed in 0..6 {
        let trace = expert_trace(&example, seed).unwrap();
        let text = &trace.steps[0].text;
        assert!(text.contains(" 1.") && text.ends_with("[BH4-].[Na+]."), "{text}");
        assert!(trace.steps[1].text.starts_with("Reactant 1 ") && !trace.steps[1].text.contains(','), "{trace:?}");
        assert!(wrong(&check_claims(&example, &trace.render())).is_empty());
        assert_eq!(filter(&example, &trace.render()), Ok(()));
    }
}

#[test]
fn several_ways_give_one_count() {
    for (reactants, product, count, beside) in [
        ("CC(=O)O.CCN.CCN", "CCNC(C)=O", " 2.", "CCN."),
        (
            "O=[N+]([O-])c1ccc(F)cc1.O=[N+]([O-])c1ccc(Br)cc1.CCN",
            "CCNc1ccc([N+](=O)[O-])cc1",
            " 2.",
            "O=[N+]([O-])c1ccc(Br)cc1.",
        ),
    ] {
        let example = row("reaction_prediction", "reactants", reactants, product);
        for seed in 0..6 {
            let trace = expert_trace(&example, seed).unwrap();
            let text = &trace.steps[0].text;
            assert!(text.contains(count) && text.ends_with(beside), "{text}");
            let claims = check_claims(&example, &trace.render());
            assert!(wrong(&claims).is_empty(), "{trace:?} {:?}", wrong(&claims));
            assert_eq!(filter(&example, &trace.render()), Ok(()));
        }
    }
}

#[test]
fn types_that_are_as_good_are_not_named() {
    // Mitsunobu reaction of the alcohol and Williamson synthesis with the bromide both give the product.
    let reactants = "CCO.CCBr.O=[N+]([O-])c1ccc(O)cc1";
    let example = row("reaction_prediction", "reactants", reactants, "CCOc1ccc([N+](=O)[O-])cc1");
    for seed in 0..6 {
        let trace = expert_trace(&example, seed).unwrap();
        let text = trace.render();
        assert!(trace.steps[0].text.contains(" 3."), "{text}");
        assert!(trace.steps[1].text.contains("reactant 3"), "{text}");
        assert!(trace.steps[2].text.contains("C2 H7 Br1 O1"), "{text}");
        let claims = check_claims(&example, &text);
        assert!(wrong(&claims).is_empty(), "{text} {:?}", wrong(&claims));
        assert!(!claims.iter().any(|claim| claim.kind == ClaimKind::ReactionType), "{text}");
        assert_eq!(filter(&example, &text), Ok(()));
    }
}

#[test]
fn errors_are_typed() {
    let code = |example: &Example| expert_trace(example, 0).map(|_| "ok").unwrap_or_else(|error| error.code());
    assert_eq!(code(&row("no.such.task", "smiles", "C", "C")), "unknown_task");
    assert_eq!(code(&row("name.smiles_to_formula", "smiles", "C(C", "C2H6")), "broken_example");
    assert_eq!(code(&row("name.smiles_to_formula", "smiles", "CC", "CH4")), "broken_example");
    assert_eq!(code(&row("property.polarity_rule", "smiles", "CCCCCC", "Yes")), "broken_example");
    assert_eq!(code(&row("tomg.functional_group", "groups", "1 ester", "CC(=O)OC")), "not_covered");
    // Atoms appear from nowhere and no reaction fits.
    assert_eq!(code(&row("reaction_prediction", "reactants", "CCCC", "CCCCS(=O)(=O)I")), "not_covered");
    for (task, key) in
        [("reaction_prediction", "reactants"), ("retrosynthesis", "product"), ("name.iupac_to_smiles", "iupac")]
    {
        assert_eq!(code(&row(task, key, "", "C")), "broken_example");
    }
}

/// A false value of the same shape as the true text of a claim; `None` where the text has no value to change.
fn corrupted(claim: &Claim, text: &str) -> Option<String> {
    let next = |text: &str| {
        let end = text.rfind(|c: char| c.is_ascii_digit())? + 1;
        let start = text[..end].rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
        let number: usize = text[start..end].parse().ok()?;
        Some(format!("{}{}{}", &text[..start], number + 1, &text[end..]))
    };
    Some(match claim.kind {
        ClaimKind::GroupPresent => if text == "sulfoxide" { "azide" } else { "sulfoxide" }.to_string(),
        ClaimKind::GroupAbsent => return None,
        ClaimKind::GroupFragment => format!("disulfide {}", text.rsplit_once(' ')?.1),
        ClaimKind::Formula => next(text).unwrap_or_else(|| format!("{text}2")),
        ClaimKind::Elements => if text == "S" { "P" } else { "S" }.to_string(),
        ClaimKind::Substituent | ClaimKind::Leaving if !text.contains(|c: char| c.is_ascii_digit()) => {
            if claim.kind == ClaimKind::Leaving { "CCCC".to_string() } else { return None }
        }
        ClaimKind::Substituent => {
            let (locant, name) = text.split_once('-')?;
            format!("{}-{name}", locant.parse::<usize>().map_or(9, |number| number + 1))
        }
        ClaimKind::Position => format!("{text}F"),
        ClaimKind::Smiles => format!("{text}("),
        ClaimKind::Assembly => format!("C{text}"),
        ClaimKind::ReactionType => {
            if text == "ester hydrolysis" { "Heck reaction" } else { "ester hydrolysis" }.to_string()
        }
        ClaimKind::BondFormed | ClaimKind::BondBroken => "P-S".to_string(),
        ClaimKind::Verdict => if text == "Yes" { "No" } else { "Yes" }.to_string(),
        _ => return next(text),
    })
}

/// Changes one claim at a time and counts how often the checker finds something false in the changed place.
#[test]
fn corruptions_are_detected() {
    let mut rates: BTreeMap<ClaimKind, (usize, usize)> = BTreeMap::new();
    for level in 1..=2 {
        for example in gym_rows(level, 15) {
            let text = expert_trace(&example, 5).unwrap().render();
            for claim in check_claims(&example, &text) {
                let Some(value) = corrupted(&claim, &text[claim.span.clone()]) else { continue };
                let changed = format!("{}{value}{}", &text[..claim.span.start], &text[claim.span.end..]);
                let found = check_claims(&example, &changed)
                    .into_iter()
                    .any(|other| other.truth == Truth::False && other.step == claim.step);
                let rate = rates.entry(claim.kind).or_default();
                rate.0 += usize::from(found);
                rate.1 += 1;
                if found {
                    assert!(filter(&example, &changed).is_err());
                }
            }
        }
    }
    let kinds = [
        ClaimKind::GroupPresent,
        ClaimKind::GroupCount,
        ClaimKind::GroupFragment,
        ClaimKind::Constraint,
        ClaimKind::Formula,
        ClaimKind::Elements,
        ClaimKind::ElementCount,
        ClaimKind::RunningCount,
        ClaimKind::RingCount,
        ClaimKind::ReactantCount,
        ClaimKind::ChainLength,
        ClaimKind::Substituent,
        ClaimKind::Stereo,
        ClaimKind::Position,
        ClaimKind::Smiles,
        ClaimKind::Assembly,
        ClaimKind::ReactionType,
        ClaimKind::BondFormed,
        ClaimKind::BondBroken,
        ClaimKind::Leaving,
        ClaimKind::Arithmetic,
        ClaimKind::Comparison,
        ClaimKind::Verdict,
    ];
    for kind in kinds {
        let (found, tried) = rates.get(&kind).copied().unwrap_or_default();
        assert!(tried >= 5, "{kind}: only {tried} corruptions");
        assert!(found == tried, "{kind}: {found} of {tried} detected");
    }
}

#[test]
fn no_wording_betrays_the_teacher() {
    use crate::grammar::SENTENCES;
    for sentence in SENTENCES {
        assert_eq!(wordings(sentence.rule).len(), sentence.teacher.len());
        assert!(sentence.teacher.is_empty() || sentence.teacher.len() >= 2, "{:?} has one wording", sentence.rule);
        for text in sentence.teacher {
            for word in text.split_whitespace().filter(|word| !word.starts_with('{')) {
                let word = word.trim_matches(|c: char| !c.is_ascii_alphabetic());
                // A word of SMILES letters only would break the prose run of the tokenizer.
                let plain = word.bytes().any(|byte| byte.is_ascii_lowercase() && !b"bcnopslr".contains(&byte));
                assert!(plain, "`{word}` in `{text}`");
            }
        }
    }
}

#[test]
fn filter_reasons() {
    let example = row("name.smiles_to_formula", "smiles", "CCO", "C2H6O");
    let trace = expert_trace(&example, 0).unwrap();
    let good = trace.render();
    let code = |text: &str| filter(&example, text).map(|()| "kept").unwrap_or_else(|reason| reason.code());
    assert_eq!(code(&good), "kept");
    assert_eq!(code(&good.replace("</think>", "")), "format");
    assert_eq!(code(&good.replace("**Totals**", "**Sums**")), "missing_heading");
    assert_eq!(code(&good.replace("3. **Totals**", "4. **Totals**")), "heading_order");
    assert_eq!(code(&good.replace("</think>", "\n5. **More**: x</think>")), "heading_order");
    assert_eq!(code(&good.replace("<answer>C2H6O", "<answer>C2H6")), "wrong_answer");
    assert_eq!(code(&good.replace("C2H6O.", "C2H4O.")), "false_claim");
    assert_eq!(code(&good.replace("</think>", " The provided formula fits.</think>")), "leaked_hint");
    assert_eq!(code(&good.replace("</think>", &format!("{}</think>", " word".repeat(2000)))), "too_long");
    // A step that says nothing that its protocol asks for.
    let mut silent = trace.clone();
    silent.steps[2].text = "Now it is all added up.".to_string();
    assert_eq!(code(&silent.render()), "step_without_claims");
    // A guess says nothing either.
    let esters = row("reaction_prediction", "reactants", "CCOC(C)=O", "CC(=O)O");
    let mut guessed = expert_trace(&esters, 0).unwrap();
    assert_eq!(filter(&esters, &guessed.render()), Ok(()));
    guessed.steps[1].text = "It may contain an ester.".to_string();
    assert_eq!(filter(&esters, &guessed.render()).unwrap_err().code(), "step_without_claims");
    // Repeating an earlier statement is a statement all the same.
    let twice = row("reaction_prediction", "reactants", "CC(=O)O.NCC", "CCNC(C)=O");
    let mut repeated = expert_trace(&twice, 0).unwrap();
    repeated.steps[1].text = format!("{} {}", repeated.steps[1].text, repeated.steps[2].text);
    assert_eq!(filter(&twice, &repeated.render()), Ok(()));
    let mut swapped = trace.clone();
    swapped.steps.swap(0, 1);
    assert_eq!(code(&swapped.render()), "heading_order");
    let mut empty = trace.clone();
    empty.steps[2].text.clear();
    assert_eq!(code(&empty.render()), "empty_step");
    assert_eq!(filter(&row("no.task", "smiles", "C", "C"), &good), Err(DropReason::UnknownTask));
    // "shint" holds no hint.
    assert_eq!(code(&good.replace("</think>", " Sphinting preferences.</think>")), "kept");
    assert_eq!(
        filter(&example, &good.replace("<answer>C2H6O", "<answer>C2H6")).unwrap_err().to_string(),
        "wrong_answer.wrong_answer"
    );
}
