//! What a phase trains: every weight of a model, or an adapter on a model that stays as it is.

use std::path::Path;

use chemr_engine::{
    AdamWConfig, Adapters, Compute, EngineError, InferenceModel, LogProbs, LoraPair, LoraTrainer, Model, ModelConfig,
    Objective, Operands, PackedBatch, Scorer, StepStats, Tokenizer, Trainer, Weights, save_adapter_with,
    save_folder_with,
};

use crate::error::TrainError;

/// The values that a phase starts from.
#[derive(Debug)]
pub(crate) enum Values {
    /// All weights are trained.
    All(Model),
    /// Only the adapters are.
    Adapters(Box<Base>, Adapters),
}

/// The model under adapters.
#[derive(Debug)]
pub(crate) enum Base {
    Single(Model),
    /// In bf16 or int8.
    Packed(InferenceModel<'static>),
}

impl Base {
    pub fn config(&self) -> &ModelConfig {
        match self {
            Self::Single(model) => &model.config,
            Self::Packed(model) => model.config(),
        }
    }
}

impl Values {
    /// What gives the log-probabilities of these values.
    pub fn reference(self, compute: Compute) -> Result<Reference, TrainError> {
        let (base, adapters) = match self {
            Self::All(model) => return Ok(Reference::Model(Box::new(model), compute)),
            Self::Adapters(base, adapters) => (base, adapters),
        };
        match *base {
            Base::Single(mut model) if compute.operands == Operands::Single => {
                adapters.merge_into(&mut model).map_err(TrainError::engine("merging the adapter"))?;
                Ok(Reference::Model(Box::new(model), compute))
            }
            base => {
                let values = Self::Adapters(Box::new(base), adapters);
                Ok(Reference::Adapters(Box::new(Learner::new(values, AdamWConfig::default(), 0, compute)?)))
            }
        }
    }
}

/// A model that is only asked for log-probabilities.
pub(crate) enum Reference {
    Model(Box<Model>, Compute),
    /// Where merging would round the weights otherwise than training does.
    Adapters(Box<Learner>),
}

/// Computes the log-probabilities of a batch.
pub(crate) type Scores<'r> = dyn FnMut(&PackedBatch) -> Result<LogProbs, EngineError> + 'r;

impl Reference {
    /// Packs the weights once for all calls.
    pub fn scorer(&mut self) -> Box<Scores<'_>> {
        match self {
            Self::Model(model, compute) => {
                let mut scorer = Scorer::computing(model, *compute);
                Box::new(move |batch| scorer.logprobs(batch))
            }
            Self::Adapters(learner) => Box::new(|batch| learner.logprobs(batch)),
        }
    }
}

/// Names of tensors that hold a value which is not finite.
#[derive(Debug, Default, PartialEq, serde::Serialize)]
pub(crate) struct NotFinite {
    pub weights: Vec<String>,
    pub gradients: Vec<String>,
}

/// Values in training.
#[derive(Debug)]
pub(crate) enum Learner {
    All(Box<Trainer>),
    Adapter(Box<LoraTrainer>),
}

impl Learner {
    /// Starts training with empty moments. `dropout_seed` decides what the dropout of adapters drops.
    pub fn new(values: Values, config: AdamWConfig, dropout_seed: u64, compute: Compute) -> Result<Self, TrainError> {
        let (base, adapters) = match values {
            Values::All(model) => {
                let trainer = Trainer::computing(model, config, compute);
                return Ok(Self::All(Box::new(trainer)));
            }
            Values::Adapters(base, adapters) => (*base, adapters),
        };
        let trainer = match base {
            Base::Single(model) => LoraTrainer::computing(model, adapters, config, dropout_seed, compute),
            Base::Packed(model) => LoraTrainer::on_packed(model, adapters, config, dropout_seed, compute.recompute),
        };
        Ok(Self::Adapter(Box::new(trainer.map_err(TrainError::engine("adding the adapter to its base"))?)))
    }

