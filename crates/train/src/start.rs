//! Where weights and tokenizer of a run come from.

use std::path::{Path, PathBuf};

use chemr_engine::hf::{ADAPTER_CONFIG_FILE, CONFIG_FILE};
use chemr_engine::{
    Adapters, LoraConfig, Model, ModelConfig, Precision, Tokenizer, check_folder, load_adapter, load_config,
    load_inference_model,
};
use serde_json::{Map, Value};

use crate::checkpoint;
use crate::error::TrainError;
use crate::folder::{PARTIAL_TOKENIZER, RunFolder, newest_checkpoint};
use crate::learner::{Base, Values};
use crate::metrics::Metrics;
use crate::progress::Progress;
use crate::recipe::Recipe;
use crate::seed::{Use, mix};
use crate::source::Source;
use crate::vocabulary::train_tokenizer;

/// Where a phase's values come from.
pub(crate) enum Start {
    /// Random weights, all trained.
    Random { config: ModelConfig, seed: u64 },
    /// The weights of a model folder, all trained.
    Folder(PathBuf),
    /// A model folder and an adapter that changes nothing yet.
    NewAdapter { base: PathBuf, precision: Precision, config: LoraConfig, seed: u64 },
    /// A model folder and the adapter of a checkpoint.
    Adapter { base: PathBuf, precision: Precision, checkpoint: PathBuf },
}

impl Start {
    /// Reads or makes the values.
    pub fn values(&self) -> Result<Values, TrainError> {
        match self {
            Self::Random { config, seed } => {
                let model = Model::init(config.clone(), *seed).map_err(TrainError::engine("making random weights"))?;
                Ok(Values::All(model))
            }
            Self::Folder(dir) => Ok(Values::All(checkpoint::load_model(dir)?.0)),
            Self::NewAdapter { base, precision, config, seed } => {
                let base = load_base(base, *precision)?;
                let adapters = Adapters::init(base.config(), config.clone(), *seed);
                Ok(Values::Adapters(base, adapters.map_err(TrainError::engine("making the adapter"))?))
            }
            Self::Adapter { base, precision, checkpoint } => {
                let base = load_base(base, *precision)?;
                let context = format!("loading {}", checkpoint.display());
                let adapters = load_adapter(checkpoint, base.config()).map_err(TrainError::engine(context))?;
                Ok(Values::Adapters(base, adapters))
            }
        }
    }

    /// Number of values that are trained, and of all values of the model; reads no weights.
    pub fn count(&self) -> Result<(usize, usize), TrainError> {
        let of_folder = |dir: &Path| {
            let found = load_config(dir).map_err(TrainError::engine(format!("loading {}", dir.display())))?;
            let count = found.1.parameter_count(&found.0);
            Ok::<_, TrainError>((found.0, count))
        };
        match self {
            Self::Random { config, .. } => Ok((config.parameter_count(), config.parameter_count())),
            Self::Folder(dir) => of_folder(dir).map(|(_, count)| (count, count)),
            Self::NewAdapter { base, config, .. } => {
                let (shape, count) = of_folder(base)?;
                let adapters =
                    Adapters::zeros(&shape, config.clone()).map_err(TrainError::engine("making the adapter"))?;
                Ok((adapters.parameter_count(), count))
            }
            Self::Adapter { base, checkpoint, .. } => {
                let (shape, count) = of_folder(base)?;
                let context = format!("loading {}", checkpoint.display());
                let adapters = load_adapter(checkpoint, &shape).map_err(TrainError::engine(context))?;
                Ok((adapters.parameter_count(), count))
            }
        }
    }

    /// The same kind of values, as a checkpoint holds them.
    pub fn at(&self, checkpoint: PathBuf) -> Self {
        match self {
            Self::Random { .. } | Self::Folder(_) => Self::Folder(checkpoint),
            Self::NewAdapter { base, precision, .. } | Self::Adapter { base, precision, .. } => {
                Self::Adapter { base: base.clone(), precision: *precision, checkpoint }
            }
        }
    }
}

/// Reads the model under adapters.
fn load_base(dir: &Path, precision: Precision) -> Result<Box<Base>, TrainError> {
    Ok(Box::new(match precision {
        Precision::Single => Base::Single(checkpoint::load_model(dir)?.0),
        Precision::Bf16 | Precision::Int8 => {
            let context = format!("loading {} in {precision}", dir.display());
            Base::Packed(load_inference_model(dir, precision).map_err(TrainError::engine(context))?)
        }
    }))
}

