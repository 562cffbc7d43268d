//! Low-rank adapters (LoRA, Hu et al. 2021, equation 3): `y = W x + scale B A x`, with `A` and `B` trained and `W` not.
//!
//! Adapters of projections that the engine computes together are held together: for a fused matrix of `out` rows with `n`
//! adapted projections, `A` is `[n * rank, in]` and `B` is `[out, n * rank]`, zero outside each projection's own block.

mod trainer;

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::device::cpu::optim::{Parameter, Parameters};
use crate::weights::{Fused, NamedTensor, NamedTensorMut, block_tensors};
use crate::{Architecture, EngineError, Model, ModelConfig, rng::SplitMix64};

pub use trainer::LoraTrainer;

/// Largest rank; beyond it a full-rank update is cheaper.
pub const MAX_RANK: usize = 1024;

/// A projection that an adapter can be added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LoraTarget {
    Query,
    Key,
    Value,
    Output,
    Gate,
    Up,
    Down,
}

impl LoraTarget {
    /// All, in the order of the graph: what PEFT calls `all-linear`.
    pub const ALL: [Self; 7] = [Self::Query, Self::Key, Self::Value, Self::Output, Self::Gate, Self::Up, Self::Down];

    /// Name of the module in Hugging Face models, for example `q_proj`.
    pub fn module(self) -> &'static str {
        match self {
            Self::Query => "q_proj",
            Self::Key => "k_proj",
            Self::Value => "v_proj",
            Self::Output => "o_proj",
            Self::Gate => "gate_proj",
            Self::Up => "up_proj",
            Self::Down => "down_proj",
        }
    }
}

impl fmt::Display for LoraTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.module())
    }
}

impl FromStr for LoraTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::module).join(", ");
        let found = Self::ALL.into_iter().find(|target| target.module() == text);
        found.ok_or_else(|| format!("no projection {text:?}; there are {}", names()))
    }
}

/// What adapters are added and how strong they are; the fields of PEFT's `LoraConfig`.
#[derive(Clone, Debug, PartialEq)]
pub struct LoraConfig {
    /// `r`: rows of each `A`.
    pub rank: usize,
    /// `lora_alpha`.
    pub alpha: f32,
    /// `lora_dropout`: share of the inputs of `A` that training sets to zero; `0 <= dropout < 1`. Projections with the same
    /// input (queries, keys and values; gate and up) drop the same values, where PEFT draws for each alone.
    pub dropout: f32,
    /// `target_modules`, each once.
    pub targets: Vec<LoraTarget>,
    /// `use_rslora`: the scale is `alpha / sqrt(rank)` (Kalajdzievski 2023) and not `alpha / rank`.
    pub rank_stabilised: bool,
}

impl Default for LoraConfig {
    /// Rank 16, alpha 32, all projections, no dropout.
    fn default() -> Self {
        Self { rank: 16, alpha: 32.0, dropout: 0.0, targets: LoraTarget::ALL.to_vec(), rank_stabilised: false }
    }
}

impl LoraConfig {
    /// What `B A` is multiplied with.
    pub fn scale(&self) -> f32 {
        let rank = self.rank as f32;
        self.alpha / if self.rank_stabilised { rank.sqrt() } else { rank }
    }

    /// # Errors
    /// [`EngineError::Config`] with the offending field.
    pub fn validate(&self) -> Result<(), EngineError> {
        let refuse =
            |field, value: String, reason: &str| Err(EngineError::Config { field, value, reason: reason.to_owned() });
        if self.rank == 0 || self.rank > MAX_RANK {
            return refuse("r", self.rank.to_string(), &format!("must be 1 to {MAX_RANK}"));
        }
        if !self.alpha.is_finite() || self.alpha <= 0.0 {
            return refuse("lora_alpha", self.alpha.to_string(), "must be finite and positive");
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return refuse("lora_dropout", self.dropout.to_string(), "must be at least 0 and below 1");
        }
        let mut sorted = self.targets.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.is_empty() || sorted.len() < self.targets.len() {
            let names: Vec<&str> = self.targets.iter().map(|target| target.module()).collect();
            return refuse("target_modules", format!("[{}]", names.join(", ")), "must name projections, each once");
        }
        Ok(())
    }
}

