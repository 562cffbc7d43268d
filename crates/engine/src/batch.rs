//! Packed variable-length sequences: no padding anywhere.

use crate::{EngineError, ModelConfig};

/// Sequences laid one after the other. Position `i` predicts `targets[i]` from the tokens of its own sequence up to `i`.
///
/// `tokens`, `targets` and `weights` have one entry for each position; sequence `s` covers
/// `offsets[s]..offsets[s + 1]`. A weight of 0 keeps the position out of the loss (a prompt), and then the head is not
/// computed there at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PackedBatch {
    /// Input token of each position.
    pub tokens: Vec<u32>,
    /// Start of each sequence and, last, the number of positions; starts with 0.
    pub offsets: Vec<u32>,
    /// Next token of each position.
    pub targets: Vec<u32>,
    /// Factor of each position's loss; 0 = not supervised.
    pub weights: Vec<f32>,
}

impl PackedBatch {
    /// An empty batch, to be filled with [`PackedBatch::push`].
    pub fn new() -> Self {
        Self { offsets: vec![0], ..Self::default() }
    }

    /// Appends a sequence of `n` tokens as `n - 1` positions. `weights[i]` belongs to the prediction of `tokens[i + 1]`.
    ///
    /// # Errors
    /// [`EngineError::Batch`] when there are fewer than two tokens or the lengths differ.
    pub fn push(&mut self, tokens: &[u32], weights: &[f32]) -> Result<(), EngineError> {
        let operation = "append a sequence";
        let Some((_, targets)) = tokens.split_first().filter(|(_, rest)| !rest.is_empty()) else {
            return Err(EngineError::batch(
                operation,
                format!(
                    "a sequence needs at least 2 tokens (one to predict from, one to predict), found {}",
                    tokens.len()
                ),
            ));
        };
        if weights.len() != targets.len() {
            return Err(EngineError::batch(
                operation,
                format!(
                    "{} tokens have {} predictions but {} weights were given",
                    tokens.len(),
                    targets.len(),
                    weights.len()
                ),
            ));
        }
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
        self.tokens.extend_from_slice(&tokens[..targets.len()]);
        self.targets.extend_from_slice(targets);
        self.weights.extend_from_slice(weights);
        self.offsets.push(self.tokens.len() as u32);
        Ok(())
    }

    /// Appends prompt and completion: only the completion is supervised, with weight 1.
    ///
    /// # Errors
    /// [`EngineError::Batch`] when the prompt or the completion is empty.
    pub fn push_completion(&mut self, prompt: &[u32], completion: &[u32]) -> Result<(), EngineError> {
        if prompt.is_empty() || completion.is_empty() {
            return Err(EngineError::batch(
                "append a completion",
                format!(
                    "prompt ({} tokens) and completion ({} tokens) must not be empty",
                    prompt.len(),
                    completion.len()
                ),
            ));
        }
        let tokens: Vec<u32> = prompt.iter().chain(completion).copied().collect();
        let mut weights = vec![0.0; prompt.len() - 1];
        weights.resize(tokens.len() - 1, 1.0);
        self.push(&tokens, &weights)
    }

    /// Number of positions.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there is no position.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Number of sequences.
    pub fn sequences(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Positions with a weight other than 0.
    pub fn supervised(&self) -> usize {
        self.weights.iter().filter(|weight| **weight != 0.0).count()
    }

    /// Sum of the weights, the usual denominator of [`crate::CrossEntropy`].
    pub fn weight_sum(&self) -> f64 {
        self.weights.iter().map(|weight| f64::from(*weight)).sum()
    }

    /// Positions of sequence `index`, empty when there is none.
    pub fn range(&self, index: usize) -> std::ops::Range<usize> {
        match (self.offsets.get(index), self.offsets.get(index + 1)) {
            (Some(start), Some(end)) => *start as usize..*end as usize,
            _ => 0..0,
        }
    }

    /// Checks lengths, offsets, token ids, weights and sequence lengths against `config`.
    ///
    /// # Errors
    /// [`EngineError::Batch`] or [`EngineError::Token`] with the position.
    pub fn validate(&self, operation: &'static str, config: &ModelConfig) -> Result<(), EngineError> {
        let count = self.tokens.len();
        if self.targets.len() != count || self.weights.len() != count {
            return Err(EngineError::batch(
                operation,
                format!(
                    "{count} tokens, {} targets and {} weights: the three lengths must be equal",
                    self.targets.len(),
                    self.weights.len()
                ),
            ));
        }
        let ends_right =
            self.offsets.first() == Some(&0) && self.offsets.last().is_some_and(|end| *end as usize == count);
        let nothing = count == 0 && self.offsets.is_empty();
        if !(ends_right || nothing) {
            return Err(EngineError::batch(
                operation,
                format!(
                    "offsets must start with 0 and end with the number of positions {count}, found {:?}..{:?}",
                    self.offsets.first(),
                    self.offsets.last()
                ),
            ));
        }
        for (index, pair) in self.offsets.windows(2).enumerate() {
            let (start, end) = (pair[0] as usize, pair[1] as usize);
            if end <= start {
                return Err(EngineError::batch(
                    operation,
                    format!("sequence {index} is empty (offsets {start}..{end})"),
                ));
            }
            if end - start > config.max_position_embeddings {
                return Err(EngineError::batch(
                    operation,
                    format!(
                        "sequence {index} has {} positions, the model has max_position_embeddings = {}",
                        end - start,
                        config.max_position_embeddings
                    ),
                ));
            }
        }
        for ids in [&self.tokens, &self.targets] {
            if let Some(position) = ids.iter().position(|id| *id as usize >= config.vocab_size) {
                return Err(EngineError::Token {
                    operation,
                    token: ids[position],
                    position,
                    vocab_size: config.vocab_size,
                });
            }
        }
        if let Some(position) = self.weights.iter().position(|weight| !weight.is_finite()) {
            return Err(EngineError::batch(
                operation,
                format!("weight {} at position {position} is not finite", self.weights[position]),
            ));
        }
        Ok(())
    }
}
