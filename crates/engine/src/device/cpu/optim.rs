//! AdamW in one pass, and the global norm of the gradients.

use crate::kernels::simd::Isa;
use crate::kernels::update::{Moments, adamw, square_sum};
use crate::pool::{Parts, Scratch, run_parts};
use crate::weights::{NamedTensor, NamedTensorMut};
use crate::{AdamWConfig, ModelConfig};

/// Values of one task; it decides the order of the norm's sum, so it is a constant.
const CHUNK: usize = 16_384;

/// One parameter tensor as the optimiser sees it.
pub(crate) struct Parameter<'a> {
    pub data: &'a mut [f32],
    /// Weight decay applies to matrices, not to norms and biases.
    pub decays: bool,
}

/// Values that are trained together. Gradients and moments have the same shape.
pub(crate) trait Parameters {
    /// The tensors in a fixed order.
    fn parameters_mut(&mut self) -> Vec<Parameter<'_>>;
    /// All zeros, in the same shape.
    fn zeros_like(&self) -> Self;
    /// The tensors as they are stored.
    fn named(&self, model: &ModelConfig) -> Vec<NamedTensor<'_>>;
    /// As [`Parameters::named`], to be filled.
    fn named_mut(&mut self, model: &ModelConfig) -> Vec<NamedTensorMut<'_>>;
}

/// Sets all values to zero.
pub(crate) fn zero<P: Parameters>(values: &mut P) {
    for parameter in values.parameters_mut() {
        parameter.data.fill(0.0);
    }
}

/// First and second moments of every value, and the number of steps taken.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AdamW<P> {
    pub config: AdamWConfig,
    pub first: P,
    pub second: P,
    pub steps: u64,
}

impl<P: Parameters> AdamW<P> {
    pub(crate) fn new(config: AdamWConfig, shape: &P) -> Self {
        Self { config, first: shape.zeros_like(), second: shape.zeros_like(), steps: 0 }
    }

    /// Scales the gradients by `scale`, updates `weights` at learning rate `lr`, and zeroes the gradients.
    ///
    /// As PyTorch's `AdamW`: `w -= lr * decay * w`, then `w -= lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + eps)`.
    pub(crate) fn step(&mut self, weights: &mut P, gradients: &mut P, lr: f32, scale: f32) {
        self.steps += 1;
        let AdamWConfig { beta1, beta2, eps, weight_decay } = self.config;
        let power = |beta: f32| f64::from(beta).powf(self.steps as f64);
        let step = f64::from(lr) / (1.0 - power(beta1));
        let moments = Moments {
            beta1,
            beta2,
            eps,
            step: step as f32,
            second_root: (1.0 - power(beta2)).sqrt() as f32,
            scale,
            keep: 1.0,
        };
        let keep = (1.0 - f64::from(lr) * f64::from(weight_decay)) as f32;
        let mut scratch = Scratch::default();
        let parameters = weights
            .parameters_mut()
            .into_iter()
            .zip(gradients.parameters_mut())
            .zip(self.first.parameters_mut())
            .zip(self.second.parameters_mut());
        for (((weight, gradient), first), second) in parameters {
            let moments = Moments { keep: if weight.decays { keep } else { 1.0 }, ..moments };
            run_parts(
                weight.data.len().div_ceil(CHUNK),
                &mut scratch,
                [weight.data, gradient.data, first.data, second.data].map(|data| Parts::even(data, CHUNK)),
                |_, _, [weight, gradient, first, second]| {
                    adamw(Isa::detect(), &moments, weight, gradient, first, second);
                },
            );
        }
    }
}

/// Euclidean norm of all gradients together; the same for every number of threads.
pub(crate) fn global_norm<P: Parameters>(gradients: &mut P) -> f64 {
    let mut scratch = Scratch::default();
    let mut total = 0.0f64;
    let mut sums = Vec::new();
    for parameter in gradients.parameters_mut() {
        let data = &*parameter.data;
        sums.clear();
        sums.resize(data.len().div_ceil(CHUNK), 0.0);
        run_parts(sums.len(), &mut scratch, [Parts::even(&mut sums, 1)], |task, _, [sum]| {
            let chunk = &data[task * CHUNK..data.len().min((task + 1) * CHUNK)];
            sum.fill(square_sum(Isa::detect(), chunk));
        });
        total += sums.iter().map(|sum| f64::from(*sum)).sum::<f64>();
    }
    total.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Weights;

    #[test]
    fn one_step_follows_the_formula() {
        let shape = ModelConfig {
            vocab_size: 5,
            hidden_size: 4,
            intermediate_size: 3,
            num_hidden_layers: 1,
            num_attention_heads: 1,
            num_key_value_heads: 1,
            head_dim: 4,
            max_position_embeddings: 8,
            rms_norm_eps: 1e-5,
            rope_theta: 1e4,
            tie_word_embeddings: true,
            bos_token_id: None,
            eos_token_id: None,
            more_eos_token_ids: Vec::new(),
            pad_token_id: None,
        };
        let config = AdamWConfig { weight_decay: 0.1, ..AdamWConfig::default() };
        let mut weights = Weights::zeros(&shape);
        let mut optimiser = AdamW::new(config, &weights);
        let mut gradients = Weights::zeros(&shape);
        weights.embed.fill(2.0);
        weights.norm.fill(2.0);
        for step in 1..=2 {
            gradients.embed.fill(3.0);
            gradients.norm.fill(3.0);
            assert!((global_norm(&mut gradients) - (9.0 * 24.0f64).sqrt()).abs() < 1e-5);
            optimiser.step(&mut weights, &mut gradients, 0.01, 0.5);
            assert!(gradients.embed.iter().all(|g| *g == 0.0), "gradients are zeroed");
            // A constant gradient gives m / sqrt(v) = 1 after bias correction.
            let mut embed = 2.0f64;
            let mut norm = 2.0f64;
            for _ in 0..step {
                embed = embed * (1.0 - 0.01 * 0.1) - 0.01;
                norm -= 0.01;
            }
            assert!((f64::from(weights.embed[7]) - embed).abs() < 1e-5, "matrices decay");
            assert!((f64::from(weights.norm[1]) - norm).abs() < 1e-5, "norms do not");
        }
        assert!(weights.layers[0].qkv.iter().all(|w| *w == 0.0));
    }
}
