//! Matrix products that add up in single precision.
//!
//! The right-hand matrix is packed into panels of [`Isa::panel`] columns (Goto and van de Geijn 2008); the left-hand one is
//! read where it lies. Packed values may be bf16 or 8-bit integers, which are widened on the way into the registers; or bf16
//! in pairs, which are multiplied with a left-hand side that is rounded alike. The depth is cut into blocks by its length
//! alone, and every output value adds its blocks in order: results do not depend on tiles, threads or the number of rows.

use super::AlignedVec;
use super::aligned::{Plain, as_pairs_mut};
use super::element::{Bf16, Pair};
use super::pack::{
    pack_bf16, pack_int8, pack_pairs, pack_straight, pack_straight_pairs, pack_transposed, pair_up, row_magnitude,
};
use super::product::{Left, Product, Right, multiply_panels};
use super::simd::Isa;
use super::tile::panels_for;
use crate::pool::{self, Parts, Scratch, run_parts};

pub(crate) use super::product::{Store, pair_stride};

/// Rows of one task when there are many.
const ROW_BLOCK: usize = 96;
/// Multiply-adds below which a product is not worth a fork.
const SERIAL_WORK: usize = 1 << 15;

/// How a packed matrix stores its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    Single,
    /// Rounded to nearest even.
    Bf16,
    /// As [`Storage::Bf16`], for products with a left-hand side that is rounded alike.
    Bf16Pairs,
    /// For each output the nearest multiples of its largest magnitude over 127.
    Int8,
}

#[derive(Clone, Debug)]
enum Panels {
    Single(AlignedVec),
    Bf16(AlignedVec<Bf16>),
    Bf16Pairs(AlignedVec<Pair>),
    /// Values, and the factor of each column.
    Int8(AlignedVec<i8>, Vec<f32>),
}

impl Panels {
    fn new(isa: Isa, storage: Storage, depth: usize, columns: usize) -> Self {
        let padded = columns.next_multiple_of(isa.panel());
        let length = padded * depth;
        match storage {
            Storage::Single => Self::Single(AlignedVec::zeroed(length)),
            Storage::Bf16 => Self::Bf16(AlignedVec::zeroed(length)),
            Storage::Bf16Pairs => Self::Bf16Pairs(AlignedVec::zeroed(padded * depth.div_ceil(2))),
            Storage::Int8 => Self::Int8(AlignedVec::zeroed(length), vec![0.0; columns]),
        }
    }

