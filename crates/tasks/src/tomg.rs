//! Open generation tasks after TOMG-Bench.

pub(crate) mod atom_num;
pub(crate) mod bond_num;
pub(crate) mod edit;
pub(crate) mod functional_group;
pub(crate) mod optimise;
