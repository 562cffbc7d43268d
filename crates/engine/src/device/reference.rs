//! A second device for tests: the operations as they are defined, one value after the other in double precision. It trains all
//! weights and has no adapters.

use std::path::Path;

use super::{Device, Kept, RESULTS, Trained, Values};
use crate::chunk::Chunk;
use crate::device::cpu::optim::Parameters;
use crate::dropout::Dropout;
use crate::frame::Frame;
use crate::rotary::RotaryTable;
use crate::{AdamWConfig, EngineError, InferenceModel, Model, ModelConfig, Objective, Precision, TokenLoss, Weights};

type Rows = Vec<Vec<f64>>;

#[derive(Debug)]
pub(crate) struct Reference {
    model: Model,
    adamw: AdamWConfig,
    gradients: Weights,
    moments: [Weights; 2],
    steps: u64,
    rotary: RotaryTable,
    blocks: Vec<Block>,
    /// Inputs of the blocks and the decoder's output.
    x: Vec<Rows>,
    logits: Rows,
    results: Vec<f32>,
    dx: Rows,
    dmid: Rows,
    dgate_up: Rows,
    dattended: Rows,
    dqkv: Rows,
}

#[derive(Clone, Debug, Default)]
struct Block {
    normed: Rows,
    /// Before norms of heads and rotation, and behind them.
    raw: Rows,
    qkv: Rows,
    attended: Rows,
    mid: Rows,
    mid_normed: Rows,
    gate_up: Rows,
    activated: Rows,
}

fn norm(x: &[f64], weight: &[f32], eps: f32) -> Vec<f64> {
    let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
    let scale = 1.0 / (mean + f64::from(eps)).sqrt();
    x.iter().zip(weight).map(|(x, w)| x * scale * f64::from(*w)).collect()
}

/// Gradient of the input; adds that of the weight.
fn norm_backward(x: &[f64], weight: &[f32], eps: f32, dy: &[f64], dweight: &mut [f32]) -> Vec<f64> {
    let count = x.len() as f64;
    let scale = 1.0 / (x.iter().map(|x| x * x).sum::<f64>() / count + f64::from(eps)).sqrt();
    let along: f64 = (0..x.len()).map(|i| dy[i] * f64::from(weight[i]) * x[i]).sum::<f64>() * scale.powi(3) / count;
    (0..x.len())
        .map(|i| {
            dweight[i] += (dy[i] * x[i] * scale) as f32;
            dy[i] * f64::from(weight[i]) * scale - x[i] * along
        })
        .collect()
}

/// `W x` for `[out, in]`.
fn times(weight: &[f32], x: &[f64]) -> Vec<f64> {
    weight.chunks_exact(x.len()).map(|row| row.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum()).collect()
}

/// `W^T dy`.
fn back(weight: &[f32], dy: &[f64]) -> Vec<f64> {
    let input = weight.len() / dy.len();
    let column = |i: usize| dy.iter().enumerate().map(|(o, dy)| f64::from(weight[o * input + i]) * dy).sum();
    (0..input).map(column).collect()
}

/// `dW += dy x^T` over all rows.
fn outer(dy: &Rows, x: &Rows, gradient: &mut [f32]) {
    let Some(input) = x.first().map(Vec::len) else { return };
    for (index, value) in gradient.iter_mut().enumerate() {
        let sum: f64 = dy.iter().zip(x).map(|(dy, x)| dy[index / input] * x[index % input]).sum();
        *value += sum as f32;
    }
}

