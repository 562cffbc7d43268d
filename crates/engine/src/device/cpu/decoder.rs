//! The forward pass of generation: a packed model, a cache of keys and values for each sequence.
//!
//! Every row is computed by the same operations in the same order whatever rows stand beside it, so a sequence does not
//! depend on the batch that it runs in.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Mutex;

use super::cached_attention::{CachedHead, attend_cached, scores_len};
use crate::device::{Decoding, Row};
use crate::generate::pages::{Cache, PAGE};
use crate::kernels::AlignedVec;
use crate::kernels::attention::{HeadGroup, attend_from, attend_scratch};
use crate::kernels::gemm::Store;
use crate::kernels::ops::{self, Turn};
use crate::kernels::simd::Isa;
use crate::pool::{Parts, Scratch, lock, run_parts, run_parts_with};
use crate::rotary::RotaryTable;
use crate::{InferenceModel, ModelConfig};

/// Rows of one task of a row operation.
const ROWS_EACH: usize = 16;
/// Sequences of one task that stores keys and values: few, as it waits for memory.
const STORED_EACH: usize = 4;
/// Values below which a row operation is not worth a fork.
const SERIAL_VALUES: usize = 1 << 14;

/// A model with rotary tables.
pub(crate) struct Decoder<'a> {
    model: Cow<'a, InferenceModel<'a>>,
    isa: Isa,
    rotary: RotaryTable,
    /// Most rows of `A` of an adapter.
    widest: usize,
    /// One for each worker.
    spaces: Vec<Mutex<Workspace>>,
}

/// Buffers of one thread's forward passes, reused.
#[derive(Default)]
struct Workspace {
    x: AlignedVec,
    normed: AlignedVec,
    qkv: AlignedVec,
    attended: AlignedVec,
    grouped: AlignedVec,
    lse: AlignedVec,
    gate_up: AlignedVec,
    hidden: AlignedVec,
    /// What adapters compute between their two matrices.
    lowered: AlignedVec,
    /// Logits of the rows asked for, `[rows, vocab]`.
    logits: AlignedVec,
    scratch: Scratch,
}

impl Workspace {
    /// Space for `rows` new tokens behind `before` others.
    fn prepare(&mut self, config: &ModelConfig, before: usize, rows: usize, logits: usize, scratch: usize) {
        self.x.grow(rows * config.hidden_size);
        self.normed.grow(rows * config.hidden_size);
        self.qkv.grow((before + rows) * config.qkv_width());
        self.attended.grow(rows * config.query_width());
        self.grouped.grow(rows * config.query_width());
        self.lse.grow(rows * config.num_attention_heads);
        self.gate_up.grow(rows * 2 * config.intermediate_size);
        self.hidden.grow(rows * config.intermediate_size);
        self.logits.grow(logits * config.vocab_size);
        self.scratch.prepare(scratch);
    }
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(model: Cow<'a, InferenceModel<'a>>) -> Self {
        let rotary = RotaryTable::new(model.config(), &model.architecture().rope_scaling);
        Self { widest: model.widest(), model, isa: Isa::detect(), rotary, spaces: Vec::new() }
    }

    fn config(&self) -> &ModelConfig {
        self.model.config()
    }

    fn embed(&self, x: &mut [f32], tokens: impl Iterator<Item = u32>) {
        let hidden = self.config().hidden_size;
        for (row, token) in x.chunks_exact_mut(hidden).zip(tokens) {
            self.model.embed(token, row);
        }
    }

    /// Runs a prompt behind the positions that `cache` has computed (at most all but the last), fills the cache and leaves
    /// the logits behind its last token in `space.logits`.
    ///
    /// The rows of a prompt are computed one by one as far as rounding goes, so that what is taken from the cache changes no
    /// bit of the rest.
    fn fill(&self, prompt: &[u32], cache: &mut Cache, space: &mut Workspace) {
        let config = self.config();
        let (before, hidden, width) = (cache.computed(), config.hidden_size, config.qkv_width());
        let rows = prompt.len() - before;
        let scratch = attend_scratch(self.isa, prompt.len(), config.head_dim);
        space.prepare(config, before, rows, 1, scratch);
        space.lowered.grow(rows * self.widest);
        self.embed(&mut space.x[..rows * hidden], prompt[before..].iter().copied());
        let last = self.model.layers.len() - 1;
        for layer in 0..=last {
            self.project(layer, before, rows, space);
            by_rows(rows, width, &mut space.qkv[before * width..], &mut space.scratch, |range, part| {
                for (row, values) in range.zip(part.chunks_exact_mut(width)) {
                    self.turn(layer, before + row, values);
                }
            });
            for (position, row) in space.qkv[..prompt.len() * width].chunks_exact_mut(width).enumerate() {
                if position < before {
                    cache.load(config, layer, position, row);
                } else {
                    cache.store(config, layer, position, row);
                }
            }
            if layer == last {
                // Behind the last keys and values only the last row is needed.
                self.attend_prompt(layer, prompt.len() - 1, 1, space);
                space.x.copy_within((rows - 1) * hidden..rows * hidden, 0);
                self.finish_layer(layer, 1, space);
            } else {
                self.attend_prompt(layer, before, rows, space);
                self.finish_layer(layer, rows, space);
            }
        }
        self.head(1, space);
    }

