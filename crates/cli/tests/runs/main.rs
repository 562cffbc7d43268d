//! Whole runs of a tiny recipe: the folder they leave, same seed same bytes, kill and resume.

#![allow(clippy::unwrap_used)]

mod adapters;
mod prepared;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Small enough to run in seconds, with a checkpoint after every step so that a kill lands between two.
const RECIPE: &str = r#"
[run]
name = "tiny"
checkpoint_every = 1
log_every = 1
[model]
hidden_size = 32
intermediate_size = 64
layers = 1
heads = 2
key_value_heads = 1
head_size = 16
[tokenizer]
vocab_size = 400
texts_per_task = 20
[data]
block_steps = 2
[foundation]
steps = 8
batch_tokens = 512
[distill]
steps = 8
batch_tokens = 512
[grpo]
steps = 6
prompts_per_task = 1
group_size = 2
max_new_tokens = 24
[eval]
examples_per_task = 2
max_new_tokens = 24
samples_per_task = 1
"#;

const PHASES: [&str; 3] = ["foundation", "distill", "grpo"];

fn start(recipe: &Path, out: &Path, more: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_chemr"))
        .arg("run")
        .arg(recipe)
        .arg("--out")
        .arg(out)
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("chemr starts")
}

fn chemr(arguments: &[&str], more: &[&str]) -> String {
    let command = Command::new(env!("CARGO_BIN_EXE_chemr"))
        .args(arguments)
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    finish(command.expect("chemr starts"))
}

fn finish(child: Child) -> String {
    let output = child.wait_with_output().expect("chemr ends");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{message}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn chemr_in(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chemr")).args(arguments).current_dir(folder).output().expect("chemr starts")
}

fn works(folder: &Path, arguments: &[&str]) -> String {
    let output = chemr_in(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = chemr_in(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!message.contains("panicked"), "{message}");
    message
}

fn weights(out: &Path, phase: &str) -> Vec<u8> {
    let mut steps: Vec<PathBuf> =
        std::fs::read_dir(out.join("checkpoints").join(phase)).unwrap().map(|entry| entry.unwrap().path()).collect();
    steps.sort();
    std::fs::read(steps.pop().unwrap().join("model.safetensors")).unwrap()
}

fn recipe_in(folder: &Path) -> PathBuf {
    let recipe = folder.join("tiny.toml");
    std::fs::write(&recipe, RECIPE).unwrap();
    recipe
}

#[test]
fn a_run_leaves_a_complete_folder_and_repeats_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe_in(folder.path());
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let said = finish(start(&recipe, &first, &[]));
    let next = said.lines().find(|line| line.starts_with("next: ")).unwrap();
    assert!(said.contains("report") && next.contains(&format!("{} ask --task", env!("CARGO_BIN_EXE_chemr"))), "{said}");
    finish(start(&recipe, &second, &["--set", "run.threads=1"]));
    for phase in PHASES {
        assert!(weights(&first, phase) == weights(&second, phase), "{phase}: two runs with the same seed differ");
    }
    let summary: Value = serde_json::from_slice(&std::fs::read(first.join("summary.json")).unwrap()).unwrap();
    let names: Vec<&str> =
        summary["phases"].as_array().unwrap().iter().filter_map(|phase| phase["name"].as_str()).collect();
    assert_eq!(names, PHASES);
    for phase in summary["phases"].as_array().unwrap() {
        assert_eq!(phase["tasks"].as_object().unwrap().len(), 6);
        for score in phase["tasks"].as_object().unwrap().values() {
            for key in ["accuracy", "low", "high", "n", "baseline", "valid", "format"] {
                assert!(score[key].is_number(), "{key}: {score}");
            }
        }
        for key in ["mean", "worst", "seconds", "tokens"] {
            assert!(phase[key].is_number(), "{key}");
        }
        assert!(phase["claims"]["checked"].is_number() && phase["claims"]["false"].is_number());
    }
    assert!(summary["model"]["parameters"].is_number() && summary["seed"] == 1 && summary["peak_rss_mb"].is_number());
    let report = std::fs::read_to_string(first.join("report.html")).unwrap();
    assert!(!report.contains("src=\"http") && !report.contains("href=\"http"), "the report must be self-contained");
    for file in ["config.toml", "prompts.toml", "manifest.json", "metrics.jsonl"] {
        assert!(first.join(file).is_file(), "{file}");
    }
    for precision in ["fp32", "bf16", "int8"] {
        let (model, recipe) = (first.to_str().unwrap(), recipe.to_str().unwrap());
        let of = ["--model", model, "--precision", precision, "--json"];
        let asked: Value = serde_json::from_str(&chemr(&["ask", "What is the formula of CCO?"], &of)).unwrap();
        assert!(asked["completion"].is_string() && asked["checked"].is_number(), "{asked}");
        assert_eq!(asked["trained_for"].as_array().unwrap().len(), 6);
        let scored: Value = serde_json::from_str(&chemr(&["eval", "--recipe", recipe], &of)).unwrap();
        assert!(scored["phases"][0]["mean"].is_number() && scored["model"] == summary["model"], "{scored}");
    }
    // Examples before each question; a model without room for them leaves questions unasked, which is no failure.
    let pool = folder.path().join("pool.csv");
    let lines: String = (1..9).map(|length| format!("{},C{length}H{}\n", "C".repeat(length), 2 * length + 2)).collect();
    std::fs::write(&pool, format!("smiles,reference\n{lines}")).unwrap();
    let shots = ["--shots", "8", "--shots-from", pool.to_str().unwrap(), "--shots-by", "similar", "--json"];
    let of = ["--model", first.to_str().unwrap(), "--set", "data.tasks=name.smiles_to_formula"];
    let scored: Value = serde_json::from_str(&chemr(&[&["eval"], &of[..]].concat(), &shots)).unwrap();
    let asked = &scored["phases"][0]["asked"];
    assert_eq!((&asked["shots"]["count"], &asked["shots"]["by"]), (&8.into(), &"similar".into()), "{scored}");
    assert_eq!(asked["prompts_sha256"], summary["phases"][0]["asked"]["prompts_sha256"]);
    let refused = start(&recipe, &first, &[]).wait_with_output().unwrap();
    assert!(!refused.status.success(), "a run folder must not be overwritten");
    let model = ["--model", first.to_str().unwrap()];
    let told = |question: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_chemr")).arg("ask").args(question).args(model).output().unwrap();
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let other = told(&["CCO", "--task", "property.bbbp"]);
    assert!(other.contains("did not train for property.bbbp"), "{other}");
    let free = told(&["Why is the sky blue?"]);
    assert!(free.trim_end().lines().last().unwrap().starts_with("nothing of this answer was checked"), "{free}");
    let long = told(&[&"CCO ".repeat(2000), "--plain"]);
    assert!(long.contains("ask something shorter"), "{long}");
}

/// Name of the newest complete checkpoint of a phase.
fn newest(out: &Path, phase: &str) -> Option<String> {
    let entries = std::fs::read_dir(out.join("checkpoints").join(phase)).ok()?;
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("step-"))
        .max()
}

