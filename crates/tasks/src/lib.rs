//! Chemistry tasks: a question, an answer grammar and a verifier for each.
//!
//! A task turns an [`Example`] into a [`Prompt`] and a model's completion into a [`Verdict`]. A verdict is always
//! returned: hostile text, panics in the toolkit and broken rows all become a [`Reason`], never an error or a hang.
//!
//! The words of all questions are a file, `data/prompts.toml`, that [`Prompts`] can change; [`shots`] puts examples before a question.
//!
//! One task is one file with the headings *What it asks / How it is scored / Known disagreements / Reference*;
//! [`documentation`] hands that text out, and a test fails when a heading is missing.

mod answer;
mod choice;
mod compare;
mod cot;
mod counts;
mod example;
pub mod formula;
pub mod group_request;
mod guard;
mod input;
mod kind;
pub mod metrics;
mod molecule;
mod name;
mod number;
pub mod polarity;
mod prompt;
mod property;
mod reaction;
mod reagent;
mod references;
mod registry;
mod route;
pub mod shots;
mod suggest;
pub mod suites;
mod tomg;
mod verdict;
pub mod yield_rule;
mod yields;

pub use answer::{Extraction, MAX_COMPLETION_BYTES, Mode, answer_block, completion, extract};
pub use example::{Example, Split};
pub use guard::stored;
pub use input::{InputError, check_input};
pub use kind::{Fault, Kind};
pub use prompt::{Prompt, PromptError, Prompts, sample};
pub use registry::{Baseline, Field, Task, documentation, task, tasks};
pub use route::{route, unread};
pub use suggest::suggestion;
pub use tomg::edit::count as edit_group_count;
pub use verdict::{ACCURACY_WEIGHT, FORMAT_WEIGHT, Judgement, Reason, Verdict};
