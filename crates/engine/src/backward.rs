//! The decoder's backward pass over one chunk, written by hand.
//!
//! Five parallel jobs for each block, last block first: the rows of the feed-forward part back to the attention output; the
//! gradients of the three weights behind it; attention; the rows of the projection; the gradient of its weight. Normalised
//! inputs and SwiGLU outputs are computed again instead of being kept.

use std::ops::Range;

use crate::chunk::Chunk;
use crate::forward::{gather_attended, head_group};
use crate::head::sum_tiles;
use crate::kernels::attention_backward::{GroupGradient, attend_backward};
use crate::kernels::gemm::{Outer, PackedMatrix, Store, accumulate_outer};
use crate::kernels::ops::{self, Turn};
use crate::packed::{PackedLayer, PackedModel, PackedWeight};
use crate::pool::{Parts, Scratch, run_parts};
use crate::weights::LayerWeights;
use crate::workspace::{BlockBuffers, GradientBuffers, ROW_TILE, Sizes, Workspace, strip_rows};
use crate::{Model, Weights};

/// Adds the gradients of all weights but the head and the last norm to `gradients`, from the gradient of the decoder's
/// output for the supervised rows in `workspace.gradient.dx`.
pub(crate) fn backward(
    workspace: &mut Workspace,
    model: &Model,
    packed: &PackedModel,
    chunk: &Chunk,
    gradients: &mut Weights,
) {
    let layers = model.weights.layers.len();
    let rows = chunk.rows();
    for index in (0..layers).rev() {
        let last = index + 1 == layers;
        let Workspace { sizes, blocks, gradient: buffers, scratch, head_rows, dgroup_bounds, .. } = workspace;
        let (Some(block), Some(packed), Some(weights), Some(gradients)) = (
            blocks.get(index),
            packed.layers.get(index),
            model.weights.layers.get(index),
            gradients.layers.get_mut(index),
        ) else {
            continue;
        };
        let window = model.architecture.window(index);
        let step = Step { sizes, weights, packed, block, rows, window };
        let chosen = last.then_some(head_rows.as_slice());
        step.feed_forward(buffers, scratch, chosen, &mut gradients.mlp_norm);
        let count = chosen.map_or(rows, <[u32]>::len);
        step.feed_forward_weights(buffers, scratch, count, gradients);
        if let Some(chosen) = chosen {
            spread(buffers, sizes, chosen, rows);
        }
        step.attention(buffers, scratch, chunk, dgroup_bounds);
        step.projection(buffers, scratch, &workspace.rotary, &chunk.places, gradients);
        let Workspace { gradient: buffers, scratch, .. } = workspace;
        strips(
            sizes,
            scratch,
            [Strip {
                left: &buffers.dqkv[..rows * sizes.qkv],
                right: &buffers.normed[..rows * sizes.hidden],
                columns: sizes.hidden,
                gradient: &mut gradients.qkv,
            }],
        );
    }
    let hidden = workspace.sizes.hidden;
    let dx = workspace.gradient.dx.chunks_exact(hidden);
    for (token, row) in chunk.tokens.iter().zip(dx) {
        let at = *token as usize * hidden;
        ops::add(workspace.sizes.isa, row, &mut gradients.embed[at..at + hidden]);
    }
}

/// One block of the backward pass.
struct Step<'a> {
    sizes: &'a Sizes,
    weights: &'a LayerWeights,
    packed: &'a PackedLayer,
    block: &'a BlockBuffers,
    /// Rows of the chunk.
    rows: usize,
    /// Positions that a query looks at.
    window: usize,
}

fn transposed(weight: &PackedWeight) -> &PackedMatrix {
    // Trainers pack both directions; without the second the forward matrix would fail the shape checks of the product.
    weight.backward.as_ref().unwrap_or(&weight.forward)
}