    /// See [`Trainer::logprobs`].
    pub fn logprobs(&mut self, batch: &PackedBatch) -> Result<LogProbs, EngineError> {
        match self {
            Self::All(trainer) => trainer.logprobs(batch),
            Self::Adapter(trainer) => trainer.logprobs(batch),
        }
    }

    /// See [`Trainer::accumulate`].
    pub fn accumulate(&mut self, batch: &PackedBatch, objective: &dyn Objective) -> Result<StepStats, EngineError> {
        match self {
            Self::All(trainer) => trainer.accumulate(batch, objective),
            Self::Adapter(trainer) => trainer.accumulate(batch, objective),
        }
    }

    /// See [`Trainer::step`].
    pub fn step(&mut self, rate: f32, max_grad_norm: Option<f32>) -> f32 {
        match self {
            Self::All(trainer) => trainer.step(rate, max_grad_norm),
            Self::Adapter(trainer) => trainer.step(rate, max_grad_norm),
        }
    }

    /// The model to sample from.
    pub fn policy(&mut self) -> InferenceModel<'_> {
        match self {
            Self::All(trainer) => trainer.policy(),
            Self::Adapter(trainer) => trainer.policy(),
        }
    }

    /// See [`Trainer::load_state`].
    pub fn load_state(&mut self, path: &Path) -> Result<(), EngineError> {
        match self {
            Self::All(trainer) => trainer.load_state(path),
            Self::Adapter(trainer) => trainer.load_state(path),
        }
    }

    /// See [`Trainer::save_state`].
    pub fn save_state(&self, path: &Path) -> Result<(), EngineError> {
        match self {
            Self::All(trainer) => trainer.save_state(path),
            Self::Adapter(trainer) => trainer.save_state(path),
        }
    }

    /// Writes a model folder, or an adapter folder (with the tokenizer) that names `base`; all or nothing. `more` may write
    /// further files into it before it gets its name.
    pub fn save(
        &self,
        folder: &Path,
        tokenizer: &Tokenizer,
        base: &str,
        more: impl FnOnce(&Path) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        match self {
            Self::All(trainer) => save_folder_with(folder, trainer.model(), tokenizer, more),
            Self::Adapter(trainer) => save_adapter_with(folder, trainer.adapters(), base, |partial| {
                tokenizer.save(partial).map_err(|error| EngineError::Text {
                    operation: "save adapter folder",
                    reason: error.to_string(),
                })?;
                more(partial)
            }),
        }
    }

    /// What is not finite among the weights and the accumulated gradients.
    pub fn not_finite(&self) -> NotFinite {
        let of_model = |model: &Model, weights: &Weights| -> Vec<String> {
            let tensors = weights.named_tensors(&model.config);
            tensors.into_iter().filter(|tensor| !all_finite(tensor.data)).map(|tensor| tensor.name).collect()
        };
        match self {
            Self::All(trainer) => NotFinite {
                weights: of_model(trainer.model(), &trainer.model().weights),
                gradients: of_model(trainer.model(), trainer.gradients()),
            },
            Self::Adapter(trainer) => {
                let mut weights = trainer.model().map_or_else(Vec::new, |model| of_model(model, &model.weights));
                weights.extend(trainer.adapters().pairs().flat_map(broken_sides));
                NotFinite { weights, gradients: trainer.gradients().pairs().flat_map(broken_sides).collect() }
            }
        }
    }
}

fn all_finite(values: &[f32]) -> bool {
    values.iter().all(|value| value.is_finite())
}

fn broken_sides(pair: LoraPair) -> Vec<String> {
    let broken = [("A", &pair.a), ("B", &pair.b)].into_iter().filter(|(_, values)| !all_finite(values));
    broken.map(|(side, _)| format!("layers.{}.{}.lora_{side}", pair.layer, pair.target)).collect()
}
