//! Causal grouped-query attention over packed sequences, forward.
//!
//! Flash attention (Dao et al. 2022, 2023): queries and keys are taken in blocks, the softmax is kept as a running largest
//! value and sum, and only the logarithm of the normaliser is stored. Blocks above the diagonal are not computed, nor those
//! before the window of all their queries (sliding window attention, Beltagy et al. 2020). One call
//! does one key/value head of one sequence with all query heads that share it. Block sizes are constants, so results do not
//! depend on threads or instruction set.

use super::lanes::{LANES, exp, exp_sum, largest, ln};
use super::pack::{pack_straight_body, pack_transposed_body};
use super::simd::{Isa, Simd, dispatch};
use super::tile::Tile;

/// Queries of one block.
pub(super) const QUERY_BLOCK: usize = 48;
/// Keys of one block; a multiple of every panel.
pub(super) const KEY_BLOCK: usize = 256;
/// Where the first block of a window may begin: a multiple of every panel, the same for every instruction set.
const WINDOW_ALIGN: usize = 32;
/// Distance between rows of a block of scores; no power of two, so that columns spread over the cache.
pub(super) const SCORE_STRIDE: usize = KEY_BLOCK + 16;

/// One key/value head of one sequence, inside the rotated projections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadGroup<'a> {
    /// Rows of the sequence, `[length, width]`: queries, keys, values of all heads.
    pub qkv: &'a [f32],
    /// Width of a row of `qkv`.
    pub width: usize,
    /// Tokens of the sequence.
    pub length: usize,
    pub head_dim: usize,
    /// Query heads that share this key/value head.
    pub queries: usize,
    /// Column of the first of these query heads.
    pub query_column: usize,
    /// Column of the key head.
    pub key_column: usize,
    /// Column of the value head.
    pub value_column: usize,
    /// Tokens that a query looks at, itself included; `usize::MAX` for all before it.
    pub window: usize,
}

impl HeadGroup<'_> {
    /// `1 / sqrt(head_dim)`.
    pub(super) fn scale(&self) -> f32 {
        1.0 / (self.head_dim as f32).sqrt()
    }

    /// Whether some query does not see all tokens before it.
    pub(super) fn is_windowed(&self) -> bool {
        self.window < self.length
    }

    /// First key of the blocks that queries from `first` on look at: a multiple of every panel.
    #[inline(always)]
    pub(super) fn first_key(&self, first: usize) -> usize {
        (first + 1).saturating_sub(self.window) / WINDOW_ALIGN * WINDOW_ALIGN
    }

    fn fits(&self) -> bool {
        self.length > 0
            && self.window > 0
            && self.head_dim > 0
            && self.qkv.len() >= self.length * self.width
            && self.query_column + self.queries * self.head_dim <= self.width
            && self.key_column + self.head_dim <= self.width
            && self.value_column + self.head_dim <= self.width
    }

    /// Panics when the operands do not hold what the unchecked loops will touch.
    pub(super) fn check(&self, operands: [(&str, usize, usize); 4]) {
        assert!(self.fits(), "attention: {self:?}");
        for (name, found, needed) in operands {
            assert!(found >= needed, "attention: {name} has {found} values, needs {needed}");
        }
    }
}

/// Values of a matrix `[depth, columns]` in panels.
pub(super) fn panels_len(isa: Isa, depth: usize, columns: usize) -> usize {
    columns.next_multiple_of(isa.panel()) * depth
}

/// Scratch that [`attend`] needs.
pub(crate) fn attend_scratch(isa: Isa, length: usize, head_dim: usize) -> usize {
    panels_len(isa, head_dim, length) + panels_len(isa, length, head_dim) + QUERY_BLOCK * SCORE_STRIDE
}

/// Attention of one head group: `out`, `[length, queries * head_dim]`, and the logarithm of the softmax normaliser `lse`,
/// `[length, queries]`.
pub(crate) fn attend(isa: Isa, group: &HeadGroup<'_>, out: &mut [f32], lse: &mut [f32], scratch: &mut [f32]) {
    attend_from(isa, group, 0, out, lse, scratch);
}

/// As [`attend`] for the queries from `start` on, with the same bits: `out`, `[length - start, queries * head_dim]`, and
/// `lse`, `[length - start, queries]`, begin with that query.
pub(crate) fn attend_from(
    isa: Isa,
    group: &HeadGroup<'_>,
    start: usize,
    out: &mut [f32],
    lse: &mut [f32],
    scratch: &mut [f32],
) {
    let (length, queries) = (group.length, group.queries);
    assert!(start <= length, "attention: {length} tokens, queries from {start}");
    group.check([
        ("output", out.len(), (length - start) * queries * group.head_dim),
        ("lse", lse.len(), (length - start) * queries),
        ("scratch", scratch.len(), attend_scratch(isa, length, group.head_dim)),
        ("", 0, 0),
    ]);
    if group.is_windowed() {
        attend_windowed(isa, group, start, out, lse, scratch);
    } else {
        attend_all(isa, group, start, out, lse, scratch);
    }
}

