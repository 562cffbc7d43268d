//! What a phase trains: every weight of a model, or an adapter on a model that stays as it is.

use std::borrow::Cow;
use std::path::Path;

use chemr_engine::{
    AdamWConfig, Adapters, EngineError, LoraPair, LoraTrainer, Model, Objective, PackedBatch, StepStats, Tokenizer,
    Trainer, Weights, save_adapter_with, save_folder_with,
};

use crate::error::TrainError;

/// The values that a phase starts from.
#[derive(Debug)]
pub(crate) struct Values {
    pub model: Model,
    /// Where there are adapters, only they are trained.
    pub adapters: Option<Adapters>,
}

impl Values {
    /// Number of values that are trained, and of all values of the model.
    pub fn count(&self) -> (usize, usize) {
        let all = self.model.parameter_count();
        (self.adapters.as_ref().map_or(all, Adapters::parameter_count), all)
    }

    /// The model that these values are, without adapters.
    pub fn merged(mut self) -> Result<Model, TrainError> {
        if let Some(adapters) = &self.adapters {
            adapters.merge_into(&mut self.model).map_err(TrainError::engine("merging the adapter"))?;
        }
        Ok(self.model)
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
    pub fn new(values: Values, config: AdamWConfig, dropout_seed: u64) -> Result<Self, TrainError> {
        let Values { model, adapters } = values;
        Ok(match adapters {
            None => Self::All(Box::new(Trainer::new(model, config))),
            Some(adapters) => {
                let trainer = LoraTrainer::new(model, adapters, config, dropout_seed);
                Self::Adapter(Box::new(trainer.map_err(TrainError::engine("adding the adapter to its base"))?))
            }
        })
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

    /// The model to sample from: that in training, or its copy with the adapters merged.
    pub fn policy(&self) -> Cow<'_, Model> {
        match self {
            Self::All(trainer) => Cow::Borrowed(trainer.model()),
            Self::Adapter(trainer) => Cow::Owned(trainer.merged()),
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
                let mut weights = of_model(trainer.model(), &trainer.model().weights);
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
