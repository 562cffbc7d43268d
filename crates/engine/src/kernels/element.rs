//! How the values of a packed matrix are stored; products always add up in single precision.

use super::aligned::Plain;
use super::simd::Simd;

/// A stored value of a packed matrix.
pub(crate) trait Element: Plain {
    /// Whether each column has a factor that its sums are multiplied with.
    const SCALED: bool;
    /// Whether the left side may also lie column by column, as it does in weight gradients.
    const BY_COLUMN: bool;

    /// `S::LANES` values in single precision; exact.
    ///
    /// # Safety
    /// `S` is available and `S::LANES` values can be read.
    unsafe fn load<S: Simd>(source: *const Self) -> S::Vector;
}

impl Element for f32 {
    const SCALED: bool = false;
    const BY_COLUMN: bool = true;

    #[inline(always)]
    unsafe fn load<S: Simd>(source: *const Self) -> S::Vector {
        // SAFETY: passed on to the caller.
        unsafe { S::load(source) }
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

impl Element for Bf16 {
    const SCALED: bool = false;
    const BY_COLUMN: bool = false;

    #[inline(always)]
    unsafe fn load<S: Simd>(source: *const Self) -> S::Vector {
        // SAFETY: passed on to the caller.
        unsafe { S::load_bf16(source) }
    }
}

impl Element for i8 {
    const SCALED: bool = true;
    const BY_COLUMN: bool = false;

    #[inline(always)]
    unsafe fn load<S: Simd>(source: *const Self) -> S::Vector {
        // SAFETY: passed on to the caller.
        unsafe { S::load_i8(source) }
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
