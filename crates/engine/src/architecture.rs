//! What a decoder computes beyond the plain Llama graph: the family it belongs to, biases, norms of heads, attention
//! windows and scaled rotary frequencies.

use crate::weights::Extra;
use crate::{EngineError, ModelConfig};

/// A family of decoders, as `model_type` of `config.json` names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// Llama 2 and 3 (Touvron et al. 2023, Grattafiori et al. 2024): the plain graph.
    #[default]
    Llama,
    /// Mistral (Jiang et al. 2023): every layer may look back over a window only.
    Mistral,
    /// Qwen2 and Qwen2.5 (Yang et al. 2024): biases on queries, keys and values.
    Qwen2,
    /// Qwen3 (Yang et al. 2025): RMSNorm of each query and key head before the rotation.
    Qwen3,
}

impl Family {
    /// All families that this engine computes.
    pub const ALL: [Self; 4] = [Self::Llama, Self::Mistral, Self::Qwen2, Self::Qwen3];

    /// The value of `model_type`.
    pub fn model_type(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Mistral => "mistral",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
        }
    }

    /// The class in `architectures`.
    pub fn class_name(self) -> &'static str {
        match self {
            Self::Llama => "LlamaForCausalLM",
            Self::Mistral => "MistralForCausalLM",
            Self::Qwen2 => "Qwen2ForCausalLM",
            Self::Qwen3 => "Qwen3ForCausalLM",
        }
    }

    /// Whether the projections of queries, keys and values have biases.
    pub fn has_biases(self) -> bool {
        self == Self::Qwen2
    }

    /// Whether query and key heads are normalised before the rotation.
    pub fn normalises_heads(self) -> bool {
        self == Self::Qwen3
    }
}

/// How the frequencies of the rotary embedding are stretched for longer texts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum RopeScaling {
    /// As trained.
    #[default]
    None,
    /// All frequencies divided by `factor` (position interpolation, Chen et al. 2023).
    Linear {
        /// At least 1.
        factor: f32,
    },
    /// Llama 3.1: long wavelengths divided by `factor`, short ones kept, a linear blend between.
    Llama3 {
        /// At least 1.
        factor: f32,
        /// Wavelengths above `original / low_freq_factor` are divided.
        low_freq_factor: f32,
        /// Wavelengths below `original / high_freq_factor` are kept; larger than `low_freq_factor`.
        high_freq_factor: f32,
        /// Positions that the model was first trained with.
        original_max_position_embeddings: usize,
    },
}

impl RopeScaling {
    /// The scaled frequency (radians for each position), in the single-precision order of `transformers`.
    pub(crate) fn frequency(&self, frequency: f32) -> f32 {
        match *self {
            Self::None => frequency,
            Self::Linear { factor } => frequency / factor,
            Self::Llama3 { factor, low_freq_factor, high_freq_factor, original_max_position_embeddings } => {
                let original = original_max_position_embeddings as f32;
                let wavelength = 2.0 * std::f32::consts::PI / frequency;
                if wavelength > original / low_freq_factor {
                    frequency / factor
                } else if wavelength < original / high_freq_factor {
                    frequency
                } else {
                    let kept = (original / wavelength - low_freq_factor) / (high_freq_factor - low_freq_factor);
                    (1.0 - kept) * frequency / factor + kept * frequency
                }
            }
        }
    }

    fn validate(&self) -> Result<(), EngineError> {
        let refuse = |reason: &str| EngineError::Config {
            field: "rope_scaling",
            value: format!("{self:?}"),
            reason: reason.to_owned(),
        };
        match *self {
            Self::None => Ok(()),
            Self::Linear { factor } | Self::Llama3 { factor, .. } if !(factor.is_finite() && factor >= 1.0) => {
                Err(refuse("factor must be a number of at least 1"))
            }
            Self::Linear { .. } => Ok(()),
            Self::Llama3 { low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings, .. } => {
                if !(low.is_finite() && high.is_finite() && low > 0.0 && high > low) {
                    Err(refuse("low_freq_factor must be positive and high_freq_factor larger"))
                } else if original_max_position_embeddings == 0 {
                    Err(refuse("original_max_position_embeddings must be at least 1"))
                } else {
                    Ok(())
                }
            }
        }
    }
}

