//! Molecules and their descriptions.

pub(crate) mod captioning;
pub(crate) mod design;
