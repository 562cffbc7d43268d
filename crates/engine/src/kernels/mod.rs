//! Compute kernels: matrix products, attention, elementwise operations, optimiser.
//!
//! This is the only place of the engine with `unsafe` code besides the thread pool; each kernel is entered through a safe
//! function that checks the lengths of its operands.

mod aligned;
pub(crate) mod gemm;
pub(crate) mod simd;
mod tile;

pub(crate) use aligned::AlignedVec;
