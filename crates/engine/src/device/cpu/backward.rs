//! The backward operations, written by hand.
//!
//! Five parallel jobs for each block, last block first: the rows of the feed-forward part back to the attention output; the
//! gradients of the three weights behind it; attention; the rows of the projection; the gradient of its weight. Normalised
//! inputs and SwiGLU outputs are computed again instead of being kept. Where adapters are trained, their two small weights
//! take the place of each large one.

mod strips;

use std::ops::Range;

use crate::Weights;
use crate::chunk::Chunk;
use crate::device::cpu::forward::{gather_attended, head_group};
use crate::device::cpu::head::sum_tiles;
use crate::device::cpu::packed::{PackedLayer, PackedModel, Side};
use crate::device::cpu::workspace::{BlockBuffers, GradientBuffers, Sizes, Workspace};
use crate::dropout::Dropout;
use crate::frame::{Frame, FrameBlock};
use crate::kernels::attention_backward::{self, GroupGradient};
use crate::kernels::gemm::PackedMatrix;
use crate::kernels::ops::{self, Turn};
use crate::kernels::outer::block_len;
use crate::pool::{Parts, Scratch, run_parts};
use crate::rotary::RotaryTable;
use strips::{BlockGradients, Factors};
pub(crate) use strips::{Gradients, Strip, strips};

/// The feed-forward part of block `index`: from the gradient of its output to those of the residual stream and of the attention
/// output.
pub(super) fn dense_backward(
    workspace: &mut Workspace,
    model: &dyn Frame,
    packed: &PackedModel,
    chunk: &Chunk,
    index: usize,
    gradients: &mut Gradients<'_>,
) {
    if let Some(layer) = packed.layers.get(index) {
        layer.fill_transposed(&mut workspace.transposed);
    }
    let Some(mut gradients) = gradients.of_block(index) else { return };
    let Some(split) = Split::of(workspace, model, packed, chunk, index) else { return };
    let Split { step, buffers, scratch, chosen, positions, .. } = split;
    step.feed_forward(buffers, scratch, chosen, positions, &mut gradients);
}

/// Gradients of the down, gate/up and output projections of block `index`.
pub(super) fn dense_gradients(workspace: &mut Workspace, rows: usize, index: usize, gradients: &mut Gradients<'_>) {
    let Workspace { sizes, gradient: buffers, scratch, .. } = workspace;
    let Sizes { hidden, wide, query, .. } = *sizes;
    let gate_up = Factors { dy: &buffers.dgate_up, x: &buffers.normed, fused: 2, shape: [2 * wide, hidden] };
    let down = Factors { dy: &buffers.dx, x: &buffers.activated, fused: 3, shape: [hidden, wide] };
    let o = Factors { dy: &buffers.dmid, x: &buffers.attended, fused: 1, shape: [hidden, query] };
    match gradients.of_block(index) {
        Some(BlockGradients::Weights(gradients)) => {
            let strips_of = [
                gate_up.weight(rows, &mut gradients.gate_up),
                down.weight(rows, &mut gradients.down),
                o.weight(rows, &mut gradients.o),
            ];
            strips(sizes, scratch, rows, strips_of);
        }
        Some(BlockGradients::Adapters([_, of_o, of_gate_up, of_down])) => {
            let [a, b] = gate_up.adapter(rows, buffers, sizes, of_gate_up);
            let [c, d] = down.adapter(rows, buffers, sizes, of_down);
            let [e, f] = o.adapter(rows, buffers, sizes, of_o);
            strips(sizes, scratch, rows, [a, b, c, d, e, f]);
        }
        None => {}
    }
}

/// Moves the rows that the head saw to their places in the chunk; the gradients of the others are zero.
pub(super) fn spread_rows(workspace: &mut Workspace, chunk: &Chunk) {
    let Workspace { sizes, gradient: buffers, head_rows, .. } = workspace;
    spread(buffers, sizes, head_rows, chunk.rows());
}

/// Attention of block `index`: gradients of queries, keys and values by head group.
pub(super) fn attend_backward(
    workspace: &mut Workspace,
    model: &dyn Frame,
    packed: &PackedModel,
    chunk: &Chunk,
    index: usize,
) {
    let Some(split) = Split::of(workspace, model, packed, chunk, index) else { return };
    split.step.attention(split.buffers, split.scratch, chunk, split.bounds);
}

