//! LoRA adapters against `peft` (`fixtures/peft_adapters.py`): logits, gradients, AdamW steps, folders both ways; and what
//! must hold for any adapter.

#![allow(clippy::unwrap_used)] // helpers of tests

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chemr_engine::hf::{ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE, read_tensors};
use chemr_engine::{
    AdamWConfig, Adapters, CrossEntropy, Generator, InferenceModel, LoraConfig, LoraTarget, LoraTrainer, Model,
    ModelConfig, PackedBatch, Precision, Sampling, Scorer, Tokenizer, TokenizerTraining, adapter_base, load_adapter,
    load_merged_folder, load_merged_inference_folder, load_model, save_adapter, save_adapter_with, save_folder,
    set_threads,
};
use common::{random_batch, relative};
use serde_json::Value;

type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn base(name: &str) -> Model {
    load_model(&fixtures().join("families").join(name)).unwrap()
}

/// An adapter folder of `peft` and what it computes.
struct Case {
    folder: PathBuf,
    model: Model,
    adapters: Adapters,
    values: Tensors,
    expected: Value,
}

impl Case {
    fn all() -> Vec<Self> {
        ["llama3-all", "qwen2-some"].into_iter().map(Self::read).collect()
    }

    fn read(name: &str) -> Self {
        let folder = fixtures().join("adapters").join(name);
        let expected: Value = serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
        let model = base(expected["base"].as_str().unwrap());
        let adapters = load_adapter(&folder, &model.config).unwrap();
        let values = read_tensors(&folder.join("expected.safetensors")).unwrap();
        Self { folder, model, adapters, values, expected }
    }

    fn batch(&self) -> PackedBatch {
        let sequences: Vec<Vec<u32>> = serde_json::from_value(self.expected["sequences"].clone()).unwrap();
        let mut weights = self.values["weights"].1.as_slice();
        let mut batch = PackedBatch::new();
        for sequence in sequences {
            let (own, rest) = weights.split_at(sequence.len() - 1);
            batch.push(&sequence, own).unwrap();
            weights = rest;
        }
        batch
    }

    fn trainer(&self) -> LoraTrainer {
        let decay = self.expected["decay"].as_f64().unwrap() as f32;
        let config = AdamWConfig { weight_decay: decay, ..AdamWConfig::default() };
        LoraTrainer::new(self.model.clone(), self.adapters.clone(), config, 1).unwrap()
    }

    /// Compares adapters with the reference values whose names begin with `prefix`; returns the largest difference.
    fn compare(&self, found: &Adapters, prefix: &str) -> f32 {
        let mut worst = 0.0f32;
        let mut seen = 0;
        for pair in found.pairs() {
            for (side, values) in [("A", &pair.a), ("B", &pair.b)] {
                let ending = format!("layers.{}.", pair.layer);
                let module = format!(".{}.lora_{side}.weight", pair.target);
                let named =
                    |name: &&String| name.starts_with(prefix) && name.contains(&ending) && name.ends_with(&module);
                let name = self.values.keys().find(named).unwrap_or_else(|| panic!("{ending} {module}"));
                let expected = &self.values[name].1;
                assert!(expected.iter().any(|value| *value != 0.0), "{name}");
                worst = worst.max(relative(values, expected));
                seen += 1;
            }
        }
        assert_eq!(seen, self.values.keys().filter(|name| name.starts_with(prefix)).count());
        worst
    }
}

#[test]
fn merged_models_give_the_logits_of_peft() {
    for case in Case::all() {
        let mut merged = case.model.clone();
        case.adapters.merge_into(&mut merged).unwrap();
        let found = Scorer::new(&merged).logits(&case.batch()).unwrap();
        let expected = &case.values["logits"].1;
        let worst = found.iter().zip(expected).fold(0.0f32, |worst, (a, b)| worst.max((a - b).abs()));
        println!("{}: largest difference of a logit {worst:.1e}", case.folder.display());
        assert!(worst <= 1e-4, "{worst:e}");
    }
}

#[test]
fn every_gradient_equals_that_of_peft() {
    for case in Case::all() {
        let batch = case.batch();
        let mut trainer = case.trainer();
        let objective = CrossEntropy { denominator: batch.weight_sum() as f32 };
        let stats = trainer.accumulate(&batch, &objective).unwrap();
        let loss = f64::from(case.values["loss"].1[0]);
        assert!((stats.loss_sum - loss).abs() < 1e-5 * loss, "{} {loss}", stats.loss_sum);
        let worst = case.compare(trainer.gradients(), "grad.");
        println!("{}: largest relative difference of a gradient {worst:.1e}", case.folder.display());
        assert!(worst <= 1e-3, "{worst:e}");
    }
}

