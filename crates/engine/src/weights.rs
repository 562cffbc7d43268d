//! Trained values of a decoder, in the fused layout that the kernels use, and their Hugging Face names.

mod names;

use crate::device::cpu::optim::{Parameter, Parameters};
use crate::kernels::ops;
use crate::kernels::simd::Isa;
use crate::{Architecture, EngineError, ModelConfig, rng::SplitMix64};

pub(crate) use names::{EMBED, Extra, Fused, NORM, Part, block_tensors, head_name, tensor_shapes};
use names::{HEAD, layer_parts};

/// Values of one decoder block. Matrices are row-major `[out, in]`, as in Hugging Face checkpoints.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerWeights {
    /// RMSNorm before attention, `[hidden]`.
    pub attn_norm: Vec<f32>,
    /// Query, key and value projections one below the other, `[qkv_width, hidden]`.
    pub qkv: Vec<f32>,
    /// Biases of these projections, `[qkv_width]`; empty where the family has none.
    pub qkv_bias: Vec<f32>,
    /// RMSNorm of each query head before the rotation, `[head_dim]`; empty where the family has none.
    pub q_norm: Vec<f32>,
    /// RMSNorm of each key head before the rotation, `[head_dim]`; empty where the family has none.
    pub k_norm: Vec<f32>,
    /// Output projection of attention, `[hidden, query_width]`.
    pub o: Vec<f32>,
    /// RMSNorm before the SwiGLU layer, `[hidden]`.
    pub mlp_norm: Vec<f32>,
    /// Gate and up projections one below the other, `[2 * intermediate, hidden]`.
    pub gate_up: Vec<f32>,
    /// Down projection, `[hidden, intermediate]`.
    pub down: Vec<f32>,
}

/// All trained values of a decoder. Also used for gradients and optimiser moments, which have the same shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Token embeddings, `[vocab, hidden]`.
    pub embed: Vec<f32>,
    /// Decoder blocks, first to last.
    pub layers: Vec<LayerWeights>,
    /// Last RMSNorm, `[hidden]`.
    pub norm: Vec<f32>,
    /// Output head, `[vocab, hidden]`; `None` when it is the embedding matrix.
    pub head: Option<Vec<f32>>,
}

/// A tensor under its Hugging Face name.
#[derive(Clone, Debug)]
pub struct NamedTensor<'a> {
    /// For example `model.layers.0.self_attn.q_proj.weight`.
    pub name: String,
    /// `[out, in]` or `[width]`.
    pub shape: Vec<usize>,
    /// Row-major values.
    pub data: &'a [f32],
}

/// A tensor under its Hugging Face name, to be written.
#[derive(Debug)]
pub struct NamedTensorMut<'a> {
    /// For example `model.layers.0.self_attn.q_proj.weight`.
    pub name: String,
    /// `[out, in]` or `[width]`.
    pub shape: Vec<usize>,
    /// Row-major values.
    pub data: &'a mut [f32],
}

impl Weights {
    /// All zeros, in the shape of `config`, plain Llama.
    pub fn zeros(config: &ModelConfig) -> Self {
        Self::zeros_for(config, &Architecture::default())
    }

    /// All zeros, in the shape of `config`, with what `architecture` adds.
    pub fn zeros_for(config: &ModelConfig, architecture: &Architecture) -> Self {
        let hidden = config.hidden_size;
        let extra = Extra::new(config, architecture);
        let layer = LayerWeights {
            attn_norm: vec![0.0; hidden],
            qkv: vec![0.0; config.qkv_width() * hidden],
            qkv_bias: vec![0.0; extra.bias],
            q_norm: vec![0.0; extra.norm],
            k_norm: vec![0.0; extra.norm],
            o: vec![0.0; hidden * config.query_width()],
            mlp_norm: vec![0.0; hidden],
            gate_up: vec![0.0; 2 * config.intermediate_size * hidden],
            down: vec![0.0; hidden * config.intermediate_size],
        };
        Self {
            embed: vec![0.0; config.vocab_size * hidden],
            layers: vec![layer; config.num_hidden_layers],
            norm: vec![0.0; hidden],
            head: (!config.tie_word_embeddings).then(|| vec![0.0; config.vocab_size * hidden]),
        }
    }