dispatch! {
    /// Body of [`attend_from`] without a window; relies on its checks.
    fn attend_all(group: &HeadGroup<'_>, start: usize, out: &mut [f32], lse: &mut [f32], scratch: &mut [f32]) = attend_all_body
}

dispatch! {
    /// Body of [`attend_from`] with a window; relies on its checks.
    fn attend_windowed(group: &HeadGroup<'_>, start: usize, out: &mut [f32], lse: &mut [f32], scratch: &mut [f32]) = attend_windowed_body
}

#[inline(always)]
fn attend_all_body<S: Simd>(
    group: &HeadGroup<'_>,
    start: usize,
    out: &mut [f32],
    lse: &mut [f32],
    scratch: &mut [f32],
) {
    attend_body::<S, false>(group, start, out, lse, scratch);
}

#[inline(always)]
fn attend_windowed_body<S: Simd>(
    group: &HeadGroup<'_>,
    start: usize,
    out: &mut [f32],
    lse: &mut [f32],
    scratch: &mut [f32],
) {
    attend_body::<S, true>(group, start, out, lse, scratch);
}

#[inline(always)]
fn attend_body<S: Simd, const WINDOW: bool>(
    group: &HeadGroup<'_>,
    start: usize,
    out: &mut [f32],
    lse: &mut [f32],
    scratch: &mut [f32],
) {
    let (length, head_dim, queries) = (group.length, group.head_dim, group.queries);
    let (keys, rest) = scratch.split_at_mut(length.next_multiple_of(S::PANEL) * head_dim);
    let (values, scores) = rest.split_at_mut(head_dim.next_multiple_of(S::PANEL) * length);
    pack_columns::<S>(group, group.key_column, keys);
    pack_values::<S>(&group.qkv[group.value_column..], group.width, head_dim, length, values);
    let scale = group.scale();
    let stride = queries * head_dim;
    for head in 0..queries {
        let column = group.query_column + head * head_dim;
        let mut first = start;
        while first < length {
            // Blocks lie as they do from query 0 on: where the first key of a window is depends on it.
            let aligned = first / QUERY_BLOCK * QUERY_BLOCK;
            let rows = (aligned + QUERY_BLOCK).min(length) - first;
            let mut top = [f32::NEG_INFINITY; QUERY_BLOCK];
            let mut sum = [0.0f32; QUERY_BLOCK];
            let oldest = if WINDOW { group.first_key(aligned) } else { 0 };
            let mut begin = oldest;
            while begin < first + rows {
                let block = Block { first, rows, begin, keys: KEY_BLOCK.min(first + rows - begin) };
                // SAFETY: `attend` checked all operands; queries and keys stay below `length`, scores within their block.
                unsafe {
                    let query = group.qkv.as_ptr().add(first * group.width + column);
                    scores_block::<S>(&block, head_dim, query, group.width, keys, scores);
                }
                for row in 0..rows {
                    let line = &mut scores[row * SCORE_STRIDE..][..KEY_BLOCK];
                    let visible = block.visible(row);
                    if visible == 0 {
                        line[..block.keys].fill(0.0);
                        continue;
                    }
                    // Whole groups of lanes; what is added counts for nothing and is cleared below.
                    let padded = visible.next_multiple_of(LANES);
                    line[visible..padded].fill(f32::NEG_INFINITY);
                    let hidden = if WINDOW { block.hidden(row, group.window) } else { 0 };
                    if WINDOW {
                        line[..hidden].fill(f32::NEG_INFINITY);
                    }
                    let seen = &mut line[..padded];
                    let highest = largest(seen) * scale;
                    let before = top[row];
                    let now = if highest > before { highest } else { before };
                    let added = exp_sum::<S>(seen, scale, now);
                    line[visible..padded.max(block.keys)].fill(0.0);
                    if WINDOW {
                        line[..hidden].fill(0.0);
                    }
                    if begin > oldest {
                        let shrink = exp::<S>(before - now);
                        sum[row] *= shrink;
                        let at = (first - start + row) * stride + head * head_dim;
                        for value in &mut out[at..at + head_dim] {
                            *value *= shrink;
                        }
                    }
                    top[row] = now;
                    sum[row] += added;
                }
                // SAFETY: as above; the output holds `length - start` rows of `stride`.
                unsafe {
                    let target = out.as_mut_ptr().add((first - start) * stride + head * head_dim);
                    weigh_values::<S>(&block, head_dim, scores, values, length, target, stride, begin > oldest);
                }
                begin += block.keys;
            }
            for row in 0..rows {
                let inverse = 1.0 / sum[row];
                let at = (first - start + row) * stride + head * head_dim;
                for value in &mut out[at..at + head_dim] {
                    *value *= inverse;
                }
                lse[(first - start + row) * queries + head] = top[row] + ln(sum[row]);
            }
            first += rows;
        }
    }
}

/// A block of scores: queries `first..first + rows` against keys `begin..begin + keys`.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub first: usize,
    pub rows: usize,
    pub begin: usize,
    pub keys: usize,
}

impl Block {
    /// Keys of the block that query `row` may look at.
    #[inline(always)]
    pub(super) fn visible(&self, row: usize) -> usize {
        (self.first + row + 1).saturating_sub(self.begin).min(self.keys)
    }

    /// Keys at the front of the block that lie before the window of query `row`. The first block of a row of blocks (see
    /// [`HeadGroup::first_key`]) has at least one key inside, the others begin inside.
    #[inline(always)]
    pub(super) fn hidden(&self, row: usize, window: usize) -> usize {
        (self.first + row + 1).saturating_sub(window).saturating_sub(self.begin)
    }

    /// First query of the block that may look at key `key` of the block.
    #[inline(always)]
    pub(super) fn first_query(&self, key: usize) -> usize {
        (self.begin + key).saturating_sub(self.first)
    }
}

/// Packs a head as the transposed right-hand matrix, `[head_dim, length]`.
#[inline(always)]
pub(super) fn pack_columns<S: Simd>(group: &HeadGroup<'_>, column: usize, target: &mut [f32]) {
    let size = S::PANEL * group.head_dim;
    for (panel, part) in target.chunks_exact_mut(size).enumerate() {
        let first = panel * S::PANEL;
        let rows = &group.qkv[first * group.width + column..];
        let count = S::PANEL.min(group.length - first);
        pack_transposed_body::<S>(rows, group.width, count, group.head_dim, part);
    }
}

/// Packs `rows` rows of a head as the right-hand matrix `[rows, head_dim]`.
#[inline(always)]
pub(super) fn pack_values<S: Simd>(data: &[f32], stride: usize, head_dim: usize, rows: usize, target: &mut [f32]) {
    let size = S::PANEL * rows;
    let mut first = 0;
    for part in target.chunks_exact_mut(size) {
        if first >= head_dim {
            break;
        }
        pack_straight_body::<S>(&data[first..], stride, head_dim - first, rows, part);
        first += S::PANEL;
    }
}

/// `scores[row, key] = sum over d of query[row, d] * key[d]` where some query of the register tile may look.
///
/// # Safety
/// `query` holds `rows` rows of `head_dim` values `stride` apart; `keys` panels of depth `head_dim` up to key
/// `begin + keys`; `scores` a block.
#[inline(always)]
pub(super) unsafe fn scores_block<S: Simd>(
    block: &Block,
    head_dim: usize,
    query: *const f32,
    stride: usize,
    keys: &[f32],
    scores: &mut [f32],
) {
    let mut key = 0;
    while key < block.keys {
        let columns = S::PANEL.min(block.keys - key);
        let mut row = block.first_query(key) / S::ROWS * S::ROWS;
        while row < block.rows {
            let rows = S::ROWS.min(block.rows - row);
            // SAFETY: contract of this function; `begin` and `key` are multiples of a panel.
            unsafe {
                S::tile(&Tile {
                    rows,
                    columns,
                    depth: head_dim,
                    left: query.add(row * stride),
                    left_row: stride,
                    left_step: 1,
                    right: keys.as_ptr().add((block.begin + key) * head_dim),
                    right_panel: 0,
                    right_run: usize::MAX,
                    right_gap: 0,
                    ahead: std::ptr::null(),
                    ahead_step: 0,
                    scales: std::ptr::null(),
                    output: scores.as_mut_ptr().add(row * SCORE_STRIDE + key),
                    output_row: SCORE_STRIDE,
                    source: std::ptr::null(),
                    source_row: 0,
                });
            }
            row += rows;
        }
        key += columns;
    }
}

/// `target[row] (+)= sum over keys of scores[row, key] * values[key]`, over the keys that the register tile can see.
///
/// # Safety
/// `scores` is a block whose hidden values are zero; `values` panels of `depth` rows that cover the block's keys;
/// `target` holds `rows` rows of `head_dim` values `stride` apart.
#[allow(clippy::too_many_arguments)] // a kernel takes its operands one by one
#[inline(always)]
pub(super) unsafe fn weigh_values<S: Simd>(
    block: &Block,
    head_dim: usize,
    scores: &[f32],
    values: &[f32],
    depth: usize,
    target: *mut f32,
    stride: usize,
    add: bool,
) {
    let mut column = 0;
    while column < head_dim {
        let columns = S::PANEL.min(head_dim - column);
        let mut row = 0;
        while row < block.rows {
            let rows = S::ROWS.min(block.rows - row);
            let seen = block.visible(row + rows - 1);
            if seen > 0 {
                // SAFETY: contract of this function.
                unsafe {
                    let output = target.add(row * stride + column);
                    S::tile(&Tile {
                        rows,
                        columns,
                        depth: seen,
                        left: scores.as_ptr().add(row * SCORE_STRIDE),
                        left_row: SCORE_STRIDE,
                        left_step: 1,
                        right: values.as_ptr().add(column * depth + block.begin * S::PANEL),
                        right_panel: 0,
                        right_run: usize::MAX,
                        right_gap: 0,
                        ahead: std::ptr::null(),
                        ahead_step: 0,
                        scales: std::ptr::null(),
                        output,
                        output_row: stride,
                        source: if add { output.cast_const() } else { std::ptr::null() },
                        source_row: stride,
                    });
                }
            }
            row += rows;
        }
        column += columns;
    }
}
