//! Tables of the rotary position embedding.

use crate::ModelConfig;
use crate::architecture::RopeScaling;

/// Cosines and sines of every position up to the longest seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct RotaryTable {
    /// Angle of one position, for each pair.
    frequencies: Vec<f32>,
    positions: usize,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl RotaryTable {
    pub(crate) fn new(config: &ModelConfig, scaling: &RopeScaling) -> Self {
        let frequency = |pair: usize| {
            let exponent = (2 * pair) as f32 / config.head_dim as f32;
            let frequency = 1.0 / f64::from(config.rope_theta).powf(f64::from(exponent)) as f32;
            scaling.frequency(frequency)
        };
        Self { frequencies: (0..config.head_dim / 2).map(frequency).collect(), ..Self::default() }
    }

    /// Extends the table to `positions`. Angles are single-precision products, as `transformers` computes them.
    pub(crate) fn grow(&mut self, positions: usize) {
        for position in self.positions..positions {
            for frequency in &self.frequencies {
                let angle = f64::from(position as f32 * frequency);
                self.cos.push(angle.cos() as f32);
                self.sin.push(angle.sin() as f32);
            }
        }
        self.positions = self.positions.max(positions);
    }

    /// Cosines and sines of `position`, `head_dim / 2` each; it must be within the grown table.
    pub(crate) fn at(&self, position: usize) -> (&[f32], &[f32]) {
        let half = self.frequencies.len();
        let range = position * half..(position + 1) * half;
        (&self.cos[range.clone()], &self.sin[range])
    }
}
