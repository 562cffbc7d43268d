//! Chemistry tasks: a question, an answer grammar and a verifier for each.
//!
//! A task turns an [`Example`] into a [`Prompt`] and a model's completion into a [`Verdict`]. A verdict is always
//! returned: hostile text, panics in the toolkit and broken rows all become a [`Reason`], never an error or a hang.
//!
//! One task is one file with the headings *What it asks / How it is scored / Known disagreements / Reference*;
//! [`documentation`] hands that text out, and a test fails when a heading is missing.

mod answer;
mod compare;
mod example;
pub mod formula;
pub mod group_request;
mod guard;
mod input;
pub mod metrics;
mod name;
pub mod polarity;
mod prompt;
mod property;
mod reaction;
mod registry;
mod route;
pub mod scoring;
mod tomg;
mod verdict;

pub use answer::{Extraction, MAX_COMPLETION_BYTES, Mode, answer_block, completion, extract};
pub use example::{Example, Split};
pub use input::{InputError, check_input};
pub use prompt::{ENVELOPE, Prompt, SYSTEM};
pub use registry::{Baseline, Task, documentation, task, tasks};
pub use route::{route, unread};
pub use verdict::{ACCURACY_WEIGHT, FORMAT_WEIGHT, Judgement, Reason, Verdict};
