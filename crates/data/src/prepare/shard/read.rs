//! Reading token shards.

use std::fs::File;
use std::path::{Path, PathBuf};

use chemr_tasks::Split;
use memmap2::Mmap;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{HEADER, MAGIC, ROW, VERSION, padding, width};
use crate::export::manifest::hexadecimal;
use crate::prepare::PrepareError;
use crate::prepare::manifest::MANIFEST_FILE;

/// A row of a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardRow {
    /// Prompt and completion.
    pub tokens: Vec<u32>,
    /// How many of the tokens are the prompt. The loss is of the others.
    pub prompt: usize,
    /// Its line in `SPLIT.jsonl`, from 0.
    pub line: u32,
    /// Place of its task in the `tasks` of the manifest.
    pub task: u32,
}

/// What the row table says of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowSize {
    /// Place of its task in the `tasks` of the manifest.
    pub task: usize,
    /// Tokens of prompt and completion.
    pub tokens: usize,
}

/// A shard that has been checked: its length, its hash, and that every number in its tables is within bounds.
#[derive(Debug)]
pub struct Shard {
    path: PathBuf,
    map: Mmap,
    width: usize,
    length: usize,
    vocab_size: u32,
    sequences: usize,
    rows: usize,
    /// Where the row table and the sequence table begin.
    row_table: usize,
    sequence_table: usize,
}

/// An entry of the row table.
struct RowEntry {
    start: u64,
    tokens: u32,
    prompt: u32,
    line: u32,
    task: u32,
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

impl Shard {
    /// Opens and checks a shard.
    ///
    /// # Errors
    /// When the file cannot be mapped, or is not a whole, unchanged shard of a version that this program knows.
    pub fn open(path: &Path) -> Result<Shard, PrepareError> {
        Shard::open_as(path, None)
    }

    /// Opens and checks a shard, which is the one that a manifest lists where the SHA-256 of the whole file is given: a shard of another
    /// preparation is sound in itself.
    fn open_as(path: &Path, sha256: Option<&str>) -> Result<Shard, PrepareError> {
        let failed = |source| PrepareError::Io { operation: "read", path: path.to_owned(), source };
        let broken = |message: &str| PrepareError::broken(path, message);
        let file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.len() < HEADER as u64 {
            return Err(broken("too short for a token shard"));
        }
        // SAFETY: the map is read only, and the file has at least a header, so it is not empty. What a map asks for beyond that, that nobody
        // shortens the file while it is open, cannot be checked: shards are written under another name, renamed once and never written to again.
        let map = unsafe { Mmap::map(&file) }.map_err(failed)?;
        let number = |at| u32_at(&map, at).unwrap_or_default();
        let count = |at| u64_at(&map, at).and_then(|count| usize::try_from(count).ok());
        if map.get(..8) != Some(MAGIC.as_slice()) {
            return Err(broken("not a token shard"));
        }
        if number(8) != VERSION {
            return Err(broken(&format!("version {} of token shards; this program knows {VERSION}", number(8))));
        }
        let (bytes, length, vocab_size) = (number(12) as usize, number(16) as usize, number(20));
        if bytes != width(vocab_size) || length == 0 {
            return Err(broken("the header contradicts itself"));
        }
        let sizes = || {
            let (sequences, rows, tokens) = (count(24)?, count(32)?, count(40)?);
            let tokens = tokens.checked_mul(bytes)?;
            let row_table = HEADER.checked_add(tokens)?.checked_add(padding(tokens))?;
            let sequence_table = row_table.checked_add(rows.checked_mul(ROW)?)?;
            let end = sequence_table.checked_add(sequences.checked_add(1)?.checked_mul(8)?)?;
            (end == map.len()).then_some((sequences, rows, row_table, sequence_table))
        };
        let (sequences, rows, row_table, sequence_table) =
            sizes().ok_or_else(|| broken("its length is not what its header says"))?;
        // One of the two is enough, and hashing is what takes time.
        match sha256 {
            Some(sha256) if hexadecimal(&Sha256::digest(&map)) != sha256 => {
                return Err(broken(&format!("its contents are not what {MANIFEST_FILE} says")));
            }
            None if Sha256::digest(&map[HEADER..]).as_slice() != &map[80..HEADER] => {
                return Err(broken("its contents are not what its hash says"));
            }
            _ => {}
        }
        let path = path.to_owned();
        let shard = Shard { path, map, width: bytes, length, vocab_size, sequences, rows, row_table, sequence_table };
        shard.check_tables()?;
        Ok(shard)
    }

