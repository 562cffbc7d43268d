//! Row operations of the decoder: RMSNorm, rotary embedding, SwiGLU, softmax; forward and backward.
//!
//! All take several rows at once so that the choice of the instruction set is made once for many values.

use super::lanes::{dot, exp, exp_sums, largest, ln};
use super::simd::{Simd, dispatch};

dispatch! {
    /// RMSNorm (Zhang and Sennrich 2019): `y = x / sqrt(mean(x^2) + eps) * weight` for each row of `x`, `[rows, width]`
    /// with `width = weight.len()`.
    pub(crate) fn rms_norm(x: &[f32], weight: &[f32], eps: f32, y: &mut [f32]) = rms_norm_body
}

#[inline(always)]
fn rms_norm_body<S: Simd>(x: &[f32], weight: &[f32], eps: f32, y: &mut [f32]) {
    let width = weight.len();
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        let scale = inverse_root_mean_square::<S>(x, eps);
        for ((y, x), weight) in y.iter_mut().zip(x).zip(weight) {
            *y = *x * scale * *weight;
        }
    }
}

dispatch! {
    /// As [`rms_norm`], replacing the rows.
    pub(crate) fn rms_norm_in_place(weight: &[f32], eps: f32, x: &mut [f32]) = rms_norm_in_place_body
}

#[inline(always)]
fn rms_norm_in_place_body<S: Simd>(weight: &[f32], eps: f32, x: &mut [f32]) {
    for x in x.chunks_exact_mut(weight.len()) {
        let scale = inverse_root_mean_square::<S>(x, eps);
        for (x, weight) in x.iter_mut().zip(weight) {
            *x = *x * scale * *weight;
        }
    }
}

#[inline(always)]
fn inverse_root_mean_square<S: Simd>(x: &[f32], eps: f32) -> f32 {
    1.0 / (dot::<S>(x, x) / x.len() as f32 + eps).sqrt()
}

dispatch! {
    /// Backward of [`rms_norm`]: `dx = passed + J^T dy`, and `dweight += ` the rows' gradients. With `s = 1 / rms(x)`,
    /// `J^T dy = s (w dy - x s^2 mean(w dy x))`.
    pub(crate) fn rms_norm_backward(
        x: &[f32],
        weight: &[f32],
        eps: f32,
        dy: &[f32],
        passed: &[f32],
        dx: &mut [f32],
        dweight: &mut [f32],
    ) = rms_norm_backward_body
}

#[inline(always)]
fn rms_norm_backward_body<S: Simd>(
    x: &[f32],
    weight: &[f32],
    eps: f32,
    dy: &[f32],
    passed: &[f32],
    dx: &mut [f32],
    dweight: &mut [f32],
) {
    let width = weight.len();
    let rows = x
        .chunks_exact(width)
        .zip(dy.chunks_exact(width))
        .zip(passed.chunks_exact(width))
        .zip(dx.chunks_exact_mut(width));
    for (((x, dy), passed), dx) in rows {
        let scale = inverse_root_mean_square::<S>(x, eps);
        for ((dx, dy), weight) in dx.iter_mut().zip(dy).zip(weight) {
            *dx = *dy * *weight;
        }
        let along = dot::<S>(dx, x) / width as f32 * scale * scale;
        for (((dx, x), passed), (dy, dweight)) in
            dx.iter_mut().zip(x).zip(passed).zip(dy.iter().zip(dweight.iter_mut()))
        {
            *dx = S::fma(S::fma(*x, -along, *dx), scale, *passed);
            *dweight = S::fma(*dy, *x * scale, *dweight);
        }
    }
}

/// Which way the rotary embedding turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Forward.
    With,
    /// Backward: the transposed rotation.
    Against,
}

dispatch! {
    /// Rotary embedding (Su et al. 2021, in the half-split form of Hugging Face) in place on one row of `heads` heads:
    /// `(a, b) -> (a cos - b sin, b cos + a sin)` for the two halves of each head; `cos` and `sin` have `head_dim / 2` values.
    pub(crate) fn rotate(row: &mut [f32], cos: &[f32], sin: &[f32], turn: Turn) = rotate_body
}

#[inline(always)]
fn rotate_body<S: Simd>(row: &mut [f32], cos: &[f32], sin: &[f32], turn: Turn) {
    let half = cos.len();
    let sign = match turn {
        Turn::With => 1.0,
        Turn::Against => -1.0,
    };
    for head in row.chunks_exact_mut(2 * half) {
        let (low, high) = head.split_at_mut(half);
        for ((a, b), (cos, sin)) in low.iter_mut().zip(high).zip(cos.iter().zip(sin)) {
            let sin = *sin * sign;
            let (x, y) = (*a, *b);
            *a = S::fma(-y, sin, x * *cos);
            *b = S::fma(x, sin, y * *cos);
        }
    }
}

