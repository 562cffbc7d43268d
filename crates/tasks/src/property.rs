//! Properties of molecules.

pub(crate) mod label;
pub(crate) mod value;