/// What a model computes beyond the shape in [`ModelConfig`]. The default is plain Llama.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Architecture {
    /// Decides biases, norms of heads and the names in a model folder.
    pub family: Family,
    /// Scaling of the rotary frequencies.
    pub rope_scaling: RopeScaling,
    /// Most positions that a token looks at, itself included; `None` for all.
    pub sliding_window: Option<usize>,
    /// Layers that look at all positions although there is a window, ascending (Qwen).
    pub full_attention_layers: Vec<usize>,
}

impl Architecture {
    /// Number of trained values of a model of this shape.
    pub fn parameter_count(&self, config: &ModelConfig) -> usize {
        let extra = Extra::new(config, self).values();
        config.parameter_count().saturating_add(config.num_hidden_layers.saturating_mul(extra))
    }

    /// The plain member of a family: no window, no scaling.
    pub fn plain(family: Family) -> Self {
        Self { family, ..Self::default() }
    }

    /// Positions that a token of layer `layer` looks at, itself included; `usize::MAX` for all.
    pub(crate) fn window(&self, layer: usize) -> usize {
        match self.sliding_window {
            Some(window) if !self.full_attention_layers.contains(&layer) => window,
            _ => usize::MAX,
        }
    }

    /// Checks that the engine computes this.
    ///
    /// # Errors
    /// [`EngineError::Config`] with the offending field.
    pub fn validate(&self, config: &ModelConfig) -> Result<(), EngineError> {
        self.rope_scaling.validate()?;
        let refuse = |field, value: &dyn std::fmt::Debug, reason: &str| {
            Err(EngineError::Config { field, value: format!("{value:?}"), reason: reason.to_owned() })
        };
        if self.sliding_window == Some(0) {
            return refuse("sliding_window", &0, "must be at least 1");
        }
        if self.sliding_window.is_some() && self.family == Family::Llama {
            return refuse(
                "sliding_window",
                &self.sliding_window,
                "Llama looks at all positions; Mistral has a window",
            );
        }
        let layers = &self.full_attention_layers;
        if !layers.is_empty() && matches!(self.family, Family::Llama | Family::Mistral) {
            return refuse("layer_types", layers, "only Qwen models choose the window by layer");
        }
        if layers.iter().any(|layer| *layer >= config.num_hidden_layers) || !layers.is_sorted() {
            return refuse("layer_types", layers, "must name layers of the model in order");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn llama3_keeps_short_wavelengths_and_stretches_long_ones() {
        let scaling = RopeScaling::Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_position_embeddings: 8192,
        };
        assert_eq!(scaling.frequency(1.0), 1.0);
        assert_eq!(scaling.frequency(1e-5), 1e-5 / 8.0);
        let middle = 2.0 * std::f32::consts::PI / 4096.0;
        let (low, high) = (middle / 8.0, middle);
        let found = scaling.frequency(middle);
        assert!(low < found && found < high, "{found}");
        assert_eq!(RopeScaling::Linear { factor: 4.0 }.frequency(0.5), 0.125);
    }

    #[test]
    fn names_the_refused_field() {
        let config = crate::config::tests::small();
        let refused = |architecture: Architecture, word: &str| {
            let error = architecture.validate(&config).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        };
        let mistral = Architecture::plain(Family::Mistral);
        mistral.validate(&config).unwrap();
        refused(Architecture { sliding_window: Some(0), ..mistral.clone() }, "sliding_window");
        refused(Architecture { full_attention_layers: vec![0], ..mistral }, "layer_types");
        refused(Architecture { sliding_window: Some(4), ..Architecture::default() }, "sliding_window");
        let qwen = Architecture { sliding_window: Some(4), ..Architecture::plain(Family::Qwen3) };
        refused(Architecture { full_attention_layers: vec![2], ..qwen.clone() }, "layer_types");
        let split = Architecture { full_attention_layers: vec![1], ..qwen };
        split.validate(&config).unwrap();
        assert_eq!((split.window(0), split.window(1)), (4, usize::MAX));
        let scaled = |factor| Architecture { rope_scaling: RopeScaling::Linear { factor }, ..Architecture::default() };
        refused(scaled(0.5), "factor");
        refused(scaled(f32::NAN), "factor");
    }
}
