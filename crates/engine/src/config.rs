//! Shape of a Llama-family decoder, with the field names of Hugging Face's `LlamaConfig`.

use serde::{Deserialize, Serialize};

use crate::EngineError;

/// Largest head dimension that the attention kernels plan their scratch for.
pub const MAX_HEAD_DIM: usize = 256;

/// Shape and constants of a decoder. Field names are those of `config.json` (Hugging Face `LlamaConfig`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelConfig {
    /// Number of token ids.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width of the SwiGLU layer.
    pub intermediate_size: usize,
    /// Number of decoder blocks.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key/value heads (grouped-query attention); divides `num_attention_heads`.
    pub num_key_value_heads: usize,
    /// Width of one head; even (rotary embedding turns pairs).
    pub head_dim: usize,
    /// Longest sequence that the rotary tables cover.
    pub max_position_embeddings: usize,
    /// Added to the mean square in RMSNorm.
    pub rms_norm_eps: f32,
    /// Base of the rotary frequencies.
    pub rope_theta: f32,
    /// Whether the output head is the embedding matrix.
    pub tie_word_embeddings: bool,
    /// Id of the begin-of-sequence token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bos_token_id: Option<u32>,
    /// Id of the end-of-sequence token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eos_token_id: Option<u32>,
    /// Further ids that end a sequence, where `eos_token_id` is a list (Llama 3).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_eos_token_ids: Vec<u32>,
    /// Id of the padding token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pad_token_id: Option<u32>,
}

impl ModelConfig {
    /// Width of all query heads together.
    pub fn query_width(&self) -> usize {
        self.num_attention_heads * self.head_dim
    }

    /// Width of all key (or value) heads together.
    pub fn key_value_width(&self) -> usize {
        self.num_key_value_heads * self.head_dim
    }

    /// Width of the fused projection: queries, keys, values.
    pub fn qkv_width(&self) -> usize {
        self.query_width() + 2 * self.key_value_width()
    }

    /// Query heads that share one key/value head.
    pub fn queries_per_key_value(&self) -> usize {
        self.num_attention_heads / self.num_key_value_heads
    }

    /// Number of trained values.
    pub fn parameter_count(&self) -> usize {
        self.checked_parameter_count().unwrap_or(usize::MAX)
    }

    /// Number of parameters; `None` beyond the range of `usize`.
    pub(crate) fn checked_parameter_count(&self) -> Option<usize> {
        let matrix_rows = self.qkv_width() + self.query_width() + 3 * self.intermediate_size;
        let block = matrix_rows.checked_add(2)?.checked_mul(self.hidden_size)?;
        let embeddings = self.vocab_size.checked_mul(self.hidden_size)?;
        let head = if self.tie_word_embeddings { 0 } else { embeddings };
        let blocks = self.num_hidden_layers.checked_mul(block)?;
        embeddings.checked_add(head)?.checked_add(self.hidden_size)?.checked_add(blocks)
    }

    /// Checks that the shape can be built.
    ///
    /// # Errors
    /// [`EngineError::Config`] with the offending field.
    pub fn validate(&self) -> Result<(), EngineError> {
        let positive = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("num_key_value_heads", self.num_key_value_heads),
            ("head_dim", self.head_dim),
            ("max_position_embeddings", self.max_position_embeddings),
        ];
        for (field, value) in positive {
            if value == 0 {
                return Err(refuse(field, value, "must be at least 1"));
            }
            if value > 1 << 24 {
                return Err(refuse(field, value, "must be at most 16777216"));
            }
        }
        if !self.num_attention_heads.is_multiple_of(self.num_key_value_heads) {
            return Err(refuse(
                "num_key_value_heads",
                self.num_key_value_heads,
                &format!("must divide num_attention_heads = {}", self.num_attention_heads),
            ));
        }
        if !self.head_dim.is_multiple_of(2) || self.head_dim > MAX_HEAD_DIM {
            return Err(refuse("head_dim", self.head_dim, &format!("must be even and at most {MAX_HEAD_DIM}")));
        }
        if !(self.rms_norm_eps.is_finite() && self.rms_norm_eps >= 0.0) {
            return Err(refuse("rms_norm_eps", self.rms_norm_eps, "must be finite and not negative"));
        }
        if !(self.rope_theta.is_finite() && self.rope_theta > 0.0) {
            return Err(refuse("rope_theta", self.rope_theta, "must be finite and positive"));
        }
        Ok(())
    }
}

fn refuse(field: &'static str, value: impl std::fmt::Display, reason: &str) -> EngineError {
    EngineError::Config { field, value: value.to_string(), reason: reason.to_owned() }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn small() -> ModelConfig {
        ModelConfig {
            vocab_size: 32,
            hidden_size: 16,
            intermediate_size: 24,
            num_hidden_layers: 2,
            num_attention_heads: 4,
            num_key_value_heads: 2,
            head_dim: 8,
            max_position_embeddings: 64,
            rms_norm_eps: 1e-5,
            rope_theta: 10_000.0,
            tie_word_embeddings: true,
            bos_token_id: None,
            eos_token_id: Some(1),
            more_eos_token_ids: Vec::new(),
            pad_token_id: None,
        }
    }

    #[test]
    fn accepts_a_plain_shape_and_counts_it() {
        let config = small();
        config.validate().unwrap();
        let block = 2 * 16 + 64 * 16 + 32 * 16 + 3 * 24 * 16;
        assert_eq!(config.parameter_count(), 32 * 16 + 16 + 2 * block);
    }

    #[test]
    fn names_the_refused_field() {
        let mut config = small();
        config.num_key_value_heads = 3;
        let message = config.validate().unwrap_err().to_string();
        assert!(message.contains("num_key_value_heads = 3") && message.contains("divide"), "{message}");
        let mut config = small();
        config.head_dim = 7;
        assert!(config.validate().is_err());
        let mut config = small();
        config.rope_theta = f32::NAN;
        assert!(config.validate().is_err());
    }
}
