//! Runs that train an adapter.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use chemr_engine::{Scorer, adapter_base, load_adapter, load_merged_folder, load_model};
use chemr_train::{Manifest, NoHook, PhaseKind, Recipe, RunStatus, Silent, complete_steps, newest_checkpoint};

use super::{disturbed, go, last_checkpoints, metric_steps, metrics, quietly, tiny};

const WEIGHTS: &str = "adapter_model.safetensors";

/// A model that knows the answer grammar, in a folder.
pub fn base(dir: &Path) -> PathBuf {
    let recipe = tiny().with_overrides(&["grpo.enabled=false", "run.keep_checkpoints=0"]).unwrap();
    quietly(&recipe, &dir.join("base"), false, &mut NoHook).unwrap().phases[1].checkpoint.clone()
}

/// All phases on an adapter of `base`.
pub fn adapted(base: &Path, more: &[&str]) -> Recipe {
    let from = format!("model.from={}", base.display());
    let changes = ["adapter.rank=4", "foundation.steps=6", "distill.steps=24", "grpo.steps=4", from.as_str()];
    tiny().with_overrides(&[&changes, more].concat()).unwrap()
}

#[test]
fn a_disturbed_adapter_resumes_to_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let base = base(dir.path());
    let before = fs::read(base.join("model.safetensors")).unwrap();
    let recipe = adapted(&base, &["adapter.dropout=0.1", "adapter.targets=q_proj,v_proj,down_proj", "grpo.epochs=2"]);
    let whole = dir.path().join("whole");
    assert_eq!(go(&recipe, &whole, false, &Silent, &AtomicBool::new(false)), RunStatus::Finished);
    let expected = last_checkpoints(&recipe, &whole, WEIGHTS);
    assert!(expected[0] != expected[1] && expected[1] != expected[2], "a phase trained nothing");
    let lines = metric_steps(&whole);

    let broken = dir.path().join("broken");
    let at = [
        ("foundation", 3, false),
        ("distill", 5, true),
        ("distill", 7, false),
        ("distill", 21, true),
        ("grpo", 1, false),
        ("grpo", 3, true),
    ];
    disturbed(&recipe, &broken, &at, WEIGHTS);
    assert!(last_checkpoints(&recipe, &broken, WEIGHTS) == expected, "the resumed adapter differs");
    let state = "state/optimizer.safetensors";
    assert!(last_checkpoints(&recipe, &broken, state) == last_checkpoints(&recipe, &whole, state));
    assert_eq!(metric_steps(&broken), lines);

    // What is dropped matters, and is the seed's choice.
    let other = recipe.with_overrides(&["adapter.dropout=0", "distill.enabled=false", "grpo.enabled=false"]).unwrap();
    let plain = dir.path().join("plain");
    quietly(&other, &plain, false, &mut NoHook).unwrap();
    assert!(fs::read(plain.join("checkpoints/foundation/step-000006").join(WEIGHTS)).unwrap() != expected[0]);

    // The checkpoints are adapters, the base is neither changed nor copied, and the run says what it trained.
    assert_eq!(fs::read(base.join("model.safetensors")).unwrap(), before);
    assert_eq!(complete_steps(&whole.join("checkpoints/distill")), [20, 24]);
    let (phase, last) = newest_checkpoint(&whole).unwrap();
    let mut files: Vec<String> =
        fs::read_dir(&last).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let wanted =
        ["adapter_config.json", WEIGHTS, "chat_template.jinja", "state", "tokenizer.json", "tokenizer_config.json"];
    assert_eq!((phase, files), (PhaseKind::Grpo, wanted.map(String::from).to_vec()));
    assert_eq!(adapter_base(&last).unwrap().unwrap(), base.display().to_string());
    let model = load_model(&base).unwrap();
    let trained = load_adapter(&last, &model.config).unwrap().parameter_count();
    let manifest: Manifest = serde_json::from_slice(&fs::read(whole.join("manifest.json")).unwrap()).unwrap();
    assert_eq!((manifest.trained_parameters, manifest.parameters), (trained, model.parameter_count()));
    assert_eq!(manifest.adapter, Some(recipe.adapter.clone()));
    assert_eq!(manifest.tasks, ["property.polarity_rule"]);
}

