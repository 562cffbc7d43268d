//! Both directions against plain double-precision attention and its finite differences.

use super::*;
use crate::kernels::attention::{attend, attend_from, attend_scratch};
use crate::rng::SplitMix64;

fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut random = SplitMix64::new(seed);
    (0..count).map(|_| random.normal() as f32).collect()
}

struct Case {
    length: usize,
    head_dim: usize,
    queries: usize,
    key_values: usize,
    window: usize,
}

impl Case {
    fn width(&self) -> usize {
        (self.queries + 2) * self.key_values * self.head_dim
    }

    fn group<'a>(&self, qkv: &'a [f32], index: usize) -> HeadGroup<'a> {
        let (d, all) = (self.head_dim, self.queries * self.key_values);
        HeadGroup {
            qkv,
            width: self.width(),
            length: self.length,
            head_dim: d,
            queries: self.queries,
            query_column: index * self.queries * d,
            key_column: (all + index) * d,
            value_column: (all + self.key_values + index) * d,
            window: self.window,
        }
    }

    /// Output of head group `index`, `[length, queries * head_dim]`, and its lse, from the definition.
    fn exact(&self, qkv: &[f64], index: usize) -> (Vec<f64>, Vec<f64>) {
        let (d, w) = (self.head_dim, self.width());
        let heads = self.queries * self.key_values;
        let (k0, v0) = ((heads + index) * d, (heads + self.key_values + index) * d);
        let scale = 1.0 / (d as f64).sqrt();
        let mut out = vec![0.0; self.length * self.queries * d];
        let mut lse = vec![0.0; self.length * self.queries];
        for i in 0..self.length {
            for h in 0..self.queries {
                let q0 = (index * self.queries + h) * d;
                let oldest = (i + 1).saturating_sub(self.window);
                let scores: Vec<f64> = (oldest..=i)
                    .map(|j| (0..d).map(|c| qkv[i * w + q0 + c] * qkv[j * w + k0 + c]).sum::<f64>() * scale)
                    .collect();
                let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = scores.iter().map(|s| (s - top).exp()).sum();
                lse[i * self.queries + h] = top + sum.ln();
                for (j, score) in (oldest..).zip(&scores) {
                    let p = (score - top).exp() / sum;
                    for c in 0..d {
                        out[(i * self.queries + h) * d + c] += p * qkv[j * w + v0 + c];
                    }
                }
            }
        }
        (out, lse)
    }
}

fn case(length: usize, head_dim: usize, queries: usize, key_values: usize) -> Case {
    Case { length, head_dim, queries, key_values, window: usize::MAX }
}

fn windowed(length: usize, head_dim: usize, queries: usize, window: usize) -> Case {
    Case { window, ..case(length, head_dim, queries, 1) }
}

fn forward(isa: Isa, case: &Case, qkv: &[f32], index: usize) -> (Vec<f32>, Vec<f32>) {
    let mut out = vec![f32::NAN; case.length * case.queries * case.head_dim];
    let mut lse = vec![f32::NAN; case.length * case.queries];
    let mut scratch = vec![f32::NAN; attend_scratch(isa, case.length, case.head_dim)];
    attend(isa, &case.group(qkv, index), &mut out, &mut lse, &mut scratch);
    (out, lse)
}

fn backward(isa: Isa, case: &Case, qkv: &[f32], dout: &[f32], index: usize) -> Vec<f32> {
    let (out, lse) = forward(isa, case, qkv, index);
    let (d, heads) = (case.head_dim, case.queries * case.key_values);
    let mut delta = vec![0.0; case.length * heads];
    for i in 0..case.length {
        for h in 0..case.queries {
            for c in 0..d {
                delta[i * heads + index * case.queries + h] +=
                    out[(i * case.queries + h) * d + c] * dout[i * heads * d + (index * case.queries + h) * d + c];
            }
        }
    }
    let gradient = GroupGradient {
        dout,
        width: heads * d,
        column: index * case.queries * d,
        delta: &delta,
        heads,
        delta_column: index * case.queries,
        lse: &lse,
    };
    let mut dqkv = vec![f32::NAN; case.length * (case.queries + 2) * d];
    let mut scratch = vec![f32::NAN; attend_backward_scratch(isa, case.length, d)];
    attend_backward(isa, &case.group(qkv, index), &gradient, &mut dqkv, &mut scratch);
    dqkv
}

#[test]
fn forward_matches_the_definition() {
    for isa in Isa::available() {
        for case in [
            case(1, 8, 1, 1),
            case(5, 10, 2, 2),
            case(47, 16, 1, 2),
            case(49, 24, 3, 1),
            case(100, 32, 2, 1),
            case(130, 128, 1, 1),
            case(300, 64, 1, 1),
            case(560, 8, 2, 1),
            windowed(5, 8, 1, 1),
            windowed(40, 10, 2, 7),
            windowed(49, 8, 1, 48),
            windowed(130, 16, 2, 33),
            windowed(700, 8, 1, 20),
            windowed(700, 8, 1, 256),
            windowed(800, 8, 2, 531),
        ] {
            let qkv = random(case.length * case.width(), case.length as u64);
            let precise: Vec<f64> = qkv.iter().map(|v| f64::from(*v)).collect();
            for index in 0..case.key_values {
                let (out, lse) = forward(isa, &case, &qkv, index);
                let (exact, exact_lse) = case.exact(&precise, index);
                for (a, b) in out.iter().zip(&exact).chain(lse.iter().zip(&exact_lse)) {
                    assert!(
                        (f64::from(*a) - b).abs() < 2e-5 * (1.0 + b.abs()),
                        "{} length {}: {a} {b}",
                        isa.name(),
                        case.length
                    );
                }
            }
        }
    }
}

