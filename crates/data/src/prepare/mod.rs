//! Preparation: from examples to training rows and token shards that can be trusted.
//!
//! [`prepare`] reads files of examples twice. The first pass keeps some 60 bytes a row and a copy of the lines on disk; splits, mixture and
//! order are decided on these. The second pass fetches each chosen row, writes it in other spellings where asked, tokenises and packs it.
//! Rows are worked on by all cores in batches; every random choice has a seed of its own, so that the bytes depend on inputs, options and
//! version alone. `docs/prepare.md` is the guide.

mod aligned;
mod cluster;
mod error;
mod files;
mod key;
mod manifest;
mod mixture;
mod options;
mod order;
mod pack;
mod rows;
mod scan;
mod shard;
mod spelling;
mod split;
mod vary;
mod warnings;
mod write;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Instant;

use chemr_tasks::{Example, Split};

pub use error::PrepareError;
pub use manifest::{Counts, Distances, FileNote, Manifest, Packed, Seconds, TokenizerNote};
pub use options::{Augment, Options, Overlong, Packing, Share, Spelling, SplitBy};
pub use order::{Cursor, Order, Position};
pub use rows::PreparedRows;
pub use shard::{RowSize, Shard, ShardNote, ShardRow, Shards};

use crate::DataError;
use crate::folder::NewFolder;
use crate::import::peak_memory;
pub(crate) use manifest::MANIFEST_FILE;

/// The tokens of a row, as training sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Prompt and completion.
    pub ids: Vec<u32>,
    /// How many of them are the prompt, which training does not learn to write.
    pub prompt: usize,
}

/// Turns rows into tokens. This crate knows no models: who calls lends it one.
pub struct Tokeniser<'a> {
    /// The tokens of an example, with its stored completion where it has one; or why there are none.
    #[allow(clippy::type_complexity)]
    pub encode: &'a (dyn Fn(&Example, Option<&str>) -> Result<Tokens, String> + Sync),
    /// Every token is below.
    pub vocab_size: usize,
    /// SHA-256 of `tokenizer.json`, 64 hexadecimal digits.
    pub sha256: String,
    /// SHA-256 of the words of the questions.
    pub prompts_sha256: String,
}

/// Prepares the rows of `options` into the new folder `out`; returns what its `prepare.json` says.
///
/// # Errors
/// When the folder exists, an option cannot be, an input cannot be read, a line is no example (unless such lines are left out), no
/// training row is left, a row is over-long and that is to fail, or the folder cannot be written. Nothing is left behind then.
pub fn prepare(options: &Options, tokeniser: Option<&Tokeniser<'_>>, out: &Path) -> Result<Manifest, PrepareError> {
    let started = Instant::now();
    options.check(tokeniser.is_some())?;
    let folder = NewFolder::begin(out).map_err(DataError::from)?;
    let mut manifest = Manifest::new(options, tokeniser);
    let mut scan = scan::scan(options, folder.path(), &mut manifest)?;
    manifest.seconds.scan = started.elapsed().as_secs_f64();
    let splits = split::assign(options, &mut scan, &mut manifest)?;
    manifest.seconds.split = started.elapsed().as_secs_f64() - manifest.seconds.scan;
    let chosen = mixture::choose(options, &scan.entries, &splits, &mut manifest)?;
    if chosen.is_empty() {
        return Err(PrepareError::Empty { held: manifest.held() });
    }
    let mut writer = write::Writer { options, tokeniser, scan: &scan, folder: folder.path(), dropped: None };
    writer.split(Split::Train, &chosen, &mut manifest)?;
    if manifest.total(Split::Train, |counts| counts.written) == 0 {
        return Err(PrepareError::Empty { held: "all have more tokens than --length".to_owned() });
    }
    for split in [Split::Valid, Split::Test] {
        writer.split(split, &write::all(split, &splits), &mut manifest)?;
    }
    writer.finish(&mut manifest)?;
    scan.spool.remove()?;
    manifest.warnings = warnings::warnings(options, &manifest);
    manifest.seconds.write = started.elapsed().as_secs_f64() - manifest.seconds.scan - manifest.seconds.split;
    manifest.seconds.total = started.elapsed().as_secs_f64();
    manifest.peak_memory_bytes = peak_memory();
    files::write(&folder.path().join(MANIFEST_FILE), &manifest.file()?)?;
    folder.finish().map_err(DataError::from)?;
    Ok(manifest)
}
