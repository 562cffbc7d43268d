//! Duplicates, conflicts, maps, selection, balance, atoms.

use chemr_tasks::Split;

use super::super::{AuditOptions, Check, Severity, audit};
use super::support::{Desk, bbbp, forward, retro, row};

use Split::{Test, Train, Valid};

#[test]
fn duplicates_by_what_is_the_same() {
    let rows = [
        bbbp(Train, "CCO", "Yes"),
        bbbp(Train, "OCC", "1"),
        bbbp(Train, "C[C@H](N)O", "No"),
        bbbp(Train, "C[C@@H](N)O", "No"),
        bbbp(Train, "O=c1cccc[nH]1", "No"),
        bbbp(Train, "Oc1ccccn1", "No"),
        // Another split, another task: no duplicates of this set.
        bbbp(Test, "CCO", "Yes"),
        row("property.bace", Train, &[("smiles", "CCO")], "Yes"),
    ];
    let (report, _) = Desk::new().audit(&rows, AuditOptions::default());
    let sets: Vec<_> = report.duplicates.iter().map(|set| (set.set.task.as_str(), set.set.split, set.rows)).collect();
    assert_eq!(sets, [("property.bace", Train, 1), ("property.bbbp", Train, 6), ("property.bbbp", Test, 1)]);
    let found = &report.duplicates[1];
    assert_eq!((found.exact, found.question, found.question_flat), (1, 1, 2));
    let levels: Vec<_> = found.molecule.iter().map(|(level, count)| (*level, *count)).collect();
    assert_eq!(levels, [("canonical", 1), ("flat", 2), ("inchi_key", 2), ("skeleton", 3)]);
    assert_eq!(found.examples.len(), 1);
    assert!(found.examples[0].second.place.ends_with(".jsonl:2"), "{:?}", found.examples);
    assert_eq!(found.examples[0].second.text, "OCC → 1");
    assert_eq!(report.duplicates[2].exact + report.duplicates[0].exact, 0);
}

#[test]
fn answers_that_cannot_both_be_right() {
    let number = |split, smiles, value| row("property.esol", split, &[("smiles", smiles)], value);
    let rows = [
        bbbp(Train, "CCO", "Yes"),
        bbbp(Train, "OCC", "No"),
        bbbp(Test, "CCO", "Yes"),
        bbbp(Train, "CCC", "Yes"),
        bbbp(Test, "CCC", "No"),
        bbbp(Train, "C[C@H](N)O", "No"),
        bbbp(Train, "C[C@@H](N)O", "Yes"),
        number(Train, "CC", "1.0"),
        number(Train, "CC", "1.1"),
        number(Train, "CCCC", "1.0"),
        number(Train, "CCCC", "1.06"),
        number(Valid, "CCCC", "1.12"),
        row("name.iupac_to_smiles", Train, &[("iupac", "ethanol")], "CCO"),
        row("name.iupac_to_smiles", Train, &[("iupac", " ethanol")], "CCOC"),
        forward(Train, "C.CO", "CCO"),
        forward(Train, "CO.C", "CCOC"),
        retro(Train, "CCO", "C.CO"),
        retro(Train, "CCO", "CC.O"),
    ];
    let desk = Desk::new();
    let (report, _) = desk.audit(&rows, AuditOptions { tolerance: 0.1001, ..AuditOptions::default() });
    let found: Vec<_> = report
        .conflicts
        .iter()
        .map(|task| (task.task.as_str(), task.is_conflict, task.canonical.questions, task.flat.questions))
        .collect();
    assert_eq!(
        found,
        [
            ("name.iupac_to_smiles", true, 1, 0),
            ("property.bbbp", true, 2, 1),
            ("property.esol", true, 1, 0),
            ("reaction_prediction", true, 1, 0),
            ("retrosynthesis", false, 1, 0),
        ]
    );
    let bbbp = &report.conflicts[1].canonical;
    assert_eq!((bbbp.train_rows, bbbp.valid_rows, bbbp.test_rows, bbbp.between_splits), (3, 0, 2, 1));
    // 1.00 and 1.12 differ by more than the tolerance, their neighbours do not.
    assert_eq!(report.conflicts[2].canonical.between_splits, 1);
    let findings: Vec<_> = report.summary.iter().filter(|finding| finding.check == Check::Conflicts).collect();
    assert_eq!((findings[0].count, findings[0].severity), (5, Severity::Serious));
    assert_eq!((findings[1].count, findings[1].severity), (1, Severity::Note));
    let (report, _) = desk.audit(&rows, AuditOptions { tolerance: 0.2, ..AuditOptions::default() });
    assert!(report.conflicts.iter().all(|task| task.task != "property.esol"));
}

