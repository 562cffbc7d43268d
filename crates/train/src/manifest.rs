//! `manifest.json`: what a reader needs to know to repeat the run.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::TrainError;
use crate::recipe::hex;

/// Versions, hashes, seeds and host of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of chem-r.
    pub version: String,
    /// Seconds since 1970 when the run was created.
    pub created: u64,
    /// Seed of the run.
    pub seed: u64,
    /// SHA-256 of the resolved recipe.
    pub recipe_sha256: String,
    /// SHA-256 over the identity of the data.
    pub data_sha256: String,
    /// SHA-256 of `tokenizer.json`.
    pub tokenizer_sha256: String,
    /// The model folder the run started from; empty when the weights were random.
    pub start_model: String,
    /// SHA-256 of that folder's `model.safetensors`; empty when the weights were random.
    pub start_model_sha256: String,
    /// Tasks, in the order of reports.
    pub tasks: Vec<String>,
    /// Protocol ids and versions.
    pub protocols: Vec<String>,
    /// Vocabulary of the tokenizer.
    pub vocab_size: usize,
    /// Parameters of the model.
    pub parameters: usize,
    /// The machine.
    pub host: Host,
}

/// The machine a run was started on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Operating system and architecture.
    pub system: String,
    /// Model name of the processor.
    pub cpu: String,
    /// Logical cores.
    pub cores: usize,
    /// Threads used.
    pub threads: usize,
    /// Memory in MB; 0 when unknown.
    pub memory_mb: u64,
}

impl Host {
    /// Reads the facts of this machine.
    pub fn read(threads: usize) -> Self {
        let field = |file: &str, key: &str| {
            let text = std::fs::read_to_string(file).ok()?;
            let line = text.lines().find(|line| line.starts_with(key))?;
            Some(line.split_once(':')?.1.trim().to_string())
        };
        let memory = field("/proc/meminfo", "MemTotal")
            .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok())
            .map_or(0, |kilobytes| kilobytes / 1024);
        Self {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            threads,
            memory_mb: memory,
        }
    }
}

/// SHA-256 of a file, in hex.
pub(crate) fn file_sha256(path: &Path) -> Result<String, TrainError> {
    let bytes = std::fs::read(path).map_err(TrainError::io("read", path))?;
    Ok(hex(&Sha256::digest(&bytes)))
}
