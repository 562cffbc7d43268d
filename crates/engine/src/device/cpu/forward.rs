//! The forward operations.
//!
//! Two parallel jobs for each block: attention (one task for each head group of each sequence), and everything else (one
//! task for each tile of rows, from the attention output to the next block's rotated projections), so that a tile's
//! activations are used while they are in the cache.

use crate::chunk::Chunk;
use crate::device::cpu::packed::{PackedLayer, PackedModel, Side};
use crate::device::cpu::workspace::{BlockBuffers, Sizes, Workspace};
use crate::dropout::Dropout;
use crate::frame::{Frame, FrameBlock};
use crate::kernels::AlignedVec;
use crate::kernels::attention::{self, HeadGroup};
use crate::kernels::gemm::Store;
use crate::kernels::ops::{self, Turn};
use crate::pool::{Parts, Scratch, run_parts};
use crate::rotary::RotaryTable;

/// Everything behind the attention of block `index`, and the projections of the next; behind the last block the decoder's
/// output for the chunk's supervised rows.
pub(super) fn dense(workspace: &mut Workspace, model: &dyn Frame, packed: &PackedModel, chunk: &Chunk, index: usize) {
    let (sizes, kept) = (workspace.sizes, workspace.kept);
    let inputs = workspace.inputs.get_disjoint_mut([kept.input(index), kept.input(index + 1)]);
    let (Some(weights), Some(matrices), Ok([x, next_x])) = (model.block(index), packed.layers.get(index), inputs)
    else {
        return;
    };
    if let (Some(next_weights), Some(next_matrices), Ok([block, next])) = (
        model.block(index + 1),
        packed.layers.get(index + 1),
        workspace.blocks.get_disjoint_mut([kept.block(index), kept.block(index + 1)]),
    ) {
        let rows = chunk.rows();
        let BlockBuffers { attended, mid, gate_up, .. } = block;
        let (x, attended) = (&x[..], &attended[..]);
        let (rotary, dropout) = (&workspace.rotary, workspace.dropout);
        run_parts(
            rows.div_ceil(sizes.row_tile),
            &mut workspace.scratch,
            [
                Parts::even(&mut mid[..rows * sizes.hidden], sizes.row_tile * sizes.hidden),
                Parts::even(&mut gate_up[..rows * 2 * sizes.wide], sizes.row_tile * 2 * sizes.wide),
                Parts::even(&mut next_x[..rows * sizes.hidden], sizes.row_tile * sizes.hidden),
                Parts::even(&mut next.qkv[..rows * sizes.qkv], sizes.row_tile * sizes.qkv),
                Parts::even(&mut next.raw[..rows * sizes.raw], sizes.row_tile * sizes.raw),
            ],
            |tile, scratch, [mid, gate_up, out, qkv, raw]| {
                let first = tile * sizes.row_tile;
                let count = out.len() / sizes.hidden;
                let x = &x[first * sizes.hidden..][..count * sizes.hidden];
                let (spare, scratch) = scratch.split_at_mut(sizes.spare);
                let positions = &chunk.positions[first..first + count];
                let mut side = Side { layer: index, spare, dropout, positions };
                let (gathered, scratch) = scratch.split_at_mut(sizes.row_tile * sizes.query);
                let gathered = &mut gathered[..count * sizes.query];
                gather_attended(&sizes, attended, rows, first..first + count, gathered);
                feed_forward(&sizes, weights, matrices, gathered, x, mid, gate_up, out, scratch, &mut side);
                side.layer = index + 1;
                project(
                    &sizes,
                    next_weights,
                    next_matrices,
                    out,
                    &chunk.places[first..first + count],
                    rotary,
                    [qkv, raw],
                    scratch,
                    &mut side,
                );
            },
        );
    } else if let Some(block) = workspace.blocks.get_mut(kept.block(index)) {
        let chosen = Chosen {
            layer: index,
            rows: &workspace.head_rows,
            positions: &workspace.head_positions,
            dropout: workspace.dropout,
        };
        last_block(&sizes, weights, matrices, (x, block, Some(next_x)), &mut workspace.scratch, &chosen, chunk.rows());
    }
}

