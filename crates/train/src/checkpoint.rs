//! Checkpoints: a Hugging Face model folder or a PEFT adapter folder with its tokenizer, plus `state/`, under their final name
//! only when complete.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use chemr_engine::hf::{ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE, CONFIG_FILE, WEIGHTS_FILE};
use chemr_engine::tokenizer::TOKENIZER_FILE;
use chemr_engine::{EngineError, Model, Tokenizer};
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::folder::{RunFolder, parse_step_name, step_name, write_json};
use crate::learner::Learner;
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
            let has = |files: &[&str]| files.iter().all(|file| dir.join(file).is_file());
            let values = [[CONFIG_FILE, WEIGHTS_FILE], [ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE]];
            let complete = has(&["state/phase.json", TOKENIZER_FILE]) && values.iter().any(|files| has(files));
            complete.then_some(step)
        })
        .collect();
    steps.sort_unstable();
    steps
}

/// Saves a checkpoint; that of an adapter names `base`. Nothing is overwritten: if this step is already there, complete, it
/// stays as it is.
pub(crate) fn save(
    folder: &RunFolder,
    state: &PhaseState,
    learner: &Learner,
    tokenizer: &Tokenizer,
    base: &str,
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
    // The engine writes all of it under another name, flushes it, and renames it once.
    let context = format!("saving checkpoint {}", dir.display());
    let mut own_error = None;
    let saved = learner.save(&dir, tokenizer, base, |partial| {
        let state_dir = partial.join("state");
        fs::create_dir_all(&state_dir).map_err(|source| EngineError::Io {
            operation: "create",
            path: state_dir.clone(),
            source,
        })?;
        learner.save_state(&state_dir.join("optimizer.safetensors"))?;
        write_json(&state_dir.join("phase.json"), state).map_err(|error| {
            let reason = error.to_string();
            own_error = Some(error);
            EngineError::Format { operation: "write", path: state_dir.join("phase.json"), reason }
        })
    });
    if let Some(error) = own_error {
        return Err(error);
    }
    saved.map_err(TrainError::engine(context))?;
    Ok(dir)
}

/// Removes all but the newest `keep` intermediate checkpoints of a phase, and partial folders. The newest of all is never
/// removed, nor the phase's last step (`total`).
pub(crate) fn prune(folder: &RunFolder, phase: PhaseKind, total: u64, keep: usize) -> Result<(), TrainError> {
    let dir = folder.phase_dir(phase);
    let complete = complete_steps(&dir);
    let keep = if complete.contains(&total) { keep } else { keep.max(1) };
    let steps: Vec<u64> = complete.into_iter().filter(|step| *step != total).collect();
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
