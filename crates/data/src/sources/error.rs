//! What can go wrong when datasets are looked up and downloaded, and what kind of fault it is.

use std::path::PathBuf;

use serde::Serialize;

/// Kind of a fault, in the order in which one is told for several: what has to be mended first comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Ctrl-C.
    Interrupted,
    /// The request itself: a name that is not known, a malformed address, a flag that is missing.
    Usage,
    /// A registry file.
    Registry,
    /// The destination: full, read-only, or a file over the size limit.
    Disk,
    /// The bytes are not those of the registry.
    Verification,
    /// The server answers, but does not have the file or does not give it.
    Missing,
    /// No server, no complete answer, or no network wanted.
    Network,
}

/// An error of looking up or downloading a dataset.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A registry file that cannot be used.
    #[error("{file}{}: {message}", line.map_or(String::new(), |line| format!(":{line}")))]
    Registry { file: String, line: Option<usize>, message: String },
    /// No dataset of this name.
    #[error("there is no dataset `{name}`{nearest} (`chemr data list` shows all)")]
    UnknownDataset { name: String, nearest: String },
    /// A dataset that has to be taken in another way.
    #[error("`{dataset}` has no files to download. {note}")]
    NoFiles { dataset: String, note: String },
    /// No file of the dataset was picked.
    #[error("no file of `{dataset}` {wanted}; `chemr data info {dataset}` lists them")]
    NothingSelected { dataset: String, wanted: String },
    /// An `hf:` address that cannot be read.
    #[error("`{spec}`: {message}; wanted is hf:OWNER/REPOSITORY@REVISION:PATH, with #sha256=HEX if you know the hash")]
    HubAddress { spec: String, message: String },
    /// A file without a known hash, and no leave to take it.
    #[error(
        "the hash of `{spec}` is not known, so what arrives cannot be checked; append #sha256=HEX, or take it as it comes with --allow-unpinned"
    )]
    Unpinned { spec: String },
    /// An address, mirror, proxy or certificate file that cannot be used.
    #[error("{what} `{text}`: {message}")]
    Setting { what: &'static str, text: String, message: String },
    /// Offline, and the file is not there.
    #[error("{path} is not there, and --offline forbids to get it from {url}", path = path.display())]
    Offline { path: PathBuf, url: String },
    /// No complete answer after all attempts.
    #[error("{url}: {message}{}", attempts(*tries))]
    Network { url: String, message: String, tries: u32 },
    /// A status that will not change by asking again.
    #[error("{url}: the server answers {status}: {remedy}")]
    Missing { url: String, status: u16, remedy: &'static str },
    /// The server sends something else than the registry says.
    #[error("{url}: {message}; nothing of it was kept")]
    Verification { url: String, message: String },
    /// A file of this name with other contents.
    #[error(
        "{path} differs from the registry ({message}) and was left alone; move it away, or replace it with --force",
        path = path.display()
    )]
    Differs { path: PathBuf, message: String },
    /// More bytes than the user wants.
    #[error("{url}: {bytes} bytes or more, over the limit of {limit}; raise it with --max-size")]
    TooLarge { url: String, bytes: u64, limit: u64 },
    /// The destination cannot be read or written.
    #[error("cannot {operation} {path}: {source}{}", disk_remedy(source), path = path.display())]
    Disk { operation: &'static str, path: PathBuf, source: std::io::Error },
    /// Several addresses of one file failed; the first one's fault counts.
    #[error("{first}; nor from {}", others.join(", nor from "))]
    AllAddresses { first: Box<FetchError>, others: Vec<String> },
    /// Ctrl-C.
    #[error("stopped; the same command goes on from here")]
    Interrupted,
}

impl FetchError {
    /// The kind of fault.
    pub fn fault(&self) -> Fault {
        match self {
            FetchError::Registry { .. } => Fault::Registry,
            FetchError::UnknownDataset { .. }
            | FetchError::NoFiles { .. }
            | FetchError::NothingSelected { .. }
            | FetchError::HubAddress { .. }
            | FetchError::Unpinned { .. }
            | FetchError::Setting { .. } => Fault::Usage,
            FetchError::Offline { .. } | FetchError::Network { .. } => Fault::Network,
            FetchError::Missing { .. } => Fault::Missing,
            FetchError::Verification { .. } | FetchError::Differs { .. } => Fault::Verification,
            FetchError::TooLarge { .. } | FetchError::Disk { .. } => Fault::Disk,
            FetchError::AllAddresses { first, .. } => first.fault(),
            FetchError::Interrupted => Fault::Interrupted,
        }
    }

    pub(super) fn disk(operation: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> FetchError {
        FetchError::Disk { operation, path: path.into(), source }
    }
}

fn attempts(tries: u32) -> String {
    if tries < 2 { String::new() } else { format!(" ({tries} attempts)") }
}

fn disk_remedy(source: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; make room or choose another folder with --dest; what arrived is kept and the same command goes on from there"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "; choose a folder that you may write with --dest"
        }
        _ => "",
    }
}
