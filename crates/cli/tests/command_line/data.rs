//! The commands of `chemr data` on files as users have them.

use serde_json::Value;

use super::{chemr, text};

#[test]
fn rows_are_exported_with_their_traces() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let row = |rest: &str| {
        format!(r#"{{"task": "name.smiles_to_formula", "input": {{"smiles": "CCO"}}, "reference": "C2H6O"{rest}}}"#)
    };
    let trace =
        r#", "trace": {"protocol": "formula", "steps": [{"title": "Sum", "text": "C2H6O."}], "answer": "C2H6O"}"#;
    std::fs::write(path("rows.jsonl"), format!("{}\n{}\n", row(""), row(trace))).unwrap();
    let export = |out: &str, more: &[&str]| {
        let (rows, out) = (path("rows.jsonl"), path(out));
        chemr(&[&["data", "export", &rows, "--out", &out], more].concat())
    };
    let output = export("chat", &["--to", "openai"]);
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    assert!(text(&output.stdout).contains("name.smiles_to_formula: 2 train"), "{}", text(&output.stdout));
    let lines = std::fs::read_to_string(folder.path().join("chat/train.jsonl")).unwrap();
    let answers: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["messages"][2]["content"].clone())
        .collect();
    let traced = "<think>1. **Sum**: C2H6O.</think>\n<answer>C2H6O</answer>";
    assert_eq!(answers, ["<answer>C2H6O</answer>", traced]);
    let output = export("json", &["--to", "trl", "--limit", "1", "--json"]);
    let manifest: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&manifest["rows"], &manifest["stage"]), (&1.into(), &"rl".into()));
    for (out, more, code, wanted) in [
        ("chat", &["--to", "openai"][..], 1, "exists already"),
        ("no", &["--to", "skyrl", "--stage", "sft"], 2, "SkyRL has no stage `sft`; it has rl"),
        ("no", &["--to", "lm-eval"], 1, "2 of `name.smiles_to_formula` (train)"),
        ("no", &["--to", "excel"], 2, "possible values"),
        ("no", &["--to", "trl", "--task", "unicorn"], 2, "possible values"),
    ] {
        let output = export(out, more);
        let message = text(&output.stderr);
        assert!(output.status.code() == Some(code) && message.contains(wanted), "{more:?}: {message}");
    }
    assert!(!folder.path().join("no").exists());
    for wrong in ["gym:retro", "gym:retro:5", "gym:retrosynthesis:9:5", "gym:retrosynthesis"] {
        let output = chemr(&["data", "export", wrong, "--to", "trl", "--out", &path("no")]);
        assert_eq!(output.status.code(), Some(2), "{wrong}: {}", text(&output.stderr));
    }
}

#[test]
fn prepared_and_imported_folders_are_audited_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let row = |smiles: &str, split: &str| {
        format!(
            r#"{{"task":"property.bbbp","split":"{split}","input":{{"smiles":"{smiles}"}},"reference":"Yes"}}{}"#,
            "\n"
        )
    };
    std::fs::create_dir(path("imported")).unwrap();
    std::fs::write(path("imported/examples.jsonl"), row("CCO", "train") + &row("CCN", "test")).unwrap();
    let output = chemr(&["data", "prepare", &path("imported"), "--out", &path("prepared")]);
    let warning = "warning: valid.jsonl is empty: no row is given as valid; --split random, scaffold, time or cluster divides the rows\n";
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), warning));
    assert!(text(&output.stdout).contains("2 groups;"), "{}", text(&output.stdout));
    for given in ["imported", "prepared"] {
        let out = path(&format!("{given}-chats"));
        let output = chemr(&["data", "export", &path(given), "--to", "openai", "--json", "--out", &out]);
        let manifest: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(manifest["counts"]["property.bbbp"], serde_json::json!({"train": 1, "test": 1}), "{given}");
        let output = chemr(&["data", "audit", &path(given), "--out", &path(&format!("{given}-audit"))]);
        let (said, files) = (text(&output.stdout), if given == "prepared" { "3 files" } else { "1 file" });
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(said.contains(&format!("2 rows of {files}, 2 molecules, in")), "{said}");
    }
    let output = chemr(&["data", "audit", "--train", &path("prepared"), "--out", &path("no")]);
    let wanted = format!("name {}/train.jsonl", path("prepared"));
    assert!(output.status.code() == Some(2) && text(&output.stderr).contains(&wanted), "{}", text(&output.stderr));
    // One command's folder for another's: both say what to name.
    let parent = folder.path().to_str().unwrap();
    for arguments in
        [&["data", "export", parent, "--to", "trl"][..], &["data", "audit", parent], &["data", "prepare", parent]]
    {
        let output = chemr(&[arguments, &["--out", &path("no")]].concat());
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(message.contains("name what is meant: ") && message.contains(&path("imported")), "{message}");
    }
    assert!(!folder.path().join("no").exists());
}

