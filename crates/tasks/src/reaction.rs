//! Reaction tasks.

pub(crate) mod prediction;
pub(crate) mod retrosynthesis;