/// The policy is sampled merged, and its reference is the model that the phase began with, not the base.
#[test]
fn grpo_starts_from_what_the_phase_before_trained() {
    let dir = tempfile::tempdir().unwrap();
    let base = base(dir.path());
    let changes = ["foundation.enabled=false", "grpo.steps=2", "grpo.mini_batches=1", "grpo.learning_rate=1e-2"];
    let out = dir.path().join("run");
    quietly(&adapted(&base, &changes), &out, false, &mut NoHook).unwrap();
    let lines = metrics(&out);
    let number = |step: u64, key: &str| {
        let line = lines.iter().find(|line| line["phase"] == "grpo" && line["step"] == step).unwrap();
        line[key].as_f64().unwrap()
    };
    assert_eq!(number(1, "updates"), 1.0, "no group says anything: the test would be empty");
    assert!(number(1, "first_ratio_error") < 1e-4, "sampled from another model");
    assert!(number(1, "kl").abs() < 1e-8, "compared with another model: {}", number(1, "kl"));
    assert!(number(2, "kl") > 1e-6, "the reference must not move");
    // Against the base it would have shown.
    let step = out.join("checkpoints/distill/step-000024");
    let (merged, tokenizer) = load_merged_folder(&base, &step).unwrap();
    let mut batch = chemr_engine::PackedBatch::new();
    let tokens = tokenizer.encode("Which of the two has the higher boiling point?");
    batch.push(&tokens, &vec![1.0; tokens.len() - 1]).unwrap();
    let base = load_model(&base).unwrap();
    let [one, other] = [&merged, &base].map(|model| Scorer::new(model).logprobs(&batch).unwrap().logp);
    assert!(one.iter().zip(&other).any(|(one, other)| (one - other).abs() > 1e-2));
}

/// On a base in bf16 or int8, and with operands in bf16, the policy is sampled as it is trained, and a disturbed run resumes to
/// the same bytes.
#[test]
fn a_packed_base_learns_and_resumes() {
    let dir = tempfile::tempdir().unwrap();
    let base = base(dir.path());
    for (name, held) in
        [("bf16", "adapter.base=bf16"), ("int8", "adapter.base=int8"), ("operands", "run.precision=bf16")]
    {
        let more = ["grpo.mini_batches=1", "grpo.learning_rate=1e-2", "run.recompute=true"];
        let changes = [&[held][..], &more].concat();
        let recipe = adapted(&base, &changes);
        let whole = dir.path().join(name);
        quietly(&recipe, &whole, false, &mut NoHook).unwrap();
        let lines = metrics(&whole);
        let first = lines.iter().find(|line| line["phase"] == "grpo" && line["step"] == 1).unwrap();
        assert!(first["first_ratio_error"].as_f64().unwrap() < 1e-4, "{held}: sampled from another model");
        assert!(first["kl"].as_f64().unwrap().abs() < 1e-8, "{held}: compared with another model");
        let broken = dir.path().join(format!("{name}-broken"));
        disturbed(&recipe, &broken, &[("distill", 7, false), ("grpo", 1, false)], WEIGHTS);
        assert!(last_checkpoints(&recipe, &broken, WEIGHTS) == last_checkpoints(&recipe, &whole, WEIGHTS), "{held}");
    }
}

#[test]
fn an_adapter_needs_a_whole_model_to_start_from() {
    let dir = tempfile::tempdir().unwrap();
    let alone = tiny().with_overrides(&["adapter.rank=4"]).unwrap();
    let out = dir.path().join("out");
    let said = |recipe: &Recipe| quietly(recipe, &out, false, &mut NoHook).unwrap_err().to_string();
    assert!(said(&alone).contains("model.from=FOLDER"), "{}", said(&alone));
    assert!(!out.exists(), "nothing is begun");
    let base = base(dir.path());
    let short = ["foundation.steps=2", "distill.enabled=false", "grpo.enabled=false"];
    let first = quietly(&adapted(&base, &short), &dir.path().join("first"), false, &mut NoHook).unwrap();
    assert!(first.trained < first.parameters / 4);
    let adapter = adapted(&first.phases[0].checkpoint, &short);
    assert!(said(&adapter).contains("is an adapter") && said(&adapter).contains("chemr merge"), "{}", said(&adapter));
    let run = adapted(&dir.path().join("base"), &short);
    assert!(said(&run).contains("checkpoints/distill/step-000110"), "{}", said(&run));
}
