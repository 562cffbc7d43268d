//! Finding model folders and naming run folders.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, bail};
use chemr_engine::{InferenceModel, ModelConfig, Precision, Tokenizer, check_folder, load_inference_folder};
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

/// The model folder that a path means: itself, or the newest checkpoint of the run folder it is.
pub fn resolve(path: &Path) -> anyhow::Result<PathBuf> {
    if path.join("config.json").is_file() {
        return Ok(path.to_path_buf());
    }
    if let Some((_, checkpoint)) = chemr_train::newest_checkpoint(path) {
        return Ok(checkpoint);
    }
    bail!("{}: neither a model folder (config.json) nor a run folder with a checkpoint", path.display())
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
                std::fs::metadata(checkpoint.join("model.safetensors")).and_then(|file| file.modified()).ok()?;
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
    let text = std::fs::read_to_string(run_of(checkpoint)?.join("manifest.json")).ok()?;
    Some(serde_json::from_str::<Manifest>(&text).ok()?.tasks)
}

/// Reads a model folder for generation and says so.
pub fn load(folder: &Path, precision: Precision) -> anyhow::Result<(InferenceModel<'static>, Tokenizer)> {
    let place = || format!("model {}", folder.display());
    let (config, _) = check_folder(folder).with_context(place)?;
    if let Some(reason) = free_memory().and_then(|free| too_large(&config, precision, free)) {
        bail!("{}: {reason}", place());
    }
    let loaded = load_inference_folder(folder, precision).with_context(place)?;
    match precision {
        Precision::Single => eprintln!("model {}", folder.display()),
        _ => eprintln!("model {} as {precision}", folder.display()),
    }
    Ok(loaded)
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
