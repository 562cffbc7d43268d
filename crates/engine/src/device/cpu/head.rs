//! Last norm, output head and objective, a few hundred supervised rows at a time: the logits of a whole batch never exist.

use crate::chunk::{Chunk, Supervised};
use crate::device::RESULTS;
use crate::device::cpu::backward::{Gradients, Strip, strips};
use crate::device::cpu::packed::{PackedModel, PackedWeight};
use crate::device::cpu::workspace::{Sizes, Workspace};
use crate::frame::Frame;
use crate::kernels::gemm::Store;
use crate::kernels::ops;
use crate::kernels::outer::{block_len, put_block};
use crate::kernels::simd::Isa;
use crate::pool::{Parts, run_parts};
use crate::{Objective, TokenLoss};

/// Loss, log-probability and entropy of every supervised row, into `workspace.head.results`; and, when `gradients` are
/// given, the gradient of the decoder's output into `workspace.gradient.dx`, `[supervised, hidden]`, with the head's and
/// the last norm's added to `gradients`.
pub(crate) fn apply_head(
    workspace: &mut Workspace,
    model: &dyn Frame,
    packed: &PackedModel,
    chunk: &Chunk,
    objective: Option<&dyn Objective>,
    mut gradients: Option<Gradients<'_>>,
) {
    let sizes = workspace.sizes;
    let Workspace { kept, inputs, gradient, head, scratch, .. } = workspace;
    let output = &inputs[kept.input(model.config().num_hidden_layers)];
    let (hidden, vocab) = (sizes.hidden, sizes.vocab);
    let step = sizes.logits_rows();
    let rows = chunk.supervised.len();
    for first in (0..rows).step_by(step) {
        let count = step.min(rows - first);
        let pass = Pass { sizes: &sizes, norm: model.last_norm(), matrix: &packed.head, objective };
        let x = &output[first * hidden..(first + count) * hidden];
        let entries = &chunk.supervised[first..first + count];
        let tiles = count.div_ceil(sizes.row_tile);
        let logits = &mut head.logits[..count * vocab];
        let results = &mut head.results[first * RESULTS..(first + count) * RESULTS];
        if let Some(gradients) = &mut gradients {
            let dx = &mut gradient.dx[first * hidden..(first + count) * hidden];
            let dnorm = &mut gradient.dnorm[..tiles * hidden];
            let block = block_len(sizes.isa, hidden, sizes.operands);
            run_parts(
                tiles,
                scratch,
                [
                    Parts::even(logits, sizes.row_tile * vocab),
                    Parts::even(&mut head.normed[..tiles * block], block),
                    Parts::even(results, sizes.row_tile * RESULTS),
                    Parts::even(dx, sizes.row_tile * hidden),
                    Parts::even(dnorm, hidden),
                ],
                |tile, scratch, [logits, normed, results, dx, dnorm]| {
                    let start = tile * sizes.row_tile;
                    let x = &x[start * hidden..][..dx.len()];
                    let entries = &entries[start..][..dx.len() / hidden];
                    let (rows, scratch) = scratch.split_at_mut(dx.len());
                    pass.forward(x, entries, rows, [logits, results], scratch);
                    put_block(sizes.isa, rows, hidden, sizes.operands, normed);
                    pass.backward(x, logits, dx, dnorm, scratch);
                },
            );
            let Gradients::Weights(gradients) = gradients else {
                continue;
            };
            sum_tiles(sizes.isa, dnorm, &mut gradients.norm);
            let matrix = gradients.head.as_mut().unwrap_or(&mut gradients.embed);
            let strip =
                Strip { left: &head.logits[..count * vocab], right: &head.normed, columns: hidden, gradient: matrix };
            strips(&sizes, scratch, count, [strip]);
        } else {
            run_parts(
                tiles,
                scratch,
                [Parts::even(logits, sizes.row_tile * vocab), Parts::even(results, sizes.row_tile * RESULTS)],
                |tile, scratch, [logits, results]| {
                    let start = tile * sizes.row_tile;
                    let entries = &entries[start..][..results.len() / RESULTS];
                    let x = &x[start * hidden..][..entries.len() * hidden];
                    let (rows, scratch) = scratch.split_at_mut(x.len());
                    pass.forward(x, entries, rows, [logits, results], scratch);
                },
            );
        }
    }
}

/// What the tiles of the head share.
struct Pass<'a> {
    sizes: &'a Sizes,
    norm: &'a [f32],
    matrix: &'a PackedWeight,
    objective: Option<&'a dyn Objective>,
}

impl Pass<'_> {
    /// Results of a tile; leaves in `logits` the gradient of the logits.
    fn forward(
        &self,
        x: &[f32],
        entries: &[Supervised],
        normed: &mut [f32],
        [logits, results]: [&mut [f32]; 2],
        spare: &mut [f32],
    ) {
        let sizes = self.sizes;
        ops::rms_norm(sizes.isa, x, self.norm, sizes.eps, normed);
        let (rows, vocab) = (entries.len(), sizes.vocab);
        self.matrix.forward.multiply_block(normed, rows, logits, vocab, Store::Overwrite, spare);
        let rows = logits.chunks_exact_mut(sizes.vocab).zip(results.chunks_exact_mut(RESULTS)).zip(entries);
        for ((row, results), entry) in rows {
            let target = entry.target as usize;
            let found = ops::softmax(sizes.isa, row, target);
            let loss = match self.objective {
                Some(objective) => objective.token(entry.position as usize, found.logp, found.entropy),
                None => TokenLoss::default(),
            };
            results.copy_from_slice(&[loss.loss * entry.weight, found.logp, found.entropy]);
            // d logp / d logit = (1 at the target) - probability
            let dlogp = loss.dlogp * entry.weight;
            ops::scale(sizes.isa, row, -dlogp / found.sum);
            if let Some(value) = row.get_mut(target) {
                *value += dlogp;
            }
        }
    }

    fn backward(&self, x: &[f32], dlogits: &[f32], dx: &mut [f32], dnorm: &mut [f32], scratch: &mut [f32]) {
        let sizes = self.sizes;
        let rows = dx.len() / sizes.hidden;
        let (dnormed, rest) = scratch.split_at_mut(dx.len());
        let matrix = self.matrix.transposed();
        matrix.multiply_block(dlogits, rows, dnormed, sizes.hidden, Store::Overwrite, rest);
        let nothing = &mut rest[..dx.len()];
        nothing.fill(0.0);
        dnorm.fill(0.0);
        ops::rms_norm_backward(sizes.isa, x, self.norm, sizes.eps, dnormed, nothing, dx, dnorm);
    }
}

/// Adds the norm gradients of all tiles, in order.
pub(crate) fn sum_tiles(isa: Isa, tiles: &[f32], gradient: &mut [f32]) {
    for tile in tiles.chunks_exact(gradient.len()) {
        ops::add(isa, tile, gradient);
    }
}
