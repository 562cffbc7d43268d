//! Llama 3, Qwen2, Qwen3 and Mistral folders against `transformers` (`fixtures/family_folders.py`): logits, gradients of
//! every parameter, greedy continuations, and what is written back.

#![allow(clippy::unwrap_used)] // helpers of tests

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chemr_engine::hf::{CONFIG_FILE, read_tensors};
use chemr_engine::{
    AdamWConfig, Architecture, Compute, CrossEntropy, Family, Generator, Model, ModelConfig, Operands, PackedBatch,
    RopeScaling, Sampling, Scorer, StopReason, Tokenizer, Trainer, load_folder, load_model, save_folder,
};
use common::{random_batch, relative};
use serde_json::Value;

const FOLDERS: [&str; 8] =
    ["llama3", "llama-linear", "qwen2", "qwen2-window", "qwen3", "qwen3-bf16", "mistral", "mistral-full"];

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// One family's folder and the values that `transformers` gave for it.
struct Case {
    name: &'static str,
    model: Model,
    values: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    expected: Value,
}

impl Case {
    fn all() -> Vec<Self> {
        FOLDERS
            .into_iter()
            .map(|name| {
                let folder = fixtures().join("families").join(name);
                Self {
                    name,
                    model: load_model(&folder).unwrap(),
                    values: read_tensors(&folder.join("expected.safetensors")).unwrap(),
                    expected: json(&folder.join("expected.json")),
                }
            })
            .collect()
    }

    fn value(&self, name: &str) -> &[f32] {
        &self.values[name].1
    }

    fn ids(&self, name: &str) -> Vec<Vec<u32>> {
        serde_json::from_value(self.expected[name].clone()).unwrap()
    }

    fn batch(&self) -> PackedBatch {
        let mut batch = PackedBatch::new();
        let mut weights = self.value("weights");
        for sequence in self.ids("sequences") {
            let (own, rest) = weights.split_at(sequence.len() - 1);
            batch.push(&sequence, own).unwrap();
            weights = rest;
        }
        batch
    }
}

#[test]
fn configurations_are_read() {
    let architecture = |name: &str| load_model(&fixtures().join("families").join(name)).unwrap().architecture;
    let scaled = |rope_scaling| Architecture { rope_scaling, ..Architecture::default() };
    let llama3 = RopeScaling::Llama3 {
        factor: 8.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_position_embeddings: 32,
    };
    assert_eq!(architecture("llama3"), scaled(llama3));
    assert_eq!(architecture("llama-linear"), scaled(RopeScaling::Linear { factor: 4.0 }));
    assert_eq!(architecture("qwen2"), Architecture::plain(Family::Qwen2));
    let windowed = Architecture { sliding_window: Some(9), full_attention_layers: vec![0], ..architecture("qwen2") };
    assert_eq!(architecture("qwen2-window"), windowed);
    assert_eq!(architecture("qwen3"), Architecture::plain(Family::Qwen3));
    let mistral = Architecture::plain(Family::Mistral);
    assert_eq!(architecture("mistral-full"), mistral);
    assert_eq!(architecture("mistral"), Architecture { sliding_window: Some(7), ..mistral });
}

#[test]
fn logits_equal_those_of_transformers() {
    for case in Case::all() {
        let found = Scorer::new(&case.model).logits(&case.batch()).unwrap();
        let expected = case.value("logits");
        assert_eq!(found.len(), expected.len());
        let worst = found.iter().zip(expected).fold(0.0f32, |worst, (a, b)| worst.max((a - b).abs()));
        println!("{}: largest difference of a logit {worst:.1e}", case.name);
        assert!(worst <= 1e-4, "{}: {worst:e}", case.name);
    }
}

/// `transformers` rounds every value to bf16, this engine the operands of products only: it must come at least as close to the
/// exact logits, and the two lie as far apart as their roundings explain.
#[test]
fn bf16_logits_equal_those_of_transformers_within_its_rounding() {
    let theirs = read_tensors(&fixtures().join("bf16_logits.safetensors")).unwrap();
    let compute = Compute { operands: Operands::Bf16, recompute: false };
    for case in Case::all() {
        let found = Scorer::computing(&case.model, compute).logits(&case.batch()).unwrap();
        let (exact, theirs) = (case.value("logits"), &theirs[case.name].1);
        let apart = |a: &[f32], b: &[f32]| {
            let square: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
            (square / a.len() as f64).sqrt()
        };
        let (own, other, between) = (apart(&found, exact), apart(theirs, exact), apart(&found, theirs));
        assert!(own > 0.0 && own < other, "{}: {own:e} from exact, transformers {other:e}", case.name);
        assert!(between < 1.5 * other, "{}: {between:e} apart, rounding {other:e}", case.name);
    }
}

