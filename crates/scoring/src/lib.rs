//! Scoring what models wrote: [`rewards`] for completions that are trained on, and the field's metrics over files of
//! [`predictions`]. No model is needed for either.

pub mod predictions;
pub mod rewards;
