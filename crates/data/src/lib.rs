//! Examples: the gym of generated questions, the names grammar behind it, well-known compounds, and importers for
//! public files.
//!
//! * [`Gym`] makes any number of examples; each is a pure function of seed, task, split and index.
//! * [`names`] is a small grammar of substitutive nomenclature that makes name and structure together.
//! * [`compounds`] holds some hundred well-known compounds.
//! * [`split_of`] keeps train, validation and test apart by canonical molecule.
//!
//! * [`sources`] knows public datasets and downloads them.
//! * [`audit`] finds duplicates, contradictions and leaks in examples, and cleans them.
//! * [`export`] writes rows in the forms that trainers and evaluation programs read.
//! * [`prepare`] splits, varies, mixes, shuffles, tokenises and packs rows for training.
//! * [`predictions`] reads what a model answered, beside the references.
//! * [`shots`] reads rows that may stand before a question as examples.
//!
//! `docs/gym.md` describes levels, rules and the metadata that examples carry.

mod anatomy;
pub mod audit;
pub mod compounds;
mod error;
mod example_lines;
pub mod export;
mod folder;
pub mod gym;
pub mod import;
mod memo;
pub mod names;
pub mod predictions;
mod prefix_filter;
pub mod prepare;
pub mod rng;
pub mod shots;
pub mod sketch;
pub mod sources;
mod split;
pub mod telling;
pub mod wording;

pub use error::DataError;
pub use gym::{Gym, GymConfig};
pub use split::{split_of, stable_hash};
