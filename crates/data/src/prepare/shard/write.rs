//! Writing a token shard.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{HEADER, MAGIC, ROW, VERSION, padding, width};
use crate::export::manifest::hexadecimal;
use crate::prepare::{PrepareError, Tokens};

/// What all shards of a preparation have in common.
#[derive(Clone, Copy, Debug)]
pub(in crate::prepare) struct Stamp {
    pub length: u32,
    pub vocab_size: u32,
    pub tokenizer: [u8; 32],
}

/// A row on its way into a shard.
#[derive(Clone, Debug)]
pub(in crate::prepare) struct PackedRow {
    pub tokens: Tokens,
    pub line: u32,
    pub task: u32,
}

/// A finished shard, as the manifest lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShardNote {
    pub file: String,
    pub sequences: u64,
    pub rows: u64,
    pub tokens: u64,
    pub bytes: u64,
    pub sha256: String,
}

/// A shard that is being written: tokens go to the file, the tables wait in memory.
pub(in crate::prepare) struct ShardWriter {
    path: PathBuf,
    file: BufWriter<File>,
    stamp: Stamp,
    body: Sha256,
    rows: Vec<u8>,
    sequences: Vec<u64>,
    tokens: u64,
}

impl ShardWriter {
    pub fn create(path: &Path, stamp: Stamp) -> Result<ShardWriter, PrepareError> {
        let file = File::create_new(path).and_then(|file| {
            let mut file = BufWriter::new(file);
            file.write_all(&[0; HEADER])?;
            Ok(file)
        });
        let file = file.map_err(PrepareError::io("write", path))?;
        let (path, body) = (path.to_owned(), Sha256::new());
        Ok(ShardWriter { path, file, stamp, body, rows: Vec::new(), sequences: Vec::new(), tokens: 0 })
    }

    /// Tokens so far.
    pub fn tokens(&self) -> u64 {
        self.tokens
    }

    fn rows(&self) -> u64 {
        (self.rows.len() / ROW) as u64
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), PrepareError> {
        self.body.update(bytes);
        self.file.write_all(bytes).map_err(PrepareError::io("write", &self.path))
    }

    /// Adds a sequence of rows.
    pub fn push(&mut self, rows: &[&PackedRow]) -> Result<(), PrepareError> {
        self.sequences.push(self.rows());
        let width = width(self.stamp.vocab_size);
        let mut bytes = Vec::new();
        for row in rows {
            let ids = &row.tokens.ids;
            self.rows.extend(self.tokens.to_le_bytes());
            for number in [ids.len() as u32, row.tokens.prompt as u32, row.line, row.task] {
                self.rows.extend(number.to_le_bytes());
            }
            self.tokens += ids.len() as u64;
            ids.iter().for_each(|id| bytes.extend_from_slice(&id.to_le_bytes()[..width]));
        }
        self.append(&bytes)
    }

    /// Writes tables and header, and flushes all to disk.
    pub fn finish(mut self) -> Result<ShardNote, PrepareError> {
        let (rows, sequences) = (self.rows(), self.sequences.len() as u64);
        self.sequences.push(rows);
        let zeros = padding(self.tokens as usize * width(self.stamp.vocab_size));
        self.append(&[0; 8][..zeros])?;
        let mut tables = std::mem::take(&mut self.rows);
        self.sequences.iter().for_each(|first| tables.extend(first.to_le_bytes()));
        self.append(&tables)?;
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(MAGIC);
        let width = width(self.stamp.vocab_size) as u32;
        [VERSION, width, self.stamp.length, self.stamp.vocab_size]
            .iter()
            .for_each(|number| header.extend(number.to_le_bytes()));
        [sequences, rows, self.tokens].iter().for_each(|number| header.extend(number.to_le_bytes()));
        header.extend_from_slice(&self.stamp.tokenizer);
        header.extend_from_slice(&self.body.clone().finalize());
        let written = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.write_all(&header)).and_then(|()| {
            self.file.flush()?;
            self.file.get_ref().sync_all()?;
            Ok(self.file.get_ref().metadata()?.len())
        });
        let bytes = written.map_err(PrepareError::io("write", &self.path))?;
        // The header was not known when the rest was hashed.
        let mut file = File::open(&self.path).map_err(PrepareError::io("read", &self.path))?;
        let mut whole = Sha256::new();
        std::io::copy(&mut file, &mut HashWriter(&mut whole)).map_err(PrepareError::io("read", &self.path))?;
        let name = self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let sha256 = hexadecimal(&whole.finalize());
        Ok(ShardNote { file: name, sequences, rows, tokens: self.tokens, bytes, sha256 })
    }
}

/// Hashes what is written to it.
struct HashWriter<'a>(&'a mut Sha256);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
