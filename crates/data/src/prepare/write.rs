//! The second pass: chosen rows to files, tokens to shards.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use chemr_tasks::{Example, Split};
use rayon::prelude::*;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::manifest::{FileNote, Manifest};
use super::mixture::Item;
use super::pack::pack;
use super::scan::Scan;
use super::shard::{PackedRow, ShardWriter, Stamp};
use super::vary::vary;
use super::{Options, Overlong, PrepareError, Tokeniser, Tokens};
use crate::export::input;
use crate::export::manifest::hexadecimal;

/// Rows that are made while those before them are written.
const BATCH: usize = 4096;

/// Name of the list of over-long rows.
const DROPPED_FILE: &str = "dropped.jsonl";

/// All rows of a held-out split, as they were given.
pub(super) fn all(split: Split, splits: &[Option<Split>]) -> Vec<Item> {
    let of_split = splits.iter().enumerate().filter(|(_, found)| **found == Some(split));
    of_split.map(|(row, _)| Item { row: row as u32, variant: 0 }).collect()
}

/// An item on its way to the files.
enum Made {
    Row {
        line: Vec<u8>,
        task: u16,
        tokens: Option<Tokens>,
        distances: Option<(usize, usize)>,
        unaligned: Option<&'static str>,
    },
    /// A copy that cannot be made.
    Missing(&'static str),
    OverLong {
        note: String,
        task: u16,
    },
}

/// A line of `SPLIT.jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    example: &'a Example,
    completion: &'a str,
}

/// What the second pass reads.
pub(super) struct Writer<'a> {
    pub options: &'a Options,
    pub tokeniser: Option<&'a Tokeniser<'a>>,
    pub scan: &'a Scan,
    pub folder: &'a Path,
    pub dropped: Option<TextFile>,
}

impl Writer<'_> {
    /// Writes `SPLIT.jsonl`, and the token shards of training and validation.
    pub fn split(&mut self, split: Split, items: &[Item], manifest: &mut Manifest) -> Result<(), PrepareError> {
        let name = format!("{split}.jsonl");
        let packer = match self.tokeniser.filter(|_| split != Split::Test) {
            Some(tokeniser) => Some(Packer::new(self.options, tokeniser, self.folder, split)?),
            None => None,
        };
        let mut sink =
            Sink { split, file: TextFile::create(self.folder, &name)?, packer, manifest, dropped: self.dropped.take() };
        let maker = Maker { options: self.options, tokeniser: self.tokeniser, scan: self.scan, split };
        let mut before: Vec<Result<Made, PrepareError>> = Vec::new();
        for batch in items.chunks(BATCH) {
            let (made, written) = rayon::join(
                || batch.par_iter().map(|item| maker.make(*item)).collect(),
                || sink.take(std::mem::take(&mut before), self.folder),
            );
            written?;
            before = made;
        }
        sink.take(before, self.folder)?;
        self.dropped = sink.dropped.take();
        if let Some(packer) = sink.packer.take() {
            packer.finish(split, sink.manifest)?;
        }
        let note = sink.file.finish()?;
        manifest.files.insert(name, note);
        Ok(())
    }

    /// Closes the list of over-long rows.
    pub fn finish(self, manifest: &mut Manifest) -> Result<(), PrepareError> {
        if let Some(file) = self.dropped {
            manifest.files.insert(DROPPED_FILE.to_owned(), file.finish()?);
        }
        Ok(())
    }
}

/// Makes rows, on any thread.
struct Maker<'a> {
    options: &'a Options,
    tokeniser: Option<&'a Tokeniser<'a>>,
    scan: &'a Scan,
    split: Split,
}

impl Maker<'_> {
    fn make(&self, item: Item) -> Result<Made, PrepareError> {
        let entry = self.scan.entries.get(item.row as usize).ok_or(PrepareError::TooMany)?;
        let line = self.scan.spool.read(entry.offset, entry.length)?;
        let read = input::example(&line, self.options.trace_text);
        let place = || self.scan.place(entry);
        let (example, completion) =
            read.map_err(|fault| PrepareError::Row { place: place(), fault: Box::new(fault) })?;
        let varied = match vary(self.options, entry, item, self.split, example) {
            Ok(varied) => varied,
            Err(reason) => return Ok(Made::Missing(reason)),
        };
        let example = &varied.example;
        let completion = completion.as_deref();
        let mut tokens = None;
        if let Some(tokeniser) = self.tokeniser.filter(|_| self.split != Split::Test) {
            let failed = |message| PrepareError::Tokens { place: place(), message };
            let found = (tokeniser.encode)(example, completion).map_err(failed)?;
            let (count, length) = (found.ids.len(), self.options.packing.length);
            if count > length {
                if self.options.packing.overlong == Overlong::Fail {
                    return Err(PrepareError::OverLong { place: place(), tokens: count, length });
                }
                let note = json!({
                    "reason": "over_long", "tokens": count, "split": self.split, "task": example.task, "id": example.id, "place": place(),
                });
                return Ok(Made::OverLong { note: note.to_string(), task: entry.task });
            }
            if found.prompt == 0
                || found.prompt >= count
                || found.ids.iter().any(|id| *id as usize >= tokeniser.vocab_size)
            {
                return Err(failed("no prompt, no completion, or a token outside the vocabulary".to_owned()));
            }
            tokens = Some(found);
        }
        let mut line = match completion {
            Some(completion) => serde_json::to_vec(&Line { example, completion })?,
            None => serde_json::to_vec(example)?,
        };
        line.push(b'\n');
        Ok(Made::Row { line, task: entry.task, tokens, distances: varied.distances, unaligned: varied.unaligned })
    }
}

