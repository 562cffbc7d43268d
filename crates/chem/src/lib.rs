//! Molecules and reactions for chem-r: a checked facade over cosmolkit.
//!
//! Every text passes a [`Gate`] before the toolkit sees it, every panic of the toolkit becomes a
//! [`ChemError`], and results follow RDKit 2026.9.1. No other crate of the workspace names the
//! toolkit.

mod descriptors;
mod error;
mod fingerprint;
mod gate;
mod graph;
mod guard;
mod mol;
mod pattern;

pub use error::{ChemError, ErrorClass};
pub use fingerprint::{BitFingerprint, CountFingerprint};
pub use gate::Gate;
pub use graph::{Atom, Bond, BondOrder};
pub use mol::Mol;
pub use pattern::Pattern;
