//! Training of adapters on a model that stays as it is.

use std::path::Path;

use super::Adapters;
use crate::device::cpu::{Base, Cpu};
use crate::device::{Device, Trained, Values};
use crate::dropout::Dropout;
use crate::graph::{Graph, clipped_step};
use crate::rng::SplitMix64;
use crate::{AdamWConfig, Compute, EngineError, InferenceModel, LogProbs, Model, Objective, PackedBatch, StepStats};

/// A frozen model and its adapters in training; used like [`crate::Trainer`].
#[derive(Debug)]
pub struct LoraTrainer {
    device: Box<dyn Device>,
    graph: Graph,
    seed: u64,
    /// Calls of [`LoraTrainer::accumulate`] since the last step: each has its own dropout.
    calls: u64,
}

impl LoraTrainer {
    /// Starts training `adapters` with empty moments. `seed` decides what dropout drops.
    ///
    /// # Errors
    /// [`EngineError::Shape`] when the adapters were made for another shape.
    pub fn new(model: Model, adapters: Adapters, config: AdamWConfig, seed: u64) -> Result<Self, EngineError> {
        Self::computing(model, adapters, config, seed, Compute::default())
    }

    /// As [`LoraTrainer::new`], computing otherwise than by default. Products with the adapters' own matrices are always single
    /// precision; the operands of their gradients are rounded as all others.
    ///
    /// # Errors
    /// As [`LoraTrainer::new`].
    pub fn computing(
        model: Model,
        adapters: Adapters,
        config: AdamWConfig,
        seed: u64,
        compute: Compute,
    ) -> Result<Self, EngineError> {
        adapters.check(&model.config)?;
        Ok(Self::with(Base::Single(model), adapters, config, seed, compute))
    }

    /// As [`LoraTrainer::new`] on a model that was packed before, in any precision; nothing else of it is held. `recompute` as
    /// in [`Compute`].
    ///
    /// # Errors
    /// As [`LoraTrainer::new`]; [`EngineError::Batch`] when the base has adapters itself or is the policy of a trainer in bf16.
    pub fn on_packed(
        model: InferenceModel<'static>,
        adapters: Adapters,
        config: AdamWConfig,
        seed: u64,
        recompute: bool,
    ) -> Result<Self, EngineError> {
        model.check_base()?;
        adapters.check(model.config())?;
        let compute = Compute { recompute, ..Compute::default() };
        Ok(Self::with(Base::Packed(model), adapters, config, seed, compute))
    }

    fn with(base: Base, adapters: Adapters, config: AdamWConfig, seed: u64, compute: Compute) -> Self {
        let device = Box::new(Cpu::adapting(base, adapters, config, compute.operands));
        Self { device, graph: Graph::new(compute.recompute), seed, calls: 0 }
    }

    /// As [`crate::Trainer::accumulate`], for the adapters. What is dropped depends on the step, the number of the call within
    /// it and a row's place in its batch: with dropout, a batch in two calls is another draw than the batch in one.
    ///
    /// # Errors
    /// As [`crate::Trainer::accumulate`].
    pub fn accumulate(&mut self, batch: &PackedBatch, objective: &dyn Objective) -> Result<StepStats, EngineError> {
        let call = SplitMix64::for_stream(self.device.steps(), self.calls).next_u64();
        let rate = self.adapters().config().dropout;
        let dropout = Dropout::new(rate, SplitMix64::for_stream(self.seed, call).next_u64());
        let stats = self.graph.accumulate(&mut *self.device, batch, objective, dropout)?;
        self.calls += 1;
        Ok(stats)
    }

    /// As [`crate::Trainer::step`].
    pub fn step(&mut self, lr: f32, max_grad_norm: Option<f32>) -> f32 {
        self.calls = 0;
        clipped_step(&mut *self.device, lr, max_grad_norm)
    }

    /// Forgets the accumulated gradients.
    pub fn zero_gradients(&mut self) {
        self.calls = 0;
        self.device.zero_gradients();
    }

    /// Log-probabilities of the supervised positions, without gradients and without dropout.
    ///
    /// # Errors
    /// [`EngineError::Batch`] or [`EngineError::Token`] when the batch does not fit the model.
    pub fn logprobs(&mut self, batch: &PackedBatch) -> Result<LogProbs, EngineError> {
        self.graph.logprobs(&mut *self.device, batch)
    }

    /// Writes moments and step count (safetensors); gradients are not stored.
    ///
    /// # Errors
    /// [`EngineError::Io`] when the file cannot be written.
    pub fn save_state(&self, path: &Path) -> Result<(), EngineError> {
        self.device.save_state(path)
    }

    /// Reads what [`LoraTrainer::save_state`] wrote; with the same adapters, training goes on bit for bit.
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
    pub fn gradients(&self) -> &Adapters {
        self.trained().2
    }

    /// The current adapters.
    pub fn adapters(&self) -> &Adapters {
        self.trained().1
    }

    /// The model without adapters; `None` when it was packed before.
    pub fn model(&self) -> Option<&Model> {
        self.trained().0
    }

    fn trained(&self) -> (Option<&Model>, &Adapters, &Adapters) {
        let Trained::Adapters(model, adapters, gradients) = self.device.trained() else {
            unreachable!("adapters are trained")
        };
        (model, adapters, gradients)
    }

    /// The model that computes the same without adapters; `None` when it was packed before.
    pub fn merged(&self) -> Option<Model> {
        let (model, adapters, _) = self.trained();
        let mut model = model?.clone();
        adapters.add_all(&mut model);
        Some(model)
    }

    /// The present model to sample from, with the adapters beside the matrices: its log-probabilities are those that training
    /// finds. The packed matrices are the trainer's own.
    pub fn policy(&mut self) -> InferenceModel<'_> {
        self.device.policy()
    }

    /// Ends training.
    pub fn into_adapters(self) -> Adapters {
        let Values::Adapters(adapters) = self.device.into_values() else { unreachable!("adapters are trained") };
        adapters
    }
}
