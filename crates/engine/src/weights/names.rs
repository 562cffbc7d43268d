//! The tensors of a checkpoint, and where each lies in the fused layout.

use crate::{Architecture, ModelConfig};

/// Hugging Face names of the tensors outside the blocks.
pub(crate) const EMBED: &str = "model.embed_tokens.weight";
pub(crate) const NORM: &str = "model.norm.weight";
pub(crate) const HEAD: &str = "lm_head.weight";

/// Lengths of what a family adds to a block.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extra {
    pub bias: usize,
    pub norm: usize,
}

impl Extra {
    pub(crate) fn new(config: &ModelConfig, architecture: &Architecture) -> Self {
        let family = architecture.family;
        Self {
            bias: if family.has_biases() { config.qkv_width() } else { 0 },
            norm: if family.normalises_heads() { config.head_dim } else { 0 },
        }
    }

    pub(crate) fn values(self) -> usize {
        self.bias + 2 * self.norm
    }
}

/// Name and shape of every tensor of a model, as Hugging Face stores them; without a tied head.
pub(crate) fn tensor_shapes(config: &ModelConfig, architecture: &Architecture) -> Vec<(String, Vec<usize>)> {
    let table = vec![config.vocab_size, config.hidden_size];
    let mut list = vec![(EMBED.to_owned(), table.clone()), (NORM.to_owned(), vec![config.hidden_size])];
    for layer in 0..config.num_hidden_layers {
        let parts = block_tensors(config, architecture);
        list.extend(parts.into_iter().map(|part| (part.full_name(layer), part.shape)));
    }
    if !config.tie_word_embeddings {
        list.push((HEAD.to_owned(), table));
    }
    list
}

/// Name of the tensor that holds the output head.
pub(crate) fn head_name(config: &ModelConfig) -> &'static str {
    if config.tie_word_embeddings { EMBED } else { HEAD }
}

/// The tensors of one block.
pub(crate) fn block_tensors(config: &ModelConfig, architecture: &Architecture) -> Vec<Part> {
    layer_parts(config, Extra::new(config, architecture))
}

/// The fused tensors of a block, in the order of the lists above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fused {
    Qkv,
    O,
    GateUp,
    Down,
    AttnNorm,
    MlpNorm,
    QkvBias,
    QNorm,
    KNorm,
}

/// Where a Hugging Face tensor lies in the fused layout.
pub(crate) struct Part {
    name: &'static str,
    kind: &'static str,
    pub shape: Vec<usize>,
    pub fused: Fused,
    /// First value in the fused tensor.
    pub start: usize,
}

impl Part {
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Name of the module, for example `q_proj`.
    pub fn module(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }

    pub fn full_name(&self, layer: usize) -> String {
        format!("model.layers.{layer}.{}.{}", self.name, self.kind)
    }
}

pub(super) fn layer_parts(config: &ModelConfig, extra: Extra) -> Vec<Part> {
    let hidden = config.hidden_size;
    let (query, key, wide) = (config.query_width(), config.key_value_width(), config.intermediate_size);
    let part = |name, rows: usize, columns: usize, fused, first_row: usize| Part {
        name,
        kind: "weight",
        shape: vec![rows, columns],
        fused,
        start: first_row * columns,
    };
    let vector = |name, kind, width, fused, start| Part { name, kind, shape: vec![width], fused, start };
    let norm = |name, fused| vector(name, "weight", hidden, fused, 0);
    let mut parts = vec![
        part("self_attn.q_proj", query, hidden, Fused::Qkv, 0),
        part("self_attn.k_proj", key, hidden, Fused::Qkv, query),
        part("self_attn.v_proj", key, hidden, Fused::Qkv, query + key),
        part("self_attn.o_proj", hidden, query, Fused::O, 0),
        part("mlp.gate_proj", wide, hidden, Fused::GateUp, 0),
        part("mlp.up_proj", wide, hidden, Fused::GateUp, wide),
        part("mlp.down_proj", hidden, wide, Fused::Down, 0),
        norm("input_layernorm", Fused::AttnNorm),
        norm("post_attention_layernorm", Fused::MlpNorm),
    ];
    if extra.bias > 0 {
        parts.push(vector("self_attn.q_proj", "bias", query, Fused::QkvBias, 0));
        parts.push(vector("self_attn.k_proj", "bias", key, Fused::QkvBias, query));
        parts.push(vector("self_attn.v_proj", "bias", key, Fused::QkvBias, query + key));
    }
    if extra.norm > 0 {
        parts.push(vector("self_attn.q_norm", "weight", extra.norm, Fused::QNorm, 0));
        parts.push(vector("self_attn.k_norm", "weight", extra.norm, Fused::KNorm, 0));
    }
    parts
}