    /// The output head: its own matrix or the embeddings, `[vocab, hidden]`.
    pub fn head_matrix(&self) -> &[f32] {
        self.head.as_deref().unwrap_or(&self.embed)
    }

    /// Every tensor under its Hugging Face name (fused matrices are split), in the order of `transformers`.
    /// The tied head is not listed.
    pub fn named_tensors(&self, config: &ModelConfig) -> Vec<NamedTensor<'_>> {
        let (hidden, vocab) = (config.hidden_size, config.vocab_size);
        let mut list = Vec::with_capacity(9 * self.layers.len() + 3);
        let mut push = |name: String, shape: Vec<usize>, data| {
            list.push(NamedTensor { name, shape, data });
        };
        push(EMBED.into(), vec![vocab, hidden], self.embed.as_slice());
        for (index, layer) in self.layers.iter().enumerate() {
            let sources = [
                layer.qkv.as_slice(),
                layer.o.as_slice(),
                layer.gate_up.as_slice(),
                layer.down.as_slice(),
                layer.attn_norm.as_slice(),
                layer.mlp_norm.as_slice(),
                layer.qkv_bias.as_slice(),
                layer.q_norm.as_slice(),
                layer.k_norm.as_slice(),
            ];
            for part in layer_parts(config, layer.extra()) {
                let data = sources
                    .get(part.fused as usize)
                    .and_then(|source| source.get(part.start..part.start + part.len()))
                    .unwrap_or(&[]);
                push(part.full_name(index), part.shape, data);
            }
        }
        push(NORM.into(), vec![hidden], &self.norm);
        if let Some(head) = &self.head {
            push(HEAD.into(), vec![vocab, hidden], head);
        }
        list
    }

    /// As [`Weights::named_tensors`], to be filled from a checkpoint.
    pub fn named_tensors_mut(&mut self, config: &ModelConfig) -> Vec<NamedTensorMut<'_>> {
        let (hidden, vocab) = (config.hidden_size, config.vocab_size);
        let mut list = Vec::with_capacity(9 * self.layers.len() + 3);
        let mut push = |name: String, shape: Vec<usize>, data| {
            list.push(NamedTensorMut { name, shape, data });
        };
        push(EMBED.into(), vec![vocab, hidden], self.embed.as_mut_slice());
        for (index, layer) in self.layers.iter_mut().enumerate() {
            let parts = layer_parts(config, layer.extra());
            let mut rest: [&mut [f32]; 9] = [
                &mut layer.qkv,
                &mut layer.o,
                &mut layer.gate_up,
                &mut layer.down,
                &mut layer.attn_norm,
                &mut layer.mlp_norm,
                &mut layer.qkv_bias,
                &mut layer.q_norm,
                &mut layer.k_norm,
            ];
            // The parts of one source follow each other, so each is split off the front of what is left.
            for part in parts {
                let Some(source) = rest.get_mut(part.fused as usize) else {
                    continue;
                };
                let whole = std::mem::take(source);
                let cut = part.len().min(whole.len());
                let (data, left) = whole.split_at_mut(cut);
                *source = left;
                push(part.full_name(index), part.shape, data);
            }
        }
        push(NORM.into(), vec![hidden], &mut self.norm);
        if let Some(head) = &mut self.head {
            push(HEAD.into(), vec![vocab, hidden], head);
        }
        list
    }

    /// Checks every tensor length against `config` and `architecture`.
    ///
    /// # Errors
    /// [`EngineError::Shape`] naming the first tensor that does not fit.
    pub fn validate(&self, config: &ModelConfig, architecture: &Architecture) -> Result<(), EngineError> {
        let operation = "check weights";
        let hidden = config.hidden_size;
        let extra = Extra::new(config, architecture);
        if self.layers.len() != config.num_hidden_layers {
            return Err(EngineError::shape(operation, "layers", &[config.num_hidden_layers], &[self.layers.len()]));
        }
        let check = |tensor: String, rows: usize, columns: usize, found: usize| {
            if rows * columns == found {
                Ok(())
            } else {
                Err(EngineError::shape(operation, tensor, &[rows, columns], &[found]))
            }
        };
        check("embed".into(), config.vocab_size, hidden, self.embed.len())?;
        check("norm".into(), 1, hidden, self.norm.len())?;
        for (index, layer) in self.layers.iter().enumerate() {
            let named = |part: &str| format!("layers.{index}.{part}");
            check(named("attn_norm"), 1, hidden, layer.attn_norm.len())?;
            check(named("qkv"), config.qkv_width(), hidden, layer.qkv.len())?;
            check(named("qkv_bias"), 1, extra.bias, layer.qkv_bias.len())?;
            check(named("q_norm"), 1, extra.norm, layer.q_norm.len())?;
            check(named("k_norm"), 1, extra.norm, layer.k_norm.len())?;
            check(named("o"), hidden, config.query_width(), layer.o.len())?;
            check(named("mlp_norm"), 1, hidden, layer.mlp_norm.len())?;
            check(named("gate_up"), 2 * config.intermediate_size, hidden, layer.gate_up.len())?;
            check(named("down"), hidden, config.intermediate_size, layer.down.len())?;
        }
        match (&self.head, config.tie_word_embeddings) {
            (Some(head), false) => check("head".into(), config.vocab_size, hidden, head.len()),
            (None, true) => Ok(()),
            (Some(head), true) => Err(EngineError::shape(operation, "head", &[0], &[head.len()])),
            (None, false) => Err(EngineError::shape(operation, "head", &[config.vocab_size, hidden], &[0])),
        }
    }
}

