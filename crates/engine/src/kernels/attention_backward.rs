//! Causal grouped-query attention over packed sequences, backward.
//!
//! The probabilities are computed again from the stored logarithm of the normaliser, block by block (Dao et al. 2022,
//! algorithm 4): `P = exp(scale S - lse)`, `dV += P^T dO`, `dS = scale P (dO V^T - delta)`, `dQ += dS K`, `dK += dS^T Q`
//! with `delta = rowsum(dO * O)`.

use super::attention::{
    Block, HeadGroup, KEY_BLOCK, QUERY_BLOCK, SCORE_STRIDE, pack_columns, pack_values, panels_len, scores_block,
    weigh_values,
};
use super::lanes::{LANES, exp};
use super::simd::{Isa, Simd, dispatch};
use super::tile::Tile;

/// Gradient that reaches one head group, and what its forward pass left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupGradient<'a> {
    /// Gradient of the attention output, `[length, width]`; the group's heads start at `column`.
    pub dout: &'a [f32],
    pub width: usize,
    pub column: usize,
    /// `rowsum(dO * O)` of every head, `[length, heads]`; the group's heads start at `delta_column`.
    pub delta: &'a [f32],
    pub heads: usize,
    pub delta_column: usize,
    /// As left by the forward pass, `[length, queries]`.
    pub lse: &'a [f32],
}

/// Scratch that [`attend_backward`] needs.
pub(crate) fn attend_backward_scratch(isa: Isa, length: usize, head_dim: usize) -> usize {
    2 * panels_len(isa, head_dim, length)
        + panels_len(isa, length, head_dim)
        + 2 * panels_len(isa, QUERY_BLOCK, head_dim)
        + 2 * QUERY_BLOCK * SCORE_STRIDE
}

/// Backward of [`super::attention::attend`]: `dqkv`, `[length, (queries + 2) * head_dim]`, receives the gradients of the
/// group's queries, then of its key, then of its value.
pub(crate) fn attend_backward(
    isa: Isa,
    group: &HeadGroup<'_>,
    gradient: &GroupGradient<'_>,
    dqkv: &mut [f32],
    scratch: &mut [f32],
) {
    let (length, queries, head_dim) = (group.length, group.queries, group.head_dim);
    group.check([
        ("gradient", dqkv.len(), length * (queries + 2) * head_dim),
        ("output gradient", gradient.dout.len(), length * gradient.width),
        ("delta", gradient.delta.len(), length * gradient.heads),
        ("scratch", scratch.len(), attend_backward_scratch(isa, length, head_dim)),
    ]);
    assert!(
        gradient.lse.len() >= length * queries
            && gradient.column + queries * head_dim <= gradient.width
            && gradient.delta_column + queries <= gradient.heads,
        "attention: gradient operands"
    );
    if group.is_windowed() {
        backward_windowed(isa, group, gradient, dqkv, scratch);
    } else {
        backward_all(isa, group, gradient, dqkv, scratch);
    }
}

dispatch! {
    /// Body of [`attend_backward`] without a window; relies on its checks.
    fn backward_all(group: &HeadGroup<'_>, gradient: &GroupGradient<'_>, dqkv: &mut [f32], scratch: &mut [f32]) = all_body
}

dispatch! {
    /// Body of [`attend_backward`] with a window; relies on its checks.
    fn backward_windowed(group: &HeadGroup<'_>, gradient: &GroupGradient<'_>, dqkv: &mut [f32], scratch: &mut [f32]) = windowed_body
}

#[inline(always)]
fn all_body<S: Simd>(group: &HeadGroup<'_>, gradient: &GroupGradient<'_>, dqkv: &mut [f32], scratch: &mut [f32]) {
    backward_body::<S, false>(group, gradient, dqkv, scratch);
}

#[inline(always)]
fn windowed_body<S: Simd>(group: &HeadGroup<'_>, gradient: &GroupGradient<'_>, dqkv: &mut [f32], scratch: &mut [f32]) {
    backward_body::<S, true>(group, gradient, dqkv, scratch);
}

