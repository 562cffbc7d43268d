//! Open generation tasks after TOMG-Bench.

mod functional_group;

pub(crate) use functional_group::FunctionalGroup;