impl Step<'_> {
    /// From `dx` (gradient of the block's output) to `dmid`, `dattended` and `delta`; also the operands of the weight
    /// gradients. With `chosen` (the last block) all of these have the chosen rows only.
    fn feed_forward(
        &self,
        buffers: &mut GradientBuffers,
        scratch: &mut Scratch,
        chosen: Option<&[u32]>,
        dnorm_weight: &mut [f32],
    ) {
        let Sizes { isa, hidden, wide, query, heads, head_dim, eps, .. } = *self.sizes;
        let rows = chosen.map_or(self.rows, <[u32]>::len);
        let tiles = rows.div_ceil(ROW_TILE);
        let GradientBuffers { dx, dmid, activated, dgate_up, normed, attended, dattended, delta, dnorm, .. } = buffers;
        let dx = &dx[..rows * hidden];
        let dnorm = &mut dnorm[..tiles * hidden];
        run_parts(
            tiles,
            scratch,
            [
                Parts::even(&mut dmid[..rows * hidden], ROW_TILE * hidden),
                Parts::even(&mut activated[..rows * wide], ROW_TILE * wide),
                Parts::even(&mut dgate_up[..rows * 2 * wide], ROW_TILE * 2 * wide),
                Parts::even(&mut normed[..rows * hidden], ROW_TILE * hidden),
                Parts::even(&mut attended[..rows * query], ROW_TILE * query),
                Parts::even(&mut dattended[..rows * query], ROW_TILE * query),
                Parts::even(&mut delta[..rows * heads], ROW_TILE * heads),
                Parts::even(dnorm, hidden),
            ],
            |tile, scratch, [dmid, activated, dgate_up, normed, attended, dattended, delta, dnorm]| {
                let first = tile * ROW_TILE;
                let count = dmid.len() / hidden;
                let dout = &dx[first * hidden..][..count * hidden];
                let mid = &self.block.mid[first * hidden..][..count * hidden];
                let gate_up = &self.block.gate_up[first * 2 * wide..][..count * 2 * wide];
                let (dactivated, scratch) = scratch.split_at_mut(count * wide);
                transposed(&self.packed.down).multiply_block(dout, count, dactivated, wide, Store::Overwrite);
                ops::swiglu_backward(isa, gate_up, wide, dactivated, dgate_up, activated);
                ops::rms_norm(isa, mid, &self.weights.mlp_norm, eps, normed);
                let dnormed = &mut scratch[..count * hidden];
                transposed(&self.packed.gate_up).multiply_block(dgate_up, count, dnormed, hidden, Store::Overwrite);
                dnorm.fill(0.0);
                ops::rms_norm_backward(isa, mid, &self.weights.mlp_norm, eps, dnormed, dout, dmid, dnorm);
                let range = first..first + count;
                match chosen {
                    Some(chosen) => {
                        let each = chosen[range].iter().map(|row| *row as usize);
                        gather_attended(self.sizes, &self.block.attended, self.rows, each, attended);
                    }
                    None => gather_attended(self.sizes, &self.block.attended, self.rows, range, attended),
                }
                transposed(&self.packed.o).multiply_block(dmid, count, dattended, query, Store::Overwrite);
                ops::row_dots(isa, attended, dattended, head_dim, delta);
            },
        );
        sum_tiles(isa, dnorm, dnorm_weight);
    }

    /// Gradients of the down, gate/up and output projections.
    fn feed_forward_weights(
        &self,
        buffers: &GradientBuffers,
        scratch: &mut Scratch,
        rows: usize,
        gradients: &mut crate::LayerWeights,
    ) {
        let sizes = self.sizes;
        strips(
            sizes,
            scratch,
            [
                Strip {
                    left: &buffers.dgate_up[..rows * 2 * sizes.wide],
                    right: &buffers.normed[..rows * sizes.hidden],
                    columns: sizes.hidden,
                    gradient: &mut gradients.gate_up,
                },
                Strip {
                    left: &buffers.dx[..rows * sizes.hidden],
                    right: &buffers.activated[..rows * sizes.wide],
                    columns: sizes.wide,
                    gradient: &mut gradients.down,
                },
                Strip {
                    left: &buffers.dmid[..rows * sizes.hidden],
                    right: &buffers.attended[..rows * sizes.query],
                    columns: sizes.query,
                    gradient: &mut gradients.o,
                },
            ],
        );
    }

    /// From `dattended` and `delta` to `dgroups`.
    fn attention(&self, buffers: &mut GradientBuffers, scratch: &mut Scratch, chunk: &Chunk, bounds: &[usize]) {
        let sizes = self.sizes;
        let sequences = chunk.sequences();
        let GradientBuffers { dattended, delta, dgroups, .. } = buffers;
        run_parts(sizes.key_values * sequences, scratch, [Parts::at(dgroups, bounds)], |task, scratch, [dqkv]| {
            let (index, sequence) = (task / sequences, task % sequences);
            let Range { start, end } = chunk.bounds[sequence]..chunk.bounds[sequence + 1];
            let group = head_group(sizes, &self.block.qkv, start..end, index, self.window);
            let lse = (index * self.rows + start) * sizes.shared;
            let gradient = GroupGradient {
                dout: &dattended[start * sizes.query..end * sizes.query],
                width: sizes.query,
                column: group.query_column,
                delta: &delta[start * sizes.heads..end * sizes.heads],
                heads: sizes.heads,
                delta_column: index * sizes.shared,
                lse: &self.block.lse[lse..lse + (end - start) * sizes.shared],
            };
            attend_backward(sizes.isa, &group, &gradient, dqkv, scratch);
        });
    }

    /// From `dgroups` and `dmid` to `dx`, the gradient of the block's input; also the operands of the weight gradient.
    fn projection(
        &self,
        buffers: &mut GradientBuffers,
        scratch: &mut Scratch,
        rotary: &crate::rotary::RotaryTable,
        places: &[u32],
        gradients: &mut LayerWeights,
    ) {
        let Sizes { isa, hidden, qkv, eps, extra, .. } = *self.sizes;
        let rows = self.rows;
        let tiles = rows.div_ceil(ROW_TILE);
        let GradientBuffers { dx, dmid, normed, dgroups, dqkv, dnorm, dextra, .. } = buffers;
        let (dmid, dgroups) = (&dmid[..rows * hidden], &dgroups[..]);
        let dnorm = &mut dnorm[..tiles * hidden];
        let dextra = &mut dextra[..tiles * extra];
        run_parts(
            tiles,
            scratch,
            [
                Parts::even(&mut dx[..rows * hidden], ROW_TILE * hidden),
                Parts::even(&mut dqkv[..rows * qkv], ROW_TILE * qkv),
                Parts::even(&mut normed[..rows * hidden], ROW_TILE * hidden),
                Parts::even(dnorm, hidden),
                Parts::even(dextra, extra),
            ],
            |tile, scratch, [dx, dqkv, normed, dnorm, dextra]| {
                let first = tile * ROW_TILE;
                let count = dx.len() / hidden;
                let places = &places[first..first + count];
                for (index, (row, place)) in dqkv.chunks_exact_mut(qkv).zip(places).enumerate() {
                    self.gather_projection(dgroups, first + index, row);
                    let (cos, sin) = rotary.at(*place as usize);
                    ops::rotate(isa, &mut row[..self.sizes.turned()], cos, sin, Turn::Against);
                }
                if extra > 0 {
                    self.extras(first, dqkv, dextra, scratch);
                }
                let x = &self.block.x[first * hidden..][..count * hidden];
                ops::rms_norm(isa, x, &self.weights.attn_norm, eps, normed);
                let dnormed = &mut scratch[..count * hidden];
                transposed(&self.packed.qkv).multiply_block(dqkv, count, dnormed, hidden, Store::Overwrite);
                dnorm.fill(0.0);
                let passed = &dmid[first * hidden..][..count * hidden];
                ops::rms_norm_backward(isa, x, &self.weights.attn_norm, eps, dnormed, passed, dx, dnorm);
            },
        );
        sum_tiles(isa, dnorm, &mut gradients.attn_norm);
        if extra > 0 {
            for tile in dextra.chunks_exact(extra) {
                let (bias, norms) = tile.split_at(gradients.qkv_bias.len());
                let (query, key) = norms.split_at(gradients.q_norm.len());
                ops::add(isa, bias, &mut gradients.qkv_bias);
                ops::add(isa, query, &mut gradients.q_norm);
                ops::add(isa, key, &mut gradients.k_norm);
            }
        }
    }

    /// Takes the gradients of one tile's rotated-back projections, `dqkv` from row `first` on, through the norms of heads
    /// and the biases; `dextra` receives the tile's gradients of biases, query norm and key norm.
    fn extras(&self, first: usize, dqkv: &mut [f32], dextra: &mut [f32], scratch: &mut [f32]) {
        let Sizes { isa, query, qkv, raw, eps, .. } = *self.sizes;
        let weights = self.weights;
        dextra.fill(0.0);
        let (dbias, dnorms) = dextra.split_at_mut(weights.qkv_bias.len());
        let (dquery_norm, dkey_norm) = dnorms.split_at_mut(weights.q_norm.len());
        let (dout, zeros) = scratch.split_at_mut(raw);
        // Nothing passes beside the norms.
        let zeros = &mut zeros[..raw];
        zeros.fill(0.0);
        for (index, row) in dqkv.chunks_exact_mut(qkv).enumerate() {
            if raw > 0 {
                let values = &self.block.raw[(first + index) * raw..][..raw];
                dout.copy_from_slice(&row[..raw]);
                let (dqueries, dkeys) = row[..raw].split_at_mut(query);
                ops::rms_norm_backward(
                    isa,
                    &values[..query],
                    &weights.q_norm,
                    eps,
                    &dout[..query],
                    &zeros[..query],
                    dqueries,
                    dquery_norm,
                );
                ops::rms_norm_backward(
                    isa,
                    &values[query..],
                    &weights.k_norm,
                    eps,
                    &dout[query..],
                    &zeros[query..],
                    dkeys,
                    dkey_norm,
                );
            }
            if !dbias.is_empty() {
                ops::add(isa, row, dbias);
            }
        }
    }

    /// Puts one row of the head groups' gradients into the order of the fused projection.
    fn gather_projection(&self, dgroups: &[f32], row: usize, out: &mut [f32]) {
        let sizes = self.sizes;
        let (wide, head) = (sizes.shared * sizes.head_dim, sizes.head_dim);
        let (queries, rest) = out.split_at_mut(sizes.query);
        let (keys, values) = rest.split_at_mut(sizes.key_values * head);
        for group in 0..sizes.key_values {
            let at = (group * self.rows + row) * sizes.group();
            let source = &dgroups[at..at + sizes.group()];
            queries[group * wide..(group + 1) * wide].copy_from_slice(&source[..wide]);
            keys[group * head..(group + 1) * head].copy_from_slice(&source[wide..wide + head]);
            values[group * head..(group + 1) * head].copy_from_slice(&source[wide + head..]);
        }
    }
}

