//! Numbers that stop being finite: the run ends with an error and leaves the batch.

use std::fs;
use std::path::{Path, PathBuf};

use chemr_engine::{load_folder, save_folder};
use chemr_train::{NoHook, Recipe, TrainError};
use serde_json::Value;

use super::adapters::{adapted, base};
use super::{quietly, tiny};

/// Runs into the failure; returns the step of the error, its text, and the dump.
fn failed(recipe: &Recipe, out: &Path, resume: bool) -> (u64, String, Value) {
    let error = quietly(recipe, out, resume, &mut NoHook).unwrap_err();
    let message = error.to_string();
    let TrainError::NotFinite { phase, step, dump, .. } = error else { panic!("{message}") };
    assert_eq!(dump, out.join(format!("failures/{phase}-step-{step:06}/batch.json")));
    assert!(message.contains(&dump.display().to_string()), "{message}");
    let content: Value = serde_json::from_slice(&fs::read(&dump).unwrap()).unwrap();
    assert_eq!((content["phase"].as_str(), content["step"].as_u64()), (Some(phase.as_str()), Some(step)));
    assert_eq!(content["seed"], recipe.run.seed);
    (step, message, content)
}

/// Every sequence has its text, and as many targets and weights as tokens.
fn whole_batch(dump: &Value) -> &[Value] {
    let sequences = dump["sequences"].as_array().unwrap();
    assert!(!sequences.is_empty());
    for sequence in sequences {
        let length = |key: &str| sequence[key].as_array().unwrap().len();
        assert!(length("tokens") > 5 && length("targets") == length("tokens") && length("weights") == length("tokens"));
        assert!(sequence["text"].as_str().unwrap().contains("<answer>"), "{sequence}");
        assert_eq!(sequence["task"], "property.polarity_rule");
    }
    sequences
}

fn names(dump: &Value, kind: &str) -> Vec<String> {
    serde_json::from_value(dump["not_finite"][kind].clone()).unwrap()
}

/// A trained model with one value of its first feed-forward replaced.
fn broken_model(dir: &Path, value: f32) -> PathBuf {
    let recipe = tiny().with_overrides(&["foundation.steps=2", "distill.enabled=false", "grpo.enabled=false"]).unwrap();
    let made = quietly(&recipe, &dir.join("made"), false, &mut NoHook).unwrap();
    let (mut model, tokenizer) = load_folder(&made.phases[0].checkpoint).unwrap();
    model.weights.layers[0].down[5] = value;
    let folder = dir.join("broken");
    save_folder(&folder, &model, &tokenizer).unwrap();
    folder
}

#[test]
fn an_absurd_learning_rate_leaves_the_batch() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = tiny().with_overrides(&["foundation.learning_rate=1e30", "run.checkpoint_every=1"]).unwrap();
    let (step, message, dump) = failed(&recipe, dir.path(), false);
    assert!(step > 1 && message.contains("foundation.learning_rate"), "{message}");
    assert_eq!(dump["last_checkpoint"], format!("checkpoints/foundation/step-{:06}", step - 1));
    assert!(dump["learning_rate"].as_f64().unwrap() > 1e28);
    whole_batch(&dump);
    assert!(!names(&dump, "gradients").is_empty());
    // The failure repeats, from the last checkpoint on.
    assert_eq!(failed(&recipe, dir.path(), true).2, dump);
}

#[test]
fn a_broken_weight_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let broken = broken_model(dir.path(), f32::NAN);
    let from = format!("model.from={}", broken.display());
    for (number, more) in [[].as_slice(), &["adapter.rank=2"]].into_iter().enumerate() {
        let recipe = tiny().with_overrides(&[&[from.as_str()], more].concat()).unwrap();
        let (step, message, dump) = failed(&recipe, &dir.path().join(number.to_string()), false);
        assert_eq!((step, &dump["what"], &dump["last_checkpoint"]), (1, &"the loss".into(), &Value::Null));
        assert_eq!(
            (&dump["loss"], names(&dump, "weights")),
            (&Value::Null, vec!["model.layers.0.mlp.down_proj.weight".into()])
        );
        assert!(message.contains("down_proj") && message.contains("another model"), "{message}");
        let logp = whole_batch(&dump)[0]["logp"].as_array().unwrap();
        assert!(logp.last().unwrap().is_null() && logp[0] == 0.0, "the prompt has none: {logp:?}");
        // GRPO has nothing to sample from.
        let changes = ["foundation.enabled=false", "distill.enabled=false"];
        let recipe = recipe.with_overrides(&changes).unwrap();
        let (step, message, dump) = failed(&recipe, &dir.path().join(format!("grpo-{number}")), false);
        assert!(step == 1 && message.contains("sampled from") && message.contains("down_proj"), "{message}");
        let prompts = dump["sequences"].as_array().unwrap();
        assert_eq!(prompts.len(), 6);
        assert!(prompts.iter().all(|prompt| prompt["text"].is_string() && prompt["tokens"].is_array()));
    }
}

/// The second step of an iteration fails: what was sampled is there, with what it was sampled with.
#[test]
fn an_absurd_learning_rate_in_grpo_leaves_the_completions() {
    let dir = tempfile::tempdir().unwrap();
    let base = base(dir.path());
    for rank in ["adapter.rank=0", "adapter.rank=4"] {
        let changes =
            ["foundation.enabled=false", "distill.enabled=false", "grpo.learning_rate=1e30", "grpo.kl=0", rank];
        let recipe = adapted(&base, &[&changes[..], &["grpo.mini_batches=4", "grpo.epochs=2"]].concat());
        let (step, message, dump) = failed(&recipe, &dir.path().join(rank), false);
        assert_eq!((step, &dump["last_checkpoint"]), (1, &Value::Null));
        assert!(message.contains("the objective") || message.contains("the gradient norm"), "{message}");
        assert!(!names(&dump, "gradients").is_empty());
        for sequence in whole_batch(&dump) {
            let sampled = sequence["sampled_logp"].as_array().unwrap();
            assert!(
                sampled.len() == sequence["tokens"].as_array().unwrap().len() && sampled.iter().all(Value::is_number)
            );
            assert!(sequence["reward"].is_number() && sequence["advantage"].is_number(), "{sequence}");
            assert!(sequence["completion"].is_string() && sequence["example"].is_string());
        }
    }
}
