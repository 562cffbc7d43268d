//! The weights of a model, packed for the matrix products.

use std::sync::Arc;

use crate::dropout::Dropout;
use crate::inference::InferenceLinear;
use crate::kernels::gemm::{PackedMatrix, Storage, Store};
use crate::kernels::ops;
use crate::kernels::outer::put_block;
use crate::kernels::simd::Isa;
use crate::lora::{Adapter, Adapters, Layout};
use crate::{InferenceModel, Model, ModelConfig, Operands, Precision};

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
    /// For `x[m, in] -> y[m, out]`; shared where a frozen model also generates.
    pub forward: Arc<PackedMatrix>,
    /// For `dy[m, out] -> dx[m, in]`; absent when no gradient is needed or when it is made from `forward` each time.
    pub backward: Option<PackedMatrix>,
}

impl PackedWeight {
    fn new(out: usize, input: usize, direction: Direction, operands: Operands) -> Self {
        let isa = Isa::detect();
        let storage = operands.storage();
        Self {
            forward: Arc::new(PackedMatrix::stored(isa, input, out, storage)),
            backward: (direction == Direction::Both).then(|| PackedMatrix::stored(isa, out, input, storage)),
        }
    }

    /// The matrix for the way back.
    pub(crate) fn transposed(&self) -> &PackedMatrix {
        let Some(backward) = &self.backward else { unreachable!("trainers pack both directions") };
        backward
    }

    fn pack(&mut self, weight: &[f32]) {
        Arc::make_mut(&mut self.forward).pack_weight(weight);
        if let Some(backward) = &mut self.backward {
            backward.pack_rows(weight);
        }
    }
}

/// A frozen or trained weight and the adapter that is added to it.
#[derive(Clone, Debug)]
pub(crate) struct PackedLinear {
    pub weight: PackedWeight,
    adapter: Option<PackedAdapter>,
}

/// `A` and `scale B` of an adapter.
#[derive(Clone, Debug)]
struct PackedAdapter {
    /// Place in [`crate::lora::ADAPTED`].
    fused: usize,
    input: usize,
    width: usize,
    scale: f32,
    /// `[width, in]`.
    a: PackedWeight,
    /// `[out, width]`.
    b: PackedWeight,
}

/// What the matrices of one tile share for their adapters.
pub(crate) struct Side<'a> {
    /// Decoder block.
    pub layer: usize,
    /// At least [`crate::device::cpu::workspace::Sizes::spare`] values.
    pub spare: &'a mut [f32],
    pub dropout: Option<Dropout>,
    /// Positions of the tile's rows in the batch.
    pub positions: &'a [u32],
}

impl Side<'_> {
    fn dropout_of(&self, adapter: &PackedAdapter) -> Option<Dropout> {
        self.dropout.map(|dropout| dropout.of_matrix(self.layer, adapter.fused))
    }
}

impl PackedLinear {
    fn new(out: usize, input: usize, direction: Direction, operands: Operands) -> Self {
        Self { weight: PackedWeight::new(out, input, direction, operands), adapter: None }
    }

    /// Packs the present values of an adapter.
    fn pack_adapter(&mut self, fused: usize, adapter: &Adapter, layout: &Layout, scale: f32, direction: Direction) {
        if layout.width == 0 {
            return;
        }
        let packed = self.adapter.get_or_insert_with(|| {
            // Adapters are small: they are always multiplied in single precision.
            let weight = |out, input| PackedWeight::new(out, input, direction, Operands::Single);
            PackedAdapter {
                fused,
                input: layout.input,
                width: layout.width,
                scale,
                a: weight(layout.width, layout.input),
                b: weight(layout.out, layout.width),
            }
        });
        packed.a.pack(&adapter.a);
        let scaled: Vec<f32> = adapter.b.iter().map(|value| scale * value).collect();
        packed.b.pack(&scaled);
    }