impl Parameters for Weights {
    /// The fused tensors.
    fn parameters_mut(&mut self) -> Vec<Parameter<'_>> {
        let mut list = Vec::with_capacity(9 * self.layers.len() + 3);
        let mut push = |data, decays| list.push(Parameter { data, decays });
        push(self.embed.as_mut_slice(), true);
        for layer in &mut self.layers {
            push(layer.attn_norm.as_mut_slice(), false);
            push(&mut layer.qkv, true);
            for extra in [layer.qkv_bias.as_mut_slice(), &mut layer.q_norm, &mut layer.k_norm] {
                if !extra.is_empty() {
                    push(extra, false);
                }
            }
            push(&mut layer.o, true);
            push(&mut layer.mlp_norm, false);
            push(&mut layer.gate_up, true);
            push(&mut layer.down, true);
        }
        push(&mut self.norm, false);
        if let Some(head) = &mut self.head {
            push(head, true);
        }
        list
    }

    fn zeros_like(&self) -> Self {
        let zeros = |values: &Vec<f32>| vec![0.0; values.len()];
        let layer = |layer: &LayerWeights| LayerWeights {
            attn_norm: zeros(&layer.attn_norm),
            qkv: zeros(&layer.qkv),
            qkv_bias: zeros(&layer.qkv_bias),
            q_norm: zeros(&layer.q_norm),
            k_norm: zeros(&layer.k_norm),
            o: zeros(&layer.o),
            mlp_norm: zeros(&layer.mlp_norm),
            gate_up: zeros(&layer.gate_up),
            down: zeros(&layer.down),
        };
        Self {
            embed: zeros(&self.embed),
            layers: self.layers.iter().map(layer).collect(),
            norm: zeros(&self.norm),
            head: self.head.as_ref().map(zeros),
        }
    }

    fn named(&self, model: &ModelConfig) -> Vec<NamedTensor<'_>> {
        self.named_tensors(model)
    }

    fn named_mut(&mut self, model: &ModelConfig) -> Vec<NamedTensorMut<'_>> {
        self.named_tensors_mut(model)
    }
}

impl LayerWeights {
    fn extra(&self) -> Extra {
        Extra { bias: self.qkv_bias.len(), norm: self.q_norm.len() }
    }

    pub(crate) fn projection_extras(&self) -> ProjectionExtras<'_> {
        ProjectionExtras { bias: &self.qkv_bias, q_norm: &self.q_norm, k_norm: &self.k_norm }
    }
}

/// What happens between the fused projection and the rotation; all empty where the family has nothing there.
#[derive(Clone, Copy)]
pub(crate) struct ProjectionExtras<'a> {
    pub bias: &'a [f32],
    pub q_norm: &'a [f32],
    pub k_norm: &'a [f32],
}

