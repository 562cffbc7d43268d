//! Downloads from a server that does right, wrong, and everything in between. No test needs a network.

#![allow(clippy::unwrap_used)]

mod faults;
mod folders;
mod resuming;
mod server;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use chemr_data::sources::{
    ClientOptions, Dataset, Fault, FetchOptions, FileReport, FileStatus, Mirrors, ProxyChoice, Report, RetryPolicy,
    SourceFile, Wanted, digest, fetch,
};

/// Bytes that no two places of share, so that a wrong order shows.
pub fn contents(length: usize) -> Vec<u8> {
    (0..length as u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).take(length).collect()
}

/// A folder to download to, and how.
pub struct Bench {
    pub folder: tempfile::TempDir,
    pub options: FetchOptions,
    pub stop: AtomicBool,
}

impl Bench {
    pub fn start() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let options = FetchOptions {
            destination: folder.path().join("data"),
            client: ClientOptions {
                idle_timeout: Duration::from_millis(300),
                proxy: ProxyChoice::None,
                ..ClientOptions::default()
            },
            mirrors: Mirrors::default(),
            retry: RetryPolicy {
                retries: 3,
                first_pause: Duration::from_millis(1),
                longest_pause: Duration::from_millis(10),
                longest_requested: Duration::from_secs(2),
            },
            jobs: 4,
            max_bytes: 1 << 20,
            force: false,
            offline: false,
            dry_run: false,
        };
        Bench { folder, options, stop: AtomicBool::new(false) }
    }

    /// Downloads all files of a dataset.
    pub fn fetch(&self, dataset: &Dataset) -> Report {
        let wanted: Vec<Wanted> = dataset.files.iter().map(|file| Wanted { dataset, file }).collect();
        fetch(&wanted, &self.options, &self.stop, &|_| {}).unwrap()
    }

    /// Downloads a dataset of one file, and expects a fault with a message.
    pub fn fails(&self, dataset: &Dataset, fault: Fault, message: &str) {
        let report = self.fetch(dataset);
        assert_eq!(report.fault(), Some(fault), "{report:?}");
        let said = report.files[0].message.as_deref().unwrap();
        assert!(said.contains(message), "{said}");
        let is_other = said.contains("differs from the registry");
        assert_eq!(report.files[0].status, if is_other { FileStatus::Differs } else { FileStatus::Failed });
    }

    /// Downloads a dataset of one file, and expects these contents.
    pub fn succeeds(&self, dataset: &Dataset, contents: &[u8]) -> FileReport {
        let mut report = self.fetch(dataset);
        assert_eq!(report.fault(), None, "{report:?}");
        assert!(std::fs::read(self.place(dataset)).unwrap() == contents, "other contents");
        report.files.remove(0)
    }

    /// Where the first file of a dataset belongs.
    pub fn place(&self, dataset: &Dataset) -> PathBuf {
        self.options.destination.join(dataset.folder()).join(&dataset.files[0].path)
    }

    /// Names of all files in a dataset's folder but the lock.
    pub fn names(&self, dataset: &Dataset) -> Vec<String> {
        let folder = self.options.destination.join(dataset.folder());
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        names
    }
}

/// A file with the hashes of `contents`.
pub fn file(path: &str, url: String, contents: &[u8]) -> SourceFile {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    std::fs::write(&copy, contents).unwrap();
    let digests = digest(&copy).unwrap();
    SourceFile {
        path: path.to_owned(),
        url,
        copies: Vec::new(),
        bytes: Some(digests.bytes),
        sha256: Some(digests.sha256),
        git_blob: Some(digests.git_blob),
        role: None,
        format: None,
        rows: None,
        optional: false,
        note: String::new(),
        licence: None,
        citation: None,
    }
}

/// A file of which git's object id alone is known.
pub fn blob(path: &str, url: String, contents: &[u8]) -> SourceFile {
    SourceFile { bytes: None, sha256: None, ..file(path, url, contents) }
}

/// A file of which nothing is known.
pub fn unpinned(path: &str, url: String) -> SourceFile {
    SourceFile { git_blob: None, ..blob(path, url, b"") }
}

pub fn dataset(files: Vec<SourceFile>) -> Dataset {
    Dataset {
        name: "set".to_owned(),
        title: "A set".to_owned(),
        licence: "CC0".to_owned(),
        citation: "nobody".to_owned(),
        note: String::new(),
        files,
    }
}

/// `NAME.part` of a file.
pub fn part(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}
