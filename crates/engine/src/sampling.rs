//! Choosing the next token from a row of logits.
//!
//! Order of the filters, as in `transformers`: temperature, then `top_k`, then `top_p` on what is left. The random number
//! of a token is a function of `(seed, number of the token)` alone, so a sequence does not depend on what else is generated
//! beside it.

mod defaults;
mod mask;

use crate::EngineError;
use crate::kernels::ops;
use crate::kernels::simd::Isa;
use crate::rng::SplitMix64;

pub use defaults::GenerationDefaults;
pub use mask::TokenMask;

/// How the next token is chosen, and when to stop.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// Divides the logits; 0 takes the most probable token (the smallest id of equals).
    pub temperature: f32,
    /// Keeps the smallest set of most probable tokens whose probability reaches this (nucleus sampling, Holtzman et al.
    /// 2020); 1 keeps all.
    pub top_p: f32,
    /// Keeps this many most probable tokens; 0 keeps all.
    pub top_k: usize,
    /// Upper bound of new tokens.
    pub max_new_tokens: usize,
    /// Tokens that end a sequence; they are part of the result.
    pub stop_tokens: Vec<u32>,
}

impl Sampling {
    /// Greedy decoding.
    pub fn greedy(max_new_tokens: usize, stop_tokens: Vec<u32>) -> Self {
        Self { temperature: 0.0, top_p: 1.0, top_k: 0, max_new_tokens, stop_tokens }
    }

    /// Sampling from the model's distribution at `temperature`.
    pub fn sampled(temperature: f32, max_new_tokens: usize, stop_tokens: Vec<u32>) -> Self {
        Self { temperature, ..Self::greedy(max_new_tokens, stop_tokens) }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`EngineError::Batch`] naming the field.
    pub fn validate(&self) -> Result<(), EngineError> {
        let refuse = |reason: String| Err(EngineError::batch("generate", reason));
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            return refuse(format!("temperature = {} must be finite and not negative", self.temperature));
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return refuse(format!("top_p = {} must be above 0 and at most 1", self.top_p));
        }
        Ok(())
    }

    fn is_greedy(&self) -> bool {
        self.temperature == 0.0
    }

    /// Whether every token can be chosen.
    fn keeps_all(&self, vocab: usize) -> bool {
        self.top_p >= 1.0 && (self.top_k == 0 || self.top_k >= vocab)
    }
}

/// A chosen token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Choice {
    pub token: u32,
    /// Log-probability under the model's own distribution: temperature 1, nothing filtered.
    pub logp: f32,
}

/// Buffers of [`choose`], reused between tokens.
#[derive(Debug, Default)]
pub(crate) struct Chooser {
    weights: Vec<f32>,
    order: Vec<u32>,
}

/// Values added up at a time when looking for the sampled token.
const BLOCK: usize = 64;
/// First guess of how many tokens a nucleus has.
const NUCLEUS: usize = 64;

impl Chooser {
    /// Chooses from `logits` among the tokens of `mask`, which allows at least one; `number` is the count of tokens chosen
    /// before. `None` when the logits are not numbers.
    ///
    /// The mask comes before temperature, `top_k` and `top_p`, so that these share out what is allowed.
    pub(crate) fn choose(
        &mut self,
        isa: Isa,
        logits: &[f32],
        sampling: &Sampling,
        seed: u64,
        number: usize,
        mask: Option<&TokenMask>,
    ) -> Option<Choice> {
        self.weights.clear();
        self.weights.extend_from_slice(logits);
        if sampling.is_greedy() {
            let token = match mask {
                None => most_probable(logits.iter().copied().enumerate())?,
                Some(mask) => most_probable(logits.iter().copied().enumerate().filter(|(id, _)| mask.allows(*id)))?,
            };
            let row = ops::softmax(isa, &mut self.weights, token);
            return choice(token, row.logp);
        }
        let uniform = SplitMix64::for_stream(seed, number as u64).uniform();
        if sampling.temperature != 1.0 {
            ops::scale(isa, &mut self.weights, 1.0 / sampling.temperature);
        }
        if let Some(mask) = mask {
            mask.forbid_in(&mut self.weights);
        }
        let row = ops::softmax(isa, &mut self.weights, 0);
        // A row with a NaN or an infinity has no finite sum.
        if !row.sum.is_finite() {
            return None;
        }
        let token = match sampling.keeps_all(logits.len()) {
            true => pick(&self.weights, uniform),
            false => self.pick_filtered(sampling, uniform),
        };
        self.weights.clear();
        self.weights.extend_from_slice(logits);
        choice(token, ops::softmax(isa, &mut self.weights, token).logp)
    }

