//! A model with its matrices packed once, in full or reduced precision: for generation, and as the base of adapters.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::device::cpu::packed::PackedModel;
use crate::hf::Checkpoint;
use crate::kernels::element::Bf16;
use crate::kernels::gemm::{PackedMatrix, Storage, Store};
use crate::kernels::simd::Isa;
use crate::lora::{ADAPTED, Adapters};
use crate::weights::{EMBED, Fused, LayerWeights, NORM, Part, ProjectionExtras, block_tensors, head_name};
use crate::{Architecture, EngineError, Model, ModelConfig};

/// Values of a matrix that are read and packed at a time.
const PIECE: usize = 1 << 22;

/// How packed weights are held. Activations, the cache and all sums are single precision in every case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Precision {
    /// Single precision, `fp32`: log-probabilities equal those of training in single precision.
    #[default]
    #[serde(rename = "fp32")]
    Single,
    /// `bf16`: every matrix rounded to nearest even. A model that is stored in bf16 loses nothing.
    #[serde(rename = "bf16")]
    Bf16,
    /// `int8`: the matrices of the blocks as 8-bit integers with one factor for each output, embeddings and head bf16.
    #[serde(rename = "int8")]
    Int8,
}

impl Precision {
    /// All, most exact first.
    pub const ALL: [Self; 3] = [Self::Single, Self::Bf16, Self::Int8];

    /// `fp32`, `bf16` or `int8`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "fp32",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        }
    }

    /// Bytes that the weights of a model of this shape take.
    pub fn weight_bytes(self, config: &ModelConfig) -> u64 {
        let table = config.vocab_size as u64 * config.hidden_size as u64;
        let tables = if config.tie_word_embeddings { table } else { 2 * table };
        let blocks = (config.parameter_count() as u64).saturating_sub(tables);
        // The embeddings are looked up row by row, the head is packed: a tied table is held twice.
        let (each_table, each_block) = match self {
            Self::Single => (4, 4),
            Self::Bf16 => (2, 2),
            Self::Int8 => (2, 1),
        };
        (2 * table).saturating_mul(each_table).saturating_add(blocks.saturating_mul(each_block))
    }

    fn of_blocks(self) -> Storage {
        match self {
            Self::Single => Storage::Single,
            Self::Bf16 => Storage::Bf16,
            Self::Int8 => Storage::Int8,
        }
    }

    fn of_head(self) -> Storage {
        match self {
            Self::Single => Storage::Single,
            Self::Bf16 | Self::Int8 => Storage::Bf16,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|precision| precision.name() == text);
        found.ok_or_else(|| format!("{text:?} is no precision; use fp32, bf16 or int8"))
    }
}

/// A packed model: what generation runs, and what adapters can be trained on.
#[derive(Clone, Debug)]
pub struct InferenceModel<'a> {
    config: ModelConfig,
    architecture: Architecture,
    precision: Precision,
    embed: Embeddings<'a>,
    pub(crate) layers: Vec<InferenceLayer>,
    pub(crate) norm: Vec<f32>,
    pub(crate) head: Arc<PackedMatrix>,
}

/// A matrix, and the adapter that is added to what it computes.
#[derive(Clone, Debug)]
pub(crate) struct InferenceLinear {
    pub matrix: Arc<PackedMatrix>,
    /// `A` and `scale B`.
    adapter: Option<[PackedMatrix; 2]>,
}

impl InferenceLinear {
    fn alone(matrix: Arc<PackedMatrix>) -> Self {
        Self { matrix, adapter: None }
    }

    /// Rows of `A`.
    fn width(&self) -> usize {
        self.adapter.as_ref().map_or(0, |[a, _]| a.columns())
    }

    /// `y = W x + scale B A x` (added to `store`) for `rows` rows, on all threads; `lowered` holds [`InferenceModel::widest`]
    /// values for each row.
    pub(crate) fn multiply(&self, x: &[f32], rows: usize, y: &mut [f32], store: Store<'_>, lowered: &mut [f32]) {
        self.matrix.multiply(x, rows, y, store);
        if let Some([a, b]) = &self.adapter {
            a.multiply(x, rows, lowered, Store::Overwrite);
            b.multiply(lowered, rows, y, Store::Add);
        }
    }
}

