//! Training: gradients of a packed batch, optimiser steps, and log-probabilities without gradients.

use std::path::Path;

use crate::{EngineError, Model, Objective, PackedBatch};

/// Constants of AdamW (Loshchilov and Hutter 2019); the defaults are PyTorch's except `weight_decay`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWConfig {
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub eps: f32,
    /// Decoupled decay of the matrices, times the learning rate; norms do not decay.
    pub weight_decay: f32,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.0,
        }
    }
}

/// Sums over the supervised positions of one [`Trainer::accumulate`] call.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepStats {
    /// Sum of `weight * loss`.
    pub loss_sum: f64,
    /// Sum of the entropies (nats), not weighted.
    pub entropy_sum: f64,
    /// Supervised positions.
    pub tokens: usize,
}

/// Log-probability of each target and entropy of each distribution, one entry for each position; 0 where the weight is 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogProbs {
    /// Natural logarithm of the probability of `targets[i]`.
    pub logp: Vec<f32>,
    /// Entropy in nats.
    pub entropy: Vec<f32>,
}

/// A model in training: values, gradients, optimiser moments and the reused buffers.
pub struct Trainer {
    model: Model,
}

impl Trainer {
    /// Starts training `model` with empty moments.
    pub fn new(model: Model, _config: AdamWConfig) -> Self {
        Self { model }
    }
    /// Adds the gradient of `objective` over `batch` to the gradients. Batches of any size and cut may be accumulated
    /// before one [`Trainer::step`].
    pub fn accumulate(
        &mut self,
        _batch: &PackedBatch,
        _objective: &dyn Objective,
    ) -> Result<StepStats, EngineError> {
        unimplemented!()
    }
    /// One AdamW step at learning rate `lr`, after scaling the gradients to a global norm of at most `max_grad_norm`;
    /// zeroes the gradients. Returns the norm before clipping; when that is not finite nothing is changed but the gradients.
    pub fn step(&mut self, _lr: f32, _max_grad_norm: Option<f32>) -> f32 {
        unimplemented!()
    }
    /// Log-probabilities of the supervised positions, without gradients.
    pub fn logprobs(&mut self, _batch: &PackedBatch) -> Result<LogProbs, EngineError> {
        unimplemented!()
    }
    /// Writes moments and step count (safetensors).
    pub fn save_state(&self, _path: &Path) -> Result<(), EngineError> {
        unimplemented!()
    }
    /// Reads what [`Trainer::save_state`] wrote; the training goes on bit for bit.
    pub fn load_state(&mut self, _path: &Path) -> Result<(), EngineError> {
        unimplemented!()
    }
    /// The current values.
    pub fn model(&self) -> &Model {
        &self.model
    }
    /// Ends training.
    pub fn into_model(self) -> Model {
        self.model
    }
}

/// Log-probabilities of a model that is not trained (for example the reference policy).
pub struct Scorer<'a> {
    _model: &'a Model,
}

impl<'a> Scorer<'a> {
    /// Packs the weights of `model`.
    pub fn new(model: &'a Model) -> Self {
        Self { _model: model }
    }
    /// Log-probabilities of the supervised positions.
    pub fn logprobs(&mut self, _batch: &PackedBatch) -> Result<LogProbs, EngineError> {
        unimplemented!()
    }
    /// All logits, `[positions, vocab]`: for comparison with other engines on small batches.
    pub fn logits(&mut self, _batch: &PackedBatch) -> Result<Vec<f32>, EngineError> {
        unimplemented!()
    }
}
