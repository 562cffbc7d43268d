//! Products of pairs in the tile registers of AMX.
//!
//! Panels and the paired-up left side are what the instructions want as they lie. A value's chain of steps goes on where
//! the output was left, so that it is the same whatever the depth is cut into; edges are smaller tiles.

use super::{Sides, Target};
use crate::kernels::element::Pair;
use crate::kernels::simd::amx::{BLOCK, Block, SIDE, Shape, Tiles};

/// Steps of the depth between two visits of an output: the panel of these and the left rows of a block, 32 KB each, stay in the
/// nearest caches.
const STEPS: usize = 16;

/// All blocks of a product whose operands were checked by [`super::multiply_panels`].
///
/// # Safety
/// As [`super::multiply_panels`], for the target.
pub(super) unsafe fn multiply(tiles: &mut Tiles, sides: &Sides<'_, Pair>, target: Target<'_>) {
    let depth = sides.depth.div_ceil(2);
    let whole = depth / SIDE;
    for first in (0..whole).step_by(STEPS) {
        // SAFETY: passed on to the caller.
        unsafe { multiply_steps(tiles, sides, target, (first * SIDE, STEPS.min(whole - first), SIDE)) };
    }
    if !depth.is_multiple_of(SIDE) {
        // SAFETY: passed on to the caller.
        unsafe { multiply_steps(tiles, sides, target, (whole * SIDE, 1, depth % SIDE)) };
    }
}

/// The product over `steps` steps of `pairs` pairs, from pair `begin` of the depth on.
///
/// # Safety
/// As [`multiply`].
unsafe fn multiply_steps(
    tiles: &mut Tiles,
    sides: &Sides<'_, Pair>,
    target: Target<'_>,
    (begin, steps, pairs): (usize, usize, usize),
) {
    let Sides { rows, columns, left_row, left, right, .. } = *sides;
    let depth = sides.depth.div_ceil(2);
    for first in (0..columns).step_by(BLOCK) {
        for row in (0..rows).step_by(BLOCK) {
            let shape = Shape { rows: BLOCK.min(rows - row), columns: BLOCK.min(columns - first), pairs };
            let from = left.as_ptr().wrapping_add(row * left_row + begin);
            // SAFETY: `multiply_panels` checked that the operands hold rows x depth, whole panels and rows x columns values; row,
            // first and begin stay below these, and the shape ends with them.
            unsafe {
                let output = target.c.add(row * target.stride + first);
                let (source, source_row) = target.source(row, first, begin);
                tiles.multiply(
                    shape,
                    &Block {
                        left: from,
                        left_below: from.wrapping_add(SIDE * left_row),
                        left_row: left_row * size_of::<Pair>(),
                        left_step: SIDE * size_of::<Pair>(),
                        right: right.as_ptr().add(first * depth + begin * BLOCK),
                        run: steps,
                        gap: 0,
                        steps,
                        source: if source.is_null() { NOTHING.as_ptr() } else { source },
                        source_row: source_row * size_of::<f32>(),
                        output,
                        output_row: target.stride * size_of::<f32>(),
                    },
                );
            }
        }
    }
}

/// A row of a block of zeros.
static NOTHING: [f32; BLOCK] = [0.0; BLOCK];