    /// Whoever writes a wrong table can write its hash.
    fn check_tables(&self) -> Result<(), PrepareError> {
        let broken = |message: String| PrepareError::broken(&self.path, message);
        let tokens = self.tokens();
        let mut end = 0_u64;
        for row in 0..self.rows {
            let entry = self.entry(row).ok_or_else(|| broken(format!("row {row} is missing")))?;
            let is_right = entry.start == end && entry.prompt > 0 && entry.prompt < entry.tokens;
            end += u64::from(entry.tokens);
            if !is_right || end > tokens {
                return Err(broken(format!("row {row} of its table is out of bounds")));
            }
        }
        let mut last = 0;
        for sequence in 0..=self.sequences {
            let first = self.first_row(sequence).filter(|first| *first >= last && *first <= self.rows);
            let first = first.ok_or_else(|| broken(format!("sequence {sequence} of its table is out of bounds")))?;
            let held: u64 = (last..first).filter_map(|row| Some(u64::from(self.entry(row)?.tokens))).sum();
            let is_first = sequence == 0 && first != 0;
            if held > self.length as u64 || is_first || (sequence == self.sequences && first != self.rows) {
                return Err(broken(format!("sequence {sequence} of its table is out of bounds")));
            }
            last = first;
        }
        let ids = self.map[HEADER..].chunks_exact(self.width).take(tokens as usize);
        if end != tokens || ids.map(|bytes| self.id(bytes)).any(|id| id >= self.vocab_size) {
            return Err(broken("it holds tokens that are not in the vocabulary".to_owned()));
        }
        Ok(())
    }

    fn id(&self, bytes: &[u8]) -> u32 {
        bytes.iter().rev().fold(0, |id, byte| id << 8 | u32::from(*byte))
    }

    fn entry(&self, row: usize) -> Option<RowEntry> {
        let at = self.row_table + row * ROW;
        let number = |offset| u32_at(&self.map, at + offset);
        let start = u64_at(&self.map, at)?;
        Some(RowEntry { start, tokens: number(8)?, prompt: number(12)?, line: number(16)?, task: number(20)? })
    }

    fn first_row(&self, sequence: usize) -> Option<usize> {
        usize::try_from(u64_at(&self.map, self.sequence_table + sequence * 8)?).ok()
    }

