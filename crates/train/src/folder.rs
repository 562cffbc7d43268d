//! The run folder: what lies where, written so that a kill at any moment leaves it usable.
//!
//! ```text
//! RUN/
//!   config.toml          resolved recipe, every key documented
//!   prompts.toml         the words of the questions, all of them
//!   manifest.json        versions, hashes, seeds, host
//!   metrics.jsonl        one JSON object a line
//!   phases.json          which phases are finished, and whether the work after them is done
//!   tokenizer/           the trained tokenizer
//!   samples/             dropped traces and sampled completions
//!   checkpoints/PHASE/step-000100/   a Hugging Face folder or an adapter folder, and state/ (optimizer, counters)
//!   failures/PHASE-step-000123/      the batch of a step whose numbers were not finite
//! ```
//!
//! Every file is written under another name and renamed. A checkpoint folder is complete when it has its final
//! name: everything in it was written, and flushed to disk, before the rename.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::phase::PhaseKind;

/// The tokenizer's folder while it is being written.
pub(crate) const PARTIAL_TOKENIZER: &str = ".tokenizer.partial";

/// The words of the questions.
pub(crate) const PROMPTS: &str = "prompts.toml";

/// Locked while a process is at work in the folder.
const LOCK: &str = "run.lock";

/// An open run folder, locked against other processes until it is dropped.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    // The operating system drops the lock with the file, also after a kill.
    _lock: File,
}

/// A finished phase as noted in `phases.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FinishedPhase {
    /// Phase name.
    pub name: String,
    /// Its last step.
    pub step: u64,
    /// Training seconds, over all interruptions.
    pub seconds: f64,
    /// Tokens trained on (GRPO: sampled and trained on).
    pub tokens: u64,
    /// Whether the work after the phase (evaluation) is done too.
    pub hook_done: bool,
}

impl RunFolder {
    /// Whether [`RunFolder::open`] would take the folder, so that a mistaken path is known before data is read.
    ///
    /// # Errors
    /// A new run into a folder that holds one; a resume without one; another process is at work in it.
    pub fn check(path: &Path, resume: bool) -> Result<(), TrainError> {
        Self::usable(path, resume)?;
        if path.join(LOCK).exists() {
            drop(lock(path)?);
        }
        Ok(())
    }

    fn usable(path: &Path, resume: bool) -> Result<(), TrainError> {
        let has_run = path.join("config.toml").is_file();
        if resume && !has_run {
            return Err(TrainError::folder(path, "holds no run to resume (config.toml is missing)"));
        }
        if !resume && has_run {
            return Err(TrainError::folder(
                path,
                "already holds a run; resume it (--resume) or choose another folder. Nothing was overwritten",
            ));
        }
        if !resume && path.exists() {
            let mut entries = fs::read_dir(path).map_err(TrainError::io("read", path))?;
            // A run that was killed before or in its first file leaves the lock and a partial file: still an empty folder.
            let of_a_run = |name: &OsStr| name == LOCK || name == "config.toml.partial" || name == PARTIAL_TOKENIZER;
            if entries.any(|entry| entry.is_ok_and(|entry| !of_a_run(&entry.file_name()))) {
                return Err(TrainError::folder(path, "is not empty; choose a new or an empty folder"));
            }
        }
        Ok(())
    }

