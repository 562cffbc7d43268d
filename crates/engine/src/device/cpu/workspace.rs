//! Buffers of forward and backward: planned for the largest chunk seen, then reused.

use crate::chunk::Chunk;
use crate::device::Kept;
use crate::dropout::Dropout;
use crate::frame::Frame;
use crate::kernels::AlignedVec;
use crate::kernels::attention::attend_scratch;
use crate::kernels::attention_backward::attend_backward_scratch;
use crate::kernels::gemm::{PackedMatrix, pair_stride};
use crate::kernels::outer::{block_rows, blocks_len, outer_scratch};
use crate::kernels::simd::Isa;
use crate::lora::Adapters;
use crate::pool::Scratch;
use crate::rotary::RotaryTable;
use crate::{ModelConfig, Operands};

/// Target number of logits held at a time.
const LOGITS: usize = 2 << 20;

/// Sizes that every kernel call needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub isa: Isa,
    pub hidden: usize,
    pub wide: usize,
    pub heads: usize,
    pub key_values: usize,
    /// Query heads that share a key/value head.
    pub shared: usize,
    pub head_dim: usize,
    /// Width of all query heads.
    pub query: usize,
    /// Width of queries, keys and values.
    pub qkv: usize,
    pub vocab: usize,
    pub eps: f32,
    /// Width of the queries and keys kept as they are before their norm; 0 where heads are not normalised.
    pub raw: usize,
    /// Gradients of a block's biases and head norms side by side; 0 where there are none.
    pub extra: usize,
    /// Rows of `A` of the adapters of each fused matrix, in the order of [`crate::lora::ADAPTED`].
    pub widths: [usize; 4],
    /// What the operands of products are rounded to.
    pub operands: Operands,
    /// Rows of one task; what it leaves for the gradients of weights is one block.
    pub row_tile: usize,
    /// Memory that the products of a tile need besides their operands.
    pub spare: usize,
}

impl Kept {
    /// Index of the input of block `index`; one behind the last is the decoder's output.
    pub(crate) fn input(self, index: usize) -> usize {
        if self == Self::Nothing { index % 2 } else { index }
    }

    /// Index of the other buffers of block `index`.
    pub(crate) fn block(self, index: usize) -> usize {
        if self == Self::All { index } else { index % 2 }
    }
}

impl Sizes {
    pub(crate) fn new(model: &dyn Frame, adapters: Option<&Adapters>, operands: Operands) -> Self {
        let config = model.config();
        let layouts = adapters.map_or(&[][..], |adapters| &adapters.layouts[..]);
        let mut widths = [0; 4];
        for (width, layout) in widths.iter_mut().zip(layouts) {
            *width = layout.width;
        }
        let widest = widths.into_iter().max().unwrap_or(0);
        let input = layouts.iter().filter(|layout| layout.width > 0).map(|layout| layout.input).max().unwrap_or(0);
        let family = model.architecture().family;
        let bias = if family.has_biases() { config.qkv_width() } else { 0 };
        let norms = if family.normalises_heads() { 2 * config.head_dim } else { 0 };
        let turned = config.query_width() + config.key_value_width();
        // The left side of the deepest product, rounded to pairs.
        let depths = [config.hidden_size, config.qkv_width(), 2 * config.intermediate_size, config.vocab_size];
        let pairs = match operands {
            Operands::Single => 0,
            Operands::Bf16 => pair_stride(depths.into_iter().max().unwrap_or(0)),
        };
        let row_tile = block_rows(operands);
        Self {
            isa: Isa::detect(),
            hidden: config.hidden_size,
            wide: config.intermediate_size,
            heads: config.num_attention_heads,
            key_values: config.num_key_value_heads,
            shared: config.queries_per_key_value(),
            head_dim: config.head_dim,
            query: config.query_width(),
            qkv: config.qkv_width(),
            vocab: config.vocab_size,
            eps: config.rms_norm_eps,
            raw: if family.normalises_heads() { turned } else { 0 },
            extra: bias + norms,
            widths,
            operands,
            row_tile,
            spare: row_tile * (widest + input).max(pairs),
        }
    }

    /// Width of queries and keys: what the rotary embedding turns.
    pub(crate) fn turned(&self) -> usize {
        self.query + self.key_values * self.head_dim
    }

    /// Width of the gradients of one head group: its queries, key and value.
    pub(crate) fn group(&self) -> usize {
        (self.shared + 2) * self.head_dim
    }

    /// Supervised rows whose logits are held at a time: a multiple of [`Sizes::row_tile`].
    pub(crate) fn logits_rows(&self) -> usize {
        (LOGITS / self.vocab / self.row_tile).clamp(1, 32) * self.row_tile
    }
}

