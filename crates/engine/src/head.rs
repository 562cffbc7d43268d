//! Last norm, output head and objective, a few hundred supervised rows at a time: the logits of a whole batch never exist.

use crate::backward::Gradients;
use crate::chunk::{Chunk, Supervised};
use crate::kernels::gemm::{Outer, Store, accumulate_outer};
use crate::kernels::ops;
use crate::kernels::simd::Isa;
use crate::packed::{PackedModel, PackedWeight};
use crate::pool::{Parts, Scratch, run_parts};
use crate::workspace::{ROW_TILE, Sizes, Workspace, strip_rows};
use crate::{Model, Objective, TokenLoss};

/// Values stored for each supervised row: weighted loss, log-probability, entropy.
pub(crate) const RESULTS: usize = 3;

/// Loss, log-probability and entropy of every supervised row, into `workspace.head.results`; and, when `gradients` are
/// given, the gradient of the decoder's output into `workspace.gradient.dx`, `[supervised, hidden]`, with the head's and
/// the last norm's added to `gradients`. `output` is the slot of the decoder's output.
pub(crate) fn apply_head(
    workspace: &mut Workspace,
    model: &Model,
    packed: &PackedModel,
    chunk: &Chunk,
    output: usize,
    objective: Option<&dyn Objective>,
    mut gradients: Option<&mut Gradients<'_>>,
) {
    let sizes = workspace.sizes;
    let Workspace { blocks, gradient, head, scratch, .. } = workspace;
    let Some(output) = blocks.get(output) else {
        return;
    };
    let (hidden, vocab) = (sizes.hidden, sizes.vocab);
    let step = sizes.head_rows();
    let rows = chunk.supervised.len();
    for first in (0..rows).step_by(step) {
        let count = step.min(rows - first);
        let pass = Pass { sizes: &sizes, norm: &model.weights.norm, matrix: &packed.head, objective };
        let x = &output.x[first * hidden..(first + count) * hidden];
        let entries = &chunk.supervised[first..first + count];
        let tiles = count.div_ceil(ROW_TILE);
        let logits = &mut head.logits[..count * vocab];
        let normed = &mut head.normed[..count * hidden];
        let results = &mut head.results[first * RESULTS..(first + count) * RESULTS];
        if let Some(gradients) = gradients.as_deref_mut() {
            let dx = &mut gradient.dx[first * hidden..(first + count) * hidden];
            let dnorm = &mut gradient.dnorm[..tiles * hidden];
            run_parts(
                tiles,
                scratch,
                [
                    Parts::even(logits, ROW_TILE * vocab),
                    Parts::even(normed, ROW_TILE * hidden),
                    Parts::even(results, ROW_TILE * RESULTS),
                    Parts::even(dx, ROW_TILE * hidden),
                    Parts::even(dnorm, hidden),
                ],
                |tile, scratch, [logits, normed, results, dx, dnorm]| {
                    let start = tile * ROW_TILE;
                    let x = &x[start * hidden..][..dx.len()];
                    let entries = &entries[start..][..dx.len() / hidden];
                    pass.forward(x, entries, normed, logits, results);
                    pass.backward(x, logits, dx, dnorm, scratch);
                },
            );
            let Gradients::Weights(gradients) = gradients else {
                continue;
            };
            sum_tiles(sizes.isa, dnorm, &mut gradients.norm);
            let matrix = gradients.head.as_mut().unwrap_or(&mut gradients.embed);
            let operands = [&head.logits[..count * vocab], &head.normed[..count * hidden]];
            weight_gradient(sizes.isa, scratch, operands, [vocab, hidden], matrix);
        } else {
            run_parts(
                tiles,
                scratch,
                [
                    Parts::even(logits, ROW_TILE * vocab),
                    Parts::even(normed, ROW_TILE * hidden),
                    Parts::even(results, ROW_TILE * RESULTS),
                ],
                |tile, _, [logits, normed, results]| {
                    let start = tile * ROW_TILE;
                    let x = &x[start * hidden..][..normed.len()];
                    let entries = &entries[start..][..normed.len() / hidden];
                    pass.forward(x, entries, normed, logits, results);
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
    fn forward(&self, x: &[f32], entries: &[Supervised], normed: &mut [f32], logits: &mut [f32], results: &mut [f32]) {
        let sizes = self.sizes;
        ops::rms_norm(sizes.isa, x, self.norm, sizes.eps, normed);
        self.matrix.forward.multiply_block(normed, entries.len(), logits, sizes.vocab, Store::Overwrite);
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
        if let Some(matrix) = &self.matrix.backward {
            matrix.multiply_block(dlogits, rows, dnormed, sizes.hidden, Store::Overwrite);
        }
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

/// `gradient[out, in] += left^T right` for `left` of `[depth, out]` and `right` of `[depth, in]`, in strips of rows.
fn weight_gradient(isa: Isa, scratch: &mut Scratch, operands: [&[f32]; 2], shape: [usize; 2], gradient: &mut [f32]) {
    let [left, right] = operands;
    let [out, input] = shape;
    let rows = strip_rows(input);
    run_parts(out.div_ceil(rows), scratch, [Parts::even(gradient, rows * input)], |task, memory, [part]| {
        let outer = Outer {
            left,
            left_stride: out,
            first: task * rows,
            rows: part.len() / input,
            right,
            columns: input,
            depth: right.len() / input,
        };
        accumulate_outer(isa, &outer, part, memory);
    });
}