#[test]
fn maps_of_rows_and_of_files() {
    let acid = "[CH3:2][C:1](=[O:3])[OH:4].[NH2:5][CH3:6]";
    let amide = "[C:1]([CH3:2])(=[O:3])[NH:5][CH3:6]";
    let rows = [retro(Train, amide, acid), retro(Train, "CC(=O)NC", "CC(=O)O.CN"), bbbp(Test, "[CH4:1]", "No")];
    let desk = Desk::new();
    let csv = desk.write("mapped.csv", format!("id,rxn\n1,{acid}>>{amide}\n2,CC>>CC\n").as_bytes());
    let lines = desk.write("lines.txt", format!("{acid}>>{amide} 1-5-1.0\n").as_bytes());
    let json = desk.write("lines.jsonl", format!("{{\"a\":1,\"reaction\":\"{acid}>>{amide}\"}}\n").as_bytes());
    let options = AuditOptions { mapped: vec![csv, lines, json], ..AuditOptions::default() };
    let (report, _) = desk.audit(&rows, options);
    let found: Vec<_> = report
        .maps
        .iter()
        .map(|map| (map.name.rsplit('/').next().unwrap(), map.mapped_rows, map.reactions, map.unread))
        .collect();
    assert_eq!(
        found,
        [
            ("mapped.csv", 2, 1, 1),
            ("lines.txt", 1, 1, 0),
            ("lines.jsonl", 1, 1, 0),
            ("property.bbbp, made, test", 1, 0, 1),
            ("retrosynthesis, made, train", 1, 1, 0)
        ]
    );
    let of_rows = &report.maps[4];
    assert_eq!((of_rows.one_in_centre, of_rows.first_in_centre, of_rows.expected), (1.0, 1.0, 0.4));
    let finding = report.summary.iter().find(|finding| finding.check == Check::Maps).unwrap();
    assert_eq!((finding.count, finding.severity), (6, Severity::Serious));
    let none = desk.write("none.csv", b"id,rxn\n1,CC>>CC\n");
    let options = AuditOptions { mapped: vec![none], ..AuditOptions::default() };
    let message = audit(&options, &desk.out(), &|_, _| {}).unwrap_err().to_string();
    assert!(message.contains("none of its 1 rows holds a mapped reaction"), "{message}");
}

#[test]
fn a_yield_table_answers_reagent_selection() {
    let question = |split, base: &str| {
        let reaction = format!("reactant 1: Brc1ccccc1; reactant 2: OB(O)c1ccccc1; base: {base}");
        row("reagent.solvent", split, &[("reaction", &reaction), ("candidates", "CO, CC#N")], "CC#N,CO")
    };
    let measured = |split, reactants: &str| {
        let reaction = format!("{reactants}>>c1ccc(-c2ccccc2)cc1");
        row("yield.suzuki_miyaura_percent", split, &[("reaction", &reaction)], "50")
    };
    let rows = [
        question(Test, "[Na+].[OH-]"),
        question(Test, "[K+].[OH-]"),
        question(Train, "[Na+].[OH-]"),
        // The best, with a catalyst that no reader takes, in another order.
        measured(Train, "CC#N.c1ccccc1Br.CC(=O)O~[Pd].OB(O)c1ccccc1.[OH-].[Na+]"),
        measured(Train, "CC#N.Brc1ccccc1.OB(O)c1ccccc1.[OH-].[Na+].O"),
        // Another base, another boronic acid.
        measured(Train, "CO.Brc1ccccc1.OB(O)c1ccccc1.[OH-].[Li+]"),
        measured(Train, "CO.Brc1ccccc1.OB(O)c1ccccc1C.[OH-].[Na+]"),
        // Held out itself.
        measured(Test, "CO.Brc1ccccc1.OB(O)c1ccccc1.[OH-].[Na+]"),
    ];
    let (report, _) = Desk::new().audit(&rows, AuditOptions::default());
    let [found] = report.selection.as_slice() else { panic!("{:?}", report.selection) };
    assert_eq!((found.questions, found.any, found.best, found.all, found.rows), (2, 1, 1, 0, 2));
    assert!(found.examples[0].first.place.ends_with(":4"), "{:?}", found.examples);
    assert!(Desk::new().audit(&rows[..3], AuditOptions::default()).0.selection.is_empty());
}

