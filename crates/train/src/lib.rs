//! Training runs: foundation, distillation and GRPO, from a recipe to a run folder that can be resumed.
//!
//! ```no_run
//! use std::{path::Path, sync::atomic::AtomicBool};
//! use chemr_train::{Budget, NoHook, Recipe, progress_for_stderr, run_recipe};
//!
//! let recipe = Recipe::quickstart(Budget::Smoke)?;
//! let stop = AtomicBool::new(false);
//! let progress = progress_for_stderr();
//! let outcome = run_recipe(&recipe, Path::new("runs/first"), false, &stop, &*progress, &mut NoHook)?;
//! println!("{:?}", outcome.status);
//! # Ok::<(), chemr_train::TrainError>(())
//! ```
//!
//! Everything random has a seed made from the run's seed and what the choice is for (step, task, position, sample), so
//! that data made ahead on many cores, an interruption, or another number of threads change no byte of the weights.

mod ahead;
mod align;
mod checkpoint;
mod error;
mod folder;
pub mod grpo;
mod manifest;
mod metrics;
mod phase;
mod progress;
mod recipe;
mod rows;
mod run;
mod schedule;
mod seed;
mod source;
mod supervised;
mod vocabulary;

pub use checkpoint::{PhaseState, complete_steps};
pub use error::TrainError;
pub use folder::{FinishedPhase, RunFolder, newest_checkpoint, parse_step_name, step_name};
pub use manifest::{Host, Manifest};
pub use phase::{NoHook, PhaseHook, PhaseKind, PhaseOutcome, RunOutcome, RunStatus};
pub use progress::{Bar, Lines, Progress, Silent, Update, duration, progress_for_stderr};
pub use recipe::{
    Budget, DataSection, EvalSection, GrpoSection, ModelSection, Recipe, RunSection, SupervisedSection,
    TokenizerSection,
};
pub use run::{recipe_of, run_phase, run_recipe};
pub use schedule::{Schedule, ScheduleKind};
pub use source::{Source, expand_root, import};
pub use vocabulary::train_tokenizer;
