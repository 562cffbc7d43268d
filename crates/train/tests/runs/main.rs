//! Whole runs of a tiny recipe: interruption, kill, resume, and the same bytes.

#![allow(clippy::unwrap_used)]

mod adapters;
mod compute;
mod failures;
mod prepared;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use chemr_train::{
    Manifest, NoHook, PhaseHook, PhaseKind, PhaseOutcome, Progress, Recipe, Run, RunOutcome, RunStatus, Silent, Source,
    TrainError, Update, check_start, complete_steps, newest_checkpoint, prompts_of, recipe_of,
};

/// Enough steps to learn the answer grammar of one easy task, so that GRPO has something to tell apart.
fn tiny() -> Recipe {
    let text = r#"
        [run]
        name = "tiny"
        checkpoint_every = 20
        log_every = 5
        [model]
        hidden_size = 48
        intermediate_size = 96
        layers = 2
        heads = 3
        key_value_heads = 1
        head_size = 16
        max_positions = 192
        [tokenizer]
        vocab_size = 420
        texts_per_task = 120
        [data]
        tasks = ["property.polarity_rule"]
        block_steps = 7
        [foundation]
        steps = 25
        batch_tokens = 512
        max_tokens = 180
        learning_rate = 6e-3
        warmup_steps = 5
        [distill]
        steps = 110
        batch_tokens = 1536
        max_tokens = 180
        learning_rate = 1e-2
        warmup_steps = 10
        [grpo]
        steps = 5
        prompts_per_task = 6
        group_size = 4
        max_new_tokens = 120
        kl = 0.01
        samples_every = 2
    "#;
    Recipe::parse(text, "tiny.toml").unwrap()
}

/// Raises the stop flag, or panics (a kill as seen by the files), once a step of a phase is done.
struct At<'a> {
    phase: &'a str,
    step: u64,
    stop: Option<&'a AtomicBool>,
}

impl Progress for At<'_> {
    fn update(&self, update: &Update<'_>) {
        if update.phase == self.phase && update.step == self.step {
            match self.stop {
                Some(stop) => stop.store(true, Ordering::Relaxed),
                None => panic!("killed in {} at step {}", self.phase, self.step),
            }
        }
    }
    fn message(&self, _: &str) {}
    fn finish(&self, _: &str) {}
}

#[derive(Default)]
struct Counting {
    calls: Vec<&'static str>,
    fail_in: Option<PhaseKind>,
}

impl PhaseHook for Counting {
    fn after_phase(&mut self, outcome: &PhaseOutcome) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        assert!(outcome.checkpoint.join("model.safetensors").is_file());
        assert!(outcome.tokens > 0);
        self.calls.push(outcome.name);
        if self.fail_in == Some(outcome.phase) { Err("no room for the report".into()) } else { Ok(()) }
    }
}

fn go(recipe: &Recipe, out: &Path, resume: bool, progress: &dyn Progress, stop: &AtomicBool) -> RunStatus {
    let source = Source::open(recipe).unwrap();
    Run { recipe, source: &source, out, resume, stop, progress }.start(&mut NoHook).unwrap().status
}

/// A run that nobody stops.
fn quietly(recipe: &Recipe, out: &Path, resume: bool, hook: &mut dyn PhaseHook) -> Result<RunOutcome, TrainError> {
    let source = Source::open(recipe)?;
    Run { recipe, source: &source, out, resume, stop: &AtomicBool::new(false), progress: &Silent }.start(hook)
}

/// Bytes of `file` in the last checkpoint of every phase of [`tiny`] and its kind.
fn last_checkpoints(recipe: &Recipe, run: &Path, file: &str) -> Vec<Vec<u8>> {
    let steps = [recipe.foundation.steps, recipe.distill.steps, recipe.grpo.steps];
    let folders = PhaseKind::ALL.into_iter().zip(steps);
    folders
        .map(|(phase, step)| fs::read(run.join(format!("checkpoints/{phase}/step-{step:06}")).join(file)).unwrap())
        .collect()
}

