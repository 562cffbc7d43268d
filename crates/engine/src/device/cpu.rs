//! The CPU.

pub(crate) mod backward;
pub(crate) mod cached_attention;
pub(crate) mod decoder;
pub(crate) mod forward;
pub(crate) mod head;
pub(crate) mod optim;
pub(crate) mod packed;
pub(crate) mod workspace;

use std::path::Path;

use super::{Device, Kept, RESULTS, Trained, Values};
use crate::chunk::Chunk;
use crate::dropout::Dropout;
use crate::frame::Frame;
use crate::kernels::gemm::Store;
use crate::kernels::ops;
use crate::{
    AdamWConfig, Adapters, Compute, EngineError, InferenceModel, Model, ModelConfig, Objective, Operands, Weights,
    state,
};
use backward::Gradients;
use head::apply_head;
use optim::{AdamW, Parameters, global_norm, zero};
use packed::{Direction, PackedModel};
use workspace::Workspace;

/// A model on the processor's cores (see [`crate::set_threads`]).
#[derive(Debug)]
pub(crate) struct Cpu<'m> {
    subject: Subject<'m>,
    packed: PackedModel,
    direction: Direction,
    /// What is packed is older than what is trained.
    stale: bool,
    workspace: Workspace,
}

/// What is computed with, and what of it is trained.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // one for each device, which lies in a box
enum Subject<'m> {
    Fixed(&'m Model),
    Weights { model: Model, gradients: Weights, optimiser: AdamW<Weights> },
    Adapters { base: Base, adapters: Adapters, gradients: Adapters, optimiser: AdamW<Adapters> },
}

/// The model under adapters.
#[derive(Debug)]
pub(crate) enum Base {
    Single(Model),
    Packed(InferenceModel<'static>),
}

impl Base {
    pub(crate) fn frame(&self) -> &dyn Frame {
        match self {
            Self::Single(model) => model,
            Self::Packed(model) => model,
        }
    }
}

impl Subject<'_> {
    fn frame(&self) -> &dyn Frame {
        match self {
            Self::Fixed(model) => *model,
            Self::Weights { model, .. } => model,
            Self::Adapters { base, .. } => base.frame(),
        }
    }

    fn split(&mut self) -> (&dyn Frame, Option<Gradients<'_>>) {
        match self {
            Self::Fixed(model) => (*model, None),
            Self::Weights { model, gradients, .. } => (model, Some(Gradients::Weights(gradients))),
            Self::Adapters { base, gradients, .. } => (base.frame(), Some(Gradients::Adapters(gradients))),
        }
    }
}

impl<'m> Cpu<'m> {
    /// Scores `model`, which stays as it is.
    pub(crate) fn scoring(model: &'m Model, operands: Operands) -> Self {
        let packed = PackedModel::new(&model.config, Direction::Forward, operands);
        let workspace = Workspace::new(model, None, operands);
        Self { subject: Subject::Fixed(model), packed, direction: Direction::Forward, stale: true, workspace }
    }
}

impl Cpu<'static> {
    /// Trains all weights of `model`.
    pub(crate) fn training(model: Model, config: AdamWConfig, compute: Compute) -> Self {
        let packed = PackedModel::new(&model.config, Direction::Both, compute.operands);
        let workspace = Workspace::new(&model, None, compute.operands);
        let (gradients, optimiser) = (model.weights.zeros_like(), AdamW::new(config, &model.weights));
        let subject = Subject::Weights { model, gradients, optimiser };
        Self { subject, packed, direction: Direction::Both, stale: true, workspace }
    }

    /// Trains `adapters`, which fit `base`. A base that is packed already is multiplied with operands in single precision.
    pub(crate) fn adapting(base: Base, adapters: Adapters, config: AdamWConfig, operands: Operands) -> Self {
        let (packed, operands) = match &base {
            Base::Single(model) => {
                let mut packed = PackedModel::new(&model.config, Direction::Both, operands);
                packed.pack(model);
                (packed, operands)
            }
            Base::Packed(model) => (PackedModel::frozen(model), Operands::Single),
        };
        let workspace = Workspace::new(base.frame(), Some(&adapters), operands);
        let (gradients, optimiser) = (adapters.zeros_like(), AdamW::new(config, &adapters));
        let subject = Subject::Adapters { base, adapters, gradients, optimiser };
        Self { subject, packed, direction: Direction::Both, stale: true, workspace }
    }
}

