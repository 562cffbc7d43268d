//! Which tokens may come next.

/// The tokens that a [`crate::Constraint`] leaves; it starts with all of them.
#[derive(Debug, Clone, Default)]
pub struct TokenMask {
    allowed: Vec<bool>,
}

impl TokenMask {
    /// A mask over `vocab_size` tokens that allows all of them.
    pub fn new(vocab_size: usize) -> Self {
        Self { allowed: vec![true; vocab_size] }
    }

    /// Allows all of `vocab_size` tokens again.
    pub(crate) fn reset(&mut self, vocab_size: usize) {
        self.allowed.clear();
        self.allowed.resize(vocab_size, true);
    }

    /// Number of tokens of the model.
    pub fn vocab_size(&self) -> usize {
        self.allowed.len()
    }

    /// Forbids every token that is not among `tokens`. Those that are forbidden already stay so, and ids outside the
    /// vocabulary are ignored.
    pub fn keep_only(&mut self, tokens: impl IntoIterator<Item = u32>) {
        let kept: Vec<u32> = tokens.into_iter().filter(|token| self.is_allowed(*token)).collect();
        self.allowed.fill(false);
        for token in kept {
            self.allowed[token as usize] = true;
        }
    }

    /// Forbids one token.
    pub fn forbid(&mut self, token: u32) {
        if let Some(allowed) = self.allowed.get_mut(token as usize) {
            *allowed = false;
        }
    }

    /// Whether the token may come next.
    pub fn is_allowed(&self, token: u32) -> bool {
        self.allows(token as usize)
    }

    /// Whether nothing is allowed.
    pub fn is_empty(&self) -> bool {
        !self.allowed.contains(&true)
    }

    pub(super) fn allows(&self, id: usize) -> bool {
        self.allowed.get(id).copied().unwrap_or(false)
    }

    /// Makes the logits of forbidden tokens minus infinity.
    pub(super) fn forbid_in(&self, logits: &mut [f32]) {
        for (logit, allowed) in logits.iter_mut().zip(&self.allowed) {
            if !allowed {
                *logit = f32::NEG_INFINITY;
            }
        }
    }
}
