//! Rows audited and prepared with the tokenizer of a run, as a user chains the commands.

use std::path::Path;

use chemr_data::prepare::Shards;
use chemr_tasks::Split;
use serde_json::Value;

use super::{finish, recipe_in, refused, start, stop_in, weights, works};

const MAPPED: &str = "[CH3:1][C:2](=[O:3])O.[NH2:4][CH3:5]>>[CH3:1][C:2](=[O:3])[NH:4][CH3:5]";

/// Prompts that differ from those of the program.
const WORDS: &str = "envelope = \"Think about the question step by step, and give the answer at the end.\"\n\
                     output = \"The answer is\"\n[labels]\nsmiles = \"The molecule, written as SMILES\"\n";

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
    std::fs::write(folder.join("words.toml"), WORDS).unwrap();
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

/// Rows that the foundation phase used, by task.
fn rows_of(run: &Path) -> Value {
    json(&run.join("checkpoints/foundation/step-000006/state/phase.json"))["rows"].clone()
}

#[test]
fn the_foundation_phase_takes_token_shards_in_their_mixture_and_goes_on_after_a_kill() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path();
    let recipe = recipe_in(folder);
    let only = ["--set", "distill.enabled=false", "--set", "grpo.enabled=false", "--set", "foundation.steps=1"];
    finish(start(&recipe, &folder.join("first"), &only));
    let model = "first/checkpoints/foundation/step-000001";

    let mut rows = String::new();
    for length in 1..26 {
        let (smiles, split) = ("C".repeat(length), if length % 5 == 0 { "test" } else { "train" });
        for (task, answer) in
            [("name.smiles_to_formula", format!("C{length}H{}", 2 * length + 2)), ("property.bbbp", "Yes".into())]
        {
            let row =
                serde_json::json!({"task": task, "input": {"smiles": smiles}, "reference": answer, "split": split});
            rows += &format!("{row}\n");
        }
    }
    // A task of held-out rows alone.
    let mut other = serde_json::json!({"task": "property.hiv", "input": {"smiles": "CCO"}, "reference": "No"});
    other["split"] = "test".into();
    rows += &format!("{other}\n");
    std::fs::write(folder.join("rows.jsonl"), rows).unwrap();
    let mixture = ["--split", "given", "--weight", "property.bbbp=0.25", "--rows", "50"];
    let prepare = |out, more: &[&str]| {
        let fixed = ["data", "prepare", "rows.jsonl", "--tokenizer", model, "--length", "256", "--out", out];
        works(folder, &[&fixed[..], &mixture, more].concat())
    };
    prepare("tokens", &["--shard-tokens", "2000"]);
    let manifest = json(&folder.join("tokens/prepare.json"));
    let packed = &manifest["packed"]["train"];
    assert!(packed["shards"].as_array().unwrap().len() > 1, "{packed}");

    let set = |root: &str, shards: bool| {
        let changes = [
            format!("model.from={}", folder.join(model).display()),
            "data.source=prepared".to_string(),
            format!("data.root={}", folder.join(root).display()),
            format!("data.shards={shards}"),
            "foundation.steps=6".to_string(),
            "distill.enabled=false".to_string(),
            "grpo.enabled=false".to_string(),
        ];
        changes.into_iter().flat_map(|change| ["--set".to_string(), change]).collect::<Vec<String>>()
    };
    let on_shards = set("tokens", true);
    let on_shards: Vec<&str> = on_shards.iter().map(String::as_str).collect();
    finish(start(&recipe, &folder.join("whole"), &on_shards));
    stop_in(&recipe, &folder.join("killed"), "foundation", false, &on_shards);
    finish(start(&recipe, &folder.join("killed"), &[&on_shards[..], &["--resume", "--set", "run.threads=1"]].concat()));
    assert!(weights(&folder.join("whole"), "foundation") == weights(&folder.join("killed"), "foundation"));

    // Four rows of one task for one of the other, where rows by themselves are mixed equally.
    let (by_shards, formulas) = (rows_of(&folder.join("whole")), "name.smiles_to_formula");
    let counts = [by_shards[formulas].as_u64().unwrap(), by_shards["property.bbbp"].as_u64().unwrap()];
    assert!(counts[0] > 2 * counts[1] && counts[1] > 0, "{by_shards}");
    let on_rows = set("tokens", false);
    finish(start(&recipe, &folder.join("rows"), &on_rows.iter().map(String::as_str).collect::<Vec<_>>()));
    let by_rows = rows_of(&folder.join("rows"));
    assert_eq!(by_rows[formulas], by_rows["property.bbbp"]);

    let fails = |more: &[&str]| {
        let output =
            start(&recipe, &folder.join("refused"), &[&on_shards[..], more].concat()).wait_with_output().unwrap();
        assert!(!output.status.success(), "{more:?}");
        let _ = std::fs::remove_dir_all(folder.join("refused"));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let said = fails(&["--set", "model.from="]);
    assert!(said.contains("are of the tokenizer") && said.contains("--tokenizer"), "{said}");
    let said = fails(&["--set", "data.tasks=property.bbbp"]);
    assert!(said.contains("leaves out name.smiles_to_formula"), "{said}");
    let said = fails(&["--set", "data.max_rows=3"]);
    assert!(said.contains("data.max_rows"), "{said}");
    let said = fails(&["--set", "data.source=gym"]);
    assert!(said.contains("data.source"), "{said}");
    let said = fails(&["--set", "foundation.max_tokens=8"]);
    assert!(said.contains("every row of") && said.contains("raise foundation.max_tokens"), "{said}");
    std::fs::write(folder.join("words.toml"), WORDS).unwrap();
    let said = fails(&["--set", &format!("prompts.file={}", folder.join("words.toml").display())]);
    assert!(said.contains("other tokens for line") && said.contains("--prompts"), "{said}");

    // Rows that are too long do not count for the size of a step.
    let shards = Shards::open(&folder.join("tokens"), Split::Train).unwrap();
    let lengths = |task: usize| shards.sizes().flatten().filter(move |row| row.task == task).map(|row| row.tokens);
    let most = (0..2).map(|task| lengths(task).min().unwrap()).max().unwrap() + 4;
    let most = format!("foundation.max_tokens={most}");
    let short = [&on_shards[..], &["--set", &most]].concat();
    let output = start(&recipe, &folder.join("short"), &short).wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("of 50 rows have more than foundation.max_tokens"), "{said}");
    let state = json(&folder.join("short/checkpoints/foundation/step-000006/state/phase.json"));
    assert!(state["dropped"].to_string().contains("over_long"), "{state}");
    for line in
        read(&folder.join("short/metrics.jsonl")).lines().map(|line| serde_json::from_str::<Value>(line).unwrap())
    {
        let tokens = line["tokens_per_step"].as_f64();
        assert!(tokens.is_none_or(|tokens| (256.0..1024.0).contains(&tokens)), "{line}");
    }

    prepare("plain", &[]);
    std::fs::remove_file(folder.join("plain/train-00000.tokens")).unwrap();
    let said = fails(&["--set", &format!("data.root={}", folder.join("plain").display())]);
    assert!(said.contains("train-00000.tokens"), "{said}");
}