    /// As [`pick`] among the tokens that `top_k` and `top_p` keep.
    fn pick_filtered(&mut self, sampling: &Sampling, uniform: f64) -> usize {
        let count = self.weights.len();
        let most = if sampling.top_k == 0 { count } else { sampling.top_k.min(count) };
        let mut sorted = if sampling.top_p < 1.0 { NUCLEUS.min(most) } else { most };
        loop {
            self.sort_first(sorted);
            let total: f64 = match most == count {
                true => self.weights.iter().map(|weight| f64::from(*weight)).sum(),
                false if sorted == most => self.order.iter().map(|id| self.weight(*id)).sum(),
                false => {
                    // The total of the first `most` is needed; sort that many.
                    sorted = most;
                    continue;
                }
            };
            let mut kept = 0.0;
            let mut size = 0;
            for id in &self.order {
                if size > 0 && kept >= f64::from(sampling.top_p) * total {
                    break;
                }
                kept += self.weight(*id);
                size += 1;
            }
            if kept < f64::from(sampling.top_p) * total && sorted < most {
                sorted = (sorted * 4).min(most);
                continue;
            }
            let mut left = uniform * kept;
            for id in &self.order[..size] {
                left -= self.weight(*id);
                if left < 0.0 {
                    return *id as usize;
                }
            }
            // Rounding can leave a rest: the last token that can be drawn.
            let last = self.order[..size].iter().rev().find(|id| self.weight(**id) > 0.0);
            return last.map_or(0, |id| *id as usize);
        }
    }

    fn weight(&self, id: u32) -> f64 {
        f64::from(self.weights[id as usize])
    }

    /// Fills `order` with the `count` most probable tokens, most probable first, smallest id of equals first.
    fn sort_first(&mut self, count: usize) {
        let weights = &self.weights;
        let by_weight = |a: &u32, b: &u32| weights[*b as usize].total_cmp(&weights[*a as usize]).then(a.cmp(b));
        self.order.clear();
        self.order.extend(0..weights.len() as u32);
        if count < self.order.len() {
            self.order.select_nth_unstable_by(count, by_weight);
            self.order.truncate(count);
        }
        self.order.sort_unstable_by(by_weight);
    }
}

fn choice(token: usize, logp: f32) -> Option<Choice> {
    logp.is_finite().then_some(Choice { token: token as u32, logp })
}

/// The first largest value; `None` when there is none that is a number.
fn most_probable(logits: impl Iterator<Item = (usize, f32)>) -> Option<usize> {
    let mut best: Option<(usize, f32)> = None;
    for (id, logit) in logits {
        if best.is_none_or(|(_, top)| logit > top) && !logit.is_nan() {
            best = Some((id, logit));
        }
    }
    best.map(|(id, _)| id)
}

