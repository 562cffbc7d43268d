//! The program as a user runs it: commands, exit codes, output formats.

#![allow(clippy::unwrap_used)]

mod data;

use std::io::{BufRead, Write};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn chemr(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chemr")).args(arguments).stdin(Stdio::null()).output().expect("chemr starts")
}

fn chemr_with_input(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_chemr"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("chemr starts");
    child.stdin.take().expect("stdin is piped").write_all(input).expect("input is read");
    child.wait_with_output().expect("chemr ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json_lines(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect()
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in ["quickstart", "run", "train", "eval", "report", "ask", "merge", "mol", "prompts", "doctor"] {
        let output = chemr(&[command, "--help"]);
        assert!(output.status.success(), "{command}");
        let help = text(&output.stdout);
        assert!(help.contains("Example") && help.contains(&format!("chemr {command}")), "{command}: {help}");
    }
}

#[test]
fn mol_writes_every_promised_field() {
    let output = chemr(&["mol", "CC(=O)Oc1ccccc1C(=O)O", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let facts = &json_lines(&output)[0];
    // Values of RDKit 2026.9.1.
    assert_eq!(facts["canonical"], "CC(=O)Oc1ccccc1C(=O)O");
    assert_eq!(facts["inchikey"], "BSYNRYMUTXBXSQ-UHFFFAOYSA-N");
    assert_eq!(facts["formula"], "C9H8O4");
    assert_eq!(facts["scaffold"], "c1ccccc1");
    assert!((facts["tpsa"].as_f64().unwrap() - 63.60).abs() < 1e-6);
    assert!((facts["qed"].as_f64().unwrap() - 0.550122).abs() < 1e-5);
    let names: Vec<&str> = facts["functional_groups"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(names.contains(&"carboxylic acid") && names.contains(&"ester"), "{names:?}");
    for field in [
        "input",
        "valid",
        "error",
        "canonical_flat",
        "selfies",
        "exact_mass",
        "average_mass",
        "logp",
        "mr",
        "hbd",
        "hba",
        "rotatable_bonds",
        "rings",
        "aromatic_rings",
        "aromatic_atoms",
        "heavy_atoms",
        "charge",
        "morgan2_2048",
        "maccs",
    ] {
        assert!(facts.get(field).is_some(), "{field}");
    }
}

#[test]
fn mol_reads_lines_and_reports_each_bad_one() {
    let input = b"CCO\nC1CC\n\nCCO the product\n\xff\xfe\nC(C)(C)(C)(C)C\n".to_vec();
    let output = chemr_with_input(&["mol", "-", "--json"], &input);
    assert_eq!(output.status.code(), Some(3));
    let lines = json_lines(&output);
    assert_eq!(lines.len(), 6);
    assert_eq!(lines[0]["valid"], true);
    for line in &lines[1..] {
        assert_eq!(line["valid"], false, "{line}");
        assert!(line["error"]["class"].is_string() && line["error"]["message"].is_string(), "{line}");
    }
    assert_eq!(lines[1]["error"]["class"], "unclosed_ring");
    assert_eq!(lines[5]["error"]["class"], "valence");
}

#[test]
fn mol_reads_and_writes_selfies() {
    // Values of the Python package `selfies` 2.2.0.
    let facts = &json_lines(&chemr(&["mol", "--selfies", "[C][C][=Branch1][C][=O][O]", "--json"]))[0];
    assert_eq!((&facts["canonical"], &facts["selfies"]), (&"CC(=O)O".into(), &"[C][C][=Branch1][C][=O][O]".into()));
    let facts = &json_lines(&chemr(&["mol", "*C", "--json"]))[0];
    assert_eq!((&facts["valid"], &facts["selfies"]), (&true.into(), &Value::Null));
    let old = "[C][C][Branch1_2][C][=O][O]";
    let output = chemr(&["mol", "--selfies", old, "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let error = &json_lines(&output)[0]["error"];
    assert_eq!((&error["class"], &error["position"]), (&"syntax".into(), &6.into()));
    assert!(error["message"].as_str().unwrap().contains("compatible"), "{error}");
    let facts = &json_lines(&chemr(&["mol", "--selfies", "--compatible", old, "--json"]))[0];
    assert_eq!(facts["canonical"], "CC(=O)O");
    let lines = json_lines(&chemr_with_input(&["mol", "--selfies", "-", "--pairs"], b"[C][O]\t[O][C]\n"));
    assert_eq!(lines[0]["tanimoto"]["maccs"], 1.0);
    assert!(text(&chemr(&["mol", "[C][C][=Branch1][C][=O][O]"]).stderr).contains("--selfies"));
    assert_eq!(chemr(&["mol", "--compatible", "CCO"]).status.code(), Some(2));
}

#[test]
fn mol_compares_pairs() {
    let output = chemr_with_input(&["mol", "-", "--pairs"], b"CCO\tCCO\nCCO\tCCN\nCCO\n");
    let lines = json_lines(&output);
    assert_eq!(output.status.code(), Some(3));
    for key in ["morgan2_2048", "morgan2_count", "maccs", "rdk"] {
        assert_eq!(lines[0]["tanimoto"][key], 1.0, "{key}");
        assert!(lines[1]["tanimoto"][key].as_f64().unwrap() < 1.0, "{key}");
    }
    assert_eq!(lines[2]["valid"], false);
    let output = chemr_with_input(&["mol", "-", "--pairs"], b"CCO\tC1CC\nnot one\tCCO\n");
    let lines = json_lines(&output);
    assert_eq!((&lines[0]["input"], &lines[0]["error"]["side"]), (&"CCO\tC1CC".into(), &"b".into()));
    assert_eq!((&lines[1]["input"], &lines[1]["error"]["side"]), (&"not one\tCCO".into(), &"a".into()));
}

#[test]
fn mol_answers_each_line_before_the_next_is_written() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_chemr"))
        .args(["mol", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("chemr starts");
    let mut input = child.stdin.take().expect("stdin is piped");
    let mut output = std::io::BufReader::new(child.stdout.take().expect("stdout is piped"));
    for smiles in ["CCO", "c1ccccc1"] {
        writeln!(input, "{smiles}").expect("a line is taken");
        let mut line = String::new();
        output.read_line(&mut line).expect("a line comes back");
        let facts: Value = serde_json::from_str(&line).expect("it is JSON");
        assert_eq!(facts["input"], smiles);
    }
    // A line without an end is not kept in memory without bound.
    for _ in 0..64 {
        input.write_all(&[b'C'; 1 << 16]).expect("input is read");
    }
    drop(input);
    let mut line = String::new();
    output.read_line(&mut line).expect("a line comes back");
    assert!(line.contains("too_long"), "{}", &line[..line.len().min(200)]);
    assert_eq!(child.wait().expect("chemr ends").code(), Some(3));
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_chemr"))
        .args(["mol", "CCO"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("chemr starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("chemr ends");
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
}

/// `chemr ... 2>&1 | head`: what cannot be told is dropped, the exit code is that of the work, and a run stops where it can go on.
#[test]
fn readers_that_go_away_are_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let rows = folder.path().join("rows.jsonl");
    std::fs::write(&rows, r#"{"task":"property.bbbp","input":{"smiles":"CCO"},"reference":"Yes"}"#).unwrap();
    let (out, rows) = (out.to_str().unwrap(), rows.to_str().unwrap());
    let prepared = folder.path().join("prepared");
    for (arguments, code) in [
        (&["mol", "CCO"][..], 0),
        (&["mol", "C1CC", "--json"], 0),
        (&["data", "info", "qm-9"], 2),
        (&["report", "nothing"], 1),
        (&["--help"], 0),
        (&["data", "prepare", rows, "--out", prepared.to_str().unwrap()], 0),
        (&["quickstart", "--budget", "smoke", "--out", out], 130),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_chemr"));
        command.args(arguments).stdin(Stdio::null()).stdout(writer.try_clone().unwrap()).stderr(writer);
        assert_eq!(command.status().unwrap().code(), Some(code), "{arguments:?}");
    }
    assert!(prepared.join("train.jsonl").is_file());
    // Stopped, not broken: the same command goes on.
    assert!(folder.path().join("run/config.toml").is_file());
}

#[test]
fn mol_draws() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("aspirin.svg");
    let output = chemr(&["mol", "CC(=O)Oc1ccccc1C(=O)O", "--svg", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let drawing = std::fs::read_to_string(file).unwrap();
    assert!(drawing.contains("<svg") && drawing.contains("</svg>"));
}

#[test]
fn wrong_usage_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("nothing");
    let missing = missing.to_str().unwrap();
    let recipe = folder.path().join("typo.toml");
    std::fs::write(&recipe, "[model]\nlayerz = 3\n").unwrap();
    let cases: [(&[&str], &str); 7] = [
        (&["mol", "C1CC"], ""),
        (&["ask", "What is the formula of CCO?", "--model", missing], "neither a model folder"),
        (&["ask", "CCO", "--task", "formula", "--model", missing], "name.smiles_to_formula"),
        (&["ask", "CCO", "--precision", "fp8", "--model", missing], "fp32, bf16 or int8"),
        (&["report", missing], missing),
        (&["run", recipe.to_str().unwrap()], "layers"),
        (&["run", missing], missing),
    ];
    for (arguments, wanted) in cases {
        let output = chemr(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        let message = text(&output.stderr);
        assert!(message.contains(wanted), "{arguments:?}: {message}");
        assert!(!message.contains("panicked"), "{message}");
    }
}

#[test]
fn an_input_that_no_task_can_use_is_refused() {
    let cases: [(&[&str], &str); 6] = [
        (&["C1CC", "--task", "name.smiles_to_formula"], "`C1CC` is no SMILES: unclosed_ring at byte 1"),
        (&["What is the molecular formula of C1CC?"], "unclosed_ring at byte 1"),
        (&["three unicorns", "--task", "tomg.functional_group"], "write e.g. `1 ester, 2 alcohol`"),
        (&["CCO>>CC=O", "--task", "name.smiles_to_formula"], "is a reaction"),
        (&["What is the formula of CCO?", "--task", "name.smiles_to_formula"], "only the task's input is wanted"),
        (&["CCO", "--temperature", "-1"], "--temperature -1 is out of range"),
    ];
    for (arguments, wanted) in cases {
        let output = chemr(&[&["ask", "--model", "no-such-model"], arguments].concat());
        let message = text(&output.stderr);
        assert!(output.status.code() == Some(1) && message.contains(wanted), "{arguments:?}: {message}");
        assert!(!message.contains("no-such-model"), "the input comes first: {message}");
    }
    for usage in [["--max-new-tokens", "0"], ["--stop", ""]] {
        assert_eq!(chemr(&[&["ask", "CCO"], &usage[..]].concat()).status.code(), Some(2), "{usage:?}");
    }
    // As it is: the next thing that fails is the model.
    let output = chemr(&["ask", "--plain", "formula of C1CC", "--model", "no-such-model"]);
    assert!(text(&output.stderr).contains("no-such-model"));
}

#[test]
fn a_failure_names_its_reason_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let cases: [(&[&str], &str); 5] = [
        (&["run", "no-such.toml"], "recipes/"),
        (&["run", path], "recipes/"),
        (&["train", "grpo", "--recipe", "no-such.toml"], "recipes/"),
        (&["quickstart", "--resume", "--out", path], "holds no run to resume"),
        (&["quickstart", "--out", env!("CARGO_BIN_EXE_chemr")], "check the path"),
    ];
    for (arguments, wanted) in cases {
        let output = chemr(arguments);
        let message = text(&output.stderr);
        assert!(output.status.code() == Some(1) && message.contains(wanted), "{arguments:?}: {message}");
        assert!(message.lines().count() == 1 && message.matches("os error").count() <= 1, "{arguments:?}: {message}");
    }
}

#[test]
fn prompts_are_written_changed_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prompts.toml");
    let path = file.to_str().unwrap();
    let default = text(&chemr(&["prompts", "--default"]).stdout);
    std::fs::write(&file, &default).unwrap();
    let json = |arguments: &[&str]| {
        let output = chemr(&[&["prompts", "--json"], arguments].concat());
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
    };
    let builtin = json(&[]);
    assert_eq!((&builtin["is_default"], &json(&["--prompts", path])), (&Value::Bool(true), &builtin));
    assert!(builtin["examples"].as_array().unwrap().len() > 80);
    std::fs::write(&file, default.replace("line = \"Predict the product of the reaction.\"", "line = \"What forms?\""))
        .unwrap();
    let mine = json(&["--prompts", path, "--task", "reaction_prediction"]);
    assert_eq!((&mine["is_default"], &mine["templates"]["line"]), (&Value::Bool(false), &"What forms?".into()));
    assert!(mine["examples"][0]["user"].as_str().unwrap().ends_with("What forms?\nReactants: CC(=O)O.OCC"), "{mine}");
    assert_ne!(mine["sha256"], builtin["sha256"]);
    // What is printed is a file of the same prompts.
    let printed = chemr(&["prompts", "--prompts", path]).stdout;
    let copy = folder.path().join("copy.toml");
    std::fs::write(&copy, printed).unwrap();
    assert_eq!(json(&["--prompts", copy.to_str().unwrap()])["sha256"], mine["sha256"]);
    let pool = folder.path().join("pool.csv");
    std::fs::write(&pool, "reactants,reference\nCC(=O)Cl.CO,COC(C)=O\nOCC.CC(=O)O,CCOC(C)=O\n").unwrap();
    let shots = ["--task", "reaction_prediction", "--shots-from", pool.to_str().unwrap(), "--shots", "1"];
    let shown = json(&shots);
    let question = shown["examples"][0]["user"].as_str().unwrap();
    assert!(question.ends_with("Reactants: CC(=O)Cl.CO\nProduct: COC(C)=O\nReactants: CC(=O)O.OCC"), "{question}");
    for (arguments, wanted) in [
        (&["prompts", "--task", "retrosynthesi"][..], "did you mean `retrosynthesis`?"),
        (&["prompts", "--shots", "1", "--shots-from", "x.csv"], "name it with --task"),
        (&["prompts", "--task", "molecule_design", "--shots", "1", "--shots-from", "none.csv"], "CSV or JSONL"),
        (&["ask", "Why?", "--shots", "1", "--shots-from", "x.csv"], "name its task with --task"),
        (&["ask", "CCO", "--task", "retrosynthesis", "--prompts", "none.toml"], "chemr prompts --default"),
        (&["eval", "--shots", "1"], "--shots-from"),
        (&["prompts", "--shots-by", "scafold"], "did you mean `scaffold`?"),
    ] {
        let output = chemr(arguments);
        let message = text(&output.stderr);
        assert!(!output.status.success() && message.contains(wanted), "{arguments:?}: {message}");
    }
    std::fs::write(&file, "[tasks.retrosynthesis]\nuser = \"{produkt}\"\n").unwrap();
    let message = text(&chemr(&["prompts", "--prompts", path]).stderr);
    assert!(message.contains("prompts.toml:2: ") && message.contains("did you mean `product`?"), "{message}");
}

/// The doctor's checks by name, and whether all passed.
fn doctor(environment: &[(&str, &str)]) -> (Value, bool) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_chemr"))
        .args(["doctor", "--json"])
        .env_remove("CHEMR_DATA")
        .envs(environment.iter().copied())
        .current_dir(folder.path())
        .output()
        .expect("chemr starts");
    let facts = json_lines(&output).remove(0);
    assert_eq!(facts["passed"] == true, output.status.success(), "{facts}");
    (facts["checks"].clone(), output.status.success())
}

#[test]
fn doctor_passes_here() {
    let (checks, passed) = doctor(&[]);
    assert!(passed && checks.as_array().unwrap().iter().all(|check| check["status"] == "ok"), "{checks}");
}

#[test]
fn doctor_warns() {
    let (checks, passed) = doctor(&[("CHEMR_DATA", "no such folder"), ("CHEMR_THREADS", "x"), ("CHEMR_ISA", "foo")]);
    let checks = checks.as_array().unwrap().iter();
    let warned: Vec<_> = checks.filter(|check| check["status"] == "warning").map(|check| &check["name"]).collect();
    assert!(passed && warned == ["data", "settings", "settings"], "{warned:?}");
}

#[test]
fn settings_that_cannot_be_used_are_warned_about_once() {
    let output = Command::new(env!("CARGO_BIN_EXE_chemr"))
        .args(["mol", "CCO"])
        .env("CHEMR_THREADS", "many")
        .output()
        .expect("chemr starts");
    let message = text(&output.stderr);
    assert!(output.status.success() && message.matches("CHEMR_THREADS").count() == 1, "{message}");
}
