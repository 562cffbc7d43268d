//! Small deterministic random numbers for initialisation and sampling.

/// SplitMix64 (Steele, Lea and Flood 2014): 64 bits of state, every seed gives a full-period stream.
#[derive(Clone, Debug)]
pub(crate) struct SplitMix64 {
    state: u64,
    spare: Option<f64>,
}

impl SplitMix64 {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed, spare: None }
    }

    /// An independent stream for each `(seed, stream)` pair.
    pub(crate) fn for_stream(seed: u64, stream: u64) -> Self {
        let mut first = Self::new(seed);
        let mut second = Self::new(stream ^ 0xD1B5_4A32_D192_ED03);
        Self::new(first.next_u64() ^ second.next_u64().rotate_left(17))
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Uniform in `[0, 1)` with 53 random bits.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Standard normal (Box-Muller; both values of a pair are used).
    pub(crate) fn normal(&mut self) -> f64 {
        if let Some(value) = self.spare.take() {
            return value;
        }
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let angle = std::f64::consts::TAU * self.uniform();
        self.spare = Some(radius * angle.sin());
        radius * angle.cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_of_splitmix64() {
        // Reference stream of the published C code for seed 1234567.
        let mut random = SplitMix64::new(1_234_567);
        assert_eq!(random.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(random.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn normal_has_unit_moments() {
        let mut random = SplitMix64::for_stream(3, 9);
        let count = 20_000;
        let (mut sum, mut square) = (0.0, 0.0);
        for _ in 0..count {
            let value = random.normal();
            sum += value;
            square += value * value;
        }
        let mean = sum / f64::from(count);
        assert!(mean.abs() < 0.03, "{mean}");
        assert!((square / f64::from(count) - 1.0).abs() < 0.05);
    }
}