/// What the backward pass needs of one block.
#[derive(Debug, Default)]
pub(crate) struct BlockBuffers {
    /// Rotated queries and keys, and values, `[rows, qkv]`.
    pub qkv: AlignedVec,
    /// Queries and keys before their norm, `[rows, raw]`.
    pub raw: AlignedVec,
    /// Attention output of each head group, `[key_values, rows, shared * head_dim]`.
    pub attended: AlignedVec,
    /// Logarithm of the softmax normaliser, `[key_values, rows, shared]`.
    pub lse: AlignedVec,
    /// Residual stream after attention, `[rows, hidden]`.
    pub mid: AlignedVec,
    /// `[rows, 2 * wide]`.
    pub gate_up: AlignedVec,
}

/// Buffers of the backward pass, used by one block after the other.
#[derive(Debug, Default)]
pub(crate) struct GradientBuffers {
    /// Gradient of the residual stream, `[rows, hidden]`.
    pub dx: AlignedVec,
    /// Gradient of the residual stream after attention, `[rows, hidden]`.
    pub dmid: AlignedVec,
    /// Output of the SwiGLU layer, `[rows, wide]` in blocks (see [`crate::kernels::outer::put_block`]).
    pub activated: AlignedVec,
    /// `[rows, 2 * wide]`.
    pub dgate_up: AlignedVec,
    /// Normalised input of a product, `[rows, hidden]` in blocks.
    pub normed: AlignedVec,
    /// Attention output by row, `[rows, query]` in blocks.
    pub attended: AlignedVec,
    /// Gradient of the attention output by row, `[rows, query]`.
    pub dattended: AlignedVec,
    /// `rowsum(dO * O)`, `[rows, heads]`.
    pub delta: AlignedVec,
    /// Gradients by head group, `[key_values, rows, (shared + 2) * head_dim]`.
    pub dgroups: AlignedVec,
    /// `[rows, qkv]`.
    pub dqkv: AlignedVec,
    /// Norm gradients of each task, `[tiles, hidden]`.
    pub dnorm: AlignedVec,
    /// Gradients of biases and head norms of each task, `[tiles, extra]`.
    pub dextra: AlignedVec,
    /// Inputs of the adapters through `A`, `[rows, width]` in blocks for each fused matrix.
    pub lowered: [AlignedVec; 4],
    /// The gradients of these, `[rows, width]`.
    pub dlowered: [AlignedVec; 4],
}

/// Buffers of the head.
#[derive(Debug, Default)]
pub(crate) struct HeadBuffers {
    /// `[logits_rows, vocab]`.
    pub logits: AlignedVec,
    /// `[logits_rows, hidden]` in blocks.
    pub normed: AlignedVec,
    /// For each supervised row: weighted loss, log-probability, entropy, `[supervised, 3]`.
    pub results: AlignedVec,
}

/// All buffers.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub sizes: Sizes,
    /// What the buffers were prepared for.
    pub kept: Kept,
    /// Input of each block, `[rows, hidden]`; the one behind the last is the decoder's output, for the supervised rows.
    pub inputs: Vec<AlignedVec>,
    /// The other activations of each block.
    pub blocks: Vec<BlockBuffers>,
    pub gradient: GradientBuffers,
    pub head: HeadBuffers,
    pub rotary: RotaryTable,
    pub scratch: Scratch,
    /// Bounds of the parts of [`BlockBuffers::attended`], one for each head group and sequence, and likewise for `lse` and
    /// [`GradientBuffers::dgroups`].
    pub attended_bounds: Vec<usize>,
    pub lse_bounds: Vec<usize>,
    pub dgroup_bounds: Vec<usize>,
    /// Rows of the chunk that the head sees, and their positions in the batch.
    pub head_rows: Vec<u32>,
    pub head_positions: Vec<u32>,
    /// Dropout of the inputs of adapters; none outside training.
    pub dropout: Option<Dropout>,
    /// Matrices of the present block for the way back, where they are not kept.
    pub transposed: Option<[PackedMatrix; 4]>,
}

impl Workspace {
    pub(crate) fn new(model: &dyn Frame, adapters: Option<&Adapters>, operands: Operands) -> Self {
        Self {
            sizes: Sizes::new(model, adapters, operands),
            kept: Kept::Nothing,
            inputs: Vec::new(),
            blocks: Vec::new(),
            gradient: GradientBuffers::default(),
            head: HeadBuffers::default(),
            rotary: RotaryTable::new(model.config(), &model.architecture().rope_scaling),
            scratch: Scratch::default(),
            attended_bounds: Vec::new(),
            lse_bounds: Vec::new(),
            dgroup_bounds: Vec::new(),
            head_rows: Vec::new(),
            head_positions: Vec::new(),
            dropout: None,
            transposed: None,
        }
    }