    /// `y = W x + scale B A dropped(x)` (added to `store`) for a tile of `rows` rows, on the calling thread.
    pub(crate) fn forward(
        &self,
        x: &[f32],
        rows: usize,
        y: &mut [f32],
        stride: usize,
        store: Store<'_>,
        side: &mut Side<'_>,
    ) {
        self.weight.forward.multiply_block(x, rows, y, stride, store, side.spare);
        let Some(adapter) = &self.adapter else { return };
        let dropout = side.dropout_of(adapter);
        let (lowered, rest) = side.spare.split_at_mut(rows * adapter.width);
        let x = match dropout {
            Some(dropout) => {
                let dropped = &mut rest[..rows * adapter.input];
                dropped.copy_from_slice(x);
                dropout.apply(side.positions, dropped);
                &*dropped
            }
            None => x,
        };
        adapter.a.forward.multiply_block(x, rows, lowered, adapter.width, Store::Overwrite, &mut []);
        adapter.b.forward.multiply_block(lowered, rows, y, stride, Store::Add, &mut []);
    }

    /// `dx = W^T dy` with `transposed` for `W^T`, and the adapter's part, for a tile; `dlowered`, `[rows, width]`, receives
    /// `scale B^T dy`.
    #[allow(clippy::too_many_arguments)] // operands of one fused step
    pub(crate) fn backward(
        &self,
        transposed: &PackedMatrix,
        dy: &[f32],
        rows: usize,
        dx: &mut [f32],
        width: usize,
        dlowered: &mut [f32],
        side: &mut Side<'_>,
    ) {
        transposed.multiply_block(dy, rows, dx, width, Store::Overwrite, side.spare);
        let Some(adapter) = &self.adapter else { return };
        adapter.b.transposed().multiply_block(dy, rows, dlowered, adapter.width, Store::Overwrite, &mut []);
        let a = adapter.a.transposed();
        match side.dropout_of(adapter) {
            Some(dropout) => {
                let dropped = &mut side.spare[..rows * adapter.input];
                a.multiply_block(dlowered, rows, dropped, adapter.input, Store::Overwrite, &mut []);
                dropout.apply(side.positions, dropped);
                ops::add(Isa::detect(), dropped, &mut dx[..rows * width]);
            }
            None => a.multiply_block(dlowered, rows, dx, width, Store::Add, &mut []),
        }
    }

    /// Operands of the gradients, for a tile: drops from `x` what the forward pass dropped and puts it into `block`; computes
    /// `scale A x`, `[rows, width]`, and puts it into `lowered`.
    pub(crate) fn put_operands(
        &self,
        x: &mut [f32],
        rows: usize,
        [block, lowered]: [&mut [f32]; 2],
        operands: Operands,
        side: &mut Side<'_>,
    ) {
        let isa = Isa::detect();
        if let Some(adapter) = &self.adapter {
            if let Some(dropout) = side.dropout_of(adapter) {
                dropout.apply(side.positions, x);
            }
            let low = &mut side.spare[..rows * adapter.width];
            adapter.a.forward.multiply_block(x, rows, low, adapter.width, Store::Overwrite, &mut []);
            ops::scale(isa, low, adapter.scale);
            put_block(isa, low, adapter.width, operands, lowered);
        }
        put_block(isa, x, x.len() / rows, operands, block);
    }
}

/// The matrices of one decoder block.
#[derive(Clone, Debug)]
pub(crate) struct PackedLayer {
    pub qkv: PackedLinear,
    pub o: PackedLinear,
    pub gate_up: PackedLinear,
    pub down: PackedLinear,
}

impl PackedLayer {
    /// The matrices in the order of [`crate::lora::ADAPTED`].
    pub(crate) fn weights(&self) -> [&PackedWeight; 4] {
        [&self.qkv.weight, &self.o.weight, &self.gate_up.weight, &self.down.weight]
    }

