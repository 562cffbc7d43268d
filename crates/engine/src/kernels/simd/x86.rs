//! Instruction sets of x86-64.

use super::{Bf16, Element, Pair, Simd};
use std::arch::x86_64::{
    __m256, __m512, __m512bh, __m512i, _MM_HINT_T0, _MM_HINT_T1, _mm_loadl_epi64, _mm_loadu_si128, _mm_prefetch,
    _mm256_add_ps, _mm256_and_si256, _mm256_castsi256_ps, _mm256_cvtepi8_epi32, _mm256_cvtepi32_ps,
    _mm256_cvtepu16_epi32, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256, _mm256_set1_epi32, _mm256_set1_ps,
    _mm256_slli_epi32, _mm256_storeu_ps, _mm512_add_ps, _mm512_and_si512, _mm512_castsi512_ps, _mm512_cvtepi8_epi32,
    _mm512_cvtepi32_ps, _mm512_cvtepu16_epi32, _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512,
    _mm512_set1_epi32, _mm512_set1_ps, _mm512_slli_epi32, _mm512_storeu_ps,
};
use std::mem::transmute;

/// Pairs as two registers of single-precision values.
macro_rules! widened {
    ($name:ident, $splat:ident, $load:ident, $shift:ident, $and:ident, $from_bits:ident) => {
        macro_rules! $name {
            ($vector:ty) => {
                type Pairs = [$vector; 2];

                #[inline(always)]
                unsafe fn splat_pair(value: Pair) -> [$vector; 2] {
                    // SAFETY: contract of the trait.
                    unsafe {
                        let pairs = $splat(value.0.cast_signed());
                        let upper = $splat(0xFFFF_0000u32.cast_signed());
                        [$from_bits($shift::<16>(pairs)), $from_bits($and(pairs, upper))]
                    }
                }

                #[inline(always)]
                unsafe fn load_pairs(source: *const Pair) -> [$vector; 2] {
                    // SAFETY: contract of the trait.
                    unsafe {
                        let pairs = $load(source.cast());
                        let upper = $splat(0xFFFF_0000u32.cast_signed());
                        [$from_bits($shift::<16>(pairs)), $from_bits($and(pairs, upper))]
                    }
                }

                #[inline(always)]
                unsafe fn multiply_add_pairs(a: [$vector; 2], b: [$vector; 2], sum: $vector) -> $vector {
                    // SAFETY: contract of the trait.
                    unsafe { Self::multiply_add(a[1], b[1], Self::multiply_add(a[0], b[0], sum)) }
                }
            };
        }
    };
}
widened!(widened_256, _mm256_set1_epi32, _mm256_loadu_si256, _mm256_slli_epi32, _mm256_and_si256, _mm256_castsi256_ps);
widened!(widened_512, _mm512_set1_epi32, _mm512_loadu_si512, _mm512_slli_epi32, _mm512_and_si512, _mm512_castsi512_ps);

/// Pairs as they lie in memory.
macro_rules! native {
    ($vector:ty) => {
        type Pairs = __m512i;

        #[inline(always)]
        unsafe fn splat_pair(value: Pair) -> __m512i {
            // SAFETY: contract of the trait.
            unsafe { _mm512_set1_epi32(value.0.cast_signed()) }
        }

        #[inline(always)]
        unsafe fn load_pairs(source: *const Pair) -> __m512i {
            // SAFETY: contract of the trait.
            unsafe { _mm512_loadu_si512(source.cast()) }
        }

        #[inline(always)]
        unsafe fn multiply_add_pairs(a: __m512i, b: __m512i, sum: $vector) -> $vector {
            // SAFETY: contract of the trait; the types have the same 64 bytes.
            unsafe { _mm512_dpbf16_ps(sum, transmute::<__m512i, __m512bh>(a), transmute::<__m512i, __m512bh>(b)) }
        }

        #[inline(always)]
        unsafe fn pair_up(values: &[f32], target: &mut [Pair]) {
            // SAFETY: contract of the trait.
            unsafe { super::bf16::pair_up(values, target) }
        }

        #[inline(always)]
        unsafe fn round_pairs(one: &[f32], other: Option<&[f32]>, target: &mut [Pair]) {
            // SAFETY: contract of the trait.
            unsafe { super::bf16::round_pairs(one, other, target) }
        }

        #[inline(always)]
        unsafe fn pack_pairs(rows: &[f32], depth: usize, columns: usize, part: &mut [Pair]) {
            // SAFETY: contract of the trait.
            unsafe { super::bf16::pack_pairs(rows, depth, columns, part) }
        }
    };
}

