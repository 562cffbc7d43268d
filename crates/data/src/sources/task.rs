//! A wanted file, and what lies at its place.

use std::path::PathBuf;

use super::expected::Expected;
use super::{Dataset, Digests, FetchError, FetchOptions, FileReport, FileStatus, Receipt, SourceFile, Wanted, digest};

/// A wanted file with its places.
pub(super) struct Task<'a> {
    /// Place in the list of wanted files.
    pub number: usize,
    pub dataset: &'a Dataset,
    pub file: &'a SourceFile,
    pub folder: PathBuf,
    pub target: PathBuf,
    /// Mirrors applied.
    pub url: String,
    pub copies: Vec<String>,
}

/// What lies at a file's place.
pub(super) enum State {
    Absent,
    /// What it should be; and whether the receipt says so.
    Present {
        digests: Digests,
        recorded: bool,
    },
    Differs(String),
    Unreadable(FetchError),
}

impl<'a> Task<'a> {
    pub(super) fn new(number: usize, wanted: &Wanted<'a>, options: &FetchOptions) -> Task<'a> {
        let Wanted { dataset, file } = *wanted;
        let folder = options.destination.join(dataset.folder());
        let url = options.mirrors.apply(&file.url);
        let copies = file.copies.iter().map(|copy| options.mirrors.apply(copy)).collect();
        Task { number, dataset, file, target: folder.join(&file.path), folder, url, copies }
    }

    pub(super) fn inspect(&self) -> State {
        match self.target.try_exists() {
            Ok(false) => return State::Absent,
            Ok(true) => {}
            Err(error) => return State::Unreadable(FetchError::disk("read", &self.target, error)),
        }
        let digests = match digest(&self.target) {
            Ok(digests) => digests,
            Err(error) => return State::Unreadable(FetchError::disk("read", &self.target, error)),
        };
        let receipt = match Receipt::load(&self.folder) {
            Ok(receipt) => receipt,
            Err(error) => return State::Unreadable(error),
        };
        let entry = receipt.as_ref().and_then(|receipt| receipt.file(&self.file.path));
        let expected = match (Expected::of(self.file), entry) {
            (expected, _) if expected.is_pinned() => expected,
            (_, Some(entry)) => Expected::recorded(entry),
            (_, None) => return State::Differs("no hash of it is known".to_owned()),
        };
        let recorded = entry.is_some_and(|entry| entry.sha256 == digests.sha256);
        match expected.difference(&digests) {
            None => State::Present { digests, recorded },
            Some(difference) => State::Differs(difference),
        }
    }

    pub(super) fn report(&self, status: FileStatus) -> FileReport {
        FileReport {
            dataset: self.dataset.name.clone(),
            path: self.target.clone(),
            url: self.url.clone(),
            status,
            bytes: self.file.bytes,
            sha256: self.file.sha256.clone(),
            fault: None,
            message: None,
        }
    }

    pub(super) fn failed(&self, error: &FetchError) -> FileReport {
        let (fault, message) = (Some(error.fault()), Some(error.to_string()));
        FileReport { fault, message, ..self.report(FileStatus::Failed) }
    }

    pub(super) fn there(&self, status: FileStatus, digests: Digests) -> FileReport {
        FileReport { bytes: Some(digests.bytes), sha256: Some(digests.sha256), ..self.report(status) }
    }

    pub(super) fn differs(&self, message: String) -> FileReport {
        let error = FetchError::Differs { path: self.target.clone(), message };
        FileReport { status: FileStatus::Differs, ..self.failed(&error) }
    }
}
