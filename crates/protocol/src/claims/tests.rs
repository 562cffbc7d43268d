//! Free model text, and text that means harm.

use std::collections::BTreeMap;
use std::time::Instant;

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
    for (text, count) in [
        ("A likely reactant could contain a nitrile.", 1),
        ("If it contains an ester, hydrolysis follows.", 1),
        ("The precursor should have a ketone.", 1),
        ("This may be an aldol condensation.", 0),
        ("Perhaps this is an aldol condensation.", 1),
        ("It joins two fragments, one containing a nitrile and the other having a ketone.", 2),
    ] {
        let claims = claims_of(&retro(), text);
        assert_eq!(claims.len(), count, "{text}: {claims:?}");
        assert!(claims.iter().all(|claim| claim.2 == Truth::Unverifiable), "{text}: {claims:?}");
    }
    // A guessed type is no basis for what follows.
    let guessed = claims_of(&retro(), "Perhaps this is Suzuki coupling. It breaks B-C.");
    assert_eq!(guessed.iter().map(|claim| claim.2).collect::<Vec<_>>(), [Truth::Unverifiable, Truth::False]);
}

#[test]
fn repeating_a_claim_does_not_make_more_of_it() {
    let truths = |text: &str| claims_of(&retro(), text).into_iter().map(|claim| claim.2).collect::<Vec<Truth>>();
    assert_eq!(truths("The product contains an amide. It has an amide. The molecule has amides."), [Truth::True]);
    assert_eq!(truths("It contains a nitrile. It has an amide. It bears an Amide."), [Truth::False, Truth::True]);
    // The decided repetition of a guess counts.
    assert_eq!(truths("It may contain a nitrile. The product contains a nitrile."), [Truth::False]);
    assert_eq!(truths("It has two rings. The product has 2 rings."), [Truth::False]);
    let formula = row("name.smiles_to_formula", "smiles", "CCO", "C2H6O");
    let text = "<think>Totals: C2 H6 O1. Totals: C2 H6 O1. Carbons: C1 C2.</think><answer>C2H6O</answer>";
    assert_eq!(check_claims(&formula, text).len(), 5);
}