/// Moves the chosen rows of `dmid`, `dattended` and `delta` to their places in the chunk; the other rows become zero.
fn spread(buffers: &mut GradientBuffers, sizes: &Sizes, chosen: &[u32], rows: usize) {
    for (data, width) in
        [(&mut buffers.dmid, sizes.hidden), (&mut buffers.dattended, sizes.query), (&mut buffers.delta, sizes.heads)]
    {
        // Backwards, so that a row is read before its place is written: entry `i` never lies behind `chosen[i]`.
        let mut left = chosen.len();
        for row in (0..rows).rev() {
            let target = row * width..(row + 1) * width;
            if left > 0 && chosen[left - 1] as usize == row {
                left -= 1;
                data.copy_within(left * width..(left + 1) * width, target.start);
            } else {
                data[target].fill(0.0);
            }
        }
    }
}

/// A weight gradient `[out, columns] += left^T right` with `left` of `[depth, out]` and `right` of `[depth, columns]`.
struct Strip<'a> {
    left: &'a [f32],
    right: &'a [f32],
    columns: usize,
    gradient: &'a mut [f32],
}

/// Adds several weight gradients in one job, cut into strips of about equal work.
fn strips<const N: usize>(sizes: &Sizes, scratch: &mut Scratch, matrices: [Strip<'_>; N]) {
    let mut firsts = [0usize; N];
    let mut tasks = 0;
    for (first, matrix) in firsts.iter_mut().zip(&matrices) {
        *first = tasks;
        let out = matrix.gradient.len() / matrix.columns;
        tasks += out.div_ceil(strip_rows(matrix.columns));
    }
    let operands: [(&[f32], &[f32], usize, usize); N] = std::array::from_fn(|index| {
        let matrix = &matrices[index];
        let out = matrix.gradient.len() / matrix.columns;
        (matrix.left, matrix.right, matrix.columns, out)
    });
    let mut first = firsts.iter();
    let parts = matrices.map(|matrix| {
        let each = strip_rows(matrix.columns) * matrix.columns;
        Parts::even_from(matrix.gradient, each, first.next().copied().unwrap_or(0))
    });
    run_parts(tasks, scratch, parts, |task, memory, parts| {
        for (index, part) in parts.into_iter().enumerate() {
            if part.is_empty() {
                continue;
            }
            let (left, right, columns, out) = operands[index];
            let outer = Outer {
                left,
                left_stride: out,
                first: (task - firsts[index]) * strip_rows(columns),
                rows: part.len() / columns,
                right,
                columns,
                depth: right.len() / columns,
            };
            accumulate_outer(sizes.isa, &outer, part, memory);
        }
    });
}
