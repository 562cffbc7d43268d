//! Reductions and the exponential, over a number of lanes that no instruction set changes.
//!
//! All functions are inlined into kernels that [`super::simd::dispatch!`] compiles for each instruction set.

use super::simd::Simd;

/// Independent partial results of a reduction.
pub(crate) const LANES: usize = 32;

/// Adds the lanes pairwise: halves onto halves.
#[inline(always)]
fn fold(lanes: &[f32; LANES], combine: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = *lanes;
    let mut half = LANES / 2;
    while half > 0 {
        let (low, high) = lanes.split_at_mut(half);
        for (a, b) in low.iter_mut().zip(high.iter()) {
            *a = combine(*a, *b);
        }
        half /= 2;
    }
    lanes[0]
}

/// Sum of `x[i] * y[i]`.
#[inline(always)]
pub(crate) fn dot<S: Simd>(x: &[f32], y: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (mut xs, mut ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    for (x, y) in xs.by_ref().zip(ys.by_ref()) {
        for lane in 0..LANES {
            lanes[lane] = S::fma(x[lane], y[lane], lanes[lane]);
        }
    }
    for ((lane, x), y) in lanes.iter_mut().zip(xs.remainder()).zip(ys.remainder()) {
        *lane = S::fma(*x, *y, *lane);
    }
    fold(&lanes, |a, b| a + b)
}

/// Largest value; NaNs are passed over. Negative infinity when there is none.
#[inline(always)]
pub(crate) fn largest(x: &[f32]) -> f32 {
    largest_of(x, f32::NEG_INFINITY, |value| value)
}

/// Largest magnitude; NaNs are passed over. 0 when there is none.
#[inline(always)]
pub(crate) fn largest_magnitude<S: Simd>(x: &[f32]) -> f32 {
    largest_of(x, 0.0, f32::abs)
}

#[inline(always)]
fn largest_of(x: &[f32], least: f32, of: impl Fn(f32) -> f32) -> f32 {
    let greater = |a: f32, b: f32| if b > a { b } else { a };
    let mut lanes = [least; LANES];
    let mut chunks = x.chunks_exact(LANES);
    for chunk in chunks.by_ref() {
        for lane in 0..LANES {
            lanes[lane] = greater(lanes[lane], of(chunk[lane]));
        }
    }
    for (lane, x) in lanes.iter_mut().zip(chunks.remainder()) {
        *lane = greater(*lane, of(*x));
    }
    fold(&lanes, greater)
}

/// `e^x` within 2 units in the last place for `-87 <= x <= 88`; clamped outside, NaN stays NaN.
///
/// Cody-Waite reduction by `ln 2` in two parts and the polynomial of Cephes `expf`.
#[inline(always)]
pub(crate) fn exp<S: Simd>(x: f32) -> f32 {
    // Written so that NaN passes through (`max` would drop it).
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    // Adding 1.5 * 2^23 rounds to an integer, which then sits in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let shifted = S::fma(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = S::fma(n, -0.693_359_4, x);
    let r = S::fma(n, 2.121_944_4e-4, r);
    let p = S::fma(1.987_569_1e-4, r, 1.398_199_9e-3);
    let p = S::fma(p, r, 8.333_452e-3);
    let p = S::fma(p, r, 4.166_579_6e-2);
    let p = S::fma(p, r, 1.666_666_5e-1);
    let p = S::fma(p, r, 0.5);
    let p = S::fma(p, r * r, r + 1.0);
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3F80_0000));
    p * scale
}

/// Replaces `x` by `e^(scale * x - shift)` and returns the sum.
#[inline(always)]
pub(crate) fn exp_sum<S: Simd>(x: &mut [f32], scale: f32, shift: f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let mut chunks = x.chunks_exact_mut(LANES);
    for chunk in chunks.by_ref() {
        for lane in 0..LANES {
            let value = exp::<S>(S::fma(chunk[lane], scale, -shift));
            chunk[lane] = value;
            lanes[lane] += value;
        }
    }
    for (lane, x) in lanes.iter_mut().zip(chunks.into_remainder()) {
        *x = exp::<S>(S::fma(*x, scale, -shift));
        *lane += *x;
    }
    fold(&lanes, |a, b| a + b)
}

/// Replaces `x` by `e = e^(x - shift)`; returns the sums of `e` and of `e * (x - shift)`.
#[inline(always)]
pub(crate) fn exp_sums<S: Simd>(x: &mut [f32], shift: f32) -> (f32, f32) {
    let (mut sums, mut weighted) = ([0.0f32; LANES], [0.0f32; LANES]);
    let mut chunks = x.chunks_exact_mut(LANES);
    for chunk in chunks.by_ref() {
        for lane in 0..LANES {
            let below = chunk[lane] - shift;
            let value = exp::<S>(below);
            chunk[lane] = value;
            sums[lane] += value;
            weighted[lane] = S::fma(value, below, weighted[lane]);
        }
    }
    for (lane, x) in chunks.into_remainder().iter_mut().enumerate() {
        let below = *x - shift;
        *x = exp::<S>(below);
        sums[lane] += *x;
        weighted[lane] = S::fma(*x, below, weighted[lane]);
    }
    (fold(&sums, |a, b| a + b), fold(&weighted, |a, b| a + b))
}

/// Natural logarithm, rounded from double precision so that it does not depend on the system's single-precision library.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    f64::from(x).ln() as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::simd::Portable;

    #[test]
    fn exp_is_accurate_and_keeps_nan() {
        let mut worst = 0.0f64;
        for step in -86_999..=87_999 {
            let x = step as f32 * 1e-3;
            let exact = f64::from(x).exp();
            worst = worst.max((f64::from(exp::<Portable>(x)) / exact - 1.0).abs());
        }
        assert!(worst < 2.5e-7, "{worst:e}");
        assert!(exp::<Portable>(f32::NAN).is_nan());
        assert!(exp::<Portable>(f32::NEG_INFINITY) < 2e-38);
        assert!(exp::<Portable>(f32::INFINITY) > 1e38);
        assert_eq!(exp::<Portable>(0.0), 1.0);
    }

    #[test]
    fn reductions_cover_remainders() {
        for count in [0usize, 1, 31, 32, 33, 100] {
            let x: Vec<f32> = (0..count).map(|i| i as f32 * 0.1 - 2.0).collect();
            let exact: f64 = x.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
            assert!((f64::from(dot::<Portable>(&x, &x)) - exact).abs() < 1e-4);
            assert_eq!(largest(&x), x.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            let mut y = x.clone();
            let (sum, weighted) = exp_sums::<Portable>(&mut y, 0.5);
            let direct: f64 = x.iter().map(|v| (f64::from(*v) - 0.5).exp()).sum();
            assert!((f64::from(sum) - direct).abs() <= 1e-5 * direct);
            let direct: f64 = x.iter().map(|v| (f64::from(*v) - 0.5).exp() * (f64::from(*v) - 0.5)).sum();
            assert!((f64::from(weighted) - direct).abs() <= 1e-4 * direct.abs() + 1e-6);
        }
    }
}
