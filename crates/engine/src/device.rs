//! Devices: where a decoder is trained, scored and sampled from.
//!
//! [`Device`] is the one list of operations that training needs of a device, [`Decoding`] that of generation; [`cpu`] implements
//! both. A device is opened for a model and owns what belongs to it: values, packed matrices, activations, gradients and
//! moments, wherever they lie. Above it ([`crate::graph`], [`crate::Generator`]) there is only the order of the calls, so
//! nothing there knows which device it has. The tests of [`conformance`] run against any device.
//!
//! Shapes: a chunk has `rows` positions of whole sequences, of which the head sees `supervised`; widths are those of
//! [`ModelConfig`]. Activations and gradients are single precision.

#[cfg(test)]
mod conformance;
pub(crate) mod cpu;
#[cfg(test)]
mod reference;

use std::fmt::Debug;
use std::path::Path;

use crate::chunk::Chunk;
use crate::dropout::Dropout;
use crate::generate::pages::Cache;
use crate::{Adapters, EngineError, InferenceModel, Model, ModelConfig, Objective, Weights};

/// What the forward pass keeps for the backward pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Nothing: buffers are used in turn.
    #[default]
    Nothing,
    /// The input of every block and all activations of the last two; the rest is computed once more.
    Inputs,
    /// All activations.
    All,
}

/// Values stored for each supervised row: weighted loss, log-probability, entropy.
pub(crate) const RESULTS: usize = 3;

/// The operations of a decoder, in the order in which a step calls them. `layer` counts blocks from 0.
pub(crate) trait Device: Debug + Send + Sync {
    /// Shape of the model.
    fn config(&self) -> &ModelConfig;

    /// Brings packed matrices up to date with the values that were trained since.
    fn refresh(&mut self);

    /// Plans the buffers for a chunk; at most the largest seen is held. `dropout` is that of the inputs of adapters.
    fn begin(&mut self, chunk: &Chunk, kept: Kept, dropout: Option<Dropout>);

    /// Token embeddings, `[rows, hidden]`, and the projections of block 0 (see [`Device::dense`]).
    fn embed(&mut self, chunk: &Chunk);

    /// Causal attention within each sequence and the layer's window: from `[rows, qkv]`, rotated, to `[rows, query]` and the
    /// logarithms of the softmax normalisers, `[rows, heads]`.
    fn attend(&mut self, chunk: &Chunk, layer: usize);

    /// Output projection and SwiGLU layer with their norms and residuals, `[rows, query]` to `[rows, hidden]`, then norm, fused
    /// projection, biases, norms of heads and rotation of the next block, `[rows, qkv]`. Behind the last block only the
    /// supervised rows, `[supervised, hidden]`.
    fn dense(&mut self, chunk: &Chunk, layer: usize);

    /// Last norm, head and results; with an objective also its gradient back to the decoder's output, `[supervised, hidden]`,
    /// and those of head and last norm where they are trained.
    fn head(&mut self, chunk: &Chunk, objective: Option<&dyn Objective>);

    /// Copies the results of [`Device::head`], `[supervised, RESULTS]`, to `results`.
    fn read_results(&self, chunk: &Chunk, results: &mut Vec<f32>);

    /// Logits of the supervised rows, `[supervised, vocab]`, for comparison with other engines.
    fn read_logits(&mut self, chunk: &Chunk, logits: &mut [f32]);

    /// With [`Kept::Inputs`]: the projections of a block once more, from its input.
    fn recompute_projections(&mut self, chunk: &Chunk, layer: usize);

    /// With [`Kept::Inputs`], behind attention: what the way back needs of [`Device::dense`].
    fn recompute_dense(&mut self, chunk: &Chunk, layer: usize);

    /// Backward of [`Device::dense`] up to the projections of the next block: gradients of the residual stream behind attention,
    /// `[rows, hidden]`, and of the attention output, `[rows, query]`; of the last block for the supervised rows.
    fn dense_backward(&mut self, chunk: &Chunk, layer: usize);

