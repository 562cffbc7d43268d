//! Evaluation of a model on held-out rows of every task, and the HTML report of a run.
//!
//! [`evaluate`] lets a model answer greedily and scores every completion with its task's verifier: accuracy from loose
//! extraction with a Wilson interval, validity, strict format, baseline, and the claims of the trace checked by the toolkit.
//! [`write_phase`] and [`Summary`] keep the figures in the run folder, [`report`] turns the folder into one
//! self-contained HTML file.

mod baseline;
mod error;
mod evaluate;
mod files;
mod records;
mod report;
mod statistics;
mod summary;

pub use baseline::baseline_accuracy;
pub use error::EvalError;
pub use evaluate::{Answered, EvalOptions, EvalProgress, TaskRows, evaluate, score};
pub use files::{PhaseRecord, read_phases, write_phase, write_prompts};
pub use records::{Asked, ClaimRecord, PhaseScores, Sample, ShotsFacts, TaskDetail, TaskScore};
pub use report::{render, report};
pub use statistics::{paired_sign_test, wilson};
pub use summary::{AdapterFacts, ClaimCounts, ModelFacts, PhaseSummary, Summary, peak_rss_mb};
