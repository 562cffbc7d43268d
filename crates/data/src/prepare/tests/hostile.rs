use super::*;
use std::fs;

fn refused(bench: &Bench, options: &Options) -> String {
    let message = prepare(options, None, &bench.out("out")).unwrap_err().to_string();
    assert!(!bench.out("out").exists());
    message
}

const GOOD: &str = r#"{"task": "name.smiles_to_formula", "input": {"smiles": "CCO"}, "reference": "C2H6O"}"#;

#[test]
fn lines_that_are_no_examples_are_told_or_counted() {
    let bench = Bench { folder: tempfile::tempdir().unwrap() };
    for (bad, told) in [
        ("{", "not an example"),
        ("[]", "not an example"),
        ("\u{0}", "not an example"),
        (r#"{"task": "unicorn", "input": {}, "reference": ""}"#, "there is no task `unicorn`"),
        (r#"{"task": "retrosynthesis", "input": {}, "reference": "C"}"#, "lacks its field `product`"),
        (r#"{"task": "retrosynthesis", "input": {"product": 3}, "reference": "C"}"#, "not an example"),
    ] {
        fs::write(bench.input(), format!("{GOOD}\n\n{bad}\n{GOOD}\n")).unwrap();
        let message = refused(&bench, &bench.options());
        assert!(
            message.contains("rows.jsonl, line 3") && message.contains(told) && message.contains("--skip-bad"),
            "{message}"
        );
        let manifest = bench.prepare("out", &Options { skip_bad: true, ..bench.options() });
        assert_eq!((manifest.skipped.values().sum::<usize>(), bench.rows("out", Split::Train).len()), (1, 2));
        fs::remove_dir_all(bench.out("out")).unwrap();
    }
    fs::write(bench.input(), [GOOD.as_bytes(), b"\n{\"task\": \"\xff\"}\n"].concat()).unwrap();
    assert!(refused(&bench, &bench.options()).contains("line 2"));
    fs::write(bench.input(), format!("{GOOD}\n{}", "x".repeat(2 << 20))).unwrap();
    assert!(refused(&bench, &bench.options()).contains("line 2: the line is longer"));
}

#[test]
fn what_cannot_be_a_molecule_stands_for_itself() {
    let text = r#"{"task": "name.smiles_to_formula", "input": {"smiles": "not a molecule"}, "reference": "C2H6O"}"#;
    let bench = Bench { folder: tempfile::tempdir().unwrap() };
    fs::write(bench.input(), format!("{text}\n{GOOD}\n{text}")).unwrap();
    for split in [SplitBy::Random, SplitBy::Scaffold, SplitBy::Cluster] {
        let options =
            Options { split, valid: 0.0, test: 0.0, augment: Some("random:1".parse().unwrap()), ..bench.options() };
        let manifest = bench.prepare(&format!("{split:?}"), &options);
        assert_eq!((manifest.without_molecule, manifest.groups), (2, 2), "{split:?}");
        assert_eq!(manifest.not_made, BTreeMap::from([("not_a_molecule", 2)]));
    }
}

#[test]
fn folders_and_options() {
    let bench = Bench::new(&pairs(4, |_| Split::Test));
    assert!(refused(&bench, &bench.options()).contains("no training row is left: the inputs hold 4 of"));
    fs::write(bench.input(), "").unwrap();
    assert!(refused(&bench, &bench.options()).contains("the inputs hold no rows"));
    assert!(refused(&bench, &Options { inputs: vec![], ..bench.options() }).contains("0 inputs"));
    assert!(refused(&bench, &Options { inputs: vec![bench.out("none")], ..bench.options() }).contains("cannot read"));
    let folder = Options { inputs: vec![bench.folder.path().to_owned()], ..bench.options() };
    assert!(refused(&bench, &folder).contains("holds neither examples.jsonl"));
    for (options, told) in [
        (Options { valid: 0.5, test: 0.5, ..bench.options() }, "--valid"),
        (Options { valid: f64::NAN, ..bench.options() }, "--valid"),
        (Options { temperature: 0.5, ..bench.options() }, "--temperature"),
        (Options { similarity: 0.0, ..bench.options() }, "--similarity"),
        (Options { align: 1000, ..bench.options() }, "--align"),
        (Options { weights: BTreeMap::from([("*".into(), -1.0)]), ..bench.options() }, "--weight"),
    ] {
        let message = refused(&bench, &options);
        assert!(message.contains(told), "{message}");
    }
    let short = Options { packing: Packing { length: 1, ..Packing::default() }, ..bench.options() };
    assert!(prepare(&short, Some(&tokeniser()), &bench.out("out")).unwrap_err().to_string().contains("--length"));
    fs::create_dir(bench.out("out")).unwrap();
    assert!(prepare(&bench.options(), None, &bench.out("out")).unwrap_err().to_string().contains("already there"));
    for wrong in ["random", "random:0", "rooted:x", "other:1", "random:101"] {
        wrong.parse::<Augment>().unwrap_err();
    }
    let message = "retrosynthesiz=3".parse::<Share<usize>>().unwrap_err();
    assert!(message.contains("did you mean `retrosynthesis`"), "{message}");
    assert_eq!("*=7".parse::<Share<usize>>().unwrap().number, 7);
    "retrosynthesis=x".parse::<Share<usize>>().unwrap_err();
}

#[test]
fn imported_folders_and_packed_files_are_inputs() {
    let bench = Bench { folder: tempfile::tempdir().unwrap() };
    let folder = bench.out("imported");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("examples.jsonl"), GOOD).unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, GOOD.replace("CCO", "CCC").as_bytes()).unwrap();
    fs::write(bench.out("more.jsonl.gz"), packed.finish().unwrap()).unwrap();
    let inputs = vec![folder, bench.out("more.jsonl.gz")];
    let manifest = bench.prepare("out", &Options { inputs, keep_order: true, ..Options::default() });
    let names: Vec<&str> = manifest.inputs.iter().map(|note| note.name.as_str()).collect();
    assert_eq!(names, ["imported/examples.jsonl", "more.jsonl.gz"]);
    let smiles: Vec<String> =
        bench.rows("out", Split::Train).iter().map(|row| row.field("smiles").to_owned()).collect();
    assert_eq!(smiles, ["CCO", "CCC"]);
}

#[test]
fn stored_completions_are_kept_and_their_questions_not_respelled() {
    let bench = Bench { folder: tempfile::tempdir().unwrap() };
    let with = GOOD.replace("\"reference\"", "\"completion\": \"<answer>C2H6O</answer>\", \"reference\"");
    fs::write(bench.input(), &with).unwrap();
    let options = Options { augment: Some("random:3".parse().unwrap()), ..bench.options() };
    prepare(&options, Some(&tokeniser()), &bench.out("out")).unwrap();
    let rows = PreparedRows::open(&bench.out("out").join("train.jsonl")).unwrap();
    assert_eq!(rows.len(), 1);
    let (example, completion) = rows.get(0, serde_json::from_value::<String>).unwrap().unwrap();
    assert_eq!(completion.as_deref(), Some("<answer>C2H6O</answer>"));
    let row = Shards::open(&bench.out("out"), Split::Train).unwrap().shards()[0].row(0).unwrap();
    assert_eq!(row.tokens, letters(&example, completion.as_deref()).unwrap().ids);
}
