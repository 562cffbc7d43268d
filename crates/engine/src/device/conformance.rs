//! What every device has to give, on any device: the same numbers as the definition, in every family, whatever is kept.

use std::borrow::Cow;

use super::cpu::Cpu;
use super::cpu::decoder::Decoder;
use super::reference::Reference;
use super::{Decoding, Device, Row, Trained};
use crate::generate::pages::Cache;
use crate::graph::{Graph, clipped_step};
use crate::{
    AdamWConfig, Architecture, Compute, CrossEntropy, Family, InferenceModel, LogProbs, Model, ModelConfig, Operands,
    PackedBatch, Precision, RopeScaling, Weights,
};

/// Opens a device that trains a model.
type Open = fn(Model, AdamWConfig) -> Box<dyn Device>;

/// The devices under test. A new one is added here.
const DEVICES: [(&str, Open); 1] = [("cpu", |model, adamw| {
    Box::new(Cpu::training(model, adamw, Compute { operands: Operands::Single, recompute: false }))
})];

/// Opens a device that generates with a model.
type OpenDecoding = for<'m> fn(&'m Model) -> Box<dyn Decoding + 'm>;

const DECODERS: [(&str, OpenDecoding); 1] =
    [("cpu", |model| Box::new(Decoder::new(Cow::Owned(InferenceModel::new(model, Precision::Single)))))];

fn config(tied: bool) -> ModelConfig {
    ModelConfig {
        vocab_size: 23,
        hidden_size: 12,
        intermediate_size: 18,
        num_hidden_layers: 4,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 6,
        max_position_embeddings: 64,
        rms_norm_eps: 1e-5,
        rope_theta: 100.0,
        tie_word_embeddings: tied,
        bos_token_id: None,
        eos_token_id: None,
        more_eos_token_ids: Vec::new(),
        pad_token_id: None,
    }
}

/// A model of every family in which every part shows.
fn models() -> Vec<Model> {
    Family::ALL
        .into_iter()
        .map(|family| {
            let mut architecture = Architecture::plain(family);
            match family {
                Family::Llama => architecture.rope_scaling = RopeScaling::Linear { factor: 2.0 },
                Family::Mistral => architecture.sliding_window = Some(5),
                Family::Qwen2 => {
                    architecture.sliding_window = Some(7);
                    architecture.full_attention_layers = vec![1, 2];
                }
                Family::Qwen3 => {}
            }
            let mut model = Model::init_as(config(family == Family::Llama), architecture, 5).unwrap();
            for tensor in model.weights.named_tensors_mut(&model.config) {
                for (index, value) in tensor.data.iter_mut().enumerate() {
                    // Norms and biases start at one value.
                    *value = *value * 1.5 + 0.1 * (index as f32 * 0.7).sin();
                }
            }
            model
        })
        .collect()
}

fn batch() -> PackedBatch {
    let mut batch = PackedBatch::new();
    for (row, length) in [9usize, 1, 17, 4].into_iter().enumerate() {
        let tokens: Vec<u32> = (0..=length).map(|place| ((row * 5 + place * 7) % 23) as u32).collect();
        let weights: Vec<f32> = (0..length).map(|place| [0.0, 1.0, 0.5][(row + place) % 3]).collect();
        batch.push(&tokens, &weights).unwrap();
    }
    batch
}

/// Everything that two steps give.
struct Run {
    logits: Vec<f32>,
    scores: LogProbs,
    losses: Vec<f64>,
    norms: Vec<f32>,
    gradients: Weights,
    weights: Weights,
}

