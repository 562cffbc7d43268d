//! Training runs: foundation, distillation and GRPO, from a recipe to a run folder that can be resumed.
//!
//! ```no_run
//! use std::{path::Path, sync::atomic::AtomicBool};
//! use chemr_train::{Budget, NoHook, Recipe, Run, Source, progress_for_stderr};
//!
//! let recipe = Recipe::quickstart(Budget::Smoke)?;
//! let run = Run {
//!     recipe: &recipe,
//!     source: &Source::open(&recipe)?,
//!     out: Path::new("runs/first"),
//!     resume: false,
//!     stop: &AtomicBool::new(false),
//!     progress: &*progress_for_stderr(),
//! };
//! let outcome = run.start(&mut NoHook)?;
//! println!("{:?}", outcome.status);
//! # Ok::<(), chemr_train::TrainError>(())
//! ```
//!
//! Everything random has a seed made from the run's seed and what the choice is for (step, task, position, sample), so
//! that data made ahead on many cores, an interruption, or another number of threads change no byte of the weights.

// They panic when nobody reads any more: `chemr_data::tell!` does not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod ahead;
mod align;
mod checkpoint;
mod error;
mod failure;
mod folder;
pub mod grpo;
mod learner;
mod manifest;
mod metrics;
mod paths;
mod phase;
mod progress;
mod recipe;
mod rows;
mod run;
mod schedule;
mod seed;
mod shards;
mod source;
mod start;
mod supervised;
mod vocabulary;

pub use checkpoint::{PhaseState, complete_steps};
pub use error::TrainError;
pub use folder::{FinishedPhase, RunFolder, newest_checkpoint, parse_step_name, step_name};
pub use manifest::{Host, Manifest, file_sha256};
pub use phase::{NoHook, PhaseHook, PhaseKind, PhaseOutcome, RunOutcome, RunStatus};
pub use progress::{Bar, Lines, Progress, Silent, Update, progress_for_stderr};
pub use recipe::{
    AdapterSection, Budget, DataSection, EvalSection, GrpoSection, ModelSection, PromptsSection, Recipe, RunSection,
    SupervisedSection, TokenizerSection,
};
pub use rows::supervised_tokens;
pub use run::{Run, check_start, prompts_of, recipe_of};
pub use schedule::{Schedule, ScheduleKind};
pub use source::Source;
pub use vocabulary::train_tokenizer;
