use super::*;

#[test]
fn a_molecule_is_in_one_split_over_all_tasks() {
    let given = pairs(150, |number| match number % 10 {
        0 => Split::Test,
        1 => Split::Valid,
        _ => Split::Train,
    });
    // Two molecules of the test are also given for training.
    let mut rows = given.clone();
    for number in [0, 20] {
        rows.push(Example { split: Split::Train, ..given[2 * number].clone() });
    }
    let bench = Bench::new(&rows);
    for split in [SplitBy::Given, SplitBy::Random, SplitBy::Scaffold, SplitBy::Time, SplitBy::Cluster] {
        let name = format!("{split:?}");
        let options = Options { split, valid: 0.2, test: 0.2, similarity: 0.7, ..bench.options() };
        let manifest = bench.prepare(&name, &options);
        let mut sides: BTreeMap<String, Vec<Split>> = BTreeMap::new();
        let mut written = 0;
        for side in [Split::Train, Split::Valid, Split::Test] {
            let found = bench.rows(&name, side);
            // Few, large groups may all be of one side.
            assert!(!found.is_empty() || matches!(split, SplitBy::Scaffold | SplitBy::Cluster), "{split:?} {side}");
            for row in found {
                assert_eq!(row.split, side);
                sides.entry(canonical(row.field("smiles"))).or_default().push(side);
                written += 1;
            }
        }
        assert!(sides.values().all(|sides| sides.windows(2).all(|pair| pair[0] == pair[1])), "{split:?}");
        assert_eq!(written + manifest.left_out.values().sum::<usize>(), rows.len(), "{split:?}");
        let tested: Vec<String> = bench.rows(&name, Split::Test).into_iter().map(|row| row.id).collect();
        let mut stay = given.iter().filter(|row| row.split == Split::Test);
        assert!(stay.all(|row| tested.contains(&row.id)), "{split:?}: given test rows stay");
        if split == SplitBy::Given {
            assert_eq!(manifest.left_out, BTreeMap::from([("molecule_held_out", 2)]));
        }
    }
}

#[test]
fn splits_that_came_out_empty_are_warned_of() {
    // 17 molecules of one scaffold and 3 of another, all of one year: neither group is as small as the validation share, and the year is not
    // divided.
    let chains = |ring: &str, count: usize| (1..=count).map(|n| format!("{}{ring}", "C".repeat(n))).collect::<Vec<_>>();
    let smiles = [chains("c1ccccc1", 17), chains("c1ccncc1", 3)].concat();
    let rows: Vec<Example> = smiles
        .iter()
        .map(|text| row("property.esol", Split::Train, &[("smiles", text)], "1", &[("year", "2000")]))
        .collect();
    let bench = Bench::new(&rows);
    for (split, share, empty, told) in [
        (SplitBy::Given, 0.05, &[Split::Valid, Split::Test][..], "no row is given as"),
        (SplitBy::Scaffold, 0.05, &[Split::Valid], "whole groups go to one side"),
        (SplitBy::Time, 0.05, &[Split::Valid, Split::Test], "rows of one time stay together"),
        (SplitBy::Random, 1e-9, &[Split::Valid, Split::Test], "too few molecules"),
        (SplitBy::Random, 0.0, &[], ""),
    ] {
        let name = format!("{split:?}-{share}");
        let manifest = bench.prepare(&name, &Options { split, valid: share, test: share, ..bench.options() });
        let warnings = &manifest.warnings;
        assert_eq!(warnings.len(), empty.len(), "{name}: {warnings:?}");
        for (split, warning) in empty.iter().zip(warnings) {
            assert!(bench.rows(&name, *split).is_empty());
            assert!(warning.starts_with(&format!("{split}.jsonl is empty: ")) && warning.contains(told), "{warning}");
        }
        let stored = std::fs::read_to_string(bench.out(&name).join("prepare.json")).unwrap();
        assert!(warnings.iter().all(|text| stored.contains(text)), "{stored}");
    }
    // What was given, and went to another side or out.
    let lost = [Example { split: Split::Valid, ..rows[0].clone() }, Example { split: Split::Test, ..rows[0].clone() }];
    let bench = Bench::new(&[&rows[1..], &lost].concat());
    let warnings = bench.prepare("lost", &bench.options()).warnings;
    let wanted =
        "valid.jsonl is empty: 1 row was given as valid, and left out (left out of all splits: 1 molecule_held_out)";
    assert_eq!(warnings, [wanted]);
    let options = Options { split: SplitBy::Random, valid: 0.0, test: 0.0, ..bench.options() };
    let warnings = bench.prepare("moved", &options).warnings;
    assert!(warnings.len() == 1 && warnings[0].starts_with("valid.jsonl is empty: --valid is 0"), "{warnings:?}");
}