fn run(mut device: Box<dyn Device>, recompute: bool) -> Run {
    let (batch, mut graph) = (batch(), Graph::new(recompute));
    let objective = CrossEntropy { denominator: 3.0 };
    let logits = graph.logits(&mut *device, &batch).unwrap();
    let scores = graph.logprobs(&mut *device, &batch).unwrap();
    let mut found = Run {
        logits,
        scores,
        losses: Vec::new(),
        norms: Vec::new(),
        gradients: Weights::zeros(device.config()),
        weights: Weights::zeros(device.config()),
    };
    for step in 0..2 {
        // Two halves of one step.
        for _ in 0..2 {
            found.losses.push(graph.accumulate(&mut *device, &batch, &objective, None).unwrap().loss_sum);
        }
        if let (0, Trained::Weights(_, gradients)) = (step, device.trained()) {
            found.gradients = gradients.clone();
        }
        found.norms.push(clipped_step(&mut *device, 0.01, Some(1.0)));
    }
    assert_eq!(device.steps(), 2);
    if let Trained::Weights(model, gradients) = device.trained() {
        found.weights = model.weights.clone();
        assert!(gradients.embed.iter().all(|value| *value == 0.0), "a step zeroes the gradients");
    }
    found
}

fn close(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1e-3f32, |most, value| most.max(value.abs()));
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance * scale, "{what}: value {index} is {found}, expected {expected}");
    }
}

#[test]
fn every_device_gives_what_the_definition_gives() {
    let adamw = AdamWConfig { weight_decay: 0.1, ..AdamWConfig::default() };
    for model in models() {
        let family = model.architecture.family;
        let expected = run(Box::new(Reference::training(model.clone(), adamw)), false);
        let devices = DEVICES.into_iter().flat_map(|device| [(device, false), (device, true)]);
        for ((name, open), recompute) in devices {
            let found = run(open(model.clone(), adamw), recompute);
            let what = |part: &str| format!("{name}, {family:?}, recompute {recompute}: {part}");
            close(&found.logits, &expected.logits, 1e-5, &what("logits"));
            close(&found.scores.logp, &expected.scores.logp, 1e-5, &what("log-probabilities"));
            close(&found.scores.entropy, &expected.scores.entropy, 1e-5, &what("entropies"));
            for (found, expected) in found.losses.iter().zip(&expected.losses) {
                assert!((found - expected).abs() < 1e-4 * expected.abs(), "{}: {found} {expected}", what("loss"));
            }
            close(&found.norms, &expected.norms, 1e-4, &what("gradient norms"));
            for (part, found, expected, tolerance) in [
                ("gradient", &found.gradients, &expected.gradients, 2e-5),
                ("weight", &found.weights, &expected.weights, 1e-3),
            ] {
                let tensors = found.named_tensors(&model.config).into_iter().zip(expected.named_tensors(&model.config));
                for (found, expected) in tensors {
                    close(found.data, expected.data, tolerance, &what(&format!("{part} of {}", found.name)));
                }
            }
        }
    }
}

#[test]
fn every_device_continues_as_the_definition_does() {
    let tokens: Vec<u32> = (0..40).map(|place| (place * place + 3) % 23).collect();
    let mut batch = PackedBatch::new();
    batch.push(&[&tokens[..], &[0]].concat(), &[1.0; 40]).unwrap();
    for model in models() {
        let mut reference = Reference::training(model.clone(), AdamWConfig::default());
        let expected = Graph::new(false).logits(&mut reference, &batch).unwrap();
        for (name, open) in DECODERS {
            let mut device = open(&model);
            device.prepare(tokens.len(), 2);
            for start in [1, 5, 33] {
                let what = |position: usize| format!("{name}, {:?}, {start}, {position}", model.architecture.family);
                let row = |position: usize| &expected[position * 23..(position + 1) * 23];
                let mut cache = Cache::new(device.config(), tokens.len());
                close(&device.prefill(1, &tokens[..start], &mut cache), row(start - 1), 1e-5, &what(start - 1));
                for (position, token) in tokens.iter().enumerate().skip(start) {
                    device.step(1, &mut [Row { token: *token, position, cache: &mut cache }]);
                    let mut rows = 0;
                    device.logits(1, 1, &mut |logits| {
                        close(logits, row(position), 1e-5, &what(position));
                        rows += 1;
                    });
                    assert_eq!(rows, 1);
                }
            }
        }
    }
}