/// The starting weights and the tokenizer: trained and kept in the run folder, or those of the folder started from.
pub(crate) fn starting_point(
    recipe: &Recipe,
    folder: &RunFolder,
    source: &Source,
    progress: &dyn Progress,
) -> Result<(Start, Tokenizer), TrainError> {
    let adapter = recipe.adapter.lora().map_err(|message| TrainError::folder(folder.path(), message))?;
    if !recipe.model.from.is_empty() {
        let dir = PathBuf::from(&recipe.model.from);
        let tokenizer = usable_folder(&dir, recipe.model.max_positions)?;
        let seed = mix(&[recipe.run.seed, Use::Adapter as u64]);
        let start = match adapter {
            Some(config) => Start::NewAdapter { base: dir, precision: recipe.adapter.base, config, seed },
            None => Start::Folder(dir),
        };
        return Ok((start, tokenizer));
    }
    let dir = folder.join("tokenizer");
    let tokenizer = if dir.is_dir() {
        Tokenizer::load(&dir).map_err(TrainError::engine("loading the run's tokenizer"))?
    } else {
        let clock = std::time::Instant::now();
        progress.message("training the tokenizer on generated prompts, traces and answers");
        let tokenizer = train_tokenizer(recipe, source)?;
        save_tokenizer(&tokenizer, &dir)?;
        let seconds = clock.elapsed().as_secs_f64();
        progress.message(&format!("tokenizer: {} tokens, {seconds:.0} s", tokenizer.vocab_size()));
        let line = Map::from_iter([
            ("vocab_size".to_string(), Value::from(tokenizer.vocab_size())),
            ("seconds".to_string(), crate::metrics::rounded(seconds)),
        ]);
        Metrics::new(folder.path()).write("tokenizer", 0, line)?;
        tokenizer
    };
    let m = &recipe.model;
    let config = ModelConfig {
        vocab_size: tokenizer.vocab_size(),
        hidden_size: m.hidden_size,
        intermediate_size: m.intermediate_size,
        num_hidden_layers: m.layers,
        num_attention_heads: m.heads,
        num_key_value_heads: m.key_value_heads,
        head_dim: m.head_size,
        max_position_embeddings: m.max_positions,
        rms_norm_eps: m.norm_epsilon,
        rope_theta: m.rope_theta,
        tie_word_embeddings: m.tie_embeddings,
        bos_token_id: tokenizer.bos(),
        eos_token_id: tokenizer.eos(),
        more_eos_token_ids: Vec::new(),
        pad_token_id: tokenizer.pad(),
    };
    config.validate().map_err(TrainError::engine("model sizes of the recipe"))?;
    let seed = mix(&[recipe.run.seed, Use::Weights as u64]);
    Ok((Start::Random { config, seed }, tokenizer))
}

/// The tokenizer of a model folder that a run with sequences of `positions` tokens can start from.
pub(crate) fn usable_folder(dir: &Path, positions: usize) -> Result<Tokenizer, TrainError> {
    if dir.join(ADAPTER_CONFIG_FILE).is_file() {
        let message = "is an adapter, and a run starts from a whole model; chemr merge makes one of adapter and base";
        return Err(TrainError::folder(dir, message));
    }
    if !dir.join(CONFIG_FILE).is_file()
        && let Some((_, checkpoint)) = newest_checkpoint(dir)
    {
        let message = format!("is a run; name the model to start from, its newest is {}", checkpoint.display());
        return Err(TrainError::folder(dir, message));
    }
    let context = || format!("loading {}", dir.display());
    let (config, _) = check_folder(dir).map_err(TrainError::engine(context()))?;
    if positions > config.max_position_embeddings {
        let message =
            format!("has {} positions, model.max_positions asks for {positions}", config.max_position_embeddings);
        return Err(TrainError::folder(dir, message));
    }
    Tokenizer::load(dir).map_err(TrainError::engine(context()))
}

fn save_tokenizer(tokenizer: &Tokenizer, dir: &Path) -> Result<(), TrainError> {
    let partial = dir.with_file_name(PARTIAL_TOKENIZER);
    if partial.exists() {
        std::fs::remove_dir_all(&partial).map_err(TrainError::io("remove", &partial))?;
    }
    std::fs::create_dir_all(&partial).map_err(TrainError::io("create", &partial))?;
    tokenizer.save(&partial).map_err(TrainError::engine("saving the tokenizer"))?;
    std::fs::rename(&partial, dir).map_err(TrainError::io("rename", dir))
}