impl ProjectionExtras<'_> {
    pub(crate) fn any(&self) -> bool {
        !self.bias.is_empty() || !self.q_norm.is_empty()
    }

    /// Biases and norms of heads on one row of the fused projection, in place. The queries are `..queries`, the keys
    /// `queries..turned`; `raw` receives both as they were before the norm, which the backward pass needs.
    pub(crate) fn apply(
        &self,
        isa: Isa,
        row: &mut [f32],
        queries: usize,
        turned: usize,
        eps: f32,
        raw: Option<&mut [f32]>,
    ) {
        if !self.bias.is_empty() {
            ops::add(isa, self.bias, row);
        }
        if !self.q_norm.is_empty() {
            if let Some(raw) = raw {
                raw.copy_from_slice(&row[..turned]);
            }
            let (query, rest) = row.split_at_mut(queries);
            ops::rms_norm_in_place(isa, self.q_norm, eps, query);
            ops::rms_norm_in_place(isa, self.k_norm, eps, &mut rest[..turned - queries]);
        }
    }
}

/// A decoder: its shape, what its family computes, and its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Shape and constants.
    pub config: ModelConfig,
    /// What is computed beyond the plain Llama graph.
    pub architecture: Architecture,
    /// Trained values.
    pub weights: Weights,
}

impl Model {
    /// A model with random values: every value is a function of `(config, seed)` alone.
    ///
    /// Matrices are normal with standard deviation `sqrt(2 / (5 * in))` (Nguyen and Salazar 2019, "small init"), those
    /// that write into the residual stream divided by `sqrt(2 * layers)` (GPT-2), embeddings and head 0.02, norms 1,
    /// biases 0.
    ///
    /// # Errors
    /// [`EngineError::Config`] when the shape cannot be built.
    pub fn init(config: ModelConfig, seed: u64) -> Result<Self, EngineError> {
        Self::init_as(config, Architecture::default(), seed)
    }

    /// As [`Model::init`], of another family than plain Llama.
    ///
    /// # Errors
    /// [`EngineError::Config`] when the shape or the architecture cannot be built.
    pub fn init_as(config: ModelConfig, architecture: Architecture, seed: u64) -> Result<Self, EngineError> {
        config.validate()?;
        architecture.validate(&config)?;
        let mut weights = Weights::zeros_for(&config, &architecture);
        let small = |fan_in: usize| (2.0 / (5.0 * fan_in as f64)).sqrt();
        let residual = 1.0 / (2.0 * config.num_hidden_layers as f64).sqrt();
        let mut stream = 0u64;
        let mut fill = |values: &mut [f32], deviation: f64| {
            // One stream for each tensor: a change of one shape leaves the other tensors as they were.
            stream += 1;
            let mut random = SplitMix64::for_stream(seed, stream);
            for value in values {
                *value = (random.normal() * deviation) as f32;
            }
        };
        fill(&mut weights.embed, 0.02);
        for layer in &mut weights.layers {
            layer.attn_norm.fill(1.0);
            layer.mlp_norm.fill(1.0);
            layer.q_norm.fill(1.0);
            layer.k_norm.fill(1.0);
            fill(&mut layer.qkv, small(config.hidden_size));
            fill(&mut layer.o, small(config.query_width()) * residual);
            fill(&mut layer.gate_up, small(config.hidden_size));
            fill(&mut layer.down, small(config.intermediate_size) * residual);
        }
        weights.norm.fill(1.0);
        if let Some(head) = &mut weights.head {
            fill(head, 0.02);
        }
        Ok(Self { config, architecture, weights })
    }

    /// A plain Llama model from given values.
    ///
    /// # Errors
    /// [`EngineError::Config`] or [`EngineError::Shape`] when the two do not fit together.
    pub fn new(config: ModelConfig, weights: Weights) -> Result<Self, EngineError> {
        Self::new_as(config, Architecture::default(), weights)
    }

    /// As [`Model::new`], of another family than plain Llama.
    ///
    /// # Errors
    /// [`EngineError::Config`] or [`EngineError::Shape`] when the three do not fit together.
    pub fn new_as(config: ModelConfig, architecture: Architecture, weights: Weights) -> Result<Self, EngineError> {
        config.validate()?;
        architecture.validate(&config)?;
        weights.validate(&config, &architecture)?;
        Ok(Self { config, architecture, weights })
    }

    /// Number of trained values.
    pub fn parameter_count(&self) -> usize {
        self.architecture.parameter_count(&self.config)
    }
}
