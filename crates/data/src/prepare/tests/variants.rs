use super::*;
use chemr_chem::without_maps;

const MAPPED: [&str; 3] = [
    "[CH3:1][C:2](=[O:3])O.[NH2:4][CH2:5][c:6]1[cH:7][cH:8][cH:9][cH:10][cH:11]1>>[CH3:1][C:2](=[O:3])[NH:4][CH2:5][c:6]1[cH:7][cH:8][cH:9][cH:10][cH:11]1",
    "Br[CH2:1][CH2:2][CH3:3].[OH:4][c:5]1[cH:6][cH:7][cH:8][cH:9][c:10]1[Cl:11]>>[CH2:1]([CH2:2][CH3:3])[O:4][c:5]1[cH:6][cH:7][cH:8][cH:9][c:10]1[Cl:11]",
    "[CH3:9][CH:1]([CH3:2])[C:3](=[O:4])Cl.[OH:5][CH2:6][C@H:7]([NH2:8])[CH3:10]>>[CH3:9][CH:1]([CH3:2])[C:3](=[O:4])[O:5][CH2:6][C@H:7]([NH2:8])[CH3:10]",
];

fn side(text: &str) -> String {
    let mut parts: Vec<String> = text.split('.').map(|part| canonical(&without_maps(part))).collect();
    parts.sort();
    parts.join(".")
}

fn reactions(split: Split) -> Vec<Example> {
    let mut rows = Vec::new();
    for mapped in MAPPED {
        let (left, right) = mapped.split_once(">>").unwrap();
        let (reactants, product) = (side(left), side(right));
        let meta = [("mapped", mapped)];
        rows.push(row("retrosynthesis", split, &[("product", &product)], &reactants, &meta));
        rows.push(row("reaction_prediction", split, &[("reactants", &reactants)], &product, &meta));
    }
    rows
}

#[test]
fn training_rows_get_other_spellings_and_others_do_not() {
    let given = pairs(60, |number| if number < 10 { Split::Valid } else { Split::Train });
    let bench = Bench::new(&given);
    for kind in ["random", "rooted"] {
        let augment = Some(format!("{kind}:2").parse().unwrap());
        let manifest = bench.prepare(kind, &Options { augment, ..bench.options() });
        let rows = bench.rows(kind, Split::Train);
        let originals: BTreeMap<&str, &Example> = given.iter().map(|row| (row.id.as_str(), row)).collect();
        let mut spellings: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in &rows {
            let original = originals[row.meta.get("original").map_or(row.id.as_str(), String::as_str)];
            assert_eq!(canonical(row.field("smiles")), canonical(original.field("smiles")));
            assert_eq!((&row.reference, &row.task), (&original.reference, &original.task));
            let is_copy = row.meta.contains_key("original");
            assert_eq!(row.meta.get("spelling").map(String::as_str), is_copy.then_some(kind));
            assert!(!is_copy || row.id.starts_with(&format!("{}-{kind}-", original.id)));
            let known = spellings.entry(original.id.clone()).or_default();
            assert!(!known.contains(&row.field("smiles").to_owned()), "{row:?} again");
            known.push(row.field("smiles").to_owned());
        }
        let missing: usize = manifest.not_made.values().sum();
        assert_eq!((rows.len() + missing, spellings.len()), (300, 100));
        assert!(rows.len() > 250, "{:?}", manifest.not_made);
        assert_eq!(bench.rows(kind, Split::Valid), given[..20]);
    }
}

#[test]
fn held_out_forward_questions_stay_as_they_were_given() {
    let mut given = reactions(Split::Train);
    let mut tested = row("reaction_prediction", Split::Test, &[("reactants", "CCCl.CO.[Na+].[OH-]")], "CCOC", &[]);
    let mapped = "[Na+].[OH-].[CH3:1][OH:2].Cl[CH2:3][CH3:4]>>[CH3:1][O:2][CH2:3][CH3:4]";
    tested.meta.insert("mapped".into(), mapped.into());
    given.push(tested.clone());
    let bench = Bench::new(&given);
    let manifest = bench.prepare("aligned", &Options { align: 3, ..bench.options() });
    tested.meta.remove("mapped");
    assert_eq!(bench.rows("aligned", Split::Test), [tested]);
    assert!(!manifest.aligned.contains_key("test") && manifest.unaligned.is_empty(), "{:?}", manifest.unaligned);
}