    /// Runs one token of each sequence; the logits of row `i` are `space.logits[i * vocab..]`.
    fn advance(&self, batch: &mut [Row<'_>], space: &mut Workspace) {
        let config = self.config();
        let (rows, hidden, width) = (batch.len(), config.hidden_size, config.qkv_width());
        let longest = batch.iter().map(|row| row.position + 1).max().unwrap_or(0);
        let scratch = scores_len(config.queries_per_key_value(), longest);
        space.prepare(config, 0, rows, rows, scratch);
        space.lowered.grow(rows * self.widest);
        self.embed(&mut space.x[..rows * hidden], batch.iter().map(|row| row.token));
        for layer in 0..self.model.layers.len() {
            self.project(layer, 0, rows, space);
            let each = if rows * width <= SERIAL_VALUES { rows } else { STORED_EACH };
            run_parts_with(
                rows.div_ceil(each),
                &mut space.scratch,
                [Parts::even(&mut space.qkv[..rows * width], each * width)],
                Parts::even(batch, each),
                |_, _, [part], batch| {
                    for (row, values) in batch.iter_mut().zip(part.chunks_exact_mut(width)) {
                        self.turn(layer, row.position, values);
                        row.cache.store(config, layer, row.position, values);
                    }
                },
            );
            self.attend_rows(layer, batch, space);
            self.finish_layer(layer, rows, space);
        }
        self.head(rows, space);
    }

    /// Norm and fused projection: `x` to the rows of `qkv` from `first` on.
    fn project(&self, layer: usize, first: usize, rows: usize, space: &mut Workspace) {
        let config = self.config();
        let (hidden, width) = (config.hidden_size, config.qkv_width());
        let block = &self.model.layers[layer];
        self.norm(&block.attn_norm, rows, space);
        let qkv = &mut space.qkv[first * width..];
        let normed = &space.normed[..rows * hidden];
        block.qkv.multiply(normed, rows, &mut qkv[..rows * width], Store::Overwrite, &mut space.lowered);
    }

    /// Biases, norms and rotation of the queries and keys in one row of the fused projection.
    fn turn(&self, layer: usize, position: usize, row: &mut [f32]) {
        let config = self.config();
        let rotated = config.query_width() + config.key_value_width();
        let extras = self.model.layers[layer].projection_extras();
        if extras.any() {
            extras.apply(self.isa, row, config.query_width(), rotated, config.rms_norm_eps, None);
        }
        let (cos, sin) = self.rotary.at(position);
        ops::rotate(self.isa, &mut row[..rotated], cos, sin, Turn::With);
    }

    fn norm(&self, weight: &[f32], rows: usize, space: &mut Workspace) {
        let (hidden, eps) = (self.config().hidden_size, self.config().rms_norm_eps);
        let x = &space.x;
        by_rows(rows, hidden, &mut space.normed, &mut space.scratch, |range, part| {
            ops::rms_norm(self.isa, &x[range.start * hidden..range.end * hidden], weight, eps, part);
        });
    }

    /// Causal attention of the `rows` tokens of a prompt behind its first `before`, from `qkv` to `attended`.
    fn attend_prompt(&self, layer: usize, before: usize, rows: usize, space: &mut Workspace) {
        let config = self.config();
        let (heads, queries) = (config.num_key_value_heads, config.queries_per_key_value());
        let (head_dim, width) = (config.head_dim, config.qkv_width());
        let group_width = queries * head_dim;
        let window = self.model.architecture().window(layer);
        let length = before + rows;
        let qkv = &space.qkv[..length * width];
        run_parts(
            heads,
            &mut space.scratch,
            [
                Parts::even(&mut space.grouped[..rows * config.query_width()], rows * group_width),
                Parts::even(&mut space.lse[..rows * config.num_attention_heads], rows * queries),
            ],
            |head, scratch, [out, lse]| {
                let key_column = config.query_width() + head * head_dim;
                let group = HeadGroup {
                    qkv,
                    width,
                    length,
                    head_dim,
                    queries,
                    query_column: head * group_width,
                    key_column,
                    value_column: key_column + config.key_value_width(),
                    window,
                };
                attend_from(self.isa, &group, before, out, lse, scratch);
            },
        );
        // From one block for each group to rows of all heads.
        for (head, group) in space.grouped[..rows * config.query_width()].chunks_exact(rows * group_width).enumerate() {
            for (row, values) in group.chunks_exact(group_width).enumerate() {
                let start = row * config.query_width() + head * group_width;
                space.attended[start..start + group_width].copy_from_slice(values);
            }
        }
    }

    /// Attention of one new token of each sequence over its cache.
    fn attend_rows(&self, layer: usize, batch: &[Row<'_>], space: &mut Workspace) {
        let config = self.config();
        let (heads, queries) = (config.num_key_value_heads, config.queries_per_key_value());
        let (head_dim, width) = (config.head_dim, config.qkv_width());
        let window = self.model.architecture().window(layer);
        let qkv = &space.qkv;
        run_parts(
            batch.len() * heads,
            &mut space.scratch,
            [Parts::even(&mut space.attended[..batch.len() * config.query_width()], queries * head_dim)],
            |task, scores, [out]| {
                let (row, head) = (task / heads, task % heads);
                let Row { position, cache, .. } = &batch[row];
                // Whole pages before the window are passed over.
                let oldest = (position + 1).saturating_sub(window);
                let passed = oldest / PAGE * PAGE;
                let counted = oldest - passed..position + 1 - passed;
                let shared = CachedHead { pages: cache.pages_from(passed), head: layer * heads + head, head_dim };
                let start = row * width + head * queries * head_dim;
                let query = &qkv[start..start + queries * head_dim];
                attend_cached(self.isa, query, shared, counted, out, scores);
            },
        );
    }

    /// Output projection and SwiGLU layer, both added to `x`.
    fn finish_layer(&self, layer: usize, rows: usize, space: &mut Workspace) {
        let config = self.config();
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let block = &self.model.layers[layer];
        let attended = &space.attended[..rows * config.query_width()];
        block.o.multiply(attended, rows, &mut space.x[..rows * hidden], Store::Add, &mut space.lowered);
        self.norm(&block.mlp_norm, rows, space);
        let normed = &space.normed[..rows * hidden];
        let gate_up = &mut space.gate_up[..rows * 2 * wide];
        block.gate_up.multiply(normed, rows, gate_up, Store::Overwrite, &mut space.lowered);
        let gate_up = &space.gate_up;
        by_rows(rows, wide, &mut space.hidden, &mut space.scratch, |range, part| {
            ops::swiglu(self.isa, &gate_up[range.start * 2 * wide..range.end * 2 * wide], wide, part);
        });
        let (activated, x) = (&space.hidden[..rows * wide], &mut space.x[..rows * hidden]);
        block.down.multiply(activated, rows, x, Store::Add, &mut space.lowered);
    }

    fn head(&self, rows: usize, space: &mut Workspace) {
        let config = self.config();
        self.norm(&self.model.norm, rows, space);
        self.model.head.multiply(
            &space.normed[..rows * config.hidden_size],
            rows,
            &mut space.logits[..rows * config.vocab_size],
            Store::Overwrite,
        );
    }
}

impl Decoding for Decoder<'_> {
    fn config(&self) -> &ModelConfig {
        self.model.config()
    }

    fn oldest_seen(&self, position: usize) -> usize {
        let windows = (0..self.model.layers.len()).map(|layer| self.model.architecture().window(layer));
        (position + 1).saturating_sub(windows.max().unwrap_or(usize::MAX))
    }

    fn prepare(&mut self, positions: usize, workers: usize) {
        self.rotary.grow(positions);
        self.spaces.resize_with(workers.max(self.spaces.len()), Mutex::default);
    }

    fn prefill(&self, worker: usize, prompt: &[u32], cache: &mut Cache) -> Vec<f32> {
        let mut space = lock(&self.spaces[worker]);
        self.fill(prompt, cache, &mut space);
        space.logits[..self.config().vocab_size].to_vec()
    }

    fn step(&self, worker: usize, rows: &mut [Row<'_>]) {
        self.advance(rows, &mut lock(&self.spaces[worker]));
    }

    fn logits(&self, worker: usize, rows: usize, take: &mut dyn FnMut(&[f32])) {
        take(&lock(&self.spaces[worker]).logits[..rows * self.config().vocab_size]);
    }
}

/// Runs `body(rows, their part of out)` over blocks of rows, in parallel when there is enough to do.
fn by_rows(
    rows: usize,
    width: usize,
    out: &mut [f32],
    scratch: &mut Scratch,
    body: impl Fn(Range<usize>, &mut [f32]) + Sync,
) {
    let out = &mut out[..rows * width];
    if rows * width <= SERIAL_VALUES {
        body(0..rows, out);
        return;
    }
    run_parts(rows.div_ceil(ROWS_EACH), scratch, [Parts::even(out, ROWS_EACH * width)], |task, _, [part]| {
        let first = task * ROWS_EACH;
        body(first..(first + ROWS_EACH).min(rows), part);
    });
}