/// Computes the projections of block `index` once more, from its input.
pub(super) fn recompute_projections(
    workspace: &mut Workspace,
    model: &dyn Frame,
    packed: &PackedModel,
    chunk: &Chunk,
    index: usize,
) {
    let (sizes, kept, rows) = (workspace.sizes, workspace.kept, chunk.rows());
    let Workspace { inputs, blocks, scratch, rotary, dropout, .. } = workspace;
    let (Some(weights), Some(matrices)) = (model.block(index), packed.layers.get(index)) else {
        return;
    };
    let (Some(x), Some(block)) = (inputs.get(kept.input(index)), blocks.get_mut(kept.block(index))) else {
        return;
    };
    let dropout = *dropout;
    run_parts(
        rows.div_ceil(sizes.row_tile),
        scratch,
        [
            Parts::even(&mut block.qkv[..rows * sizes.qkv], sizes.row_tile * sizes.qkv),
            Parts::even(&mut block.raw[..rows * sizes.raw], sizes.row_tile * sizes.raw),
        ],
        |tile, scratch, [qkv, raw]| {
            let first = tile * sizes.row_tile;
            let count = qkv.len() / sizes.qkv;
            let x = &x[first * sizes.hidden..][..count * sizes.hidden];
            let places = &chunk.places[first..first + count];
            let (spare, scratch) = scratch.split_at_mut(sizes.spare);
            let mut side = Side { layer: index, spare, dropout, positions: &chunk.positions[first..first + count] };
            project(&sizes, weights, matrices, x, places, rotary, [qkv, raw], scratch, &mut side);
        },
    );
}

/// Computes what [`dense`] computed of block `index` before SwiGLU once more.
pub(super) fn recompute_dense(
    workspace: &mut Workspace,
    model: &dyn Frame,
    packed: &PackedModel,
    chunk: &Chunk,
    index: usize,
) {
    let (sizes, kept, rows) = (workspace.sizes, workspace.kept, chunk.rows());
    let Workspace { inputs, blocks, scratch, head_rows, head_positions, dropout, .. } = workspace;
    let (Some(weights), Some(matrices)) = (model.block(index), packed.layers.get(index)) else {
        return;
    };
    let (Some(x), Some(block)) = (inputs.get(kept.input(index)), blocks.get_mut(kept.block(index))) else {
        return;
    };
    let dropout = *dropout;
    if index + 1 == model.config().num_hidden_layers {
        let chosen = Chosen { layer: index, rows: head_rows, positions: head_positions, dropout };
        last_block(&sizes, weights, matrices, (x, block, None), scratch, &chosen, rows);
        return;
    }
    let BlockBuffers { attended, mid, gate_up, .. } = block;
    run_parts(
        rows.div_ceil(sizes.row_tile),
        scratch,
        [
            Parts::even(&mut mid[..rows * sizes.hidden], sizes.row_tile * sizes.hidden),
            Parts::even(&mut gate_up[..rows * 2 * sizes.wide], sizes.row_tile * 2 * sizes.wide),
        ],
        |tile, scratch, [mid, gate_up]| {
            let first = tile * sizes.row_tile;
            let count = mid.len() / sizes.hidden;
            let x = &x[first * sizes.hidden..][..count * sizes.hidden];
            let (spare, scratch) = scratch.split_at_mut(sizes.spare);
            let mut side = Side { layer: index, spare, dropout, positions: &chunk.positions[first..first + count] };
            let (gathered, scratch) = scratch.split_at_mut(sizes.row_tile * sizes.query);
            let gathered = &mut gathered[..count * sizes.query];
            gather_attended(&sizes, attended, rows, first..first + count, gathered);
            gate_and_up(&sizes, weights, matrices, gathered, x, mid, gate_up, scratch, &mut side);
        },
    );
}

/// Token embeddings and the first block's projections.
pub(super) fn embed(workspace: &mut Workspace, model: &dyn Frame, packed: &PackedModel, chunk: &Chunk) {
    let sizes = workspace.sizes;
    let rows = chunk.rows();
    let Workspace { inputs, blocks, .. } = workspace;
    let (Some(x), Some(block), Some(weights), Some(matrices)) =
        (inputs.first_mut(), blocks.first_mut(), model.block(0), packed.layers.first())
    else {
        return;
    };
    let (rotary, dropout) = (&workspace.rotary, workspace.dropout);
    run_parts(
        rows.div_ceil(sizes.row_tile),
        &mut workspace.scratch,
        [
            Parts::even(&mut x[..rows * sizes.hidden], sizes.row_tile * sizes.hidden),
            Parts::even(&mut block.qkv[..rows * sizes.qkv], sizes.row_tile * sizes.qkv),
            Parts::even(&mut block.raw[..rows * sizes.raw], sizes.row_tile * sizes.raw),
        ],
        |tile, scratch, [x, qkv, raw]| {
            let first = tile * sizes.row_tile;
            let count = x.len() / sizes.hidden;
            let tokens = &chunk.tokens[first..first + count];
            for (row, token) in x.chunks_exact_mut(sizes.hidden).zip(tokens) {
                model.embed(*token, row);
            }
            let places = &chunk.places[first..first + count];
            let (spare, scratch) = scratch.split_at_mut(sizes.spare);
            let mut side = Side { layer: 0, spare, dropout, positions: &chunk.positions[first..first + count] };
            project(&sizes, weights, matrices, x, places, rotary, [qkv, raw], scratch, &mut side);
        },
    );
}

