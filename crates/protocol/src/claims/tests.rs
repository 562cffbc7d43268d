//! Free model text, and text that means harm.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chemr_tasks::{Example, Split};

use super::*;

fn row(task: &str, key: &str, value: &str, reference: &str) -> Example {
    let input = BTreeMap::from([(key.to_string(), value.to_string())]);
    Example::new(task, "test", Split::Test, 0, input, reference, BTreeMap::new())
}

fn caffeine() -> Example {
    row("name.smiles_to_formula", "smiles", "CN1C=NC2=C1C(=O)N(C)C(=O)N2C", "C8H10N4O2")
}

fn retro() -> Example {
    row("retrosynthesis", "product", "CC(=O)NCCc1ccc(Cl)cc1", "CC(=O)O.NCCc1ccc(Cl)cc1")
}

/// Kind, value and truth of each claim.
fn claims_of(example: &Example, reasoning: &str) -> Vec<(ClaimKind, String, Truth)> {
    let text = format!("<think>{reasoning}</think>\n<answer>C</answer>");
    check_claims(example, &text)
        .into_iter()
        .map(|claim| {
            assert!(text.get(claim.span.clone()).is_some());
            (claim.kind, claim.value, claim.truth)
        })
        .collect()
}

fn single(example: &Example, reasoning: &str) -> (ClaimKind, Truth) {
    let claims = claims_of(example, reasoning);
    assert_eq!(claims.len(), 1, "{reasoning}: {claims:?}");
    (claims[0].0, claims[0].2)
}

#[test]
fn formulas_and_counts_in_other_words() {
    use ClaimKind::{Acceptors, Descriptor, Donors, ElementCount, Formula, HeavyAtoms, RingCount, Stereo};
    for (text, kind, truth) in [
        ("The molecular formula is C8H10N4O2.", Formula, Truth::True),
        ("Its molecular formula: C8H10N4O2", Formula, Truth::True),
        ("so the formula of the molecule is **C8H9N4O2**.", Formula, Truth::False),
        ("It has 14 heavy atoms", HeavyAtoms, Truth::True),
        ("The structure contains 8 carbon atoms.", ElementCount, Truth::True),
        ("It contains three nitrogen atoms.", ElementCount, Truth::False),
        ("there are 2 rings", RingCount, Truth::True),
        ("The molecule has three rings.", RingCount, Truth::False),
        ("It has zero hydrogen bond donors", Donors, Truth::True),
        ("with 3 hydrogen-bond acceptors", Acceptors, Truth::True),
        ("The molecular weight is 194.19 g/mol", Descriptor, Truth::True),
        ("The molecular weight is about 180", Descriptor, Truth::False),
        ("logP of -1.0", Descriptor, Truth::True),
        ("There are 0 stereocenters.", Stereo, Truth::True),
    ] {
        assert_eq!(single(&caffeine(), text), (kind, truth), "{text}");
    }
}

#[test]
fn groups_in_other_words() {
    use ClaimKind::{GroupAbsent, GroupCount, GroupPresent};
    let row = retro();
    for (text, kind, truth) in [
        ("The product contains an amide.", GroupPresent, Truth::True),
        ("The molecule contains a carboxylic acid.", GroupPresent, Truth::False),
        ("It does not contain an ester.", GroupAbsent, Truth::True),
        ("It does not contain any amide groups.", GroupAbsent, Truth::False),
        ("The product lacks a ketone.", GroupAbsent, Truth::True),
        ("It contains no carboxylic acid.", GroupAbsent, Truth::True),
        ("The product has two amide groups", GroupCount, Truth::False),
        ("an amide is present", GroupPresent, Truth::True),
        ("No ester is present.", GroupAbsent, Truth::True),
        ("featuring a benzene ring", GroupPresent, Truth::True),
        ("The functional groups include a \"Ketone\" (`CC(C)=O`)", GroupPresent, Truth::False),
        ("the presence of a carbonyl group", GroupPresent, Truth::True),
        ("It bears a chlorine atom", GroupPresent, Truth::True),
        ("It bears a free hydroxyl group", GroupPresent, Truth::False),
    ] {
        assert_eq!(single(&row, text), (kind, truth), "{text}");
    }
    let claims = claims_of(&row, "It contains an amide linkage, a halogen, and a nitrile but no ester. More follows.");
    let truths: Vec<Truth> = claims.iter().map(|claim| claim.2).collect();
    assert_eq!(truths, [Truth::True, Truth::True, Truth::False, Truth::True], "{claims:?}");
    // Every registry name of a typical trace in one word.
    let claims = claims_of(&row, "The functional groups are \"SecondaryAmine\" (`C[NH]C`) and \"Chlorine\" (`Cl`).");
    let truths: Vec<Truth> = claims.iter().map(|claim| claim.2).collect();
    assert_eq!(truths, [Truth::False, Truth::True], "{claims:?}");
}

#[test]
fn guesses_and_other_subjects_are_no_claims_about_the_molecule() {
    for text in [
        "A likely reactant could contain a nitrile.",
        "If it contains an ester, hydrolysis follows.",
        "The precursor should have a ketone.",
        "This may be an aldol condensation.",
    ] {
        assert!(claims_of(&retro(), text).iter().all(|claim| claim.2 == Truth::Unverifiable), "{text}");
    }
    let claims = claims_of(&retro(), "It joins two fragments, one containing a nitrile and the other having a ketone.");
    assert!(claims.iter().all(|claim| claim.2 == Truth::Unverifiable), "{claims:?}");
}

