//! Instruction sets: found out at run time, one generic source for all.
//!
//! Kernels are written once, generic over [`Simd`]; [`dispatch!`] compiles them for each instruction set and picks one.
//! Every reduction runs over a number of lanes that does not depend on the instruction set and every product is a fused
//! multiply-add, so AVX2, AVX-512 and AArch64 give the same bits. (x86-64 processors without FMA round twice and
//! differ, and `vdpbf16ps` and `tdpbf16ps` have roundings of their own.)

use std::sync::OnceLock;

use super::element::{Bf16, Element, Pair};

/// An instruction set that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isa {
    /// No intrinsics; the compiler vectorises for the target's baseline (NEON on AArch64).
    Portable,
    /// The register tile of AVX-512 without its instructions: tests that geometry on every machine.
    #[cfg(test)]
    Wide,
    /// AVX2 and FMA: 8 lanes.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F, VL, DQ, BW: 16 lanes.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// The best one of this processor, found once. `CHEMR_ISA` (a name of [`kernel_name`]) can ask for a lower one.
    pub(crate) fn detect() -> Self {
        static FOUND: OnceLock<Isa> = OnceLock::new();
        *FOUND.get_or_init(|| {
            let available = Self::available();
            let named = |isa: &&Isa| wanted().eq_ignore_ascii_case(isa.name());
            let best = available.last().copied().unwrap_or(Isa::Portable);
            available.iter().find(named).copied().unwrap_or(best)
        })
    }

    /// All that this processor can run, worst first.
    pub(crate) fn available() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), allow(unused_mut))]
        let mut list = vec![
            Isa::Portable,
            #[cfg(test)]
            Isa::Wide,
        ];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                list.push(Isa::Avx2);
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512bw")
                {
                    list.push(Isa::Avx512);
                }
            }
        }
        list
    }

    /// `portable`, `avx2` or `avx512`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Isa::Portable => "portable",
            #[cfg(test)]
            Isa::Wide => "wide",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => "avx512",
        }
    }

    /// Columns of one panel of a packed matrix.
    pub(crate) fn panel(self) -> usize {
        match self {
            Isa::Portable => 2 * Portable::LANES,
            #[cfg(test)]
            Isa::Wide => 2 * Wide::LANES,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => 2 * Avx2::LANES,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => 2 * Avx512::LANES,
        }
    }

    /// Rows of one register tile.
    pub(crate) fn rows(self) -> usize {
        match self {
            Isa::Portable => Portable::ROWS,
            #[cfg(test)]
            Isa::Wide => Wide::ROWS,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => Avx2::ROWS,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => Avx512::ROWS,
        }
    }

    /// Pairs of instruction sets that must give the same bits: those that round their multiply-adds alike.
    #[cfg(test)]
    pub(crate) fn twins() -> Vec<(Self, Self)> {
        let plain = |isa: &Isa| matches!(isa, Isa::Portable | Isa::Wide);
        let (plain, fused): (Vec<Isa>, Vec<Isa>) = Self::available().into_iter().partition(plain);
        let pairs = [plain, fused];
        pairs.iter().flat_map(|list| list.windows(2).map(|pair| (pair[0], pair[1]))).collect()
    }
}

/// What `CHEMR_ISA` asks for.
fn wanted() -> &'static str {
    static WANTED: OnceLock<String> = OnceLock::new();
    WANTED.get_or_init(|| std::env::var("CHEMR_ISA").unwrap_or_default().trim().to_owned())
}

/// Widest panel of all instruction sets.
pub(crate) const MAX_PANEL: usize = 32;

/// One instruction set, as the register tile of a matrix product needs it.
pub(crate) trait Simd: Copy {
    /// Values in one register.
    const LANES: usize;
    /// Rows of the register tile; a tile has `2 * LANES` columns.
    const ROWS: usize;
    /// Columns of a panel.
    const PANEL: usize = 2 * Self::LANES;
    /// Whether the loop that the compiler makes of a [`super::tile::Tile`] asks for what lies ahead. Only where registers are left
    /// beside the sums: with sixteen the compiler would keep some of them in memory.
    const ASKS_AHEAD: bool = false;
    /// A register.
    type Vector: Copy;
    /// `LANES` pairs of bf16 values, ready to be multiplied.
    type Pairs: Copy;

