//! Gradients of weights, cut into strips of rows.

use crate::device::cpu::workspace::{GradientBuffers, Sizes, strip_rows};
use crate::kernels::outer::{Outer, accumulate_outer};
use crate::lora::Adapter;
use crate::pool::{Parts, Scratch, run_parts};

/// What the gradient of one fused matrix is made of.
pub(super) struct Factors<'a> {
    /// Gradient of its output, `[rows, out]`.
    pub dy: &'a [f32],
    /// Its input without what the adapter's dropout dropped, `[rows, in]` in blocks.
    pub x: &'a [f32],
    /// Place in [`crate::lora::ADAPTED`].
    pub fused: usize,
    /// `[out, in]`.
    pub shape: [usize; 2],
}

impl<'a> Factors<'a> {
    /// `dW += dy^T x`
    pub(super) fn weight(&self, rows: usize, gradient: &'a mut [f32]) -> Strip<'a> {
        let [out, input] = self.shape;
        Strip { left: &self.dy[..rows * out], right: self.x, columns: input, gradient }
    }

    /// `dA += (scale B^T dy)^T x` and `dB += dy^T (scale A x)`.
    pub(super) fn adapter(
        &self,
        rows: usize,
        buffers: &'a GradientBuffers,
        sizes: &Sizes,
        gradient: &'a mut Adapter,
    ) -> [Strip<'a>; 2] {
        let ([out, input], width) = (self.shape, sizes.widths[self.fused]);
        [
            Strip {
                left: &buffers.dlowered[self.fused][..rows * width],
                right: self.x,
                columns: input,
                gradient: &mut gradient.a,
            },
            Strip {
                left: &self.dy[..rows * out],
                right: &buffers.lowered[self.fused],
                columns: width,
                gradient: &mut gradient.b,
            },
        ]
    }
}

/// A weight gradient `[out, columns] += left^T right` with `left` of `[rows, out]` and `right` of `[rows, columns]` in blocks.
pub(crate) struct Strip<'a> {
    pub left: &'a [f32],
    pub right: &'a [f32],
    pub columns: usize,
    pub gradient: &'a mut [f32],
}

/// Adds several weight gradients in one job, cut into strips of about equal work.
pub(crate) fn strips<const N: usize>(sizes: &Sizes, scratch: &mut Scratch, depth: usize, matrices: [Strip<'_>; N]) {
    let Sizes { isa, operands, .. } = *sizes;
    let mut firsts = [0usize; N];
    let mut tasks = 0;
    // Nothing is adapted where there are no columns.
    let outs = matrices.each_ref().map(|matrix| matrix.gradient.len().checked_div(matrix.columns).unwrap_or(0));
    for ((first, matrix), out) in firsts.iter_mut().zip(&matrices).zip(outs) {
        *first = tasks;
        tasks += out.div_ceil(strip_rows(matrix.columns));
    }
    let sides = matrices.each_ref().map(|matrix| (matrix.left, matrix.right, matrix.columns));
    let mut first = firsts.iter();
    let parts = matrices.map(|matrix| {
        let each = strip_rows(matrix.columns) * matrix.columns;
        Parts::even_from(matrix.gradient, each, first.next().copied().unwrap_or(0))
    });
    run_parts(tasks, scratch, parts, |task, memory, parts| {
        for (index, part) in parts.into_iter().enumerate() {
            if part.is_empty() {
                continue;
            }
            let (left, right, columns) = sides[index];
            let outer = Outer {
                left,
                left_stride: outs[index],
                first: (task - firsts[index]) * strip_rows(columns),
                rows: part.len() / columns,
                right,
                columns,
                depth,
                operands,
            };
            accumulate_outer(isa, &outer, part, memory);
        }
    });
}
