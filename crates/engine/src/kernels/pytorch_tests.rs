//! Every operation against PyTorch's values (`tests/fixtures/make_fixtures.py`).

use safetensors::tensor::SafeTensors;

use super::attention::{HeadGroup, attend, attend_scratch};
use super::attention_backward::{GroupGradient, attend_backward, attend_backward_scratch};
use super::gemm::{PackedMatrix, Store};
use super::ops::{self, Turn};
use super::outer::tests::blocks;
use super::outer::{Outer, accumulate_outer, outer_scratch};
use super::simd::Isa;
use crate::Operands;

const BYTES: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/ops.safetensors"));

fn load(name: &str) -> Vec<f32> {
    let file = SafeTensors::deserialize(BYTES).unwrap();
    let data = file.tensor(name).unwrap().data().to_vec();
    data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

fn assert_close(found: &[f32], name: &str) {
    let expected = load(name);
    assert_eq!(found.len(), expected.len(), "{name}");
    let scale = expected.iter().fold(0.0f32, |a, b| a.max(b.abs()));
    for (index, (a, b)) in found.iter().zip(&expected).enumerate() {
        assert!((a - b).abs() <= 3e-6 * scale, "{name}[{index}]: {a} instead of {b}");
    }
}

#[test]
fn norm() {
    for isa in Isa::available() {
        let (x, weight, dout) = (load("norm.x"), load("norm.weight"), load("norm.dout"));
        let mut out = vec![0.0; x.len()];
        ops::rms_norm(isa, &x, &weight, 1e-5, &mut out);
        assert_close(&out, "norm.out");
        let (mut dx, mut dweight) = (vec![0.0; x.len()], vec![0.0; weight.len()]);
        let passed = vec![0.0; x.len()];
        ops::rms_norm_backward(isa, &x, &weight, 1e-5, &dout, &passed, &mut dx, &mut dweight);
        assert_close(&dx, "norm.dx");
        assert_close(&dweight, "norm.dweight");
    }
}

#[test]
fn swiglu() {
    for isa in Isa::available() {
        let (x, dout) = (load("swiglu.x"), load("swiglu.dout"));
        let mut out = vec![0.0; dout.len()];
        ops::swiglu(isa, &x, 21, &mut out);
        assert_close(&out, "swiglu.out");
        let (mut dx, mut again) = (vec![0.0; x.len()], dout);
        ops::swiglu_backward(isa, &x, 21, &mut again, &mut dx);
        assert_close(&dx, "swiglu.dx");
        assert_close(&again, "swiglu.out");
    }
}

const LENGTH: usize = 61;
const HEADS: usize = 4;
const KEY_VALUES: usize = 2;
const DIM: usize = 12;
const WIDTH: usize = (HEADS + 2 * KEY_VALUES) * DIM;

#[test]
fn rotation() {
    let config = crate::ModelConfig {
        vocab_size: 1,
        hidden_size: 1,
        intermediate_size: 1,
        num_hidden_layers: 1,
        num_attention_heads: HEADS,
        num_key_value_heads: KEY_VALUES,
        head_dim: DIM,
        max_position_embeddings: LENGTH,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        tie_word_embeddings: true,
        bos_token_id: None,
        eos_token_id: None,
        more_eos_token_ids: Vec::new(),
        pad_token_id: None,
    };
    let mut table = crate::rotary::RotaryTable::new(&config, &crate::RopeScaling::None);
    table.grow(10);
    table.grow(LENGTH);
    for isa in Isa::available() {
        for (from, to, turn) in
            [("rotate.qkv", "rotate.out", Turn::With), ("rotate.dout", "rotate.dqkv", Turn::Against)]
        {
            let mut rows = load(from);
            for (position, row) in rows.chunks_exact_mut(WIDTH).enumerate() {
                let (cos, sin) = table.at(position);
                ops::rotate(isa, &mut row[..(HEADS + KEY_VALUES) * DIM], cos, sin, turn);
            }
            assert_close(&rows, to);
        }
    }
}

#[test]
fn attention() {
    for isa in Isa::available() {
        let (qkv, dout) = (load("attention.qkv"), load("attention.dout"));
        let shared = HEADS / KEY_VALUES;
        let width = HEADS * DIM;
        let (mut out, mut dqkv) = (vec![0.0; LENGTH * width], vec![0.0; LENGTH * WIDTH]);
        for index in 0..KEY_VALUES {
            let group = HeadGroup {
                qkv: &qkv,
                width: WIDTH,
                length: LENGTH,
                head_dim: DIM,
                queries: shared,
                query_column: index * shared * DIM,
                key_column: (HEADS + index) * DIM,
                value_column: (HEADS + KEY_VALUES + index) * DIM,
                window: usize::MAX,
            };
            let mut part = vec![0.0; LENGTH * shared * DIM];
            let mut lse = vec![0.0; LENGTH * shared];
            attend(isa, &group, &mut part, &mut lse, &mut vec![0.0; attend_scratch(isa, LENGTH, DIM)]);
            let column = group.query_column;
            for (row, part) in out.chunks_exact_mut(width).zip(part.chunks_exact(shared * DIM)) {
                row[column..column + shared * DIM].copy_from_slice(part);
            }
            let mut delta = vec![0.0; LENGTH * HEADS];
            ops::row_dots(isa, &out, &dout, DIM, &mut delta);
            let gradient = GroupGradient {
                dout: &dout,
                width,
                column,
                delta: &delta,
                heads: HEADS,
                delta_column: index * shared,
                lse: &lse,
            };
            let mut dgroup = vec![0.0; LENGTH * (shared + 2) * DIM];
            let mut scratch = vec![0.0; attend_backward_scratch(isa, LENGTH, DIM)];
            attend_backward(isa, &group, &gradient, &mut dgroup, &mut scratch);
            let rows = dqkv.chunks_exact_mut(WIDTH).zip(dgroup.chunks_exact((shared + 2) * DIM));
            for (row, part) in rows {
                let (queries, rest) = part.split_at(shared * DIM);
                row[column..column + shared * DIM].copy_from_slice(queries);
                row[group.key_column..group.key_column + DIM].copy_from_slice(&rest[..DIM]);
                row[group.value_column..group.value_column + DIM].copy_from_slice(&rest[DIM..]);
            }
        }
        assert_close(&out, "attention.out");
        assert_close(&dqkv, "attention.dqkv");
    }
}

#[test]
fn log_softmax() {
    for isa in Isa::available() {
        let mut rows = load("softmax.logits");
        let dout = load("softmax.dout");
        let file = SafeTensors::deserialize(BYTES).unwrap();
        let targets = file.tensor("softmax.targets").unwrap().data().to_vec();
        let (mut logp, mut entropy) = (Vec::new(), Vec::new());
        for (row, (target, dlogp)) in rows.chunks_exact_mut(50).zip(targets.chunks_exact(4).zip(&dout)) {
            let target = target[0] as usize;
            let found = ops::softmax(isa, row, target);
            logp.push(found.logp);
            entropy.push(found.entropy);
            ops::scale(isa, row, -dlogp / found.sum);
            row[target] += dlogp;
        }
        assert_close(&logp, "softmax.out");
        assert_close(&entropy, "softmax.entropy");
        assert_close(&rows, "softmax.dlogits");
    }
}

#[test]
fn linear() {
    for isa in Isa::available() {
        let (x, weight, dout) = (load("linear.x"), load("linear.weight"), load("linear.dout"));
        let (rows, out, input) = (9, 22, 35);
        let mut forward = PackedMatrix::new(isa, input, out);
        forward.pack_weight(&weight);
        let mut y = vec![0.0; rows * out];
        forward.multiply_block(&x, rows, &mut y, out, Store::Overwrite, &mut []);
        assert_close(&y, "linear.out");
        let mut backward = PackedMatrix::new(isa, out, input);
        backward.pack_rows(&weight);
        let mut dx = vec![0.0; rows * input];
        backward.multiply_block(&dout, rows, &mut dx, input, Store::Overwrite, &mut []);
        assert_close(&dx, "linear.dx");
        let mut dweight = vec![0.0; out * input];
        let operands = Operands::Single;
        let right = blocks(isa, &x, input, operands);
        let outer = Outer {
            left: &dout,
            left_stride: out,
            first: 0,
            rows: out,
            right: &right,
            columns: input,
            depth: rows,
            operands,
        };
        accumulate_outer(isa, &outer, &mut dweight, &mut vec![0.0; outer_scratch(isa, out, operands)]);
        assert_close(&dweight, "linear.dweight");
    }
}
