//! Optimiser kernels.

use super::lanes::dot;
use super::simd::{Simd, dispatch};

/// Constants of one AdamW step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments {
    pub beta1: f32,
    pub beta2: f32,
    pub eps: f32,
    /// Learning rate over `1 - beta1^t`.
    pub step: f32,
    /// Root of `1 - beta2^t`.
    pub second_root: f32,
    /// Factor of the gradient (clipping).
    pub scale: f32,
    /// Factor of the value (decoupled decay).
    pub keep: f32,
}

dispatch! {
    /// AdamW (Loshchilov and Hutter 2019) on equally long slices, reading and writing each value once; zeroes the gradient.
    pub(crate) fn adamw(
        moments: &Moments,
        weight: &mut [f32],
        gradient: &mut [f32],
        first: &mut [f32],
        second: &mut [f32],
    ) = adamw_body
}

#[inline(always)]
fn adamw_body<S: Simd>(
    moments: &Moments,
    weight: &mut [f32],
    gradient: &mut [f32],
    first: &mut [f32],
    second: &mut [f32],
) {
    let m = *moments;
    let inverse = 1.0 / m.second_root;
    let values = weight.iter_mut().zip(gradient).zip(first.iter_mut().zip(second));
    for ((weight, gradient), (first, second)) in values {
        let g = *gradient * m.scale;
        *gradient = 0.0;
        *first = S::fma(m.beta1, *first, (1.0 - m.beta1) * g);
        *second = S::fma(m.beta2, *second, (1.0 - m.beta2) * g * g);
        let root = S::fma(second.sqrt(), inverse, m.eps);
        *weight = S::fma(-m.step, *first / root, *weight * m.keep);
    }
}

dispatch! {
    /// Sum of squares.
    pub(crate) fn square_sum(x: &[f32]) -> f32 = square_sum_body
}

#[inline(always)]
fn square_sum_body<S: Simd>(x: &[f32]) -> f32 {
    dot::<S>(x, x)
}
