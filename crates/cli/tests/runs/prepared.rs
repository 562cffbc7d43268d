//! Rows audited and prepared with the tokenizer of a run, as a user chains the commands.

use std::path::Path;

use serde_json::Value;

use super::{finish, recipe_in, refused, start, works};

const MAPPED: &str = "[CH3:1][C:2](=[O:3])O.[NH2:4][CH3:5]>>[CH3:1][C:2](=[O:3])[NH:4][CH3:5]";

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&read(path)).unwrap()
}

fn prepare<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["data", "prepare", "rows.jsonl", "--tokenizer", "run", "--length", "256", "--out", out], more].concat()
}

#[test]
fn rows_are_counted_packed_and_refused_by_the_tokenizer_of_a_run() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path();
    let words = "envelope = \"Think about the question step by step, and give the answer at the end.\"\n\
                 output = \"The answer is\"\n[labels]\nsmiles = \"The molecule, written as SMILES\"\n";
    std::fs::write(folder.join("words.toml"), words).unwrap();
    let file = format!("prompts.file={}", folder.join("words.toml").display());
    let only = [
        file.as_str(),
        "foundation.steps=1",
        "distill.enabled=false",
        "grpo.enabled=false",
        "eval.examples_per_task=1",
    ];
    let only: Vec<&str> = only.into_iter().flat_map(|change: &str| ["--set", change]).collect();
    finish(start(&recipe_in(folder), &folder.join("run"), &only));

    let row = |task: &str, smiles: &str, answer: &str| {
        format!("{{\"task\":\"{task}\",\"input\":{{\"smiles\":\"{smiles}\"}},\"reference\":\"{answer}\"}}\n")
    };
    let formula = |smiles: &str, answer: &str| row("name.smiles_to_formula", smiles, answer);
    let long = "C(=O)N".repeat(60);
    let rows = formula("CO", "CH4O")
        + "no example\n"
        + &row("property.bbbp", "CCO", "Yes")
        + &formula("CC", "C2H6")
        + &formula("CCC", "C3H8")
        + &formula(&long, "C60H62N60O60");
    std::fs::write(folder.join("rows.jsonl"), rows).unwrap();
    let message = refused(folder, &prepare("bad", &[]));
    assert!(message.contains("rows.jsonl") && message.contains("--skip-bad"), "{message}");
    let message = refused(folder, &prepare("long", &["--skip-bad", "--overlong", "fail"]));
    assert!(message.contains("256"), "{message}");
    assert!(!folder.join("bad").exists() && !folder.join("long").exists());

    let ordered = ["--skip-bad", "--keep-order", "--valid", "0", "--test", "0"];
    let said = works(folder, &prepare("packed", &ordered));
    assert!(said.contains("train: ") && said.contains("lines that are no examples: 1"), "{said}");
    let manifest = json(&folder.join("packed/prepare.json"));
    let counts = &manifest["counts"]["name.smiles_to_formula"]["train"];
    assert_eq!((&counts["written"], &counts["over_long"]), (&3.into(), &1.into()), "{manifest}");
    let dropped = read(&folder.join("packed/dropped.jsonl"));
    assert!(dropped.contains("rows.jsonl, line 6") && dropped.contains("name.smiles_to_formula"), "{dropped}");
    let kept: Vec<String> = read(&folder.join("packed/train.jsonl"))
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["input"]["smiles"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kept, ["CO", "CCO", "CC", "CCC"]);

    // The words that the run was trained with are the default; with others the questions are other tokens.
    std::fs::write(folder.join("program.toml"), works(folder, &["prompts", "--default"])).unwrap();
    for (out, file) in [("same", "words.toml"), ("other", "program.toml")] {
        works(folder, &prepare(out, &[&ordered[..], &["--prompts", file]].concat()));
        let with_file = json(&folder.join(out).join("prepare.json"));
        let of = |manifest: &Value| {
            (manifest["tokenizer"]["prompts_sha256"].clone(), manifest["packed"]["train"]["tokens"].clone())
        };
        let (hashes, tokens) = (of(&with_file).0 == of(&manifest).0, of(&with_file).1 == of(&manifest).1);
        assert_eq!((hashes, tokens), (out == "same", out == "same"), "{with_file}");
    }

    // Nearly all of the weight on the task that has one row.
    let weights = ["--weight", "name.smiles_to_formula=0.001", "--rows", "4"];
    works(folder, &prepare("mixed", &[&ordered[..], &weights].concat()));
    let mixed = json(&folder.join("mixed/prepare.json"));
    assert_eq!(mixed["counts"]["property.bbbp"]["train"]["mixture"], 4, "{mixed}");

    std::fs::write(folder.join("mapped.csv"), format!("id,rxn_class,mapped_rxn\nUS1,2,{MAPPED}\n")).unwrap();
    let audit =
        ["data", "audit", "--train", "rows.jsonl", "--tokenizer", "run", "--mapped", "mapped.csv", "--out", "au"];
    works(folder, &audit);
    let report = json(&folder.join("au/audit.json"));
    assert!(report["maps"].as_array().is_some_and(|maps| !maps.is_empty()), "{report}");
    let measured = report["lengths"].to_string();
    assert!(measured.contains("tokens"), "{measured}");
}