#[test]
fn every_gradient_equals_that_of_transformers() {
    for case in Case::all() {
        let batch = case.batch();
        let mut trainer = Trainer::new(case.model.clone(), AdamWConfig::default());
        let objective = CrossEntropy { denominator: batch.weight_sum() as f32 };
        let stats = trainer.accumulate(&batch, &objective).unwrap();
        let loss = f64::from(case.value("loss")[0]);
        assert!((stats.loss_sum - loss).abs() < 1e-5 * loss, "{}: {} {loss}", case.name, stats.loss_sum);
        let gradients = trainer.gradients().named_tensors(&case.model.config);
        // As many tensors as transformers has parameters, under the same names, none of them zero.
        let expected = case.values.keys().filter(|name| name.starts_with("grad.")).count();
        assert_eq!(gradients.len(), expected, "{}", case.name);
        let mut worst = 0.0f32;
        for gradient in gradients {
            let name = format!("grad.{}", gradient.name);
            let expected = case.value(&name);
            assert!(expected.iter().any(|value| *value != 0.0), "{}: {name}", case.name);
            let difference = relative(gradient.data, expected);
            assert!(difference <= 1e-3, "{}: {name} differs by {difference:e}", case.name);
            worst = worst.max(difference);
        }
        println!("{}: largest relative difference of a gradient {worst:.1e}", case.name);
    }
}

#[test]
fn greedy_tokens_equal_those_of_transformers() {
    for case in Case::all() {
        let prompts = case.ids("prompts");
        let sampling = Sampling::greedy(40, vec![]);
        let seeds = vec![0; prompts.len()];
        let found = Generator::new(&case.model).generate(&prompts, &sampling, &seeds).unwrap();
        for ((prompt, found), expected) in prompts.iter().zip(&found).zip(case.ids("greedy")) {
            assert_eq!(found.stop, StopReason::MaxNewTokens);
            assert_eq!(found.tokens, expected, "{} after {} tokens", case.name, prompt.len());
        }
        // And the trainer gives the same log-probabilities as generation.
        let mut batch = PackedBatch::new();
        for (prompt, found) in prompts.iter().zip(&found) {
            batch.push_completion(prompt, &found.tokens).unwrap();
        }
        let scores = Scorer::new(&case.model).logprobs(&batch).unwrap();
        for (index, (prompt, found)) in prompts.iter().zip(&found).enumerate() {
            let scores = &scores.logp[batch.range(index)][prompt.len() - 1..];
            assert!(scores.iter().zip(&found.logps).all(|(a, b)| (a - b).abs() < 1e-4), "{}", case.name);
        }
    }
}

#[test]
fn packing_changes_nothing() {
    for case in Case::all() {
        let vocab = case.model.config.vocab_size;
        let batch = random_batch(&[30, 3, 61, 18], vocab, 9);
        let together = Scorer::new(&case.model).logits(&batch).unwrap();
        for index in 0..batch.sequences() {
            let range = batch.range(index);
            let mut alone = PackedBatch::new();
            let mut tokens = batch.tokens[range.clone()].to_vec();
            tokens.push(batch.targets[range.end - 1]);
            alone.push(&tokens, &batch.weights[range.clone()]).unwrap();
            let logits = Scorer::new(&case.model).logits(&alone).unwrap();
            let expected = &together[range.start * vocab..range.end * vocab];
            assert!(relative(&logits, expected) < 1e-6, "{}", case.name);
        }
    }
}

/// The tokenizer of the fixtures; the models have fewer ids, so theirs are widened for saving.
fn tokenizer() -> Tokenizer {
    Tokenizer::load(&fixtures().join("tokenizer")).unwrap()
}

/// A random model. A large `gain` spreads the logits, a small one keeps the loss smooth.
fn random_model(architecture: &Architecture, tied: bool, vocab_size: usize, gain: f32) -> Model {
    let config = ModelConfig {
        vocab_size,
        hidden_size: 16,
        intermediate_size: 20,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 6,
        max_position_embeddings: 128,
        rms_norm_eps: 1e-6,
        rope_theta: 10_000.0,
        tie_word_embeddings: tied,
        bos_token_id: Some(1),
        eos_token_id: Some(2),
        more_eos_token_ids: Vec::new(),
        pad_token_id: Some(0),
    };
    let mut model = Model::init_as(config, architecture.clone(), 11).unwrap();
    for (index, tensor) in model.weights.named_tensors_mut(&model.config.clone()).into_iter().enumerate() {
        for (place, value) in tensor.data.iter_mut().enumerate() {
            // Norms and biases start at one value: make every part show in the logits.
            *value = *value * gain + 0.1 * ((index * 7 + place * 3) as f32).sin();
        }
    }
    model
}

