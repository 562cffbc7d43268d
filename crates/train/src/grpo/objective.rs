//! The clipped token-level objective with an optional KL term.

use std::sync::atomic::{AtomicU32, Ordering};

use chemr_engine::{Objective, TokenLoss};

/// Constants of the objective.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClipSettings {
    /// The ratio is clipped below at `1 - clip_low`.
    pub clip_low: f32,
    /// The ratio is clipped above at `1 + clip_high` (DAPO's clip-higher).
    pub clip_high: f32,
    /// Weight of the KL term.
    pub kl: f32,
    /// The log-ratio inside the KL term is clamped to this magnitude, or `exp` could overflow.
    pub kl_clamp: f32,
}

/// Loss of one token:
/// `(-min(rho A, clip(rho, 1 - low, 1 + high) A) + kl * k3) / denominator`, with `rho = pi / pi_old` and
/// `k3 = exp(d) - d - 1`, `d = log pi_ref - log pi` (Schulman 2020, "Approximating KL divergence").
pub struct ClippedObjective<'a> {
    /// Constants.
    pub settings: ClipSettings,
    /// Number of completion tokens of the whole optimizer step (token-level mean, as in DAPO).
    pub denominator: f32,
    /// Log-probability under the sampling policy, for each position of the batch.
    pub old: &'a [f32],
    /// Advantage of the sequence that each position belongs to.
    pub advantage: &'a [f32],
    /// Log-probability under the reference model, where the KL term is on.
    pub reference: Option<&'a [f32]>,
    logp: Vec<AtomicU32>,
}

/// What happened to the tokens of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ObjectiveStats {
    /// Tokens.
    pub tokens: usize,
    /// Tokens whose gradient was cut by the clip.
    pub clipped: usize,
    /// Sum of |rho - 1|.
    pub ratio_error: f64,
    /// Sum of k3 to the reference.
    pub kl: f64,
}

impl ObjectiveStats {
    /// Adds what happened to other tokens.
    pub fn add(&mut self, other: &Self) {
        self.tokens += other.tokens;
        self.clipped += other.clipped;
        self.ratio_error += other.ratio_error;
        self.kl += other.kl;
    }
}

impl<'a> ClippedObjective<'a> {
    /// The objective over a batch of `old.len()` positions.
    pub fn new(
        settings: ClipSettings,
        denominator: f32,
        old: &'a [f32],
        advantage: &'a [f32],
        reference: Option<&'a [f32]>,
    ) -> Self {
        let logp = old.iter().map(|_| AtomicU32::new(f32::NAN.to_bits())).collect();
        Self { settings, denominator, old, advantage, reference, logp }
    }

    /// Ratio, whether the clip cuts the gradient, and the loss and its derivative before the KL term.
    fn clip(&self, position: usize, logp: f32) -> (f32, bool, f32, f32) {
        let advantage = self.advantage[position];
        // Beyond e^20 the product could overflow; the clip has cut long before.
        let ratio = (logp - self.old[position]).clamp(-20.0, 20.0).exp();
        let clipped = ratio.clamp(1.0 - self.settings.clip_low, 1.0 + self.settings.clip_high);
        if clipped * advantage < ratio * advantage {
            (ratio, true, -clipped * advantage, 0.0)
        } else {
            (ratio, false, -ratio * advantage, -ratio * advantage)
        }
    }

    /// k3 and its derivative by the policy's log-probability (0 where the clamp holds).
    fn k3(&self, reference: f32, logp: f32) -> (f32, f32) {
        let limit = self.settings.kl_clamp;
        let difference = reference - logp;
        let d = difference.clamp(-limit, limit);
        let slope = if difference == d { 1.0 - d.exp() } else { 0.0 };
        (d.exp() - d - 1.0, slope)
    }

