//! Ways to compute: recomputed activations give the same bits, bf16 operands what PyTorch gives with rounded operands
//! (`fixtures/bf16_products.py`).

#![allow(clippy::unwrap_used)] // helpers of tests

mod common;

use chemr_engine::{
    AdamWConfig, Adapters, Architecture, Compute, CrossEntropy, Family, LoraConfig, LoraTrainer, Model, ModelConfig,
    Operands, PackedBatch, Scorer, Trainer, Weights,
};
use common::{Fixture, fixture_config, random_batch, relative};

fn config() -> ModelConfig {
    ModelConfig {
        vocab_size: 61,
        hidden_size: 24,
        intermediate_size: 37,
        num_hidden_layers: 3,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 6,
        max_position_embeddings: 256,
        rms_norm_eps: 1e-5,
        rope_theta: 1e4,
        tie_word_embeddings: false,
        bos_token_id: None,
        eos_token_id: None,
        more_eos_token_ids: Vec::new(),
        pad_token_id: None,
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
        let [kept, again] = recompute(Operands::Single).map(|compute| {
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
        });
        assert!(kept == again, "adapters of {family:?}");
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