#[test]
fn what_is_written_is_read_back() {
    // A folder outside, to load it with `transformers` by hand.
    let kept = std::env::var_os("CHEMR_EXPORT_FAMILIES").map(PathBuf::from);
    let parent = tempfile::tempdir().unwrap();
    let parent = kept.as_deref().unwrap_or(parent.path());
    let tokenizer = tokenizer();
    for name in FOLDERS {
        let architecture = load_model(&fixtures().join("families").join(name)).unwrap().architecture;
        for tied in [false, true] {
            let model = random_model(&architecture, tied, tokenizer.vocab_size(), 3.0);
            let folder = parent.join(format!("{name}-{tied}"));
            save_folder(&folder, &model, &tokenizer).unwrap();
            let (read, _) = load_folder(&folder).unwrap();
            assert_eq!(read, model, "{name}");
            let config = json(&folder.join(CONFIG_FILE));
            assert_eq!(config["model_type"], architecture.family.model_type());
            assert_eq!(config["architectures"][0], architecture.family.class_name());
            if kept.is_some() {
                let tokens: Vec<u32> = (0..50).map(|i| (i * i * 13 + 5) % tokenizer.vocab_size() as u32).collect();
                let mut batch = PackedBatch::new();
                batch.push(&tokens, &[1.0; 49]).unwrap();
                let logits = Scorer::new(&model).logits(&batch).unwrap();
                let expected = serde_json::json!({"tokens": batch.tokens, "logits": logits});
                std::fs::write(folder.join("expected.json"), expected.to_string()).unwrap();
            }
        }
    }
}

