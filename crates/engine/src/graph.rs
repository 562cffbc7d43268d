//! The order of a decoder's operations, on any device.

use crate::chunk::{Chunk, Select, for_each_chunk};
use crate::device::{Device, Kept, RESULTS};
use crate::dropout::Dropout;
use crate::{EngineError, LogProbs, Objective, PackedBatch, StepStats};

/// Rows whose activations are held at a time, unless one sequence is longer.
const CHUNK_ROWS: usize = 1024;

/// Runs batches through a device, chunk by chunk.
#[derive(Debug)]
pub(crate) struct Graph {
    kept: Kept,
    chunk: Chunk,
    results: Vec<f32>,
}

impl Graph {
    pub(crate) fn new(recompute: bool) -> Self {
        let kept = if recompute { Kept::Inputs } else { Kept::All };
        Self { kept, chunk: Chunk::default(), results: Vec::new() }
    }

    /// See [`crate::Trainer::accumulate`].
    pub(crate) fn accumulate(
        &mut self,
        device: &mut dyn Device,
        batch: &PackedBatch,
        objective: &dyn Objective,
        dropout: Option<Dropout>,
    ) -> Result<StepStats, EngineError> {
        batch.validate("accumulate gradients", device.config())?;
        device.refresh();
        let Self { kept, chunk, results } = self;
        let mut stats = StepStats::default();
        for_each_chunk(batch, Select::Supervised, CHUNK_ROWS, chunk, |chunk| {
            device.begin(chunk, *kept, dropout);
            decode(device, chunk);
            device.head(chunk, Some(objective));
            backward(device, chunk, *kept);
            device.read_results(chunk, results);
            for row in results.chunks_exact(RESULTS) {
                stats.loss_sum += f64::from(row[0]);
                stats.entropy_sum += f64::from(row[2]);
            }
            stats.tokens += chunk.supervised.len();
        });
        Ok(stats)
    }

    /// Log-probabilities and entropies of the supervised positions.
    pub(crate) fn logprobs(&mut self, device: &mut dyn Device, batch: &PackedBatch) -> Result<LogProbs, EngineError> {
        batch.validate("log-probabilities", device.config())?;
        device.refresh();
        let Self { chunk, results, .. } = self;
        let mut found = LogProbs { logp: vec![0.0; batch.len()], entropy: vec![0.0; batch.len()] };
        for_each_chunk(batch, Select::Supervised, CHUNK_ROWS, chunk, |chunk| {
            device.begin(chunk, Kept::Nothing, None);
            decode(device, chunk);
            device.head(chunk, None);
            device.read_results(chunk, results);
            for (entry, row) in chunk.supervised.iter().zip(results.chunks_exact(RESULTS)) {
                found.logp[entry.position as usize] = row[1];
                found.entropy[entry.position as usize] = row[2];
            }
        });
        Ok(found)
    }

    /// Logits of all positions, `[positions, vocab]`.
    pub(crate) fn logits(&mut self, device: &mut dyn Device, batch: &PackedBatch) -> Result<Vec<f32>, EngineError> {
        batch.validate("logits", device.config())?;
        device.refresh();
        let vocab = device.config().vocab_size;
        let mut logits = vec![0.0; batch.len() * vocab];
        for_each_chunk(batch, Select::All, CHUNK_ROWS, &mut self.chunk, |chunk| {
            device.begin(chunk, Kept::Nothing, None);
            decode(device, chunk);
            // All positions are chosen and chunks follow each other, so the rows are consecutive.
            let first = chunk.supervised.first().map_or(0, |entry| entry.position as usize);
            device.read_logits(chunk, &mut logits[first * vocab..(first + chunk.supervised.len()) * vocab]);
        });
        Ok(logits)
    }
}

/// From tokens to the decoder's output.
fn decode(device: &mut dyn Device, chunk: &Chunk) {
    device.embed(chunk);
    for layer in 0..device.config().num_hidden_layers {
        device.attend(chunk, layer);
        device.dense(chunk, layer);
    }
}

/// From the gradient of the decoder's output to all other gradients.
fn backward(device: &mut dyn Device, chunk: &Chunk, kept: Kept) {
    let layers = device.config().num_hidden_layers;
    for layer in (0..layers).rev() {
        // Those of the last two blocks are kept.
        if kept == Kept::Inputs && layer + 2 < layers {
            device.recompute_projections(chunk, layer);
            device.attend(chunk, layer);
            device.recompute_dense(chunk, layer);
        }
        device.dense_backward(chunk, layer);
        device.dense_gradients(chunk, layer);
        if layer + 1 == layers {
            device.spread(chunk);
        }
        device.attend_backward(chunk, layer);
        device.project_backward(chunk, layer);
        device.project_gradients(chunk, layer);
    }
    device.embed_backward(chunk);
}

/// Scales the gradients to a global norm of at most `max_norm` and takes one AdamW step; returns the norm before scaling. When
/// that is not finite, the gradients are only forgotten.
pub(crate) fn clipped_step(device: &mut dyn Device, learning_rate: f32, max_norm: Option<f32>) -> f32 {
    let norm = device.gradient_norm();
    if !norm.is_finite() {
        device.zero_gradients();
        return norm as f32;
    }
    let scale = match max_norm {
        // As `torch.nn.utils.clip_grad_norm_`.
        Some(limit) => (f64::from(limit) / (norm + 1e-6)).min(1.0) as f32,
        None => 1.0,
    };
    device.adamw(learning_rate, scale);
    norm as f32
}
