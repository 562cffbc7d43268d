//! Finding model folders and naming run folders.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, bail};
use chemr_data::tell;
use chemr_engine::hf::{ADAPTER_CONFIG_FILE, CONFIG_FILE};
use chemr_engine::tokenizer::TOKENIZER_FILE;
use chemr_engine::{
    EngineError, InferenceModel, ModelConfig, Precision, Tokenizer, adapter_base, check_folder,
    load_adapted_inference_folder, load_adapter, load_config, load_inference_folder, load_merged_inference_folder,
};
use chemr_eval::{AdapterFacts, ModelFacts};
use chemr_tasks::Prompts;
use chemr_train::Manifest;

/// Where runs go unless the user says otherwise.
const RUNS: &str = "runs";

/// The next `runs/NAME-NNN` that does not exist.
pub fn next_free(name: &str) -> anyhow::Result<PathBuf> {
    (1..10_000)
        .map(|number| Path::new(RUNS).join(format!("{name}-{number:03}")))
        .find(|path| !path.exists())
        .with_context(|| format!("{RUNS}/{name}-NNN: all numbers are taken; name a folder with --out"))
}

/// The model folder or adapter folder that a path means: itself, or the newest checkpoint of the run folder it is.
pub fn resolve(path: &Path) -> anyhow::Result<PathBuf> {
    if path.join(CONFIG_FILE).is_file() || is_adapter(path) {
        return Ok(path.to_path_buf());
    }
    if let Some((_, checkpoint)) = chemr_train::newest_checkpoint(path) {
        return Ok(checkpoint);
    }
    bail!(
        "{}: neither a model folder ({CONFIG_FILE}), an adapter folder ({ADAPTER_CONFIG_FILE}) nor a run folder with a \
         checkpoint",
        path.display()
    )
}

/// The tokenizer of a model folder, or of the newest checkpoint of a run folder, and the folder that it lies in.
pub fn tokenizer(folder: &Path) -> anyhow::Result<(PathBuf, Tokenizer)> {
    let context = || format!("the tokenizer of {}", folder.display());
    let found = if folder.join(TOKENIZER_FILE).is_file() {
        folder.to_owned()
    } else {
        resolve(folder).with_context(context)?
    };
    let tokenizer = Tokenizer::load(&found).with_context(context)?;
    Ok((found, tokenizer))
}

/// The prompts of the run that made a model, if one did.
pub fn trained_prompts(folder: &Path) -> anyhow::Result<Option<Prompts>> {
    Ok(run_of(folder).map(chemr_train::prompts_of).transpose()?.flatten())
}

/// As transformers decides: also where the base's `config.json` lies beside.
fn is_adapter(folder: &Path) -> bool {
    folder.join(ADAPTER_CONFIG_FILE).is_file()
}

/// Which model a command uses.
#[derive(clap::Args)]
pub struct ModelChoice {
    /// Model or adapter folder, or run folder (its newest checkpoint); by default the newest run.
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// The model that the adapter belongs to; by default the one that its adapter_config.json names.
    #[arg(long, value_name = "DIR")]
    base: Option<PathBuf>,
    /// How to hold the weights: fp32, bf16 or int8 (see docs/engine.md); by default fp32, or for the adapter of a run as the run
    /// held its base.
    #[arg(long, value_name = "KIND")]
    pub precision: Option<Precision>,
}

impl ModelChoice {
    /// Finds the chosen model.
    pub fn find(&self) -> anyhow::Result<Found> {
        let folder = match &self.model {
            Some(path) => resolve(path)?,
            None => newest()?,
        };
        find(folder, self.base.as_deref())
    }
}

/// A model on disk.
#[derive(Debug)]
pub struct Found {
    /// Model folder, or adapter folder.
    pub folder: PathBuf,
    /// The model folder that the adapter belongs to; `None` for a whole model.
    pub base: Option<PathBuf>,
}

