//! Training: gradients of a packed batch, optimiser steps, and log-probabilities without gradients.

use std::path::Path;

use crate::backward::backward;
use crate::chunk::{Chunk, Select, for_each_chunk};
use crate::forward::{decode, output_slot};
use crate::head::{RESULTS, apply_head};
use crate::optim::{AdamW, global_norm};
use crate::packed::{Direction, PackedModel};
use crate::workspace::Workspace;
use crate::{EngineError, Model, Objective, PackedBatch, Weights, state};

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
    optimiser: AdamW,
    engine: Engine,
}

impl Trainer {
    /// Starts training `model` with empty moments.
    pub fn new(model: Model, config: AdamWConfig) -> Self {
        Self {
            gradients: model.weights.zeros_like(),
            optimiser: AdamW::new(config, &model.weights),
            engine: Engine::new(&model, Direction::Both),
            model,
        }
    }

    /// Adds the gradient of `objective` over `batch` to the gradients. Batches of any size and cut may be accumulated before
    /// one [`Trainer::step`]; the sum does not depend on the cut, up to rounding.
    ///
    /// # Errors
    /// [`EngineError::Batch`] or [`EngineError::Token`] when the batch does not fit the model; the gradients are unchanged.
    pub fn accumulate(&mut self, batch: &PackedBatch, objective: &dyn Objective) -> Result<StepStats, EngineError> {
        batch.validate("accumulate gradients", &self.model.config)?;
        self.engine.refresh(&self.model);
        let Engine { packed, workspace, chunk, .. } = &mut self.engine;
        let (model, gradients) = (&self.model, &mut self.gradients);
        let mut stats = StepStats::default();
        for_each_chunk(batch, Select::Supervised, CHUNK_ROWS, chunk, |chunk| {
            workspace.prepare(&model.config, chunk, true);
            decode(workspace, model, packed, chunk, true);
            let slot = output_slot(model.weights.layers.len(), true);
            apply_head(workspace, model, packed, chunk, slot, Some(objective), Some(gradients));
            backward(workspace, model, packed, chunk, gradients);
            let count = chunk.supervised.len();
            for row in workspace.head.results[..count * RESULTS].chunks_exact(RESULTS) {
                stats.loss_sum += f64::from(row[0]);
                stats.entropy_sum += f64::from(row[2]);
            }
            stats.tokens += count;
        });
        Ok(stats)
    }

    /// One AdamW step at learning rate `lr`, after scaling the gradients to a global norm of at most `max_grad_norm`; zeroes
    /// the gradients. Returns the norm before clipping. When that is not finite (an overflow or NaN in the loss), the weights
    /// and moments stay as they were and only the gradients are zeroed.
    pub fn step(&mut self, lr: f32, max_grad_norm: Option<f32>) -> f32 {
        let norm = global_norm(&mut self.gradients);
        if !norm.is_finite() {
            self.zero_gradients();
            return norm as f32;
        }
        let scale = match max_grad_norm {
            // As `torch.nn.utils.clip_grad_norm_`.
            Some(limit) => (f64::from(limit) / (norm + 1e-6)).min(1.0) as f32,
            None => 1.0,
        };
        self.optimiser.step(&mut self.model.weights, &mut self.gradients, lr, scale);
        self.engine.stale = true;
        norm as f32
    }

    /// Forgets the accumulated gradients.
    pub fn zero_gradients(&mut self) {
        for parameter in self.gradients.parameters_mut() {
            parameter.data.fill(0.0);
        }
    }

    /// Log-probabilities of the supervised positions, without gradients.
    ///
    /// # Errors
    /// [`EngineError::Batch`] or [`EngineError::Token`] when the batch does not fit the model.
    pub fn logprobs(&mut self, batch: &PackedBatch) -> Result<LogProbs, EngineError> {
        self.engine.logprobs(&self.model, batch)
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
        Self { model, engine: Engine::new(model, Direction::Forward) }
    }

    /// Log-probabilities of the supervised positions.
    ///
    /// # Errors
    /// [`EngineError::Batch`] or [`EngineError::Token`] when the batch does not fit the model.
    pub fn logprobs(&mut self, batch: &PackedBatch) -> Result<LogProbs, EngineError> {
        self.engine.logprobs(self.model, batch)
    }

    /// All logits, `[positions, vocab]`, whatever the weights: for comparison with other engines on small batches.
    ///
    /// # Errors
    /// [`EngineError::Batch`] or [`EngineError::Token`] when the batch does not fit the model.
    pub fn logits(&mut self, batch: &PackedBatch) -> Result<Vec<f32>, EngineError> {
        self.engine.logits(self.model, batch)
    }
}

/// Packed weights and buffers.
#[derive(Debug)]
struct Engine {
    packed: PackedModel,
    /// The packed weights are older than the model.
    stale: bool,
    workspace: Workspace,
    chunk: Chunk,
}

impl Engine {
    fn new(model: &Model, direction: Direction) -> Self {
        Self {
            packed: PackedModel::new(&model.config, direction),
            stale: true,
            workspace: Workspace::new(model),
            chunk: Chunk::default(),
        }
    }

    fn refresh(&mut self, model: &Model) {
        if self.stale {
            self.packed.pack(model);
            self.stale = false;
        }
    }

    fn logprobs(&mut self, model: &Model, batch: &PackedBatch) -> Result<LogProbs, EngineError> {
        batch.validate("log-probabilities", &model.config)?;
        self.refresh(model);
        let Self { packed, workspace, chunk, .. } = self;
        let mut found = LogProbs { logp: vec![0.0; batch.len()], entropy: vec![0.0; batch.len()] };
        for_each_chunk(batch, Select::Supervised, CHUNK_ROWS, chunk, |chunk| {
            workspace.prepare(&model.config, chunk, false);
            decode(workspace, model, packed, chunk, false);
            let slot = output_slot(model.weights.layers.len(), false);
            apply_head(workspace, model, packed, chunk, slot, None, None);
            let rows = workspace.head.results.chunks_exact(RESULTS);
            for (entry, row) in chunk.supervised.iter().zip(rows) {
                found.logp[entry.position as usize] = row[1];
                found.entropy[entry.position as usize] = row[2];
            }
        });
        Ok(found)
    }

    fn logits(&mut self, model: &Model, batch: &PackedBatch) -> Result<Vec<f32>, EngineError> {
        batch.validate("logits", &model.config)?;
        self.refresh(model);
        let Self { packed, workspace, chunk, .. } = self;
        let (hidden, vocab) = (model.config.hidden_size, model.config.vocab_size);
        let mut logits = vec![0.0; batch.len() * vocab];
        for_each_chunk(batch, Select::All, CHUNK_ROWS, chunk, |chunk| {
            workspace.prepare(&model.config, chunk, false);
            decode(workspace, model, packed, chunk, false);
            let slot = output_slot(model.weights.layers.len(), false);
            let count = chunk.supervised.len();
            let mut normed = vec![0.0; count * hidden];
            let x = &workspace.blocks[slot].x[..count * hidden];
            let sizes = workspace.sizes;
            crate::kernels::ops::rms_norm(sizes.isa, x, &model.weights.norm, sizes.eps, &mut normed);
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
