//! Compute kernels (signatures first).
pub(crate) mod gemm;
