//! The register tile: all matrix products of the engine end here.

use super::element::Element;
use super::simd::{MAX_PANEL, Simd};

/// Bytes of a cache line.
pub(super) const LINE: usize = 64;

/// A small product `output = source + left * right`, kept in registers over the whole depth.
///
/// `left` is `rows x depth`; value `(i, p)` lies at `left + i * left_row + p * left_step` and one of the two strides is 1.
/// `right` is one or more packed panels of `depth x PANEL`. The depth counts stored values (pairs hold two of the product's).
/// Each output value is one chain of multiply-adds in the order of the depth, whatever the tile's shape: that is what makes
/// results independent of how work is cut.
pub(crate) struct Tile<E: Element = f32> {
    /// 1 to `Simd::ROWS`.
    pub rows: usize,
    /// Columns written; panels beyond the first are used when it exceeds one panel (see [`panels_for`]).
    pub columns: usize,
    pub depth: usize,
    pub left: *const E::Left,
    pub left_row: usize,
    pub left_step: usize,
    pub right: *const E,
    /// Distance between panels.
    pub right_panel: usize,
    /// Rows of a panel that follow each other, and the distance from the end of one such run to the next.
    pub right_run: usize,
    pub right_gap: usize,
    /// What the next tiles read of `right`, a hint: `ahead_step` bytes for each step of the depth, from `ahead` on. Taken by
    /// loops written by hand ([`Simd::sums`]) and where [`Simd::ASKS_AHEAD`]. Need not be valid; null asks for nothing new.
    pub ahead: *const u8,
    pub ahead_step: usize,
    /// One factor for each column that its product is multiplied with; read only when [`Element::SCALED`].
    pub scales: *const f32,
    pub output: *mut f32,
    pub output_row: usize,
    /// Added to the product; null for nothing.
    pub source: *const f32,
    pub source_row: usize,
}

/// Panels that a tile of `rows` rows spans: enough for eight independent chains of multiply-adds.
pub(crate) fn panels_for(rows: usize) -> usize {
    match rows {
        1 => 4,
        2 | 3 => 2,
        _ => 1,
    }
}

impl<E: Element> Tile<E> {
    /// Computes the tile.
    ///
    /// # Safety
    /// `S` is available on this processor; `1 <= rows <= S::ROWS`; `1 <= columns <= panels_for(rows) * S::PANEL`;
    /// `right_run >= 1`; all of `left`, the panels of `right` that `columns` touches, `output`, `scales` where it is read and
    /// (unless null) `source` are valid for the stated shapes and strides, and `output` overlaps nothing but possibly `source`
    /// at the same place.
    #[inline(always)]
    pub(crate) unsafe fn compute<S: Simd>(&self) {
        // SAFETY: passed on to the caller, for each branch.
        unsafe {
            if self.left_step == 1 || !E::BY_COLUMN {
                self.rows_of_left::<S, false>();
            } else {
                self.rows_of_left::<S, true>();
            }
        }
    }

    #[inline(always)]
    unsafe fn rows_of_left<S: Simd, const BY_COLUMN: bool>(&self) {
        // The comparison with `S::ROWS` is constant: branches above it are not compiled.
        macro_rules! choose {
            ($($rows:literal)*) => {
                match self.rows {
                    // SAFETY: contract of `compute`.
                    $($rows if $rows <= S::ROWS => unsafe {
                        self.columns_of_right::<S, BY_COLUMN, $rows>()
                    },)*
                    _ => {}
                }
            };
        }
        choose!(1 2 3 4 5 6 7 8 9 10 11 12);
    }

    #[inline(always)]
    unsafe fn columns_of_right<S: Simd, const BY_COLUMN: bool, const M: usize>(&self) {
        let panels = self.columns.div_ceil(S::PANEL);
        // SAFETY: contract of `compute`.
        unsafe {
            match (M, panels) {
                (1, 4) => self.product::<S, BY_COLUMN, M, 4>(),
                (1, 3) => self.product::<S, BY_COLUMN, M, 3>(),
                (1..=3, 2) => self.product::<S, BY_COLUMN, M, 2>(),
                _ => self.product::<S, BY_COLUMN, M, 1>(),
            }
        }
    }

