//! How the values of a packed matrix are stored; products always add up in single precision.

use super::aligned::Plain;
use super::simd::Simd;
use super::tile::Tile;

/// A stored value of a packed matrix, and what it is multiplied with.
pub(crate) trait Element: Plain {
    /// A value of the left side.
    type Left: Plain;
    /// A value of the left side in every lane.
    type Splat<S: Simd>: Copy;
    /// One register's worth of values of the right side.
    type Loaded<S: Simd>: Copy;
    /// Values of the depth that one stored value holds.
    const DEPTH: usize;
    /// Whether each column has a factor that its sums are multiplied with.
    const SCALED: bool;
    /// Whether the left side may also lie column by column, as it does in weight gradients.
    const BY_COLUMN: bool;

    /// # Safety
    /// `S` is available and one value can be read.
    unsafe fn splat<S: Simd>(source: *const Self::Left) -> Self::Splat<S>;
    /// # Safety
    /// `S` is available and `S::LANES` values can be read.
    unsafe fn load<S: Simd>(source: *const Self) -> Self::Loaded<S>;
    /// `sum + left * right` in single precision.
    /// # Safety
    /// `S` is available.
    unsafe fn multiply_add<S: Simd>(left: Self::Splat<S>, right: Self::Loaded<S>, sum: S::Vector) -> S::Vector;
    /// [`Simd::sums`] if it is for these values.
    /// # Safety
    /// As [`Tile::compute`].
    #[inline(always)]
    unsafe fn sums<S: Simd, const M: usize, const BY_COLUMN: bool>(_tile: &Tile<Self>) -> Option<[[S::Vector; 2]; M]> {
        None
    }
}

/// Values that are widened to single precision on the way into the registers.
macro_rules! widened {
    ($kind:ty, $load:ident, scaled: $scaled:literal, by_column: $by_column:literal $(, $sums:item)?) => {
        impl Element for $kind {
            type Left = f32;
            type Splat<S: Simd> = S::Vector;
            type Loaded<S: Simd> = S::Vector;
            const DEPTH: usize = 1;
            const SCALED: bool = $scaled;
            const BY_COLUMN: bool = $by_column;

            #[inline(always)]
            unsafe fn splat<S: Simd>(source: *const f32) -> S::Vector {
                // SAFETY: passed on to the caller.
                unsafe { S::splat(*source) }
            }

            #[inline(always)]
            unsafe fn load<S: Simd>(source: *const Self) -> S::Vector {
                // SAFETY: passed on to the caller.
                unsafe { S::$load(source) }
            }

            #[inline(always)]
            unsafe fn multiply_add<S: Simd>(left: S::Vector, right: S::Vector, sum: S::Vector) -> S::Vector {
                // SAFETY: passed on to the caller.
                unsafe { S::multiply_add(left, right, sum) }
            }

            $($sums)?
        }
    };
}

widened!(
    f32, load, scaled: false, by_column: true,
    #[inline(always)]
    unsafe fn sums<S: Simd, const M: usize, const BY_COLUMN: bool>(tile: &Tile) -> Option<[[S::Vector; 2]; M]> {
        // SAFETY: passed on to the caller.
        unsafe { S::sums::<M, BY_COLUMN>(tile) }
    }
);
widened!(Bf16, load_bf16, scaled: false, by_column: false);
widened!(i8, load_i8, scaled: true, by_column: false);

impl Element for Pair {
    type Left = Pair;
    type Splat<S: Simd> = S::Pairs;
    type Loaded<S: Simd> = S::Pairs;
    const DEPTH: usize = 2;
    const SCALED: bool = false;
    const BY_COLUMN: bool = true;

    #[inline(always)]
    unsafe fn splat<S: Simd>(source: *const Pair) -> S::Pairs {
        // SAFETY: passed on to the caller.
        unsafe { S::splat_pair(*source) }
    }

    #[inline(always)]
    unsafe fn load<S: Simd>(source: *const Pair) -> S::Pairs {
        // SAFETY: passed on to the caller.
        unsafe { S::load_pairs(source) }
    }

    #[inline(always)]
    unsafe fn multiply_add<S: Simd>(left: S::Pairs, right: S::Pairs, sum: S::Vector) -> S::Vector {
        // SAFETY: passed on to the caller.
        unsafe { S::multiply_add_pairs(left, right, sum) }
    }
}

/// The upper half of a single-precision value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Bf16(pub u16);

impl Bf16 {
    /// Nearest value, ties to even, as PyTorch rounds; NaN stays NaN.
    pub(crate) fn round(value: f32) -> Self {
        let bits = value.to_bits();
        if value.is_nan() {
            // The kept half of a NaN could be that of an infinity.
            return Self((bits >> 16) as u16 | 0x40);
        }
        let up = 0x7FFF + ((bits >> 16) & 1);
        Self(((bits + up) >> 16) as u16)
    }

    pub(crate) fn to_f32(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
}

/// Two values that follow each other along the depth, the first in the lower half: what `vdpbf16ps` multiplies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Pair(pub u32);

impl Pair {
    pub(crate) fn round(first: f32, second: f32) -> Self {
        Self(u32::from(Bf16::round(first).0) | u32::from(Bf16::round(second).0) << 16)
    }

    pub(crate) fn to_f32(self) -> [f32; 2] {
        [f32::from_bits(self.0 << 16), f32::from_bits(self.0 & 0xFFFF_0000)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected bits: `torch.tensor(x).to(torch.bfloat16).view(torch.int16)` of PyTorch 2.15.0.
    #[test]
    fn rounds_to_nearest_even() {
        let cases: [(f32, u16); 12] = [
            (0.0, 0x0000),
            (-0.0, 0x8000),
            (1.0, 0x3F80),
            (1.003_906_2, 0x3F80),
            (1.003_906_4, 0x3F81),
            (1.011_718_8, 0x3F82),
            (-2.345_678, 0xC016),
            (65504.0, 0x4780),
            (f32::MAX, 0x7F80),
            (f32::INFINITY, 0x7F80),
            (1e-40, 0x0001),
            (f32::MIN_POSITIVE, 0x0080),
        ];
        for (value, bits) in cases {
            assert_eq!(Bf16::round(value).0, bits, "{value}");
        }
        assert!(Bf16::round(f32::from_bits(0x7F80_0001)).to_f32().is_nan());
        assert!(Bf16::round(f32::NAN).to_f32().is_nan());
        for bits in 0..=u16::MAX {
            let value = Bf16(bits).to_f32();
            assert!(value.is_nan() || Bf16::round(value).0 == bits, "{bits:#06x}");
        }
    }
}
