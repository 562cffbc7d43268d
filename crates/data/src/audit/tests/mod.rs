//! Audits of rows written here.

mod cleaning;
mod findings;
mod hostile;
mod leaks;
mod public;
mod support;
