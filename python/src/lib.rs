//! `chemr._chemr`: what the Python package `chemr` calls. Texts are copied out of Python first, then the interpreter is released while the
//! work is done on all cores.

mod mol;
mod resources;
mod rewards;
mod scores;
mod signals;

use pyo3::prelude::*;

/// The toolkit makes many small values: with the system's allocator a third of the time of reading a molecule goes there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[pymodule]
mod _chemr {
    #[pymodule_export]
    use crate::mol::{Mol, from_selfies, svg};
    #[pymodule_export]
    use crate::rewards::{Scorer, extract, question};
    #[pymodule_export]
    use crate::scores::{metric, metrics, score, suites, tasks};

    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
}

/// An error of a library as a `ValueError`.
fn refused(error: impl std::fmt::Display) -> PyErr {
    pyo3::exceptions::PyValueError::new_err(error.to_string())
}