/// A model folder, or an adapter folder with its base: `base` (a model or run folder), else the one that it names.
pub fn find(folder: PathBuf, base: Option<&Path>) -> anyhow::Result<Found> {
    let base = match (is_adapter(&folder), base) {
        (false, None) => None,
        (false, Some(_)) => bail!("{} is a whole model: --base is for adapters", folder.display()),
        (true, Some(base)) => {
            let base = resolve(base)?;
            if is_adapter(&base) {
                bail!("--base {} is an adapter itself; name the model it was trained on", base.display());
            }
            Some(base)
        }
        (true, None) => Some(named_base(&folder)?),
    };
    Ok(Found { folder, base })
}

/// The base that an adapter names; a relative path is looked up from the adapter's folder, then from the working directory.
fn named_base(adapter: &Path) -> anyhow::Result<PathBuf> {
    let place = adapter.display();
    let Some(name) = adapter_base(adapter)? else {
        bail!("adapter {place} does not name the model that it belongs to; name its folder with --base");
    };
    let candidates = [adapter.join(&name), PathBuf::from(&name)];
    let found = candidates.into_iter().find(|folder| folder.join(CONFIG_FILE).is_file());
    let base = found.with_context(|| {
        format!("adapter {place} belongs to the model {name}, which is no folder here; name its folder with --base")
    })?;
    if is_adapter(&base) {
        bail!("adapter {place} names {name}, which is an adapter itself; name the whole model with --base");
    }
    Ok(base)
}

impl Found {
    /// The folder of `config.json`, the large weights and `generation_config.json`.
    pub fn weights(&self) -> &Path {
        self.base.as_deref().unwrap_or(&self.folder)
    }

    /// Shape of the model and size of the adapter.
    pub fn facts(&self) -> anyhow::Result<ModelFacts> {
        let (config, architecture) = load_config(self.weights())?;
        let mut facts = ModelFacts::of(&config, &architecture);
        if self.base.is_some() {
            let adapters = load_adapter(&self.folder, &config)?;
            let (rank, parameters) = (adapters.config().rank, adapters.parameter_count());
            facts.adapter = Some(AdapterFacts { rank, parameters });
        }
        Ok(facts)
    }

    /// Reads it for generation; an adapter is merged in single precision.
    pub fn read(&self, precision: Precision) -> Result<(InferenceModel<'static>, Tokenizer), EngineError> {
        match &self.base {
            None => load_inference_folder(&self.folder, precision),
            Some(base) => load_merged_inference_folder(base, &self.folder, precision),
        }
    }

    /// How the run of an adapter held its base.
    pub fn trained_base(&self) -> Precision {
        let manifest = self.base.as_ref().and_then(|_| manifest_of(&self.folder));
        manifest.and_then(|manifest| manifest.adapter).map_or(Precision::Single, |adapter| adapter.base)
    }

    /// As a run with `adapter.base` trains it: on a base in less than single precision the adapter stands beside the matrices.
    pub fn read_as_trained(&self, base: Precision) -> Result<(InferenceModel<'static>, Tokenizer), EngineError> {
        match &self.base {
            Some(folder) if base != Precision::Single => load_adapted_inference_folder(folder, &self.folder, base),
            _ => self.read(base),
        }
    }

    /// As [`Found::read`], or as it was trained where no precision is given, if there is memory for it; says what is read.
    pub fn load(&self, precision: Option<Precision>) -> anyhow::Result<(InferenceModel<'static>, Tokenizer)> {
        let name = match &self.base {
            None => format!("model {}", self.folder.display()),
            Some(base) => format!("adapter {} on model {}", self.folder.display(), base.display()),
        };
        let held = precision.unwrap_or_else(|| self.trained_base());
        let (config, _) = check_folder(self.weights()).with_context(|| name.clone())?;
        if let Some(reason) = free_memory().and_then(|free| too_large(&config, held, free)) {
            bail!("{name}: {reason}");
        }
        let loaded = match precision {
            Some(precision) => self.read(precision),
            None => self.read_as_trained(held),
        };
        let loaded = loaded.with_context(|| name.clone())?;
        match (held, precision) {
            (Precision::Single, _) => tell!("{name}"),
            (_, Some(_)) => tell!("{name} as {held}"),
            (_, None) => tell!("{name} in {held}, as it was trained"),
        }
        Ok(loaded)
    }
}