#[test]
fn reactants_that_are_missing() {
    let rows = [
        retro(Train, "CCO", "C.CO"),
        retro(Train, "CCOCl", "CCO"),
        forward(Train, "CC.O", "CC"),
        forward(Train, "CCO.[Pd]~O", "CCO"),
    ];
    let (report, _) = Desk::new().audit(&rows, AuditOptions::default());
    let found: Vec<_> = report
        .atoms
        .iter()
        .map(|set| (set.set.task.as_str(), set.checked, set.unbalanced, set.product_is_reactant, set.unchecked))
        .collect();
    assert_eq!(found, [("reaction_prediction", 1, 0, 2, 1), ("retrosynthesis", 2, 1, 0, 0)]);
    assert_eq!(report.atoms[1].missing.keys().collect::<Vec<_>>(), ["Cl"]);
    assert_eq!((report.unreadable.rows, report.unreadable.components), (1, 1));
}

#[test]
fn shares_numbers_and_lengths() {
    let labels = |split, yes: usize, no: usize| {
        let smiles = |number: usize| "C".repeat(number + 1);
        (0..yes + no).map(move |number| bbbp(split, &smiles(number), if number < yes { "Yes" } else { "No" }))
    };
    let mut rows: Vec<_> = labels(Train, 30, 10).chain(labels(Test, 5, 35)).collect();
    for (split, value) in [(Train, "1"), (Train, "2"), (Train, "6"), (Test, "-0.5"), (Test, "nothing")] {
        rows.push(row("property.esol", split, &[("smiles", "CCO")], value));
    }
    let tokens = |example: &chemr_tasks::Example| (example.reference.len(), 7);
    let (report, _) = Desk::new().audit(&rows, AuditOptions { tokens: Some(&tokens), ..AuditOptions::default() });
    let [train, test, esol, esol_test] = report.balance.as_slice() else { panic!("{:?}", report.balance) };
    assert_eq!((train.labels["Yes"], train.labels["No"], train.difference), (30, 10, None));
    assert!((test.difference.unwrap() + 0.625).abs() < 1e-12);
    // (0.125 - 0.75) / sqrt(0.125 * 0.875 / 40 + 0.75 * 0.25 / 40)
    assert!((test.standard_errors.unwrap() + 7.254).abs() < 1e-3, "{test:?}");
    assert_eq!((esol.rows, esol.numbers), (3, Some([1.0, 2.0, 2.0, 6.0, 6.0, 3.0])));
    assert_eq!((esol_test.rows, esol_test.numbers.unwrap()[0]), (1, -0.5));
    let lengths = &report.lengths[0];
    let names: Vec<_> = lengths.lengths.iter().map(|length| (length.what, length.greatest)).collect();
    assert_eq!(
        names,
        [
            ("question_characters", 40),
            ("question_tokens", 40),
            ("answer_characters", 3),
            ("answer_tokens", 1),
            ("question_model_tokens", 3),
            ("answer_model_tokens", 7)
        ]
    );
    assert!(lengths.lengths[0].longest.as_ref().unwrap().place.ends_with(":40"));
}
