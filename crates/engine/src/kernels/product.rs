//! A product on the calling thread: from checked operands to register tiles.

use super::element::{Bf16, Element, Pair};
use super::simd::{Isa, Simd, dispatch, dispatch_pairs};
use super::tile::{Tile, panels_for};

#[cfg(target_arch = "x86_64")]
mod in_tiles;

/// Longest run of the depth between two additions into the output; a panel of it fits the first-level cache.
const DEPTH_BLOCK: usize = 256;

/// What a product is added to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Store<'a> {
    /// `c = a b`
    Overwrite,
    /// `c += a b`
    Add,
    /// `c = d + a b`, rows of `d` lie `.1` apart.
    AddTo(&'a [f32], usize),
}

/// Length of the depth blocks: all but the last are equal, at most [`DEPTH_BLOCK`].
fn depth_block(depth: usize) -> usize {
    let blocks = depth.div_ceil(DEPTH_BLOCK).max(1);
    depth.div_ceil(blocks).next_multiple_of(8).max(8)
}

/// A product with packed right-hand side.
pub(super) struct Product<'a> {
    pub rows: usize,
    pub columns: usize,
    pub depth: usize,
    pub left: Left<'a>,
    pub right: Right<'a>,
}

/// Distance between rows of pairs of a left side: whole cache lines, as loads of tiles want it.
pub(crate) fn pair_stride(depth: usize) -> usize {
    depth.div_ceil(2).next_multiple_of(16)
}

/// `[rows, depth]`, contiguous; pairs, [`pair_stride`] apart, belong to panels of pairs.
#[derive(Clone, Copy)]
pub(super) enum Left<'a> {
    Single(&'a [f32]),
    Pairs(&'a [Pair]),
}

/// Panels of `depth x panel` values; 8-bit ones with the factor of each column.
#[derive(Clone, Copy)]
pub(super) enum Right<'a> {
    Single(&'a [f32]),
    Bf16(&'a [Bf16]),
    Bf16Pairs(&'a [Pair]),
    Int8(&'a [i8], &'a [f32]),
}

/// `c (+)= left * right` on the calling thread; rows of `c` lie `stride` apart. All operands but the output are checked.
///
/// # Safety
/// `c` is valid for writing `rows` rows of `columns` values `stride` apart and overlaps no operand.
pub(super) unsafe fn multiply_panels(isa: Isa, product: &Product<'_>, c: *mut f32, stride: usize, store: Store<'_>) {
    let Product { rows, columns, depth, left, right } = *product;
    if rows == 0 || columns == 0 {
        return;
    }
    if let Store::AddTo(data, stride) = store {
        let enough = data.len() >= (rows - 1) * stride + columns;
        assert!(enough, "product {rows}x{columns}x{depth}: added operand");
    }
    let padded = columns.next_multiple_of(isa.panel());
    let target = Target { c, stride, store };
    let check = |left: bool, right: bool| assert!(left && right, "product {rows}x{columns}x{depth}: operands");
    match (left, right) {
        (Left::Single(left), Right::Single(right)) => {
            check(left.len() >= rows * depth, right.len() >= padded * depth);
            single(isa, &Sides { rows, columns, depth, left_row: depth, left, right, scales: &[] }, target);
        }
        (Left::Single(left), Right::Bf16(right)) => {
            check(left.len() >= rows * depth, right.len() >= padded * depth);
            bf16(isa, &Sides { rows, columns, depth, left_row: depth, left, right, scales: &[] }, target);
        }
        (Left::Single(left), Right::Int8(right, scales)) => {
            check(left.len() >= rows * depth, right.len() >= padded * depth && scales.len() >= columns);
            int8(isa, &Sides { rows, columns, depth, left_row: depth, left, right, scales }, target);
        }
        (Left::Pairs(left), Right::Bf16Pairs(right)) => {
            let left_row = pair_stride(depth);
            check(left.len() >= rows * left_row, right.len() >= padded * depth.div_ceil(2));
            let sides = Sides { rows, columns, depth, left_row, left, right, scales: &[] };
            #[cfg(target_arch = "x86_64")]
            if let Some(mut tiles) = super::simd::amx::Tiles::of(isa) {
                // SAFETY: passed on to the caller.
                return unsafe { in_tiles::multiply(&mut tiles, &sides, target) };
            }
            pairs(isa, &sides, target);
        }
        _ => unreachable!("pairs are multiplied with pairs"),
    }
}

/// Where a product goes.
#[derive(Clone, Copy)]
struct Target<'a> {
    c: *mut f32,
    stride: usize,
    store: Store<'a>,
}

impl Target<'_> {
    /// What is added to the product from `begin` of the depth on at `row` and `column`, and the distance of its rows: null for
    /// nothing.
    ///
    /// # Safety
    /// The place lies in the output.
    unsafe fn source(&self, row: usize, column: usize, begin: usize) -> (*const f32, usize) {
        // SAFETY: passed on to the caller; `multiply_panels` checked the added operand.
        unsafe {
            match self.store {
                Store::Overwrite if begin == 0 => (std::ptr::null(), 0),
                Store::AddTo(data, stride) if begin == 0 => (data.as_ptr().add(row * stride + column), stride),
                _ => (self.c.add(row * self.stride + column).cast_const(), self.stride),
            }
        }
    }
}

/// Both sides of a product with panels of `E`, checked by [`multiply_panels`].
struct Sides<'a, E: Element> {
    rows: usize,
    columns: usize,
    depth: usize,
    left_row: usize,
    left: &'a [E::Left],
    right: &'a [E],
    scales: &'a [f32],
}

