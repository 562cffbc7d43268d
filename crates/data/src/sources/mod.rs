//! Public datasets: a registry of pinned files, and a downloader whose results can be trusted.
//!
//! * [`Registry`] holds the datasets that come with the program and those of the user's own files.
//! * [`hub::dataset`] makes a dataset of one file on the Hugging Face hub.
//! * [`Selection`] picks files, [`fetch`] downloads them.
//!
//! A file appears under its name only after its hash was compared with the registry's. Until then it is `NAME.part`, with
//! what a later run must know to go on in `NAME.part.json`. `SOURCE.json` beside the files says where each came from.
//! `docs/data.md` describes the folders and the format of a registry.

mod address;
mod client;
mod digest;
mod download;
mod error;
mod expected;
mod fetch;
pub mod hub;
mod lock;
mod partial;
mod paths;
mod receipt;
mod registry;
mod retry;
mod select;
mod task;
mod toml_file;

pub use address::Mirrors;
pub use client::{ClientOptions, ProxyChoice};
pub use digest::{Digests, digest};
pub use error::{Fault, FetchError};
pub use fetch::{Event, FetchOptions, FileReport, FileStatus, Report, fetch};
pub use receipt::{Receipt, ReceiptFile};
pub use registry::{Dataset, Registry, Role, SourceFile};
pub use retry::RetryPolicy;
pub use select::{Selection, Wanted};