dispatch! {
    /// SwiGLU (Shazeer 2020): `out = silu(gate) * up` for rows of `gate_up`, `[rows, 2 * width]` with the gate first.
    pub(crate) fn swiglu(gate_up: &[f32], width: usize, out: &mut [f32]) = swiglu_body
}

#[inline(always)]
fn swiglu_body<S: Simd>(gate_up: &[f32], width: usize, out: &mut [f32]) {
    for (row, out) in gate_up.chunks_exact(2 * width).zip(out.chunks_exact_mut(width)) {
        let (gate, up) = row.split_at(width);
        for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
            *out = *gate * sigmoid::<S>(*gate) * *up;
        }
    }
}

#[inline(always)]
fn sigmoid<S: Simd>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<S>(-x))
}

dispatch! {
    /// Backward of [`swiglu`]: `dgate_up` from the gradient of its output in `out`, which then receives the output once more
    /// (it is not kept from the forward pass).
    pub(crate) fn swiglu_backward(gate_up: &[f32], width: usize, out: &mut [f32], dgate_up: &mut [f32]) = swiglu_backward_body
}

#[inline(always)]
fn swiglu_backward_body<S: Simd>(gate_up: &[f32], width: usize, out: &mut [f32], dgate_up: &mut [f32]) {
    let rows =
        gate_up.chunks_exact(2 * width).zip(out.chunks_exact_mut(width)).zip(dgate_up.chunks_exact_mut(2 * width));
    for ((row, out), drow) in rows {
        let (gate, up) = row.split_at(width);
        let (dgate, dup) = drow.split_at_mut(width);
        for (((gate, up), out), (dgate, dup)) in gate.iter().zip(up).zip(out).zip(dgate.iter_mut().zip(dup)) {
            let dout = *out;
            let share = sigmoid::<S>(*gate);
            let silu = *gate * share;
            *out = silu * *up;
            *dup = dout * silu;
            // d silu / d gate = sigmoid + silu (1 - sigmoid)
            *dgate = dout * *up * S::fma(silu, 1.0 - share, share);
        }
    }
}

/// What the loss needs of one row of logits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SoftmaxRow {
    /// Log-probability of the target.
    pub logp: f32,
    /// Entropy of the distribution in nats.
    pub entropy: f32,
    /// Sum of the exponentials left in the row.
    pub sum: f32,
}

dispatch! {
    /// Replaces a row of logits by `e^(logit - largest)`; the probabilities are these over `sum`.
    pub(crate) fn softmax(row: &mut [f32], target: usize) -> SoftmaxRow = softmax_body
}

#[inline(always)]
fn softmax_body<S: Simd>(row: &mut [f32], target: usize) -> SoftmaxRow {
    let top = largest(row);
    let chosen = row.get(target).copied().unwrap_or(f32::NAN);
    let (sum, weighted) = exp_sums::<S>(row, top);
    let log_sum = ln(sum);
    SoftmaxRow { logp: chosen - top - log_sum, entropy: log_sum - weighted / sum, sum }
}

dispatch! {
    /// `x *= factor`.
    pub(crate) fn scale(x: &mut [f32], factor: f32) = scale_body
}

#[inline(always)]
fn scale_body<S: Simd>(x: &mut [f32], factor: f32) {
    for x in x {
        *x *= factor;
    }
}

dispatch! {
    /// Dot product of each `width` values of `x` with those of `y`: `out[i] = sum(x[i] * y[i])`.
    pub(crate) fn row_dots(x: &[f32], y: &[f32], width: usize, out: &mut [f32]) = row_dots_body
}

#[inline(always)]
fn row_dots_body<S: Simd>(x: &[f32], y: &[f32], width: usize, out: &mut [f32]) {
    for ((x, y), out) in x.chunks_exact(width).zip(y.chunks_exact(width)).zip(out.iter_mut()) {
        *out = dot::<S>(x, y);
    }
}

dispatch! {
    /// `y += x`.
    pub(crate) fn add(x: &[f32], y: &mut [f32]) = add_body
}

#[inline(always)]
fn add_body<S: Simd>(x: &[f32], y: &mut [f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += *x;
    }
}

#[cfg(test)]
mod tests;