#[test]
fn subjects_are_followed() {
    let example = row("reaction_prediction", "reactants", "CC(=O)O.NCC", "CCNC(C)=O");
    let text = "<think>Reactant 1 has a carboxylic acid. The second reactant has a carboxylic acid. CCO contains an alcohol. \
The product contains an amide.</think><answer>CCNC(C)=O</answer>";
    let truths: Vec<(String, Truth)> =
        check_claims(&example, text).into_iter().map(|claim| (claim.subject, claim.truth)).collect();
    let expected = [
        ("reactant 1".to_string(), Truth::True),
        ("reactant 2".to_string(), Truth::False),
        ("CCO".to_string(), Truth::True),
        ("product".to_string(), Truth::True),
    ];
    assert_eq!(truths, expected);
}

#[test]
fn reaction_types_are_run() {
    let example = row("reaction_prediction", "reactants", "CC(=O)O.NCC", "CCNC(C)=O");
    for (text, kind, truth) in [
        ("This is an amide coupling.", ClaimKind::ReactionType, Truth::True),
        ("The reaction is a Suzuki coupling.", ClaimKind::ReactionType, Truth::False),
        ("The reactants undergo amidation.", ClaimKind::ReactionType, Truth::True),
        ("It forms a new C–N bond.", ClaimKind::BondFormed, Truth::True),
        ("It forms a C-S bond.", ClaimKind::BondFormed, Truth::False),
        ("It breaks the C-O bond.", ClaimKind::BondBroken, Truth::True),
    ] {
        assert_eq!(single(&example, text), (kind, truth), "{text}");
    }
}

#[test]
fn another_right_route_is_no_false_type() {
    let text = |answer: &str| {
        format!("<think>This is amide formation with an acyl chloride.</think><answer>{answer}</answer>")
    };
    let truth = |answer: &str| check_claims(&retro(), &text(answer))[0].truth;
    assert_eq!(truth("CC(=O)Cl.NCCc1ccc(Cl)cc1"), Truth::True);
    assert_eq!(truth("CC(=O)O.NCCc1ccc(Cl)cc1"), Truth::False);
}

#[test]
fn smiles_in_prose() {
    let claims = claims_of(&retro(), "The product `CC(=O)NCCc1ccc(Cl)cc1` comes from `CC(=O)O(C` and NO2, Boc or CO2.");
    let found: Vec<(ClaimKind, Truth)> = claims.iter().map(|claim| (claim.0, claim.2)).collect();
    assert_eq!(found, [(ClaimKind::Smiles, Truth::True), (ClaimKind::Smiles, Truth::False)], "{claims:?}");
}

#[test]
fn steps_and_headings() {
    let text = "<think>It has 2 rings.\n1. **It contains 9 rings**: It has 2 rings.\n2. **B**: 3 rings</think><answer>C</answer>";
    let steps: Vec<(usize, Truth)> =
        check_claims(&caffeine(), text).into_iter().map(|claim| (claim.step, claim.truth)).collect();
    assert_eq!(steps, [(0, Truth::True), (1, Truth::True), (2, Truth::False)]);
    assert!(check_claims(&caffeine(), "<answer>C8H10N4O2</answer>").is_empty());
    assert!(check_claims(&row("no.such.task", "smiles", "C", "C"), "It has 1 ring.").len() == 1);
}

#[test]
fn hostile_text_is_bounded() {
    let examples = [caffeine(), retro(), row("tomg.functional_group", "groups", "1 ester", "CC(=O)OC")];
    let long = 17_000;
    let mut texts: Vec<String> = [
        "ester, ",
        "contains an ester, an amide, ",
        "(",
        "C",
        "CC(C)",
        "c1ccccc1 ",
        "has ",
        "1:C ",
        "positions 1:C ",
        "é ",
        "C:1H3=3 ",
        "no ",
        "1. **A**: ",
        "\n",
        "**",
        "twice 3 is 6 ",
        "not contain ",
        "formula is C9 ",
        "{smiles} ",
        "9999999 ",
        "This is amide coupling ",
        "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC contains an ester ",
    ]
    .iter()
    .map(|part| part.repeat(long / part.len()))
    .collect();
    texts.push("C".repeat(1_100_000));
    texts.push(format!("<think>{}", "<think>".repeat(5000)));
    texts.push("\u{0} \u{202e} 1️⃣ “‘’” …".repeat(500));
    for example in &examples {
        for text in &texts {
            let start = Instant::now();
            let claims = check_claims(example, text);
            assert!(claims.iter().all(|claim| text.get(claim.span.clone()).is_some()));
            // Generous, as tests share their machine.
            assert!(
                start.elapsed() < Duration::from_millis(500),
                "{} took {:?}",
                &text[..10.min(text.len())],
                start.elapsed()
            );
        }
    }
}

#[test]
fn mangled_traces_never_panic() {
    let example = retro();
    let text = "<think>1. **Product analysis**: Rings: 1.\n2. **F**: It has an amide é.\n3. **R**: This is amide coupling: it forms \
C-N.\n4. **P**: The parts CC(=O)|NCCc1ccc(Cl)cc1 give CC(=O)O.NCC.</think>\n<answer>CC(=O)O</answer>";
    let characters: Vec<char> = text.chars().collect();
    let mut state = 1u64;
    for _ in 0..400 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = usize::try_from(state >> 33).unwrap() % characters.len();
        let length = usize::try_from(state >> 20).unwrap() % 9;
        let mut mangled = characters.clone();
        mangled.drain(at..(at + length).min(characters.len()));
        if state & 1 == 1 {
            let other = usize::try_from(state >> 40).unwrap() % mangled.len();
            mangled.insert(other, characters[at]);
        }
        let mangled: String = mangled.into_iter().collect();
        for claim in check_claims(&example, &mangled) {
            assert!(mangled.get(claim.span).is_some());
        }
    }
}
