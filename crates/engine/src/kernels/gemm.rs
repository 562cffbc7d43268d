//! Matrix products in single precision.
//!
//! The right-hand matrix is packed into panels of [`Isa::panel`] columns (Goto and van de Geijn 2008); the left-hand one is
//! read where it lies. Packed values may be bf16 or 8-bit integers, which are widened on the way into the registers. The
//! depth is cut into blocks by [`depth_block`], which looks at the depth alone, and every output
//! value adds its blocks in order: results do not depend on tiles, threads or the number of rows.

use super::AlignedVec;
use super::aligned::Plain;
use super::element::{Bf16, Element};
use super::lanes::largest_magnitude;
use super::simd::{Isa, Simd, dispatch};
use super::tile::{Tile, panels_for};
use crate::pool::{self, Parts, Scratch, run_parts};

/// Longest run of the depth between two additions into the output; a panel of it fits the first-level cache.
const DEPTH_BLOCK: usize = 256;
/// Rows of one task when there are many.
const ROW_BLOCK: usize = 96;
/// Multiply-adds below which a product is not worth a fork.
const SERIAL_WORK: usize = 1 << 15;

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

/// How a packed matrix stores its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    Single,
    /// Rounded to nearest even.
    Bf16,
    /// For each output the nearest multiples of its largest magnitude over 127.
    Int8,
}

#[derive(Clone, Debug)]
enum Panels {
    Single(AlignedVec),
    Bf16(AlignedVec<Bf16>),
    /// Values, and the factor of each column.
    Int8(AlignedVec<i8>, Vec<f32>),
}

impl Panels {
    fn new(storage: Storage, length: usize, columns: usize) -> Self {
        match storage {
            Storage::Single => Self::Single(AlignedVec::zeroed(length)),
            Storage::Bf16 => Self::Bf16(AlignedVec::zeroed(length)),
            Storage::Int8 => Self::Int8(AlignedVec::zeroed(length), vec![0.0; columns]),
        }
    }

    /// From column `first` on, which begins a panel.
    fn from(&self, first: usize, depth: usize) -> Right<'_> {
        match self {
            Self::Single(values) => Right::Single(&values[first * depth..]),
            Self::Bf16(values) => Right::Bf16(&values[first * depth..]),
            Self::Int8(values, scales) => Right::Int8(&values[first * depth..], &scales[first..]),
        }
    }
}

/// A matrix `[depth, columns]` in panels: value `(p, j)` at `(j / panel) * depth * panel + p * panel + j % panel`, missing
/// columns of the last panel zero.
#[derive(Clone, Debug)]
pub(crate) struct PackedMatrix {
    isa: Isa,
    columns: usize,
    depth: usize,
    panels: Panels,
}

impl PackedMatrix {
    /// Space for a matrix; filled by [`PackedMatrix::pack_weight`] or [`PackedMatrix::pack_rows`].
    pub(crate) fn new(isa: Isa, depth: usize, columns: usize) -> Self {
        Self::stored(isa, depth, columns, Storage::Single)
    }

    /// As [`PackedMatrix::new`] with other storage; filled by [`PackedMatrix::pack_weight`] or
    /// [`PackedMatrix::pack_outputs`].
    pub(crate) fn stored(isa: Isa, depth: usize, columns: usize, storage: Storage) -> Self {
        let length = columns.next_multiple_of(isa.panel()) * depth;
        Self { isa, columns, depth, panels: Panels::new(storage, length, columns) }
    }

    /// Packs a weight `[out, in]` (row-major) for `c[m, out] = a[m, in] * weight^T`.
    #[cfg(test)]
    pub(crate) fn from_weight(weight: &[f32], out: usize, input: usize) -> Self {
        let mut packed = Self::new(Isa::detect(), input, out);
        packed.pack_weight(weight);
        packed
    }

    /// Fills from the transpose of `weight`, `[columns, depth]` row-major, on all threads.
    pub(crate) fn pack_weight(&mut self, weight: &[f32]) {
        assert_eq!(weight.len(), self.columns * self.depth, "packed weight");
        self.pack_outputs(0, weight);
    }