/// Metrics of a run, line by line.
fn metrics(run: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn metric_steps(run: &Path) -> Vec<(String, u64)> {
    let place = |line: serde_json::Value| (line["phase"].as_str().unwrap().to_owned(), line["step"].as_u64().unwrap());
    metrics(run).into_iter().map(place).collect()
}

/// Runs a recipe that is disturbed at steps of phases, by turns killed and stopped, and after each what a kill may leave behind
/// in the folder; then to its end.
fn disturbed(recipe: &Recipe, out: &Path, at: &[(&str, u64, bool)], file: &str) {
    for (number, (phase, step, kill)) in at.iter().copied().enumerate() {
        let stop = AtomicBool::new(false);
        let progress = At { phase, step, stop: (!kill).then_some(&stop) };
        let outcome = catch_unwind(AssertUnwindSafe(|| go(recipe, out, number > 0, &progress, &stop)));
        match outcome {
            Ok(status) => assert!(!kill && status == RunStatus::Stopped, "{phase} {step}"),
            Err(_) => assert!(kill, "{phase} {step}"),
        }
        // What a kill in the middle of a save leaves, and a folder that merely looks like a checkpoint.
        let partial = out.join("checkpoints").join(phase).join(".step-000099.partial");
        fs::create_dir_all(partial.join("state")).unwrap();
        fs::write(partial.join(file), b"half").unwrap();
        let empty = out.join("checkpoints").join(phase).join("step-000098");
        fs::create_dir_all(&empty).unwrap();
        fs::write(empty.join(file), b"half").unwrap();
        // A line that a kill cut short.
        let mut text = fs::read_to_string(out.join("metrics.jsonl")).unwrap_or_default();
        text.push_str("{\"phase\":\"gr");
        fs::write(out.join("metrics.jsonl"), text).unwrap();
    }
    assert_eq!(go(recipe, out, true, &Silent, &AtomicBool::new(false)), RunStatus::Finished);
}

#[test]
fn stopped_and_killed_runs_resume_to_the_same_bytes() {
    let recipe = tiny();
    let dir = tempfile::tempdir().unwrap();
    let never = AtomicBool::new(false);

    // The run that nothing disturbs.
    let whole = dir.path().join("whole");
    assert_eq!(go(&recipe, &whole, false, &Silent, &never), RunStatus::Finished);
    let expected = last_checkpoints(&recipe, &whole, "model.safetensors");
    assert_ne!(expected[1], expected[2], "GRPO changed nothing: the resume test would be empty");
    let lines = metric_steps(&whole);
    assert_eq!(lines.iter().filter(|(phase, _)| phase == "distill").count(), 22);
    assert_eq!(lines.iter().filter(|(phase, _)| phase == "grpo").count(), 5);
    assert!(whole.join("samples/grpo/step-000002.jsonl").is_file());
    assert!(whole.join("manifest.json").is_file());
    let kept = complete_steps(&whole.join("checkpoints/distill"));
    assert_eq!(kept, [80, 100, 110], "the last step and two intermediate checkpoints stay");
    assert_eq!(newest_checkpoint(&whole).unwrap().0, PhaseKind::Grpo);

    // The run that is disturbed in every phase.
    let broken = dir.path().join("broken");
    let at = [
        ("foundation", 23, true),
        ("foundation", 24, false),
        ("distill", 33, false),
        ("distill", 47, true),
        ("grpo", 2, false),
        ("grpo", 4, true),
    ];
    disturbed(&recipe, &broken, &at, "model.safetensors");
    let resumed = last_checkpoints(&recipe, &broken, "model.safetensors");
    assert!(resumed == expected, "a resumed run must give the bytes of the undisturbed one");
    assert!(!broken.join("checkpoints/distill/.step-000099.partial").exists());
    assert_eq!(metric_steps(&broken), lines, "an interruption must neither lose nor double a metrics line");

    // A finished run resumes to nothing; another recipe is refused; a new run does not overwrite.
    assert_eq!(go(&recipe, &broken, true, &Silent, &never), RunStatus::Finished);
    let other = recipe.with_overrides(&["distill.learning_rate=0.001"]).unwrap();
    let error = quietly(&other, &broken, true, &mut NoHook).unwrap_err().to_string();
    assert!(error.contains("distill.learning_rate"), "{error}");
    assert!(matches!(quietly(&recipe, &broken, false, &mut NoHook), Err(TrainError::Folder { .. })));
}

#[test]
fn a_recipe_that_fails_can_be_put_right_in_the_same_folder() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = tiny().with_overrides(&["foundation.steps=2", "distill.enabled=false", "grpo.enabled=false"]).unwrap();
    let wrong = recipe.with_overrides(&["tokenizer.vocab_size=10"]).unwrap();
    assert!(quietly(&wrong, dir.path(), false, &mut NoHook).is_err());
    let kept = recipe.with_overrides(&["run.keep_checkpoints=0"]).unwrap();
    assert_eq!(quietly(&kept, dir.path(), false, &mut NoHook).unwrap().status, RunStatus::Finished);
}

#[test]
fn a_stopped_run_keeps_its_only_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = tiny().with_overrides(&["run.keep_checkpoints=0", "distill.enabled=false"]).unwrap();
    let stop = AtomicBool::new(false);
    let progress = At { phase: "foundation", step: 3, stop: Some(&stop) };
    assert_eq!(go(&recipe, dir.path(), false, &progress, &stop), RunStatus::Stopped);
    assert_eq!(complete_steps(&dir.path().join("checkpoints/foundation")), [3]);
}