/// `[vocab, hidden]`.
#[derive(Clone, Debug)]
enum Embeddings<'a> {
    Single(Cow<'a, [f32]>),
    Bf16(Cow<'a, [Bf16]>),
}

/// One block: see [`crate::LayerWeights`] for the shapes.
#[derive(Clone, Debug)]
pub(crate) struct InferenceLayer {
    pub attn_norm: Vec<f32>,
    pub qkv: InferenceLinear,
    qkv_bias: Vec<f32>,
    q_norm: Vec<f32>,
    k_norm: Vec<f32>,
    pub o: InferenceLinear,
    pub mlp_norm: Vec<f32>,
    pub gate_up: InferenceLinear,
    pub down: InferenceLinear,
}

impl InferenceLayer {
    /// Norms and biases of `layer`, and its matrices in the order of [`ADAPTED`].
    fn new(layer: &LayerWeights, matrices: [Arc<PackedMatrix>; 4]) -> Self {
        let [qkv, o, gate_up, down] = matrices.map(InferenceLinear::alone);
        Self {
            attn_norm: layer.attn_norm.clone(),
            qkv,
            qkv_bias: layer.qkv_bias.clone(),
            q_norm: layer.q_norm.clone(),
            k_norm: layer.k_norm.clone(),
            o,
            mlp_norm: layer.mlp_norm.clone(),
            gate_up,
            down,
        }
    }

    pub(crate) fn projection_extras(&self) -> ProjectionExtras<'_> {
        ProjectionExtras { bias: &self.qkv_bias, q_norm: &self.q_norm, k_norm: &self.k_norm }
    }
}

impl<'a> InferenceModel<'a> {
    /// Packs the present values of `model`; at full precision its embeddings are borrowed.
    pub fn new(model: &'a Model, precision: Precision) -> Self {
        let (config, weights) = (&model.config, &model.weights);
        let hidden = config.hidden_size;
        let pack = |storage, weight: &[f32], depth: usize| {
            let mut packed = PackedMatrix::stored(Isa::detect(), depth, weight.len() / depth, storage);
            packed.pack_weight(weight);
            Arc::new(packed)
        };
        let depths = [hidden, config.query_width(), hidden, config.intermediate_size];
        let layers = weights.layers.iter().map(|layer| {
            let matrices = [&layer.qkv, &layer.o, &layer.gate_up, &layer.down];
            let packed = |place: usize| pack(precision.of_blocks(), matrices[place], depths[place]);
            InferenceLayer::new(layer, [0, 1, 2, 3].map(packed))
        });
        Self {
            config: config.clone(),
            architecture: model.architecture.clone(),
            precision,
            embed: match precision {
                Precision::Single => Embeddings::Single(Cow::Borrowed(&weights.embed)),
                Precision::Bf16 | Precision::Int8 => Embeddings::Bf16(round(&weights.embed).collect()),
            },
            layers: layers.collect(),
            norm: weights.norm.clone(),
            head: pack(precision.of_head(), weights.head_matrix(), hidden),
        }
    }

    /// The matrices that a trainer of `model` packed, shared: what is sampled has the log-probabilities that training finds.
    pub(crate) fn of_trainer(model: &'a Model, packed: &PackedModel) -> Self {
        let layers = model.weights.layers.iter().zip(&packed.layers).map(|(layer, packed)| {
            InferenceLayer::new(layer, packed.weights().map(|weight| Arc::clone(&weight.forward)))
        });
        Self {
            config: model.config.clone(),
            architecture: model.architecture.clone(),
            precision: Precision::Single,
            embed: Embeddings::Single(Cow::Borrowed(&model.weights.embed)),
            layers: layers.collect(),
            norm: model.weights.norm.clone(),
            head: Arc::clone(&packed.head.forward),
        }
    }

    /// Checks that adapters can be trained on this model.
    pub(crate) fn check_base(&self) -> Result<(), EngineError> {
        let refuse = |reason: &str| Err(EngineError::batch("train adapters", reason.to_owned()));
        if self.widest() > 0 {
            return refuse("the base has adapters beside its matrices; merge them into it first");
        }
        if self.head.storage() == Storage::Bf16Pairs {
            return refuse("the base is the policy of a trainer in bf16; load or pack the model itself");
        }
        Ok(())
    }