    /// Fills columns `first..` from the rows of a weight that belong to them, `[some columns, depth]` row-major, on all
    /// threads. `first` begins a panel, and so does the end unless it is the end of the matrix.
    pub(crate) fn pack_outputs(&mut self, first: usize, rows: &[f32]) {
        let Self { isa, columns, depth, panels } = self;
        let (isa, columns, depth, panel) = (*isa, *columns, *depth, isa.panel());
        let count = rows.len() / depth.max(1);
        let end = first + count;
        assert!(
            first.is_multiple_of(panel)
                && (end.is_multiple_of(panel) || end == columns)
                && end <= columns
                && rows.len() == count * depth,
            "columns {first}..{end} of {columns} do not fill whole panels"
        );
        let values = first * depth..end.next_multiple_of(panel) * depth;
        let of_task = |task: usize| {
            let from = task * panel;
            let width = panel.min(count - from);
            (width, &rows[from * depth..(from + width) * depth])
        };
        match panels {
            Panels::Single(target) => each_panel(&mut target[values], panel * depth, |task, part| {
                let (width, rows) = of_task(task);
                pack_transposed(isa, rows, depth, width, depth, part);
            }),
            Panels::Bf16(target) => each_panel(&mut target[values], panel * depth, |task, part| {
                let (width, rows) = of_task(task);
                pack_bf16(isa, rows, width, part);
            }),
            Panels::Int8(target, scales) => {
                each_panel(&mut scales[first..end], panel, |task, part| {
                    for (scale, row) in part.iter_mut().zip(of_task(task).1.chunks_exact(depth)) {
                        // A NaN among the weights must reach the products; an infinity does so by itself.
                        let found = row_magnitude(isa, row) / 127.0;
                        *scale = if row.iter().any(|value| value.is_nan()) { f32::NAN } else { found };
                    }
                });
                let scales = &scales[first..end];
                each_panel(&mut target[values], panel * depth, |task, part| {
                    let (width, rows) = of_task(task);
                    pack_int8(isa, rows, &scales[task * panel..][..width], part);
                });
            }
        }
    }

    /// Fills from `matrix`, `[depth, columns]` row-major, on all threads; single precision only.
    pub(crate) fn pack_rows(&mut self, matrix: &[f32]) {
        assert_eq!(matrix.len(), self.columns * self.depth, "packed matrix");
        let (isa, depth, columns, panel) = (self.isa, self.depth, self.columns, self.isa.panel());
        let Panels::Single(target) = &mut self.panels else {
            unreachable!("gradients are computed with single-precision matrices")
        };
        each_panel(target, panel * depth, |task, part| {
            let first = task * panel;
            pack_straight(isa, &matrix[first..], columns, panel.min(columns - first), depth, part);
        });
    }

    /// `c[rows, columns]` from `left[rows, depth]` (contiguous) on the calling thread; rows of `c` lie `stride` apart.
    pub(crate) fn multiply_block(&self, left: &[f32], rows: usize, c: &mut [f32], stride: usize, store: Store<'_>) {
        multiply_panels(
            self.isa,
            &Product { rows, columns: self.columns, depth: self.depth, left, right: self.panels.from(0, self.depth) },
            c,
            stride,
            store,
        );
    }

