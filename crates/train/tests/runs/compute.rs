//! Runs that compute otherwise than by default.

use super::{NoHook, last_checkpoints, metrics, quietly, tiny};

const WEIGHTS: &str = "model.safetensors";

#[test]
fn recomputing_changes_nothing_and_bf16_is_sampled_as_it_is_trained() {
    let dir = tempfile::tempdir().unwrap();
    let few = ["foundation.steps=6", "grpo.steps=2", "grpo.learning_rate=1e-2"];
    let run = |name: &str, more: &[&str]| {
        let recipe = tiny().with_overrides(&[&few, more].concat()).unwrap();
        let out = dir.path().join(name);
        quietly(&recipe, &out, false, &mut NoHook).unwrap();
        let lines = metrics(&out);
        let first = lines.iter().find(|line| line["phase"] == "grpo" && line["step"] == 1).unwrap();
        assert!(first["updates"].as_f64().unwrap() > 0.0, "no group says anything: the test would be empty");
        (last_checkpoints(&recipe, &out, WEIGHTS), first["first_ratio_error"].as_f64().unwrap())
    };
    let (plain, _) = run("plain", &[]);
    let (recomputed, _) = run("recomputed", &["run.recompute=true"]);
    assert!(plain == recomputed);
    let (rounded, error) = run("rounded", &["run.precision=bf16"]);
    assert!(plain != rounded);
    // Sampled in single precision it would be 2e-3.
    assert!(error < 1e-4, "{error}");
}