/// Rotation, norms of heads, projection and norm of block `index`: the gradient of its input.
pub(super) fn project_backward(
    workspace: &mut Workspace,
    model: &dyn Frame,
    packed: &PackedModel,
    chunk: &Chunk,
    index: usize,
    gradients: &mut Gradients<'_>,
) {
    let Some(mut gradients) = gradients.of_block(index) else { return };
    let Some(split) = Split::of(workspace, model, packed, chunk, index) else { return };
    split.step.projection(split.buffers, split.scratch, split.rotary, chunk, &mut gradients);
}

/// Gradient of the fused projection of block `index`.
pub(super) fn project_gradients(workspace: &mut Workspace, rows: usize, index: usize, gradients: &mut Gradients<'_>) {
    let Workspace { sizes, gradient: buffers, scratch, .. } = workspace;
    let pair = Factors { dy: &buffers.dqkv, x: &buffers.normed, fused: 0, shape: [sizes.qkv, sizes.hidden] };
    match gradients.of_block(index) {
        Some(BlockGradients::Weights(gradients)) => {
            strips(sizes, scratch, rows, [pair.weight(rows, &mut gradients.qkv)]);
        }
        Some(BlockGradients::Adapters([adapter, ..])) => {
            strips(sizes, scratch, rows, pair.adapter(rows, buffers, sizes, adapter));
        }
        None => {}
    }
}

/// Adds the gradients of the embeddings, from that of the first block's input.
pub(super) fn embed_gradients(workspace: &Workspace, chunk: &Chunk, gradients: &mut Weights) {
    let hidden = workspace.sizes.hidden;
    let dx = workspace.gradient.dx.chunks_exact(hidden);
    for (token, row) in chunk.tokens.iter().zip(dx) {
        let at = *token as usize * hidden;
        ops::add(workspace.sizes.isa, row, &mut gradients.embed[at..at + hidden]);
    }
}

/// The workspace as an operation on one block sees it.
struct Split<'a> {
    step: Step<'a>,
    buffers: &'a mut GradientBuffers,
    scratch: &'a mut Scratch,
    rotary: &'a RotaryTable,
    /// Bounds of the parts of [`GradientBuffers::dgroups`].
    bounds: &'a [usize],
    /// Of the last block only the rows that the head sees, and the positions of the rows at work.
    chosen: Option<&'a [u32]>,
    positions: &'a [u32],
}

impl<'a> Split<'a> {
    fn of(
        workspace: &'a mut Workspace,
        model: &'a dyn Frame,
        packed: &'a PackedModel,
        chunk: &'a Chunk,
        index: usize,
    ) -> Option<Self> {
        let Workspace {
            sizes,
            kept,
            inputs,
            blocks,
            gradient: buffers,
            scratch,
            rotary,
            head_rows,
            head_positions,
            dgroup_bounds,
            transposed,
            dropout,
            ..
        } = workspace;
        let packed = packed.layers.get(index)?;
        let step = Step {
            sizes,
            weights: model.block(index)?,
            packed,
            transposed: packed.transposed(transposed),
            x: inputs.get(kept.input(index))?,
            block: blocks.get(kept.block(index))?,
            rows: chunk.rows(),
            window: model.architecture().window(index),
            layer: index,
            dropout: *dropout,
        };
        let last = index + 1 == model.config().num_hidden_layers;
        Some(Self {
            step,
            buffers,
            scratch,
            rotary,
            bounds: dgroup_bounds,
            chosen: last.then_some(head_rows.as_slice()),
            positions: if last { head_positions } else { &chunk.positions },
        })
    }
}

/// One block of the backward pass.
struct Step<'a> {
    sizes: &'a Sizes,
    weights: FrameBlock<'a>,
    packed: &'a PackedLayer,
    /// Its matrices for the way back, in the order of [`crate::lora::ADAPTED`].
    transposed: [&'a PackedMatrix; 4],
    /// Input of the block.
    x: &'a [f32],
    block: &'a BlockBuffers,
    /// Rows of the chunk.
    rows: usize,
    /// Positions that a query looks at.
    window: usize,
    /// Its number.
    layer: usize,
    dropout: Option<Dropout>,
}

