//! Sums of outer products: gradients of weights.
//!
//! The right-hand side lies in blocks of [`block_rows`] rows, each in panels, as the tasks that computed it left it
//! ([`put_block`]); the left-hand one is packed by each strip of the output for itself. The depth is cut by its length alone
//! and every output value adds its products in order: results do not depend on strips or threads.

use super::aligned::{as_pairs, as_pairs_mut};
use super::element::{Element, Pair};
use super::pack::pack_straight_body;
use super::simd::{Isa, Simd, dispatch, dispatch_pairs};
use super::tile::Tile;
use crate::Operands;

#[cfg(target_arch = "x86_64")]
mod in_tiles;

/// Rows of a block of the right-hand side: small enough that the activations of a task stay in the second-level cache, a
/// multiple of the height of every register tile (in bf16 of the blocks of AMX, and of the depth of its steps). It decides
/// the order in which sums are taken, so it does not depend on the processor.
pub(crate) const fn block_rows(operands: Operands) -> usize {
    match operands {
        Operands::Single => 48,
        Operands::Bf16 => 64,
    }
}

/// Most blocks between two additions into the output: a panel of them fits the first-level cache.
const DEPTH_BLOCKS: usize = 5;
/// Values between packed strips, so that rows can be copied a power of two at a time.
const STRIP_SLACK: usize = 16;
/// Rows ahead that packing asks for: the stride between rows is too long for the processor to guess.
const AHEAD: usize = 12;

/// Single-precision values whose space `values` operands take.
fn space(values: usize, operands: Operands) -> usize {
    match operands {
        Operands::Single => values,
        Operands::Bf16 => values.div_ceil(2),
    }
}

/// Values that a block of `columns` columns takes.
pub(crate) fn block_len(isa: Isa, columns: usize, operands: Operands) -> usize {
    space(block_rows(operands), operands) * columns.next_multiple_of(isa.panel())
}

/// Values that [`put_block`] fills for `rows` rows in all.
pub(crate) fn blocks_len(isa: Isa, rows: usize, columns: usize, operands: Operands) -> usize {
    rows.div_ceil(block_rows(operands)) * block_len(isa, columns, operands)
}

/// Puts at most [`block_rows`] rows, `[some rows, columns]`, into a block of [`block_len`] values.
pub(crate) fn put_block(isa: Isa, rows: &[f32], columns: usize, operands: Operands, block: &mut [f32]) {
    if columns == 0 {
        return;
    }
    assert!(
        rows.len() <= block_rows(operands) * columns && block.len() >= block_len(isa, columns, operands),
        "block of {} values for {} values in rows of {columns}",
        block.len(),
        rows.len()
    );
    match operands {
        Operands::Single => put_single(isa, rows, columns, block),
        Operands::Bf16 => put_pairs(isa, rows, columns, as_pairs_mut(block)),
    }
}

dispatch! {
    fn put_single(rows: &[f32], columns: usize, block: &mut [f32]) = put_single_body
}

#[inline(always)]
fn put_single_body<S: Simd>(rows: &[f32], columns: usize, block: &mut [f32]) {
    let count = rows.len() / columns;
    for (panel, part) in block.chunks_exact_mut(block_rows(Operands::Single) * S::PANEL).enumerate() {
        let first = panel * S::PANEL;
        if first >= columns {
            break;
        }
        pack_straight_body::<S>(&rows[first..], columns, S::PANEL.min(columns - first), count, part);
    }
}

dispatch_pairs! {
    fn put_pairs(rows: &[f32], columns: usize, block: &mut [Pair]) = put_pairs_body
}

#[inline(always)]
fn put_pairs_body<S: Simd>(rows: &[f32], columns: usize, block: &mut [Pair]) {
    for (panel, part) in block.chunks_exact_mut(block_rows(Operands::Bf16) / 2 * S::PANEL).enumerate() {
        let first = panel * S::PANEL;
        if first >= columns {
            break;
        }
        let width = S::PANEL.min(columns - first);
        for (pair, target) in rows.chunks(2 * columns).zip(part.chunks_exact_mut(S::PANEL)) {
            let (one, other) = pair.split_at(columns);
            // SAFETY: `dispatch_pairs!` runs this with an instruction set of this processor.
            unsafe { S::round_pairs(&one[first..][..width], other.get(first..first + width), target) };
        }
    }
}

