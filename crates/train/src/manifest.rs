//! `manifest.json`: what a reader needs to know to repeat the run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use chemr_engine::Operands;
use chemr_engine::hf::{WEIGHTS_FILE, WEIGHTS_INDEX_FILE};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::TrainError;
use crate::recipe::{AdapterSection, digest, hex};

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
    /// SHA-256 of the prompts, `prompts.toml`; empty in manifests of versions that did not note it.
    #[serde(default)]
    pub prompts_sha256: String,
    /// SHA-256 of `tokenizer.json`.
    pub tokenizer_sha256: String,
    /// The model folder the run started from; empty when the weights were random.
    pub start_model: String,
    /// SHA-256 of that folder's weights; empty when they were random.
    pub start_model_sha256: String,
    /// Tasks, in the order of reports.
    pub tasks: Vec<String>,
    /// Protocol ids and versions.
    pub protocols: Vec<String>,
    /// Vocabulary of the tokenizer.
    pub vocab_size: usize,
    /// Parameters of the model.
    pub parameters: usize,
    /// Values that are trained: all parameters, or those of the adapter. 0 in manifests of versions that did not note it.
    #[serde(default)]
    pub trained_parameters: usize,
    /// The adapter that is trained, if one is.
    #[serde(default)]
    pub adapter: Option<AdapterSection>,
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
    /// [`chemr_engine::kernel_name`]; empty in manifests of versions that did not note it.
    #[serde(default)]
    pub kernels: String,
}

impl Manifest {
    /// The machine that a manifest tells of; none when the file tells none.
    pub(crate) fn read_host(path: &Path) -> Option<Host> {
        let file = File::open(path).ok()?;
        serde_json::from_reader::<_, Manifest>(std::io::BufReader::new(file)).ok().map(|manifest| manifest.host)
    }
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
            kernels: chemr_engine::kernel_name().to_owned(),
        }
    }

    /// Whether training goes on here with other bits than on the machine `began`: products of bf16 pairs round differently in each of
    /// the kernels, single precision in the portable ones.
    pub(crate) fn rounds_unlike(&self, began: &Host, operands: Operands) -> bool {
        let names = [self.kernels.as_str(), began.kernels.as_str()];
        !names.contains(&"") && names[0] != names[1] && (operands == Operands::Bf16 || names.contains(&"portable"))
    }
}

/// SHA-256 of a file, in hex.
///
/// # Errors
/// The file cannot be read.
pub fn file_sha256(path: &Path) -> Result<String, TrainError> {
    let mut file = File::open(path).map_err(TrainError::io("read", path))?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut piece).map_err(TrainError::io("read", path))?;
        if count == 0 {
            break;
        }
        hash.update(&piece[..count]);
    }
    Ok(hex(&hash.finalize()))
}

/// What identifies the weights of a model folder: the SHA-256 of `model.safetensors`, or one over the names and hashes of the
/// shards that the index names.
pub(crate) fn weights_sha256(folder: &Path) -> Result<String, TrainError> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let (whole, index) = (folder.join(WEIGHTS_FILE), folder.join(WEIGHTS_INDEX_FILE));
    if whole.is_file() || !index.is_file() {
        return file_sha256(&whole);
    }
    let text = std::fs::read_to_string(&index).map_err(TrainError::io("read", &index))?;
    let content: Index = serde_json::from_str(&text).map_err(|error| TrainError::folder(&index, error.to_string()))?;
    let shards: BTreeSet<&String> = content.weight_map.values().collect();
    let mut parts = Vec::new();
    for shard in shards {
        parts.push(shard.clone());
        parts.push(file_sha256(&folder.join(shard))?);
    }
    Ok(digest(&parts.iter().map(String::as_str).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_that_round_unlike() {
        let host = |kernels: &str| Host { kernels: kernels.into(), ..Host::read(1) };
        let unlike = |one, other, operands| host(one).rounds_unlike(&host(other), operands);
        for (one, other, single, pairs) in [
            ("avx2", "avx2", false, false),
            ("avx2", "", false, false),
            ("avx2", "avx512amx", false, true),
            ("avx512bf16", "avx512amx", false, true),
            ("portable", "avx2", true, true),
        ] {
            assert_eq!(unlike(one, other, Operands::Single), single, "{one} {other}");
            assert_eq!(unlike(other, one, Operands::Bf16), pairs, "{one} {other}");
        }
        assert!(!Host::read(1).kernels.is_empty());
    }

    #[test]
    fn every_shard_counts() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        assert!(weights_sha256(folder.path()).unwrap_err().to_string().contains("model.safetensors"));
        write(WEIGHTS_INDEX_FILE, r#"{"weight_map": {"a": "one", "b": "two", "c": "one"}}"#);
        write("one", "1");
        assert!(weights_sha256(folder.path()).unwrap_err().to_string().contains("two"));
        write("two", "2");
        let first = weights_sha256(folder.path()).unwrap();
        write("two", "3");
        assert_ne!(weights_sha256(folder.path()).unwrap(), first);
        write(WEIGHTS_FILE, "abc");
        // The published test value of SHA-256.
        let whole = weights_sha256(folder.path()).unwrap();
        assert_eq!(whole, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
