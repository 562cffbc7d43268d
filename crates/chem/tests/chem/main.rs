//! End-to-end tests of the molecule facade, in one binary.

#![allow(clippy::unwrap_used)]

mod agreement;
mod fixtures;
mod hostile;
mod properties;
mod selfies;
mod support;