    /// `c[m, columns]` from `a[m, depth]`, both with contiguous rows, on all threads. Any `m`: a single row and a few rows
    /// have their own register tiles.
    pub(crate) fn multiply(&self, a: &[f32], m: usize, c: &mut [f32], store: Store<'_>) {
        let (columns, depth, panel) = (self.columns, self.depth, self.isa.panel());
        assert!(
            a.len() >= m * depth && c.len() >= m * columns,
            "product {m}x{columns}x{depth}: operands have {} and {} values",
            a.len(),
            c.len()
        );
        if m == 0 {
            return;
        }
        if m * columns * depth <= SERIAL_WORK || pool::threads() == 1 {
            self.multiply_block(a, m, c, columns, store);
            return;
        }
        let row_blocks = m.div_ceil(ROW_BLOCK);
        let rows_each = m.div_ceil(row_blocks).next_multiple_of(self.isa.rows()).min(m);
        let row_blocks = m.div_ceil(rows_each);
        let panels = columns.div_ceil(panel);
        let group = panels_for(m);
        // About four tasks for each thread, none split below a group of panels.
        let wanted = (4 * pool::threads()).div_ceil(row_blocks);
        let panels_each = panels.div_ceil(wanted.clamp(1, panels)).next_multiple_of(group);
        let column_blocks = panels.div_ceil(panels_each);
        let output = SharedOutput(c.as_mut_ptr());
        let output = &output;
        pool::run(usize::MAX, row_blocks * column_blocks, &|_, task| {
            let (row_block, column_block) = (task / column_blocks, task % column_blocks);
            let first_row = row_block * rows_each;
            let rows = rows_each.min(m - first_row);
            let first_panel = column_block * panels_each;
            let first = first_panel * panel;
            let product = Product {
                rows,
                columns: (panels_each * panel).min(columns - first),
                depth,
                left: &a[first_row * depth..],
                right: self.panels.from(first, depth),
            };
            let offset = first_row * columns + first;
            let store = match store {
                Store::AddTo(data, stride) => Store::AddTo(&data[first_row * stride + first..], stride),
                other => other,
            };
            // SAFETY: tasks cover disjoint rectangles of `c`, which is borrowed mutably for the whole call and was checked to
            // hold `m x columns` values.
            unsafe { multiply_panels_raw(self.isa, &product, output.0.add(offset), columns, store) };
        });
    }
}

/// Runs `fill(task, part)` for each part of `each` values, on all threads.
fn each_panel<T: Plain>(target: &mut [T], each: usize, fill: impl Fn(usize, &mut [T]) + Sync) {
    if target.is_empty() {
        return;
    }
    let tasks = target.len().div_ceil(each);
    run_parts(tasks, &mut Scratch::default(), [Parts::even(target, each)], |task, _, [part]| fill(task, part));
}

struct SharedOutput(*mut f32);
// SAFETY: only used for disjoint rectangles, see `multiply`.
unsafe impl Sync for SharedOutput {}

/// A product with packed right-hand side.
pub(crate) struct Product<'a> {
    pub rows: usize,
    pub columns: usize,
    pub depth: usize,
    /// `[rows, depth]`, contiguous.
    pub left: &'a [f32],
    pub right: Right<'a>,
}

/// Panels of `depth x panel` values; 8-bit ones with the factor of each column.
#[derive(Clone, Copy)]
pub(crate) enum Right<'a> {
    Single(&'a [f32]),
    Bf16(&'a [Bf16]),
    Int8(&'a [i8], &'a [f32]),
}

impl Right<'_> {
    fn holds(&self, values: usize, columns: usize) -> bool {
        match self {
            Self::Single(panels) => panels.len() >= values,
            Self::Bf16(panels) => panels.len() >= values,
            Self::Int8(panels, scales) => panels.len() >= values && scales.len() >= columns,
        }
    }
}

/// `c (+)= left * right` on the calling thread; rows of `c` lie `stride` apart.
pub(crate) fn multiply_panels(isa: Isa, product: &Product<'_>, c: &mut [f32], stride: usize, store: Store<'_>) {
    if product.rows == 0 || product.columns == 0 {
        return;
    }
    assert!(
        stride >= product.columns && c.len() >= (product.rows - 1) * stride + product.columns,
        "product {}x{}x{}: output has {} values",
        product.rows,
        product.columns,
        product.depth,
        c.len()
    );
    // SAFETY: the output was just checked.
    unsafe { multiply_panels_raw(isa, product, c.as_mut_ptr(), stride, store) }
}

