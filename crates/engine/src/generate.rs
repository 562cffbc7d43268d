//! Generation (signatures first).
use std::ops::ControlFlow;

use crate::{EngineError, Model, sampling::Sampling};

/// Why a sequence ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// A stop token was written (it is the last of `tokens`).
    StopToken(u32),
    /// `max_new_tokens` were written.
    MaxNewTokens,
    /// The model's last position was reached.
    MaxPositions,
    /// The callback asked to stop.
    Cancelled,
}

/// One generated sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// New tokens, the stop token included.
    pub tokens: Vec<u32>,
    /// Log-probability of each new token.
    pub logps: Vec<f32>,
    /// Why it ended.
    pub stop: StopReason,
}

/// Generates with prepacked weights.
pub struct Generator<'a> {
    _model: &'a Model,
}

impl<'a> Generator<'a> {
    /// Packs the weights of `model`.
    pub fn new(model: &'a Model) -> Self {
        Self { _model: model }
    }
    /// Largest number of sequences that run at the same time (default 64).
    pub fn with_batch_width(self, _width: usize) -> Self {
        self
    }
    /// Continues every prompt; `seeds` has one entry for each prompt. Results in the order of the prompts.
    pub fn generate(
        &mut self,
        _prompts: &[Vec<u32>],
        _sampling: &Sampling,
        _seeds: &[u64],
    ) -> Result<Vec<Generated>, EngineError> {
        unimplemented!()
    }
    /// As `generate`, with a callback (prompt index, result) as sequences finish.
    pub fn generate_with(
        &mut self,
        _prompts: &[Vec<u32>],
        _sampling: &Sampling,
        _seeds: &[u64],
        _finished: impl FnMut(usize, &Generated) -> ControlFlow<()>,
    ) -> Result<Vec<Generated>, EngineError> {
        unimplemented!()
    }
    /// Continues one prompt and calls `token` with each new token.
    pub fn generate_streaming(
        &mut self,
        _prompt: &[u32],
        _sampling: &Sampling,
        _seed: u64,
        _token: impl FnMut(u32) -> ControlFlow<()>,
    ) -> Result<Generated, EngineError> {
        unimplemented!()
    }
}
