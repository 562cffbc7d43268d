//! One process at a time in a folder.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::FetchError;

/// Begins with a dot, which no path of a registry does.
const NAME: &str = ".chemr-fetch.lock";

/// Held until dropped, or until the process ends in whatever way. The file stays: removing it would let two processes
/// lock two files of one name.
#[derive(Debug)]
pub(super) struct FolderLock(#[expect(dead_code, reason = "dropping it unlocks")] File);

impl FolderLock {
    /// Makes the folder and waits until no other process works in it. `waiting` is called once when one does.
    pub(super) fn acquire(folder: &Path, stop: &AtomicBool, waiting: impl FnOnce()) -> Result<FolderLock, FetchError> {
        std::fs::create_dir_all(folder).map_err(|error| FetchError::disk("make", folder, error))?;
        let path = folder.join(NAME);
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| FetchError::disk("make", &path, error))?;
        let mut waiting = Some(waiting);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(FolderLock(file)),
                Err(TryLockError::Error(error)) => return Err(FetchError::disk("lock", &path, error)),
                Err(TryLockError::WouldBlock) => {}
            }
            if let Some(waiting) = waiting.take() {
                waiting();
            }
            if stop.load(Ordering::SeqCst) {
                return Err(FetchError::Interrupted);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
