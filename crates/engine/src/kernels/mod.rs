//! Compute kernels: matrix products, attention, elementwise operations, optimiser.
//!
//! This is the only place of the engine with `unsafe` code besides the thread pool; each kernel is entered through a safe
//! function that checks the lengths of its operands.

mod aligned;
pub(crate) mod attention;
pub(crate) mod attention_backward;
pub(crate) mod element;
pub(crate) mod gemm;
pub(crate) mod lanes;
pub(crate) mod ops;
pub(crate) mod outer;
mod pack;
pub mod peak;
mod product;
pub(crate) mod simd;
mod tile;
pub(crate) mod update;

pub(crate) use aligned::AlignedVec;

#[cfg(test)]
mod pytorch_tests;