fn add(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

impl Reference {
    pub(crate) fn training(model: Model, adamw: AdamWConfig) -> Self {
        let zeros = || model.weights.zeros_like();
        Self {
            gradients: zeros(),
            moments: [zeros(), zeros()],
            rotary: RotaryTable::new(&model.config, &model.architecture.rope_scaling),
            model,
            adamw,
            steps: 0,
            blocks: Vec::new(),
            x: Vec::new(),
            logits: Vec::new(),
            results: Vec::new(),
            dx: Vec::new(),
            dmid: Vec::new(),
            dgate_up: Vec::new(),
            dattended: Vec::new(),
            dqkv: Vec::new(),
        }
    }

    /// Turns queries and keys of a row by the angle of its place, or back.
    fn rotate(&self, row: &mut [f64], place: usize, sign: f64) {
        let half = self.model.config.head_dim / 2;
        let (cos, sin) = self.rotary.at(place);
        let turned = self.model.config.query_width() + self.model.config.key_value_width();
        for head in row[..turned].chunks_exact_mut(2 * half) {
            for i in 0..half {
                let (a, b) = (head[i], head[half + i]);
                let (cos, sin) = (f64::from(cos[i]), f64::from(sin[i]) * sign);
                (head[i], head[half + i]) = (a * cos - b * sin, b * cos + a * sin);
            }
        }
    }

    /// Ranges of the heads of queries and keys in a row, each with whether it is a query.
    fn heads(&self) -> Vec<(std::ops::Range<usize>, bool)> {
        let config = &self.model.config;
        let (dim, queries) = (config.head_dim, config.query_width());
        (0..(queries + config.key_value_width()) / dim).map(|i| (i * dim..(i + 1) * dim, i * dim < queries)).collect()
    }

    fn project(&mut self, chunk: &Chunk, layer: usize) {
        let (weights, eps) = (&self.model.weights.layers[layer], self.model.config.rms_norm_eps);
        let normed: Rows = self.x[layer].iter().map(|x| norm(x, &weights.attn_norm, eps)).collect();
        let mut raw: Rows = normed.iter().map(|x| times(&weights.qkv, x)).collect();
        for row in &mut raw {
            row.iter_mut().zip(&weights.qkv_bias).for_each(|(value, bias)| *value += f64::from(*bias));
        }
        let mut qkv = raw.clone();
        for (row, place) in qkv.iter_mut().zip(&chunk.places) {
            if !weights.q_norm.is_empty() {
                for (range, query) in self.heads() {
                    let weight = if query { &weights.q_norm } else { &weights.k_norm };
                    let head = norm(&row[range.clone()], weight, eps);
                    row[range].copy_from_slice(&head);
                }
            }
            self.rotate(row, *place as usize, 1.0);
        }
        let block = &mut self.blocks[layer];
        (block.normed, block.raw, block.qkv) = (normed, raw, qkv);
    }

    /// Everything behind attention but the last projection.
    fn gate(&mut self, layer: usize) {
        let (weights, config) = (&self.model.weights.layers[layer], &self.model.config);
        let block = &mut self.blocks[layer];
        block.mid = block.attended.iter().zip(&self.x[layer]).map(|(a, x)| add(&times(&weights.o, a), x)).collect();
        block.mid_normed = block.mid.iter().map(|x| norm(x, &weights.mlp_norm, config.rms_norm_eps)).collect();
        block.gate_up = block.mid_normed.iter().map(|x| times(&weights.gate_up, x)).collect();
        let wide = config.intermediate_size;
        let swiglu = |row: &Vec<f64>| (0..wide).map(|i| row[i] / (1.0 + (-row[i]).exp()) * row[wide + i]).collect();
        block.activated = block.gate_up.iter().map(swiglu).collect();
    }

    /// Calls `work` with sequence rows, query head column, key column and value column of every query head.
    fn each_head(&self, chunk: &Chunk, mut work: impl FnMut(std::ops::Range<usize>, [usize; 3])) {
        let config = &self.model.config;
        let (dim, queries, keys) = (config.head_dim, config.query_width(), config.key_value_width());
        for bounds in chunk.bounds.windows(2) {
            for head in 0..config.num_attention_heads {
                let shared = head / config.queries_per_key_value() * dim;
                work(bounds[0]..bounds[1], [head * dim, queries + shared, queries + keys + shared]);
            }
        }
    }

    /// First row that `row` of a sequence looks at, and its softmax over the rows up to itself.
    fn looks(&self, rows: &Rows, begin: usize, row: usize, layer: usize, columns: [usize; 3]) -> (usize, Vec<f64>) {
        let dim = self.model.config.head_dim;
        let window = self.model.architecture.window(layer);
        let first = begin.max((row + 1).saturating_sub(window));
        let score = |key: usize| -> f64 {
            let dot: f64 = (0..dim).map(|i| rows[row][columns[0] + i] * rows[key][columns[1] + i]).sum();
            (dot / (dim as f64).sqrt()).exp()
        };
        let scores: Vec<f64> = (first..=row).map(score).collect();
        let total: f64 = scores.iter().sum();
        (first, scores.into_iter().map(|score| score / total).collect())
    }
}

impl Device for Reference {
    fn config(&self) -> &ModelConfig {
        &self.model.config
    }

    fn refresh(&mut self) {}

    fn begin(&mut self, chunk: &Chunk, _kept: Kept, dropout: Option<Dropout>) {
        assert!(dropout.is_none(), "no adapters here");
        let config = &self.model.config;
        self.rotary.grow(chunk.longest());
        self.blocks = vec![Block::default(); config.num_hidden_layers];
        self.x = vec![Vec::new(); config.num_hidden_layers + 1];
        self.dx = vec![vec![0.0; config.hidden_size]; chunk.rows()];
        self.dqkv = vec![vec![0.0; config.qkv_width()]; chunk.rows()];
    }

    fn embed(&mut self, chunk: &Chunk) {
        let row = |token: &u32| {
            let mut row = vec![0.0; self.model.config.hidden_size];
            Frame::embed(&self.model, *token, &mut row);
            row.into_iter().map(f64::from).collect()
        };
        self.x[0] = chunk.tokens.iter().map(row).collect();
        self.project(chunk, 0);
    }

    fn attend(&mut self, chunk: &Chunk, layer: usize) {
        let (config, qkv) = (&self.model.config, &self.blocks[layer].qkv);
        let mut attended = vec![vec![0.0; config.query_width()]; chunk.rows()];
        self.each_head(chunk, |rows, columns| {
            for row in rows.clone() {
                let (first, shares) = self.looks(qkv, rows.start, row, layer, columns);
                for i in 0..config.head_dim {
                    let value = |(key, share): (usize, &f64)| share * qkv[first + key][columns[2] + i];
                    attended[row][columns[0] + i] = shares.iter().enumerate().map(value).sum();
                }
            }
        });
        self.blocks[layer].attended = attended;
    }

    fn dense(&mut self, chunk: &Chunk, layer: usize) {
        self.gate(layer);
        let (weights, block) = (&self.model.weights.layers[layer], &self.blocks[layer]);
        let rows = block.activated.iter().zip(&block.mid);
        self.x[layer + 1] = rows.map(|(activated, mid)| add(&times(&weights.down, activated), mid)).collect();
        if layer + 1 < self.model.config.num_hidden_layers {
            self.project(chunk, layer + 1);
        }
    }

    fn head(&mut self, chunk: &Chunk, objective: Option<&dyn Objective>) {
        let eps = self.model.config.rms_norm_eps;
        let weights = &self.model.weights;
        let output = &self.x[self.model.config.num_hidden_layers];
        (self.results, self.logits) = (Vec::new(), Vec::new());
        for entry in &chunk.supervised {
            let x = &output[entry.row as usize];
            let normed = norm(x, &weights.norm, eps);
            let logits = times(weights.head_matrix(), &normed);
            let total: f64 = logits.iter().map(|logit| logit.exp()).sum();
            let shares: Vec<f64> = logits.iter().map(|logit| logit.exp() / total).collect();
            let target = entry.target as usize;
            let logp = logits[target] - total.ln();
            let entropy: f64 = -shares.iter().map(|share| share * share.ln()).sum::<f64>();
            let found =
                |objective: &dyn Objective| objective.token(entry.position as usize, logp as f32, entropy as f32);
            let loss = objective.map_or_else(TokenLoss::default, found);
            self.results.extend([loss.loss * entry.weight, logp as f32, entropy as f32]);
            if objective.is_some() {
                let dlogp = f64::from(loss.dlogp * entry.weight);
                let dlogit = |i: usize| dlogp * (f64::from(u8::from(i == target)) - shares[i]);
                let dlogits: Vec<f64> = (0..logits.len()).map(dlogit).collect();
                let dnormed = back(weights.head_matrix(), &dlogits);
                let dx = norm_backward(x, &weights.norm, eps, &dnormed, &mut self.gradients.norm);
                self.dx[entry.row as usize] = dx;
                let gradient = self.gradients.head.as_mut().unwrap_or(&mut self.gradients.embed);
                outer(&vec![dlogits], &vec![normed], gradient);
            }
            self.logits.push(logits);
        }
    }

    fn read_results(&self, _chunk: &Chunk, results: &mut Vec<f32>) {
        results.clone_from(&self.results);
        assert_eq!(results.len() % RESULTS, 0);
    }

    fn read_logits(&mut self, chunk: &Chunk, logits: &mut [f32]) {
        self.head(chunk, None);
        let values = self.logits.iter().flatten();
        logits.iter_mut().zip(values).for_each(|(logit, value)| *logit = *value as f32);
    }

    fn recompute_projections(&mut self, chunk: &Chunk, layer: usize) {
        self.blocks[layer] = Block::default();
        self.project(chunk, layer);
    }

    fn recompute_dense(&mut self, _chunk: &Chunk, layer: usize) {
        self.gate(layer);
    }

    fn dense_backward(&mut self, _chunk: &Chunk, layer: usize) {
        let (weights, block) = (&self.model.weights.layers[layer], &self.blocks[layer]);
        let (wide, eps) = (self.model.config.intermediate_size, self.model.config.rms_norm_eps);
        let dgate_up = |(dx, row): (&Vec<f64>, &Vec<f64>)| {
            let dactivated = back(&weights.down, dx);
            let mut dgate_up = vec![0.0; 2 * wide];
            for i in 0..wide {
                let share = 1.0 / (1.0 + (-row[i]).exp());
                dgate_up[i] = dactivated[i] * row[wide + i] * (share + row[i] * share * (1.0 - share));
                dgate_up[wide + i] = dactivated[i] * row[i] * share;
            }
            dgate_up
        };
        self.dgate_up = self.dx.iter().zip(&block.gate_up).map(dgate_up).collect();
        let gradient = &mut self.gradients.layers[layer].mlp_norm;
        let rows = self.dgate_up.iter().zip(&block.mid).zip(&self.dx);
        self.dmid = rows
            .map(|((dgate_up, mid), dx)| {
                let dnormed = back(&weights.gate_up, dgate_up);
                add(dx, &norm_backward(mid, &weights.mlp_norm, eps, &dnormed, gradient))
            })
            .collect();
        self.dattended = self.dmid.iter().map(|dmid| back(&weights.o, dmid)).collect();
    }

    fn dense_gradients(&mut self, _chunk: &Chunk, layer: usize) {
        let (block, gradients) = (&self.blocks[layer], &mut self.gradients.layers[layer]);
        outer(&self.dx, &block.activated, &mut gradients.down);
        outer(&self.dgate_up, &block.mid_normed, &mut gradients.gate_up);
        outer(&self.dmid, &block.attended, &mut gradients.o);
    }

    fn spread(&mut self, _chunk: &Chunk) {}

    fn attend_backward(&mut self, chunk: &Chunk, layer: usize) {
        let (dim, qkv) = (self.model.config.head_dim, &self.blocks[layer].qkv);
        let mut dqkv = vec![vec![0.0; self.model.config.qkv_width()]; chunk.rows()];
        self.each_head(chunk, |rows, columns| {
            let [query, key, value] = columns;
            for row in rows.clone() {
                let (first, shares) = self.looks(qkv, rows.start, row, layer, columns);
                let dout = &self.dattended[row][query..query + dim];
                let dot = |at: usize| -> f64 { (0..dim).map(|i| dout[i] * qkv[at][value + i]).sum() };
                let dshares: Vec<f64> = (0..shares.len()).map(|place| dot(first + place)).collect();
                let mean: f64 = dshares.iter().zip(&shares).map(|(d, share)| d * share).sum();
                for (place, share) in shares.iter().enumerate() {
                    let dscore = share * (dshares[place] - mean) / (dim as f64).sqrt();
                    for i in 0..dim {
                        dqkv[first + place][value + i] += share * dout[i];
                        dqkv[row][query + i] += dscore * qkv[first + place][key + i];
                        dqkv[first + place][key + i] += dscore * qkv[row][query + i];
                    }
                }
            }
        });
        self.dqkv = dqkv;
    }

    fn project_backward(&mut self, chunk: &Chunk, layer: usize) {
        let eps = self.model.config.rms_norm_eps;
        let mut dqkv = std::mem::take(&mut self.dqkv);
        for (row, place) in dqkv.iter_mut().zip(&chunk.places) {
            self.rotate(row, *place as usize, -1.0);
        }
        let heads = self.heads();
        let (weights, block) = (&self.model.weights.layers[layer], &self.blocks[layer]);
        let gradients = &mut self.gradients.layers[layer];
        for (row, raw) in dqkv.iter_mut().zip(&block.raw) {
            if !weights.q_norm.is_empty() {
                for (range, query) in &heads {
                    let (weight, gradient) = match query {
                        true => (&weights.q_norm, &mut gradients.q_norm),
                        false => (&weights.k_norm, &mut gradients.k_norm),
                    };
                    let head = norm_backward(&raw[range.clone()], weight, eps, &row[range.clone()], gradient);
                    row[range.clone()].copy_from_slice(&head);
                }
            }
            gradients.qkv_bias.iter_mut().zip(row.iter()).for_each(|(gradient, value)| *gradient += *value as f32);
        }
        let rows = dqkv.iter().zip(&self.x[layer]).zip(&self.dmid);
        self.dx = rows
            .map(|((dqkv, x), dmid)| {
                let dnormed = back(&weights.qkv, dqkv);
                add(dmid, &norm_backward(x, &weights.attn_norm, eps, &dnormed, &mut gradients.attn_norm))
            })
            .collect();
        self.dqkv = dqkv;
    }

    fn project_gradients(&mut self, _chunk: &Chunk, layer: usize) {
        outer(&self.dqkv, &self.blocks[layer].normed, &mut self.gradients.layers[layer].qkv);
    }

    fn embed_backward(&mut self, chunk: &Chunk) {
        let hidden = self.model.config.hidden_size;
        for (token, dx) in chunk.tokens.iter().zip(&self.dx) {
            let row = &mut self.gradients.embed[*token as usize * hidden..][..hidden];
            row.iter_mut().zip(dx).for_each(|(gradient, value)| *gradient += *value as f32);
        }
    }

    fn gradient_norm(&mut self) -> f64 {
        let square = |value: &f32| f64::from(*value).powi(2);
        let tensors = self.gradients.parameters_mut();
        tensors.iter().flat_map(|tensor| tensor.data.iter().map(square)).sum::<f64>().sqrt()
    }

    fn adamw(&mut self, learning_rate: f32, scale: f32) {
        self.steps += 1;
        let AdamWConfig { beta1, beta2, eps, weight_decay } = self.adamw;
        let [beta1, beta2] = [beta1, beta2].map(f64::from);
        let rate = f64::from(learning_rate);
        let [first, second] = &mut self.moments;
        let tensors = self.model.weights.parameters_mut().into_iter().zip(self.gradients.parameters_mut());
        for ((weight, gradient), (m, v)) in tensors.zip(first.parameters_mut().into_iter().zip(second.parameters_mut()))
        {
            for i in 0..weight.data.len() {
                let g = f64::from(gradient.data[i] * scale);
                m.data[i] = (beta1 * f64::from(m.data[i]) + (1.0 - beta1) * g) as f32;
                v.data[i] = (beta2 * f64::from(v.data[i]) + (1.0 - beta2) * g * g) as f32;
                let m = f64::from(m.data[i]) / (1.0 - beta1.powf(self.steps as f64));
                let v = f64::from(v.data[i]) / (1.0 - beta2.powf(self.steps as f64));
                let decay = if weight.decays { rate * f64::from(weight_decay) } else { 0.0 };
                let value = f64::from(weight.data[i]) * (1.0 - decay) - rate * m / (v.sqrt() + f64::from(eps));
                weight.data[i] = value as f32;
            }
        }
        self.zero_gradients();
    }

    fn zero_gradients(&mut self) {
        self.gradients = self.gradients.zeros_like();
    }

    fn steps(&self) -> u64 {
        self.steps
    }

    fn trained(&self) -> Trained<'_> {
        Trained::Weights(&self.model, &self.gradients)
    }

    fn policy(&mut self) -> InferenceModel<'_> {
        InferenceModel::new(&self.model, Precision::Single)
    }

    fn save_state(&self, _path: &Path) -> Result<(), EngineError> {
        Err(EngineError::batch("device state", "this device is kept in memory"))
    }

    fn load_state(&mut self, _path: &Path) -> Result<(), EngineError> {
        Err(EngineError::batch("device state", "this device is kept in memory"))
    }

    fn into_values(self: Box<Self>) -> Values {
        Values::Weights(self.model)
    }
}