/// The newest checkpoint of the newest run below `runs/`.
pub fn newest() -> anyhow::Result<PathBuf> {
    let none =
        || format!("no --model given and no run with a checkpoint below {RUNS}/; make one with `chemr quickstart`");
    let entries = match std::fs::read_dir(RUNS) {
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(none()),
        entries => entries.with_context(none)?,
    };
    let mut found: Vec<(SystemTime, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| chemr_train::newest_checkpoint(&entry.path()))
        .filter_map(|(_, checkpoint)| {
            let changed =
                std::fs::metadata(checkpoint.join("state/phase.json")).and_then(|file| file.modified()).ok()?;
            Some((changed, checkpoint))
        })
        .collect();
    found.sort();
    found.pop().map(|(_, checkpoint)| checkpoint).with_context(none)
}

/// The run folder of a checkpoint, which lies at RUN/checkpoints/PHASE/STEP.
pub fn run_of(checkpoint: &Path) -> Option<&Path> {
    checkpoint.ancestors().nth(3).filter(|run| run.join("config.toml").is_file())
}

/// The tasks that the run of a checkpoint trained for, if its manifest says.
pub fn trained_tasks(checkpoint: &Path) -> Option<Vec<String>> {
    Some(manifest_of(checkpoint)?.tasks)
}

/// The manifest of a checkpoint's run.
fn manifest_of(checkpoint: &Path) -> Option<Manifest> {
    let text = std::fs::read_to_string(run_of(checkpoint)?.join("manifest.json")).ok()?;
    serde_json::from_str(&text).ok()
}

/// Why a model does not fit into `free` bytes and what would; `None` when it does.
fn too_large(config: &ModelConfig, precision: Precision, free: u64) -> Option<String> {
    // Buffers, the cache and the tokenizer are small beside the weights of a model for which this matters.
    let needed = |precision: Precision| {
        let weights = precision.weight_bytes(config);
        weights.saturating_add(weights / 20)
    };
    let gigabytes = |bytes: u64| bytes as f64 / 1e9;
    if needed(precision) <= free {
        return None;
    }
    let remedy = match Precision::ALL.into_iter().find(|kind| needed(*kind) <= free) {
        Some(kind) => format!("--precision {kind} takes {:.1} GB", gigabytes(needed(kind))),
        None => "no precision makes it fit".to_owned(),
    };
    let (needed, free) = (gigabytes(needed(precision)), gigabytes(free));
    Some(format!("takes {needed:.1} GB as {precision}, and {free:.1} GB of memory are free; {remedy}"))
}

/// Bytes of memory that a new program can have without swapping; `None` where the system does not tell.
pub fn free_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_does_not_fit_names_a_precision_that_does() {
        let config = ModelConfig {
            vocab_size: 128_256,
            hidden_size: 4096,
            intermediate_size: 14_336,
            num_hidden_layers: 32,
            num_attention_heads: 32,
            num_key_value_heads: 8,
            head_dim: 128,
            max_position_embeddings: 131_072,
            rms_norm_eps: 1e-5,
            rope_theta: 500_000.0,
            tie_word_embeddings: false,
            bos_token_id: None,
            eos_token_id: None,
            more_eos_token_ids: Vec::new(),
            pad_token_id: None,
        };
        // Llama 3.1 8B: 8.03 billion parameters, 16.06 GB in bf16.
        let said = |precision, free| too_large(&config, precision, free).unwrap_or_default();
        assert_eq!(said(Precision::Single, 40_000_000_000), "");
        let eight = said(Precision::Single, 20_000_000_000);
        assert_eq!(eight, "takes 33.7 GB as fp32, and 20.0 GB of memory are free; --precision bf16 takes 16.9 GB");
        assert!(
            said(Precision::Bf16, 12_000_000_000).ends_with("--precision int8 takes 9.5 GB"),
            "{}",
            said(Precision::Bf16, 12_000_000_000)
        );
        assert!(said(Precision::Int8, 1_000_000_000).ends_with("no precision makes it fit"));
    }
}