    /// # Safety
    /// The instruction set is available (all methods).
    unsafe fn splat(value: f32) -> Self::Vector;
    /// # Safety
    /// `LANES` values can be read.
    unsafe fn load(source: *const f32) -> Self::Vector;
    /// # Safety
    /// `LANES` values can be written.
    unsafe fn store(target: *mut f32, value: Self::Vector);
    /// # Safety
    /// `LANES` values can be read.
    unsafe fn load_bf16(source: *const Bf16) -> Self::Vector;
    /// # Safety
    /// `LANES` values can be read.
    unsafe fn load_i8(source: *const i8) -> Self::Vector;
    /// # Safety
    /// The instruction set is available.
    unsafe fn splat_pair(value: Pair) -> Self::Pairs;
    /// # Safety
    /// `LANES` pairs can be read.
    unsafe fn load_pairs(source: *const Pair) -> Self::Pairs;
    /// `sum + a.0 * b.0 + a.1 * b.1`: the first product is added first, each rounded once, except where the processor has an
    /// instruction for both.
    /// # Safety
    /// The instruction set is available.
    unsafe fn multiply_add_pairs(a: Self::Pairs, b: Self::Pairs, sum: Self::Vector) -> Self::Vector;
    /// Rounds a row to pairs of values that follow each other; an odd length is filled up with zero. `target` holds half as
    /// many pairs, rounded up.
    /// # Safety
    /// The instruction set is available.
    #[inline(always)]
    unsafe fn pair_up(values: &[f32], target: &mut [Pair]) {
        for (values, target) in values.chunks(2).zip(target) {
            *target = Pair::round(values[0], values.get(1).copied().unwrap_or(0.0));
        }
    }
    /// Rounds two rows to pairs of a value of each; a missing second one counts as zeros. What `target` has more becomes zero.
    /// # Safety
    /// The instruction set is available.
    #[inline(always)]
    unsafe fn round_pairs(one: &[f32], other: Option<&[f32]>, target: &mut [Pair]) {
        let (target, rest) = target.split_at_mut(one.len());
        match other {
            Some(other) => {
                for ((target, one), other) in target.iter_mut().zip(one).zip(other) {
                    *target = Pair::round(*one, *other);
                }
            }
            None => {
                for (target, one) in target.iter_mut().zip(one) {
                    *target = Pair::round(*one, 0.0);
                }
            }
        }
        rest.fill(Pair(0));
    }
    /// Packs one panel of pairs from the transpose: `rows` are `columns` whole rows of `depth` values. What is missing is zero.
    /// # Safety
    /// The instruction set is available.
    #[inline(always)]
    unsafe fn pack_pairs(rows: &[f32], depth: usize, columns: usize, part: &mut [Pair]) {
        if columns < Self::PANEL {
            part.fill(Pair(0));
        }
        for (column, row) in rows.chunks_exact(depth).take(columns).enumerate() {
            for (values, target) in row.chunks(2).zip(part.chunks_exact_mut(Self::PANEL)) {
                target[column] = Pair::round(values[0], values.get(1).copied().unwrap_or(0.0));
            }
        }
    }
    /// `a * b + c`, rounded once where the processor can.
    /// # Safety
    /// The instruction set is available.
    unsafe fn multiply_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// # Safety
    /// The instruction set is available.
    unsafe fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a * b + c` of single values, for loops that the compiler vectorises.
    fn fma(a: f32, b: f32, c: f32) -> f32;
    /// Asks for the cache line at `address`, which need not be valid.
    fn prefetch(address: *const f32);
    /// As [`Simd::prefetch`], into the second-level cache only.
    fn prefetch_second(address: *const u8);
    /// The sums of a single-precision tile of `M` rows and one panel by a loop written for this instruction set; `None` where
    /// there is no such loop, for this height or at all.
    /// # Safety
    /// As [`super::tile::Tile::compute`].
    #[inline(always)]
    unsafe fn sums<const M: usize, const BY_COLUMN: bool>(_tile: &super::tile::Tile) -> Option<[[Self::Vector; 2]; M]> {
        None
    }
    /// One register tile; see [`super::tile`].
    /// # Safety
    /// As [`super::tile::Tile::compute`].
    unsafe fn tile<E: Element>(tile: &super::tile::Tile<E>);
}

/// The target's baseline, with `L` lanes and `R` rows.
#[derive(Clone, Copy)]
pub(crate) struct Baseline<const L: usize, const R: usize>;

/// The tile that suits most baselines: 6 rows of 16 values are 24 registers of NEON.
pub(crate) type Portable = Baseline<8, 6>;

/// The tile of AVX-512.
#[cfg(test)]
pub(crate) type Wide = Baseline<16, 12>;

impl<const L: usize, const R: usize> Simd for Baseline<L, R> {
    const LANES: usize = L;
    const ROWS: usize = R;
    type Vector = [f32; L];
    type Pairs = [[f32; L]; 2];

    #[inline(always)]
    unsafe fn splat_pair(value: Pair) -> [[f32; L]; 2] {
        value.to_f32().map(|value| [value; L])
    }

    #[inline(always)]
    unsafe fn load_pairs(source: *const Pair) -> [[f32; L]; 2] {
        // SAFETY: `L` pairs are readable (contract).
        let pairs: [[f32; 2]; L] = std::array::from_fn(|lane| unsafe { *source.add(lane) }.to_f32());
        [0, 1].map(|half| pairs.map(|pair| pair[half]))
    }

    #[inline(always)]
    unsafe fn multiply_add_pairs(a: [[f32; L]; 2], b: [[f32; L]; 2], sum: [f32; L]) -> [f32; L] {
        // SAFETY: nothing is read.
        unsafe { Self::multiply_add(a[1], b[1], Self::multiply_add(a[0], b[0], sum)) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> [f32; L] {
        [value; L]
    }

    #[inline(always)]
    unsafe fn load(source: *const f32) -> [f32; L] {
        // SAFETY: `L` values are readable (contract); no alignment is assumed.
        unsafe { source.cast::<[f32; L]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(target: *mut f32, value: [f32; L]) {
        // SAFETY: `L` values are writable (contract); no alignment is assumed.
        unsafe { target.cast::<[f32; L]>().write_unaligned(value) }
    }

    #[inline(always)]
    unsafe fn load_bf16(source: *const Bf16) -> [f32; L] {
        // SAFETY: `L` values are readable (contract).
        std::array::from_fn(|lane| unsafe { *source.add(lane) }.to_f32())
    }

    #[inline(always)]
    unsafe fn load_i8(source: *const i8) -> [f32; L] {
        // SAFETY: `L` values are readable (contract).
        std::array::from_fn(|lane| f32::from(unsafe { *source.add(lane) }))
    }

    #[inline(always)]
    unsafe fn multiply_add(a: [f32; L], b: [f32; L], c: [f32; L]) -> [f32; L] {
        std::array::from_fn(|lane| Self::fma(a[lane], b[lane], c[lane]))
    }

    #[inline(always)]
    unsafe fn add(a: [f32; L], b: [f32; L]) -> [f32; L] {
        std::array::from_fn(|lane| a[lane] + b[lane])
    }

    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        // Without an FMA instruction `mul_add` is a call that emulates it, some fifty times slower.
        if cfg!(any(target_arch = "aarch64", target_feature = "fma")) { a.mul_add(b, c) } else { a * b + c }
    }

    #[inline(always)]
    fn prefetch(_address: *const f32) {}

    #[inline(always)]
    fn prefetch_second(_address: *const u8) {}

    #[inline]
    unsafe fn tile<E: Element>(tile: &super::tile::Tile<E>) {
        // SAFETY: passed on to the caller.
        unsafe { tile.compute::<Self>() }
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512, Avx512Bf16};

/// Name of the instruction set in use, with the way in which it multiplies pairs of bf16 values.
pub(crate) fn kernel_name() -> &'static str {
    let isa = Isa::detect();
    #[cfg(target_arch = "x86_64")]
    if amx::available(isa) {
        return "avx512amx";
    } else if has_pair_products(isa) {
        return "avx512bf16";
    }
    isa.name()
}

/// Whether pairs of bf16 values are multiplied in one instruction (`vdpbf16ps`).
#[cfg(target_arch = "x86_64")]
pub(crate) fn has_pair_products(isa: Isa) -> bool {
    static WANTED: OnceLock<bool> = OnceLock::new();
    isa == Isa::Avx512
        && is_x86_feature_detected!("avx512bf16")
        // Who asks for plain AVX-512 gets the bits of the other instruction sets.
        && *WANTED.get_or_init(|| !wanted().eq_ignore_ascii_case(Isa::Avx512.name()))
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2_tile;
#[cfg(target_arch = "x86_64")]
mod avx512_tile;
#[cfg(target_arch = "x86_64")]
pub(crate) mod bf16;
#[cfg(all(test, target_arch = "x86_64"))]
mod tile_tests;
#[cfg(target_arch = "x86_64")]
mod x86;

/// Makes `fn name(isa, args)` that runs the generic `body::<S>(args)` (or `body::<S, E>(args)`) compiled for that instruction
/// set.
macro_rules! dispatch {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $kind:ty),* $(,)?) $(-> $result:ty)? = $body:ident $(<$kind_of:ty>)?) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)] // kernels take their operands one by one
        $vis fn $name(isa: $crate::kernels::simd::Isa, $($arg: $kind),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[allow(clippy::too_many_arguments)]
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
                fn avx512($($arg: $kind),*) $(-> $result)? {
                    $body::<$crate::kernels::simd::Avx512 $(, $kind_of)?>($($arg),*)
                }
                #[allow(clippy::too_many_arguments)]
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $kind),*) $(-> $result)? {
                    $body::<$crate::kernels::simd::Avx2 $(, $kind_of)?>($($arg),*)
                }
                match isa {
                    // SAFETY: these values of `Isa` come from `Isa::available`, which asked the processor.
                    $crate::kernels::simd::Isa::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    $crate::kernels::simd::Isa::Avx2 => return unsafe { avx2($($arg),*) },
                    _ => {}
                }
            }
            #[cfg(test)]
            if isa == $crate::kernels::simd::Isa::Wide {
                return $body::<$crate::kernels::simd::Wide $(, $kind_of)?>($($arg),*);
            }
            let _ = isa;
            $body::<$crate::kernels::simd::Portable $(, $kind_of)?>($($arg),*)
        }
    };
}
pub(crate) use dispatch;

/// As [`dispatch!`], for pairs of bf16 values: with [`Avx512Bf16`] where the processor has it.
macro_rules! dispatch_pairs {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $kind:ty),* $(,)?) = $body:ident $(<$kind_of:ty>)?) => {
        $(#[$meta])*
        $vis fn $name(isa: $crate::kernels::simd::Isa, $($arg: $kind),*) {
            #[cfg(target_arch = "x86_64")]
            if $crate::kernels::simd::has_pair_products(isa) {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx512bf16,avx2,fma")]
                fn native($($arg: $kind),*) {
                    $body::<$crate::kernels::simd::Avx512Bf16 $(, $kind_of)?>($($arg),*);
                }
                // SAFETY: the processor was asked for these instructions.
                return unsafe { native($($arg),*) };
            }
            $crate::kernels::simd::dispatch! {
                fn widened($($arg: $kind),*) = $body $(<$kind_of>)?
            }
            widened(isa, $($arg),*);
        }
    };
}
pub(crate) use dispatch_pairs;