/// Zhong et al. 2022 augment by further roots: both options make the same pairs.
#[test]
fn further_spellings_of_an_aligned_reaction_are_further_alignments() {
    let bench = Bench::new(&reactions(Split::Train));
    let augmented =
        |kind: &str| Options { align: 1, augment: Some(format!("{kind}:4").parse().unwrap()), ..bench.options() };
    let alone = bench.prepare("alone", &Options { align: 5, ..bench.options() });
    assert_eq!((alone.aligned["train"].rows, alone.not_made.len()), (30, 0));
    for kind in ["rooted", "random"] {
        bench.prepare(kind, &augmented(kind));
        assert_eq!(bench.rows(kind, Split::Train), bench.rows("alone", Split::Train), "{kind}");
    }
}

#[test]
fn reactions_with_maps_of_no_use_are_respelled_like_those_without() {
    let mut given = reactions(Split::Train);
    given.truncate(1);
    given[0].meta.insert("mapped".into(), MAPPED[1].into());
    let bench = Bench::new(&given);
    let options = Options { align: 1, augment: Some("random:2".parse().unwrap()), ..bench.options() };
    let manifest = bench.prepare("out", &options);
    assert_eq!(manifest.unaligned, BTreeMap::from([("maps_of_another_reaction", 1)]));
    let kinds: Vec<Option<String>> =
        bench.rows("out", Split::Train).into_iter().map(|mut row| row.meta.remove("spelling")).collect();
    assert_eq!(kinds.iter().flatten().count(), 2, "{kinds:?}");
    // Without --augment the copies that --align asks for cannot be made, and that is told.
    let manifest = bench.prepare("aligned", &Options { align: 3, ..bench.options() });
    assert_eq!(manifest.not_made, BTreeMap::from([("maps_of_another_reaction", 2)]));
}

#[test]
fn rows_without_other_spellings_are_counted() {
    let mut given = pairs(5, |_| Split::Train);
    given.push(row("name.iupac_to_smiles", Split::Train, &[("iupac", "ethanol")], "CCO", &[]));
    given.push(row("property.bbbp", Split::Train, &[("smiles", "C")], "Yes", &[]));
    let bench = Bench::new(&given);
    let options = Options { augment: Some("random:1".parse().unwrap()), ..bench.options() };
    let manifest = bench.prepare("out", &options);
    assert_eq!((manifest.not_respelled, manifest.not_made.get("no_other_spelling")), (1, Some(&1)));
    assert_eq!(bench.prepare("plain", &bench.options()).not_respelled, 0);
}

#[test]
fn rows_that_the_mixture_repeats_come_with_their_copies_again() {
    let mut given = reactions(Split::Train);
    given.truncate(1);
    given.push(row("retrosynthesis", Split::Train, &[("product", "CCC(=O)NC")], "CCC(=O)O.CN", &[]));
    let bench = Bench::new(&given);
    for (name, options) in [
        ("aligned", Options { align: 2, rows: 8, ..bench.options() }),
        ("random", Options { augment: Some("random:1".parse().unwrap()), rows: 8, ..bench.options() }),
    ] {
        let manifest = bench.prepare(name, &options);
        let rows = bench.rows(name, Split::Train);
        let count = |text: &str| rows.iter().filter(|row| canonical(row.field("product")) == text).count();
        let made: usize = manifest.not_made.values().sum();
        // Each row four times; with maps, or where it is respelled, in two forms.
        let copies = if name == "aligned" { 4 } else { 8 };
        assert_eq!((count("CCC(=O)NC"), count("CC(=O)NCc1ccccc1"), made), (copies, 8, 0), "{name}");
        let distinct: std::collections::BTreeSet<&str> = rows.iter().map(|row| row.field("product")).collect();
        assert_eq!(distinct.len(), if name == "aligned" { 3 } else { 4 }, "{name}: {distinct:?}");
    }
}

