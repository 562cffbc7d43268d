//! The decoder's forward pass over one chunk.
//!
//! Two parallel jobs for each block: attention (one task for each head group of each sequence), and everything else (one
//! task for each tile of rows, from the attention output to the next block's rotated projections), so that a tile's
//! activations are used while they are in the cache.

use crate::Model;
use crate::chunk::Chunk;
use crate::dropout::Dropout;
use crate::kernels::attention::{HeadGroup, attend};
use crate::kernels::gemm::Store;
use crate::kernels::ops::{self, Turn};
use crate::packed::{PackedLayer, PackedModel, Side};
use crate::pool::{Parts, run_parts};
use crate::rotary::RotaryTable;
use crate::weights::LayerWeights;
use crate::workspace::{BlockBuffers, ROW_TILE, Sizes, Workspace};

/// Runs the decoder. Afterwards the buffer that [`output_slot`] names holds, in `x`, the residual stream after the last
/// block for the chunk's supervised rows, `[supervised, hidden]`.
///
/// With `gradients` every block's activations are kept; the last block's `mid` and `gate_up` have the supervised rows only.
/// `workspace` must be prepared for the chunk.
pub(crate) fn decode(workspace: &mut Workspace, model: &Model, packed: &PackedModel, chunk: &Chunk, gradients: bool) {
    let sizes = workspace.sizes;
    let layers = model.weights.layers.len();
    embed(workspace, model, packed, chunk);
    for index in 0..layers {
        attend_block(workspace, chunk, slot(index, gradients), model.architecture.window(index));
        let weights = &model.weights.layers[index];
        let matrices = &packed.layers[index];
        let slots = [slot(index, gradients), slot(index + 1, gradients)];
        let Ok([block, next]) = workspace.blocks.get_disjoint_mut(slots) else {
            continue;
        };
        if let (Some(next_weights), Some(next_matrices)) =
            (model.weights.layers.get(index + 1), packed.layers.get(index + 1))
        {
            let rows = chunk.rows();
            let BlockBuffers { x, attended, mid, gate_up, .. } = block;
            let (x, attended) = (&x[..], &attended[..]);
            let (rotary, dropout) = (&workspace.rotary, workspace.dropout);
            run_parts(
                rows.div_ceil(ROW_TILE),
                &mut workspace.scratch,
                [
                    Parts::even(&mut mid[..rows * sizes.hidden], ROW_TILE * sizes.hidden),
                    Parts::even(&mut gate_up[..rows * 2 * sizes.wide], ROW_TILE * 2 * sizes.wide),
                    Parts::even(&mut next.x[..rows * sizes.hidden], ROW_TILE * sizes.hidden),
                    Parts::even(&mut next.qkv[..rows * sizes.qkv], ROW_TILE * sizes.qkv),
                    Parts::even(&mut next.raw[..rows * sizes.raw], ROW_TILE * sizes.raw),
                ],
                |tile, scratch, [mid, gate_up, out, qkv, raw]| {
                    let first = tile * ROW_TILE;
                    let count = out.len() / sizes.hidden;
                    let x = &x[first * sizes.hidden..][..count * sizes.hidden];
                    let (spare, scratch) = scratch.split_at_mut(sizes.spare);
                    let positions = &chunk.positions[first..first + count];
                    let mut side = Side { layer: index, spare, dropout, positions };
                    let (gathered, scratch) = scratch.split_at_mut(ROW_TILE * sizes.query);
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
        } else {
            let chosen = Chosen {
                layer: index,
                rows: &workspace.head_rows,
                positions: &workspace.head_positions,
                dropout: workspace.dropout,
            };
            last_block(&sizes, weights, matrices, (block, next), &mut workspace.scratch, &chosen, chunk.rows());
        }
    }
}

/// Index of the buffers of block `index`: its own when all are kept, else two are used in turn.
pub(crate) fn slot(index: usize, gradients: bool) -> usize {
    if gradients { index } else { index % 2 }
}

/// Index of the buffers whose `x` is the decoder's output.
pub(crate) fn output_slot(layers: usize, gradients: bool) -> usize {
    slot(layers, gradients)
}

/// Token embeddings and the first block's projections.
fn embed(workspace: &mut Workspace, model: &Model, packed: &PackedModel, chunk: &Chunk) {
    let sizes = workspace.sizes;
    let rows = chunk.rows();
    let (Some(block), Some(weights), Some(matrices)) =
        (workspace.blocks.first_mut(), model.weights.layers.first(), packed.layers.first())
    else {
        return;
    };
    let (rotary, dropout) = (&workspace.rotary, workspace.dropout);
    run_parts(
        rows.div_ceil(ROW_TILE),
        &mut workspace.scratch,
        [
            Parts::even(&mut block.x[..rows * sizes.hidden], ROW_TILE * sizes.hidden),
            Parts::even(&mut block.qkv[..rows * sizes.qkv], ROW_TILE * sizes.qkv),
            Parts::even(&mut block.raw[..rows * sizes.raw], ROW_TILE * sizes.raw),
        ],
        |tile, scratch, [x, qkv, raw]| {
            let first = tile * ROW_TILE;
            let count = x.len() / sizes.hidden;
            let tokens = &chunk.tokens[first..first + count];
            for (row, token) in x.chunks_exact_mut(sizes.hidden).zip(tokens) {
                let at = *token as usize * sizes.hidden;
                row.copy_from_slice(&model.weights.embed[at..at + sizes.hidden]);
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
    weights: &LayerWeights,
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
    ops::rms_norm(sizes.isa, x, &weights.attn_norm, sizes.eps, normed);
    matrices.qkv.forward(normed, rows, qkv, sizes.qkv, Store::Overwrite, side);
    let turned = sizes.turned();
    let extras = weights.projection_extras();
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
fn attend_block(workspace: &mut Workspace, chunk: &Chunk, slot: usize, window: usize) {
    let sizes = workspace.sizes;
    let sequences = chunk.sequences();
    let Some(block) = workspace.blocks.get_mut(slot) else {
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
            attend(sizes.isa, &head_group(&sizes, qkv, range, group, window), out, lse, scratch);
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

/// Output projection with residual, norm, SwiGLU layer with residual, of one tile.
#[allow(clippy::too_many_arguments)] // operands of one fused step
fn feed_forward(
    sizes: &Sizes,
    weights: &LayerWeights,
    matrices: &PackedLayer,
    attended: &[f32],
    x: &[f32],
    mid: &mut [f32],
    gate_up: &mut [f32],
    out: &mut [f32],
    scratch: &mut [f32],
    side: &mut Side<'_>,
) {
    let rows = out.len() / sizes.hidden;
    let hidden = sizes.hidden;
    matrices.o.forward(attended, rows, mid, hidden, Store::AddTo(x, hidden), side);
    let (normed, scratch) = scratch.split_at_mut(rows * hidden);
    ops::rms_norm(sizes.isa, mid, &weights.mlp_norm, sizes.eps, normed);
    matrices.gate_up.forward(normed, rows, gate_up, 2 * sizes.wide, Store::Overwrite, side);
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

/// The last block after attention: only the rows that the head sees, gathered. `blocks` are the last and the output buffer.
fn last_block(
    sizes: &Sizes,
    weights: &LayerWeights,
    matrices: &PackedLayer,
    blocks: (&mut BlockBuffers, &mut BlockBuffers),
    scratch: &mut crate::pool::Scratch,
    chosen: &Chosen<'_>,
    rows: usize,
) {
    let (block, output) = blocks;
    let (hidden, wide) = (sizes.hidden, sizes.wide);
    let count = chosen.rows.len();
    let (x, attended) = (&block.x, &block.attended);
    run_parts(
        count.div_ceil(ROW_TILE),
        scratch,
        [
            Parts::even(&mut block.mid[..count * hidden], ROW_TILE * hidden),
            Parts::even(&mut block.gate_up[..count * 2 * wide], ROW_TILE * 2 * wide),
            Parts::even(&mut output.x[..count * hidden], ROW_TILE * hidden),
        ],
        |tile, scratch, [mid, gate_up, out]| {
            let count = out.len() / hidden;
            let positions = &chosen.positions[tile * ROW_TILE..][..count];
            let (spare, scratch) = scratch.split_at_mut(sizes.spare);
            let mut side = Side { layer: chosen.layer, spare, dropout: chosen.dropout, positions };
            let chosen = &chosen.rows[tile * ROW_TILE..][..count];
            let (gathered, scratch) = scratch.split_at_mut(ROW_TILE * sizes.query);
            let gathered = &mut gathered[..count * sizes.query];
            let each = chosen.iter().map(|row| *row as usize);
            gather_attended(sizes, attended, rows, each, gathered);
            let (residual, scratch) = scratch.split_at_mut(count * hidden);
            for (row, target) in chosen.iter().zip(residual.chunks_exact_mut(hidden)) {
                target.copy_from_slice(&x[*row as usize * hidden..][..hidden]);
            }
            feed_forward(sizes, weights, matrices, gathered, residual, mid, gate_up, out, scratch, &mut side);
        },
    );
}
