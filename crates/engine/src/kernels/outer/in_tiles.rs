//! Sums of outer products in the tile registers of AMX.

use super::{Outer, block_rows};
use crate::Operands;
use crate::kernels::aligned::as_pairs;
use crate::kernels::element::Pair;
use crate::kernels::simd::amx::{BLOCK, Block, SIDE, Shape, Tiles};
use crate::kernels::simd::bf16::turn_pairs;
use crate::kernels::simd::{Avx512, Simd};

/// Steps between two visits of an output, a multiple of those of a block. The packed left side never needs more space than
/// that of the other kernels ([`super::outer_scratch`]).
const STEPS: usize = 14;
/// Rows of the depth in one step.
const STEP_ROWS: usize = 2 * SIDE;
/// Pairs of one packed tile.
const TILE: usize = SIDE * SIDE;

/// A strip whose operands [`super::accumulate_outer`] checked.
pub(super) fn accumulate(tiles: &mut Tiles, outer: &Outer<'_>, output: &mut [f32], packed: &mut [Pair]) {
    let (rows, columns) = (outer.rows, outer.columns);
    let right = as_pairs(outer.right);
    let block = block_rows(Operands::Bf16);
    let run = block / STEP_ROWS;
    let panel = block / 2 * BLOCK;
    let jump = panel * columns.div_ceil(BLOCK);
    for begin in (0..outer.depth).step_by(STEPS * STEP_ROWS) {
        let length = (STEPS * STEP_ROWS).min(outer.depth - begin);
        let packed = &mut packed[..rows.div_ceil(SIDE) * STEPS * TILE];
        pack(outer, begin, length, packed);
        let pairs = length.div_ceil(2);
        let whole = pairs / SIDE;
        // The rest of the depth is a step of smaller tiles.
        for (skipped, steps, pairs) in [(0, whole, SIDE), (whole, 1, pairs % SIDE)] {
            if steps == 0 || pairs == 0 {
                continue;
            }
            let right = &right[(begin / block + skipped / run) * jump + skipped % run * SIDE * BLOCK..];
            for first in (0..columns).step_by(BLOCK) {
                for row in (0..rows).step_by(BLOCK) {
                    let shape = Shape { rows: BLOCK.min(rows - row), columns: BLOCK.min(columns - first), pairs };
                    let left = packed.as_ptr().wrapping_add((row / SIDE * STEPS + skipped) * TILE);
                    // SAFETY: `accumulate_outer` checked the output and the blocks, whose panels hold `block` rows; the packed
                    // strips of 16 rows are `STEPS` tiles each, and those of this depth were filled.
                    unsafe {
                        let target = output.as_mut_ptr().add(row * columns + first);
                        tiles.multiply(
                            shape,
                            &Block {
                                left,
                                left_below: left.wrapping_add(STEPS * TILE),
                                left_row: SIDE * size_of::<Pair>(),
                                left_step: TILE * size_of::<Pair>(),
                                right: right.as_ptr().add(first / BLOCK * panel),
                                run,
                                gap: (jump - panel) * size_of::<Pair>(),
                                steps,
                                source: target,
                                source_row: columns * size_of::<f32>(),
                                output: target,
                                output_row: columns * size_of::<f32>(),
                            },
                        );
                    }
                }
            }
        }
    }
}

/// Packs `length` rows of the left operand: for each 16 of the columns `STEPS` tiles, each row of which is a column.
fn pack(outer: &Outer<'_>, begin: usize, length: usize, packed: &mut [Pair]) {
    let stride = outer.left_stride;
    for (step, at) in (begin..begin + length).step_by(STEP_ROWS).enumerate() {
        let rows = &outer.left[at * stride..(at + STEP_ROWS).min(begin + length) * stride];
        // The rows of the next step: their stride is too long for the processor to guess.
        for row in rows.chunks_exact(stride) {
            for line in (0..outer.rows).step_by(SIDE) {
                Avx512::prefetch(row.as_ptr().wrapping_add(STEP_ROWS * stride + outer.first + line));
            }
        }
        for (strip, column) in (0..outer.rows).step_by(SIDE).enumerate() {
            let count = SIDE.min(outer.rows - column);
            let target = &mut packed[(strip * STEPS + step) * TILE..][..TILE];
            // SAFETY: tiles are only multiplied where the processor has AVX-512 BF16 too.
            unsafe { turn_pairs(&rows[outer.first + column..], stride, count, target) };
        }
    }
}