impl Step<'_> {
    /// From `dx` (gradient of the block's output) to `dmid`, `dattended` and `delta`; also the operands of the weight
    /// gradients. With `chosen` (the last block) all of these have the chosen rows only.
    fn feed_forward(
        &self,
        buffers: &mut GradientBuffers,
        scratch: &mut Scratch,
        chosen: Option<&[u32]>,
        positions: &[u32],
        gradients: &mut BlockGradients<'_>,
    ) {
        let Sizes { isa, hidden, wide, query, heads, head_dim, eps, widths, operands, row_tile, spare, .. } =
            *self.sizes;
        let rows = chosen.map_or(self.rows, <[u32]>::len);
        let tiles = rows.div_ceil(row_tile);
        let GradientBuffers {
            dx,
            dmid,
            activated,
            dgate_up,
            normed,
            attended,
            dattended,
            delta,
            dnorm,
            lowered,
            dlowered,
            ..
        } = buffers;
        let [_, o, gate_up_back, down] = self.transposed;
        let [_, lowered_o, lowered_gate_up, lowered_down] = lowered;
        let [_, dlowered_o, dlowered_gate_up, dlowered_down] = dlowered;
        let dx = &dx[..rows * hidden];
        let dnorm = &mut dnorm[..tiles * hidden];
        let block_len = |columns| block_len(isa, columns, operands);
        run_parts(
            tiles,
            scratch,
            [
                Parts::even(&mut dmid[..rows * hidden], row_tile * hidden),
                Parts::even(&mut activated[..tiles * block_len(wide)], block_len(wide)),
                Parts::even(&mut dgate_up[..rows * 2 * wide], row_tile * 2 * wide),
                Parts::even(&mut normed[..tiles * block_len(hidden)], block_len(hidden)),
                Parts::even(&mut attended[..tiles * block_len(query)], block_len(query)),
                Parts::even(&mut dattended[..rows * query], row_tile * query),
                Parts::even(&mut delta[..rows * heads], row_tile * heads),
                Parts::even(dnorm, hidden),
                Parts::even(&mut lowered_o[..tiles * block_len(widths[1])], block_len(widths[1])),
                Parts::even(&mut dlowered_o[..rows * widths[1]], row_tile * widths[1]),
                Parts::even(&mut lowered_gate_up[..tiles * block_len(widths[2])], block_len(widths[2])),
                Parts::even(&mut dlowered_gate_up[..rows * widths[2]], row_tile * widths[2]),
                Parts::even(&mut lowered_down[..tiles * block_len(widths[3])], block_len(widths[3])),
                Parts::even(&mut dlowered_down[..rows * widths[3]], row_tile * widths[3]),
            ],
            |tile, scratch, parts| {
                let [dmid, activated, dgate_up, normed, attended, dattended, delta, dnorm, adapters @ ..] = parts;
                let [lowered_o, dlowered_o, lowered_gate_up, dlowered_gate_up, lowered_down, dlowered_down] = adapters;
                let first = tile * row_tile;
                let count = dmid.len() / hidden;
                let (spare, scratch) = scratch.split_at_mut(spare);
                let positions = &positions[first..first + count];
                let mut side = Side { layer: self.layer, spare, dropout: self.dropout, positions };
                let dout = &dx[first * hidden..][..count * hidden];
                let mid = &self.block.mid[first * hidden..][..count * hidden];
                let gate_up = &self.block.gate_up[first * 2 * wide..][..count * 2 * wide];
                // First the gradient of SwiGLU's output, then the output itself.
                let (swiglu, scratch) = scratch.split_at_mut(count * wide);
                self.packed.down.backward(down, dout, count, swiglu, wide, dlowered_down, &mut side);
                ops::swiglu_backward(isa, gate_up, wide, swiglu, dgate_up);
                self.packed.down.put_operands(swiglu, count, [activated, lowered_down], operands, &mut side);
                let (rows_normed, scratch) = scratch.split_at_mut(count * hidden);
                ops::rms_norm(isa, mid, self.weights.mlp_norm, eps, rows_normed);
                let dnormed = &mut scratch[..count * hidden];
                self.packed.gate_up.backward(
                    gate_up_back,
                    dgate_up,
                    count,
                    dnormed,
                    hidden,
                    dlowered_gate_up,
                    &mut side,
                );
                self.packed.gate_up.put_operands(rows_normed, count, [normed, lowered_gate_up], operands, &mut side);
                dnorm.fill(0.0);
                ops::rms_norm_backward(isa, mid, self.weights.mlp_norm, eps, dnormed, dout, dmid, dnorm);
                let range = first..first + count;
                let gathered = &mut scratch[..count * query];
                match chosen {
                    Some(chosen) => {
                        let each = chosen[range].iter().map(|row| *row as usize);
                        gather_attended(self.sizes, &self.block.attended, self.rows, each, gathered);
                    }
                    None => gather_attended(self.sizes, &self.block.attended, self.rows, range, gathered),
                }
                self.packed.o.backward(o, dmid, count, dattended, query, dlowered_o, &mut side);
                ops::row_dots(isa, gathered, dattended, head_dim, delta);
                self.packed.o.put_operands(gathered, count, [attended, lowered_o], operands, &mut side);
            },
        );
        if let Some(gradients) = gradients.weights() {
            sum_tiles(isa, dnorm, &mut gradients.mlp_norm);
        }
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
            attention_backward::attend_backward(sizes.isa, &group, &gradient, dqkv, scratch);
        });
    }

    /// From `dgroups` and `dmid` to `dx`, the gradient of the block's input; also the operands of the weight gradient.
    fn projection(
        &self,
        buffers: &mut GradientBuffers,
        scratch: &mut Scratch,
        rotary: &RotaryTable,
        chunk: &Chunk,
        gradients: &mut BlockGradients<'_>,
    ) {
        let Sizes { isa, hidden, qkv, eps, extra, widths: [width, ..], operands, row_tile, spare, .. } = *self.sizes;
        let rows = self.rows;
        let tiles = rows.div_ceil(row_tile);
        let GradientBuffers { dx, dmid, normed, dgroups, dqkv, dnorm, dextra, lowered, dlowered, .. } = buffers;
        let ([lowered, ..], [dlowered, ..]) = (lowered, dlowered);
        let (dmid, dgroups) = (&dmid[..rows * hidden], &dgroups[..]);
        let dnorm = &mut dnorm[..tiles * hidden];
        let dextra = &mut dextra[..tiles * extra];
        let block_len = |columns| block_len(isa, columns, operands);
        run_parts(
            tiles,
            scratch,
            [
                Parts::even(&mut dx[..rows * hidden], row_tile * hidden),
                Parts::even(&mut dqkv[..rows * qkv], row_tile * qkv),
                Parts::even(&mut normed[..tiles * block_len(hidden)], block_len(hidden)),
                Parts::even(dnorm, hidden),
                Parts::even(dextra, extra),
                Parts::even(&mut lowered[..tiles * block_len(width)], block_len(width)),
                Parts::even(&mut dlowered[..rows * width], row_tile * width),
            ],
            |tile, scratch, [dx, dqkv, normed, dnorm, dextra, lowered, dlowered]| {
                let first = tile * row_tile;
                let count = dx.len() / hidden;
                let (spare, scratch) = scratch.split_at_mut(spare);
                let positions = &chunk.positions[first..first + count];
                let mut side = Side { layer: self.layer, spare, dropout: self.dropout, positions };
                let places = &chunk.places[first..first + count];
                for (index, (row, place)) in dqkv.chunks_exact_mut(qkv).zip(places).enumerate() {
                    self.gather_projection(dgroups, first + index, row);
                    let (cos, sin) = rotary.at(*place as usize);
                    ops::rotate(isa, &mut row[..self.sizes.turned()], cos, sin, Turn::Against);
                }
                if extra > 0 {
                    self.extras(first, dqkv, dextra, scratch);
                }
                let x = &self.x[first * hidden..][..count * hidden];
                let (rows_normed, scratch) = scratch.split_at_mut(count * hidden);
                ops::rms_norm(isa, x, self.weights.attn_norm, eps, rows_normed);
                let dnormed = &mut scratch[..count * hidden];
                self.packed.qkv.backward(self.transposed[0], dqkv, count, dnormed, hidden, dlowered, &mut side);
                self.packed.qkv.put_operands(rows_normed, count, [normed, lowered], operands, &mut side);
                dnorm.fill(0.0);
                let passed = &dmid[first * hidden..][..count * hidden];
                ops::rms_norm_backward(isa, x, self.weights.attn_norm, eps, dnormed, passed, dx, dnorm);
            },
        );
        let Some(gradients) = gradients.weights() else {
            return;
        };
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
        let extras = self.weights.extras;
        dextra.fill(0.0);
        let (dbias, dnorms) = dextra.split_at_mut(extras.bias.len());
        let (dquery_norm, dkey_norm) = dnorms.split_at_mut(extras.q_norm.len());
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
                    extras.q_norm,
                    eps,
                    &dout[..query],
                    &zeros[..query],
                    dqueries,
                    dquery_norm,
                );
                ops::rms_norm_backward(
                    isa,
                    &values[query..],
                    extras.k_norm,
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
