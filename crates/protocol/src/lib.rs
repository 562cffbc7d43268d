//! Reasoning protocols as versioned files, the expert teacher that writes true traces from the chemistry toolkit, and
//! the checker that decides each factual claim of a trace.
//!
//! * [`protocol_for`]: the four-step protocol of a task family, from an embedded TOML file.
//! * [`expert_trace`]: a true trace for an example; the seed chooses the wording.
//! * [`check_claims`]: the claims of any completion, each true, false or unverifiable.
//! * [`filter`]: whether a completion may be trained on, and why not.
//!
//! Teacher and checker share one table of sentence patterns, [`grammar`]; `docs/protocols.md` describes it.

mod changes;
mod claims;
mod filter;
pub mod grammar;
mod protocol;
mod steps;
mod teacher;
mod trace;

pub use claims::{Claim, ClaimKind, ClaimTally, Truth, check_claims, tally};
pub use filter::{DropReason, FilterCounts, MAX_TRACE_BYTES, filter};
pub use protocol::{Protocol, ProtocolError, StepSpec, has_protocol, protocol_for, protocols};
pub use steps::{StepSpan, steps};
pub use teacher::{TeacherError, expert_trace};
pub use trace::{Trace, TraceStep};