/// Index drawn in proportion to the weights by one uniform number.
fn pick(weights: &[f32], uniform: f64) -> usize {
    let sum = |block: &[f32]| f64::from(block.iter().sum::<f32>());
    let total: f64 = weights.chunks(BLOCK).map(sum).sum();
    let mut left = uniform * total;
    for (number, block) in weights.chunks(BLOCK).enumerate() {
        let inside = sum(block);
        if left < inside {
            for (index, weight) in block.iter().enumerate() {
                left -= f64::from(*weight);
                if left < 0.0 {
                    return number * BLOCK + index;
                }
            }
        } else {
            left -= inside;
        }
    }
    // Rounding can leave a rest past the end: the last token that can be drawn.
    weights.iter().rposition(|weight| *weight > 0.0).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(logits: &[f32], sampling: &Sampling, rounds: usize) -> Vec<usize> {
        let mut chooser = Chooser::default();
        let mut counts = vec![0; logits.len()];
        for number in 0..rounds {
            let choice = chooser.choose(Isa::detect(), logits, sampling, 5, number, None).unwrap();
            counts[choice.token as usize] += 1;
        }
        counts
    }

    fn probabilities(logits: &[f32], temperature: f32) -> Vec<f64> {
        let weights: Vec<f64> = logits.iter().map(|l| f64::from(l / temperature).exp()).collect();
        let total: f64 = weights.iter().sum();
        weights.into_iter().map(|w| w / total).collect()
    }

    fn assert_close(counts: &[usize], expected: &[f64]) {
        let rounds: usize = counts.iter().sum();
        for (count, p) in counts.iter().zip(expected) {
            let spread = (p * (1.0 - p) / rounds as f64).sqrt();
            assert!((*count as f64 / rounds as f64 - p).abs() <= 4.5 * spread + 1e-12, "{counts:?} {expected:?}");
        }
    }

    #[test]
    fn frequencies_follow_the_distribution() {
        let logits: Vec<f32> = (0..150).map(|i| ((i * 37) % 19) as f32 * 0.2).collect();
        for temperature in [1.0, 0.5, 2.0] {
            let counts = draw(&logits, &Sampling::sampled(temperature, 1, vec![]), 20_000);
            assert_close(&counts, &probabilities(&logits, temperature));
        }
    }

    #[test]
    fn filters_keep_the_most_probable() {
        let logits = [1.0f32, 3.0, 2.0, 2.0, -1.0];
        let p = probabilities(&logits, 1.0);
        let sampling = Sampling { top_k: 2, ..Sampling::sampled(1.0, 1, vec![]) };
        // Of the equal logits the smaller id is kept.
        assert_close(&draw(&logits, &sampling, 5000), &[0.0, p[1] / (p[1] + p[2]), p[2] / (p[1] + p[2]), 0.0, 0.0]);
        let sampling = Sampling { top_p: 0.5, ..Sampling::sampled(1.0, 1, vec![]) };
        assert!(p[1] >= 0.5);
        assert_eq!(draw(&logits, &sampling, 50), [0, 50, 0, 0, 0]);
        let sampling = Sampling { top_p: (p[1] + p[2] + 0.01) as f32, ..Sampling::sampled(1.0, 1, vec![]) };
        let kept = p[1] + p[2] + p[3];
        assert_close(&draw(&logits, &sampling, 5000), &[0.0, p[1] / kept, p[2] / kept, p[3] / kept, 0.0]);
        // top_k first, then top_p of what is left.
        let sampling = Sampling { top_k: 3, top_p: 0.99, ..Sampling::sampled(1.0, 1, vec![]) };
        assert_eq!(draw(&logits, &sampling, 500)[0], 0);
        // A nucleus larger than the first guess.
        let flat = vec![0.0f32; 1000];
        let sampling = Sampling { top_p: 0.9, ..Sampling::sampled(1.0, 1, vec![]) };
        let counts = draw(&flat, &sampling, 30_000);
        assert!(counts[..899].iter().all(|count| *count > 0) && counts[901..].iter().all(|count| *count == 0));
    }

    #[test]
    fn greedy_takes_the_first_largest_and_reports_its_logp() {
        let logits = [0.0f32, 2.0, 2.0, 1.0];
        let choice =
            Chooser::default().choose(Isa::detect(), &logits, &Sampling::greedy(1, vec![]), 0, 0, None).unwrap();
        assert_eq!(choice.token, 1);
        assert!((f64::from(choice.logp) - probabilities(&logits, 1.0)[1].ln()).abs() < 1e-6);
    }

    #[test]
    fn logp_is_that_of_the_plain_distribution() {
        let logits: Vec<f32> = (0..40).map(|i| (i % 7) as f32 - (i % 3) as f32).collect();
        let p = probabilities(&logits, 1.0);
        let sampling = Sampling { top_p: 0.8, top_k: 20, ..Sampling::sampled(0.7, 1, vec![]) };
        let mut chooser = Chooser::default();
        for number in 0..50 {
            let choice = chooser.choose(Isa::detect(), &logits, &sampling, 3, number, None).unwrap();
            assert!((f64::from(choice.logp) - p[choice.token as usize].ln()).abs() < 1e-5);
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let mut chooser = Chooser::default();
        for sampling in [Sampling::greedy(1, vec![]), Sampling::sampled(1.0, 1, vec![])] {
            for logits in [[f32::NAN, 1.0], [1.0, f32::NAN], [f32::NAN; 2], [f32::INFINITY, 0.0]] {
                assert_eq!(chooser.choose(Isa::detect(), &logits, &sampling, 0, 0, None), None, "{logits:?}");
            }
            // An impossible token is no error.
            let choice = chooser.choose(Isa::detect(), &[f32::NEG_INFINITY, 0.0], &sampling, 0, 0, None).unwrap();
            assert_eq!(choice.token, 1);
        }
    }

    #[test]
    fn ranges_are_checked() {
        let bad = |change: fn(&mut Sampling)| {
            let mut sampling = Sampling::greedy(1, vec![]);
            change(&mut sampling);
            sampling.validate().unwrap_err().to_string()
        };
        assert!(bad(|s| s.temperature = -1.0).contains("temperature"));
        assert!(bad(|s| s.temperature = f32::NAN).contains("temperature"));
        assert!(bad(|s| s.top_p = 0.0).contains("top_p"));
        assert!(bad(|s| s.top_p = f32::NAN).contains("top_p"));
        assert!(Sampling::sampled(1.0, 1, vec![]).validate().is_ok());
    }
}