/// Interrupts a run as soon as it has added a checkpoint to those of `phase`, by SIGKILL or, if `politely`, by Ctrl-C.
/// Older checkpoints do not count: a run that has just been resumed may not yet listen for Ctrl-C.
fn stop_in(recipe: &Path, out: &Path, phase: &str, politely: bool, more: &[&str]) {
    let before = newest(out, phase);
    let mut child = start(recipe, out, more);
    let started = Instant::now();
    loop {
        if newest(out, phase) > before || child.try_wait().unwrap().is_some() {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(120), "{phase} never began");
        std::thread::sleep(Duration::from_millis(2));
    }
    if politely {
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let code = child.wait().unwrap().code();
        // The run may have ended before the signal came.
        assert!(code == Some(130) || code == Some(0) || !sent.success(), "{code:?}");
    } else {
        // SIGKILL on Unix: no chance to save anything.
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn a_run_killed_in_every_phase_resumes_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe_in(folder.path());
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    finish(start(&recipe, &whole, &[]));
    stop_in(&recipe, &killed, "foundation", false, &[]);
    stop_in(&recipe, &killed, "foundation", true, &["--resume"]);
    stop_in(&recipe, &killed, "distill", false, &["--resume"]);
    stop_in(&recipe, &killed, "grpo", false, &["--resume"]);
    let changed = start(&recipe, &killed, &["--resume", "--set", "run.seed=2"]).wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&changed.stderr).into_owned();
    assert!(message.contains("run.seed") && !message.contains("preparing"), "known before any work: {message}");
    finish(start(&recipe, &killed, &["--resume"]));
    for phase in PHASES {
        assert!(weights(&whole, phase) == weights(&killed, phase), "{phase}: the resumed run differs");
    }
    let metrics = std::fs::read_to_string(killed.join("metrics.jsonl")).unwrap();
    let mut seen: Vec<(String, u64)> = metrics
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|line| Some((line["phase"].as_str()?.to_owned(), line["step"].as_u64()?)))
        .collect();
    let lines = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), lines, "a resumed run must not double metrics lines");
}
