//! Yields of reactions.

pub(crate) mod class;
pub(crate) mod percent;
pub(crate) mod rule;