/// Depth between two additions into the output: all but the last are equal.
fn depth_between(depth: usize, block: usize) -> usize {
    let blocks = depth.div_ceil(block);
    blocks.div_ceil(blocks.div_ceil(DEPTH_BLOCKS).max(1)) * block
}

/// Scratch that [`accumulate_outer`] needs for `rows` output rows.
pub(crate) fn outer_scratch(isa: Isa, rows: usize, operands: Operands) -> usize {
    rows.div_ceil(isa.rows()) * (DEPTH_BLOCKS * block_rows(operands) * isa.rows() + STRIP_SLACK)
}

/// Operands of a sum of outer products, for a strip of the output.
pub(crate) struct Outer<'a> {
    /// `[depth, left_stride]`; columns `first..first + rows` become output rows.
    pub left: &'a [f32],
    pub left_stride: usize,
    pub first: usize,
    pub rows: usize,
    /// `[depth, columns]` in blocks, see [`put_block`].
    pub right: &'a [f32],
    pub columns: usize,
    pub depth: usize,
    /// What the blocks were rounded to and the left side is going to be.
    pub operands: Operands,
}

/// `output[i, j] += sum over p of left[p, first + i] * right[p, j]` on the calling thread: a strip of a weight gradient.
pub(crate) fn accumulate_outer(isa: Isa, outer: &Outer<'_>, output: &mut [f32], scratch: &mut [f32]) {
    if outer.depth == 0 || outer.rows == 0 || outer.columns == 0 {
        return;
    }
    assert!(
        outer.first + outer.rows <= outer.left_stride
            && outer.left.len() >= outer.depth * outer.left_stride
            && outer.right.len() >= blocks_len(isa, outer.depth, outer.columns, outer.operands)
            && output.len() >= outer.rows * outer.columns
            && scratch.len() >= outer_scratch(isa, outer.rows, outer.operands),
        "outer product {}x{}x{}",
        outer.rows,
        outer.columns,
        outer.depth
    );
    match outer.operands {
        Operands::Single => single(isa, outer, output, scratch),
        Operands::Bf16 => {
            let scratch = as_pairs_mut(scratch);
            #[cfg(target_arch = "x86_64")]
            if let Some(mut tiles) = super::simd::amx::Tiles::of(isa) {
                return in_tiles::accumulate(&mut tiles, outer, output, scratch);
            }
            pairs(isa, outer, output, scratch);
        }
    }
}

