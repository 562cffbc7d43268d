//! Gradients: where they go, and those of weights in strips of rows.

use crate::Weights;
use crate::device::cpu::workspace::{GradientBuffers, Sizes, strip_rows};
use crate::kernels::outer::{Outer, accumulate_outer};
use crate::lora::{Adapter, Adapters};
use crate::pool::{Parts, Scratch, run_parts};
use crate::weights::LayerWeights;

/// What is trained: receives the gradients.
pub(crate) enum Gradients<'a> {
    Weights(&'a mut Weights),
    Adapters(&'a mut Adapters),
}

impl Gradients<'_> {
    pub(super) fn of_block(&mut self, index: usize) -> Option<BlockGradients<'_>> {
        match self {
            Self::Weights(weights) => weights.layers.get_mut(index).map(BlockGradients::Weights),
            Self::Adapters(adapters) => adapters.layers.get_mut(index).map(BlockGradients::Adapters),
        }
    }
}

/// The gradients of one block.
pub(super) enum BlockGradients<'a> {
    Weights(&'a mut LayerWeights),
    Adapters(&'a mut [Adapter; 4]),
}

impl BlockGradients<'_> {
    /// The weights' gradients; adapters leave norms and biases as they are.
    pub(super) fn weights(&mut self) -> Option<&mut LayerWeights> {
        match self {
            Self::Weights(weights) => Some(weights),
            Self::Adapters(_) => None,
        }
    }
}

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
        tasks += out.div_ceil(strip_rows(matrix.columns, operands));
    }
    let sides = matrices.each_ref().map(|matrix| (matrix.left, matrix.right, matrix.columns));
    let mut first = firsts.iter();
    let parts = matrices.map(|matrix| {
        let each = strip_rows(matrix.columns, operands) * matrix.columns;
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
                first: (task - firsts[index]) * strip_rows(columns, operands),
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