/// The fused matrices that can have adapters.
pub(crate) const ADAPTED: [Fused; 4] = [Fused::Qkv, Fused::O, Fused::GateUp, Fused::Down];

/// Where one projection's adapter lies in the fused pair.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Block {
    pub target: LoraTarget,
    /// Rows of the fused matrix: rows of `B`.
    pub rows: Range<usize>,
    /// Rows of `A`: columns of `B`.
    pub columns: Range<usize>,
}

/// Shape of the adapter of one fused matrix; the same in every decoder block.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layout {
    pub input: usize,
    pub out: usize,
    /// Rows of `A`; 0 where nothing is adapted.
    pub width: usize,
    pub blocks: Vec<Block>,
}

impl Layout {
    pub(crate) fn all(config: &ModelConfig, lora: &LoraConfig) -> [Self; 4] {
        let parts = block_tensors(config, &Architecture::default());
        ADAPTED.map(|fused| {
            let mut layout = Self { input: 0, out: 0, width: 0, blocks: Vec::new() };
            for part in parts.iter().filter(|part| part.fused == fused) {
                let [rows, input] = part.shape[..] else { continue };
                layout.input = input;
                let target = lora.targets.iter().find(|target| part.module() == target.module());
                if let Some(target) = target {
                    let columns = layout.width..layout.width + lora.rank;
                    layout.width = columns.end;
                    layout.blocks.push(Block { target: *target, rows: layout.out..layout.out + rows, columns });
                }
                layout.out += rows;
            }
            layout
        })
    }

    /// Projections with shapes `[rank, in]` and `[out, rank]` of their pairs.
    pub(crate) fn shapes(&self) -> impl Iterator<Item = (LoraTarget, [[usize; 2]; 2])> + '_ {
        self.blocks.iter().map(|block| {
            let rank = block.columns.len();
            (block.target, [[rank, self.input], [block.rows.len(), rank]])
        })
    }

    /// Whether value `index` of `B` belongs to a projection.
    fn owns(&self, index: usize) -> bool {
        let (row, column) = (index / self.width, index % self.width);
        self.blocks.iter().any(|block| block.rows.contains(&row) && block.columns.contains(&column))
    }
}

/// The adapter of one fused matrix of one block.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Adapter {
    /// `[width, in]`.
    pub a: Vec<f32>,
    /// `[out, width]`.
    pub b: Vec<f32>,
}

/// Adapters of a whole model. Also used for gradients and optimiser moments, which have the same shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Adapters {
    config: LoraConfig,
    pub(crate) layouts: [Layout; 4],
    /// One for each decoder block, in the order of [`ADAPTED`].
    pub(crate) layers: Vec<[Adapter; 4]>,
}

/// `A` and `B` of one projection, `[rank, in]` and `[out, rank]`.
#[derive(Clone, Debug, PartialEq)]
pub struct LoraPair {
    /// Decoder block.
    pub layer: usize,
    pub target: LoraTarget,
    pub a: Vec<f32>,
    pub b: Vec<f32>,
}

impl Adapters {
    /// All zeros, for a model of this shape.
    ///
    /// # Errors
    /// [`EngineError::Config`] for settings that cannot be used.
    pub fn zeros(model: &ModelConfig, config: LoraConfig) -> Result<Self, EngineError> {
        config.validate()?;
        let layouts = Layout::all(model, &config);
        let layer = layouts.each_ref().map(|layout| Adapter {
            a: vec![0.0; layout.width * layout.input],
            b: vec![0.0; layout.out * layout.width],
        });
        Ok(Self { config, layouts, layers: vec![layer; model.num_hidden_layers] })
    }

    /// As PEFT starts: every `B` zero, so that the model computes what it did; `A` uniform within `1 / sqrt(in)`, a function
    /// of `seed` and shape alone.
    ///
    /// # Errors
    /// As [`Adapters::zeros`].
    pub fn init(model: &ModelConfig, config: LoraConfig, seed: u64) -> Result<Self, EngineError> {
        let mut adapters = Self::zeros(model, config)?;
        let mut stream = 0;
        for layer in &mut adapters.layers {
            for (adapter, layout) in layer.iter_mut().zip(&adapters.layouts) {
                stream += 1;
                let mut random = SplitMix64::for_stream(seed, stream);
                let bound = 1.0 / (layout.input as f64).sqrt();
                adapter.a.fill_with(|| ((2.0 * random.uniform() - 1.0) * bound) as f32);
            }
        }
        Ok(adapters)
    }

