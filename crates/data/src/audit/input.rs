//! The files of an audit, read in batches.

use std::fs;
use std::path::{Path, PathBuf};

use chemr_tasks::Split;

use super::{AuditError, Given};
use crate::example_lines::{ExampleLines, Text, example_files, is_prepared};

/// Most rows of a batch: the molecules that they are about are held as the toolkit has them, some 60 KB each.
const BATCH_ROWS: usize = 2048;
/// A batch ends when its rows hold about so many bytes.
const BATCH_BYTES: usize = 16 << 20;

/// A file of examples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InputFile {
    pub path: PathBuf,
    pub split: Option<Split>,
}

/// The files behind the given paths.
pub(super) fn files(given: &[Given]) -> Result<Vec<InputFile>, AuditError> {
    let mut files = Vec::new();
    for Given { path, split } in given {
        fs::metadata(path).map_err(|source| AuditError::Read { path: path.clone(), source })?;
        if let Some(split) = split
            && is_prepared(path)
        {
            // Its parts say their splits; whoever takes the test part for training means something else.
            return Err(AuditError::Parts { split: *split, folder: path.clone() });
        }
        let found = example_files(path).map_err(|message| AuditError::NoExamples { path: path.clone(), message })?;
        files.extend(found.into_iter().map(|file| InputFile { path: file.path, split: *split }));
    }
    Ok(files)
}

/// A line as it was read.
#[derive(Clone, Debug)]
pub(super) struct RawLine {
    pub number: u32,
    pub bytes: Vec<u8>,
    pub is_too_long: bool,
}

/// Reads a file and hands its lines out in batches; gives the SHA-256 of the unpacked bytes.
pub(super) fn batches(
    path: &Path,
    mut take: impl FnMut(Vec<RawLine>) -> Result<(), AuditError>,
) -> Result<[u8; 32], AuditError> {
    let failed = |source| AuditError::Read { path: path.to_owned(), source };
    let mut lines = ExampleLines::open(path).map_err(failed)?;
    loop {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH_ROWS && bytes < BATCH_BYTES {
            let Some((number, text)) = lines.next_line().map_err(failed)? else { break };
            let number = u32::try_from(number)
                .map_err(|_| AuditError::TooMany { path: path.to_owned(), limit: u64::from(u32::MAX) })?;
            let (content, is_too_long) = match text {
                Text::Whole(content) => (content, false),
                Text::TooLong(content) => (content, true),
            };
            bytes += content.len();
            batch.push(RawLine { number, bytes: content.to_vec(), is_too_long });
        }
        if batch.is_empty() {
            return Ok(lines.finish().map_err(failed)?.0);
        }
        take(batch)?;
    }
}
