//! Reaction tasks.

mod prediction;
mod retrosynthesis;

pub(crate) use prediction::ReactionPrediction;
pub(crate) use retrosynthesis::Retrosynthesis;
