//! Training of adapters on a model that stays as it is.

use std::path::Path;

use super::Adapters;
use crate::backward::Gradients;
use crate::dropout::Dropout;
use crate::frame::Frame;
use crate::optim::{AdamW, Parameters, clipped_step, zero};
use crate::packed::Direction;
use crate::rng::SplitMix64;
use crate::trainer::Engine;
use crate::{
    AdamWConfig, Compute, EngineError, InferenceModel, LogProbs, Model, Objective, PackedBatch, StepStats, state,
};

/// The model that stays as it is.
#[derive(Debug)]
enum Base {
    Single(Model),
    Packed(InferenceModel<'static>),
}

impl Base {
    fn frame(&self) -> &dyn Frame {
        match self {
            Self::Single(model) => model,
            Self::Packed(model) => model,
        }
    }
}

/// A frozen model and its adapters in training; used like [`crate::Trainer`].
#[derive(Debug)]
pub struct LoraTrainer {
    base: Base,
    adapters: Adapters,
    gradients: Adapters,
    optimiser: AdamW<Adapters>,
    engine: Engine,
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
        let mut engine = Engine::new(&model, Some(&adapters), Direction::Both, compute);
        engine.pack(&model);
        Ok(Self::with(Base::Single(model), engine, adapters, config, seed))
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
        let engine = Engine::frozen(&model, &adapters, recompute);
        Ok(Self::with(Base::Packed(model), engine, adapters, config, seed))
    }

    fn with(base: Base, engine: Engine, adapters: Adapters, config: AdamWConfig, seed: u64) -> Self {
        Self {
            gradients: adapters.zeros_like(),
            optimiser: AdamW::new(config, &adapters),
            engine,
            base,
            adapters,
            seed,
            calls: 0,
        }
    }

    /// As [`crate::Trainer::accumulate`], for the adapters. What is dropped depends on the step, the number of the call within
    /// it and a row's place in its batch: with dropout, a batch in two calls is another draw than the batch in one.
    ///
    /// # Errors
    /// As [`crate::Trainer::accumulate`].
    pub fn accumulate(&mut self, batch: &PackedBatch, objective: &dyn Objective) -> Result<StepStats, EngineError> {
        self.engine.refresh_adapters(&self.adapters);
        let call = SplitMix64::for_stream(self.optimiser.steps, self.calls).next_u64();
        let dropout = Dropout::new(self.adapters.config().dropout, SplitMix64::for_stream(self.seed, call).next_u64());
        let mut gradients = Gradients::Adapters(&mut self.gradients);
        let stats = self.engine.accumulate(self.base.frame(), batch, objective, &mut gradients, dropout)?;
        self.gradients.clear_outside();
        self.calls += 1;
        Ok(stats)
    }

    /// As [`crate::Trainer::step`].
    pub fn step(&mut self, lr: f32, max_grad_norm: Option<f32>) -> f32 {
        self.calls = 0;
        self.engine.stale = true;
        clipped_step(&mut self.optimiser, &mut self.adapters, &mut self.gradients, lr, max_grad_norm)
    }

    /// Forgets the accumulated gradients.
    pub fn zero_gradients(&mut self) {
        self.calls = 0;
        zero(&mut self.gradients);
    }

    /// Log-probabilities of the supervised positions, without gradients and without dropout.
    ///
    /// # Errors
    /// [`EngineError::Batch`] or [`EngineError::Token`] when the batch does not fit the model.
    pub fn logprobs(&mut self, batch: &PackedBatch) -> Result<LogProbs, EngineError> {
        self.engine.refresh_adapters(&self.adapters);
        self.engine.logprobs(self.base.frame(), batch)
    }

    /// Writes moments and step count (safetensors); gradients are not stored.
    ///
    /// # Errors
    /// [`EngineError::Io`] when the file cannot be written.
    pub fn save_state(&self, path: &Path) -> Result<(), EngineError> {
        state::save(path, &self.optimiser, self.base.frame().config())
    }

    /// Reads what [`LoraTrainer::save_state`] wrote; with the same adapters, training goes on bit for bit.
    ///
    /// # Errors
    /// [`EngineError::Io`], [`EngineError::Format`] or [`EngineError::Shape`]; the trainer is unchanged.
    pub fn load_state(&mut self, path: &Path) -> Result<(), EngineError> {
        state::load(path, &mut self.optimiser, self.base.frame().config())
    }

    /// Optimiser steps taken.
    pub fn steps(&self) -> u64 {
        self.optimiser.steps
    }

    /// The accumulated gradients.
    pub fn gradients(&self) -> &Adapters {
        &self.gradients
    }

    /// The current adapters.
    pub fn adapters(&self) -> &Adapters {
        &self.adapters
    }

    /// The model without adapters; `None` when it was packed before.
    pub fn model(&self) -> Option<&Model> {
        match &self.base {
            Base::Single(model) => Some(model),
            Base::Packed(_) => None,
        }
    }

    /// The model that computes the same without adapters; `None` when it was packed before.
    pub fn merged(&self) -> Option<Model> {
        let mut model = self.model()?.clone();
        self.adapters.add_all(&mut model);
        Some(model)
    }

    /// The present model to sample from, with the adapters beside the matrices: its log-probabilities are those that training
    /// finds. The packed matrices are the trainer's own.
    pub fn policy(&self) -> InferenceModel<'_> {
        let base = match &self.base {
            Base::Single(model) => InferenceModel::of_trainer(model, &self.engine.packed),
            Base::Packed(model) => model.share(),
        };
        let policy = base.with_adapters(&self.adapters);
        policy.unwrap_or_else(|_| unreachable!("the adapters were checked when training began"))
    }

    /// Ends training.
    pub fn into_adapters(self) -> Adapters {
        self.adapters
    }
}