#[test]
fn adamw_steps_equal_those_of_pytorch() {
    for case in Case::all() {
        let batch = case.batch();
        let mut trainer = case.trainer();
        let objective = CrossEntropy { denominator: batch.weight_sum() as f32 };
        for _ in 0..case.expected["steps"].as_u64().unwrap() {
            trainer.accumulate(&batch, &objective).unwrap();
            trainer.step(case.expected["rate"].as_f64().unwrap() as f32, None);
        }
        let worst = case.compare(trainer.adapters(), "after.");
        assert!(worst <= 1e-3, "{worst:e}");
        assert_eq!(trainer.model().unwrap().weights, case.model.weights, "the base stays as it is");
    }
}

#[test]
fn the_trainer_computes_what_the_merged_model_computes() {
    for case in Case::all() {
        let batch = random_batch(&[70, 9, 33], case.model.config.vocab_size, 3);
        let mut trainer = case.trainer();
        let found = trainer.logprobs(&batch).unwrap();
        let merged = trainer.merged().unwrap();
        let expected = Scorer::new(&merged).logprobs(&batch).unwrap();
        assert!(relative(&found.logp, &expected.logp) < 1e-5);
    }
}

#[test]
fn folders_go_back_and_forth() {
    let parent = tempfile::tempdir().unwrap();
    for (index, case) in Case::all().into_iter().enumerate() {
        let folder = parent.path().join(index.to_string());
        save_adapter(&folder, &case.adapters, "base").unwrap();
        assert_eq!(load_adapter(&folder, &case.model.config).unwrap(), case.adapters);
        let (ours, theirs) = (folder.join(ADAPTER_WEIGHTS_FILE), case.folder.join(ADAPTER_WEIGHTS_FILE));
        assert_eq!(read_tensors(&ours).unwrap(), read_tensors(&theirs).unwrap(), "names, shapes and values of peft");
        assert!(save_adapter(&folder, &case.adapters, "base").is_err(), "never overwritten");
    }
}