#[test]
fn elements_are_a_set() {
    use Truth::{False, True};
    let ethanol = row("name.smiles_to_formula", "smiles", "CCO", "C2H6O");
    for (text, expected) in [
        ("The elements present are C, H and O.", vec![True, True, True]),
        ("The elements present are O and C.", vec![True, True]),
        ("The elements are C, H.", vec![True, False]),
        ("The elements are C, O, C.", vec![True, True, False]),
        ("The elements are C, N, O.", vec![True, False, True]),
    ] {
        // A repeated element is listed once, with its worst truth.
        let mut found: Vec<Truth> =
            every_claim(&ethanol, &format!("<think>{text}</think>")).iter().map(|found| found.claim.truth).collect();
        found.truncate(expected.len());
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn rings_and_centres_have_their_own_counts() {
    let of = |smiles: &str, text: &str| single(&row("name.smiles_to_formula", "smiles", smiles, ""), text).1;
    let naphthalene = "c1ccc2ccccc2c1";
    for (smiles, text, truth) in [
        (naphthalene, "It has 1 ring system.", Truth::True),
        (naphthalene, "It has 2 ring systems.", Truth::False),
        (naphthalene, "It has 2 rings.", Truth::True),
        (naphthalene, "There are two benzene rings.", Truth::True),
        (naphthalene, "It contains a benzene ring.", Truth::True),
        (naphthalene, "It contains no benzene ring.", Truth::False),
        (naphthalene, "It lacks a benzene ring.", Truth::False),
        ("C1CCCCC1", "It contains no benzene ring.", Truth::True),
        ("c1ccc(-c2ccccc2)cc1", "It has two ring systems.", Truth::True),
        ("C1CCC2(CC1)CCCC2", "It has 1 ring system.", Truth::Unverifiable),
        ("C1CCC2(CC1)CCCC2", "It has 3 ring systems.", Truth::False),
        ("c1ccc2ncccc2c1", "It has 2 benzene rings.", Truth::False),
        ("c1ccc2ncccc2c1", "It has 1 benzene ring.", Truth::True),
        ("c1ccc2ncccc2c1", "It has 2 aromatic rings.", Truth::True),
        ("C[C@H](O)C(F)Cl", "It has 1 defined stereocenter.", Truth::True),
        ("C[C@H](O)C(F)Cl", "It has 2 defined stereocenters.", Truth::False),
        ("C[C@H](O)C(F)Cl", "It has 2 stereocenters.", Truth::True),
    ] {
        assert_eq!(of(smiles, text), truth, "{smiles} {text}");
    }
}

#[test]
fn words_for_groups_mean_what_they_say() {
    use Truth::{False, True, Unverifiable};
    let of = |smiles: &str, text: &str| single(&row("name.smiles_to_formula", "smiles", smiles, ""), text).1;
    for (smiles, text, truth) in [
        ("CC(=O)NC", "It contains a tertiary amide.", False),
        ("CC(=O)NC", "It contains a secondary amide.", True),
        ("CC(=O)N(C)C", "It contains a tertiary amide.", True),
        ("CC(N)=O", "It contains a primary amide.", True),
        ("CCOCC", "It contains an aryl ether.", False),
        ("CCOc1ccccc1", "It contains an aryl ether.", True),
        ("CCOc1ccccc1", "It contains an ethoxy group.", True),
        ("CCOc1ccccc1", "It contains a methoxy group.", False),
        ("COC(=O)CC", "It contains a methoxy group.", True),
        ("c1ccccc1C", "It contains a heteroaromatic ring.", False),
        ("c1ccncc1", "It contains a heteroaromatic ring.", True),
        ("Nc1ccncc1", "It contains an aniline.", False),
        ("Nc1ccccc1", "It contains an aniline.", True),
        ("Oc1ccccc1", "It has 1 phenyl ring.", True),
        ("Oc1ccccc1", "It has 2 phenyl rings.", False),
        ("O=C1CCC(=O)N1", "It contains two carbonyl groups.", True),
        ("CNC(=O)NC", "It contains one carbonyl group.", True),
        ("CNC(=O)NC", "It contains two carbonyl groups.", False),
        ("FCCCl", "It contains two halogens.", True),
        // Broad words overlap: there or not, but no number.
        ("NCCN(C)C", "It contains two amines.", Unverifiable),
        ("NCCN(C)C", "It contains an amine.", True),
        ("CCCC", "It contains two amines.", False),
    ] {
        assert_eq!(of(smiles, text), truth, "{smiles} {text}");
    }
}

#[test]
fn a_request_is_used_up_and_positions_keep_their_atoms() {
    use Truth::{False, True};
    let truths = |example: &Example, text: &str| {
        let found = every_claim(example, &format!("<think>{text}</think>"));
        found.into_iter().map(|found| found.claim.truth).collect::<Vec<_>>()
    };
    let request = row("tomg.functional_group", "groups", "1 ester, 2 alcohol", "COC(=O)CC(O)CO");
    assert_eq!(truths(&request, "The target needs 1 ester, 2 alcohol."), [True, True]);
    assert_eq!(truths(&request, "The target needs 2 alcohol, 1 ester."), [True, True]);
    assert_eq!(truths(&request, "The target needs 1 ester, 1 ester."), [True, False]);
    assert_eq!(truths(&request, "The target needs 1 ester."), [False]);
    let name = row("name.iupac_to_smiles", "iupac", "2-chlorobutan-1-ol", "CCC(Cl)CO");
    let good = chemr_data::names::parse("2-chlorobutan-1-ol").unwrap();
    let positions = good.positions();
    let listed: Vec<String> =
        positions.iter().enumerate().map(|(place, atoms)| format!("{}:{atoms}", place + 1)).collect();
    let joined = positions.concat();
    assert!(truths(&name, &format!("Positions {} join to {joined}.", listed.join(" "))).iter().all(|t| *t == True));
    // The same string cut elsewhere gives the same molecule and says something else of each position.
    let shifted = truths(&name, "Positions 1:C 2:(O)C 3:(Cl)C 4:C join to C(O)C(Cl)CC.");
    assert!(shifted[..4].contains(&False), "{shifted:?}");
    assert!(truths(&name, "Positions 1:CCC(Cl)CO join to CCC(Cl)CO.").contains(&False));
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

/// Bonds and leaving parts of rows, by hand.
#[test]
fn bonds_are_those_of_the_row() {
    use Truth::{False, True, Unverifiable};
    let check = |reactants: &str, product: &str, text: &str, expected: &[Truth]| {
        let forward = row("reaction_prediction", "reactants", reactants, product);
        let found: Vec<Truth> = claims_of(&forward, text).into_iter().map(|claim| claim.2).collect();
        assert_eq!(found, expected, "{reactants}: {text}");
    };
    let ether = |halide: &str| format!("CCC{halide}.Oc1ccccc1");
    let said = |bond: &str, left: &str| {
        format!("This is Williamson ether synthesis: it forms C-O, breaks {bond}, releases {left}.")
    };
    for (halide, bond, left) in
        [("Cl", "C-Cl", "Cl"), ("Br", "Br-C", "Br"), ("I", "C-I", "I"), ("OS(C)(=O)=O", "C-O", "CS(=O)(=O)O")]
    {
        check(&ether(halide), "CCCOc1ccccc1", &said(bond, left), &[True; 4]);
    }
    check(&ether("Cl"), "CCCOc1ccccc1", &said("Br-C", "Br"), &[True, True, False, False]);
    check(&ether("OS(C)(=O)=O"), "CCCOc1ccccc1", &said("C-Cl", "Cl"), &[True, True, False, False]);
    let hydrolysis = "This is ester hydrolysis: it breaks C-O, releases ";
    check("CCOC(=O)C(C)C", "CC(C)C(=O)O", &format!("{hydrolysis}CCO."), &[True, True, True]);
    check("CCOC(=O)C(C)C", "CC(C)C(=O)O", &format!("{hydrolysis}CO."), &[True, True, False]);
    check(
        "CCC(=O)F.Nc1ccccc1",
        "CCC(=O)Nc1ccccc1",
        "It breaks C-Cl. It breaks C-F. It loses HF.",
        &[False, True, True],
    );
    // Suzuki coupling of an iodide: what becomes of boron is open, but no bromine is there.
    let coupling = "This is Suzuki coupling: it breaks C-I, releases ";
    check("CCc1ccc(I)cc1.OB(O)c1ccccc1", "CCc1ccc(-c2ccccc2)cc1", &format!("{coupling}OB(O)Br."), &[True, True, False]);
    check(
        "CCc1ccc(I)cc1.OB(O)c1ccccc1",
        "CCc1ccc(-c2ccccc2)cc1",
        &format!("{coupling}OB(O)I."),
        &[True, True, Unverifiable],
    );
    // No known type: a bond that no molecule has is false, any other undecided.
    check(
        "CCCCCC.BrBr",
        "CCCC(Br)CC",
        "It breaks C-S. It breaks C-H. It forms Br-C.",
        &[False, Unverifiable, Unverifiable],
    );
    // A formula that is no SMILES is held against the elements of the row too.
    check("CCCCCC.BrBr", "CCCC(Br)CC", "It loses HI. It loses HBr. It loses H2O.", &[False, Unverifiable, False]);
    let water = "CCc1ccc(I)cc1.OB(O)c1ccccc1";
    check(water, "CCc1ccc(-c2ccccc2)cc1", "It loses HI. It loses HBr.", &[Unverifiable, False]);
}

#[test]
fn what_was_written_before_leaves_the_row_decided() {
    let chains: Vec<String> = (20..90).map(|length| format!("{}O", "C".repeat(length))).collect();
    let reasoning = format!("{}. The product contains a carboxylic acid.", chains.join(" and "));
    let text = format!("<think>{reasoning}</think><answer>C</answer>");
    let claims = check_claims(&retro(), &text);
    assert!(claims.iter().any(|claim| claim.kind == ClaimKind::Smiles && claim.truth == Truth::Unverifiable));
    let group = claims.iter().find(|claim| claim.kind == ClaimKind::GroupPresent).unwrap();
    assert_eq!(group.truth, Truth::False, "{group:?}");
    // So does the answer that the text ends in.
    let name = row("name.iupac_to_smiles", "iupac", "propane", "CCC");
    let text = format!("<think>{}. The molecule contains an ester.</think><answer>CCC</answer>", chains.join(" and "));
    let group = check_claims(&name, &text).into_iter().find(|claim| claim.kind == ClaimKind::GroupPresent).unwrap();
    assert_eq!(group.truth, Truth::False, "{group:?}");
}

#[test]
fn reactants_are_numbered_by_the_best_type() {
    let halides = "O=[N+]([O-])c1ccc(F)cc1.O=[N+]([O-])c1ccc(Br)cc1.CCN";
    let forward = row("reaction_prediction", "reactants", halides, "CCNc1ccc([N+](=O)[O-])cc1");
    for (text, truth) in [
        ("Reactant 1 bears a fluorine atom.", Truth::True),
        ("Reactant 1 bears a bromine atom.", Truth::False),
        ("Reactant 2 contains a primary amine.", Truth::True),
        ("Reactants: 2.", Truth::True),
        ("Reactants: 3.", Truth::False),
    ] {
        assert_eq!(single(&forward, text).1, truth, "{text}");
    }
    // Types as good that take other molecules: every molecule keeps its place.
    let tie = row("reaction_prediction", "reactants", "CCO.CCBr.O=[N+]([O-])c1ccc(O)cc1", "CCOc1ccc([N+](=O)[O-])cc1");
    assert_eq!(single(&tie, "Reactant 3 contains a nitro group.").1, Truth::True);
    assert_eq!(single(&tie, "Reactants: 3.").1, Truth::Unverifiable);
    assert_eq!(single(&tie, "Reactants: 4.").1, Truth::False);
}

#[test]
fn a_false_type_is_no_basis() {
    let amide = row("reaction_prediction", "reactants", "CC(=O)O.NCC", "CCNC(C)=O");
    let claims = claims_of(&amide, "This is Suzuki coupling: it forms C-C, breaks Br-C, releases OB(O)Br.");
    let truths: Vec<Truth> = claims.iter().map(|claim| claim.2).collect();
    assert_eq!(truths, [Truth::False; 4], "{claims:?}");
    let claims = claims_of(&amide, "This is Suzuki coupling: it forms C-N, breaks C-O, releases O.");
    let truths: Vec<Truth> = claims.iter().map(|claim| claim.2).collect();
    assert_eq!(truths, [Truth::False, Truth::True, Truth::True, Truth::True], "{claims:?}");
}

#[test]
fn reactants_are_counted_without_reagents() {
    let reduction = row("reaction_prediction", "reactants", "CCC(C)=O.[BH4-].[Na+]", "CCC(C)O");
    for (text, truth) in [
        ("Reactants: 1.", Truth::True),
        ("Reactants: 3.", Truth::False),
        ("Reagents: [BH4-].[Na+].", Truth::True),
        ("Reagents: [Na+].[BH4-].", Truth::True),
        ("Reagents: [Na+].", Truth::False),
        ("Reagents: [BH4-].[Na+].CCC(C)=O.", Truth::False),
    ] {
        assert_eq!(single(&reduction, text).1, truth, "{text}");
    }
    // Nothing is known of the type: ions may be reagents.
    let open = row("reaction_prediction", "reactants", "CCCCCC.[Br-].[Na+]", "CCCC(Br)CC");
    assert_eq!(single(&open, "Reactants: 3.").1, Truth::Unverifiable);
    assert_eq!(single(&open, "Reactants: 4.").1, Truth::False);
}

#[test]
fn parts_give_the_answer() {
    let of = |example: &Example, text: &str, answer: &str| {
        let text = format!("<think>{text}</think><answer>{answer}</answer>");
        check_claims(example, &text).into_iter().find(|claim| claim.kind == ClaimKind::Assembly).unwrap().truth
    };
    let retro = row("retrosynthesis", "product", "CCNC(C)=O", "CC(=O)O.CCN");
    let parts = "The parts CC(=O)|NCC give";
    assert_eq!(of(&retro, &format!("{parts} CC(=O)O.NCC."), "CC(=O)O.NCC"), Truth::True);
    assert_eq!(of(&retro, &format!("{parts} NCC.CC(=O)O."), "CC(=O)O.CCN"), Truth::True);
    assert_eq!(of(&retro, &format!("{parts} CCCCCC."), "CC(=O)O.NCC"), Truth::False);
    assert_eq!(of(&retro, "The parts CC(=O)|NC give CC(=O)O.NCC.", "CC(=O)O.NCC"), Truth::False);
    let forward = row("reaction_prediction", "reactants", "CC(=O)O.NCC", "CCNC(C)=O");
    assert_eq!(of(&forward, &format!("{parts} CC(=O)NCC."), "CC(=O)NCC"), Truth::True);
    assert_eq!(of(&forward, &format!("{parts} CC(=O)NCC."), "CCCC"), Truth::True);
    assert_eq!(of(&forward, "The parts CCCC give CCCC.", "CC(=O)NCC"), Truth::False);
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
fn broken_smiles_are_false_where_one_is_announced() {
    let name = row("name.iupac_to_smiles", "iupac", "propane", "CCC");
    for text in [
        "The structure is C[C@@H(O)C.",
        "The structure is CC(=O)Xx.",
        "Written out: C(.",
        "Written out: CC1.",
        "Positions 1:C 2:CC join to CC(=O)Xx.",
        "Joined they give C[C@@H(O)C.",
        "It holds C1CCCC in it.",
        "This is C[C@@H(O)C anyway.",
        "Take CC( here.",
    ] {
        let claims = claims_of(&name, text);
        let broken = claims.iter().any(|claim| claim.0 == ClaimKind::Smiles && claim.2 == Truth::False);
        assert!(broken, "{text}: {claims:?}");
    }
    for text in [
        "The structure is a chain.",
        "The structure is so simple.",
        "The structure is aromatic.",
        "The structure is 2-propanol, not N-methylaniline.",
        "This reads well: a C-N bond at pH 7, 25 g, 3.5 mL, 80 %.",
        "Written out: the name says (2R)-2-aminobutane and 4-(methylsulfanyl)benzonitrile.",
        "As in [12], CO2 and BBr3 in CH2Cl2 (Pd/C) at C-2 of the ring; see sp3 and R-COOH.",
        "Together they make sense. From it we get no, so on.",
        "SNAr breaks the C4-Cl bond at the C2-Br position, next to C3-N and C2-C3.",
        "The amine takes BOC2O, (Boc)2O or (BOC)2O.",
        "HCl, NaBH4, LiAlH4, K2CO3, DMF, THF, NBS, TFA and Boc2O are reagents.",
    ] {
        let claims = claims_of(&name, text);
        assert!(!claims.iter().any(|claim| claim.2 == Truth::False), "{text}: {claims:?}");
    }
}

#[test]
fn steps_and_headings() {
    let text = "<think>It has 14 heavy atoms.\n1. **It contains 9 rings**: It has 2 rings.\n2. **B**: 3 rings</think><answer>C</answer>";
    let steps: Vec<(usize, Truth)> =
        check_claims(&caffeine(), text).into_iter().map(|claim| (claim.step, claim.truth)).collect();
    assert_eq!(steps, [(0, Truth::True), (1, Truth::True), (2, Truth::False)]);
    assert!(check_claims(&caffeine(), "<answer>C8H10N4O2</answer>").is_empty());
    assert!(check_claims(&row("no.such.task", "smiles", "C", "C"), "It has 1 ring.").len() == 1);
}

/// Processor time of this thread (Linux), as tests share their machine; else wall time.
fn seconds() -> f64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .map_or_else(|| START.get_or_init(Instant::now).elapsed().as_secs_f64(), |nanoseconds| nanoseconds * 1e-9)
}

#[test]
fn hostile_text_is_bounded() {
    // Tables are made at their first use.
    check_claims(&retro(), "<think>This is amide coupling: it forms C-N. It has an ester.</think><answer>C</answer>");
    let forward =
        row("reaction_prediction", "reactants", "CCO.CCBr.O=[N+]([O-])c1ccc(O)cc1", "CCOc1ccc([N+](=O)[O-])cc1");
    check_claims(&forward, "<think>Reactants: 3. Reactant 1 has an ester.</think><answer>C</answer>");
    let examples = [caffeine(), retro(), row("tomg.functional_group", "groups", "1 ester", "CC(=O)OC"), forward];
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
    // Up to 64 different large molecules in one completion.
    let large: Vec<String> = (0..64)
        .map(|number| format!("{}O{}", "CC(C)".repeat(number + 1), "C1CC2CCC1CC2".repeat((297 - 3 * number) / 8)))
        .map(|text| text.chars().take(398).collect())
        .collect();
    texts.push(large.join(" and "));
    texts.push(large.iter().map(|smiles| format!("{smiles} contains an ester. ")).collect());
    let fused: Vec<String> =
        (1..64).map(|number| format!("{}{}", "c1ccc2ccccc2c1".repeat(20), "C".repeat(number))).collect();
    texts.push(fused.join(" "));
    texts.push("C".repeat(1_100_000));
    texts.push(format!("<think>{}", "<think>".repeat(5000)));
    texts.push("\u{0} \u{202e} 1️⃣ “‘’” …".repeat(500));
    // Every reaction type, on an answer of several parts.
    let types: String =
        chemr_chem::named_reactions().all().iter().map(|reaction| format!("This is {}. ", reaction.name)).collect();
    let part = "OC(=O)c1ccc(CBr)cc1CCOC(=O)CC=CCC(N)CC#N";
    texts.push(format!("<think>{types}</think><answer>{part}.{part}C.{part}N</answer>"));
    for example in &examples {
        for text in &texts {
            let start = seconds();
            let claims = check_claims(example, text);
            let spent = seconds() - start;
            assert!(claims.iter().all(|claim| text.get(claim.span.clone()).is_some()));
            let shown: String = text.chars().take(40).collect();
            assert!(spent < 0.05, "{shown} took {spent} s");
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
