//! `summary.json`: the figures of a run that scripts read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chemr_engine::{Architecture, ModelConfig};
use serde::{Deserialize, Serialize};

use crate::error::EvalError;
use crate::files::{PhaseRecord, write_json};
use crate::records::{Asked, TaskScore};

/// Claims in the traces of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimCounts {
    /// Claims that the toolkit could decide.
    pub checked: usize,
    /// Those that are false.
    #[serde(rename = "false")]
    pub wrong: usize,
}

/// One phase of the summary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseSummary {
    pub name: String,
    /// Figures by task id.
    pub tasks: BTreeMap<String, TaskScore>,
    /// Mean accuracy over tasks.
    pub mean: f64,
    /// Lowest accuracy of a task.
    pub worst: f64,
    pub claims: ClaimCounts,
    /// Training seconds.
    pub seconds: f64,
    /// Tokens trained on.
    pub tokens: u64,
    /// How the rows were asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
}

/// Size of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelFacts {
    pub parameters: usize,
    pub vocabulary: usize,
    pub hidden_size: usize,
    pub layers: usize,
    pub attention_heads: usize,
    pub key_value_heads: usize,
    pub max_positions: usize,
    /// The adapter on the model, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<AdapterFacts>,
}

/// Size of an adapter (LoRA).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdapterFacts {
    pub rank: usize,
    /// Its values: what was trained.
    pub parameters: usize,
}

impl ModelFacts {
    /// The facts of a model, without an adapter.
    pub fn of(config: &ModelConfig, architecture: &Architecture) -> ModelFacts {
        ModelFacts {
            parameters: architecture.parameter_count(config),
            vocabulary: config.vocab_size,
            hidden_size: config.hidden_size,
            layers: config.num_hidden_layers,
            attention_heads: config.num_attention_heads,
            key_value_heads: config.num_key_value_heads,
            max_positions: config.max_position_embeddings,
            adapter: None,
        }
    }
}

/// The content of `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub phases: Vec<PhaseSummary>,
    pub model: ModelFacts,
    pub seed: u64,
    /// Peak memory in MiB, the most of all processes that worked on the run and wrote its summary; `null` where the system
    /// does not tell.
    pub peak_rss_mb: Option<f64>,
}

impl Summary {
    /// Puts the records of a run together.
    pub fn build(records: &[PhaseRecord], model: ModelFacts, seed: u64) -> Summary {
        let phase = |record: &PhaseRecord| {
            let claims = record.scores.claims();
            PhaseSummary {
                name: record.name.clone(),
                tasks: record.scores.tasks.iter().map(|task| (task.task.clone(), task.score.clone())).collect(),
                mean: record.scores.mean(),
                worst: record.scores.worst(),
                claims: ClaimCounts { checked: claims.checked(), wrong: claims.wrong },
                seconds: record.seconds,
                tokens: record.tokens,
                asked: record.asked.clone(),
            }
        };
        Summary { phases: records.iter().map(phase).collect(), model, seed, peak_rss_mb: peak_rss_mb() }
    }

    /// Writes `RUN/summary.json` and returns its path. A higher peak memory in the file that is replaced is kept: it is
    /// that of the process that trained, before an interruption.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&mut self, run: &Path) -> Result<PathBuf, EvalError> {
        let path = run.join("summary.json");
        let earlier: Option<Summary> =
            std::fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str(&text).ok());
        let peaks = [earlier.and_then(|earlier| earlier.peak_rss_mb), self.peak_rss_mb];
        self.peak_rss_mb = peaks.into_iter().flatten().reduce(f64::max);
        write_json(&path, self)?;
        Ok(path)
    }
}

/// Peak resident memory of this process in MiB (`VmHWM` of Linux), where the system tells.
pub fn peak_rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some((kibibytes / 1024.0 * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resumed_run_keeps_the_higher_peak() {
        let folder = tempfile::tempdir().unwrap();
        let model = ModelFacts {
            parameters: 1,
            vocabulary: 1,
            hidden_size: 1,
            layers: 1,
            attention_heads: 1,
            key_value_heads: 1,
            max_positions: 1,
            adapter: None,
        };
        let mut trained = Summary { phases: Vec::new(), model, seed: 1, peak_rss_mb: Some(900.0) };
        trained.write(folder.path()).unwrap();
        let mut resumed = Summary { peak_rss_mb: Some(20.0), ..trained.clone() };
        resumed.write(folder.path()).unwrap();
        assert_eq!(resumed, trained);
    }

    #[test]
    fn peak_memory_is_plausible() {
        if cfg!(target_os = "linux") {
            assert!(peak_rss_mb().is_some_and(|size| size > 1.0));
        }
    }
}
