//! End-to-end tests of the molecule facade, in one binary.

mod agreement;
mod fixtures;
mod hostile;
mod properties;
mod support;
