//! Files of an evaluation in the run folder.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use chemr_tasks::Prompts;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::EvalError;
use crate::records::{Asked, PhaseScores};

/// Folder of the records inside a run folder.
const FOLDER: &str = "eval";

/// Phases in the order of training; others follow in alphabetical order.
pub(crate) const PHASES: [&str; 3] = ["foundation", "distill", "grpo"];

/// An evaluated phase: what training it cost, and what it can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseRecord {
    /// `foundation`, `distill` or `grpo`; another name for a model that was not trained in this run.
    pub name: String,
    /// Training seconds.
    pub seconds: f64,
    /// Tokens trained on.
    pub tokens: u64,
    pub evaluation_seconds: f64,
    /// How the rows were asked; `None` in records of versions that did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    pub scores: PhaseScores,
}

/// Writes `RUN/eval/NAME.json` and returns its path.
///
/// # Errors
/// When the file cannot be written.
pub fn write_phase(run: &Path, record: &PhaseRecord) -> Result<PathBuf, EvalError> {
    let path = run.join(FOLDER).join(format!("{}.json", record.name));
    write_json(&path, record)?;
    Ok(path)
}

/// Writes `RUN/prompts.toml`: the templates that questions were asked with, all of them.
///
/// # Errors
/// When the file cannot be written.
pub fn write_prompts(run: &Path, prompts: &Prompts) -> Result<PathBuf, EvalError> {
    let path = run.join("prompts.toml");
    write_atomic(&path, prompts.to_toml().as_bytes())?;
    Ok(path)
}

/// All evaluated phases of a run, in the order of training.
///
/// # Errors
/// When a record cannot be read, or there is none.
pub fn read_phases(run: &Path) -> Result<Vec<PhaseRecord>, EvalError> {
    let folder = run.join(FOLDER);
    let nothing = || EvalError::NothingEvaluated { path: run.to_path_buf() };
    let entries = fs::read_dir(&folder).map_err(|_| nothing())?;
    let mut records = Vec::new();
    for entry in entries {
        let path = entry.map_err(EvalError::file("read", &folder))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            records.push(read_json::<PhaseRecord>(&path)?);
        }
    }
    if records.is_empty() {
        return Err(nothing());
    }
    let rank = |name: &str| PHASES.iter().position(|phase| *phase == name).unwrap_or(PHASES.len());
    records.sort_by(|a, b| (rank(&a.name), &a.name).cmp(&(rank(&b.name), &b.name)));
    Ok(records)
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, EvalError> {
    let text = fs::read_to_string(path).map_err(EvalError::file("read", path))?;
    serde_json::from_str(&text).map_err(EvalError::json(path))
}

pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), EvalError> {
    let mut text = serde_json::to_string_pretty(value).map_err(EvalError::json(path))?;
    text.push('\n');
    write_atomic(path, text.as_bytes())
}

/// Writes under another name and renames, so that no half-written file is ever seen.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), EvalError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(EvalError::file("create", parent))?;
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".partial");
    let partial = path.with_file_name(name);
    let mut file = File::create(&partial).map_err(EvalError::file("write", &partial))?;
    file.write_all(bytes).map_err(EvalError::file("write", &partial))?;
    file.sync_all().map_err(EvalError::file("write", &partial))?;
    fs::rename(&partial, path).map_err(EvalError::file("rename", &partial))
}
