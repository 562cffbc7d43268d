//! `SOURCE.json`: where the files of a folder came from, under which licence, and whom to cite.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Dataset, Digests, FetchError, SourceFile};

/// Name of the receipt in a dataset's folder.
pub(super) const NAME: &str = "SOURCE.json";

/// Contents of `SOURCE.json`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Receipt {
    pub dataset: String,
    pub title: String,
    pub licence: String,
    pub citation: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Sorted by path.
    pub files: Vec<ReceiptFile>,
}

/// One file that is there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ReceiptFile {
    pub path: String,
    /// The published address.
    pub url: String,
    /// The address that the bytes came from, a mirror for instance; none when the file was found in its place.
    pub fetched_from: Option<String>,
    /// Time of the download, or of the check of a file that was found in its place: RFC 3339, UTC.
    pub date: String,
    pub bytes: u64,
    pub sha256: String,
    pub git_blob: String,
    /// What the bytes were compared with: `sha256`, `git_blob`, or `nothing` for a file taken as it came.
    pub checked_against: String,
    pub licence: String,
    pub citation: String,
}

impl Receipt {
    /// Reads the receipt of a folder, if there is one.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn load(folder: &Path) -> Result<Option<Receipt>, FetchError> {
        let path = folder.join(NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FetchError::disk("read", path, error)),
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| FetchError::disk("understand the receipt (move it away)", path, error.into()))
    }

    /// The entry of a file.
    pub fn file(&self, path: &str) -> Option<&ReceiptFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Adds a file to the receipt of its folder, or replaces its entry. The caller holds the folder's lock.
    pub(super) fn record(folder: &Path, dataset: &Dataset, entry: ReceiptFile) -> Result<(), FetchError> {
        let mut files = Receipt::load(folder)?.map_or(Vec::new(), |receipt| receipt.files);
        files.retain(|known| known.path != entry.path);
        files.push(entry);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let Dataset { name, title, licence, citation, note, .. } = dataset.clone();
        Receipt { dataset: name, title, licence, citation, note, files }.write(folder)
    }

    fn write(&self, folder: &Path) -> Result<(), FetchError> {
        let path = folder.join(NAME);
        let failed = |error: std::io::Error| FetchError::disk("write", &path, error);
        let text = serde_json::to_string_pretty(self).map_err(|error| failed(error.into()))?;
        let new = folder.join(".SOURCE.json.new");
        let mut file = File::create(&new).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
        // Before the name: after a power cut a whole receipt must not turn out empty.
        file.sync_all().map_err(failed)?;
        std::fs::rename(&new, &path).map_err(failed)
    }
}

impl ReceiptFile {
    pub(super) fn new(
        dataset: &Dataset,
        file: &SourceFile,
        fetched_from: Option<String>,
        digests: &Digests,
    ) -> ReceiptFile {
        let checked_against = match (&file.sha256, &file.git_blob) {
            (Some(_), _) => "sha256",
            (None, Some(_)) => "git_blob",
            (None, None) => "nothing",
        };
        ReceiptFile {
            path: file.path.clone(),
            url: file.url.clone(),
            fetched_from,
            date: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            bytes: digests.bytes,
            sha256: digests.sha256.clone(),
            git_blob: digests.git_blob.clone(),
            checked_against: checked_against.to_owned(),
            licence: dataset.licence_of(file).to_owned(),
            citation: dataset.citation_of(file).to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Registry;

    #[test]
    fn entries_are_added_and_replaced_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::built_in().unwrap();
        let dataset = registry.find("chebi20").unwrap();
        let digests = |bytes| Digests { bytes, sha256: "s".to_owned(), git_blob: "g".to_owned() };
        for (number, bytes) in [(2, 1), (0, 2), (1, 3), (0, 4)] {
            let entry = ReceiptFile::new(dataset, &dataset.files[number], None, &digests(bytes));
            Receipt::record(folder.path(), dataset, entry).unwrap();
        }
        let receipt = Receipt::load(folder.path()).unwrap().unwrap();
        assert!(receipt.files.is_sorted_by_key(|file| &file.path));
        assert_eq!(receipt.files.len(), 3);
        let first = receipt.file(&dataset.files[0].path).unwrap();
        assert_eq!((first.bytes, first.checked_against.as_str()), (4, "git_blob"));
        assert!(first.date.parse::<jiff::Timestamp>().is_ok(), "{}", first.date);
        assert_eq!(receipt.licence, dataset.licence);
    }

    #[test]
    fn a_file_that_is_no_receipt_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Receipt::load(folder.path()).unwrap(), None);
        std::fs::write(folder.path().join(NAME), "mine").unwrap();
        let message = Receipt::load(folder.path()).unwrap_err().to_string();
        assert!(message.contains("SOURCE.json") && message.contains("move it away"), "{message}");
    }
}
