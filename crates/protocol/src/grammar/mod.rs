//! The sentence patterns that the teacher writes and the checker reads.
//!
//! [`SENTENCES`] is the one table; [`wordings`] gives the teacher its variants, and the checker compiles every line into a
//! matcher over words. `docs/protocols.md` describes pattern language, slots and the claims that follow.

pub(crate) mod lexer;
pub(crate) mod lexicon;
mod manual;
pub(crate) mod pattern;
mod sentences;
pub(crate) mod slots;
pub(crate) mod synonyms;
pub(crate) mod walk;

pub use manual::documentation;
pub use sentences::{Rule, SENTENCES, Sentence, wordings};