dispatch! {
    /// As [`accumulate_outer`], whose checks it relies on.
    fn single(outer: &Outer<'_>, output: &mut [f32], scratch: &mut [f32]) = single_body
}

#[inline(always)]
fn single_body<S: Simd>(outer: &Outer<'_>, output: &mut [f32], scratch: &mut [f32]) {
    strip::<S, f32>(outer, outer.right, output, scratch, pack_strips::<S>);
}

dispatch_pairs! {
    /// As [`accumulate_outer`], whose checks it relies on.
    fn pairs(outer: &Outer<'_>, output: &mut [f32], scratch: &mut [Pair]) = pairs_body
}

#[inline(always)]
fn pairs_body<S: Simd>(outer: &Outer<'_>, output: &mut [f32], scratch: &mut [Pair]) {
    strip::<S, Pair>(outer, as_pairs(outer.right), output, scratch, pack_pair_strips::<S>);
}

/// The strip, with sides of type `E`; `pack` packs the left one.
#[inline(always)]
fn strip<S: Simd, E: Element<Left = E>>(
    outer: &Outer<'_>,
    right: &[E],
    output: &mut [f32],
    strips: &mut [E],
    pack: impl Fn(&Outer<'_>, usize, usize, usize, &mut [E]),
) {
    let (rows, columns) = (outer.rows, outer.columns);
    let stored = block_rows(outer.operands);
    let block = depth_between(outer.depth, stored);
    let strip = block / E::DEPTH * S::ROWS + STRIP_SLACK;
    let run = stored / E::DEPTH;
    let jump = run * columns.next_multiple_of(S::PANEL);
    for begin in (0..outer.depth).step_by(block) {
        let length = block.min(outer.depth - begin);
        pack(outer, begin, length, strip, strips);
        let right = &right[begin / stored * jump..];
        for first in (0..columns).step_by(S::PANEL) {
            for row in (0..rows).step_by(S::ROWS) {
                // SAFETY: `accumulate_outer` checked the output, the blocks and the space of the strips; a strip holds
                // `length` groups of `S::ROWS` values and each panel of a block `run` rows of `S::PANEL`.
                unsafe {
                    let target = output.as_mut_ptr().add(row * columns + first);
                    S::tile(&Tile::<E> {
                        rows: S::ROWS.min(rows - row),
                        columns: S::PANEL.min(columns - first),
                        depth: length.div_ceil(E::DEPTH),
                        left: strips.as_ptr().add(row / S::ROWS * strip),
                        left_row: 1,
                        left_step: S::ROWS,
                        right: right.as_ptr().add(first * run),
                        right_panel: 0,
                        right_run: run,
                        right_gap: jump - run * S::PANEL,
                        ahead: std::ptr::null(),
                        ahead_step: 0,
                        scales: std::ptr::null(),
                        output: target,
                        output_row: columns,
                        source: target,
                        source_row: columns,
                    });
                }
            }
        }
    }
}

/// Packs `length` rows of the left operand into strips of `S::ROWS` columns, `strip` values apart.
#[inline(always)]
fn pack_strips<S: Simd>(outer: &Outer<'_>, begin: usize, length: usize, strip: usize, strips: &mut [f32]) {
    let left = &outer.left[begin * outer.left_stride..];
    for (index, row) in left.chunks(outer.left_stride).take(length).enumerate() {
        let row = &row[outer.first..];
        ask_for::<S>(outer, row);
        let mut at = 0;
        let mut target = index * S::ROWS;
        while at < outer.rows {
            // A power of two is copied at once; what is too much is written over by the next row or lies in the slack.
            match (row.get(at..at + S::ROWS.next_power_of_two()), S::ROWS.next_power_of_two()) {
                (Some(source), 8) => strips[target..target + 8].copy_from_slice(&source[..8]),
                (Some(source), 16) => strips[target..target + 16].copy_from_slice(&source[..16]),
                _ => {
                    let count = S::ROWS.min(row.len() - at);
                    strips[target..target + count].copy_from_slice(&row[at..at + count]);
                }
            }
            at += S::ROWS;
            target += strip;
        }
    }
}

/// As [`pack_strips`], two rows at a time.
#[inline(always)]
fn pack_pair_strips<S: Simd>(outer: &Outer<'_>, begin: usize, length: usize, strip: usize, strips: &mut [Pair]) {
    let stride = outer.left_stride;
    let left = &outer.left[begin * stride..(begin + length) * stride];
    for (index, rows) in left.chunks(2 * stride).enumerate() {
        let (one, other) = rows.split_at(stride);
        ask_for::<S>(outer, &one[outer.first..]);
        for (number, at) in (0..outer.rows).step_by(S::ROWS).enumerate() {
            let range = outer.first + at..outer.first + (at + S::ROWS).min(outer.rows);
            let target = &mut strips[number * strip + index * S::ROWS..][..S::ROWS];
            // SAFETY: as in `put_pairs_body`.
            unsafe { S::round_pairs(&one[range.clone()], other.get(range), target) };
        }
    }
}

/// Asks for what follows a row of the left operand a little later.
#[inline(always)]
fn ask_for<S: Simd>(outer: &Outer<'_>, row: &[f32]) {
    for line in (0..outer.rows).step_by(16) {
        S::prefetch(row.as_ptr().wrapping_add(AHEAD * outer.left_stride + line));
    }
}

#[cfg(test)]
pub(super) mod tests;
