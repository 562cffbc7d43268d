use super::*;
use crate::kernels::simd::Isa;
use crate::rng::SplitMix64;

fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut random = SplitMix64::new(seed);
    (0..count).map(|_| random.normal() as f32).collect()
}

/// Compares `gradient` with central differences of the scalar function `value` in double precision around `x`.
fn assert_gradient(x: &[f32], gradient: &[f32], value: impl Fn(&[f64]) -> f64, what: &str) {
    let mut point: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
    for index in 0..x.len() {
        let centre = point[index];
        let step = 1e-5;
        point[index] = centre + step;
        let above = value(&point);
        point[index] = centre - step;
        let below = value(&point);
        point[index] = centre;
        let expected = (above - below) / (2.0 * step);
        let found = f64::from(gradient[index]);
        assert!(
            (found - expected).abs() <= 2e-5 * (1.0 + expected.abs()),
            "{what}: derivative {index} is {found}, finite differences give {expected}"
        );
    }
}

fn weighted(values: &[f64], weights: &[f32]) -> f64 {
    values.iter().zip(weights).map(|(v, w)| v * f64::from(*w)).sum()
}

fn norm_exact(x: &[f64], weight: &[f64], eps: f64) -> Vec<f64> {
    let width = weight.len();
    let mut y = Vec::new();
    for row in x.chunks(width) {
        let mean: f64 = row.iter().map(|v| v * v).sum::<f64>() / width as f64;
        y.extend(row.iter().zip(weight).map(|(v, w)| v / (mean + eps).sqrt() * w));
    }
    y
}

fn doubles(x: &[f32]) -> Vec<f64> {
    x.iter().map(|v| f64::from(*v)).collect()
}

#[test]
fn rms_norm_and_its_gradients() {
    for isa in Isa::available() {
        for width in [1, 8, 33, 100] {
            let rows = 3;
            let (x, w, dy, passed) =
                (random(rows * width, 1), random(width, 2), random(rows * width, 3), random(rows * width, 4));
            let eps = 1e-3;
            let mut y = vec![0.0; rows * width];
            rms_norm(isa, &x, &w, eps, &mut y);
            let mut same = x.clone();
            rms_norm_in_place(isa, &w, eps, &mut same);
            assert_eq!(same, y);
            let exact = norm_exact(&doubles(&x), &doubles(&w), f64::from(eps));
            for (a, b) in y.iter().zip(&exact) {
                assert!((f64::from(*a) - b).abs() < 1e-5 * (1.0 + b.abs()));
            }
            let (mut dx, mut dw) = (vec![f32::NAN; rows * width], vec![0.0; width]);
            rms_norm_backward(isa, &x, &w, eps, &dy, &passed, &mut dx, &mut dw);
            let inner: Vec<f32> = dx.iter().zip(&passed).map(|(a, b)| a - b).collect();
            assert_gradient(&x, &inner, |x| weighted(&norm_exact(x, &doubles(&w), f64::from(eps)), &dy), "norm input");
            assert_gradient(&w, &dw, |w| weighted(&norm_exact(&doubles(&x), w, f64::from(eps)), &dy), "norm weight");
        }
    }
}

#[test]
fn rotation_and_its_transpose() {
    for isa in Isa::available() {
        for head_dim in [2, 8, 10, 64, 128] {
            let half = head_dim / 2;
            let angles = random(half, 5);
            let cos: Vec<f32> = angles.iter().map(|v| v.cos()).collect();
            let sin: Vec<f32> = angles.iter().map(|v| v.sin()).collect();
            let x = random(3 * head_dim, 6);
            let mut y = x.clone();
            rotate(isa, &mut y, &cos, &sin, Turn::With);
            for head in 0..3 {
                for i in 0..half {
                    let (a, b) = (x[head * head_dim + i], x[head * head_dim + half + i]);
                    let low = a * cos[i] - b * sin[i];
                    let high = b * cos[i] + a * sin[i];
                    assert!((y[head * head_dim + i] - low).abs() < 1e-5);
                    assert!((y[head * head_dim + half + i] - high).abs() < 1e-5);
                }
            }
            // A rotation is orthogonal: its transpose is its inverse, which is also its gradient.
            rotate(isa, &mut y, &cos, &sin, Turn::Against);
            assert!(x.iter().zip(&y).all(|(a, b)| (a - b).abs() < 1e-5));
        }
    }
}

#[test]
fn swiglu_and_its_gradients() {
    for isa in Isa::available() {
        for width in [1, 7, 48] {
            let rows = 2;
            let (mut gate_up, dout) = (random(rows * 2 * width, 7), random(rows * width, 8));
            gate_up[0] = 20.0;
            let exact = |x: &[f64]| -> Vec<f64> {
                x.chunks(2 * width)
                    .flat_map(|row| {
                        (0..width).map(|i| row[i] / (1.0 + (-row[i]).exp()) * row[width + i]).collect::<Vec<_>>()
                    })
                    .collect()
            };
            let mut out = vec![0.0; rows * width];
            swiglu(isa, &gate_up, width, &mut out);
            for (a, b) in out.iter().zip(exact(&doubles(&gate_up))) {
                assert!((f64::from(*a) - b).abs() < 1e-5 * (1.0 + b.abs()));
            }
            let (mut dgate_up, mut again) = (vec![0.0; rows * 2 * width], dout.clone());
            swiglu_backward(isa, &gate_up, width, &mut again, &mut dgate_up);
            assert_eq!(out, again);
            assert_gradient(&gate_up, &dgate_up, |x| weighted(&exact(x), &dout), "swiglu");
        }
    }
}

#[test]
fn softmax_row_gives_log_probability_and_entropy() {
    for isa in Isa::available() {
        for width in [1, 5, 64, 1000] {
            let logits: Vec<f32> = random(width, 9).iter().map(|v| v * 5.0).collect();
            let target = width / 2;
            let mut row = logits.clone();
            let found = softmax(isa, &mut row, target);
            let sum: f64 = logits.iter().map(|v| f64::from(*v).exp()).sum();
            let probabilities: Vec<f64> = logits.iter().map(|v| f64::from(*v).exp() / sum).collect();
            let entropy: f64 = probabilities.iter().map(|p| -p * p.ln()).sum();
            assert!((f64::from(found.logp) - probabilities[target].ln()).abs() < 1e-5);
            assert!((f64::from(found.entropy) - entropy).abs() < 1e-4, "{} {entropy}", found.entropy);
            for (value, p) in row.iter().zip(&probabilities) {
                assert!((f64::from(value / found.sum) - p).abs() < 1e-6);
            }
        }
        let mut broken = [0.0, f32::NAN, 1.0];
        assert!(softmax(isa, &mut broken, 0).logp.is_nan(), "NaN must not be hidden");
    }
}

#[test]
fn instruction_sets_agree_to_the_bit() {
    let (x, w) = (random(200, 1), random(100, 2));
    let run = |isa: Isa| {
        let mut y = vec![0.0; 200];
        rms_norm(isa, &x, &w, 1e-5, &mut y);
        let mut z = vec![0.0; 100];
        swiglu(isa, &y, 50, &mut z[..100]);
        let row = softmax(isa, &mut z, 3);
        (y, z, row)
    };
    for (one, other) in Isa::twins() {
        assert_eq!(run(one), run(other));
    }
}
