//! Group-normalised advantages (Shao et al. 2024, DeepSeekMath, equation 21).

/// Advantage of each completion of one group, or `None` when all rewards are equal: then the group says nothing
/// about which completion is better, and it is skipped.
///
/// `A_i = (r_i - mean) / (std + epsilon)` with the sample standard deviation (n - 1), or `r_i - mean` without
/// `normalise`.
pub fn advantages(rewards: &[f64], normalise: bool, epsilon: f64) -> Option<Vec<f64>> {
    let first = *rewards.first()?;
    // Exact equality on purpose: rewards are sums of the same few constants, so equal outcomes are equal numbers.
    if rewards.iter().all(|reward| *reward == first) {
        return None;
    }
    let n = rewards.len() as f64;
    let mean = rewards.iter().sum::<f64>() / n;
    let variance = rewards.iter().map(|reward| (reward - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let scale = if normalise { variance.sqrt() + epsilon } else { 1.0 };
    Some(rewards.iter().map(|reward| (reward - mean) / scale).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalised_by_the_group() {
        let a = advantages(&[1.0, 0.0, 0.0, 1.0], true, 1e-4).unwrap();
        // Sample standard deviation of 1,0,0,1 is 0.57735.
        assert!((a[0] - 0.5 / (0.577_350_27 + 1e-4)).abs() < 1e-8, "{a:?}");
        assert!(a.iter().sum::<f64>().abs() < 1e-12);
        let a = advantages(&[1.0, 0.1], false, 1e-4).unwrap();
        assert!((a[0] - 0.45).abs() < 1e-12);
    }

    #[test]
    fn equal_rewards_say_nothing() {
        assert_eq!(advantages(&[0.1, 0.1, 0.1], true, 1e-4), None);
        assert_eq!(advantages(&[], true, 1e-4), None);
        assert_eq!(advantages(&[1.0], true, 1e-4), None);
    }
}
