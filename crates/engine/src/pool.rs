//! Threads (signatures first).
/// Number of threads that kernels use.
pub fn threads() -> usize {
    1
}
/// Sets the number of threads (1 or more). Results do not depend on it.
pub fn set_threads(_count: usize) {}
