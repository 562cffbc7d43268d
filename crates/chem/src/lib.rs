//! Molecules and reactions for chem-r: a checked facade over cosmolkit.
//!
//! Every text passes a [`Gate`] before the toolkit sees it, every panic of the toolkit becomes a
//! [`ChemError`], and results follow RDKit 2026.9.1. No other crate of the workspace names the
//! toolkit.

mod cip;
mod composition;
mod cost;
mod depict;
mod descriptors;
mod error;
mod fingerprint;
mod gate;
mod graph;
mod groups;
mod groups_screen;
mod guard;
mod mol;
mod named;
mod named_data;
mod pattern;
mod reaction;
mod read;
pub mod selfies;
mod syntax;
mod template;

pub use cip::CipLabels;
pub use composition::Composition;
pub use depict::{Depiction, svg};
pub use error::{ChemError, ErrorClass};
pub use fingerprint::{BitFingerprint, CountFingerprint};
pub use gate::Gate;
pub use graph::{Atom, Bond, BondOrder};
pub use groups::{Group, GroupHit, GroupRegistry, groups};
pub use mol::{Mol, Reading};
pub use named::{NamedReactions, named_reactions};
pub use named_data::{Assembly, FragmentKind, NamedReaction};
pub use pattern::Pattern;
pub use reaction::{BondChanges, ReactionSmiles, Role, without_maps};
pub use template::{MAX_PRODUCT_SETS, Template, Trace, TracedAtom};