    /// Creates a new run folder, or opens one for resuming, and locks it.
    ///
    /// # Errors
    /// As [`RunFolder::check`], or the folder cannot be made.
    pub fn open(path: &Path, resume: bool) -> Result<Self, TrainError> {
        Self::usable(path, resume)?;
        fs::create_dir_all(path).map_err(TrainError::io("create", path))?;
        let lock = lock(path)?;
        Ok(Self { path: path.to_path_buf(), _lock: lock })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path inside the folder.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Removes what a run writes before its first step, so that the folder counts as empty again.
    pub(crate) fn clear(&self) -> Result<(), TrainError> {
        for name in ["tokenizer", PARTIAL_TOKENIZER] {
            let path = self.join(name);
            if path.exists() {
                fs::remove_dir_all(&path).map_err(TrainError::io("remove", &path))?;
            }
        }
        for name in ["metrics.jsonl", "config.toml", PROMPTS] {
            let path = self.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(TrainError::io("remove", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Folder of a phase's checkpoints.
    pub fn phase_dir(&self, phase: PhaseKind) -> PathBuf {
        self.path.join("checkpoints").join(phase.name())
    }

    /// Folder of one checkpoint.
    pub fn checkpoint_dir(&self, phase: PhaseKind, step: u64) -> PathBuf {
        self.phase_dir(phase).join(step_name(step))
    }

    /// Finished phases, in order.
    ///
    /// # Errors
    /// The file exists but cannot be read.
    pub fn finished(&self) -> Result<Vec<FinishedPhase>, TrainError> {
        let path = self.join("phases.json");
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|e| TrainError::folder(&path, e.to_string())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(TrainError::io("read", &path)(error)),
        }
    }

    /// Notes a phase as finished (or its hook as done), replacing an earlier note of the same phase.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note_finished(&self, phase: FinishedPhase) -> Result<(), TrainError> {
        let mut phases = self.finished()?;
        match phases.iter_mut().find(|known| known.name == phase.name) {
            Some(known) => *known = phase,
            None => phases.push(phase),
        }
        write_json(&self.join("phases.json"), &phases)
    }
}

/// `step-000100`.
pub fn step_name(step: u64) -> String {
    format!("step-{step:06}")
}

/// The step of a checkpoint folder's name.
pub fn parse_step_name(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("step-")?;
    if digits.len() < 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// Newest checkpoint of a run for use: the last complete step of the latest phase that has one.
/// `None` when there is no complete checkpoint.
pub fn newest_checkpoint(run: &Path) -> Option<(PhaseKind, PathBuf)> {
    PhaseKind::ALL.into_iter().rev().find_map(|phase| {
        let dir = run.join("checkpoints").join(phase.name());
        crate::checkpoint::complete_steps(&dir).last().map(|step| (phase, dir.join(step_name(*step))))
    })
}

fn lock(path: &Path) -> Result<File, TrainError> {
    let file = path.join(LOCK);
    let mut lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .read(true)
        .open(&file)
        .map_err(TrainError::io("open", &file))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let pid = fs::read_to_string(&file).unwrap_or_default().trim().to_string();
            let pid = if pid.is_empty() { "unknown".to_string() } else { pid };
            return Err(TrainError::Locked { path: path.to_path_buf(), pid });
        }
        Err(TryLockError::Error(error)) => return Err(TrainError::io("lock", &file)(error)),
    }
    lock.set_len(0).map_err(TrainError::io("write", &file))?;
    writeln!(lock, "{}", std::process::id()).map_err(TrainError::io("write", &file))?;
    Ok(lock)
}

/// Writes a file under another name, flushes it to disk, and renames it.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(TrainError::io("create", parent))?;
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".partial");
    let partial = path.with_file_name(name);
    let mut file = File::create(&partial).map_err(TrainError::io("write", &partial))?;
    file.write_all(bytes).map_err(TrainError::io("write", &partial))?;
    file.sync_all().map_err(TrainError::io("flush", &partial))?;
    fs::rename(&partial, path).map_err(TrainError::io("rename", path))
}

/// [`write_atomic`] of a value as indented JSON.
pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), TrainError> {
    let mut text = serde_json::to_string_pretty(value).map_err(|e| TrainError::folder(path, e.to_string()))?;
    text.push('\n');
    write_atomic(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_and_no_overwriting() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run");
        assert!(matches!(RunFolder::open(&path, true), Err(TrainError::Folder { .. })));
        let folder = RunFolder::open(&path, false).unwrap();
        assert!(matches!(RunFolder::open(&path, false), Err(TrainError::Locked { .. })));
        write_atomic(&folder.join("config.toml"), b"").unwrap();
        assert!(matches!(RunFolder::check(&path, true), Err(TrainError::Locked { .. })));
        drop(folder);
        RunFolder::check(&path, true).unwrap();
        assert!(RunFolder::open(&path, false).unwrap_err().to_string().contains("already holds a run"));
        drop(RunFolder::open(&path, true).unwrap());
        let other = dir.path().join("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("notes.txt"), "mine").unwrap();
        assert!(RunFolder::open(&other, false).unwrap_err().to_string().contains("not empty"));
    }

    #[test]
    fn finished_phases_are_noted_once() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::open(&dir.path().join("run"), false).unwrap();
        let mut phase = FinishedPhase { name: "foundation".into(), step: 5, seconds: 1.0, tokens: 9, hook_done: false };
        folder.note_finished(phase.clone()).unwrap();
        phase.hook_done = true;
        folder.note_finished(phase.clone()).unwrap();
        assert_eq!(folder.finished().unwrap(), [phase]);
    }

    #[test]
    fn step_names() {
        assert_eq!(step_name(100), "step-000100");
        assert_eq!(parse_step_name("step-000100"), Some(100));
        assert_eq!(parse_step_name("step-1234567"), Some(1_234_567));
        for bad in ["step-000100.partial", "step-", "step-00x100", "step-100", ".step-000100"] {
            assert_eq!(parse_step_name(bad), None);
        }
    }
}