#[test]
fn examples_are_prepared_for_training() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mapped = "[CH3:1][C:2](=[O:3])O.[NH2:4][CH3:5]>>[CH3:1][C:2](=[O:3])[NH:4][CH3:5]";
    std::fs::write(path("train.csv"), format!("id,rxn_class,mapped_rxn\nUS1,2,{mapped}\n")).unwrap();
    for (out, more) in [("plain", None), ("maps", Some("--keep-maps"))] {
        let (file, out) = (path("train.csv"), path(out));
        let mut arguments = vec!["data", "import", &file, "--out", &out];
        arguments.extend(more);
        let output = chemr(&arguments);
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    }
    assert!(!std::fs::read_to_string(path("plain/examples.jsonl")).unwrap().contains(":1]"));
    std::fs::write(path("bare_train.csv"), "id,rxn_class,product,reactants\nUS1,2,CCO,CC=O\n").unwrap();
    let output = chemr(&["data", "import", &path("bare_train.csv"), "--keep-maps", "--out", &path("bare"), "--json"]);
    let said = text(&output.stderr);
    assert!(output.status.success() && said.contains("--keep-maps") && said.contains("no_maps"), "{said}");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["mapped"], &summary["kept"]), (&0.into(), &1.into()));
    let output = chemr(&["data", "prepare", &path("maps"), "--align", "2", "--out", &path("aligned")]);
    let said = text(&output.stdout);
    assert_eq!((output.status.code(), text(&output.stderr).lines().count()), (Some(0), 2), "valid and test are empty");
    assert!(said.contains("train: 4 aligned pairs, mean edit distance"), "{said}");
    let rows = std::fs::read_to_string(path("aligned/train.jsonl")).unwrap();
    assert!(rows.lines().count() == 4 && !rows.contains(":1]"), "{rows}");
    let output = chemr(&["data", "prepare", &path("plain"), "--align", "2", "--out", &path("unmapped"), "--json"]);
    let manifest: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(manifest["counts"]["retrosynthesis"]["train"]["written"], 1, "{manifest}");
    let warning =
        "no reaction was aligned (2 no_maps); `chemr data import --keep-maps` keeps those of files that have them";
    assert_eq!(manifest["warnings"][2], warning);
    assert!(text(&output.stderr).ends_with(&format!("warning: {warning}\n")), "{}", text(&output.stderr));
    for (more, code, wanted) in [
        (vec!["--split", "fair"], 2, "given, random, scaffold, time or cluster"),
        (vec!["--augment", "random"], 2, "random:K"),
        (vec!["--cap", "retrosynthesi=2"], 2, "did you mean `retrosynthesis`"),
        (vec!["--split", "time"], 1, "meta field `year`"),
        (vec!["--length", "64"], 2, "--tokenizer"),
        (vec!["--tokenizer", "nowhere"], 1, "nowhere"),
        (vec!["--valid", "0.5", "--test", "0.5"], 2, "--valid and --test"),
        (vec!["--similarity", "0"], 2, "--similarity"),
    ] {
        let (input, out) = (path("plain"), path("no"));
        let mut arguments = vec!["data", "prepare", &input, "--out", &out];
        arguments.extend(more.iter().copied());
        let output = chemr(&arguments);
        let message = text(&output.stderr);
        assert!(output.status.code() == Some(code) && message.contains(wanted), "{more:?}: {message}");
    }
    assert!(!folder.path().join("no").exists());
}

