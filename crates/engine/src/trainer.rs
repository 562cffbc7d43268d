//! Training: gradients of a packed batch, optimiser steps, and log-probabilities without gradients.

use std::path::Path;

use crate::backward::{Gradients, backward};
use crate::chunk::{Chunk, Select, for_each_chunk};
use crate::dropout::Dropout;
use crate::forward::decode;
use crate::frame::Frame;
use crate::head::{RESULTS, apply_head};
use crate::lora::Adapters;
use crate::optim::{AdamW, Parameters, clipped_step, zero};
use crate::packed::{Direction, PackedModel};
use crate::workspace::{Kept, Workspace};
use crate::{Compute, EngineError, InferenceModel, Model, Objective, Operands, PackedBatch, Weights, state};

/// Rows whose activations are held at a time, unless one sequence is longer.
const CHUNK_ROWS: usize = 1024;

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

/// A model in training: values, gradients, optimiser moments and the reused buffers.
#[derive(Debug)]
pub struct Trainer {
    model: Model,
    gradients: Weights,
    optimiser: AdamW<Weights>,
    engine: Engine,
}

impl Trainer {
    /// Starts training `model` with empty moments.
    pub fn new(model: Model, config: AdamWConfig) -> Self {
        Self::computing(model, config, Compute::default())
    }

    /// As [`Trainer::new`], computing otherwise than by default.
    pub fn computing(model: Model, config: AdamWConfig, compute: Compute) -> Self {
        Self {
            gradients: model.weights.zeros_like(),
            optimiser: AdamW::new(config, &model.weights),
            engine: Engine::new(&model, None, Direction::Both, compute),
            model,
        }
    }

    /// Adds the gradient of `objective` over `batch` to the gradients. Batches of any size and cut may be accumulated before
    /// one [`Trainer::step`]; the sum does not depend on the cut, up to rounding.
    ///
    /// # Errors
    /// [`EngineError::Batch`] or [`EngineError::Token`] when the batch does not fit the model; the gradients are unchanged.
    pub fn accumulate(&mut self, batch: &PackedBatch, objective: &dyn Objective) -> Result<StepStats, EngineError> {
        self.engine.refresh(&self.model);
        self.engine.accumulate(&self.model, batch, objective, &mut Gradients::Weights(&mut self.gradients), None)
    }

    /// One AdamW step at learning rate `lr`, after scaling the gradients to a global norm of at most `max_grad_norm`; zeroes
    /// the gradients. Returns the norm before clipping. When that is not finite (an overflow or NaN in the loss), the weights
    /// and moments stay as they were and only the gradients are zeroed.
    pub fn step(&mut self, lr: f32, max_grad_norm: Option<f32>) -> f32 {
        self.engine.stale = true;
        clipped_step(&mut self.optimiser, &mut self.model.weights, &mut self.gradients, lr, max_grad_norm)
    }

    /// Forgets the accumulated gradients.
    pub fn zero_gradients(&mut self) {
        zero(&mut self.gradients);
    }

    /// Log-probabilities of the supervised positions, without gradients.
    ///
    /// # Errors
    /// [`EngineError::Batch`] or [`EngineError::Token`] when the batch does not fit the model.
    pub fn logprobs(&mut self, batch: &PackedBatch) -> Result<LogProbs, EngineError> {
        self.engine.refresh(&self.model);
        self.engine.logprobs(&self.model, batch)
    }

    /// The present model to sample from: its log-probabilities are those that training finds, also with operands in bf16. The
    /// packed matrices are the trainer's own.
    pub fn policy(&mut self) -> InferenceModel<'_> {
        self.engine.refresh(&self.model);
        InferenceModel::of_trainer(&self.model, &self.engine.packed)
    }

    /// Writes moments and step count (safetensors); gradients are not stored.
    ///
    /// # Errors
    /// [`EngineError::Io`] when the file cannot be written.
    pub fn save_state(&self, path: &Path) -> Result<(), EngineError> {
        state::save(path, &self.optimiser, &self.model.config)
    }

    /// Reads what [`Trainer::save_state`] wrote; with the same weights, training goes on bit for bit.
    ///
    /// # Errors
    /// [`EngineError::Io`], [`EngineError::Format`] or [`EngineError::Shape`]; the trainer is unchanged.
    pub fn load_state(&mut self, path: &Path) -> Result<(), EngineError> {
        state::load(path, &mut self.optimiser, &self.model.config)
    }

    /// Optimiser steps taken.
    pub fn steps(&self) -> u64 {
        self.optimiser.steps
    }

    /// The accumulated gradients.
    pub fn gradients(&self) -> &Weights {
        &self.gradients
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
#[derive(Debug)]
pub struct Scorer<'a> {
    model: &'a Model,
    engine: Engine,
}

impl<'a> Scorer<'a> {
    /// Packs the weights of `model`.
    pub fn new(model: &'a Model) -> Self {
        Self::computing(model, Compute::default())
    }

    /// As [`Scorer::new`], computing as a trainer does.
    pub fn computing(model: &'a Model, compute: Compute) -> Self {
        Self { model, engine: Engine::new(model, None, Direction::Forward, compute) }
    }

    /// Log-probabilities of the supervised positions.
    ///
    /// # Errors
    /// [`EngineError::Batch`] or [`EngineError::Token`] when the batch does not fit the model.
    pub fn logprobs(&mut self, batch: &PackedBatch) -> Result<LogProbs, EngineError> {
        self.engine.refresh(self.model);
        self.engine.logprobs(self.model, batch)
    }

