//! What else a reaction needs.

pub(crate) mod prediction;
pub(crate) mod selection;
pub(crate) mod selection_rule;
