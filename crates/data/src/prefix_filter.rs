//! Which fingerprints can be similar, without comparing all: the prefix filter.
//!
//! Two sets with a Tanimoto similarity of t or more share at least ⌈t·n⌉ bits, n being the size of either; so among the n − ⌈t·n⌉ + 1 rarest
//! bits of one there is one of those of the other (Chaudhuri, Ganti, Kaushik, ICDE 2006; Bayardo, Ma, Srikant, WWW 2007). Whoever lists
//! fingerprints under these bits finds every similar one.

/// Radius and size of the Morgan fingerprints that molecules are compared by: ECFP4 as it is mostly used.
pub(crate) const RADIUS: u32 = 2;
pub(crate) const BITS: usize = 2048;

/// A set of bits.
pub(crate) type Fingerprint = [u64; BITS / 64];

/// The fingerprint with these bits.
pub(crate) fn fingerprint(bits: impl IntoIterator<Item = usize>) -> Fingerprint {
    let mut words = [0; BITS / 64];
    for bit in bits {
        words[bit % BITS / 64] |= 1 << (bit % 64);
    }
    words
}

/// The bits of a fingerprint, in order.
pub(crate) fn bits(fingerprint: &Fingerprint) -> impl Iterator<Item = usize> + '_ {
    fingerprint.iter().enumerate().flat_map(|(index, word)| {
        let mut rest = *word;
        std::iter::from_fn(move || {
            let bit = rest.trailing_zeros() as usize;
            rest &= rest.checked_sub(1)?;
            Some(index * 64 + bit)
        })
    })
}

/// Number of bits.
pub(crate) fn size(fingerprint: &Fingerprint) -> usize {
    fingerprint.iter().map(|word| word.count_ones() as usize).sum()
}

/// Bits of both and of either of two fingerprints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overlap {
    pub both: u32,
    pub either: u32,
}

impl Overlap {
    /// Tanimoto similarity.
    pub fn similarity(self) -> f64 {
        f64::from(self.both) / f64::from(self.either.max(1))
    }
}

/// The threshold, and how rare each bit is among the fingerprints.
pub(crate) struct PrefixFilter {
    threshold: f64,
    /// 0 for the rarest bit.
    ranks: Vec<u16>,
}

impl PrefixFilter {
    /// From the bits of all fingerprints, those of one after the other.
    pub fn new(threshold: f64, bits: impl Iterator<Item = usize>) -> PrefixFilter {
        let mut counts = vec![0u64; BITS];
        bits.for_each(|bit| counts[bit % BITS] += 1);
        let mut order: Vec<usize> = (0..BITS).collect();
        order.sort_by_key(|bit| (counts[*bit], *bit));
        let mut ranks = vec![0u16; BITS];
        for (rank, bit) in order.into_iter().enumerate() {
            ranks[bit] = rank as u16;
        }
        PrefixFilter { threshold, ranks }
    }

    /// The rarest bits, of which two similar fingerprints share one.
    pub fn prefix(&self, fingerprint: &Fingerprint) -> Vec<usize> {
        let mut all: Vec<usize> = bits(fingerprint).collect();
        all.sort_unstable_by_key(|bit| self.ranks[*bit]);
        all.truncate((all.len() + 1).saturating_sub(self.least(all.len())));
        all
    }

    /// Least number of bits that a fingerprint similar to one of this size has, and shares with it.
    pub fn least(&self, size: usize) -> usize {
        // A trifle less, as products of floats are not exact.
        ((self.threshold * size as f64 - 1e-9).ceil() as usize).max(1)
    }

    /// Most bits that a fingerprint similar to one of this size has.
    pub fn most(&self, size: usize) -> usize {
        (size as f64 / self.threshold + 1e-9) as usize
    }

    /// What two fingerprints share, where they are similar; those without bits are similar to none.
    pub fn overlap(&self, one: &Fingerprint, other: &Fingerprint) -> Option<Overlap> {
        let (mut both, mut either) = (0, 0);
        for (one, other) in one.iter().zip(other) {
            both += (one & other).count_ones();
            either += (one | other).count_ones();
        }
        let overlap = Overlap { both, either };
        (either > 0 && overlap.similarity() >= self.threshold).then_some(overlap)
    }
}
