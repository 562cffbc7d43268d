//! Seeds: every random choice has its own, made from the run's seed and what the choice is for.

pub(crate) use chemr_data::rng::{mix, permute};

/// What a seed is for; the numbers are part of every run's bytes and never change.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Use {
    Weights = 1,
    Rows = 2,
    Trace = 3,
    Sampling = 4,
    MiniBatches = 5,
    Tokenizer = 6,
    Adapter = 7,
    Dropout = 8,
}