    /// All logits, `[positions, vocab]`, whatever the weights: for comparison with other engines on small batches.
    ///
    /// # Errors
    /// [`EngineError::Batch`] or [`EngineError::Token`] when the batch does not fit the model.
    pub fn logits(&mut self, batch: &PackedBatch) -> Result<Vec<f32>, EngineError> {
        self.engine.refresh(self.model);
        self.engine.logits(self.model, batch)
    }
}

/// Packed weights and buffers.
#[derive(Debug)]
pub(crate) struct Engine {
    pub packed: PackedModel,
    direction: Direction,
    kept: Kept,
    /// What is packed is older than what is trained.
    pub stale: bool,
    workspace: Workspace,
    chunk: Chunk,
}

impl Engine {
    /// Buffers for a model, and for adapters that fit it.
    pub(crate) fn new(model: &Model, adapters: Option<&Adapters>, direction: Direction, compute: Compute) -> Self {
        let packed = PackedModel::new(&model.config, direction, compute.operands);
        Self::with(packed, model, adapters, direction, compute)
    }

    /// Buffers for adapters of a model that is packed already.
    pub(crate) fn frozen(model: &InferenceModel<'_>, adapters: &Adapters, recompute: bool) -> Self {
        let compute = Compute { operands: Operands::Single, recompute };
        Self::with(PackedModel::frozen(model), model, Some(adapters), Direction::Both, compute)
    }

    fn with(
        packed: PackedModel,
        model: &dyn Frame,
        adapters: Option<&Adapters>,
        direction: Direction,
        compute: Compute,
    ) -> Self {
        let Compute { operands, recompute } = compute;
        Self {
            packed,
            direction,
            kept: if recompute { Kept::Inputs } else { Kept::All },
            stale: true,
            workspace: Workspace::new(model, adapters, operands),
            chunk: Chunk::default(),
        }
    }

    /// Packs the model's values if they changed.
    fn refresh(&mut self, model: &Model) {
        if self.stale {
            self.packed.pack(model);
            self.stale = false;
        }
    }

    /// Packs the values of the adapters if they changed.
    pub(crate) fn refresh_adapters(&mut self, adapters: &Adapters) {
        if self.stale {
            self.packed.pack_adapters(adapters, self.direction);
            self.stale = false;
        }
    }

    /// Packs the values of a model that stays as it is.
    pub(crate) fn pack(&mut self, model: &Model) {
        self.packed.pack(model);
    }

    /// See [`Trainer::accumulate`]; everything must be packed.
    pub(crate) fn accumulate(
        &mut self,
        model: &dyn Frame,
        batch: &PackedBatch,
        objective: &dyn Objective,
        gradients: &mut Gradients<'_>,
        dropout: Option<Dropout>,
    ) -> Result<StepStats, EngineError> {
        batch.validate("accumulate gradients", model.config())?;
        let Self { packed, workspace, chunk, kept, .. } = self;
        workspace.dropout = dropout;
        let mut stats = StepStats::default();
        for_each_chunk(batch, Select::Supervised, CHUNK_ROWS, chunk, |chunk| {
            workspace.prepare(model.config(), chunk, *kept);
            decode(workspace, model, packed, chunk);
            apply_head(workspace, model, packed, chunk, Some(objective), Some(&mut *gradients));
            backward(workspace, model, packed, chunk, gradients);
            let count = chunk.supervised.len();
            for row in workspace.head.results[..count * RESULTS].chunks_exact(RESULTS) {
                stats.loss_sum += f64::from(row[0]);
                stats.entropy_sum += f64::from(row[2]);
            }
            stats.tokens += count;
        });
        workspace.dropout = None;
        Ok(stats)
    }

    pub(crate) fn logprobs(&mut self, model: &dyn Frame, batch: &PackedBatch) -> Result<LogProbs, EngineError> {
        batch.validate("log-probabilities", model.config())?;
        let Self { packed, workspace, chunk, .. } = self;
        let mut found = LogProbs { logp: vec![0.0; batch.len()], entropy: vec![0.0; batch.len()] };
        for_each_chunk(batch, Select::Supervised, CHUNK_ROWS, chunk, |chunk| {
            workspace.prepare(model.config(), chunk, Kept::Nothing);
            decode(workspace, model, packed, chunk);
            apply_head(workspace, model, packed, chunk, None, None);
            let rows = workspace.head.results.chunks_exact(RESULTS);
            for (entry, row) in chunk.supervised.iter().zip(rows) {
                found.logp[entry.position as usize] = row[1];
                found.entropy[entry.position as usize] = row[2];
            }
        });
        Ok(found)
    }

    fn logits(&mut self, model: &dyn Frame, batch: &PackedBatch) -> Result<Vec<f32>, EngineError> {
        batch.validate("logits", model.config())?;
        let Self { packed, workspace, chunk, .. } = self;
        let (hidden, vocab) = (model.config().hidden_size, model.config().vocab_size);
        let mut logits = vec![0.0; batch.len() * vocab];
        for_each_chunk(batch, Select::All, CHUNK_ROWS, chunk, |chunk| {
            workspace.prepare(model.config(), chunk, Kept::Nothing);
            decode(workspace, model, packed, chunk);
            let count = chunk.supervised.len();
            let mut normed = vec![0.0; count * hidden];
            let x = &workspace.output(model.config().num_hidden_layers)[..count * hidden];
            let sizes = workspace.sizes;
            crate::kernels::ops::rms_norm(sizes.isa, x, model.last_norm(), sizes.eps, &mut normed);
            // All positions are chosen and chunks follow each other, so the rows are consecutive.
            let first = chunk.supervised.first().map_or(0, |e| e.position as usize);
            packed.head.forward.multiply(
                &normed,
                count,
                &mut logits[first * vocab..(first + count) * vocab],
                crate::kernels::gemm::Store::Overwrite,
            );
        });
        Ok(logits)
    }
}