/// As [`multiply_panels`] with an unchecked output; the other operands are checked.
///
/// # Safety
/// `c` is valid for writing `rows` rows of `columns` values `stride` apart and overlaps no operand.
unsafe fn multiply_panels_raw(isa: Isa, product: &Product<'_>, c: *mut f32, stride: usize, store: Store<'_>) {
    let (rows, columns, depth) = (product.rows, product.columns, product.depth);
    let enough = |length: usize, lines: usize, stride: usize, width: usize| {
        width == 0 || lines == 0 || length >= (lines - 1) * stride + width
    };
    assert!(product.left.len() >= rows * depth, "product {rows}x{columns}x{depth}: left operand");
    assert!(
        product.right.holds(columns.next_multiple_of(isa.panel()) * depth, columns),
        "product {rows}x{columns}x{depth}: panels"
    );
    if let Store::AddTo(data, stride) = store {
        assert!(enough(data.len(), rows, stride, columns), "product {rows}x{columns}x{depth}: added operand");
    }
    let target = Target { c, stride };
    match product.right {
        Right::Single(right) => single(isa, product, right, target, store),
        Right::Bf16(right) => bf16(isa, product, right, target, store),
        Right::Int8(right, scales) => int8(isa, product, right, scales, target, store),
    }
}

#[derive(Clone, Copy)]
struct Target {
    c: *mut f32,
    stride: usize,
}

dispatch! {
    /// All tiles of a product whose operands were checked by [`multiply_panels_raw`].
    fn single(product: &Product<'_>, right: &[f32], target: Target, store: Store<'_>) = single_body
}

#[inline(always)]
fn single_body<S: Simd>(product: &Product<'_>, right: &[f32], target: Target, store: Store<'_>) {
    tiles::<S, f32>(product, right, &[], target, store);
}

dispatch! {
    /// As [`single`].
    fn bf16(product: &Product<'_>, right: &[Bf16], target: Target, store: Store<'_>) = bf16_body
}

#[inline(always)]
fn bf16_body<S: Simd>(product: &Product<'_>, right: &[Bf16], target: Target, store: Store<'_>) {
    tiles::<S, Bf16>(product, right, &[], target, store);
}

dispatch! {
    /// As [`single`].
    fn int8(product: &Product<'_>, right: &[i8], scales: &[f32], target: Target, store: Store<'_>) = int8_body
}

#[inline(always)]
fn int8_body<S: Simd>(product: &Product<'_>, right: &[i8], scales: &[f32], target: Target, store: Store<'_>) {
    tiles::<S, i8>(product, right, scales, target, store);
}