impl Device for Cpu<'_> {
    fn config(&self) -> &ModelConfig {
        self.subject.frame().config()
    }

    fn refresh(&mut self) {
        if !self.stale {
            return;
        }
        match &self.subject {
            Subject::Fixed(model) => self.packed.pack(model),
            Subject::Weights { model, .. } => self.packed.pack(model),
            Subject::Adapters { adapters, .. } => self.packed.pack_adapters(adapters, self.direction),
        }
        self.stale = false;
    }

    fn begin(&mut self, chunk: &Chunk, kept: Kept, dropout: Option<Dropout>) {
        self.workspace.dropout = dropout;
        self.workspace.prepare(self.subject.frame().config(), chunk, kept);
    }

    fn embed(&mut self, chunk: &Chunk) {
        forward::embed(&mut self.workspace, self.subject.frame(), &self.packed, chunk);
    }

    fn attend(&mut self, chunk: &Chunk, layer: usize) {
        let window = self.subject.frame().architecture().window(layer);
        forward::attend(&mut self.workspace, chunk, layer, window);
    }

    fn dense(&mut self, chunk: &Chunk, layer: usize) {
        forward::dense(&mut self.workspace, self.subject.frame(), &self.packed, chunk, layer);
    }

    fn head(&mut self, chunk: &Chunk, objective: Option<&dyn Objective>) {
        let (model, gradients) = self.subject.split();
        let gradients = gradients.filter(|_| objective.is_some());
        apply_head(&mut self.workspace, model, &self.packed, chunk, objective, gradients);
    }

    fn read_results(&self, chunk: &Chunk, results: &mut Vec<f32>) {
        results.clear();
        results.extend_from_slice(&self.workspace.head.results[..chunk.supervised.len() * RESULTS]);
    }

    fn read_logits(&mut self, chunk: &Chunk, logits: &mut [f32]) {
        let (model, sizes) = (self.subject.frame(), self.workspace.sizes);
        let count = chunk.supervised.len();
        let x = &self.workspace.output(model.config().num_hidden_layers)[..count * sizes.hidden];
        let mut normed = vec![0.0; x.len()];
        ops::rms_norm(sizes.isa, x, model.last_norm(), sizes.eps, &mut normed);
        self.packed.head.forward.multiply(&normed, count, logits, Store::Overwrite);
    }

    fn recompute_projections(&mut self, chunk: &Chunk, layer: usize) {
        forward::recompute_projections(&mut self.workspace, self.subject.frame(), &self.packed, chunk, layer);
    }

    fn recompute_dense(&mut self, chunk: &Chunk, layer: usize) {
        forward::recompute_dense(&mut self.workspace, self.subject.frame(), &self.packed, chunk, layer);
    }

    fn dense_backward(&mut self, chunk: &Chunk, layer: usize) {
        if let (model, Some(mut gradients)) = self.subject.split() {
            backward::dense_backward(&mut self.workspace, model, &self.packed, chunk, layer, &mut gradients);
        }
    }

    fn dense_gradients(&mut self, chunk: &Chunk, layer: usize) {
        let last = layer + 1 == self.config().num_hidden_layers;
        let rows = if last { chunk.supervised.len() } else { chunk.rows() };
        if let (_, Some(mut gradients)) = self.subject.split() {
            backward::dense_gradients(&mut self.workspace, rows, layer, &mut gradients);
        }
    }

    fn spread(&mut self, chunk: &Chunk) {
        backward::spread_rows(&mut self.workspace, chunk);
    }

    fn attend_backward(&mut self, chunk: &Chunk, layer: usize) {
        backward::attend_backward(&mut self.workspace, self.subject.frame(), &self.packed, chunk, layer);
    }

    fn project_backward(&mut self, chunk: &Chunk, layer: usize) {
        if let (model, Some(mut gradients)) = self.subject.split() {
            backward::project_backward(&mut self.workspace, model, &self.packed, chunk, layer, &mut gradients);
        }
    }

    fn project_gradients(&mut self, chunk: &Chunk, layer: usize) {
        if let (_, Some(mut gradients)) = self.subject.split() {
            backward::project_gradients(&mut self.workspace, chunk.rows(), layer, &mut gradients);
        }
    }

    fn embed_backward(&mut self, chunk: &Chunk) {
        match &mut self.subject {
            Subject::Fixed(_) => {}
            Subject::Weights { gradients, .. } => backward::embed_gradients(&self.workspace, chunk, gradients),
            Subject::Adapters { gradients, .. } => gradients.clear_outside(),
        }
    }

    fn gradient_norm(&mut self) -> f64 {
        match &mut self.subject {
            Subject::Fixed(_) => 0.0,
            Subject::Weights { gradients, .. } => global_norm(gradients),
            Subject::Adapters { gradients, .. } => global_norm(gradients),
        }
    }

    fn adamw(&mut self, learning_rate: f32, scale: f32) {
        self.stale = true;
        match &mut self.subject {
            Subject::Fixed(_) => {}
            Subject::Weights { model, gradients, optimiser } => {
                optimiser.step(&mut model.weights, gradients, learning_rate, scale);
            }
            Subject::Adapters { adapters, gradients, optimiser, .. } => {
                optimiser.step(adapters, gradients, learning_rate, scale);
            }
        }
    }

    fn zero_gradients(&mut self) {
        match &mut self.subject {
            Subject::Fixed(_) => {}
            Subject::Weights { gradients, .. } => zero(gradients),
            Subject::Adapters { gradients, .. } => zero(gradients),
        }
    }

    fn steps(&self) -> u64 {
        match &self.subject {
            Subject::Fixed(_) => 0,
            Subject::Weights { optimiser, .. } => optimiser.steps,
            Subject::Adapters { optimiser, .. } => optimiser.steps,
        }
    }

    fn trained(&self) -> Trained<'_> {
        match &self.subject {
            Subject::Fixed(_) => Trained::Nothing,
            Subject::Weights { model, gradients, .. } => Trained::Weights(model, gradients),
            Subject::Adapters { base, adapters, gradients, .. } => {
                let model = match base {
                    Base::Single(model) => Some(model),
                    Base::Packed(_) => None,
                };
                Trained::Adapters(model, adapters, gradients)
            }
        }
    }

    fn policy(&mut self) -> InferenceModel<'_> {
        self.refresh();
        match &self.subject {
            Subject::Fixed(model) => InferenceModel::of_trainer(model, &self.packed),
            Subject::Weights { model, .. } => InferenceModel::of_trainer(model, &self.packed),
            Subject::Adapters { base, adapters, .. } => {
                let base = match base {
                    Base::Single(model) => InferenceModel::of_trainer(model, &self.packed),
                    Base::Packed(model) => model.share(),
                };
                let policy = base.with_adapters(adapters);
                policy.unwrap_or_else(|_| unreachable!("the adapters were checked when training began"))
            }
        }
    }

    fn save_state(&self, path: &Path) -> Result<(), EngineError> {
        match &self.subject {
            Subject::Fixed(_) => Ok(()),
            Subject::Weights { model, optimiser, .. } => state::save(path, optimiser, &model.config),
            Subject::Adapters { base, optimiser, .. } => state::save(path, optimiser, base.frame().config()),
        }
    }

    fn load_state(&mut self, path: &Path) -> Result<(), EngineError> {
        match &mut self.subject {
            Subject::Fixed(_) => Ok(()),
            Subject::Weights { model, optimiser, .. } => state::load(path, optimiser, &model.config),
            Subject::Adapters { base, optimiser, .. } => state::load(path, optimiser, base.frame().config()),
        }
    }

    fn into_values(self: Box<Self>) -> Values {
        match self.subject {
            Subject::Fixed(_) => Values::Nothing,
            Subject::Weights { model, .. } => Values::Weights(model),
            Subject::Adapters { adapters, .. } => Values::Adapters(adapters),
        }
    }
}
