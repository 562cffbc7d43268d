//! `NAME.part`: the beginning of a file, as far as it has come, and `NAME.part.json`: what it is the beginning of.

use std::fs::File;
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::FetchError;
use super::expected::Expected;

/// Endings of the two files.
pub(super) const PART: &str = ".part";
pub(super) const STATE: &str = ".part.json";

/// Written before the first byte, so it is true whenever the process may end.
#[derive(Debug, Deserialize, Serialize)]
struct State {
    /// [`Expected::identity`].
    identity: String,
    /// The address that the first byte came from.
    url: String,
    /// Its strong entity tag, if it gave one.
    etag: Option<String>,
}

/// A file on its way. The caller holds the lock of its folder.
#[derive(Debug)]
pub(super) struct Partial {
    path: PathBuf,
    state_path: PathBuf,
    file: File,
    length: u64,
    identity: String,
    pinned: bool,
    state: Option<State>,
}

/// Where a request may go on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Resume {
    pub offset: u64,
    /// Tag for `If-Range`: the server sends the whole file when it has another one by now.
    pub tag: Option<String>,
}

impl Partial {
    /// Opens what an earlier attempt has left for `target`, or begins. A beginning of other contents is emptied.
    pub(super) fn open(target: &Path, expected: &Expected) -> Result<Partial, FetchError> {
        let beside = |ending: &str| {
            let mut name = target.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        let (path, state_path) = (beside(PART), beside(STATE));
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).map_err(|error| FetchError::disk("make", folder, error))?;
        }
        let opened = File::options().create(true).truncate(false).write(true).open(&path);
        let file = opened.map_err(|error| FetchError::disk("write", &path, error))?;
        let length = file.metadata().map_err(|error| FetchError::disk("read", &path, error))?.len();
        let identity = expected.identity();
        let state = read_state(&state_path)?.filter(|state| state.identity == identity);
        let pinned = expected.is_pinned();
        let mut partial = Partial { path, state_path, file, length, identity, pinned, state };
        if partial.state.is_none() {
            partial.empty()?;
        }
        partial.file.seek(SeekFrom::End(0)).map_err(|error| FetchError::disk("read", &partial.path, error))?;
        Ok(partial)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes that are there.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// How a request to `url` can go on. Without a tag of that address only the final hash tells whether the parts fit.
    pub(super) fn resume(&self, url: &str) -> Option<Resume> {
        let state = self.state.as_ref().filter(|_| self.length > 0)?;
        let tag = state.etag.clone().filter(|_| state.url == url);
        (self.pinned || tag.is_some()).then_some(Resume { offset: self.length, tag })
    }

    /// Empties the file.
    pub(super) fn empty(&mut self) -> Result<(), FetchError> {
        if self.length > 0 {
            let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
            emptied.map_err(|error| FetchError::disk("empty", &self.path, error))?;
            self.length = 0;
        }
        Ok(())
    }

    /// Begins anew with what `url` sends.
    pub(super) fn begin(&mut self, url: &str, etag: Option<String>) -> Result<(), FetchError> {
        // In this order: bytes of before must never stand under the new state.
        self.empty()?;
        let state = State { identity: self.identity.clone(), url: url.to_owned(), etag };
        let text = serde_json::to_string(&state).map_err(std::io::Error::from);
        text.and_then(|text| std::fs::write(&self.state_path, text))
            .map_err(|error| FetchError::disk("write", &self.state_path, error))?;
        self.state = Some(state);
        Ok(())
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        self.file.write_all(bytes).map_err(|error| FetchError::disk("write", &self.path, error))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Gives the file its name. Its contents have been checked.
    pub(super) fn finish(self, target: &Path) -> Result<(), FetchError> {
        // Before the name: after a power cut a whole file must not turn out empty.
        self.file.sync_all().map_err(|error| FetchError::disk("write", &self.path, error))?;
        drop(self.file);
        std::fs::rename(&self.path, target).map_err(|error| FetchError::disk("rename to", target, error))?;
        remove(&self.state_path)
    }

    /// Removes all of it.
    pub(super) fn discard(self) -> Result<(), FetchError> {
        drop(self.file);
        remove(&self.path)?;
        remove(&self.state_path)
    }
}

fn read_state(path: &Path) -> Result<Option<State>, FetchError> {
    match std::fs::read(path) {
        // One cut off by a power cut is as good as none.
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FetchError::disk("read", path, error)),
    }
}

fn remove(path: &Path) -> Result<(), FetchError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(FetchError::disk("remove", path, error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://a.example/a";

    fn pinned(hash: &str) -> Expected {
        Expected { sha256: Some(hash.to_owned()), ..Expected::default() }
    }

    fn begun(target: &Path, expected: &Expected, etag: Option<&str>) {
        let mut partial = Partial::open(target, expected).unwrap();
        partial.begin(URL, etag.map(str::to_owned)).unwrap();
        partial.append(b"half").unwrap();
    }

    #[test]
    fn a_beginning_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("deep/er/a.csv");
        begun(&target, &pinned("aa"), Some("\"1\""));
        let mut partial = Partial::open(&target, &pinned("aa")).unwrap();
        let tag = Some("\"1\"".to_owned());
        assert_eq!(partial.resume(URL), Some(Resume { offset: 4, tag }));
        assert_eq!(partial.resume("https://b.example/a"), Some(Resume { offset: 4, tag: None }));
        partial.append(b" and half").unwrap();
        assert!(!target.exists());
        partial.finish(&target).unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"half and half");
        assert_eq!(std::fs::read_dir(target.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_beginning_of_something_else_is_not_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.csv");
        begun(&target, &pinned("aa"), None);
        assert_eq!(Partial::open(&target, &pinned("bb")).unwrap().resume(URL), None);
        assert_eq!(std::fs::metadata(folder.path().join("a.csv.part")).unwrap().len(), 0);
        // Nobody knows what a beginning without a state, or with a broken one, belongs to.
        for state in [None, Some("{\"identity\": ")] {
            begun(&target, &pinned("aa"), None);
            let path = folder.path().join("a.csv.part.json");
            std::fs::remove_file(&path).unwrap();
            if let Some(state) = state {
                std::fs::write(&path, state).unwrap();
            }
            assert_eq!(Partial::open(&target, &pinned("aa")).unwrap().resume(URL), None);
        }
    }

    #[test]
    fn without_a_hash_only_the_same_tag_lets_a_file_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.csv");
        let unknown = Expected::default();
        begun(&target, &unknown, None);
        assert_eq!(Partial::open(&target, &unknown).unwrap().resume(URL), None);
        begun(&target, &unknown, Some("\"1\""));
        let partial = Partial::open(&target, &unknown).unwrap();
        assert!(partial.resume(URL).is_some());
        assert_eq!(partial.resume("https://b.example/a"), None);
        partial.discard().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.csv");
        std::os::unix::fs::symlink("/dev/full", folder.path().join("a.csv.part")).unwrap();
        let mut partial = Partial::open(&target, &pinned("aa")).unwrap();
        partial.begin(URL, None).unwrap();
        let message = partial.append(b"half").unwrap_err().to_string();
        assert!(message.starts_with("cannot write ") && message.contains("a.csv.part: "), "{message}");
        assert!(message.contains("make room or choose another folder with --dest"), "{message}");
    }
}