/// Where made rows go, in their order.
struct Sink<'a> {
    split: Split,
    file: TextFile,
    packer: Option<Packer>,
    manifest: &'a mut Manifest,
    dropped: Option<TextFile>,
}

impl Sink<'_> {
    fn take(&mut self, rows: Vec<Result<Made, PrepareError>>, folder: &Path) -> Result<(), PrepareError> {
        for row in rows {
            match row? {
                Made::Missing(reason) => *self.manifest.not_made.entry(reason).or_default() += 1,
                Made::OverLong { note, task } => {
                    let file = match self.dropped.take() {
                        Some(file) => file,
                        None => TextFile::create(folder, DROPPED_FILE)?,
                    };
                    self.dropped.insert(file).append(format!("{note}\n").as_bytes())?;
                    self.manifest.count(task, self.split).over_long += 1;
                }
                Made::Row { line, task, tokens, distances, unaligned } => {
                    if let (Some(packer), Some(tokens)) = (&mut self.packer, tokens) {
                        let line = u32::try_from(self.file.lines).map_err(|_| PrepareError::TooMany)?;
                        packer.push(PackedRow { tokens, line, task: self.manifest.place_of(task) })?;
                    }
                    self.file.append(&line)?;
                    self.manifest.count(task, self.split).written += 1;
                    if let Some((before, after)) = distances {
                        self.manifest.aligned.entry(self.split.as_str()).or_default().add(before, after);
                    }
                    if let Some(reason) = unaligned {
                        *self.manifest.unaligned.entry(reason).or_default() += 1;
                    }
                }
            }
        }
        Ok(())
    }
}

/// A file of lines that counts and hashes what goes through it.
pub(super) struct TextFile {
    path: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
    lines: u64,
    bytes: u64,
}

impl TextFile {
    fn create(folder: &Path, name: &str) -> Result<TextFile, PrepareError> {
        let path = folder.join(name);
        let file = File::create_new(&path).map_err(PrepareError::io("write", &path))?;
        Ok(TextFile { path, file: BufWriter::with_capacity(1 << 18, file), hash: Sha256::new(), lines: 0, bytes: 0 })
    }

    fn append(&mut self, line: &[u8]) -> Result<(), PrepareError> {
        self.hash.update(line);
        self.lines += 1;
        self.bytes += line.len() as u64;
        self.file.write_all(line).map_err(PrepareError::io("write", &self.path))
    }

    fn finish(mut self) -> Result<FileNote, PrepareError> {
        let written = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        written.map_err(PrepareError::io("write", &self.path))?;
        Ok(FileNote { rows: self.lines, bytes: self.bytes, sha256: hexadecimal(&self.hash.finalize()) })
    }
}

/// Packs the rows of a window after the other into shards.
struct Packer {
    folder: PathBuf,
    split: Split,
    stamp: Stamp,
    window: usize,
    shard_tokens: u64,
    waiting: Vec<PackedRow>,
    shard: Option<ShardWriter>,
    packed: super::Packed,
}

impl Packer {
    fn new(options: &Options, tokeniser: &Tokeniser<'_>, folder: &Path, split: Split) -> Result<Packer, PrepareError> {
        let packing = options.packing;
        let wrong = || PrepareError::options("the tokenizer's hash is no SHA-256, or its vocabulary is too large");
        let mut tokenizer = [0; 32];
        for (place, byte) in tokenizer.iter_mut().enumerate() {
            let digits = tokeniser.sha256.get(2 * place..2 * place + 2).ok_or_else(wrong)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        let vocab_size = u32::try_from(tokeniser.vocab_size).map_err(|_| wrong())?;
        Ok(Packer {
            folder: folder.to_owned(),
            split,
            stamp: Stamp { length: packing.length as u32, vocab_size, tokenizer },
            window: packing.window,
            shard_tokens: packing.shard_tokens as u64,
            waiting: Vec::new(),
            shard: None,
            packed: super::Packed::default(),
        })
    }

    fn push(&mut self, row: PackedRow) -> Result<(), PrepareError> {
        self.waiting.push(row);
        if self.waiting.len() >= self.window { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), PrepareError> {
        let rows = std::mem::take(&mut self.waiting);
        let lengths: Vec<usize> = rows.iter().map(|row| row.tokens.ids.len()).collect();
        for places in pack(&lengths, self.stamp.length as usize) {
            let rows: Vec<&PackedRow> = places.iter().filter_map(|place| rows.get(*place)).collect();
            let tokens: usize = rows.iter().map(|row| row.tokens.ids.len()).sum();
            if self.shard.as_ref().is_some_and(|shard| shard.tokens() + tokens as u64 > self.shard_tokens) {
                self.close()?;
            }
            let shard = match self.shard.take() {
                Some(shard) => shard,
                None => {
                    let name = format!("{}-{:05}.tokens", self.split, self.packed.shards.len());
                    ShardWriter::create(&self.folder.join(name), self.stamp)?
                }
            };
            self.shard.insert(shard).push(&rows)?;
            self.packed.sequences += 1;
            self.packed.rows += rows.len() as u64;
            self.packed.tokens += tokens as u64;
            self.packed.completion_tokens +=
                rows.iter().map(|row| (row.tokens.ids.len() - row.tokens.prompt) as u64).sum::<u64>();
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), PrepareError> {
        if let Some(shard) = self.shard.take() {
            self.packed.shards.push(shard.finish()?);
        }
        Ok(())
    }

    fn finish(mut self, split: Split, manifest: &mut Manifest) -> Result<(), PrepareError> {
        self.flush()?;
        self.close()?;
        if self.packed.rows > 0 {
            let room = self.packed.sequences as f64 * f64::from(self.stamp.length);
            self.packed.filled = self.packed.tokens as f64 / room;
            manifest.packed.insert(split.as_str(), self.packed);
        }
        Ok(())
    }
}