    /// Number of sequences.
    pub fn sequences(&self) -> usize {
        self.sequences
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Most tokens of a sequence.
    pub fn length(&self) -> usize {
        self.length
    }

    /// SHA-256 of the `tokenizer.json` that the tokens are of.
    pub fn tokenizer_sha256(&self) -> String {
        hexadecimal(&self.map[48..80])
    }

    /// SHA-256 of all that follows the header.
    pub fn sha256(&self) -> &[u8] {
        &self.map[80..HEADER]
    }

    /// Number of tokens.
    pub fn tokens(&self) -> u64 {
        u64_at(&self.map, 40).unwrap_or_default()
    }

    /// A row by its place.
    pub fn row(&self, row: usize) -> Option<ShardRow> {
        let entry = self.entry(row).filter(|_| row < self.rows)?;
        let start = HEADER + usize::try_from(entry.start).ok()? * self.width;
        let bytes = self.map.get(start..start + entry.tokens as usize * self.width)?;
        let tokens = bytes.chunks_exact(self.width).map(|bytes| self.id(bytes)).collect();
        Some(ShardRow { tokens, prompt: entry.prompt as usize, line: entry.line, task: entry.task })
    }

    /// The rows of a sequence: attention and positions begin anew at each.
    pub fn sequence(&self, sequence: usize) -> Option<Vec<ShardRow>> {
        if sequence >= self.sequences {
            return None;
        }
        (self.first_row(sequence)?..self.first_row(sequence + 1)?).map(|row| self.row(row)).collect()
    }
}

/// All shards of a split.
#[derive(Debug)]
pub struct Shards {
    shards: Vec<Shard>,
    /// Ids of the tasks that rows name by their place.
    pub tasks: Vec<String>,
}

/// What the manifest says of shards.
#[derive(Deserialize)]
struct Listed {
    tasks: Vec<String>,
    packed: std::collections::BTreeMap<String, ListedSplit>,
}

#[derive(Deserialize)]
struct ListedSplit {
    shards: Vec<ListedShard>,
}

#[derive(Deserialize)]
struct ListedShard {
    file: String,
    sha256: String,
}

impl Shards {
    /// Opens the shards of a split of a prepared folder.
    ///
    /// # Errors
    /// As [`Shard::open`]; when the folder has no manifest or no shards of the split, a shard is another file than the manifest lists, or
    /// they are of several tokenizers.
    pub fn open(folder: &Path, split: Split) -> Result<Shards, PrepareError> {
        let path = folder.join(MANIFEST_FILE);
        let text = std::fs::read(&path).map_err(PrepareError::io("read", &path))?;
        let listed: Listed =
            serde_json::from_slice(&text).map_err(|error| PrepareError::broken(&path, error.to_string()))?;
        let none = || {
            PrepareError::broken(
                &path,
                format!("it lists no token shards of the split {split}; they come with --tokenizer"),
            )
        };
        let mut shards = Vec::new();
        for shard in &listed.packed.get(split.as_str()).ok_or_else(none)?.shards {
            let name = Path::new(&shard.file);
            // A manifest names files of its folder alone.
            if name.file_name() != Some(name.as_os_str()) {
                return Err(PrepareError::broken(&path, format!("`{}` is no name of a file", shard.file)));
            }
            let shard = Shard::open_as(&folder.join(name), Some(&shard.sha256))?;
            if (0..shard.rows()).filter_map(|row| shard.entry(row)).any(|row| row.task as usize >= listed.tasks.len()) {
                return Err(PrepareError::broken(&shard.path, "a row names a task that the manifest has not"));
            }
            shards.push(shard);
        }
        let differs = |pair: &[Shard]| pair[0].tokenizer_sha256() != pair[1].tokenizer_sha256();
        if shards.is_empty() {
            return Err(none());
        }
        if shards.windows(2).any(differs) {
            return Err(PrepareError::broken(&path, "its shards are of several tokenizers"));
        }
        Ok(Shards { shards, tasks: listed.tasks })
    }

    /// The shards.
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// Sequences of all shards.
    pub fn sequences(&self) -> u64 {
        self.shards.iter().map(|shard| shard.sequences() as u64).sum()
    }

    /// Tokens of all shards.
    pub fn tokens(&self) -> u64 {
        self.shards.iter().map(Shard::tokens).sum()
    }

    /// The rows of each sequence without their tokens, in the order of their numbers.
    pub fn sizes(&self) -> impl Iterator<Item = Vec<RowSize>> {
        let of = |shard: &Shard, sequence| {
            let rows = shard.first_row(sequence).unwrap_or_default()..shard.first_row(sequence + 1).unwrap_or_default();
            rows.filter_map(|row| shard.entry(row))
                .map(|entry| RowSize { task: entry.task as usize, tokens: entry.tokens as usize })
                .collect()
        };
        self.shards.iter().flat_map(move |shard| (0..shard.sequences()).map(move |sequence| of(shard, sequence)))
    }

    /// A sequence by its number over all shards; [`super::super::Order`] shuffles these.
    pub fn sequence(&self, number: u64) -> Option<Vec<ShardRow>> {
        let mut rest = usize::try_from(number).ok()?;
        for shard in &self.shards {
            match rest.checked_sub(shard.sequences()) {
                None => return shard.sequence(rest),
                Some(left) => rest = left,
            }
        }
        None
    }
}