#[inline(always)]
fn backward_body<S: Simd, const WINDOW: bool>(
    group: &HeadGroup<'_>,
    gradient: &GroupGradient<'_>,
    dqkv: &mut [f32],
    scratch: &mut [f32],
) {
    let (length, head_dim, queries) = (group.length, group.head_dim, group.queries);
    let by_length = length.next_multiple_of(S::PANEL) * head_dim;
    let by_head = head_dim.next_multiple_of(S::PANEL);
    let (key_columns, rest) = scratch.split_at_mut(by_length);
    let (value_columns, rest) = rest.split_at_mut(by_length);
    let (key_rows, rest) = rest.split_at_mut(by_head * length);
    let (query_rows, rest) = rest.split_at_mut(by_head * QUERY_BLOCK);
    let (dout_rows, rest) = rest.split_at_mut(by_head * QUERY_BLOCK);
    let (probabilities, dscores) = rest.split_at_mut(QUERY_BLOCK * SCORE_STRIDE);
    pack_columns::<S>(group, group.key_column, key_columns);
    pack_columns::<S>(group, group.value_column, value_columns);
    pack_values::<S>(&group.qkv[group.key_column..], group.width, head_dim, length, key_rows);
    let stride = (queries + 2) * head_dim;
    for row in dqkv.chunks_exact_mut(stride) {
        row[queries * head_dim..].fill(0.0);
    }
    let scale = group.scale();
    for head in 0..queries {
        let mut first = 0;
        while first < length {
            let rows = QUERY_BLOCK.min(length - first);
            let query = &group.qkv[first * group.width + group.query_column + head * head_dim..];
            let dout = &gradient.dout[first * gradient.width + gradient.column + head * head_dim..];
            let packed = by_head * rows;
            pack_values::<S>(query, group.width, head_dim, rows, &mut query_rows[..packed]);
            pack_values::<S>(dout, gradient.width, head_dim, rows, &mut dout_rows[..packed]);
            let start = if WINDOW { group.first_key(first) } else { 0 };
            let mut begin = start;
            while begin < first + rows {
                let block = Block { first, rows, begin, keys: KEY_BLOCK.min(first + rows - begin) };
                // SAFETY: `attend_backward` checked all operands; queries and keys stay below `length`.
                unsafe {
                    let q = query.as_ptr();
                    scores_block::<S>(&block, head_dim, q, group.width, key_columns, probabilities);
                    let d = dout.as_ptr();
                    scores_block::<S>(&block, head_dim, d, gradient.width, value_columns, dscores);
                }
                for row in 0..rows {
                    let token = first + row;
                    score_gradient::<S>(
                        &mut probabilities[row * SCORE_STRIDE..][..KEY_BLOCK],
                        &mut dscores[row * SCORE_STRIDE..][..KEY_BLOCK],
                        block.visible(row),
                        block.keys,
                        scale,
                        gradient.lse[token * queries + head],
                        gradient.delta[token * gradient.heads + gradient.delta_column + head],
                    );
                    if WINDOW {
                        let hidden = block.hidden(row, group.window);
                        probabilities[row * SCORE_STRIDE..][..hidden].fill(0.0);
                        dscores[row * SCORE_STRIDE..][..hidden].fill(0.0);
                    }
                }
                // SAFETY: as above; `dqkv` holds `length` rows of `stride` values: queries, key, value.
                unsafe {
                    let at = dqkv.as_mut_ptr().add(begin * stride + queries * head_dim);
                    by_key::<S>(&block, head_dim, dscores, query_rows, at, stride);
                    let at = at.add(head_dim);
                    by_key::<S>(&block, head_dim, probabilities, dout_rows, at, stride);
                    let at = dqkv.as_mut_ptr().add(first * stride + head * head_dim);
                    weigh_values::<S>(&block, head_dim, dscores, key_rows, length, at, stride, begin > start);
                }
                begin += block.keys;
            }
            first += rows;
        }
    }
}

/// Turns a row of scores into probabilities and a row of `dO V^T` into the gradient of the scores; zero from `visible` to
/// `keys`.
#[inline(always)]
fn score_gradient<S: Simd>(
    scores: &mut [f32],
    dscores: &mut [f32],
    visible: usize,
    keys: usize,
    scale: f32,
    lse: f32,
    delta: f32,
) {
    // Whole groups of lanes: values beyond `visible` are computed from whatever lies there, then cleared.
    let padded = visible.next_multiple_of(LANES);
    for (score, dscore) in scores[..padded].iter_mut().zip(&mut dscores[..padded]) {
        let probability = exp::<S>(S::fma(*score, scale, -lse));
        *score = probability;
        *dscore = probability * scale * (*dscore - delta);
    }
    let end = padded.max(keys);
    scores[visible..end].fill(0.0);
    dscores[visible..end].fill(0.0);
}

/// `target[key] += sum over queries of weights[query, key] * rows[query]`, over the queries that see the key.
///
/// # Safety
/// `weights` is a block whose hidden values are zero; `rows` panels of `block.rows` rows and `head_dim` columns; `target`
/// holds `block.keys` rows of `head_dim` values `stride` apart.
#[inline(always)]
unsafe fn by_key<S: Simd>(
    block: &Block,
    head_dim: usize,
    weights: &[f32],
    rows: &[f32],
    target: *mut f32,
    stride: usize,
) {
    let mut key = 0;
    while key < block.keys {
        let tall = S::ROWS.min(block.keys - key);
        let from = block.first_query(key);
        let mut column = 0;
        while from < block.rows && column < head_dim {
            let columns = S::PANEL.min(head_dim - column);
            // SAFETY: contract of this function; `from < block.rows`.
            unsafe {
                let output = target.add(key * stride + column);
                S::tile(&Tile {
                    rows: tall,
                    columns,
                    depth: block.rows - from,
                    left: weights.as_ptr().add(from * SCORE_STRIDE + key),
                    left_row: 1,
                    left_step: SCORE_STRIDE,
                    right: rows.as_ptr().add(column * block.rows + from * S::PANEL),
                    right_panel: 0,
                    right_run: usize::MAX,
                    right_gap: 0,
                    ahead: std::ptr::null(),
                    ahead_step: 0,
                    scales: std::ptr::null(),
                    output,
                    output_row: stride,
                    source: output.cast_const(),
                    source_row: stride,
                });
            }
            column += columns;
        }
        key += tall;
    }
}

#[cfg(test)]
mod tests;
