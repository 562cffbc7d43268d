//! Memory that starts on a cache line.

use std::ops::{Deref, DerefMut};

/// One cache line of values.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

const LINE: usize = 16;

/// Values that start at a multiple of 64 bytes, so that vector loads of panel data never straddle cache lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct AlignedVec {
    lines: Vec<Line>,
    length: usize,
}

impl AlignedVec {
    /// `length` zeros.
    pub(crate) fn zeroed(length: usize) -> Self {
        Self { lines: vec![Line::default(); length.div_ceil(LINE)], length }
    }

    /// At least `length` values; never shrinks. New values are zero, old ones stay.
    pub(crate) fn grow(&mut self, length: usize) {
        if length > self.length {
            let lines = length.div_ceil(LINE);
            if lines > self.lines.len() {
                self.lines.reserve_exact(lines.saturating_sub(self.lines.len()));
                self.lines.resize(lines, Line::default());
            }
            self.length = length;
        }
    }
}

impl Deref for AlignedVec {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: `Line` is `repr(C)` over `LINE` floats, so the lines are `lines.len() * LINE >= length` initialised floats.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }
}

impl DerefMut for AlignedVec {
    fn deref_mut(&mut self) -> &mut [f32] {
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
    }
}