    /// Settings.
    pub fn config(&self) -> &LoraConfig {
        &self.config
    }

    /// Number of trained values.
    pub fn parameter_count(&self) -> usize {
        let own = |block: &Block, layout: &Layout| (block.rows.len() + layout.input) * block.columns.len();
        let layer: usize =
            self.layouts.iter().flat_map(|layout| layout.blocks.iter().map(|block| own(block, layout))).sum();
        layer * self.layers.len()
    }

    /// The pair of every adapted projection, block by block.
    pub fn pairs(&self) -> impl Iterator<Item = LoraPair> + '_ {
        self.layers.iter().enumerate().flat_map(move |(layer, adapters)| {
            adapters.iter().zip(&self.layouts).flat_map(move |(adapter, layout)| {
                layout.blocks.iter().map(move |block| {
                    let rows = adapter.b.chunks_exact(layout.width.max(1)).skip(block.rows.start);
                    LoraPair {
                        layer,
                        target: block.target,
                        a: adapter.a[block.columns.start * layout.input..block.columns.end * layout.input].to_vec(),
                        b: rows.take(block.rows.len()).flat_map(|row| &row[block.columns.clone()]).copied().collect(),
                    }
                })
            })
        })
    }

    /// Sets the pair of one projection.
    ///
    /// # Errors
    /// [`EngineError::Batch`] when there is no such projection, [`EngineError::Shape`] when a length does not fit.
    pub fn set(&mut self, pair: &LoraPair) -> Result<(), EngineError> {
        const SET: &str = "set adapter";
        let name = |part: &str| format!("layers.{}.{}.{part}", pair.layer, pair.target);
        let place = self.layouts.iter().enumerate().find_map(|(index, layout)| {
            Some((index, layout, layout.blocks.iter().find(|block| block.target == pair.target)?))
        });
        let (Some((index, layout, block)), true) = (place, pair.layer < self.layers.len()) else {
            let reason = format!("{} does not exist in these adapters", name("lora_A"));
            return Err(EngineError::Batch { operation: SET, reason });
        };
        let rank = block.columns.len();
        for (part, values, expected) in
            [("lora_A", &pair.a, [rank, layout.input]), ("lora_B", &pair.b, [block.rows.len(), rank])]
        {
            if values.len() != expected[0] * expected[1] {
                return Err(EngineError::shape(SET, name(part), &expected, &[values.len()]));
            }
        }
        let adapter = &mut self.layers[pair.layer][index];
        adapter.a[block.columns.start * layout.input..block.columns.end * layout.input].copy_from_slice(&pair.a);
        let rows = adapter.b.chunks_exact_mut(layout.width).skip(block.rows.start);
        for (row, values) in rows.zip(pair.b.chunks_exact(rank)) {
            row[block.columns.clone()].copy_from_slice(values);
        }
        Ok(())
    }

    /// Sets what lies outside the projections' own blocks of `B` to zero: products of the fused pair fill it in.
    pub(crate) fn clear_outside(&mut self) {
        for layer in &mut self.layers {
            for (adapter, layout) in layer.iter_mut().zip(&self.layouts) {
                if layout.blocks.len() > 1 {
                    for (index, value) in adapter.b.iter_mut().enumerate() {
                        if !layout.owns(index) {
                            *value = 0.0;
                        }
                    }
                }
            }
        }
    }

    /// Checks that the adapters belong to a model of this shape.
    pub(crate) fn check(&self, model: &ModelConfig) -> Result<(), EngineError> {
        let own: Vec<usize> = self.layouts.iter().flat_map(|layout| [layout.input, layout.out]).collect();
        let theirs = Layout::all(model, &self.config);
        let theirs: Vec<usize> = theirs.iter().flat_map(|layout| [layout.input, layout.out]).collect();
        if own != theirs {
            return Err(EngineError::shape("attach adapters", "matrices of a block (in, out)", &theirs, &own));
        }
        if self.layers.len() != model.num_hidden_layers {
            let (expected, found) = (model.num_hidden_layers, self.layers.len());
            return Err(EngineError::shape("attach adapters", "layers", &[expected], &[found]));
        }
        Ok(())
    }

    /// Adds `scale B A` to rows `first..` of the fused matrix of a block, `[some rows, in]`.
    pub(crate) fn add_to(&self, layer: usize, fused: usize, first: usize, rows: &mut [f32]) {
        let (layout, adapter, scale) = (&self.layouts[fused], &self.layers[layer][fused], self.config.scale());
        if layout.width == 0 {
            return;
        }
        let factors = adapter.b.chunks_exact(layout.width).skip(first);
        for (row, factors) in rows.chunks_exact_mut(layout.input).zip(factors) {
            for (factor, a) in factors.iter().zip(adapter.a.chunks_exact(layout.input)) {
                if *factor != 0.0 {
                    let factor = factor * scale;
                    row.iter_mut().zip(a).for_each(|(value, a)| *value += factor * a);
                }
            }
        }
    }

    /// The model that computes the same without adapters: `scale B A` added to each matrix.
    ///
    /// # Errors
    /// [`EngineError::Shape`] when the adapters were made for another shape.
    pub fn merge_into(&self, model: &mut Model) -> Result<(), EngineError> {
        self.check(&model.config)?;
        self.add_all(model);
        Ok(())
    }

    /// As [`Adapters::merge_into`], for a model that was checked.
    fn add_all(&self, model: &mut Model) {
        for (layer, weights) in model.weights.layers.iter_mut().enumerate() {
            let matrices = [&mut weights.qkv, &mut weights.o, &mut weights.gate_up, &mut weights.down];
            for (fused, matrix) in matrices.into_iter().enumerate() {
                self.add_to(layer, fused, 0, matrix);
            }
        }
    }
}

