//! What the passes read of a model besides its packed matrices.

use crate::weights::{Model, ProjectionExtras};
use crate::{Architecture, InferenceModel, ModelConfig};

/// A model without its packed matrices; training works the same on one in full precision and on one that was packed before.
pub(crate) trait Frame: Sync {
    fn config(&self) -> &ModelConfig;
    fn architecture(&self) -> &Architecture;
    /// Norms and biases of block `index`; `None` behind the last.
    fn block(&self, index: usize) -> Option<FrameBlock<'_>>;
    /// Weight of the norm behind the last block.
    fn last_norm(&self) -> &[f32];
    /// Copies the embedding of `token`, which must be in the vocabulary, to `row`, `[hidden]`.
    fn embed(&self, token: u32, row: &mut [f32]);
}

/// Norms and biases of one block.
#[derive(Clone, Copy)]
pub(crate) struct FrameBlock<'a> {
    pub attn_norm: &'a [f32],
    pub mlp_norm: &'a [f32],
    pub extras: ProjectionExtras<'a>,
}

impl Frame for Model {
    fn config(&self) -> &ModelConfig {
        &self.config
    }

    fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    fn block(&self, index: usize) -> Option<FrameBlock<'_>> {
        let layer = self.weights.layers.get(index)?;
        let extras = layer.projection_extras();
        Some(FrameBlock { attn_norm: &layer.attn_norm, mlp_norm: &layer.mlp_norm, extras })
    }

    fn last_norm(&self) -> &[f32] {
        &self.weights.norm
    }

    fn embed(&self, token: u32, row: &mut [f32]) {
        let first = token as usize * row.len();
        row.copy_from_slice(&self.weights.embed[first..first + row.len()]);
    }
}

impl Frame for InferenceModel<'_> {
    fn config(&self) -> &ModelConfig {
        self.config()
    }

    fn architecture(&self) -> &Architecture {
        self.architecture()
    }

    fn block(&self, index: usize) -> Option<FrameBlock<'_>> {
        let layer = self.layers.get(index)?;
        let extras = layer.projection_extras();
        Some(FrameBlock { attn_norm: &layer.attn_norm, mlp_norm: &layer.mlp_norm, extras })
    }

    fn last_norm(&self) -> &[f32] {
        &self.norm
    }

    fn embed(&self, token: u32, row: &mut [f32]) {
        self.embed(token, row);
    }
}
