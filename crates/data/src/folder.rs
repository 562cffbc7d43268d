//! A new folder, complete or not there at all.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::DataError;
use crate::export::ExportError;

/// Why there is no new folder.
#[derive(Debug)]
pub(crate) enum FolderError {
    /// Something lies there already.
    Exists(PathBuf),
    Write {
        path: PathBuf,
        source: io::Error,
    },
}

impl From<FolderError> for ExportError {
    fn from(error: FolderError) -> ExportError {
        match error {
            FolderError::Exists(path) => ExportError::Exists { path },
            FolderError::Write { path, source } => ExportError::Write { path, source },
        }
    }
}

impl From<FolderError> for DataError {
    fn from(error: FolderError) -> DataError {
        match error {
            FolderError::Exists(path) => DataError::Exists { path },
            FolderError::Write { path, source } => DataError::Write { path, source },
        }
    }
}

fn write_error(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::Write { path, source }
}

/// Fails when there is anything at the path.
pub(crate) fn check(target: &Path) -> Result<(), FolderError> {
    if fs::symlink_metadata(target).is_ok() { Err(FolderError::Exists(target.to_owned())) } else { Ok(()) }
}

/// Writes a new file and flushes it to disk.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A folder on its way: files are written into `.NAME.PROCESS.partial` beside the target. Dropped before [`NewFolder::finish`], it
/// vanishes.
pub(crate) struct NewFolder {
    partial: PathBuf,
    target: PathBuf,
}

impl NewFolder {
    /// Makes the folder to write into.
    pub fn begin(target: &Path) -> Result<NewFolder, FolderError> {
        check(target)?;
        let name = target.file_name().ok_or_else(|| {
            write_error(target)(io::Error::new(ErrorKind::InvalidInput, "not the name of a new folder"))
        })?;
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let partial = parent.join(format!(".{}.{}.partial", name.to_string_lossy(), std::process::id()));
        fs::create_dir_all(parent).map_err(write_error(parent))?;
        // Fails where there is one already: what this process did not make is neither written to nor removed.
        fs::create_dir(&partial).map_err(write_error(&partial))?;
        Ok(NewFolder { partial, target: target.to_owned() })
    }

    /// Where to write the files.
    pub fn path(&self) -> &Path {
        &self.partial
    }

    /// Gives the folder its name. Its files have been flushed to disk.
    pub fn finish(self) -> Result<(), FolderError> {
        // A folder would silently take the place of an empty one that was made in the meantime, and of nothing else.
        check(&self.target)?;
        fs::rename(&self.partial, &self.target).map_err(write_error(&self.target))
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        // Gone after the rename; otherwise nothing better can be done than to leave it.
        let _ = fs::remove_dir_all(&self.partial);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_folder_is_complete_or_absent_and_never_overwritten() {
        let base = tempfile::tempdir().unwrap();
        let out = base.path().join("new/folder");
        let folder = NewFolder::begin(&out).unwrap();
        fs::write(folder.path().join("a.txt"), "a").unwrap();
        assert!(!out.exists());
        folder.finish().unwrap();
        assert_eq!(fs::read(out.join("a.txt")).unwrap(), b"a");
        assert!(matches!(NewFolder::begin(&out), Err(FolderError::Exists(_))));
        let begun = NewFolder::begin(&base.path().join("begun")).unwrap();
        fs::write(begun.path().join("a.txt"), "a").unwrap();
        drop(begun);
        assert_eq!(names(base.path()), ["new"]);
        assert!(matches!(NewFolder::begin(&base.path().join("new/..")), Err(FolderError::Exists(_))));
        assert!(matches!(NewFolder::begin(&out.join("a.txt/below")), Err(FolderError::Write { .. })));
    }

    #[test]
    fn what_others_made_is_left_alone() {
        let base = tempfile::tempdir().unwrap();
        let out = base.path().join("out");
        let first = NewFolder::begin(&out).unwrap();
        fs::write(first.path().join("a.txt"), "first").unwrap();
        assert!(matches!(NewFolder::begin(&out), Err(FolderError::Write { .. })));
        assert!(first.path().join("a.txt").exists());
        fs::create_dir(&out).unwrap();
        assert!(matches!(first.finish(), Err(FolderError::Exists(_))));
        assert_eq!(names(base.path()), ["out"]);
    }
}
