//! Finding model folders and naming run folders.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, bail};
use chemr_engine::{InferenceModel, Precision, Tokenizer, check_folder, load_inference_folder};
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
    if let Some(free) = free_memory() {
        let needed = precision.weight_bytes(&config);
        if needed > free {
            let gigabytes = |bytes: u64| bytes as f64 / 1e9;
            let less = Precision::ALL.into_iter().find(|kind| kind.weight_bytes(&config) < free);
            let remedy = match less {
                Some(kind) => format!("--precision {kind} takes {:.1} GB", gigabytes(kind.weight_bytes(&config))),
                None => "no precision makes it fit".to_owned(),
            };
            bail!(
                "{}: its weights take {:.1} GB as {precision}, {:.1} GB of memory are free; {remedy}",
                place(),
                gigabytes(needed),
                gigabytes(free)
            );
        }
    }
    let loaded = load_inference_folder(folder, precision).with_context(place)?;
    match precision {
        Precision::Single => eprintln!("model {}", folder.display()),
        _ => eprintln!("model {} as {precision}", folder.display()),
    }
    Ok(loaded)
}

/// Bytes of memory that a new program can have without swapping; `None` where the system does not tell.
fn free_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