    /// Packs the tensors of a checkpoint, with `adapters` added to them, piece by piece.
    pub(crate) fn read(
        config: ModelConfig,
        architecture: Architecture,
        precision: Precision,
        checkpoint: &mut Checkpoint,
        adapters: Option<&Adapters>,
    ) -> Result<InferenceModel<'static>, EngineError> {
        if let Some(adapters) = adapters {
            adapters.check(&config)?;
        }
        let hidden = config.hidden_size;
        let parts = block_tensors(&config, &architecture);
        let mut reader = Reader { checkpoint, piece: Vec::new() };
        let embed = reader.embeddings(&config, precision)?;
        let mut layers = Vec::with_capacity(config.num_hidden_layers);
        for layer in 0..config.num_hidden_layers {
            let mut block =
                Block { reader: &mut reader, parts: &parts, layer, storage: precision.of_blocks(), adapters };
            layers.push(InferenceLayer {
                attn_norm: block.vector(Fused::AttnNorm)?,
                qkv: block.matrix(Fused::Qkv, hidden)?,
                qkv_bias: block.vector(Fused::QkvBias)?,
                q_norm: block.vector(Fused::QNorm)?,
                k_norm: block.vector(Fused::KNorm)?,
                o: block.matrix(Fused::O, config.query_width())?,
                mlp_norm: block.vector(Fused::MlpNorm)?,
                gate_up: block.matrix(Fused::GateUp, hidden)?,
                down: block.matrix(Fused::Down, config.intermediate_size)?,
            });
        }
        let mut norm = vec![0.0; hidden];
        reader.checkpoint.read(NORM, 0, &mut norm)?;
        let head = [(head_name(&config).to_owned(), config.vocab_size)];
        let head = reader.matrix(&head, hidden, precision.of_head(), |_, _| {})?;
        Ok(InferenceModel { config, architecture, precision, embed, layers, norm, head })
    }

    /// Shape and constants.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// What is computed beyond the plain Llama graph.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The same model with the same matrices and embeddings.
    pub fn share(&self) -> InferenceModel<'_> {
        let embed = match &self.embed {
            Embeddings::Single(table) => Embeddings::Single(Cow::Borrowed(table)),
            Embeddings::Bf16(table) => Embeddings::Bf16(Cow::Borrowed(table)),
        };
        InferenceModel {
            config: self.config.clone(),
            architecture: self.architecture.clone(),
            precision: self.precision,
            embed,
            layers: self.layers.clone(),
            norm: self.norm.clone(),
            head: Arc::clone(&self.head),
        }
    }

    /// Puts adapters beside the matrices.
    ///
    /// # Errors
    /// [`EngineError::Shape`] when the adapters were made for another shape.
    pub fn with_adapters(mut self, adapters: &Adapters) -> Result<Self, EngineError> {
        adapters.check(&self.config)?;
        let isa = Isa::detect();
        for (layer, pairs) in self.layers.iter_mut().zip(&adapters.layers) {
            let linears = [&mut layer.qkv, &mut layer.o, &mut layer.gate_up, &mut layer.down];
            for ((linear, pair), layout) in linears.into_iter().zip(pairs).zip(&adapters.layouts) {
                if layout.width > 0 {
                    let scale = adapters.config().scale();
                    let scaled: Vec<f32> = pair.b.iter().map(|value| scale * value).collect();
                    let mut a = PackedMatrix::stored(isa, layout.input, layout.width, Storage::Single);
                    a.pack_weight(&pair.a);
                    let mut b = PackedMatrix::stored(isa, layout.width, layout.out, Storage::Single);
                    b.pack_weight(&scaled);
                    linear.adapter = Some([a, b]);
                }
            }
        }
        Ok(self)
    }

    /// Most rows of `A` of an adapter.
    pub(crate) fn widest(&self) -> usize {
        let widths = self.layers.iter().flat_map(|layer| [&layer.qkv, &layer.o, &layer.gate_up, &layer.down]);
        widths.map(InferenceLinear::width).max().unwrap_or(0)
    }

    /// How the weights are held; what a trainer's policy shares counts as single precision.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Copies the embedding of `token`, which must be in the vocabulary, to `row`, `[hidden]`.
    pub(crate) fn embed(&self, token: u32, row: &mut [f32]) {
        let first = token as usize * self.config.hidden_size;
        let range = first..first + self.config.hidden_size;
        match &self.embed {
            Embeddings::Single(table) => row.copy_from_slice(&table[range]),
            Embeddings::Bf16(table) => {
                row.iter_mut().zip(&table[range]).for_each(|(value, stored)| *value = stored.to_f32());
            }
        }
    }
}

