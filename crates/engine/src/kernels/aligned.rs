//! Memory that starts on a cache line.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use super::element::{Bf16, Pair};

/// One cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct Line([u64; 8]);

/// Types that any bytes are a value of.
///
/// # Safety
/// Every bit pattern is valid, there is no padding, and the alignment is at most 64.
pub(crate) unsafe trait Plain: Copy + Send + Sync + 'static {}
// SAFETY: numbers without padding.
unsafe impl Plain for f32 {}
// SAFETY: as above.
unsafe impl Plain for i8 {}
// SAFETY: a transparent `u16`.
unsafe impl Plain for Bf16 {}
// SAFETY: a transparent `u32`.
unsafe impl Plain for Pair {}

/// The same memory as pairs.
pub(crate) fn as_pairs(values: &[f32]) -> &[Pair] {
    // SAFETY: both have four bytes and the same alignment, and any bits are a value of both.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), values.len()) }
}

/// As [`as_pairs`].
pub(crate) fn as_pairs_mut(values: &mut [f32]) -> &mut [Pair] {
    // SAFETY: as in `as_pairs`, and the borrow is mutable.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), values.len()) }
}

/// Values that start at a multiple of 64 bytes, so that vector loads of panel data never straddle cache lines.
#[derive(Clone, Debug)]
pub(crate) struct AlignedVec<T = f32> {
    lines: Vec<Line>,
    length: usize,
    kind: PhantomData<T>,
}

impl<T: Plain> Default for AlignedVec<T> {
    fn default() -> Self {
        Self::zeroed(0)
    }
}

impl<T: Plain> AlignedVec<T> {
    /// Values of one line.
    const LINE: usize = size_of::<Line>() / size_of::<T>();

    /// `length` zeros.
    pub(crate) fn zeroed(length: usize) -> Self {
        Self { lines: vec![Line::default(); length.div_ceil(Self::LINE)], length, kind: PhantomData }
    }

    /// At least `length` values; never shrinks. New values are zero, old ones stay.
    pub(crate) fn grow(&mut self, length: usize) {
        if length > self.length {
            let lines = length.div_ceil(Self::LINE);
            if lines > self.lines.len() {
                self.lines.reserve_exact(lines.saturating_sub(self.lines.len()));
                self.lines.resize(lines, Line::default());
            }
            self.length = length;
        }
    }
}

impl<T: Plain> Deref for AlignedVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the lines are initialised bytes for at least `length` values of a type that any bytes are a value of.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }
}

impl<T: Plain> DerefMut for AlignedVec<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_aligned_and_grows_with_zeros() {
        let mut values = AlignedVec::zeroed(5);
        values[4] = 3.0;
        values.grow(40);
        assert_eq!(values.len(), 40);
        assert_eq!(values.as_ptr() as usize % 64, 0);
        assert_eq!((values[4], values[5], values[39]), (3.0, 0.0, 0.0));
        let mut bytes: AlignedVec<i8> = AlignedVec::zeroed(65);
        bytes[64] = -7;
        bytes.grow(200);
        assert_eq!((bytes.len(), bytes[64], bytes[199]), (200, -7, 0));
    }
}