    /// Sums over the tokens seen by the last pass, in the order of positions.
    pub fn stats(&self) -> ObjectiveStats {
        let mut stats = ObjectiveStats::default();
        for position in 0..self.logp.len() {
            let logp = f32::from_bits(self.logp[position].load(Ordering::Relaxed));
            if logp.is_nan() {
                continue;
            }
            let (ratio, clipped, _, _) = self.clip(position, logp);
            stats.tokens += 1;
            stats.clipped += usize::from(clipped);
            stats.ratio_error += f64::from((ratio - 1.0).abs());
            if let Some(reference) = self.reference {
                stats.kl += f64::from(self.k3(reference[position], logp).0);
            }
        }
        stats
    }
}

impl Objective for ClippedObjective<'_> {
    fn token(&self, position: usize, logp: f32, _entropy: f32) -> TokenLoss {
        // Each position is written by one thread once; `stats` reads them in order.
        self.logp[position].store(logp.to_bits(), Ordering::Relaxed);
        let (_, _, mut loss, mut dlogp) = self.clip(position, logp);
        if let Some(reference) = self.reference {
            let (k3, slope) = self.k3(reference[position], logp);
            loss += self.settings.kl * k3;
            dlogp += self.settings.kl * slope;
        }
        TokenLoss { loss: loss / self.denominator, dlogp: dlogp / self.denominator }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: ClipSettings = ClipSettings { clip_low: 0.2, clip_high: 0.28, kl: 0.0, kl_clamp: 10.0 };

    /// Derivative against a central difference, over both signs of the advantage, both sides of the clip and with KL.
    #[test]
    fn derivative_is_right() {
        for kl in [0.0, 0.3] {
            for advantage in [1.5f32, -0.7] {
                for logp in [-3.0f32, -1.45, -1.2, -1.0, -0.8, -0.3] {
                    let settings = ClipSettings { kl, ..SETTINGS };
                    let (old, adv, reference) = ([-1.1f32], [advantage], [-1.7f32]);
                    let o = ClippedObjective::new(settings, 3.0, &old, &adv, (kl > 0.0).then_some(&reference[..]));
                    let h = 1e-3f32;
                    let numeric = (o.token(0, logp + h, 0.0).loss - o.token(0, logp - h, 0.0).loss) / (2.0 * h);
                    let exact = o.token(0, logp, 0.0).dlogp;
                    assert!((numeric - exact).abs() < 1e-3, "{kl} {advantage} {logp}: {numeric} {exact}");
                }
            }
        }
    }

    #[test]
    fn clip_cuts_only_what_would_go_further() {
        let (old, adv) = ([-1.0f32, -1.0, -1.0, -1.0], [1.0f32, 1.0, -1.0, -1.0]);
        let o = ClippedObjective::new(SETTINGS, 1.0, &old, &adv, None);
        // Good and already likelier by 1.5: cut. Good and less likely: not cut. Bad the other way round.
        assert_eq!(o.token(0, -1.0 + 1.5f32.ln(), 0.0).dlogp, 0.0);
        assert!(o.token(1, -1.0 + 0.5f32.ln(), 0.0).dlogp < 0.0);
        assert!(o.token(2, -1.0 + 1.5f32.ln(), 0.0).dlogp > 0.0);
        assert_eq!(o.token(3, -1.0 + 0.5f32.ln(), 0.0).dlogp, 0.0);
        let stats = o.stats();
        assert_eq!((stats.tokens, stats.clipped), (4, 2));
        assert!((stats.ratio_error - 2.0).abs() < 1e-5);
    }

    #[test]
    fn far_references_stay_finite() {
        let (old, adv, reference) = ([-1.0f32], [1.0f32], [0.0f32]);
        let settings = ClipSettings { kl: 0.1, ..SETTINGS };
        let o = ClippedObjective::new(settings, 1.0, &old, &adv, Some(&reference));
        let token = o.token(0, -200.0, 0.0);
        assert!(token.loss.is_finite() && token.dlogp.is_finite());
    }
}