#[test]
fn shares_are_of_all_tasks_together_and_not_of_given_test_rows() {
    // 100 rows of one task on rings of their own, 20 of another on one scaffold, 80 given as test.
    let ring = |number: usize| format!("C1C{}C1", "C".repeat(number));
    let mut rows: Vec<Example> =
        (0..100).map(|number| row("property.esol", Split::Train, &[("smiles", &ring(number))], "1", &[])).collect();
    for number in 1..=20 {
        let text = format!("{}c1ccccc1", "C".repeat(number));
        rows.push(row("property.bbbp", Split::Train, &[("smiles", &text)], "Yes", &[]));
    }
    for number in 1..=80 {
        let text = format!("{}c1ccncc1", "C".repeat(number));
        rows.push(row("property.esol", Split::Test, &[("smiles", &text)], "1", &[]));
    }
    let bench = Bench::new(&rows);
    let options = Options { split: SplitBy::Scaffold, valid: 0.1, test: 0.1, ..bench.options() };
    let manifest = bench.prepare("out", &options);
    let of = |task: &str, split: &str| manifest.counts[task].get(split).map_or(0, |counts| counts.written);
    assert_eq!(["train", "valid", "test"].map(|split| of("property.esol", split)), [76, 12, 12 + 80]);
    assert_eq!(["train", "valid", "test"].map(|split| of("property.bbbp", split)), [20, 0, 0]);
    let wanted =
        |split: &str| format!("{split}.jsonl has no rows of `property.bbbp`: the shares are of all rows together");
    assert_eq!(manifest.warnings, [wanted("valid"), wanted("test")]);
}

#[test]
fn scaffolds_as_rdkit_and_deepchem_have_them() {
    // RDKit 2026.9.1 MurckoScaffoldSmiles: four of benzene, two of cyclohexane, two without rings, and two of their own; DeepChem's
    // ScaffoldSplitter with shares 0.6, 0.2, 0.2.
    let smiles = [
        "Cc1ccccc1",
        "CCc1ccccc1O",
        "Oc1ccccc1N",
        "Clc1ccccc1",
        "CCO",
        "CCCN",
        "C1CCCCC1C",
        "C1CCCCC1CO",
        "c1ccc(-c2ccccn2)cc1C",
        "O=C1CCCN1C",
    ];
    let rows: Vec<Example> =
        smiles.iter().map(|text| row("property.esol", Split::Train, &[("smiles", text)], "1", &[])).collect();
    let bench = Bench::new(&rows);
    let manifest =
        bench.prepare("out", &Options { split: SplitBy::Scaffold, valid: 0.2, test: 0.2, ..bench.options() });
    let of = |split| {
        let mut places: Vec<usize> = bench
            .rows("out", split)
            .iter()
            .map(|row| smiles.iter().position(|text| *text == row.field("smiles")).unwrap())
            .collect();
        places.sort_unstable();
        places
    };
    assert_eq!([of(Split::Train), of(Split::Valid), of(Split::Test)], [vec![0, 1, 2, 3, 6, 7], vec![4, 5], vec![8, 9]]);
    assert_eq!(manifest.groups, 5);
}

#[test]
fn random_sides_do_not_depend_on_other_rows() {
    let rows = pairs(400, |_| Split::Train);
    let (all, half) = (Bench::new(&rows), Bench::new(&rows[..400]));
    let options = |bench: &Bench| Options { split: SplitBy::Random, valid: 0.1, test: 0.1, ..bench.options() };
    let manifest = all.prepare("out", &options(&all));
    half.prepare("out", &options(&half));
    let count = |split| manifest.counts["name.smiles_to_formula"].get(split).map_or(0, |counts| counts.split);
    assert!((20..60).contains(&count("valid")) && (20..60).contains(&count("test")), "{:?}", manifest.counts);
    let tested: Vec<String> = all.rows("out", Split::Test).into_iter().map(|row| row.id).collect();
    assert!(half.rows("out", Split::Test).iter().all(|row| tested.contains(&row.id)));
}

#[test]
fn similar_molecules_stay_together() {
    let rows: Vec<Example> =
        molecules(200).iter().map(|text| row("property.esol", Split::Train, &[("smiles", text)], "1", &[])).collect();
    let bench = Bench::new(&rows);
    let options = Options { split: SplitBy::Cluster, similarity: 0.8, valid: 0.2, test: 0.2, ..bench.options() };
    let manifest = bench.prepare("out", &options);
    assert!(manifest.groups > 10 && manifest.groups < 150, "{}", manifest.groups);
    // Alkyl chains of 20 and 21 carbons on one ring have one fingerprint.
    let side = |text: &str| {
        [Split::Train, Split::Valid, Split::Test]
            .into_iter()
            .find(|split| bench.rows("out", *split).iter().any(|row| row.field("smiles") == text))
            .unwrap()
    };
    let chain = |length: usize| format!("{}c1ccccc1", "C".repeat(length));
    assert_eq!(side(&chain(20)), side(&chain(21)));
}
