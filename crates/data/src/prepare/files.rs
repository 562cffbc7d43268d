//! Files of a preparation: written whole, read at places.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::PrepareError;
use crate::folder::write_file;

/// Writes a file and flushes it to disk.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), PrepareError> {
    write_file(path, bytes).map_err(PrepareError::io("write", path))
}

/// Fills a buffer from a place of a file; several threads may do so at once.
pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    {
        std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
    }
    #[cfg(windows)]
    {
        let mut done = 0;
        while done < buffer.len() {
            match std::os::windows::fs::FileExt::seek_read(file, &mut buffer[done..], offset + done as u64)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => done += count,
            }
        }
        Ok(())
    }
}

/// The lines of all inputs, unpacked, one after the other in a file that vanishes at the end: rows are fetched in any order without
/// being held in memory, and an input that changes meanwhile changes nothing.
pub(super) struct Spool {
    path: PathBuf,
    file: File,
    end: u64,
}

impl Spool {
    pub fn begin(folder: &Path) -> Result<Spool, PrepareError> {
        let path = folder.join("rows.spool");
        let file = File::options().read(true).write(true).create_new(true).open(&path);
        Ok(Spool { file: file.map_err(PrepareError::io("write", &path))?, path, end: 0 })
    }

    /// Appends lines; returns where they begin.
    pub fn append(&mut self, lines: &[u8]) -> Result<u64, PrepareError> {
        self.file.write_all(lines).map_err(PrepareError::io("write", &self.path))?;
        self.end += lines.len() as u64;
        Ok(self.end - lines.len() as u64)
    }

    pub fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>, PrepareError> {
        let mut line = vec![0; length as usize];
        read_at(&self.file, &mut line, offset).map_err(PrepareError::io("read", &self.path))?;
        Ok(line)
    }

    pub fn remove(self) -> Result<(), PrepareError> {
        std::fs::remove_file(&self.path).map_err(PrepareError::io("remove", &self.path))
    }
}