/// Norm, fused query/key/value projection, what the family adds to it, and rotation of one tile.
#[allow(clippy::too_many_arguments)] // operands of one fused step
fn project(
    sizes: &Sizes,
    weights: FrameBlock<'_>,
    matrices: &PackedLayer,
    x: &[f32],
    places: &[u32],
    rotary: &RotaryTable,
    [qkv, raw]: [&mut [f32]; 2],
    scratch: &mut [f32],
    side: &mut Side<'_>,
) {
    let rows = places.len();
    let normed = &mut scratch[..rows * sizes.hidden];
    ops::rms_norm(sizes.isa, x, weights.attn_norm, sizes.eps, normed);
    matrices.qkv.forward(normed, rows, qkv, sizes.qkv, Store::Overwrite, side);
    let turned = sizes.turned();
    let extras = weights.extras;
    if extras.any() {
        for (index, row) in qkv.chunks_exact_mut(sizes.qkv).enumerate() {
            let raw = &mut raw[index * sizes.raw..][..sizes.raw];
            extras.apply(sizes.isa, row, sizes.query, turned, sizes.eps, Some(raw));
        }
    }
    for (row, place) in qkv.chunks_exact_mut(sizes.qkv).zip(places) {
        let (cos, sin) = rotary.at(*place as usize);
        ops::rotate(sizes.isa, &mut row[..turned], cos, sin, Turn::With);
    }
}

/// Attention of every head group of every sequence.
pub(super) fn attend(workspace: &mut Workspace, chunk: &Chunk, index: usize, window: usize) {
    let sizes = workspace.sizes;
    let sequences = chunk.sequences();
    let Some(block) = workspace.blocks.get_mut(workspace.kept.block(index)) else {
        return;
    };
    let qkv = &block.qkv;
    run_parts(
        sizes.key_values * sequences,
        &mut workspace.scratch,
        [Parts::at(&mut block.attended, &workspace.attended_bounds), Parts::at(&mut block.lse, &workspace.lse_bounds)],
        |task, scratch, [out, lse]| {
            let (group, sequence) = (task / sequences, task % sequences);
            let range = chunk.bounds[sequence]..chunk.bounds[sequence + 1];
            attention::attend(sizes.isa, &head_group(&sizes, qkv, range, group, window), out, lse, scratch);
        },
    );
}

/// Head group `group` of the sequence at rows `range`.
pub(crate) fn head_group<'a>(
    sizes: &Sizes,
    qkv: &'a [f32],
    range: std::ops::Range<usize>,
    group: usize,
    window: usize,
) -> HeadGroup<'a> {
    HeadGroup {
        qkv: &qkv[range.start * sizes.qkv..range.end * sizes.qkv],
        width: sizes.qkv,
        length: range.len(),
        head_dim: sizes.head_dim,
        queries: sizes.shared,
        query_column: group * sizes.shared * sizes.head_dim,
        key_column: sizes.query + group * sizes.head_dim,
        value_column: sizes.query + (sizes.key_values + group) * sizes.head_dim,
        window,
    }
}

/// Puts the attention outputs of all head groups side by side for some rows.
pub(crate) fn gather_attended(
    sizes: &Sizes,
    attended: &[f32],
    rows: usize,
    chosen: impl Iterator<Item = usize>,
    out: &mut [f32],
) {
    let width = sizes.shared * sizes.head_dim;
    for (row, out) in chosen.zip(out.chunks_exact_mut(sizes.query)) {
        for (group, out) in out.chunks_exact_mut(width).enumerate() {
            let at = (group * rows + row) * width;
            out.copy_from_slice(&attended[at..at + width]);
        }
    }
}