dispatch! {
    /// All tiles of a product whose operands were checked by [`multiply_panels`].
    fn single(sides: &Sides<'_, f32>, target: Target<'_>) = tiles<f32>
}

dispatch! {
    /// As [`single`].
    fn bf16(sides: &Sides<'_, Bf16>, target: Target<'_>) = tiles<Bf16>
}

dispatch! {
    /// As [`single`].
    fn int8(sides: &Sides<'_, i8>, target: Target<'_>) = tiles<i8>
}

dispatch_pairs! {
    /// As [`single`].
    fn pairs(sides: &Sides<'_, Pair>, target: Target<'_>) = tiles<Pair>
}

#[inline(always)]
fn tiles<S: Simd, E: Element>(sides: &Sides<'_, E>, target: Target<'_>) {
    let Sides { rows, columns, left_row, left, right, .. } = *sides;
    let (depth, block) = (sides.depth.div_ceil(E::DEPTH), depth_block(sides.depth) / E::DEPTH);
    let group = panels_for(rows.min(S::ROWS)) * S::PANEL;
    let mut begin = 0;
    while begin < depth {
        let length = block.min(depth - begin);
        let mut first = 0;
        while first < columns {
            let width = group.min(columns - first);
            // Each tile asks for a part of the next panel, so that the memory works while the registers do. From 24 to some 100 rows, where a
            // product waits for memory, the parts are nearly all of it; with more, the panel comes in time anyway. Behind the
            // last block of the last panel lies what the next task of this product reads.
            let tiles = rows.div_ceil(S::ROWS);
            let (column, step) = match (first + width < columns, begin + length < depth) {
                (true, _) => (first + width, begin),
                (false, true) => (0, begin + length),
                (false, false) => (first + width, 0),
            };
            let next = right.as_ptr().wrapping_add(column * depth + step * S::PANEL).cast::<u8>();
            let ahead = length * S::PANEL * size_of::<E>() / tiles;
            let mut row = 0;
            for tile in 0..tiles {
                // Even heights: a low tile at the end would wait for the panel without much to do.
                let tall = (rows - row).div_ceil(tiles - tile);
                // SAFETY: `multiply_panels`, the only caller, checked that the operands hold rows x depth, the panels and
                // rows x columns values; row, first and begin stay below these. A group of several panels is used for at
                // most three rows in all, which is what a tile of that many panels takes.
                unsafe {
                    let output = target.c.add(row * target.stride + first);
                    let (source, source_row) = target.source(row, first, begin);
                    S::tile(&Tile::<E> {
                        rows: tall,
                        columns: width,
                        depth: length,
                        left: left.as_ptr().add(row * left_row + begin),
                        left_row,
                        left_step: 1,
                        right: right.as_ptr().add(first * depth + begin * S::PANEL),
                        right_panel: depth * S::PANEL,
                        right_run: length,
                        right_gap: 0,
                        ahead: next.wrapping_add(tile * ahead),
                        ahead_step: ahead.div_ceil(length),
                        scales: sides.scales.as_ptr().wrapping_add(first),
                        output,
                        output_row: target.stride,
                        source,
                        source_row,
                    });
                }
                row += tall;
            }
            first += width;
        }
        begin += length;
    }
}
