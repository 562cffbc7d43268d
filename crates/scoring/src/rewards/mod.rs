//! Rewards: the verdicts of the tasks, shaped, for many completions at once.
//!
//! A [`Scorer`] judges a batch on all cores. Its results depend neither on the order of the batch nor on the number of threads, each
//! item has a deadline, and what a completion says twice is judged once. Nothing here fails for what stands in a completion: every item
//! gets a [`Verdict`](chemr_tasks::Verdict) with a reason.

mod batch;
mod cache;
mod scorer;
mod shaping;

pub use scorer::{Item, Scorer};
pub use shaping::{Shaping, ShapingError};