#[test]
fn mapped_reactions_are_aligned_and_maps_go_nowhere() {
    let mut given = reactions(Split::Train);
    given.extend(reactions(Split::Test).into_iter().take(1).map(|mut row| {
        // A test row of another molecule, with maps.
        row.meta.insert("mapped".into(), "[CH3:1][OH:2].Cl[CH2:3][CH3:4]>>[CH3:1][O:2][CH2:3][CH3:4]".into());
        row.input.insert("product".into(), "CCOC".into());
        row.reference = "CCCl.CO".into();
        row.id = "test".into();
        row
    }));
    given.push(row("retrosynthesis", Split::Train, &[("product", "CCC(=O)NC")], "CCC(=O)O.CN", &[]));
    let bench = Bench::new(&given);
    let manifest =
        bench.prepare("aligned", &Options { align: 4, augment: Some("random:1".parse().unwrap()), ..bench.options() });
    let rows = bench.rows("aligned", Split::Train);
    // 6 rows with maps from four roots and a further one, the one without in two spellings.
    assert_eq!((rows.len(), manifest.aligned["train"].rows, manifest.aligned["test"].rows), (32, 30, 1));
    assert_eq!(manifest.unaligned, BTreeMap::from([("no_maps", 1)]));
    let mut questions = std::collections::BTreeSet::new();
    for row in &rows {
        assert!(questions.insert((row.task.clone(), row.input.clone())), "{row:?} again");
        let answer = row.meta.get("aligned_answer");
        let original = given.iter().find(|given| given.id == *row.meta.get("original").unwrap_or(&row.id)).unwrap();
        for (field, text) in &row.input {
            assert_eq!(side(text), side(original.field(field)));
        }
        assert!(answer.is_none_or(|answer| side(answer) == side(&row.reference)));
        assert_eq!(row.reference, original.reference);
    }
    let tested = &bench.rows("aligned", Split::Test)[0];
    assert_eq!((tested.field("product"), tested.meta["aligned_answer"].as_str()), ("CCOC", "CCCl.OC"));
    for file in ["train.jsonl", "valid.jsonl", "test.jsonl"] {
        let text = std::fs::read_to_string(bench.out("aligned").join(file)).unwrap();
        assert!(!text.contains("mapped") && !text.contains(":1]"), "{file}");
    }
    // Without --align the maps are dropped all the same.
    bench.prepare("plain", &bench.options());
    assert!(!std::fs::read_to_string(bench.out("plain").join("train.jsonl")).unwrap().contains("mapped"));
}

/// The figures of docs/prepare.md come from the whole file; here some of it, only with the data at hand.
#[test]
fn real_reactions_move_together() {
    let Some(data) = std::env::var_os("CHEMR_DATA") else { return };
    let bench = Bench { folder: tempfile::tempdir().unwrap() };
    let file = std::fs::File::open(Path::new(&data).join("uspto-50k/valid_mapped.csv.gz")).unwrap();
    let text = std::io::read_to_string(flate2::read::GzDecoder::new(file)).unwrap();
    let some: String = text.split_inclusive('\n').take(301).collect();
    std::fs::write(bench.out("valid_mapped.csv"), some).unwrap();
    let imported = bench.out("imported");
    let request = crate::import::Request {
        paths: vec![bench.out("valid_mapped.csv")],
        split: Some(Split::Train),
        keep_maps: true,
        ..Default::default()
    };
    crate::import::import_files(&request, &imported).unwrap();
    let options = Options { inputs: vec![imported], align: 2, ..Options::default() };
    let manifest = bench.prepare("out", &options);
    let (before, after) = manifest.aligned["train"].means();
    let unaligned: usize = manifest.unaligned.values().sum();
    assert!(manifest.aligned["train"].rows > 1100 && unaligned < 12, "{manifest:?}");
    assert!(after < 0.8 * before, "{before} {after}");
}
