//! Whole exports: golden files, the same bytes again, and verdicts from exported columns.
//!
//! `CHEMR_BLESS=1 cargo test --release -p chemr-data` writes the golden files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use chemr_tasks::{Example, Mode, Split, completion, task};
use serde_json::Value;

use super::manifest::sha256;
use super::*;
use crate::{Gym, GymConfig};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/export")
}

fn options(inputs: &[&str]) -> ExportOptions {
    ExportOptions { inputs: inputs.iter().map(|input| (*input).to_owned()).collect(), ..ExportOptions::default() }
}

fn examples() -> String {
    fixtures().join("examples.jsonl").to_string_lossy().into_owned()
}

/// The rows of the golden files: of the gym, one with a completion.
fn write_examples() {
    let gym = Gym::new(GymConfig { seed: 1, levels: vec![1] }).unwrap();
    let picked = [
        ("name.smiles_to_formula", Split::Train),
        ("retrosynthesis", Split::Train),
        ("property.polarity_rule", Split::Train),
        ("tomg.functional_group", Split::Valid),
        ("name.smiles_to_formula", Split::Test),
        ("retrosynthesis", Split::Test),
    ];
    let mut lines = String::new();
    for (place, (id, split)) in picked.into_iter().enumerate() {
        let example = gym.example(id, split, 0).unwrap();
        let mut row = serde_json::to_value(&example).unwrap();
        if place == 0 {
            row["completion"] = completion("Atoms are counted.", &example.reference).into();
        }
        lines.push_str(&format!("{row}\n"));
    }
    // Other tests read the file meanwhile, so it is written when it differs only.
    if fs::read_to_string(examples()).ok().as_ref() != Some(&lines) {
        fs::create_dir_all(fixtures()).unwrap();
        fs::write(examples(), lines).unwrap();
    }
}

/// The files of a folder by name.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

/// Every target with every stage.
fn all() -> Vec<(&'static Target, Stage)> {
    targets().iter().flat_map(|target| target.stages.iter().map(|stage| (*target, *stage))).collect()
}

/// Parquet as its rows, texts without the version of the program.
fn readable(name: &str, bytes: Vec<u8>) -> (String, String) {
    if name.ends_with(".parquet") {
        let rows: Vec<String> = parquet::tests::read(bytes).iter().map(|row| format!("{row}\n")).collect();
        return (format!("{name}.jsonl"), rows.concat());
    }
    let text = String::from_utf8(bytes).unwrap();
    (name.to_owned(), text.replace(&format!("chem-r {}", env!("CARGO_PKG_VERSION")), "chem-r VERSION"))
}

#[test]
fn golden_files() {
    if std::env::var_os("CHEMR_BLESS").is_some() {
        write_examples();
    }
    let base = tempfile::tempdir().unwrap();
    for (target, stage) in all() {
        let name = format!("{}-{stage}", target.id);
        let out = base.path().join(&name);
        export(target, Some(stage), &options(&[&examples()]), &out).unwrap();
        let stored = fixtures().join(&name);
        let mut wanted = if stored.exists() { contents(&stored) } else { BTreeMap::new() };
        for (file, bytes) in contents(&out) {
            // The manifest has a test of its own; the programs are copies of files of this folder.
            if file == "manifest.json" || Path::new(&file).extension().is_some_and(|extension| extension == "py") {
                continue;
            }
            let (file, text) = readable(&file, bytes);
            if std::env::var_os("CHEMR_BLESS").is_some() {
                fs::create_dir_all(&stored).unwrap();
                fs::write(stored.join(&file), &text).unwrap();
                wanted.insert(file.clone(), text.clone().into_bytes());
            }
            let found = wanted.remove(&file).map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(found.as_deref(), Some(text.as_str()), "{name}/{file}");
        }
        assert!(wanted.is_empty(), "{name} lacks {:?}", wanted.keys());
    }
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let base = tempfile::tempdir().unwrap();
    let copy = base.path().join("examples.jsonl");
    fs::copy(examples(), &copy).unwrap();
    for (target, stage) in all() {
        let folder = |name: &str, file: &str, seed: u64| {
            let out = base.path().join(format!("{}-{stage}-{name}", target.id));
            let options = ExportOptions { seed, ..options(&[file, "gym:name.iupac_to_smiles:5"]) };
            export(target, Some(stage), &options, &out).unwrap();
            contents(&out)
        };
        let first = folder("first", &examples(), 7);
        assert!(first == folder("again", copy.to_str().unwrap(), 7), "{}", target.id);
        assert!(first != folder("other", &examples(), 8), "{}", target.id);
    }
}