    /// Makes the matrices for the way back where they are not kept.
    pub(crate) fn fill_transposed(&self, space: &mut Option<[PackedMatrix; 4]>) {
        let weights = self.weights();
        if weights.iter().all(|weight| weight.backward.is_some()) {
            return;
        }
        let space = space.get_or_insert_with(|| weights.map(|weight| weight.forward.empty_transpose(Storage::Single)));
        for (target, weight) in space.iter_mut().zip(weights) {
            weight.forward.transpose_into(target);
        }
    }

    /// The matrices for the way back, in the order of [`crate::lora::ADAPTED`]: the kept ones, or what
    /// [`PackedLayer::fill_transposed`] made.
    pub(crate) fn transposed<'a>(&'a self, space: &'a Option<[PackedMatrix; 4]>) -> [&'a PackedMatrix; 4] {
        match space {
            Some(space) => space.each_ref(),
            None => self.weights().map(PackedWeight::transposed),
        }
    }
}

/// The matrices of a model.
#[derive(Clone, Debug)]
pub(crate) struct PackedModel {
    pub layers: Vec<PackedLayer>,
    pub head: PackedWeight,
}

impl PackedModel {
    /// Space for a model of this shape.
    pub(crate) fn new(config: &ModelConfig, direction: Direction, operands: Operands) -> Self {
        let hidden = config.hidden_size;
        let weight = |out, input| PackedLinear::new(out, input, direction, operands);
        let layer = || PackedLayer {
            qkv: weight(config.qkv_width(), hidden),
            o: weight(hidden, config.query_width()),
            gate_up: weight(2 * config.intermediate_size, hidden),
            down: weight(hidden, config.intermediate_size),
        };
        Self {
            layers: (0..config.num_hidden_layers).map(|_| layer()).collect(),
            head: PackedWeight::new(config.vocab_size, hidden, direction, operands),
        }
    }

    /// The matrices of a model that was packed before and stays as it is. The head's is kept for the way back too; the others
    /// are made for one block at a time.
    pub(crate) fn frozen(model: &InferenceModel<'_>) -> Self {
        let linear = |linear: &InferenceLinear| PackedLinear {
            weight: PackedWeight { forward: Arc::clone(&linear.matrix), backward: None },
            adapter: None,
        };
        let mut head = model.head.empty_transpose(match model.precision() {
            Precision::Single => Storage::Single,
            Precision::Bf16 | Precision::Int8 => Storage::Bf16,
        });
        model.head.transpose_into(&mut head);
        let layers = model.layers.iter().map(|layer| PackedLayer {
            qkv: linear(&layer.qkv),
            o: linear(&layer.o),
            gate_up: linear(&layer.gate_up),
            down: linear(&layer.down),
        });
        Self { layers: layers.collect(), head: PackedWeight { forward: Arc::clone(&model.head), backward: Some(head) } }
    }

    /// Packs the present values of `model`.
    pub(crate) fn pack(&mut self, model: &Model) {
        for (packed, layer) in self.layers.iter_mut().zip(&model.weights.layers) {
            packed.qkv.weight.pack(&layer.qkv);
            packed.o.weight.pack(&layer.o);
            packed.gate_up.weight.pack(&layer.gate_up);
            packed.down.weight.pack(&layer.down);
        }
        self.head.pack(model.weights.head_matrix());
    }

    /// Packs the present values of `adapters`, which fit the model.
    pub(crate) fn pack_adapters(&mut self, adapters: &Adapters, direction: Direction) {
        let scale = adapters.config().scale();
        for (packed, layer) in self.layers.iter_mut().zip(&adapters.layers) {
            let linears = [&mut packed.qkv, &mut packed.o, &mut packed.gate_up, &mut packed.down];
            let parts = linears.into_iter().zip(layer).zip(&adapters.layouts).enumerate();
            for (fused, ((linear, adapter), layout)) in parts {
                linear.pack_adapter(fused, adapter, layout, scale, direction);
            }
        }
    }
}