#[inline(always)]
fn tiles<S: Simd, E: Element>(product: &Product<'_>, right: &[E], scales: &[f32], target: Target, store: Store<'_>) {
    let (rows, columns, depth) = (product.rows, product.columns, product.depth);
    let block = depth_block(depth);
    let group = panels_for(rows.min(S::ROWS)) * S::PANEL;
    let mut begin = 0;
    while begin < depth {
        let length = block.min(depth - begin);
        let mut first = 0;
        while first < columns {
            let width = group.min(columns - first);
            let mut row = 0;
            while row < rows {
                let tall = S::ROWS.min(rows - row);
                // SAFETY: `multiply_panels_raw`, the only caller, checked that the operands hold rows x depth, the panels and
                // rows x columns values; row, first and begin stay below these. A group of several panels is used for at
                // most three rows in all, which is what a tile of that many panels takes.
                unsafe {
                    let output = target.c.add(row * target.stride + first);
                    let (source, source_row) = match store {
                        _ if begin > 0 => (output.cast_const(), target.stride),
                        Store::Overwrite => (std::ptr::null(), 0),
                        Store::Add => (output.cast_const(), target.stride),
                        Store::AddTo(data, stride) => (data.as_ptr().add(row * stride + first), stride),
                    };
                    S::tile(&Tile {
                        rows: tall,
                        columns: width,
                        depth: length,
                        left: product.left.as_ptr().add(row * depth + begin),
                        left_row: depth,
                        left_step: 1,
                        right: right.as_ptr().add(first * depth + begin * S::PANEL),
                        right_panel: depth * S::PANEL,
                        scales: scales.as_ptr().wrapping_add(first),
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

/// Scratch that [`accumulate_outer`] needs for `rows` output rows.
pub(crate) fn outer_scratch(isa: Isa, rows: usize) -> usize {
    let block = DEPTH_BLOCK + 8;
    rows.div_ceil(isa.rows()) * (block * isa.rows() + STRIP_SLACK) + block * isa.panel()
}

/// Values between packed strips, so that rows can be copied a power of two at a time.
const STRIP_SLACK: usize = 16;

/// Operands of a sum of outer products, for a strip of the output.
pub(crate) struct Outer<'a> {
    /// `[depth, left_stride]`; columns `first..first + rows` become output rows.
    pub left: &'a [f32],
    pub left_stride: usize,
    pub first: usize,
    pub rows: usize,
    /// `[depth, columns]`, contiguous.
    pub right: &'a [f32],
    pub columns: usize,
    pub depth: usize,
}

/// `output[i, j] += sum over p of left[p, first + i] * right[p, j]` on the calling thread: a strip of a weight gradient.
pub(crate) fn accumulate_outer(isa: Isa, outer: &Outer<'_>, output: &mut [f32], scratch: &mut [f32]) {
    if outer.depth == 0 || outer.rows == 0 || outer.columns == 0 {
        return;
    }
    assert!(
        outer.first + outer.rows <= outer.left_stride
            && outer.left.len() >= outer.depth * outer.left_stride
            && outer.right.len() >= outer.depth * outer.columns
            && output.len() >= outer.rows * outer.columns
            && scratch.len() >= outer_scratch(isa, outer.rows),
        "outer product {}x{}x{}",
        outer.rows,
        outer.columns,
        outer.depth
    );
    outer_strip(isa, outer, output, scratch);
}

dispatch! {
    /// Body of [`accumulate_outer`], whose checks it relies on.
    fn outer_strip(outer: &Outer<'_>, output: &mut [f32], scratch: &mut [f32]) = outer_body
}

#[inline(always)]
fn outer_body<S: Simd>(outer: &Outer<'_>, output: &mut [f32], scratch: &mut [f32]) {
    let (rows, columns) = (outer.rows, outer.columns);
    let block = depth_block(outer.depth);
    let strip = block * S::ROWS + STRIP_SLACK;
    let (strips, panel) = scratch.split_at_mut(rows.div_ceil(S::ROWS) * strip);
    let mut begin = 0;
    while begin < outer.depth {
        let length = block.min(outer.depth - begin);
        pack_strips::<S>(outer, begin, length, strip, strips);
        let right = &outer.right[begin * columns..];
        let mut first = 0;
        while first < columns {
            let width = S::PANEL.min(columns - first);
            pack_straight_body::<S>(&right[first..], columns, width, length, panel);
            let mut row = 0;
            while row < rows {
                let tall = S::ROWS.min(rows - row);
                // SAFETY: `accumulate_outer` checked the output; a strip holds `length` groups of `S::ROWS` values and the
                // panel `length` rows of `S::PANEL`.
                unsafe {
                    let target = output.as_mut_ptr().add(row * columns + first);
                    S::tile(&Tile {
                        rows: tall,
                        columns: width,
                        depth: length,
                        left: strips.as_ptr().add(row / S::ROWS * strip),
                        left_row: 1,
                        left_step: S::ROWS,
                        right: panel.as_ptr(),
                        right_panel: 0,
                        scales: std::ptr::null(),
                        output: target,
                        output_row: columns,
                        source: target,
                        source_row: columns,
                    });
                }
                row += tall;
            }
            first += width;
        }
        begin += length;
    }
}

/// Rows ahead that packing asks for: the stride between rows is too long for the processor to guess.
const AHEAD: usize = 12;

/// Packs `length` rows of the left operand into strips of `S::ROWS` columns, `strip` values apart.
#[inline(always)]
fn pack_strips<S: Simd>(outer: &Outer<'_>, begin: usize, length: usize, strip: usize, strips: &mut [f32]) {
    let left = &outer.left[begin * outer.left_stride..];
    for (index, row) in left.chunks(outer.left_stride).take(length).enumerate() {
        let row = &row[outer.first..];
        for line in (0..outer.rows).step_by(16) {
            S::prefetch(row.as_ptr().wrapping_add(AHEAD * outer.left_stride + line));
        }
        let mut at = 0;
        let mut target = index * S::ROWS;
        while at < outer.rows {
            // A power of two is copied at once; what is too much is written over by the next row or lies in the slack.
            match (row.get(at..at + S::ROWS.next_power_of_two()), S::ROWS.next_power_of_two()) {
                (Some(source), 8) => strips[target..target + 8].copy_from_slice(&source[..8]),
                (Some(source), 16) => strips[target..target + 16].copy_from_slice(&source[..16]),
                _ => {
                    let count = S::ROWS.min(row.len() - at);
                    strips[target..target + count].copy_from_slice(&row[at..at + count]);
                }
            }
            at += S::ROWS;
            target += strip;
        }
    }
}

dispatch! {
    /// Packs one panel from the transpose: `part[p * panel + c] = rows[c * stride + p]` for `c < columns`, else 0.
    fn pack_transposed(rows: &[f32], stride: usize, columns: usize, depth: usize, part: &mut [f32]) = pack_transposed_body
}

#[inline(always)]
pub(crate) fn pack_transposed_body<S: Simd>(
    rows: &[f32],
    stride: usize,
    columns: usize,
    depth: usize,
    part: &mut [f32],
) {
    if columns < S::PANEL {
        part[..depth * S::PANEL].fill(0.0);
    }
    for (column, row) in rows.chunks(stride).take(columns).enumerate() {
        for (value, target) in row[..depth].iter().zip(part.chunks_exact_mut(S::PANEL)) {
            target[column] = *value;
        }
    }
}

dispatch! {
    /// Packs one panel of rounded values from the transpose; `rows` are `columns` whole rows.
    fn pack_bf16(rows: &[f32], columns: usize, part: &mut [Bf16]) = pack_bf16_body
}

#[inline(always)]
fn pack_bf16_body<S: Simd>(rows: &[f32], columns: usize, part: &mut [Bf16]) {
    let depth = part.len() / S::PANEL;
    if columns < S::PANEL {
        part.fill(Bf16(0));
    }
    for (column, row) in rows.chunks_exact(depth).take(columns).enumerate() {
        for (value, target) in row.iter().zip(part.chunks_exact_mut(S::PANEL)) {
            target[column] = Bf16::round(*value);
        }
    }
}

dispatch! {
    /// Packs one panel of 8-bit values from the transpose; `rows` are whole rows, one for each factor.
    fn pack_int8(rows: &[f32], scales: &[f32], part: &mut [i8]) = pack_int8_body
}

#[inline(always)]
fn pack_int8_body<S: Simd>(rows: &[f32], scales: &[f32], part: &mut [i8]) {
    let depth = part.len() / S::PANEL;
    if scales.len() < S::PANEL {
        part.fill(0);
    }
    for (column, (row, scale)) in rows.chunks_exact(depth).zip(scales).enumerate() {
        // A row of zeros has factor 0.
        let scale = if *scale > 0.0 { *scale } else { 1.0 };
        for (value, target) in row.iter().zip(part.chunks_exact_mut(S::PANEL)) {
            target[column] = (value / scale).round_ties_even() as i8;
        }
    }
}

dispatch! {
    fn row_magnitude(values: &[f32]) -> f32 = largest_magnitude
}

dispatch! {
    /// Packs one panel: `part[p * panel + c] = matrix[p * stride + c]` for `c < columns`, else 0.
    fn pack_straight(matrix: &[f32], stride: usize, columns: usize, depth: usize, part: &mut [f32]) = pack_straight_body
}

#[inline(always)]
pub(crate) fn pack_straight_body<S: Simd>(
    matrix: &[f32],
    stride: usize,
    columns: usize,
    depth: usize,
    part: &mut [f32],
) {
    let width = columns.min(S::PANEL);
    for (row, target) in matrix.chunks(stride).zip(part.chunks_exact_mut(S::PANEL)).take(depth) {
        if width == S::PANEL {
            target.copy_from_slice(&row[..S::PANEL]);
        } else {
            target[..width].copy_from_slice(&row[..width]);
            target[width..].fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests;