#[test]
fn public_files_are_imported_row_by_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("train.csv"), "smiles,p_np\nOCC,1\nC(C,0\nCC,x\n").unwrap();
    let output = chemr(&["data", "import", &path("train.csv"), "--out", &path("out")]);
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    let said = text(&output.stdout);
    assert!(
        said.contains("1  unparsable.unbalanced_parentheses")
            && said.contains("1 file, 3 rows: 1 kept, 2 rejected; 1 example in"),
        "{said}"
    );
    let rejects = std::fs::read_to_string(path("out/rejects.jsonl")).unwrap();
    let first: Value = serde_json::from_str(rejects.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["file"], &first["line"], &first["row"]["smiles"]),
        (&"train.csv".into(), &3.into(), &"C(C".into())
    );
    std::fs::write(path("bad_train.csv"), "smiles,p_np\nC(C,0\n").unwrap();
    let output = chemr(&["data", "import", &path("bad_train.csv"), "--out", &path("bad")]);
    assert_eq!(output.status.code(), Some(3), "nothing was kept");
    assert!(folder.path().join("bad/rejects.jsonl").exists());
    let output = chemr(&["data", "import", &path("train.csv"), "--out", &path("json"), "--json"]);
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["rows"], &summary["examples"]["property.bbbp"]), (&3.into(), &1.into()));
    assert_eq!(summary["files"][0]["sha256"].as_str().unwrap().len(), 64);
    for (more, code, wanted) in [
        (vec!["--out", &path("out")], 1, "already there"),
        (vec!["--format", "chebi"], 2, "possible values"),
        (vec!["--split", "all"], 2, "train, valid or test"),
        (vec!["--map", "smiles"], 2, "write field=column"),
        (vec!["--map", "smile=smiles"], 2, "a field `smile`; did you mean `smiles`?"),
        (vec!["--map", "smiles=smile"], 2, "no column `smile` for --map smiles=smile; did you mean `smiles`?"),
        (vec!["--format", "generic"], 2, "needs --task"),
        (vec!["--format", "moleculenet", "--task", "choice.mmlu"], 2, "has no rows for choice.mmlu"),
        (vec!["--format", "tomg-bench", "--split", "train"], 2, "for evaluation only"),
        (vec!["--format", "chebi20"], 1, "no column `description`"),
        (vec!["--task", "choice.mmlu"], 1, "has no rows for choice.mmlu"),
    ] {
        let (file, out) = (path("train.csv"), path("no"));
        let mut arguments = vec!["data", "import", &file];
        if !more.contains(&"--out") {
            arguments.extend(["--out", &out]);
        }
        arguments.extend(more.iter().copied());
        let output = chemr(&arguments);
        let message = text(&output.stderr);
        assert!(output.status.code() == Some(code) && message.contains(wanted), "{more:?}: {message}");
    }
    assert!(!folder.path().join("no").exists());
}

#[test]
fn examples_are_audited_and_cleaned() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let row = |smiles: &str| {
        format!("{{\"task\":\"property.bbbp\",\"input\":{{\"smiles\":\"{smiles}\"}},\"reference\":\"Yes\"}}\n")
    };
    std::fs::write(path("train.jsonl"), row("CCO") + &row("CC") + "broken\n").unwrap();
    std::fs::write(path("test.jsonl"), row("OCC")).unwrap();
    let (train, test) = (path("train.jsonl"), path("test.jsonl"));
    let given = ["data", "audit", "--train", &train, "--test", &test];
    let audit = |out: &str, more: &[&str]| chemr(&[&given[..], &["--out", &path(out)], more].concat());
    let output = audit("out", &["--fix", "--examples", "1"]);
    let said = text(&output.stdout);
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""), "{said}");
    for wanted in
        ["2 rows stay", "1  leak.question", "1  no_example", "1 line is no example", "3 rows of 2 files, 2 molecules"]
    {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    for (name, lines) in [("clean/examples.jsonl", 2), ("removed.jsonl", 2)] {
        assert_eq!(
            std::fs::read_to_string(path("out").to_string() + "/" + name).unwrap().lines().count(),
            lines,
            "{name}"
        );
    }
    let output = audit("json", &["--json", "--checks", "leakage,length", "--fail-on", "conflicts"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &report["rows"]), (Some(0), &3.into()));
    assert_eq!(report["options"]["checks"], serde_json::json!(["conflicts", "leakage", "length"]));
    for (more, code, wanted) in [
        (&["--fail-on", "conflicts,leakage"][..], 8, "found by --fail-on: leakage"),
        (&["--checks", "all"], 2, "possible values"),
        (&["--fix-near"], 2, "--fix"),
        (&["--near", "2"], 2, "--near is a similarity above 0"),
        (&["--tokenizer", "nowhere"], 1, "the tokenizer of nowhere"),
    ] {
        let output = audit("failed", more);
        let message = text(&output.stderr);
        assert!(output.status.code() == Some(code) && message.contains(wanted), "{more:?}: {message}");
    }
    let output = chemr(&["data", "audit", &path("no.jsonl"), "--out", &path("no")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!folder.path().join("no").exists());
}
