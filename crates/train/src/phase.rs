//! The three phases by name, and what is known when one ends.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A training phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseKind {
    /// Supervised on answers alone.
    Foundation,
    /// Supervised on verified expert traces.
    Distill,
    /// Reinforcement learning with verdicts.
    Grpo,
}

impl PhaseKind {
    /// Every phase, in order.
    pub const ALL: [Self; 3] = [Self::Foundation, Self::Distill, Self::Grpo];

    /// Name in folders, logs and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Foundation => "foundation",
            Self::Distill => "distill",
            Self::Grpo => "grpo",
        }
    }

    /// The phase of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.name() == name)
    }
}

impl std::fmt::Display for PhaseKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A finished phase.
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseOutcome {
    /// Which phase.
    pub phase: PhaseKind,
    /// Its name: `foundation`, `distill` or `grpo`.
    pub name: &'static str,
    /// The phase's last checkpoint: a Hugging Face model folder, or the folder of the adapter that was trained.
    pub checkpoint: PathBuf,
    /// Its last step.
    pub step: u64,
    /// Training seconds, over all interruptions.
    pub seconds: f64,
    /// Tokens trained on (GRPO: sampled and trained on).
    pub tokens: u64,
}

/// What happens after a phase (evaluation, say). Implemented by the caller, so that training knows no reports.
pub trait PhaseHook {
    /// Called once after each finished phase. A run that was killed between the end of a phase and the end of this
    /// call makes the call again when resumed.
    ///
    /// # Errors
    /// Any error ends the run; the phase itself stays finished.
    fn after_phase(&mut self, outcome: &PhaseOutcome) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// A hook that does nothing.
#[derive(Debug, Default)]
pub struct NoHook;

impl PhaseHook for NoHook {
    fn after_phase(&mut self, _: &PhaseOutcome) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(())
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    /// Every phase is finished.
    Finished,
    /// The stop flag was raised; the run can be resumed.
    Stopped,
}

/// What a run leaves behind.
#[derive(Debug, Clone, PartialEq)]
pub struct RunOutcome {
    /// Finished or stopped.
    pub status: RunStatus,
    /// The run folder.
    pub out: PathBuf,
    /// The phases finished so far.
    pub phases: Vec<PhaseOutcome>,
    /// Parameters of the model.
    pub parameters: usize,
    /// Values that are trained: the parameters, or those of the adapter.
    pub trained: usize,
}
