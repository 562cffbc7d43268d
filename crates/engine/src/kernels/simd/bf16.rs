//! Rounding to pairs of bf16 values with AVX-512 BF16, turned where another order is wanted.
//!
//! The instruction rounds to nearest even as [`Bf16::round`](super::Bf16::round) does, but takes denormals for zero, as the
//! products that follow do anyway.

use std::arch::x86_64::{
    __m512bh, __m512i, _mm512_cvtne2ps_pbh, _mm512_loadu_si512, _mm512_mask_storeu_epi32, _mm512_maskz_loadu_ps,
    _mm512_permutexvar_epi16, _mm512_setzero_si512, _mm512_shuffle_i32x4, _mm512_storeu_si512, _mm512_unpackhi_epi32,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};
use std::mem::transmute;

use super::Pair;

/// Values in a register.
const LANES: usize = 16;

/// Where the bf16 values of two runs go when they are paired: by turns.
static BY_TURNS: [u16; 2 * LANES] = {
    let mut order = [0; 2 * LANES];
    let mut lane = 0;
    while lane < LANES {
        order[2 * lane] = lane as u16;
        order[2 * lane + 1] = (lane + LANES) as u16;
        lane += 1;
    }
    order
};

/// The first `count` lanes, at most 16.
fn lanes(count: usize) -> u16 {
    (1u32 << count.min(LANES)).wrapping_sub(1) as u16
}

/// 32 bf16 values: `count` from `values` on, the others zero.
///
/// # Safety
/// `count` values can be read.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn round_run(values: *const f32, count: usize) -> __m512i {
    // SAFETY: masked lanes are not read; the types have the same 64 bytes.
    unsafe {
        let lower = _mm512_maskz_loadu_ps(lanes(count), values);
        let upper = _mm512_maskz_loadu_ps(lanes(count.saturating_sub(LANES)), values.wrapping_add(LANES));
        transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(upper, lower))
    }
}

/// 16 pairs of a value of `one` and one of `other`: `count` of them, the others zero.
///
/// # Safety
/// `count` values can be read from each; nothing of `other` when it is null.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn round_two(one: *const f32, other: *const f32, count: usize) -> __m512i {
    // SAFETY: masked lanes are not read; the types have the same 64 bytes.
    unsafe {
        let first = _mm512_maskz_loadu_ps(lanes(count), one);
        let second = _mm512_maskz_loadu_ps(if other.is_null() { 0 } else { lanes(count) }, other);
        let rounded = transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(second, first));
        _mm512_permutexvar_epi16(_mm512_loadu_si512(BY_TURNS.as_ptr().cast()), rounded)
    }
}

