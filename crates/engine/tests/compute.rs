//! Ways to compute: recomputed activations give the same bits, bf16 operands what PyTorch gives with rounded operands
//! (`fixtures/bf16_products.py`), and adapters learn on a packed base as on the weights that it stands for.

#![allow(clippy::unwrap_used)] // helpers of tests

mod common;

use std::path::Path;

use chemr_engine::{
    AdamWConfig, Adapters, Architecture, Compute, CrossEntropy, Family, Generator, InferenceModel, LoraConfig,
    LoraTrainer, Model, ModelConfig, Operands, PackedBatch, Precision, Sampling, Scorer, Trainer, Weights,
    load_inference_model, load_model,
};
use common::{Fixture, fixture_config, random_batch, relative};

fn config() -> ModelConfig {
    ModelConfig {
        vocab_size: 61,
        intermediate_size: 37,
        num_hidden_layers: 5,
        head_dim: 6,
        max_position_embeddings: 256,
        rope_theta: 1e4,
        ..fixture_config(false)
    }
}

fn gradients(model: &Model, batch: &PackedBatch, compute: Compute) -> (f64, Weights) {
    let mut trainer = Trainer::computing(model.clone(), AdamWConfig::default(), compute);
    let stats = trainer.accumulate(batch, &CrossEntropy { denominator: 10.0 }).unwrap();
    (stats.loss_sum, trainer.gradients().clone())
}

#[test]
fn recomputed_activations_give_the_same_bits() {
    let batch = random_batch(&[130, 60, 3, 90], config().vocab_size, 5);
    let recompute = |operands| [false, true].map(|recompute| Compute { operands, recompute });
    for family in Family::ALL {
        let mut architecture = Architecture::plain(family);
        if family == Family::Mistral {
            architecture.sliding_window = Some(40);
        }
        let model = Model::init_as(config(), architecture, 3).unwrap();
        for operands in Operands::ALL {
            let [kept, again] = recompute(operands).map(|compute| gradients(&model, &batch, compute));
            assert!(kept == again, "{family:?} {operands}");
        }
        let lora = LoraConfig { rank: 3, dropout: 0.25, ..LoraConfig::default() };
        let learn = |compute| {
            let adapters = Adapters::init(&model.config, lora.clone(), 1).unwrap();
            let mut trainer =
                LoraTrainer::computing(model.clone(), adapters, AdamWConfig::default(), 9, compute).unwrap();
            let losses: Vec<f64> = (0..3)
                .map(|_| {
                    let stats = trainer.accumulate(&batch, &CrossEntropy { denominator: 10.0 }).unwrap();
                    trainer.step(0.05, None);
                    stats.loss_sum
                })
                .collect();
            (losses, trainer.into_adapters())
        };
        let [single, rounded] = Operands::ALL.map(|operands| {
            let [kept, again] = recompute(operands).map(learn);
            assert!(kept == again, "adapters of {family:?} {operands}");
            kept.0
        });
        let apart = single.iter().zip(&rounded).map(|(a, b)| (a - b).abs() / a.abs());
        assert!(apart.clone().all(|apart| apart < 1e-2) && apart.sum::<f64>() > 0.0, "{single:?} {rounded:?}");
    }
}

#[test]
fn a_scorer_in_bf16_agrees_with_its_trainer() {
    let batch = random_batch(&[40, 70], config().vocab_size, 6);
    let model = Model::init(config(), 4).unwrap();
    let compute = Compute { operands: Operands::Bf16, recompute: false };
    let mut trainer = Trainer::computing(model.clone(), AdamWConfig::default(), compute);
    let rounded = Scorer::computing(&model, compute).logprobs(&batch).unwrap();
    assert_eq!(trainer.logprobs(&batch).unwrap(), rounded);
    let single = Scorer::new(&model).logprobs(&batch).unwrap();
    let apart = |(a, b): (&f32, &f32)| (a - b).abs();
    let most = rounded.logp.iter().zip(&single.logp).map(apart).fold(0.0, f32::max);
    assert!(most > 0.0 && most < 0.05, "{most}");
}

#[test]
fn bf16_operands_give_what_pytorch_gives() {
    let rounded = Fixture::new(include_bytes!("fixtures/bf16_products.safetensors"));
    for (name, bytes, tied) in [
        ("model_tied", &include_bytes!("fixtures/model_tied.safetensors")[..], true),
        ("model_untied", &include_bytes!("fixtures/model_untied.safetensors")[..], false),
    ] {
        let fixture = Fixture::new(bytes);
        let config = fixture_config(tied);
        let model = Model::new(config.clone(), fixture.weights("start", &config)).unwrap();
        let batch = fixture.batch();
        let objective = CrossEntropy { denominator: batch.weights.iter().sum() };
        let run = |operands| {
            let compute = Compute { operands, recompute: false };
            let mut trainer = Trainer::computing(model.clone(), AdamWConfig::default(), compute);
            let stats = trainer.accumulate(&batch, &objective).unwrap();
            (stats.loss_sum, trainer.gradients().clone())
        };
        let ((loss, found), (_, single)) = (run(Operands::Bf16), run(Operands::Single));
        let expected = f64::from(rounded.floats(&format!("{name}.loss"))[0]);
        assert!((loss - expected).abs() < 1e-4, "{name}: {loss} {expected}");
        let gradients = rounded.weights(&format!("{name}.grad"), &config);
        let named = [&found, &gradients, &single].map(|weights| weights.named_tensors(&config));
        for ((found, expected), single) in named[0].iter().zip(&named[1]).zip(&named[2]) {
            // Different orders of addition tip single values to the other side of a rounding: about one bf16 step.
            let error = relative(found.data, expected.data);
            assert!(error < 4e-3, "{name}: {} differs by {error:e}", found.name);
            assert!(relative(single.data, expected.data) > error, "{name}: {} was not rounded", found.name);
        }
    }
}

