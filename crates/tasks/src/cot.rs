//! Understanding of molecules after ChemCoTBench.

pub(crate) mod count;
pub(crate) mod relation;
pub(crate) mod scaffold;