    #[inline(always)]
    unsafe fn product<S: Simd, const BY_COLUMN: bool, const M: usize, const P: usize>(&self) {
        // SAFETY: passed on to the caller; `store` stays within `columns`.
        unsafe {
            let mut sum = [[[S::splat(0.0); 2]; P]; M];
            match E::sums::<S, M, BY_COLUMN>(self) {
                Some(sums) if P == 1 => sum.iter_mut().zip(sums).for_each(|(row, sums)| row[0] = sums),
                _ => self.add_to::<S, BY_COLUMN, M, P>(&mut sum),
            }
            for (i, sum) in sum.iter().enumerate() {
                for (panel, sum) in sum.iter().enumerate() {
                    let first = panel * S::PANEL;
                    let count = (self.columns - first).min(S::PANEL);
                    let output = self.output.add(i * self.output_row + first);
                    let source =
                        if self.source.is_null() { None } else { Some(self.source.add(i * self.source_row + first)) };
                    let mut sum = *sum;
                    if E::SCALED {
                        scale::<S>(&mut sum, count, self.scales.add(first));
                    }
                    store::<S>(sum, count, output, source);
                }
            }
        }
    }

    /// Adds the product to `sum`.
    #[inline(always)]
    unsafe fn add_to<S: Simd, const BY_COLUMN: bool, const M: usize, const P: usize>(
        &self,
        sum: &mut [[[S::Vector; 2]; P]; M],
    ) {
        // SAFETY: `compute` promises `depth` rows of every panel and `rows x depth` values of `left`.
        unsafe {
            let (mut left, mut right) = (self.left, self.right);
            let (row, step) = if BY_COLUMN { (1, self.left_step) } else { (self.left_row, 1) };
            // One loop with a countdown: in nested loops the compiler keeps the sums in memory.
            let mut left_of_run = self.right_run;
            // One line a step until all are asked for: faster than memory gives them, and no burst. Several panels at once
            // are as many streams, which the processor follows by itself.
            let mut ahead = self.ahead;
            let mut lines = if S::ASKS_AHEAD && P == 1 { (self.depth * self.ahead_step).div_ceil(LINE) } else { 0 };
            for _ in 0..self.depth {
                if S::ASKS_AHEAD && lines > 0 {
                    S::prefetch_second(ahead);
                    ahead = ahead.wrapping_add(LINE);
                    lines -= 1;
                }
                // Every value is replaced; the load gives the compiler a first one.
                let mut b = [[E::load::<S>(right); 2]; P];
                for (panel, b) in b.iter_mut().enumerate() {
                    let at = right.add(panel * self.right_panel);
                    *b = [E::load::<S>(at), E::load::<S>(at.add(S::LANES))];
                }
                for (i, sum) in sum.iter_mut().enumerate() {
                    let a = E::splat::<S>(left.add(i * row));
                    for (sum, b) in sum.iter_mut().zip(&b) {
                        sum[0] = E::multiply_add::<S>(a, b[0], sum[0]);
                        sum[1] = E::multiply_add::<S>(a, b[1], sum[1]);
                    }
                }
                left = left.add(step);
                right = right.wrapping_add(S::PANEL);
                left_of_run -= 1;
                if left_of_run == 0 {
                    // Behind the last run there need not be a next one.
                    right = right.wrapping_add(self.right_gap);
                    left_of_run = self.right_run;
                }
            }
        }
    }
}

/// Multiplies the first `count` values of two registers.
#[inline(always)]
unsafe fn scale<S: Simd>(sum: &mut [S::Vector; 2], count: usize, scales: *const f32) {
    // SAFETY: `compute` promises `count` factors; `edge` holds a whole panel.
    unsafe {
        let zero = S::splat(0.0);
        let mut edge = [0.0f32; MAX_PANEL];
        let mut factors = scales;
        if count < S::PANEL {
            std::ptr::copy_nonoverlapping(scales, edge.as_mut_ptr(), count);
            factors = edge.as_ptr();
        }
        for (half, sum) in sum.iter_mut().enumerate() {
            *sum = S::multiply_add(*sum, S::load(factors.add(half * S::LANES)), zero);
        }
    }
}

/// Writes the first `count` values of two registers, plus `source` if there is one.
#[inline(always)]
unsafe fn store<S: Simd>(sum: [S::Vector; 2], count: usize, output: *mut f32, source: Option<*const f32>) {
    // SAFETY: `compute` promises `count` values at `output` and `source`; `edge` holds a whole panel.
    unsafe {
        if count == S::PANEL {
            let mut sum = sum;
            if let Some(source) = source {
                sum[0] = S::add(S::load(source), sum[0]);
                sum[1] = S::add(S::load(source.add(S::LANES)), sum[1]);
            }
            S::store(output, sum[0]);
            S::store(output.add(S::LANES), sum[1]);
        } else {
            let mut edge = [0.0f32; MAX_PANEL];
            S::store(edge.as_mut_ptr(), sum[0]);
            S::store(edge.as_mut_ptr().add(S::LANES), sum[1]);
            for (column, value) in edge.iter().take(count).enumerate() {
                *output.add(column) = match source {
                    Some(source) => *source.add(column) + value,
                    None => *value,
                };
            }
        }
    }
}
