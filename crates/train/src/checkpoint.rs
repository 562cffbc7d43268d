//! Checkpoints: a Hugging Face folder plus `state/`, under their final name only when complete.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use chemr_engine::{Model, Tokenizer, Trainer};
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::folder::{RunFolder, parse_step_name, step_name, write_json};
use crate::phase::PhaseKind;

/// Version of `state/phase.json`.
const STATE_VERSION: u32 = 1;

/// What a phase must know to go on, besides weights and optimizer: `state/phase.json`.
///
/// Data order, traces and sampling are functions of (seed, phase, step), so the step says it all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseState {
    /// Format of this file.
    pub version: u32,
    /// The phase.
    pub phase: PhaseKind,
    /// Steps done.
    pub step: u64,
    /// Steps in all.
    pub total: u64,
    /// Training seconds so far, over all interruptions.
    pub seconds: f64,
    /// Tokens so far.
    pub tokens: u64,
    /// Rows trained on so far, by task.
    pub rows: BTreeMap<String, u64>,
    /// Rows dropped so far, by task and reason.
    pub dropped: BTreeMap<String, BTreeMap<String, u64>>,
    /// Hash of recipe and data; a resume under another one is refused.
    pub fingerprint: String,
}

impl PhaseState {
    /// The state before the first step.
    pub(crate) fn start(phase: PhaseKind, total: u64, fingerprint: &str) -> Self {
        Self {
            version: STATE_VERSION,
            phase,
            step: 0,
            total,
            seconds: 0.0,
            tokens: 0,
            rows: BTreeMap::new(),
            dropped: BTreeMap::new(),
            fingerprint: fingerprint.to_string(),
        }
    }
}

/// Steps of the complete checkpoints below a phase's folder, ascending.
pub fn complete_steps(phase_dir: &Path) -> Vec<u64> {
    let Ok(entries) = fs::read_dir(phase_dir) else {
        return Vec::new();
    };
    let mut steps: Vec<u64> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let step = parse_step_name(&entry.file_name().to_string_lossy())?;
            let dir = entry.path();
            let complete = ["state/phase.json", "model.safetensors", "config.json", "tokenizer.json"]
                .iter()
                .all(|file| dir.join(file).is_file());
            complete.then_some(step)
        })
        .collect();
    steps.sort_unstable();
    steps
}

/// Saves a checkpoint. Nothing is overwritten: if this step is already there, complete, it stays as it is.
pub(crate) fn save(
    folder: &RunFolder,
    state: &PhaseState,
    trainer: &Trainer,
    tokenizer: &Tokenizer,
) -> Result<PathBuf, TrainError> {
    let dir = folder.checkpoint_dir(state.phase, state.step);
    let parent = folder.phase_dir(state.phase);
    if complete_steps(&parent).contains(&state.step) {
        return Ok(dir);
    }
    fs::create_dir_all(&parent).map_err(TrainError::io("create", &parent))?;
    if dir.exists() {
        set_aside(&dir)?;
    }
    let partial = parent.join(format!(".{}.partial", step_name(state.step)));
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(TrainError::io("remove", &partial))?;
    }
    let context = || format!("saving checkpoint {}", dir.display());
    chemr_engine::save_folder(&partial, trainer.model(), tokenizer).map_err(TrainError::engine(context()))?;
    let state_dir = partial.join("state");
    fs::create_dir_all(&state_dir).map_err(TrainError::io("create", &state_dir))?;
    trainer.save_state(&state_dir.join("optimizer.safetensors")).map_err(TrainError::engine(context()))?;
    write_json(&state_dir.join("phase.json"), state)?;
    flush_tree(&partial)?;
    fs::rename(&partial, &dir).map_err(TrainError::io("rename", &dir))?;
    // The rename itself must reach the disk too, or a power cut could leave the folder under its partial name.
    flush(&parent)?;
    Ok(dir)
}

/// Removes all but the newest `keep` intermediate checkpoints of a phase, and partial folders. The phase's last step
/// (`total`) is never removed.
pub(crate) fn prune(folder: &RunFolder, phase: PhaseKind, total: u64, keep: usize) -> Result<(), TrainError> {
    let dir = folder.phase_dir(phase);
    let steps: Vec<u64> = complete_steps(&dir).into_iter().filter(|step| *step != total).collect();
    for step in &steps[..steps.len().saturating_sub(keep)] {
        let path = dir.join(step_name(*step));
        // Renamed first, so that a kill in the middle of the removal leaves no folder that looks complete.
        let doomed = dir.join(format!(".{}.removed", step_name(*step)));
        fs::rename(&path, &doomed).map_err(TrainError::io("rename", &path))?;
        fs::remove_dir_all(&doomed).map_err(TrainError::io("remove", &doomed))?;
    }
    remove_leftovers(&dir)
}

/// Removes what an interrupted save or removal left behind.
pub(crate) fn remove_leftovers(phase_dir: &Path) -> Result<(), TrainError> {
    let Ok(entries) = fs::read_dir(phase_dir) else {
        return Ok(());
    };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(".step-") {
            let path = entry.path();
            fs::remove_dir_all(&path).map_err(TrainError::io("remove", &path))?;
        }
    }
    Ok(())
}

/// Reads `state/phase.json` of a checkpoint.
pub(crate) fn load_state(dir: &Path) -> Result<PhaseState, TrainError> {
    let path = dir.join("state").join("phase.json");
    let text = fs::read_to_string(&path).map_err(TrainError::io("read", &path))?;
    let state: PhaseState = serde_json::from_str(&text).map_err(|e| TrainError::folder(&path, e.to_string()))?;
    if state.version != STATE_VERSION {
        return Err(TrainError::folder(
            &path,
            format!("has version {}, this program knows {STATE_VERSION}", state.version),
        ));
    }
    Ok(state)
}

/// Loads a model folder (a checkpoint, or any Hugging Face folder of the family).
pub(crate) fn load_model(dir: &Path) -> Result<(Model, Tokenizer), TrainError> {
    chemr_engine::load_folder(dir).map_err(TrainError::engine(format!("loading {}", dir.display())))
}

/// An incomplete folder under a final name (not made by us) is kept, under another name.
fn set_aside(dir: &Path) -> Result<(), TrainError> {
    let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for number in 1..1000 {
        let target = dir.with_file_name(format!("incomplete-{number}-{name}"));
        if !target.exists() {
            return fs::rename(dir, &target).map_err(TrainError::io("rename", dir));
        }
    }
    Err(TrainError::folder(dir, "is incomplete and in the way; remove it"))
}

fn flush_tree(dir: &Path) -> Result<(), TrainError> {
    for entry in fs::read_dir(dir).map_err(TrainError::io("read", dir))? {
        let path = entry.map_err(TrainError::io("read", dir))?.path();
        if path.is_dir() { flush_tree(&path)? } else { flush(&path)? }
    }
    flush(dir)
}

/// Flushes a file or folder to disk; systems that cannot flush a folder are let off.
fn flush(path: &Path) -> Result<(), TrainError> {
    match File::open(path).and_then(|file| file.sync_all()) {
        Ok(()) => Ok(()),
        Err(_) if path.is_dir() => Ok(()),
        Err(error) => Err(TrainError::io("flush", path)(error)),
    }
}
