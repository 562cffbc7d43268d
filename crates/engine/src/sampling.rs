//! Choosing the next token (signatures first).

/// How the next token is chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// 0 takes the most probable token (the smallest id of equals).
    pub temperature: f32,
    /// Smallest set of most probable tokens whose probability reaches this; 1 keeps all.
    pub top_p: f32,
    /// Keeps this many most probable tokens; 0 keeps all.
    pub top_k: usize,
    /// Upper bound of new tokens.
    pub max_new_tokens: usize,
    /// Tokens that end a sequence.
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
}
