//! Intervals and tests for shares of right answers.

/// 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Wilson score interval (95 %) of `successes` out of `n`, as shares in 0..=1; the whole range for `n = 0`.
///
/// Wilson, J. Am. Stat. Assoc. 1927, 22, 209: unlike the normal interval it stays inside 0..=1 and holds at 0 and `n`.
pub fn wilson(successes: usize, n: usize) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let (count, share) = (n as f64, successes as f64 / n as f64);
    let scale = 1.0 + Z * Z / count;
    let centre = (share + Z * Z / (2.0 * count)) / scale;
    let half = Z / scale * (share * (1.0 - share) / count + Z * Z / (4.0 * count * count)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

/// Two-sided exact sign test (McNemar) for paired outcomes: how probable a difference at least this large is when both
/// are equally good, from the pairs in which only one is right. 1 when there is no such pair.
pub fn paired_sign_test(only_first: usize, only_second: usize) -> f64 {
    let n = only_first + only_second;
    let least = only_first.min(only_second);
    // Terms of the binomial distribution by their logarithms, since 2^-n leaves the range of f64 above n = 1074.
    let mut logarithm = -(n as f64) * std::f64::consts::LN_2;
    let mut tail = logarithm.exp();
    for k in 1..=least {
        logarithm += ((n - k + 1) as f64 / k as f64).ln();
        tail += logarithm.exp();
    }
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }

    /// Values of the same formulas in Python 3.11 (`statistics.NormalDist`), binomial tails summed by hand.
    #[test]
    fn known_values() {
        let (low, high) = wilson(8, 10);
        close(low, 0.490_162_471_536_641_83);
        close(high, 0.943_317_848_545_624_7);
        let (low, high) = wilson(0, 50);
        close(low, 0.0);
        close(high, 0.071_347_599_133_358_7);
        assert_eq!(wilson(0, 0), (0.0, 1.0));
        close(wilson(50, 50).1, 1.0);
        close(paired_sign_test(2, 8), 0.109_375);
        close(paired_sign_test(8, 2), 0.109_375);
        close(paired_sign_test(0, 0), 1.0);
        close(paired_sign_test(5, 5), 1.0);
        assert!(paired_sign_test(100, 2000) < 1e-300);
    }
}