#[test]
fn the_manifest_says_what_is_there() {
    let base = tempfile::tempdir().unwrap();
    let out = base.path().join("out");
    let given = ExportOptions { splits: vec![Split::Train], ..options(&[&examples(), "gym:retrosynthesis:1:3"]) };
    let manifest = export(target("trl").unwrap(), Some(Stage::Sft), &given, &out).unwrap();
    let mut files = contents(&out);
    let stored: Value = serde_json::from_slice(&files.remove("manifest.json").unwrap()).unwrap();
    assert_eq!(stored, serde_json::to_value(&manifest).unwrap());
    files.remove("README.md").unwrap();
    let hashes: BTreeMap<String, String> = files.iter().map(|(name, bytes)| (name.clone(), sha256(bytes))).collect();
    assert_eq!(manifest.files, hashes);
    assert_eq!(manifest.inputs[0].sha256, sha256(&fs::read(examples()).unwrap()));
    assert_eq!((manifest.inputs[0].name.as_str(), manifest.inputs[0].rows), ("examples.jsonl", 6));
    assert_eq!((manifest.inputs[1].seed, manifest.inputs[1].rows), (Some(1), 3));
    assert_eq!(manifest.counts["retrosynthesis"]["train"], 4);
    assert_eq!((manifest.rows, manifest.completions), (6, 1));
    assert_eq!(stored["options"], serde_json::json!({"splits": ["train"], "tasks": [], "limit": 0, "skip_bad": false}));
    let other = export(target("trl").unwrap(), None, &options(&["gym:retrosynthesis:1:3"]), &base.path().join("b"));
    assert_ne!(manifest.prompts_sha256, other.unwrap().prompts_sha256);
}