/// Output projection with residual, norm, and the projections that SwiGLU multiplies, of one tile.
#[allow(clippy::too_many_arguments)] // operands of one fused step
fn gate_and_up(
    sizes: &Sizes,
    weights: FrameBlock<'_>,
    matrices: &PackedLayer,
    attended: &[f32],
    x: &[f32],
    mid: &mut [f32],
    gate_up: &mut [f32],
    scratch: &mut [f32],
    side: &mut Side<'_>,
) {
    let (rows, hidden) = (mid.len() / sizes.hidden, sizes.hidden);
    matrices.o.forward(attended, rows, mid, hidden, Store::AddTo(x, hidden), side);
    let normed = &mut scratch[..rows * hidden];
    ops::rms_norm(sizes.isa, mid, weights.mlp_norm, sizes.eps, normed);
    matrices.gate_up.forward(normed, rows, gate_up, 2 * sizes.wide, Store::Overwrite, side);
}

/// [`gate_and_up`], then SwiGLU and the last projection with residual, of one tile.
#[allow(clippy::too_many_arguments)] // operands of one fused step
fn feed_forward(
    sizes: &Sizes,
    weights: FrameBlock<'_>,
    matrices: &PackedLayer,
    attended: &[f32],
    x: &[f32],
    mid: &mut [f32],
    gate_up: &mut [f32],
    out: &mut [f32],
    scratch: &mut [f32],
    side: &mut Side<'_>,
) {
    let (rows, hidden) = (out.len() / sizes.hidden, sizes.hidden);
    gate_and_up(sizes, weights, matrices, attended, x, mid, gate_up, scratch, side);
    let activated = &mut scratch[..rows * sizes.wide];
    ops::swiglu(sizes.isa, gate_up, sizes.wide, activated);
    matrices.down.forward(activated, rows, out, hidden, Store::AddTo(mid, hidden), side);
}

/// The rows that the head sees.
struct Chosen<'a> {
    layer: usize,
    rows: &'a [u32],
    positions: &'a [u32],
    dropout: Option<Dropout>,
}

/// The last block after attention: only the rows that the head sees, gathered. `buffers` are the block's input, the block and
/// the decoder's output; that is left out when it is known already.
fn last_block(
    sizes: &Sizes,
    weights: FrameBlock<'_>,
    matrices: &PackedLayer,
    buffers: (&[f32], &mut BlockBuffers, Option<&mut AlignedVec>),
    scratch: &mut Scratch,
    chosen: &Chosen<'_>,
    rows: usize,
) {
    let (x, block, output) = buffers;
    let (hidden, wide) = (sizes.hidden, sizes.wide);
    let count = chosen.rows.len();
    let attended = &block.attended;
    let output = output.map_or(&mut [][..], |output| &mut output[..count * hidden]);
    run_parts(
        count.div_ceil(sizes.row_tile),
        scratch,
        [
            Parts::even(&mut block.mid[..count * hidden], sizes.row_tile * hidden),
            Parts::even(&mut block.gate_up[..count * 2 * wide], sizes.row_tile * 2 * wide),
            Parts::even(output, sizes.row_tile * hidden),
        ],
        |tile, scratch, [mid, gate_up, out]| {
            let count = mid.len() / hidden;
            let positions = &chosen.positions[tile * sizes.row_tile..][..count];
            let (spare, scratch) = scratch.split_at_mut(sizes.spare);
            let mut side = Side { layer: chosen.layer, spare, dropout: chosen.dropout, positions };
            let chosen = &chosen.rows[tile * sizes.row_tile..][..count];
            let (gathered, scratch) = scratch.split_at_mut(sizes.row_tile * sizes.query);
            let gathered = &mut gathered[..count * sizes.query];
            let each = chosen.iter().map(|row| *row as usize);
            gather_attended(sizes, attended, rows, each, gathered);
            let (residual, scratch) = scratch.split_at_mut(count * hidden);
            for (row, target) in chosen.iter().zip(residual.chunks_exact_mut(hidden)) {
                target.copy_from_slice(&x[*row as usize * hidden..][..hidden]);
            }
            if out.is_empty() {
                gate_and_up(sizes, weights, matrices, gathered, residual, mid, gate_up, scratch, &mut side);
            } else {
                feed_forward(sizes, weights, matrices, gathered, residual, mid, gate_up, out, scratch, &mut side);
            }
        },
    );
}