#[test]
fn backward_matches_finite_differences() {
    for isa in Isa::available() {
        for case in [
            case(1, 8, 1, 1),
            case(5, 10, 2, 2),
            case(14, 18, 2, 1),
            case(52, 8, 2, 1),
            windowed(14, 10, 2, 1),
            windowed(52, 8, 2, 9),
            windowed(110, 6, 1, 40),
        ] {
            let (d, heads) = (case.head_dim, case.queries * case.key_values);
            let qkv = random(case.length * case.width(), 31);
            let dout = random(case.length * heads * d, 32);
            let index = case.key_values - 1;
            let dqkv = backward(isa, &case, &qkv, &dout, index);
            let mut point: Vec<f64> = qkv.iter().map(|v| f64::from(*v)).collect();
            let group = case.group(&qkv, index);
            let value = |point: &[f64]| -> f64 {
                let (out, _) = case.exact(point, index);
                let mut sum = 0.0;
                for i in 0..case.length {
                    for c in 0..case.queries * d {
                        sum += out[i * case.queries * d + c]
                            * f64::from(dout[i * heads * d + index * case.queries * d + c]);
                    }
                }
                sum
            };
            let stride = (case.queries + 2) * d;
            // A sample of the coordinates that covers every part and both ends.
            for at in (0..case.length * stride).step_by(1 + case.length * stride / 150) {
                let (token, column) = (at / stride, at % stride);
                let source = if column < case.queries * d {
                    group.query_column + column
                } else if column < (case.queries + 1) * d {
                    group.key_column + column - case.queries * d
                } else {
                    group.value_column + column - (case.queries + 1) * d
                };
                let place = token * case.width() + source;
                let centre = point[place];
                point[place] = centre + 1e-5;
                let above = value(&point);
                point[place] = centre - 1e-5;
                let below = value(&point);
                point[place] = centre;
                let expected = (above - below) / 2e-5;
                let found = f64::from(dqkv[at]);
                assert!(
                    (found - expected).abs() < 1e-4 * (1.0 + expected.abs()),
                    "{} length {} token {token} column {column}: {found} {expected}",
                    isa.name(),
                    case.length
                );
            }
        }
    }
}

#[test]
fn queries_from_the_middle_have_the_bits_of_the_whole() {
    for case in [case(300, 12, 2, 2), windowed(300, 20, 3, 40), windowed(700, 8, 1, 290), windowed(64, 8, 2, 64)] {
        let qkv = random(case.length * case.width(), 45);
        for isa in Isa::available() {
            let (out, lse) = forward(isa, &case, &qkv, 0);
            for start in [0, 1, 32, 47, 48, 50, 64, case.length - 1, case.length] {
                let rows = case.length - start;
                let mut own = vec![f32::NAN; rows * case.queries * case.head_dim];
                let mut own_lse = vec![f32::NAN; rows * case.queries];
                let mut scratch = vec![f32::NAN; attend_scratch(isa, case.length, case.head_dim)];
                attend_from(isa, &case.group(&qkv, 0), start, &mut own, &mut own_lse, &mut scratch);
                assert!(own == out[out.len() - own.len()..], "{} from {start}", isa.name());
                assert!(own_lse == lse[lse.len() - own_lse.len()..], "{} from {start}", isa.name());
            }
        }
    }
}

#[test]
fn a_window_of_the_whole_sequence_changes_no_bit() {
    let all = case(300, 12, 2, 1);
    let qkv = random(all.length * all.width(), 43);
    let dout = random(all.length * 2 * all.head_dim, 44);
    for isa in Isa::available() {
        let whole = windowed(300, 12, 2, 300);
        assert!(forward(isa, &all, &qkv, 0) == forward(isa, &whole, &qkv, 0));
        assert!(backward(isa, &all, &qkv, &dout, 0) == backward(isa, &whole, &qkv, &dout, 0));
    }
}

#[test]
fn long_sequences_and_instruction_sets_agree() {
    for case in [case(600, 20, 2, 1), windowed(600, 20, 2, 290)] {
        agree(&case);
    }
}

fn agree(case: &Case) {
    let qkv = random(case.length * case.width(), 41);
    let dout = random(case.length * 2 * case.head_dim, 42);
    let portable = backward(Isa::Portable, case, &qkv, &dout, 0);
    for isa in Isa::available() {
        for (a, b) in backward(isa, case, &qkv, &dout, 0).iter().zip(&portable) {
            assert!((a - b).abs() < 1e-4 * (1.0 + b.abs()), "{a} {b}");
        }
    }
    for (one, other) in Isa::twins() {
        let same = backward(one, case, &qkv, &dout, 0) == backward(other, case, &qkv, &dout, 0);
        assert!(same, "{} and {}", one.name(), other.name());
    }
}
