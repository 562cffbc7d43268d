//! A new folder, complete or not there at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::export::ExportError;
use crate::export::target::Files;

/// Removes what was begun when it is dropped.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // Gone after the rename; otherwise nothing better can be done than to leave it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Fails when there is anything at the path.
pub(crate) fn check(out: &Path) -> Result<(), ExportError> {
    if fs::symlink_metadata(out).is_ok() { Err(ExportError::Exists { path: out.to_owned() }) } else { Ok(()) }
}

/// Writes all files into a folder beside `out`, flushes them to disk, and gives it the name `out`.
pub(crate) fn write(out: &Path, files: &Files) -> Result<(), ExportError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ExportError::Write { path, source }
    };
    check(out)?;
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    let partial = Partial(parent.join(format!(".{name}.{}.partial", std::process::id())));
    fs::create_dir_all(parent).map_err(failed(parent))?;
    fs::create_dir(&partial.0).map_err(failed(&partial.0))?;
    for (name, bytes) in files {
        let path = partial.0.join(name);
        let mut file = File::create_new(&path).map_err(failed(&path))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed(&path))?;
    }
    // A folder would silently take the place of an empty one that was made in the meantime, and of nothing else.
    check(out)?;
    fs::rename(&partial.0, out).map_err(failed(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_complete_or_absent_and_never_overwritten() {
        let base = tempfile::tempdir().unwrap();
        let files = Files::from([("a.txt".to_owned(), b"a".to_vec()), ("b.txt".to_owned(), b"b".to_vec())]);
        let out = base.path().join("new/folder");
        write(&out, &files).unwrap();
        assert_eq!(fs::read(out.join("b.txt")).unwrap(), b"b");
        assert!(matches!(write(&out, &files), Err(ExportError::Exists { .. })));
        let taken = base.path().join("file");
        fs::write(&taken, "mine").unwrap();
        assert!(matches!(write(&taken, &files), Err(ExportError::Exists { .. })));
        assert!(matches!(write(&taken.join("below"), &files), Err(ExportError::Write { .. })));
        let wrong = Files::from([("a.txt".to_owned(), Vec::new()), ("no/folder.txt".to_owned(), Vec::new())]);
        let out = base.path().join("broken");
        assert!(matches!(write(&out, &wrong), Err(ExportError::Write { .. })));
        assert!(!out.exists());
        let left: Vec<_> = fs::read_dir(base.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }
}