    /// From column `first` on, which begins a panel.
    fn from(&self, first: usize, depth: usize) -> Right<'_> {
        match self {
            Self::Single(values) => Right::Single(&values[first * depth..]),
            Self::Bf16(values) => Right::Bf16(&values[first * depth..]),
            Self::Bf16Pairs(values) => Right::Bf16Pairs(&values[first * depth.div_ceil(2)..]),
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
    /// Single-precision [`PackedMatrix::stored`].
    #[cfg(test)]
    pub(crate) fn new(isa: Isa, depth: usize, columns: usize) -> Self {
        Self::stored(isa, depth, columns, Storage::Single)
    }

    /// Space for a matrix; filled by [`PackedMatrix::pack_weight`], [`PackedMatrix::pack_rows`] or
    /// [`PackedMatrix::pack_outputs`].
    pub(crate) fn stored(isa: Isa, depth: usize, columns: usize, storage: Storage) -> Self {
        Self { isa, columns, depth, panels: Panels::new(isa, storage, depth, columns) }
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn storage(&self) -> Storage {
        match &self.panels {
            Panels::Single(_) => Storage::Single,
            Panels::Bf16(_) => Storage::Bf16,
            Panels::Bf16Pairs(_) => Storage::Bf16Pairs,
            Panels::Int8(..) => Storage::Int8,
        }
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
            Panels::Bf16Pairs(target) => {
                let pairs = depth.div_ceil(2);
                let values = first * pairs..end.next_multiple_of(panel) * pairs;
                each_panel(&mut target[values], panel * pairs, |task, part| {
                    let (width, rows) = of_task(task);
                    pack_pairs(isa, rows, depth, width, part);
                });
            }
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

    /// Fills from `matrix`, `[depth, columns]` row-major, on all threads; single precision or pairs only.
    pub(crate) fn pack_rows(&mut self, matrix: &[f32]) {
        assert_eq!(matrix.len(), self.columns * self.depth, "packed matrix");
        let (isa, depth, columns, panel) = (self.isa, self.depth, self.columns, self.isa.panel());
        let of_task = |task: usize| {
            let first = task * panel;
            (&matrix[first..], panel.min(columns - first))
        };
        match &mut self.panels {
            Panels::Single(target) => each_panel(target, panel * depth, |task, part| {
                let (matrix, width) = of_task(task);
                pack_straight(isa, matrix, columns, width, depth, part);
            }),
            Panels::Bf16Pairs(target) => each_panel(target, panel * depth.div_ceil(2), |task, part| {
                let (matrix, width) = of_task(task);
                pack_straight_pairs(isa, matrix, columns, width, depth, part);
            }),
            Panels::Bf16(_) | Panels::Int8(..) => {
                unreachable!("only trained weights are packed by rows, and those are single precision or pairs")
            }
        }
    }

    /// Space for the transpose, to be filled by [`PackedMatrix::transpose_into`].
    pub(crate) fn empty_transpose(&self, storage: Storage) -> Self {
        Self::stored(self.isa, self.columns, self.depth, storage)
    }

    /// Fills `target`, single precision or bf16, with what this matrix stands for, transposed; on all threads. This one holds
    /// no pairs.
    pub(crate) fn transpose_into(&self, target: &mut PackedMatrix) {
        assert!(
            target.isa == self.isa && target.depth == self.columns && target.columns == self.depth,
            "transpose of {}x{} into {}x{}",
            self.depth,
            self.columns,
            target.depth,
            target.columns
        );
        match &self.panels {
            Panels::Single(values) => self.transpose_from(values, |value, _| value, target),
            Panels::Bf16(values) => self.transpose_from(values, |value, _| value.to_f32(), target),
            Panels::Int8(values, scales) => {
                self.transpose_from(values, |value, column| f32::from(value) * scales[column], target);
            }
            Panels::Bf16Pairs(_) => unreachable!("frozen models are stored otherwise"),
        }
    }

    fn transpose_from<T: Plain>(&self, values: &[T], widen: impl Fn(T, usize) -> f32 + Sync, target: &mut Self) {
        let (depth, columns, panel) = (self.depth, self.columns, self.isa.panel());
        let each = panel * columns;
        match &mut target.panels {
            Panels::Single(target) => each_panel(target, each, |task, part| {
                transpose_panel(values, [depth, panel, task], part, &widen);
            }),
            Panels::Bf16(target) => each_panel(target, each, |task, part| {
                transpose_panel(values, [depth, panel, task], part, |value, column| Bf16::round(widen(value, column)));
            }),
            Panels::Bf16Pairs(_) | Panels::Int8(..) => unreachable!("transposes are single precision or bf16"),
        }
    }

    /// `c[rows, columns]` from `left[rows, depth]` (contiguous) on the calling thread; rows of `c` lie `stride` apart.
    /// `spare` holds at least `rows * pair_stride(depth)` values when the matrix holds pairs.
    pub(crate) fn multiply_block(
        &self,
        left: &[f32],
        rows: usize,
        c: &mut [f32],
        stride: usize,
        store: Store<'_>,
        spare: &mut [f32],
    ) {
        let (columns, depth) = (self.columns, self.depth);
        let left = &left[..rows * depth];
        let left = match &self.panels {
            Panels::Bf16Pairs(_) => {
                let pairs = &mut as_pairs_mut(spare)[..rows * pair_stride(depth)];
                pair_up(self.isa, left, depth, pairs);
                Left::Pairs(pairs)
            }
            _ => Left::Single(left),
        };
        let product = Product { rows, columns, depth, left, right: self.panels.from(0, depth) };
        assert!(
            rows == 0 || stride >= columns && c.len() >= (rows - 1) * stride + columns,
            "product {rows}x{columns}x{depth}: output has {} values",
            c.len()
        );
        // SAFETY: the output was just checked.
        unsafe { multiply_panels(self.isa, &product, c.as_mut_ptr(), stride, store) }
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
        let mut pairs = AlignedVec::default();
        if let Panels::Bf16Pairs(_) = &self.panels {
            pairs.grow(m * pair_stride(depth));
            pair_up(self.isa, &a[..m * depth], depth, &mut pairs);
        }
        let left_from = |row: usize| match &self.panels {
            Panels::Bf16Pairs(_) => Left::Pairs(&pairs[row * pair_stride(depth)..]),
            _ => Left::Single(&a[row * depth..]),
        };
        if m * columns * depth <= SERIAL_WORK || pool::threads() == 1 {
            let product = Product { rows: m, columns, depth, left: left_from(0), right: self.panels.from(0, depth) };
            // SAFETY: `c` was checked to hold `m x columns` values.
            unsafe { multiply_panels(self.isa, &product, c.as_mut_ptr(), columns, store) };
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
                left: left_from(first_row),
                right: self.panels.from(first, depth),
            };
            let offset = first_row * columns + first;
            let store = match store {
                Store::AddTo(data, stride) => Store::AddTo(&data[first_row * stride + first..], stride),
                other => other,
            };
            // SAFETY: tasks cover disjoint rectangles of `c`, which is borrowed mutably for the whole call and was checked to
            // hold `m x columns` values.
            unsafe { multiply_panels(self.isa, &product, output.0.add(offset), columns, store) };
        });
    }
}

/// Panel `task` of a transpose: its row `p` holds column `p` of `values`, panels of `depth` rows, from depth `task * panel` on.
fn transpose_panel<T: Plain, U>(
    values: &[T],
    [depth, panel, task]: [usize; 3],
    part: &mut [U],
    convert: impl Fn(T, usize) -> U,
) {
    let depths = task * panel..depth.min((task + 1) * panel);
    for (p, line) in part.chunks_exact_mut(panel).enumerate() {
        let from = p / panel * panel * depth + p % panel;
        for (target, d) in line.iter_mut().zip(depths.clone()) {
            *target = convert(values[from + d * panel], p);
        }
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

#[cfg(test)]
pub(super) mod tests;
