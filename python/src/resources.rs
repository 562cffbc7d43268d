//! Files that metrics read, kept between calls: a training loop asks for the same metric again and again, and reading WordNet takes
//! longer than most of its batches.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use chemr_tasks::metrics::{ResourceError, Resources};

/// A file or folder, and when it was last changed.
type Origin = Option<(PathBuf, Option<SystemTime>)>;

/// The newest resources, with where they came from.
static NEWEST: Mutex<Option<([Origin; 2], Arc<Resources>)>> = Mutex::new(None);

fn origin(path: Option<&Path>) -> Origin {
    let path = path?;
    Some((path.to_owned(), path.metadata().and_then(|found| found.modified()).ok()))
}

/// As [`Resources::read`], unless the newest ones came from the same files.
pub(crate) fn resources(vocabulary: Option<&Path>, wordnet: Option<&Path>) -> Result<Arc<Resources>, ResourceError> {
    let origins = [origin(vocabulary), origin(wordnet)];
    let mut newest = NEWEST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((from, kept)) = newest.as_ref()
        && *from == origins
    {
        return Ok(kept.clone());
    }
    let read = Arc::new(Resources::read(vocabulary, wordnet)?);
    *newest = Some((origins, read.clone()));
    Ok(read)
}