#[test]
fn training_moves_every_parameter_and_its_state_is_kept() {
    for name in ["qwen2-window", "qwen3", "mistral"] {
        let start = load_model(&fixtures().join("families").join(name)).unwrap();
        let batch = random_batch(&[40, 25], start.config.vocab_size, 3);
        let objective = CrossEntropy { denominator: batch.weight_sum() as f32 };
        let adamw = AdamWConfig { weight_decay: 0.1, ..AdamWConfig::default() };
        let mut trainer = Trainer::new(start.clone(), adamw);
        let mut losses = Vec::new();
        for _ in 0..12 {
            losses.push(trainer.accumulate(&batch, &objective).unwrap().loss_sum);
            trainer.step(1e-2, Some(1.0));
        }
        assert!(losses[11] < 0.8 * losses[0], "{name}: {losses:?}");
        let after = trainer.model().weights.named_tensors(&start.config);
        for (before, after) in start.weights.named_tensors(&start.config).iter().zip(after) {
            assert!(before.data != after.data, "{name}: {} stayed", before.name);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        trainer.save_state(&path).unwrap();
        let mut other = Trainer::new(trainer.model().clone(), adamw);
        other.load_state(&path).unwrap();
        for trainer in [&mut trainer, &mut other] {
            trainer.accumulate(&batch, &objective).unwrap();
            trainer.step(1e-2, Some(1.0));
        }
        assert_eq!(trainer.model(), other.model(), "{name}");
    }
}

#[test]
fn gradients_match_finite_differences() {
    let windowed = Architecture { sliding_window: Some(5), ..Architecture::plain(Family::Mistral) };
    for architecture in [Architecture::plain(Family::Qwen2), Architecture::plain(Family::Qwen3), windowed] {
        let model = random_model(&architecture, false, 30, 1.2);
        let batch = random_batch(&[21, 9], 30, 4);
        let objective = CrossEntropy { denominator: 1.0 };
        let loss = |model: &Model| -> f64 {
            let logp = Scorer::new(model).logprobs(&batch).unwrap().logp;
            logp.iter().zip(&batch.weights).map(|(logp, weight)| -f64::from(*logp) * f64::from(*weight)).sum()
        };
        let mut trainer = Trainer::new(model.clone(), AdamWConfig::default());
        trainer.accumulate(&batch, &objective).unwrap();
        let gradients = trainer.gradients().named_tensors(&model.config);
        for (tensor, gradient) in gradients.iter().enumerate() {
            let added = ["bias", "q_norm", "k_norm", "k_proj"].iter().any(|part| gradient.name.contains(part));
            for place in (0..gradient.data.len()).step_by(5).filter(|_| added) {
                let step = 1e-2f32;
                let moved = |by: f32| {
                    let mut moved = model.clone();
                    moved.weights.named_tensors_mut(&model.config)[tensor].data[place] += by;
                    loss(&moved)
                };
                let expected = (moved(step) - moved(-step)) / f64::from(2.0 * step);
                let found = f64::from(gradient.data[place]);
                let scale = gradient.data.iter().fold(0.0f32, |a, b| a.max(b.abs()));
                let close = (found - expected).abs() <= 0.02 * f64::from(scale) + 2e-3;
                assert!(close, "{:?} {} {place}: {found} {expected}", architecture.family, gradient.name);
            }
        }
    }
}

/// A copy of a folder with a changed `config.json`.
fn changed(name: &str, change: impl FnOnce(&mut Value)) -> tempfile::TempDir {
    let source = fixtures().join("families").join(name);
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(source.join("model.safetensors"), folder.path().join("model.safetensors")).unwrap();
    let mut config = json(&source.join(CONFIG_FILE));
    change(&mut config);
    std::fs::write(folder.path().join(CONFIG_FILE), config.to_string()).unwrap();
    folder
}

#[test]
fn older_keys_say_the_same() {
    let same = |name: &str, change: fn(&mut Value)| {
        let new = load_model(&fixtures().join("families").join(name)).unwrap();
        assert_eq!(load_model(changed(name, change).path()).unwrap(), new, "{name}");
    };
    let old: fn(&mut Value) = |config| {
        let mut rope = config.as_object_mut().unwrap().remove("rope_parameters").unwrap();
        config["rope_theta"] = rope.as_object_mut().unwrap().remove("rope_theta").unwrap();
        config["rope_scaling"] = if rope["rope_type"] == "default" { Value::Null } else { rope };
    };
    for name in FOLDERS {
        same(name, old);
    }
    same("llama-linear", |config| {
        config["rope_parameters"] = Value::Null;
        config["rope_theta"] = 1000.into();
        config["rope_scaling"] = serde_json::json!({"type": "linear", "factor": 4});
    });
    same("qwen2-window", |config| config["layer_types"] = Value::Null);
    same("qwen2", |config| {
        config.as_object_mut().unwrap().remove("layer_types");
        config["sliding_window"] = 16.into();
    });
    same("qwen3", |config| {
        config.as_object_mut().unwrap().remove("model_type");
    });
}

#[test]
fn all_that_differs_is_listed() {
    let message = |name: &str, change: fn(&mut Value)| {
        load_model(changed(name, change).path()).unwrap_err().to_string().replace('\n', " ")
    };
    let several = message("qwen3", |config| {
        config["hidden_act"] = "gelu".into();
        config["attention_bias"] = true.into();
        config["rope_parameters"]["rope_type"] = "yarn".into();
        config["layer_types"] = serde_json::json!(["chunked_attention", "full_attention"]);
    });
    for word in ["4 setting(s)", "hidden_act", "attention_bias", "yarn", "layer_types"] {
        assert!(several.contains(word), "{word}: {several}");
    }
    let unknown = message("llama3", |config| {
        config["model_type"] = "mixtral".into();
        config["architectures"] = serde_json::json!(["MixtralForCausalLM"]);
    });
    for word in ["mixtral", "MixtralForCausalLM", "llama, mistral, qwen2, qwen3"] {
        assert!(unknown.contains(word), "{word}: {unknown}");
    }
    assert!(
        message("mistral", |config| config["architectures"] = serde_json::json!(["Qwen2ForCausalLM"]))
            .contains("class")
    );
    assert!(message("mistral", |config| config["sliding_window"] = 0.into()).contains("sliding_window"));
    assert!(
        message("qwen2-window", |config| config["layer_types"] = serde_json::json!(["sliding_attention"]))
            .contains("2 layers")
    );
    assert!(
        message("qwen2", |config| config["layer_types"][0] = "sliding_attention".into()).contains("use_sliding_window")
    );
    assert!(message("llama3", |config| config["rope_parameters"]["factor"] = 0.5.into()).contains("at least 1"));
    assert!(
        message("llama3", |config| config["rope_parameters"]["partial_rotary_factor"] = 0.5.into()).contains("in part")
    );
    // Tensors of another family are named, and those that are missing.
    let other = message("qwen2", |config| {
        config["model_type"] = "mistral".into();
        config["architectures"] = Value::Null;
        config["layer_types"] = Value::Null;
    });
    assert!(other.contains("q_proj.bias has no place in a mistral model"), "{other}");
    let missing = message("mistral-full", |config| {
        config["model_type"] = "qwen3".into();
        config["architectures"] = Value::Null;
    });
    assert!(missing.contains("missing") && missing.contains("self_attn.q_norm.weight"), "{missing}");
}
