//! Helpers of the engine's tests.
#![allow(dead_code)] // each test binary uses some
#![allow(clippy::unwrap_used)] // helpers of tests

use chemr_engine::{Model, ModelConfig, PackedBatch, Weights};
use safetensors::tensor::{Dtype, SafeTensors};

/// A file of reference values (see `fixtures/make_fixtures.py`).
pub struct Fixture<'a>(SafeTensors<'a>);

impl<'a> Fixture<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(SafeTensors::deserialize(bytes).unwrap())
    }

    pub fn floats(&self, name: &str) -> Vec<f32> {
        let tensor = self.0.tensor(name).unwrap_or_else(|_| panic!("{name} is missing"));
        assert_eq!(tensor.dtype(), Dtype::F32, "{name}");
        tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    }

    pub fn ids(&self, name: &str) -> Vec<u32> {
        let tensor = self.0.tensor(name).unwrap_or_else(|_| panic!("{name} is missing"));
        assert_eq!(tensor.dtype(), Dtype::I32, "{name}");
        tensor.data().chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    }

    pub fn weights(&self, prefix: &str, config: &ModelConfig) -> Weights {
        let mut weights = Weights::zeros(config);
        for tensor in weights.named_tensors_mut(config) {
            tensor.data.copy_from_slice(&self.floats(&format!("{prefix}.{}", tensor.name)));
        }
        weights
    }

    pub fn batch(&self) -> PackedBatch {
        let mut offsets = vec![0];
        for length in self.ids("lengths") {
            offsets.push(offsets.last().unwrap() + length);
        }
        PackedBatch {
            tokens: self.ids("tokens"),
            targets: self.ids("targets"),
            weights: self.floats("weights"),
            offsets,
        }
    }
}

/// The shape of the fixture models.
pub fn fixture_config(tied: bool) -> ModelConfig {
    ModelConfig {
        vocab_size: 37,
        hidden_size: 24,
        intermediate_size: 40,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: if tied { 8 } else { 10 },
        max_position_embeddings: 64,
        rms_norm_eps: 1e-5,
        rope_theta: 500.0,
        tie_word_embeddings: tied,
        bos_token_id: None,
        eos_token_id: None,
        more_eos_token_ids: Vec::new(),
        pad_token_id: None,
    }
}

/// A random batch: `lengths` are positions; about half of the positions are supervised.
pub fn random_batch(lengths: &[usize], vocab: usize, seed: u64) -> PackedBatch {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32
    };
    let mut batch = PackedBatch::new();
    for length in lengths {
        let tokens: Vec<u32> = (0..=*length).map(|_| next() % vocab as u32).collect();
        let mut weights: Vec<f32> = (0..*length).map(|_| (next() % 3) as f32 * 0.5).collect();
        weights[length - 1] = 1.0;
        batch.push(&tokens, &weights).unwrap();
    }
    batch
}

/// Largest difference of two tensors over the largest value of the second.
pub fn relative(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(0.0f32, |a, b| a.max(b.abs()));
    let worst = found.iter().zip(expected).fold(0.0f32, |a, (x, y)| {
        assert!(x.is_finite());
        a.max((x - y).abs())
    });
    if scale == 0.0 { worst } else { worst / scale }
}

/// Asserts that all tensors agree within `tolerance` of their own largest value.
pub fn assert_weights(found: &Weights, expected: &Weights, config: &ModelConfig, tolerance: f32, what: &str) {
    for (a, b) in found.named_tensors(config).iter().zip(&expected.named_tensors(config)) {
        let error = relative(a.data, b.data);
        assert!(error <= tolerance, "{what}: {} differs by {error:e}", a.name);
    }
}

pub fn model(config: &ModelConfig, seed: u64) -> Model {
    Model::init(config.clone(), seed).unwrap()
}