fn round(values: &[f32]) -> impl Iterator<Item = Bf16> {
    values.iter().map(|value| Bf16::round(*value))
}

/// Reads matrices in pieces.
struct Reader<'c> {
    checkpoint: &'c mut Checkpoint,
    piece: Vec<f32>,
}

impl Reader<'_> {
    fn embeddings(&mut self, config: &ModelConfig, precision: Precision) -> Result<Embeddings<'static>, EngineError> {
        let length = config.vocab_size * config.hidden_size;
        if precision == Precision::Single {
            let mut table = vec![0.0; length];
            self.checkpoint.read(EMBED, 0, &mut table)?;
            return Ok(Embeddings::Single(Cow::Owned(table)));
        }
        let mut table = Vec::with_capacity(length);
        while table.len() < length {
            self.piece.resize(PIECE.min(length - table.len()), 0.0);
            self.checkpoint.read(EMBED, table.len(), &mut self.piece)?;
            table.extend(round(&self.piece));
        }
        Ok(Embeddings::Bf16(Cow::Owned(table)))
    }

    /// The matrix that `tensors` (name and rows), all of `depth` columns, make one below the other. `change` is called with the
    /// first row and the values of each piece before it is packed.
    fn matrix(
        &mut self,
        tensors: &[(String, usize)],
        depth: usize,
        storage: Storage,
        change: impl Fn(usize, &mut [f32]),
    ) -> Result<Arc<PackedMatrix>, EngineError> {
        let isa = Isa::detect();
        let rows: usize = tensors.iter().map(|(_, rows)| rows).sum();
        let mut packed = PackedMatrix::stored(isa, depth, rows, storage);
        let each = (PIECE / depth).max(1).next_multiple_of(isa.panel());
        for first in (0..rows).step_by(each) {
            let last = (first + each).min(rows);
            self.piece.resize((last - first) * depth, 0.0);
            let mut start = 0;
            for (name, count) in tensors {
                let end = start + count;
                let (from, to) = (first.max(start), last.min(end));
                if from < to {
                    let target = &mut self.piece[(from - first) * depth..(to - first) * depth];
                    self.checkpoint.read(name, (from - start) * depth, target)?;
                }
                start = end;
            }
            change(first, &mut self.piece);
            // The other kinds carry such values on to the logits, where they are found.
            if storage == Storage::Int8
                && let Some(place) = self.piece.iter().position(|value| !value.is_finite())
            {
                let (row, mut end) = (first + place / depth, 0);
                let of_row = tensors.iter().find(|(_, count)| {
                    end += count;
                    row < end
                });
                let what = format!("values of {}", of_row.map_or("a matrix", |(name, _)| name));
                return Err(EngineError::NotFinite { operation: "pack weights as int8", what });
            }
            packed.pack_outputs(first, &self.piece);
        }
        Ok(Arc::new(packed))
    }
}

/// Reads one block.
struct Block<'b, 'c> {
    reader: &'b mut Reader<'c>,
    parts: &'b [Part],
    layer: usize,
    storage: Storage,
    adapters: Option<&'b Adapters>,
}

impl Block<'_, '_> {
    fn vector(&mut self, fused: Fused) -> Result<Vec<f32>, EngineError> {
        let mut values = Vec::new();
        for part in self.parts.iter().filter(|part| part.fused == fused) {
            values.resize(part.start + part.len(), 0.0);
            self.reader.checkpoint.read(&part.full_name(self.layer), 0, &mut values[part.start..])?;
        }
        Ok(values)
    }

    fn matrix(&mut self, fused: Fused, depth: usize) -> Result<InferenceLinear, EngineError> {
        let parts = self.parts.iter().filter(|part| part.fused == fused);
        let tensors: Vec<_> = parts.map(|part| (part.full_name(self.layer), part.len() / depth)).collect();
        let adapted = ADAPTED.iter().position(|adapted| *adapted == fused);
        let (layer, adapters) = (self.layer, self.adapters.zip(adapted));
        let matrix = self.reader.matrix(&tensors, depth, self.storage, |first, rows| {
            if let Some((adapters, adapted)) = adapters {
                adapters.add_to(layer, adapted, first, rows);
            }
        })?;
        Ok(InferenceLinear::alone(matrix))
    }
}

#[cfg(test)]
mod tests;