/// An instruction set: lanes and rows of its tile, [`Simd::ASKS_AHEAD`], its features, and its splat, load, store, multiply-add
/// and add, how it reads bf16 and 8-bit integers, how it multiplies pairs of bf16 values, and the module of its own `sums` if
/// it has one.
macro_rules! instruction_set {
    (
        $(#[$about:meta])* $name:ident, $vector:ty, $lanes:literal x $rows:literal, $asks_ahead:literal, $features:literal,
        [$splat:ident, $load:ident, $store:ident, $multiply_add:ident, $add:ident],
        [$load_u16:ident, $widen_u16:ident, $shift:ident, $from_bits:ident],
        [$load_i8:ident, $widen_i8:ident, $to_single:ident],
        $pairs:ident, $($own:ident)?
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name;

        // SAFETY of all bodies: the instruction set is available and the memory is valid by the contract of `Simd`.
        impl Simd for $name {
            const LANES: usize = $lanes;
            const ROWS: usize = $rows;
            const ASKS_AHEAD: bool = $asks_ahead;
            type Vector = $vector;
            $pairs!($vector);

            #[inline(always)]
            unsafe fn splat(value: f32) -> $vector {
                // SAFETY: contract of the trait.
                unsafe { $splat(value) }
            }

            #[inline(always)]
            unsafe fn load(source: *const f32) -> $vector {
                // SAFETY: contract of the trait.
                unsafe { $load(source) }
            }

            #[inline(always)]
            unsafe fn store(target: *mut f32, value: $vector) {
                // SAFETY: contract of the trait.
                unsafe { $store(target, value) }
            }

            #[inline(always)]
            unsafe fn load_bf16(source: *const Bf16) -> $vector {
                // SAFETY: contract of the trait.
                unsafe { $from_bits($shift::<16>($widen_u16($load_u16(source.cast())))) }
            }

            #[inline(always)]
            unsafe fn load_i8(source: *const i8) -> $vector {
                // SAFETY: contract of the trait.
                unsafe { $to_single($widen_i8($load_i8(source.cast()))) }
            }

            #[inline(always)]
            unsafe fn multiply_add(a: $vector, b: $vector, c: $vector) -> $vector {
                // SAFETY: contract of the trait.
                unsafe { $multiply_add(a, b, c) }
            }

            #[inline(always)]
            unsafe fn add(a: $vector, b: $vector) -> $vector {
                // SAFETY: contract of the trait.
                unsafe { $add(a, b) }
            }

            #[inline(always)]
            fn fma(a: f32, b: f32, c: f32) -> f32 {
                a.mul_add(b, c)
            }

            #[inline(always)]
            fn prefetch(address: *const f32) {
                // SAFETY: a hint without effect on any value; SSE is part of x86-64.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
            }

            #[inline(always)]
            fn prefetch_second(address: *const u8) {
                // SAFETY: as in `prefetch`.
                unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) }
            }

            $(
                #[inline(always)]
                unsafe fn sums<const M: usize, const BY_COLUMN: bool>(tile: &crate::kernels::tile::Tile) -> Option<[[$vector; 2]; M]> {
                    // SAFETY: contract of the trait.
                    unsafe { super::$own::sums::<M, BY_COLUMN>(tile) }
                }
            )?

            #[target_feature(enable = $features)]
            unsafe fn tile<E: Element>(tile: &crate::kernels::tile::Tile<E>) {
                // SAFETY: contract of the trait.
                unsafe { tile.compute::<Self>() }
            }
        }
    };
}

instruction_set!(
    /// AVX2 with FMA.
    Avx2, __m256, 8 x 6, false, "avx2,fma",
    [_mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps, _mm256_add_ps],
    [_mm_loadu_si128, _mm256_cvtepu16_epi32, _mm256_slli_epi32, _mm256_castsi256_ps],
    [_mm_loadl_epi64, _mm256_cvtepi8_epi32, _mm256_cvtepi32_ps],
    widened_256, avx2_tile
);
instruction_set!(
    /// AVX-512.
    Avx512, __m512, 16 x 12, true, "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma",
    [_mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps, _mm512_add_ps],
    [_mm256_loadu_si256, _mm512_cvtepu16_epi32, _mm512_slli_epi32, _mm512_castsi512_ps],
    [_mm_loadu_si128, _mm512_cvtepi8_epi32, _mm512_cvtepi32_ps],
    widened_512, avx512_tile
);
instruction_set!(
    /// AVX-512 with products of bf16 pairs. Only for those: see [`super::has_pair_products`].
    Avx512Bf16, __m512, 16 x 12, true, "avx512f,avx512vl,avx512dq,avx512bw,avx512bf16,avx2,fma",
    [_mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps, _mm512_add_ps],
    [_mm256_loadu_si256, _mm512_cvtepu16_epi32, _mm512_slli_epi32, _mm512_castsi512_ps],
    [_mm_loadu_si128, _mm512_cvtepi8_epi32, _mm512_cvtepi32_ps],
    native,
);