/// With `CHEMR_EXPORT=folder`: writes adapter folders and what this engine computes with them, for
/// `tests/fixtures/peft_adapters.py folder`.
#[test]
fn adapters_for_peft() {
    let Some(target) = std::env::var_os("CHEMR_EXPORT") else {
        return;
    };
    for case in Case::all() {
        let mut trainer = case.trainer();
        let batch = case.batch();
        trainer.accumulate(&batch, &CrossEntropy { denominator: 10.0 }).unwrap();
        trainer.step(0.05, None);
        let folder = Path::new(&target).join(case.folder.file_name().unwrap());
        save_adapter(&folder, trainer.adapters(), "base").unwrap();
        let mut alone = PackedBatch::new();
        let range = batch.range(0);
        alone.push(&[&batch.tokens[range.clone()], &[1]].concat(), &vec![1.0; range.len()]).unwrap();
        let logits = Scorer::new(&trainer.merged().unwrap()).logits(&alone).unwrap();
        let content = serde_json::json!({"base": case.expected["base"], "tokens": alone.tokens, "logits": logits});
        std::fs::write(folder.join("expected.json"), content.to_string()).unwrap();
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let case = Case::read("llama3-all");
    let other = base("qwen3");
    assert!(load_adapter(&case.folder, &other.config).unwrap_err().to_string().contains("misshapen"));
    assert!(LoraTrainer::new(other, case.adapters.clone(), AdamWConfig::default(), 1).is_err());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for name in [ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE] {
        std::fs::copy(case.folder.join(name), path.join(name)).unwrap();
    }
    let text = std::fs::read_to_string(path.join(ADAPTER_CONFIG_FILE)).unwrap();
    std::fs::write(path.join(ADAPTER_CONFIG_FILE), text.replace("\"up_proj\",", "")).unwrap();
    let error = load_adapter(path, &case.model.config).unwrap_err().to_string();
    assert!(error.contains("up_proj.lora_A.weight is no adapter of this model"), "{error}");
    for (from, to, part) in [
        ("\"r\": 3", "\"r\": 0", "r = 0"),
        ("\"lora_dropout\": 0.0", "\"lora_dropout\": 1.5", "lora_dropout = 1.5"),
        ("\"use_dora\": false", "\"use_dora\": true", "use_dora"),
        ("{", "", "adapter_config.json"),
    ] {
        std::fs::write(path.join(ADAPTER_CONFIG_FILE), text.replacen(from, to, 1)).unwrap();
        let error = load_adapter(path, &case.model.config).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

fn config(dropout: f32) -> LoraConfig {
    LoraConfig { rank: 4, alpha: 8.0, dropout, targets: LoraTarget::ALL.to_vec(), rank_stabilised: false }
}

/// Adapters with values everywhere.
fn filled(model: &Model, config: LoraConfig) -> Adapters {
    let mut adapters = Adapters::init(&model.config, config, 5).unwrap();
    for (index, mut pair) in adapters.pairs().collect::<Vec<_>>().into_iter().enumerate() {
        let value = |place: usize| ((place * 7 + index * 3) % 11) as f32 * 0.02 - 0.1;
        pair.b.iter_mut().enumerate().for_each(|(place, b)| *b = value(place));
        adapters.set(&pair).unwrap();
    }
    adapters
}

#[test]
fn new_adapters_change_nothing_and_a_get_no_gradient() {
    let model = base("qwen3");
    let adapters = Adapters::init(&model.config, config(0.0), 3).unwrap();
    assert_eq!(adapters.parameter_count(), 2 * (16 * 4 * 4 + (24 + 12 + 12 + 16) * 4 + 24 * 4 + 3 * 36 * 4 - 16 * 4));
    let batch = random_batch(&[20, 7], model.config.vocab_size, 2);
    let expected = Scorer::new(&model).logprobs(&batch).unwrap();
    let mut trainer = LoraTrainer::new(model, adapters, AdamWConfig::default(), 1).unwrap();
    assert_eq!(trainer.logprobs(&batch).unwrap(), expected);
    trainer.accumulate(&batch, &CrossEntropy { denominator: 1.0 }).unwrap();
    for pair in trainer.gradients().pairs() {
        assert!(pair.a.iter().all(|value| *value == 0.0), "B is zero");
        assert!(pair.b.iter().any(|value| *value != 0.0), "{} {}", pair.layer, pair.target);
    }
}

/// A folder merged while it is packed generates as the merged model packed, in every precision.
#[test]
fn a_folder_with_an_adapter_is_read_as_the_merged_model_is_packed() {
    let parent = tempfile::tempdir().unwrap();
    let [tiny, plain, complete] = ["base", "plain", "complete"].map(|name| parent.path().join(name));
    let training = TokenizerTraining { vocab_size: 320, ..TokenizerTraining::default() };
    let tokenizer = Tokenizer::train(["CCO is ethanol"; 3], &training).unwrap();
    let config_of_base = ModelConfig { vocab_size: 320, ..base("llama3").config };
    let model = Model::init(config_of_base, 2).unwrap();
    save_folder(&tiny, &model, &tokenizer).unwrap();
    let adapters = filled(&model, config(0.0));
    save_adapter(&plain, &adapters, "").unwrap();
    save_adapter_with(&complete, &adapters, "some/base", |folder| {
        tokenizer.save(folder).unwrap();
        Ok(())
    })
    .unwrap();
    assert_eq!(adapter_base(&plain).unwrap(), None);
    assert_eq!(adapter_base(&complete).unwrap().as_deref(), Some("some/base"));
    let mut expected = model.clone();
    adapters.merge_into(&mut expected).unwrap();
    let generate = |model: &InferenceModel<'_>| {
        Generator::packed(model).generate(&[vec![3, 5], vec![7]], &Sampling::greedy(12, vec![]), &[0; 2]).unwrap()
    };
    for folder in [&plain, &complete] {
        let (merged, found) = load_merged_folder(&tiny, folder).unwrap();
        assert_eq!((&merged.weights, found.vocab_size()), (&expected.weights, tokenizer.vocab_size()));
        for precision in Precision::ALL {
            let (read, _) = load_merged_inference_folder(&tiny, folder, precision).unwrap();
            let found = generate(&read);
            assert_eq!(found, generate(&InferenceModel::new(&expected, precision)), "{precision}");
            assert_ne!(found, generate(&InferenceModel::new(&model, precision)), "{precision}: the adapter counts");
        }
    }
    // Its own tokenizer comes first.
    std::fs::write(complete.join("tokenizer.json"), "{}").unwrap();
    assert!(load_merged_inference_folder(&tiny, &complete, Precision::Single).is_err());
    // What int8 cannot hold is refused by name, also where it comes from the adapter.
    let mut broken = adapters;
    let mut pair = broken.pairs().find(|pair| pair.target == LoraTarget::Key).unwrap();
    pair.b[0] = f32::NAN;
    broken.set(&pair).unwrap();
    let folder = parent.path().join("broken");
    save_adapter(&folder, &broken, "").unwrap();
    let error = load_merged_inference_folder(&tiny, &folder, Precision::Int8).unwrap_err().to_string();
    assert!(error.contains("layers.0.self_attn.k_proj"), "{error}");
    let other = fixtures().join("families/qwen3");
    assert!(load_merged_folder(&other, &complete).is_err());
}

/// With dropout too: the masks are a function of the batch, so the loss is smooth in the adapters.
#[test]
fn gradients_equal_finite_differences() {
    for dropout in [0.0, 0.4] {
        let model = base("qwen3");
        let adapters = filled(&model, config(dropout));
        let batch = random_batch(&[12, 5], model.config.vocab_size, 8);
        let objective = CrossEntropy { denominator: 4.0 };
        let loss = |adapters: Adapters| {
            let mut trainer = LoraTrainer::new(model.clone(), adapters, AdamWConfig::default(), 9).unwrap();
            let stats = trainer.accumulate(&batch, &objective).unwrap();
            (stats.loss_sum, trainer)
        };
        let (_, trainer) = loss(adapters.clone());
        for (pair, gradient) in adapters.pairs().zip(trainer.gradients().pairs()) {
            // The steepest direction of A and of B of each pair.
            for side in [0, 1] {
                let slope = if side == 0 { &gradient.a } else { &gradient.b };
                let length = slope.iter().map(|value| value * value).sum::<f32>().sqrt();
                let moved = |sign: f32| {
                    let mut pair = pair.clone();
                    let values = if side == 0 { &mut pair.a } else { &mut pair.b };
                    values.iter_mut().zip(slope).for_each(|(value, slope)| *value += sign * 5e-3 * slope / length);
                    let mut adapters = adapters.clone();
                    adapters.set(&pair).unwrap();
                    loss(adapters).0
                };
                let found = (moved(1.0) - moved(-1.0)) / 1e-2;
                let difference = (found - f64::from(length)).abs() / f64::from(length);
                assert!(difference < 2e-2, "{} {} side {side}: {found} {length}", pair.layer, pair.target);
            }
        }
    }
}

/// A row drops what its place in the batch says, also when the rows before it are left out or computed apart: losses of parts
/// of a batch that is computed in several pieces add up.
#[test]
fn dropout_belongs_to_the_place_in_the_batch() {
    let model = base("llama3");
    let adapters = filled(&model, config(0.5));
    let lengths = [90; 30];
    let loss = |supervised: std::ops::Range<usize>| {
        let mut batch = random_batch(&lengths, model.config.vocab_size, 4);
        for sequence in (0..lengths.len()).filter(|sequence| !supervised.contains(sequence)) {
            let range = batch.range(sequence);
            batch.weights[range].fill(0.0);
        }
        let mut trainer = LoraTrainer::new(model.clone(), adapters.clone(), AdamWConfig::default(), 6).unwrap();
        trainer.accumulate(&batch, &CrossEntropy { denominator: 100.0 }).unwrap().loss_sum
    };
    let parts = loss(0..7) + loss(7..23) + loss(23..30);
    let whole = loss(0..30);
    assert!((whole - parts).abs() < 1e-6 * whole, "{whole} {parts}");
}

#[test]
fn threads_and_saved_states_change_nothing() {
    let model = base("llama3");
    let batch = random_batch(&[40, 9, 80, 3], model.config.vocab_size, 4);
    let objective = CrossEntropy { denominator: 50.0 };
    let start = || LoraTrainer::new(model.clone(), filled(&model, config(0.2)), AdamWConfig::default(), 6).unwrap();
    let run = |trainer: &mut LoraTrainer, steps: usize| {
        for _ in 0..steps {
            trainer.accumulate(&batch, &objective).unwrap();
            trainer.accumulate(&batch, &objective).unwrap();
            trainer.step(1e-2, Some(1.0));
        }
    };
    let mut whole = start();
    run(&mut whole, 4);
    for threads in [1, 3] {
        set_threads(threads);
        let mut other = start();
        run(&mut other, 4);
        assert_eq!(other.adapters(), whole.adapters(), "{threads} threads");
    }
    let mut first = start();
    run(&mut first, 2);
    let folder = tempfile::tempdir().unwrap();
    let (state, saved) = (folder.path().join("state.safetensors"), folder.path().join("adapter"));
    first.save_state(&state).unwrap();
    save_adapter(&saved, first.adapters(), "base").unwrap();
    let adapters = load_adapter(&saved, &model.config).unwrap();
    // The state of other adapters does not fit, though every shape is the same.
    let of = |target| LoraConfig { targets: vec![target], ..config(0.0) };
    let start = |target| {
        let adapters = Adapters::init(&model.config, of(target), 1).unwrap();
        LoraTrainer::new(model.clone(), adapters, AdamWConfig::default(), 1).unwrap()
    };
    let other = folder.path().join("key.safetensors");
    start(LoraTarget::Key).save_state(&other).unwrap();
    assert!(start(LoraTarget::Value).load_state(&other).is_err());
    let mut second = LoraTrainer::new(model.clone(), adapters, AdamWConfig::default(), 6).unwrap();
    second.load_state(&state).unwrap();
    assert_eq!(second.steps(), 2);
    run(&mut second, 2);
    assert_eq!(second.adapters(), whole.adapters());
}
