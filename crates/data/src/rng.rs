//! A small deterministic random source, so that an example depends on its coordinates alone and not on the version of
//! a library.

use crate::split::stable_hash;

/// xoshiro256** (Blackman & Vigna 2018), seeded by SplitMix64.
#[derive(Clone, Debug)]
pub struct Rng {
    state: [u64; 4],
}

/// One step of SplitMix64: advances `state` and returns the next value.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut value = *state;
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Mixes parts into one seed (SplitMix64 after each part). A pure function; order matters.
pub fn mix(parts: &[u64]) -> u64 {
    let scrambled = |value: u64| split_mix(&mut { value });
    parts.iter().fold(0x9e37_79b9_7f4a_7c15, |state, part| scrambled(state ^ scrambled(*part)))
}

/// The place of item `index` in a permutation of `0..n` chosen by `key`: a Feistel network with cycle walking, so
/// that any place of any epoch is found without shuffling the rest.
pub fn permute(index: u64, n: u64, key: u64) -> u64 {
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

impl Rng {
    /// A generator from one number.
    pub fn new(seed: u64) -> Rng {
        let mut state = seed;
        Rng { state: std::array::from_fn(|_| split_mix(&mut state)) }
    }

    /// A generator for a place in a stream: same parts, same numbers; parts that differ anywhere give unrelated ones.
    pub fn at(seed: u64, stream: &str, part: &str, index: u64) -> Rng {
        let mut state = seed;
        let mut mixed = split_mix(&mut state);
        for value in [stable_hash(stream), stable_hash(part), index] {
            state = mixed ^ value;
            mixed = split_mix(&mut state);
        }
        Rng::new(mixed)
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A number below `bound`; 0 for a bound of 0. The multiply-shift bias is below 2^-32 for every bound used here.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next_u64()) * bound as u128) >> 64) as usize
    }

    /// A number from `low` to `high`, both included; `low` when the range is empty.
    pub fn range(&mut self, low: usize, high: usize) -> usize {
        low + self.below((high + 1).saturating_sub(low))
    }

    /// True in `numerator` of `denominator` cases.
    pub fn chance(&mut self, numerator: usize, denominator: usize) -> bool {
        self.below(denominator) < numerator
    }

    /// One element, or `None` of an empty slice.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }

    /// The index of one weight, drawn in proportion; 0 when all weights are 0.
    pub fn weighted(&mut self, weights: &[u32]) -> usize {
        let total: usize = weights.iter().map(|&weight| weight as usize).sum();
        let mut rest = self.below(total);
        for (index, &weight) in weights.iter().enumerate() {
            if rest < weight as usize {
                return index;
            }
            rest -= weight as usize;
        }
        0
    }

    /// Fisher-Yates shuffle.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_place_same_numbers() {
        let mut first = Rng::at(7, "task", "train", 3);
        let mut again = Rng::at(7, "task", "train", 3);
        let mut other = Rng::at(7, "task", "train", 4);
        let numbers: Vec<u64> = (0..4).map(|_| first.next_u64()).collect();
        assert_eq!(numbers, (0..4).map(|_| again.next_u64()).collect::<Vec<_>>());
        assert_ne!(numbers, (0..4).map(|_| other.next_u64()).collect::<Vec<_>>());
    }

    #[test]
    fn known_values() {
        // xoshiro256** with the state 1, 2, 3, 4: first outputs of the authors' C code.
        let mut rng = Rng { state: [1, 2, 3, 4] };
        assert_eq!([rng.next_u64(), rng.next_u64(), rng.next_u64()], [11520, 0, 1509978240]);
    }

    #[test]
    fn bounds_hold_and_are_even() {
        let mut rng = Rng::new(1);
        let mut seen = [0usize; 5];
        for _ in 0..50_000 {
            seen[rng.below(5)] += 1;
        }
        assert!(seen.iter().all(|&count| (9_500..10_500).contains(&count)), "{seen:?}");
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.range(3, 3), 3);
        assert!((0..1000).all(|_| (2..=4).contains(&rng.range(2, 4))));
        assert_eq!(rng.weighted(&[0, 5, 0]), 1);
        let mut items = [1, 2, 3, 4];
        rng.shuffle(&mut items);
        items.sort_unstable();
        assert_eq!(items, [1, 2, 3, 4]);
    }

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
