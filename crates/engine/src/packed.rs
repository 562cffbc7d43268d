//! The weights of a model, packed for the matrix products.

use crate::kernels::gemm::PackedMatrix;
use crate::kernels::simd::Isa;
use crate::{Model, ModelConfig};

/// Which products the weights are packed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// `x W^T` only.
    Forward,
    /// Also `dy W`.
    Both,
}

/// One weight `[out, in]`, packed for one or both directions.
#[derive(Clone, Debug)]
pub(crate) struct PackedWeight {
    /// For `x[m, in] -> y[m, out]`.
    pub forward: PackedMatrix,
    /// For `dy[m, out] -> dx[m, in]`; absent when no gradient is needed.
    pub backward: Option<PackedMatrix>,
}

impl PackedWeight {
    fn new(isa: Isa, out: usize, input: usize, direction: Direction) -> Self {
        Self {
            forward: PackedMatrix::new(isa, input, out),
            backward: (direction == Direction::Both).then(|| PackedMatrix::new(isa, out, input)),
        }
    }

    fn pack(&mut self, weight: &[f32]) {
        self.forward.pack_weight(weight);
        if let Some(backward) = &mut self.backward {
            backward.pack_rows(weight);
        }
    }
}

/// The matrices of one decoder block.
#[derive(Clone, Debug)]
pub(crate) struct PackedLayer {
    pub qkv: PackedWeight,
    pub o: PackedWeight,
    pub gate_up: PackedWeight,
    pub down: PackedWeight,
}

/// The matrices of a model.
#[derive(Clone, Debug)]
pub(crate) struct PackedModel {
    pub layers: Vec<PackedLayer>,
    pub head: PackedWeight,
}

impl PackedModel {
    /// Space for a model of this shape.
    pub(crate) fn new(config: &ModelConfig, direction: Direction) -> Self {
        let isa = Isa::detect();
        let hidden = config.hidden_size;
        let weight = |out, input| PackedWeight::new(isa, out, input, direction);
        let layer = || PackedLayer {
            qkv: weight(config.qkv_width(), hidden),
            o: weight(hidden, config.query_width()),
            gate_up: weight(2 * config.intermediate_size, hidden),
            down: weight(hidden, config.intermediate_size),
        };
        Self {
            layers: (0..config.num_hidden_layers).map(|_| layer()).collect(),
            head: weight(config.vocab_size, hidden),
        }
    }

    /// Packs the present values of `model`.
    pub(crate) fn pack(&mut self, model: &Model) {
        for (packed, layer) in self.layers.iter_mut().zip(&model.weights.layers) {
            packed.qkv.pack(&layer.qkv);
            packed.o.pack(&layer.o);
            packed.gate_up.pack(&layer.gate_up);
            packed.down.pack(&layer.down);
        }
        self.head.pack(model.weights.head_matrix());
    }
}