    /// Makes all buffers large enough for `chunk`, with those of the backward pass unless nothing is kept.
    pub(crate) fn prepare(&mut self, config: &ModelConfig, chunk: &Chunk, kept: Kept) {
        let sizes = self.sizes;
        let (rows, supervised) = (chunk.rows(), chunk.supervised.len());
        self.kept = kept;
        let layers = config.num_hidden_layers;
        let inputs = (0..=layers).map(|index| kept.input(index) + 1).max().unwrap_or(0);
        let blocks = (0..layers).map(|index| kept.block(index) + 1).max().unwrap_or(0);
        self.inputs.resize_with(inputs.max(self.inputs.len()), AlignedVec::default);
        self.blocks.resize_with(blocks.max(self.blocks.len()), BlockBuffers::default);
        for (index, input) in self.inputs.iter_mut().enumerate().take(inputs) {
            let output_only = kept != Kept::Nothing && index == layers;
            input.grow(if output_only { supervised } else { rows } * sizes.hidden);
        }
        for block in self.blocks.iter_mut().take(blocks) {
            block.qkv.grow(rows * sizes.qkv);
            block.raw.grow(rows * sizes.raw);
            block.attended.grow(rows * sizes.query);
            block.lse.grow(rows * sizes.heads);
            block.mid.grow(rows * sizes.hidden);
            block.gate_up.grow(rows * 2 * sizes.wide);
        }
        let gradients = kept != Kept::Nothing;
        let logits_rows = sizes.logits_rows().min(supervised);
        self.head.logits.grow(logits_rows * sizes.vocab);
        if gradients {
            self.head.normed.grow(blocks_len(sizes.isa, logits_rows, sizes.hidden, sizes.operands));
        }
        self.head.results.grow(supervised * 3);
        self.rotary.grow(chunk.longest());
        if gradients {
            self.prepare_gradients(rows);
        }
        self.prepare_scratch(chunk.longest(), gradients);
        self.set_bounds(chunk);
        self.head_rows.clear();
        self.head_rows.extend(chunk.supervised.iter().map(|entry| entry.row));
        self.head_positions.clear();
        self.head_positions.extend(chunk.supervised.iter().map(|entry| entry.position));
    }

    /// The decoder's output after a forward pass through `layers` blocks.
    pub(crate) fn output(&self, layers: usize) -> &[f32] {
        &self.inputs[self.kept.input(layers)]
    }

    fn prepare_gradients(&mut self, rows: usize) {
        let sizes = self.sizes;
        let buffers = &mut self.gradient;
        buffers.dx.grow(rows * sizes.hidden);
        buffers.dmid.grow(rows * sizes.hidden);
        let in_blocks = |columns| blocks_len(sizes.isa, rows, columns, sizes.operands);
        buffers.activated.grow(in_blocks(sizes.wide));
        buffers.dgate_up.grow(rows * 2 * sizes.wide);
        buffers.normed.grow(in_blocks(sizes.hidden));
        buffers.attended.grow(in_blocks(sizes.query));
        buffers.dattended.grow(rows * sizes.query);
        buffers.delta.grow(rows * sizes.heads);
        buffers.dgroups.grow(rows * sizes.key_values * sizes.group());
        buffers.dqkv.grow(rows * sizes.qkv);
        buffers.dnorm.grow(rows.div_ceil(sizes.row_tile) * sizes.hidden);
        buffers.dextra.grow(rows.div_ceil(sizes.row_tile) * sizes.extra);
        for (index, width) in sizes.widths.into_iter().enumerate() {
            buffers.lowered[index].grow(in_blocks(width));
            buffers.dlowered[index].grow(rows * width);
        }
    }

    fn prepare_scratch(&mut self, longest: usize, gradients: bool) {
        let sizes = self.sizes;
        let forward = 2 * sizes.hidden.max(sizes.query) + sizes.hidden + sizes.wide;
        let backward = sizes.wide + 3 * sizes.hidden.max(sizes.query);
        let tile = sizes.row_tile * forward.max(backward) + sizes.spare;
        let mut needed = tile.max(attend_scratch(sizes.isa, longest, sizes.head_dim));
        if gradients {
            needed = needed.max(attend_backward_scratch(sizes.isa, longest, sizes.head_dim)).max(outer_scratch(
                sizes.isa,
                MAX_STRIP,
                sizes.operands,
            ));
        }
        self.scratch.prepare(needed);
    }

    fn set_bounds(&mut self, chunk: &Chunk) {
        let sizes = self.sizes;
        let rows = chunk.rows();
        for (bounds, width) in [
            (&mut self.attended_bounds, sizes.shared * sizes.head_dim),
            (&mut self.lse_bounds, sizes.shared),
            (&mut self.dgroup_bounds, sizes.group()),
        ] {
            bounds.clear();
            for group in 0..sizes.key_values {
                let starts = &chunk.bounds[..chunk.sequences()];
                bounds.extend(starts.iter().map(|start| (group * rows + start) * width));
            }
            bounds.push(sizes.key_values * rows * width);
        }
    }
}

/// Most rows of one strip of a weight gradient.
pub(crate) const MAX_STRIP: usize = 96;

/// Rows of one strip of the gradient of a weight with `columns` columns: about equal work for every matrix. In bf16 the
/// products of a strip are soon done, and it is the reading of the other side, once for each strip, that counts.
pub(crate) fn strip_rows(columns: usize, operands: Operands) -> usize {
    match operands {
        Operands::Single => (16_384 / columns.max(1)).clamp(MAX_STRIP / 2, MAX_STRIP) / 12 * 12,
        Operands::Bf16 => MAX_STRIP,
    }
}