impl Parameters for Adapters {
    fn parameters_mut(&mut self) -> Vec<Parameter<'_>> {
        let adapters = self.layers.iter_mut().flatten();
        let values = adapters.flat_map(|adapter| [adapter.a.as_mut_slice(), adapter.b.as_mut_slice()]);
        values.filter(|data| !data.is_empty()).map(|data| Parameter { data, decays: true }).collect()
    }

    fn zeros_like(&self) -> Self {
        let zeros = |adapter: &Adapter| Adapter { a: vec![0.0; adapter.a.len()], b: vec![0.0; adapter.b.len()] };
        let layers = self.layers.iter().map(|layer| layer.each_ref().map(zeros)).collect();
        Self { config: self.config.clone(), layouts: self.layouts.clone(), layers }
    }

    fn named(&self, _model: &ModelConfig) -> Vec<NamedTensor<'_>> {
        let layers = self.layers.iter().enumerate();
        layers
            .flat_map(|(layer, adapters)| {
                let adapted = adapters.iter().zip(&self.layouts).filter(|(_, layout)| layout.width > 0);
                adapted.flat_map(move |(adapter, layout)| {
                    // With the projections in the name, the state of other adapters of the same shape does not fit.
                    let targets: Vec<&str> = layout.blocks.iter().map(|block| block.target.module()).collect();
                    let targets = targets.join("+");
                    let tensor = |side: &str, shape: [usize; 2], data| NamedTensor {
                        name: format!("layers.{layer}.{targets}.lora_{side}"),
                        shape: shape.to_vec(),
                        data,
                    };
                    [
                        tensor("A", [layout.width, layout.input], adapter.a.as_slice()),
                        tensor("B", [layout.out, layout.width], adapter.b.as_slice()),
                    ]
                })
            })
            .collect()
    }

    fn named_mut(&mut self, model: &ModelConfig) -> Vec<NamedTensorMut<'_>> {
        let shapes: Vec<_> = self.named(model).into_iter().map(|tensor| (tensor.name, tensor.shape)).collect();
        let adapters = self.layers.iter_mut().flatten().filter(|adapter| !adapter.a.is_empty());
        let values = adapters.flat_map(|adapter| [&mut adapter.a, &mut adapter.b]);
        shapes.into_iter().zip(values).map(|((name, shape), data)| NamedTensorMut { name, shape, data }).collect()
    }
}

#[cfg(test)]
mod tests;