#[test]
fn bad_rows_end_the_export_with_their_place_or_are_counted() {
    let base = tempfile::tempdir().unwrap();
    let file = base.path().join("rows.jsonl");
    let row = |reference: &str| {
        format!(r#"{{"task": "name.smiles_to_formula", "input": {{"smiles": "CCO"}}, "reference": "{reference}"}}"#)
    };
    fs::write(&file, format!("{}\n\n{}\nnot json\n{}\n", row("C2H6O"), row("ethanol"), row("C2H6O"))).unwrap();
    let (verl, out) = (target("verl").unwrap(), base.path().join("out"));
    let strict = options(&[file.to_str().unwrap()]);
    let message = export(verl, None, &strict, &out).unwrap_err().to_string();
    assert!(
        message.contains("rows.jsonl, line 3: the reference `ethanol`") && message.contains("--skip-bad"),
        "{message}"
    );
    let left: Vec<_> = fs::read_dir(base.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "only the input: {left:?}");
    let manifest = export(verl, None, &ExportOptions { skip_bad: true, ..strict.clone() }, &out).unwrap();
    assert_eq!(manifest.rows, 2);
    assert_eq!(manifest.skipped, BTreeMap::from([("no_example", 1), ("unreadable_reference", 1)]));
    assert!(matches!(export(verl, None, &strict, &out), Err(ExportError::Exists { .. })));
}

#[test]
fn rows_are_chosen() {
    let base = tempfile::tempdir().unwrap();
    let (mut number, target) = (0, target("openai").unwrap());
    let mut rows = |given: ExportOptions| {
        number += 1;
        export(target, Some(Stage::Rl), &given, &base.path().join(number.to_string())).map(|manifest| manifest.counts)
    };
    let file = options(&[&examples()]);
    assert_eq!(rows(file.clone()).unwrap().values().flat_map(BTreeMap::values).sum::<usize>(), 6);
    let one = rows(ExportOptions { tasks: vec!["retrosynthesis".into()], splits: vec![Split::Test], ..file.clone() });
    assert_eq!(one.unwrap(), BTreeMap::from([("retrosynthesis", BTreeMap::from([("test", 1)]))]));
    assert_eq!(rows(ExportOptions { limit: 1, ..file.clone() }).unwrap().len(), 1);
    let none = rows(ExportOptions { tasks: vec!["property.hiv".into()], ..file }).unwrap_err().to_string();
    assert!(none.contains("1 of `retrosynthesis` (test)"), "{none}");
    assert!(matches!(rows(options(&[])), Err(ExportError::Empty { .. })));
    let bad = base.path().join("bad.jsonl");
    fs::write(&bad, "{}\n{}\n").unwrap();
    let none = rows(ExportOptions { skip_bad: true, ..options(&[bad.to_str().unwrap()]) }).unwrap_err().to_string();
    assert!(none.contains("2 left out (no_example)"), "{none}");
}

#[test]
fn a_limit_ends_reading() {
    let base = tempfile::tempdir().unwrap();
    let file = base.path().join("rows.jsonl");
    let text = fs::read_to_string(examples()).unwrap();
    let first: String = text.split_inclusive('\n').take(2).collect();
    // What follows the second row would end the export.
    fs::write(&file, format!("{first}{}", "x".repeat(2 << 20))).unwrap();
    let given = ExportOptions { limit: 2, ..options(&[file.to_str().unwrap(), "no/such/file"]) };
    let manifest = export(target("openai").unwrap(), Some(Stage::Rl), &given, &base.path().join("out")).unwrap();
    assert_eq!((manifest.rows, manifest.options.limit, manifest.inputs.len()), (2, 2, 1));
    let note = &manifest.inputs[0];
    assert_eq!((note.rows, note.is_whole, note.sha256.as_str()), (2, false, sha256(first.as_bytes()).as_str()));
    let whole = ExportOptions { limit: 6, ..options(&[&examples()]) };
    let manifest = export(target("openai").unwrap(), Some(Stage::Rl), &whole, &base.path().join("all")).unwrap();
    assert!(manifest.inputs[0].is_whole);
}

#[test]
fn a_gzipped_file_is_the_same_input() {
    let base = tempfile::tempdir().unwrap();
    let packed = base.path().join("examples.jsonl.gz");
    let mut encoder = flate2::write::GzEncoder::new(fs::File::create(&packed).unwrap(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &fs::read(examples()).unwrap()).unwrap();
    encoder.finish().unwrap();
    let manifest = |input: &str, out: &str| {
        let out = base.path().join(out);
        export(target("openrlhf").unwrap(), None, &options(&[input]), &out).unwrap()
    };
    let (plain, packed) = (manifest(&examples(), "a"), manifest(packed.to_str().unwrap(), "b"));
    assert_eq!((plain.inputs[0].sha256.as_str(), plain.files), (packed.inputs[0].sha256.as_str(), packed.files));
}

#[test]
fn samples_of_inspect_have_ids_of_their_own() {
    let base = tempfile::tempdir().unwrap();
    let out = base.path().join("out");
    export(target("inspect").unwrap(), None, &options(&[&examples(), &examples()]), &out).unwrap();
    let samples: Value = serde_json::from_slice(&contents(&out)["samples.json"]).unwrap();
    let ids: BTreeSet<&str> = samples.as_array().unwrap().iter().map(|sample| sample["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 4, "{ids:?}");
}

#[test]
fn only_stages_that_a_target_has() {
    for (id, stage) in
        [("lm-eval", Stage::Rl), ("llama-factory", Stage::Rl), ("skyrl", Stage::Sft), ("trl", Stage::Eval)]
    {
        let error = export(target(id).unwrap(), Some(stage), &options(&["gym:retrosynthesis:1"]), Path::new("nowhere"));
        assert!(matches!(error, Err(ExportError::Stage { .. })), "{id}");
    }
}

/// What rewards are given (`task`, `reference`, columns) leads to the verdicts of the rows themselves.
#[test]
fn verdicts_from_exported_columns_are_those_of_the_rows() {
    let base = tempfile::tempdir().unwrap();
    let gym = Gym::new(GymConfig { seed: 3, levels: Gym::LEVELS.to_vec() }).unwrap();
    let wanted: BTreeMap<String, Example> = Gym::TASKS
        .iter()
        .flat_map(|id| gym.distinct(id, Split::Train, 10).unwrap())
        .map(|example| (example.id.clone(), example))
        .collect();
    let inputs = Gym::TASKS.map(|id| format!("gym:{id}:10"));
    let given = ExportOptions { seed: 3, ..options(&inputs.each_ref().map(String::as_str)) };
    let rows = |id: &str, file: &str| {
        let out = base.path().join(id);
        export(target(id).unwrap(), Some(Stage::Rl), &given, &out).unwrap();
        contents(&out).remove(file).unwrap()
    };
    let lines = |bytes: Vec<u8>| -> Vec<Value> {
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let label = |text: &Value| serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap();
    let flat = |row: &Value, spec: &str, reference: &str| {
        let mut columns = row["extra_info"].clone();
        columns["reference"] = row[spec][reference].clone();
        columns
    };
    let mut sets: Vec<(&str, Vec<Value>)> = Vec::new();
    sets.push(("trl", lines(rows("trl", "train.jsonl"))));
    let verl = parquet::tests::read(rows("verl", "train.parquet"));
    sets.push(("verl", verl.iter().map(|row| flat(row, "reward_model", "ground_truth")).collect()));
    let skyrl = parquet::tests::read(rows("skyrl", "train.parquet"));
    sets.push(("skyrl", skyrl.iter().map(|row| flat(row, "reward_spec", "ground_truth")).collect()));
    sets.push(("openai", lines(rows("openai", "train.jsonl"))));
    sets.push(("openrlhf", lines(rows("openrlhf", "train.jsonl")).iter().map(|row| label(&row["label"])).collect()));
    sets.push(("nemo-rl", lines(rows("nemo-rl", "train.jsonl")).iter().map(|row| label(&row["output"])).collect()));
    for (name, rows) in sets {
        assert_eq!(rows.len(), wanted.len(), "{name}");
        for row in rows {
            let task = task(row["task"].as_str().unwrap()).unwrap();
            let columns: BTreeMap<String, String> = row
                .as_object()
                .unwrap()
                .iter()
                .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
                .collect();
            let example = task.row(&columns, &columns["reference"]);
            let original = &wanted[&example.id];
            assert_eq!(task.question(&example), task.question(original), "{name}");
            let right = completion("So", &task.reference_answer(original));
            for text in [right.as_str(), "<think>a</think><answer>C</answer>", "No"] {
                let [found, wanted] = [&example, original].map(|row| task.verify(row, text, Mode::Strict));
                assert_eq!(found, wanted, "{name}: {text}");
            }
            assert!(task.verify(&example, &right, Mode::Strict).correct, "{name}");
        }
    }
}
