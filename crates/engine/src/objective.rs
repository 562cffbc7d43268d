//! What is minimised: a loss of each supervised token's log-probability.

/// Loss of one token and its derivative.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TokenLoss {
    /// Contribution to the loss.
    pub loss: f32,
    /// Derivative of the loss with respect to the token's log-probability.
    pub dlogp: f32,
}

/// A loss that is a sum over supervised tokens of a function of their log-probabilities.
///
/// Cross-entropy and policy-gradient objectives have this form, so the engine never needs to know which one it trains.
pub trait Objective: Sync {
    /// Loss at `position` (index into the [`crate::PackedBatch`]), where the model gives the target `logp` (natural
    /// logarithm) and its distribution has `entropy` (nats). Called once for each position with a weight other than 0, in
    /// any order and from several threads; the result is multiplied by that weight.
    fn token(&self, position: usize, logp: f32, entropy: f32) -> TokenLoss;
}

/// `-logp / denominator`. With the sum of the weights of a whole step as denominator it is the mean cross-entropy, however
/// the step is cut into calls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrossEntropy {
    /// What the sum is divided by.
    pub denominator: f32,
}

impl Objective for CrossEntropy {
    fn token(&self, _position: usize, logp: f32, _entropy: f32) -> TokenLoss {
        TokenLoss { loss: -logp / self.denominator, dlogp: -1.0 / self.denominator }
    }
}