/// Column `j` of the result is row `j` of `rows`.
#[inline]
#[target_feature(enable = "avx512f")]
fn transposed(rows: [__m512i; LANES]) -> [__m512i; LANES] {
    let mut twos = rows;
    for i in (0..LANES).step_by(2) {
        twos[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
        twos[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    // Quarter `q` of register `4 g + j` holds column `4 q + j` of rows `4 g` to `4 g + 3`.
    let mut fours = twos;
    for i in (0..LANES).step_by(4) {
        fours[i] = _mm512_unpacklo_epi64(twos[i], twos[i + 2]);
        fours[i + 1] = _mm512_unpackhi_epi64(twos[i], twos[i + 2]);
        fours[i + 2] = _mm512_unpacklo_epi64(twos[i + 1], twos[i + 3]);
        fours[i + 3] = _mm512_unpackhi_epi64(twos[i + 1], twos[i + 3]);
    }
    let mut columns = fours;
    for j in 0..4 {
        const EVEN: i32 = 0x88;
        const ODD: i32 = 0xDD;
        let even = [0, 8].map(|i| _mm512_shuffle_i32x4::<EVEN>(fours[i + j], fours[i + 4 + j]));
        let odd = [0, 8].map(|i| _mm512_shuffle_i32x4::<ODD>(fours[i + j], fours[i + 4 + j]));
        columns[j] = _mm512_shuffle_i32x4::<EVEN>(even[0], even[1]);
        columns[4 + j] = _mm512_shuffle_i32x4::<EVEN>(odd[0], odd[1]);
        columns[8 + j] = _mm512_shuffle_i32x4::<ODD>(even[0], even[1]);
        columns[12 + j] = _mm512_shuffle_i32x4::<ODD>(odd[0], odd[1]);
    }
    columns
}

/// [`super::Simd::pair_up`].
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(crate) fn pair_up(values: &[f32], target: &mut [Pair]) {
    assert_eq!(target.len(), values.len().div_ceil(2), "pairs of a row");
    for (values, target) in values.chunks(2 * LANES).zip(target.chunks_mut(LANES)) {
        // SAFETY: both ends are those of the chunks.
        unsafe {
            let pairs = round_run(values.as_ptr(), values.len());
            _mm512_mask_storeu_epi32(target.as_mut_ptr().cast(), lanes(target.len()), pairs);
        }
    }
}

/// [`super::Simd::round_pairs`].
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(crate) fn round_pairs(one: &[f32], other: Option<&[f32]>, target: &mut [Pair]) {
    assert!(other.is_none_or(|other| other.len() >= one.len()), "two runs of {} values", one.len());
    let (target, rest) = target.split_at_mut(one.len());
    for (index, (one, target)) in one.chunks(LANES).zip(target.chunks_mut(LANES)).enumerate() {
        let other = other.map_or(std::ptr::null(), |other| other[index * LANES..].as_ptr());
        // SAFETY: the end is that of the chunks, and the other run is as long.
        unsafe {
            let pairs = round_two(one.as_ptr(), other, one.len());
            _mm512_mask_storeu_epi32(target.as_mut_ptr().cast(), lanes(target.len()), pairs);
        }
    }
    rest.fill(Pair(0));
}

/// Tile of 16 x 16 pairs whose row `i` holds column `i` of at most 32 rows, `stride` values apart, the last of which may be
/// short; `columns` of them, the others zero, and so are rows that are missing.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(crate) fn turn_pairs(rows: &[f32], stride: usize, columns: usize, target: &mut [Pair]) {
    let count = rows.len().div_ceil(stride);
    assert!(
        (1..=2 * LANES).contains(&count)
            && columns <= LANES
            && columns <= rows.len() - (count - 1) * stride
            && target.len() >= LANES * LANES,
        "{columns} columns of {count} rows"
    );
    let mut pairs = [_mm512_setzero_si512(); LANES];
    for (index, pairs) in pairs.iter_mut().enumerate().take(count.div_ceil(2)) {
        let one = rows[2 * index * stride..].as_ptr();
        let other = if 2 * index + 1 < count { one.wrapping_add(stride) } else { std::ptr::null() };
        // SAFETY: `columns` values of each row lie in the slice, as was checked for the last one.
        *pairs = unsafe { round_two(one, other, columns) };
    }
    for (line, row) in transposed(pairs).iter().zip(target.chunks_exact_mut(LANES)) {
        // SAFETY: the chunk holds 16 pairs.
        unsafe { _mm512_storeu_si512(row.as_mut_ptr().cast(), *line) };
    }
}

/// [`super::Simd::pack_pairs`].
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(crate) fn pack_pairs(rows: &[f32], depth: usize, columns: usize, part: &mut [Pair]) {
    const PANEL: usize = 2 * LANES;
    assert!(
        columns <= PANEL && rows.len() >= columns * depth && part.len() >= depth.div_ceil(2) * PANEL,
        "panel of {columns} columns of {depth} values"
    );
    for (step, first) in (0..depth).step_by(2 * LANES).enumerate() {
        let part = &mut part[step * LANES * PANEL..];
        let count = (2 * LANES).min(depth - first);
        for half in 0..2 {
            let mut pairs = [_mm512_setzero_si512(); LANES];
            for (row, pairs) in rows.chunks_exact(depth).take(columns).skip(half * LANES).zip(&mut pairs) {
                // SAFETY: `count` values of the row lie behind `first`.
                *pairs = unsafe { round_run(row[first..].as_ptr(), count) };
            }
            for (line, row) in transposed(pairs).iter().zip(part.chunks_exact_mut(PANEL)).take(count.div_ceil(2)) {
                // SAFETY: each half of the row holds 16 pairs.
                unsafe { _mm512_storeu_si512(row[half * LANES..].as_mut_ptr().cast(), *line) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::kernels::element::Pair;
    use crate::kernels::gemm::tests::random;
    use crate::kernels::simd::{Avx512Bf16, Isa, Portable, Simd, has_pair_products};

    /// Each function does what the portable one does, for lengths around those of registers.
    #[test]
    fn rounding_with_the_instruction_gives_the_same_pairs() {
        if !has_pair_products(Isa::Avx512) {
            return;
        }
        let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, f32::MAX, 1.003_906_2, f32::MIN_POSITIVE];
        for length in 0..100 {
            let (mut one, other) = (random(length, 1), random(length, 2));
            for (value, special) in one.iter_mut().zip(special) {
                *value = special;
            }
            // SAFETY: the processor was asked.
            unsafe {
                let both = |pair_up: unsafe fn(&[f32], &mut [Pair])| {
                    let mut pairs = vec![Pair(7); length.div_ceil(2)];
                    pair_up(&one, &mut pairs);
                    pairs
                };
                assert_eq!(both(Avx512Bf16::pair_up), both(Portable::pair_up), "{length}");
                for other in [Some(&other[..]), None] {
                    let both = |round: unsafe fn(&[f32], Option<&[f32]>, &mut [Pair])| {
                        let mut pairs = vec![Pair(7); length + 5];
                        round(&one, other, &mut pairs);
                        pairs
                    };
                    assert_eq!(both(Avx512Bf16::round_pairs), both(Portable::round_pairs), "{length}");
                }
            }
        }
    }

    #[test]
    fn turned_pairs_are_those_of_the_transpose() {
        if !has_pair_products(Isa::Avx512) {
            return;
        }
        for (depth, columns) in (1..70).flat_map(|depth| [1, 15, 16, 17, 31, 32].map(|columns| (depth, columns))) {
            let rows = random(depth * columns, 3);
            let mut panel = vec![Pair(7); depth.div_ceil(2) * 32];
            // SAFETY: the processor was asked.
            unsafe { Avx512Bf16::pack_pairs(&rows, depth, columns, &mut panel) };
            for (index, found) in panel.iter().enumerate() {
                let (p, column) = (2 * (index / 32), index % 32);
                let value = |p: usize| if column < columns && p < depth { rows[column * depth + p] } else { 0.0 };
                assert_eq!(*found, Pair::round(value(p), value(p + 1)), "{depth} x {columns}: {index}");
            }
            let (count, width) = (depth.min(32), columns.min(16));
            let mut tile = [Pair(7); 256];
            // SAFETY: the processor was asked.
            unsafe { super::turn_pairs(&rows[columns - width..count * columns], columns, width, &mut tile) };
            for (index, found) in tile.iter().enumerate() {
                let (column, p) = (index / 16, 2 * (index % 16));
                let value = |p: usize| {
                    if column < width && p < count { rows[p * columns + columns - width + column] } else { 0.0 }
                };
                assert_eq!(*found, Pair::round(value(p), value(p + 1)), "{depth} x {columns}: {index} of the tile");
            }
        }
    }
}