    /// Gradients of the down, gate/up and output projections, or of their adapters.
    fn dense_gradients(&mut self, chunk: &Chunk, layer: usize);

    /// Moves what [`Device::dense_backward`] gave for the supervised rows to their places in the chunk; the rest is zero.
    fn spread(&mut self, chunk: &Chunk);

    /// Backward of [`Device::attend`]: gradients of rotated queries, keys and values, `[rows, qkv]`.
    fn attend_backward(&mut self, chunk: &Chunk, layer: usize);

    /// Backward of a block's projections: the gradient of its input, `[rows, hidden]`.
    fn project_backward(&mut self, chunk: &Chunk, layer: usize);

    /// Gradient of the fused projection, or of its adapters.
    fn project_gradients(&mut self, chunk: &Chunk, layer: usize);

    /// Gradients of the embeddings where they are trained; completes the gradients of the chunk.
    fn embed_backward(&mut self, chunk: &Chunk);

    /// Euclidean norm of all gradients together.
    fn gradient_norm(&mut self) -> f64;

    /// One AdamW step on the gradients times `scale`; zeroes them.
    fn adamw(&mut self, learning_rate: f32, scale: f32);

    /// Forgets the gradients.
    fn zero_gradients(&mut self);

    /// Optimiser steps taken.
    fn steps(&self) -> u64;

    /// What is trained, as the host sees it.
    fn trained(&self) -> Trained<'_>;

    /// The present model to sample from.
    fn policy(&mut self) -> InferenceModel<'_>;

    /// Writes moments and step count.
    ///
    /// # Errors
    /// [`EngineError::Io`] when the file cannot be written.
    fn save_state(&self, path: &Path) -> Result<(), EngineError>;

    /// Reads what [`Device::save_state`] wrote.
    ///
    /// # Errors
    /// [`EngineError::Io`], [`EngineError::Format`] or [`EngineError::Shape`]; nothing is changed.
    fn load_state(&mut self, path: &Path) -> Result<(), EngineError>;

    /// Ends training.
    fn into_values(self: Box<Self>) -> Values;
}

/// A sequence that takes part in a step of generation: its last token and the position that this token gets, whose page is
/// writable.
pub(crate) struct Row<'a> {
    pub token: u32,
    pub position: usize,
    pub cache: &'a mut Cache,
}

/// The operations of generation. Workers may call at once, each with its own number; what they compute for a sequence does not
/// depend on the others.
pub(crate) trait Decoding: Send + Sync {
    /// Shape of the model.
    fn config(&self) -> &ModelConfig;

    /// Positions that the token at `position` and those behind it look back to in no layer end here.
    fn oldest_seen(&self, position: usize) -> usize;

    /// Makes ready for sequences of `positions` tokens and for `workers` calls at once.
    fn prepare(&mut self, positions: usize, workers: usize);

    /// Runs a prompt behind the positions that `cache` has computed (at most all but the last), fills the pages and returns the
    /// logits behind its last token, `[vocab]`.
    fn prefill(&self, worker: usize, prompt: &[u32], cache: &mut Cache) -> Vec<f32>;

    /// Runs one token of each sequence and stores its keys and values.
    fn step(&self, worker: usize, rows: &mut [Row<'_>]);

    /// Calls `take` with the logits of the worker's last step, of `rows` sequences, `[rows, vocab]`.
    fn logits(&self, worker: usize, rows: usize, take: &mut dyn FnMut(&[f32]));
}

/// What a device trains, with the gradients that were accumulated.
pub(crate) enum Trained<'a> {
    Nothing,
    Weights(&'a Model, &'a Weights),
    /// The base, unless it is packed.
    Adapters(Option<&'a Model>, &'a Adapters, &'a Adapters),
}

/// What a device trained.
pub(crate) enum Values {
    Nothing,
    Weights(Model),
    Adapters(Adapters),
}
