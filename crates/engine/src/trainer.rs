//! Training: gradients of a packed batch, optimiser steps, and log-probabilities without gradients.

use std::path::Path;

use crate::device::cpu::Cpu;
use crate::device::{Device, Trained, Values};
use crate::graph::{Graph, clipped_step};
use crate::{Compute, EngineError, InferenceModel, Model, Objective, PackedBatch, Weights};

/// Constants of AdamW (Loshchilov and Hutter 2019); the defaults are PyTorch's except `weight_decay`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWConfig {
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub eps: f32,
    /// Decoupled decay of the matrices, times the learning rate; norms and biases do not decay.
    pub weight_decay: f32,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0 }
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

/// A model in training: values, gradients, optimiser moments and the reused buffers, on a device.
#[derive(Debug)]
pub struct Trainer {
    device: Box<dyn Device>,
    graph: Graph,
}

impl Trainer {
    /// Starts training `model` with empty moments.
    pub fn new(model: Model, config: AdamWConfig) -> Self {
        Self::computing(model, config, Compute::default())
    }

    /// As [`Trainer::new`], computing otherwise than by default.
    pub fn computing(model: Model, config: AdamWConfig, compute: Compute) -> Self {
        Self { device: Box::new(Cpu::training(model, config, compute)), graph: Graph::new(compute.recompute) }
    }

    /// Adds the gradient of `objective` over `batch` to the gradients. Batches of any size and cut may be accumulated before
    /// one [`Trainer::step`]; the sum does not depend on the cut, up to rounding.
    ///
    /// # Errors
    /// [`EngineError::Batch`] or [`EngineError::Token`] when the batch does not fit the model; the gradients are unchanged.
    pub fn accumulate(&mut self, batch: &PackedBatch, objective: &dyn Objective) -> Result<StepStats, EngineError> {
        self.graph.accumulate(&mut *self.device, batch, objective, None)
    }

    /// One AdamW step at learning rate `lr`, after scaling the gradients to a global norm of at most `max_grad_norm`; zeroes
    /// the gradients. Returns the norm before clipping. When that is not finite (an overflow or NaN in the loss), the weights
    /// and moments stay as they were and only the gradients are zeroed.
    pub fn step(&mut self, lr: f32, max_grad_norm: Option<f32>) -> f32 {
        clipped_step(&mut *self.device, lr, max_grad_norm)
    }

    /// Forgets the accumulated gradients.
    pub fn zero_gradients(&mut self) {
        self.device.zero_gradients();
    }

    /// Log-probabilities of the supervised positions, without gradients.
    ///
    /// # Errors
    /// [`EngineError::Batch`] or [`EngineError::Token`] when the batch does not fit the model.
    pub fn logprobs(&mut self, batch: &PackedBatch) -> Result<LogProbs, EngineError> {
        self.graph.logprobs(&mut *self.device, batch)
    }

    /// The present model to sample from: its log-probabilities are those that training finds, also with operands in bf16. The
    /// packed matrices are the trainer's own.
    pub fn policy(&mut self) -> InferenceModel<'_> {
        self.device.policy()
    }

    /// Writes moments and step count (safetensors); gradients are not stored.
    ///
    /// # Errors
    /// [`EngineError::Io`] when the file cannot be written.
    pub fn save_state(&self, path: &Path) -> Result<(), EngineError> {
        self.device.save_state(path)
    }

    /// Reads what [`Trainer::save_state`] wrote; with the same weights, training goes on bit for bit.
    ///
    /// # Errors
    /// [`EngineError::Io`], [`EngineError::Format`] or [`EngineError::Shape`]; the trainer is unchanged.
    pub fn load_state(&mut self, path: &Path) -> Result<(), EngineError> {
        self.device.load_state(path)
    }

    /// Optimiser steps taken.
    pub fn steps(&self) -> u64 {
        self.device.steps()
    }

    /// The accumulated gradients.
    pub fn gradients(&self) -> &Weights {
        self.trained().1
    }

    /// The current values.
    pub fn model(&self) -> &Model {
        self.trained().0
    }

    fn trained(&self) -> (&Model, &Weights) {
        let Trained::Weights(model, gradients) = self.device.trained() else { unreachable!("all weights are trained") };
        (model, gradients)
    }

    /// Ends training.
    pub fn into_model(self) -> Model {
        let Values::Weights(model) = self.device.into_values() else { unreachable!("all weights are trained") };
        model
    }
}

/// Log-probabilities of a model that is not trained (for example the reference policy).
#[derive(Debug)]
pub struct Scorer<'a> {
    device: Box<dyn Device + 'a>,
    graph: Graph,
}

impl<'a> Scorer<'a> {
    /// Packs the weights of `model`.
    pub fn new(model: &'a Model) -> Self {
        Self::computing(model, Compute::default())
    }

    /// As [`Scorer::new`], computing as a trainer does.
    pub fn computing(model: &'a Model, compute: Compute) -> Self {
        Self { device: Box::new(Cpu::scoring(model, compute.operands)), graph: Graph::new(compute.recompute) }
    }

    /// Log-probabilities of the supervised positions.
    ///
    /// # Errors
    /// [`EngineError::Batch`] or [`EngineError::Token`] when the batch does not fit the model.
    pub fn logprobs(&mut self, batch: &PackedBatch) -> Result<LogProbs, EngineError> {
        self.graph.logprobs(&mut *self.device, batch)
    }

    /// All logits, `[positions, vocab]`, whatever the weights: for comparison with other engines on small batches.
    ///
    /// # Errors
    /// [`EngineError::Batch`] or [`EngineError::Token`] when the batch does not fit the model.
    pub fn logits(&mut self, batch: &PackedBatch) -> Result<Vec<f32>, EngineError> {
        self.graph.logits(&mut *self.device, batch)
    }
}