/// The model whose weights are those that `precision` stands for.
fn as_stored(model: &Model, precision: Precision) -> Model {
    let bf16 = |value: f32| {
        let bits = value.to_bits();
        f32::from_bits((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000)
    };
    let mut stored = model.clone();
    for tensor in stored.weights.named_tensors_mut(&model.config) {
        let [_, depth] = tensor.shape[..] else { continue };
        let block = tensor.name.contains("_proj");
        match precision {
            Precision::Single => {}
            Precision::Int8 if block => {
                for row in tensor.data.chunks_mut(depth) {
                    let scale = row.iter().fold(0.0f32, |most, value| most.max(value.abs())) / 127.0;
                    row.iter_mut().for_each(|value| *value = (*value / scale).round_ties_even() * scale);
                }
            }
            Precision::Bf16 | Precision::Int8 => tensor.data.iter_mut().for_each(|value| *value = bf16(*value)),
        }
    }
    stored
}

#[test]
fn adapters_learn_on_a_packed_base_as_on_its_weights() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/families/qwen2");
    let model = load_model(&folder).unwrap();
    let batch = random_batch(&[30, 55, 9], model.config.vocab_size, 5);
    let lora = LoraConfig { rank: 3, dropout: 0.25, ..LoraConfig::default() };
    let adapters = Adapters::init(&model.config, lora, 1).unwrap();
    let learn = |mut trainer: LoraTrainer| {
        let losses: Vec<f64> = (0..4)
            .map(|_| {
                let stats = trainer.accumulate(&batch, &CrossEntropy { denominator: 10.0 }).unwrap();
                trainer.step(0.02, None);
                stats.loss_sum
            })
            .collect();
        (losses, trainer.into_adapters())
    };
    for precision in Precision::ALL {
        let base: InferenceModel<'static> = load_inference_model(&folder, precision).unwrap();
        let on_packed = |recompute| {
            let base = base.clone();
            LoraTrainer::on_packed(base, adapters.clone(), AdamWConfig::default(), 9, recompute).unwrap()
        };
        assert!(on_packed(false).model().is_none() && on_packed(false).merged().is_none());
        let packed = learn(on_packed(false));
        assert!(packed == learn(on_packed(true)), "{precision} recomputed");
        let stored = as_stored(&model, precision);
        let single = learn(LoraTrainer::new(stored, adapters.clone(), AdamWConfig::default(), 9).unwrap());
        if precision == Precision::Int8 {
            // The factor of an output is applied behind its sum and not to each weight.
            for (found, expected) in packed.0.iter().zip(&single.0) {
                assert!((found - expected).abs() < 1e-4, "{found} {expected}");
            }
        } else {
            assert!(packed == single, "{precision}");
        }
        assert!(packed.0[3] < packed.0[0] - 0.1, "{precision}: {:?}", packed.0);
        // What is sampled has the log-probabilities that the trainer computes.
        let mut trainer = LoraTrainer::on_packed(base.clone(), packed.1, AdamWConfig::default(), 9, false).unwrap();
        let prompts: Vec<Vec<u32>> = (0..5).map(|row| vec![row + 1; 3 + row as usize]).collect();
        let sampling = Sampling::sampled(1.0, 12, Vec::new());
        let policy = trainer.policy();
        let sampled = Generator::packed(&policy).generate(&prompts, &sampling, &[1, 2, 3, 4, 5]).unwrap();
        for (prompt, generated) in prompts.iter().zip(&sampled) {
            let mut batch = PackedBatch::new();
            let tokens: Vec<u32> = prompt.iter().chain(&generated.tokens).copied().collect();
            let place = |index: usize| f32::from(u8::from(index + 1 >= prompt.len()));
            batch.push(&tokens, &(0..tokens.len() - 1).map(place).collect::<Vec<f32>>()).unwrap();
            let found = trainer.logprobs(&batch).unwrap().logp;
            for (a, b) in found[prompt.len() - 1..].iter().zip(&generated.logps) {
                assert!((a - b).abs() < 1e-4, "{precision}: {a} {b}");
            }
        }
    }
}
