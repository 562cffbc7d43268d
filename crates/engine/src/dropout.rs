//! Dropout of the inputs of adapters, without stored masks.

/// Which inputs are dropped is a function of the seed, the matrix, the row's position in the batch and the column: forward
/// and backward compute it alike, and so does every cut of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Dropout {
    /// Drawn 16-bit numbers below this are dropped.
    threshold: u32,
    /// Factor of what is kept.
    keep: f32,
    seed: u64,
}

impl Dropout {
    /// `None` when nothing is dropped.
    pub(crate) fn new(rate: f32, seed: u64) -> Option<Self> {
        // At least one value in 65,536 is kept.
        let threshold = ((f64::from(rate) * 65536.0).round() as u32).min(65535);
        (threshold > 0).then(|| {
            // The share that is really dropped, so that expectations are kept exactly.
            let dropped = f64::from(threshold) / 65536.0;
            Self { threshold, keep: (1.0 / (1.0 - dropped)) as f32, seed }
        })
    }

    /// Another mask for another matrix.
    pub(crate) fn of_matrix(self, layer: usize, fused: usize) -> Self {
        Self { seed: mix(self.seed ^ mix((layer * 4 + fused) as u64 + 1)), ..self }
    }

    /// Multiplies each value of `rows` by its factor, 0 or `1 / (1 - rate)`; one entry of `positions` for each row.
    pub(crate) fn apply(&self, positions: &[u32], rows: &mut [f32]) {
        let width = rows.len() / positions.len().max(1);
        for (position, row) in positions.iter().zip(rows.chunks_exact_mut(width.max(1))) {
            let seed = mix(self.seed ^ u64::from(*position));
            for (group, values) in row.chunks_mut(4).enumerate() {
                let mut random = mix(seed.wrapping_add(group as u64));
                for value in values {
                    *value *= if (random as u32 & 0xFFFF) < self.threshold { 0.0 } else { self.keep };
                    random >>= 16;
                }
            }
        }
    }
}

/// The finaliser of SplitMix64.
fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_the_asked_share_and_keeps_the_mean() {
        assert_eq!(Dropout::new(0.0, 1), None);
        assert!(Dropout::new(0.999_999, 1).unwrap().keep.is_finite());
        let dropout = Dropout::new(0.3, 7).unwrap().of_matrix(2, 1);
        let positions: Vec<u32> = (0..200).collect();
        let mut rows = vec![1.0f32; 200 * 101];
        dropout.apply(&positions, &mut rows);
        let dropped = rows.iter().filter(|value| **value == 0.0).count() as f64 / rows.len() as f64;
        assert!((dropped - 0.3).abs() < 0.01, "{dropped}");
        let mean = rows.iter().sum::<f32>() / rows.len() as f32;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        // Neither rows nor matrices repeat each other, and a row does not depend on its neighbours.
        assert_ne!(rows[..101], rows[101..202]);
        let mut alone = vec![1.0f32; 101];
        dropout.apply(&positions[57..58], &mut alone);
        assert_eq!(alone, rows[57 * 101..58 * 101]);
        let mut other = vec![1.0f32; 101];
        Dropout::new(0.3, 7).unwrap().of_matrix(2, 2).apply(&positions[57..58], &mut other);
        assert_ne!(alone, other);
    }
}