#[test]
fn over_long_prompts_are_replaced() {
    let dir = tempfile::tempdir().unwrap();
    // Prompts of this task have 26 to 33 tokens.
    let run = |positions: usize| {
        let limit = format!("model.max_positions={positions}");
        let changes = [
            limit.as_str(),
            "foundation.enabled=false",
            "distill.enabled=false",
            "grpo.steps=1",
            "grpo.max_new_tokens=8",
        ];
        let out = dir.path().join(positions.to_string());
        let outcome = quietly(&tiny().with_overrides(&changes).unwrap(), &out, false, &mut NoHook);
        outcome.map(|_| fs::read_to_string(out.join("metrics.jsonl")).unwrap())
    };
    assert!(run(30).unwrap().contains("over_long_prompts"));
    assert!(!run(40).unwrap().contains("over_long_prompts"));
    let message = run(20).unwrap_err().to_string();
    assert!(message.contains("no room to answer"), "{message}");
}

#[test]
fn one_phase_alone_and_hooks_that_fail() {
    let recipe = tiny().with_overrides(&["foundation.steps=4", "distill.steps=3", "grpo.steps=1"]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let foundation = recipe.clone().only(PhaseKind::Foundation, None);
    let first = dir.path().join("first");
    let mut hook = Counting { fail_in: Some(PhaseKind::Foundation), ..Counting::default() };
    let failed = quietly(&foundation, &first, false, &mut hook);
    assert!(matches!(failed, Err(TrainError::Hook { .. })));
    // The phase is not trained again, the hook is called again, and a third resume calls nothing.
    for expected in [1, 0] {
        let mut hook = Counting::default();
        let done = quietly(&foundation, &first, true, &mut hook).unwrap();
        assert_eq!((done.status, hook.calls.len()), (RunStatus::Finished, expected));
    }
    let from: PathBuf = first.join("checkpoints/foundation/step-000004");
    let second = dir.path().join("second");
    let mut hook = Counting::default();
    let done = quietly(&recipe.only(PhaseKind::Distill, Some(&from)), &second, false, &mut hook).unwrap();
    assert_eq!(hook.calls, ["distill"]);
    assert_eq!(done.phases[0].checkpoint, second.join("checkpoints/distill/step-000003"));
    // The tokenizer is that of the model started from.
    let tokenizer = |dir: &Path| fs::read(dir.join("tokenizer.json")).unwrap();
    assert_eq!(tokenizer(&from), tokenizer(&done.phases[0].checkpoint));
    let manifest = fs::read_to_string(second.join("manifest.json")).unwrap();
    assert!(manifest.contains("start_model_sha256"));
}

/// The words of the questions are part of what a run is: kept in its folder, and not to be changed under way.
#[test]
fn a_run_keeps_its_prompts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    fs::write(&file, "[tasks.\"property.polarity_rule\"]\nline = \"Polar? Yes or No.\"\n").unwrap();
    let out = folder.path().join("run");
    let steps = ["distill.enabled=false", "grpo.enabled=false", "foundation.steps=2"];
    let plain = tiny().with_overrides(&steps).unwrap();
    let mine = plain.with_overrides(&[format!("prompts.file={}", file.display())]).unwrap();
    quietly(&mine, &out, false, &mut NoHook).unwrap();
    let manifest =
        |run: &Path| -> Manifest { serde_json::from_slice(&fs::read(run.join("manifest.json")).unwrap()).unwrap() };
    let stored = prompts_of(&out).unwrap().unwrap();
    assert_eq!(manifest(&out).prompts_sha256, stored.sha256());
    assert_eq!(stored, mine.load_prompts().unwrap());
    // Other words, other tokens, other weights.
    let other = folder.path().join("other");
    quietly(&plain, &other, false, &mut NoHook).unwrap();
    assert_ne!(manifest(&other).prompts_sha256, stored.sha256());
    let weights = "checkpoints/foundation/step-000002/model.safetensors";
    assert_ne!(fs::read(out.join(weights)).unwrap(), fs::read(other.join(weights)).unwrap());
    // The file is gone; the run can be repeated and resumed from its folder alone, and not with other prompts.
    fs::remove_file(&file).unwrap();
    let again = recipe_of(&out).unwrap();
    let copy = folder.path().join("copy");
    quietly(&again, &copy, false, &mut NoHook).unwrap();
    assert_eq!(fs::read(out.join(weights)).unwrap(), fs::read(copy.join(weights)).unwrap());
    quietly(&again, &out, true, &mut NoHook).unwrap();
    for message in [
        quietly(&plain, &out, true, &mut NoHook).unwrap_err().to_string(),
        check_start(&plain, &out, true).unwrap_err().to_string(),
    ] {
        assert!(message.contains("was made with other prompts") && message.contains("prompts.file="), "{message}");
    }
    let missing = check_start(&mine, &out, true).unwrap_err().to_string();
    assert!(missing.contains("prompts.file: cannot read the prompts"), "{missing}");
    assert!(Source::open(&mine).is_err());
    let base = tiny().with_overrides(&["model.from=/nowhere"]).unwrap();
    let message = check_start(&base, &out.with_file_name("new"), false).unwrap_err().to_string();
    assert!(message.contains("/nowhere"), "{message}");
}
