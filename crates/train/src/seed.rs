//! Seeds: every random choice has its own, made from the run's seed and what the choice is for.

/// Mixes parts into one seed (SplitMix64 after each part). A pure function; order matters.
pub(crate) fn mix(parts: &[u64]) -> u64 {
    parts.iter().fold(0x9e37_79b9_7f4a_7c15, |state, part| split_mix(state ^ split_mix(*part)))
}

/// One round of SplitMix64 (Steele, Lea, Flood 2014).
fn split_mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What a seed is for; the numbers are part of every run's bytes and never change.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Use {
    Weights = 1,
    Rows = 2,
    Trace = 3,
    Sampling = 4,
    MiniBatches = 5,
    Tokenizer = 6,
    Adapter = 7,
    Dropout = 8,
}

/// The place of item `index` in a permutation of `0..n` chosen by `key`: a Feistel network with cycle walking, so
/// that any place of any epoch is found without shuffling the rest.
pub(crate) fn permute(index: u64, n: u64, key: u64) -> u64 {
    if n <= 1 {
        return 0;
    }
    // Two halves of equal width that together hold at least n values.
    let half_bits = (64 - (n - 1).leading_zeros()).div_ceil(2).max(1);
    let mask = (1u64 << half_bits) - 1;
    let mut value = index % n;
    loop {
        let (mut left, mut right) = (value >> half_bits, value & mask);
        for round in 0..4 {
            (left, right) = (right, left ^ (mix(&[key, round, right]) & mask));
        }
        value = left << half_bits | right;
        if value < n {
            return value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutations_hit_every_place_once() {
        for n in [1u64, 2, 3, 10, 97, 1000] {
            let mut places: Vec<u64> = (0..n).map(|i| permute(i, n, 5)).collect();
            if n > 50 {
                assert_ne!(places, (0..n).collect::<Vec<_>>());
                assert_ne!(places, (0..n).map(|i| permute(i, n, 6)).collect::<Vec<_>>());
            }
            places.sort_unstable();
            assert_eq!(places, (0..n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn mix_depends_on_order_and_content() {
        assert_ne!(mix(&[1, 2]), mix(&[2, 1]));
        assert_ne!(mix(&[1]), mix(&[1, 0]));
    }
}
