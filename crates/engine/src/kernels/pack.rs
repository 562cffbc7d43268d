//! Packing: from rows to panels of [`Simd::PANEL`] columns.

use super::element::{Bf16, Pair};
use super::lanes::largest_magnitude;
use super::product::pair_stride;
use super::simd::{Simd, dispatch, dispatch_pairs};

dispatch! {
    /// Packs one panel from the transpose: `part[p * panel + c] = rows[c * stride + p]` for `c < columns`, else 0.
    pub(super) fn pack_transposed(rows: &[f32], stride: usize, columns: usize, depth: usize, part: &mut [f32]) = pack_transposed_body
}

#[inline(always)]
pub(crate) fn pack_transposed_body<S: Simd>(
    rows: &[f32],
    stride: usize,
    columns: usize,
    depth: usize,
    part: &mut [f32],
) {
    if columns < S::PANEL {
        part[..depth * S::PANEL].fill(0.0);
    }
    for (column, row) in rows.chunks(stride).take(columns).enumerate() {
        for (value, target) in row[..depth].iter().zip(part.chunks_exact_mut(S::PANEL)) {
            target[column] = *value;
        }
    }
}

dispatch! {
    /// Packs one panel of rounded values from the transpose; `rows` are `columns` whole rows.
    pub(super) fn pack_bf16(rows: &[f32], columns: usize, part: &mut [Bf16]) = pack_bf16_body
}

#[inline(always)]
fn pack_bf16_body<S: Simd>(rows: &[f32], columns: usize, part: &mut [Bf16]) {
    let depth = part.len() / S::PANEL;
    if columns < S::PANEL {
        part.fill(Bf16(0));
    }
    for (column, row) in rows.chunks_exact(depth).take(columns).enumerate() {
        for (value, target) in row.iter().zip(part.chunks_exact_mut(S::PANEL)) {
            target[column] = Bf16::round(*value);
        }
    }
}

dispatch! {
    /// Packs one panel of 8-bit values from the transpose; `rows` are whole rows, one for each factor.
    pub(super) fn pack_int8(rows: &[f32], scales: &[f32], part: &mut [i8]) = pack_int8_body
}

#[inline(always)]
fn pack_int8_body<S: Simd>(rows: &[f32], scales: &[f32], part: &mut [i8]) {
    let depth = part.len() / S::PANEL;
    if scales.len() < S::PANEL {
        part.fill(0);
    }
    for (column, (row, scale)) in rows.chunks_exact(depth).zip(scales).enumerate() {
        // A row of zeros has factor 0.
        let scale = if *scale > 0.0 { *scale } else { 1.0 };
        for (value, target) in row.iter().zip(part.chunks_exact_mut(S::PANEL)) {
            target[column] = (value / scale).round_ties_even() as i8;
        }
    }
}

dispatch! {
    pub(super) fn row_magnitude(values: &[f32]) -> f32 = largest_magnitude
}

dispatch! {
    /// Packs one panel: `part[p * panel + c] = matrix[p * stride + c]` for `c < columns`, else 0.
    pub(super) fn pack_straight(matrix: &[f32], stride: usize, columns: usize, depth: usize, part: &mut [f32]) = pack_straight_body
}

#[inline(always)]
pub(crate) fn pack_straight_body<S: Simd>(
    matrix: &[f32],
    stride: usize,
    columns: usize,
    depth: usize,
    part: &mut [f32],
) {
    let width = columns.min(S::PANEL);
    for (row, target) in matrix.chunks(stride).zip(part.chunks_exact_mut(S::PANEL)).take(depth) {
        if width == S::PANEL {
            target.copy_from_slice(&row[..S::PANEL]);
        } else {
            target[..width].copy_from_slice(&row[..width]);
            target[width..].fill(0.0);
        }
    }
}

dispatch_pairs! {
    /// [`Simd::pack_pairs`].
    pub(super) fn pack_pairs(rows: &[f32], depth: usize, columns: usize, part: &mut [Pair]) = pack_pairs_body
}

#[inline(always)]
fn pack_pairs_body<S: Simd>(rows: &[f32], depth: usize, columns: usize, part: &mut [Pair]) {
    // SAFETY: `dispatch_pairs!` runs this with an instruction set of this processor.
    unsafe { S::pack_pairs(rows, depth, columns, part) }
}

dispatch_pairs! {
    /// As [`pack_straight`], rounded to pairs along the depth.
    pub(super) fn pack_straight_pairs(
        matrix: &[f32],
        stride: usize,
        columns: usize,
        depth: usize,
        part: &mut [Pair],
    ) = pack_straight_pairs_body
}

#[inline(always)]
fn pack_straight_pairs_body<S: Simd>(matrix: &[f32], stride: usize, columns: usize, depth: usize, part: &mut [Pair]) {
    for (index, target) in part.chunks_exact_mut(S::PANEL).enumerate() {
        let row = &matrix[2 * index * stride..][..columns];
        let other = (2 * index + 1 < depth).then(|| &matrix[(2 * index + 1) * stride..][..columns]);
        // SAFETY: `dispatch_pairs!` runs this with an instruction set of this processor.
        unsafe { S::round_pairs(row, other, target) };
    }
}

dispatch_pairs! {
    /// Rounds rows of `depth` values to pairs along the depth, [`pair_stride`] apart.
    pub(super) fn pair_up(rows: &[f32], depth: usize, pairs: &mut [Pair]) = pair_up_body
}

#[inline(always)]
fn pair_up_body<S: Simd>(rows: &[f32], depth: usize, pairs: &mut [Pair]) {
    for (row, target) in rows.chunks_exact(depth).zip(pairs.chunks_exact_mut(pair_stride(depth))) {
        // SAFETY: `dispatch_pairs!` runs this with an instruction set of this processor.
        unsafe { S::pair_up(row, &mut target[..depth.div_ceil(2)]) };
    }
}
