//! Tables of the rotary position embedding.

use crate::ModelConfig;

/// Cosines and sines of every position up to the longest seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct RotaryTable {
    half: usize,
    positions: usize,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl RotaryTable {
    pub(crate) fn new(config: &ModelConfig) -> Self {
        Self { half: config.head_dim / 2, ..Self::default() }
    }

    /// Extends the table to `positions`. Angles are single-precision products, as `transformers` computes them.
    pub(crate) fn grow(&mut self, config: &ModelConfig, positions: usize) {
        for position in self.positions..positions {
            for pair in 0..self.half {
                let exponent = (2 * pair) as f32 / config.head_dim as f32;
                let frequency = 1.0 / f64::from(config.rope_theta).powf(f64::from(exponent)) as f32;
                let angle = f64::from(position as f32 * frequency);
                self.cos.push(angle.cos() as f32);
                self.sin.push(angle.sin() as f32);
            }
        }
        self.positions = self.positions.max(positions);
    }

    /// Cosines and sines of `position`, `head_dim / 2` each; it must be within the grown table.
    pub(crate) fn at(&self, position: usize) -> (&[f32], &[f32]) {
        let range = position * self.half..(position + 1) * self.half;
        (&self.cos[range.clone()], &self.sin[range])
    }
}
