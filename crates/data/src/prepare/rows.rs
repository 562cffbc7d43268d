//! Reading the rows of a prepared file in any order.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use chemr_tasks::Example;

use super::PrepareError;
use super::files::read_at;
use crate::export::{TraceText, input};
use crate::predictions::MAX_LINE;

/// A file of examples, one a line, of which memory holds the places of the lines alone: 8 bytes a row.
#[derive(Debug)]
pub struct PreparedRows {
    path: PathBuf,
    file: File,
    /// Where each line begins, and last where the file ends.
    starts: Vec<u64>,
}

impl PreparedRows {
    /// Opens a file and finds its lines.
    ///
    /// # Errors
    /// When it cannot be read, or a line is longer than 1 MiB.
    pub fn open(path: &Path) -> Result<PreparedRows, PrepareError> {
        let failed = |source| PrepareError::Io { operation: "read", path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let mut reader = BufReader::with_capacity(1 << 20, file.try_clone().map_err(failed)?);
        let (mut starts, mut at) = (vec![0_u64], 0_u64);
        loop {
            let piece = reader.fill_buf().map_err(failed)?;
            if piece.is_empty() {
                break;
            }
            let ends = piece.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
            starts.extend(ends.map(|(place, _)| at + place as u64 + 1));
            let count = piece.len();
            at += count as u64;
            reader.consume(count);
        }
        if starts.last() != Some(&at) {
            starts.push(at);
        }
        let too_long = starts.windows(2).position(|pair| pair[1] - pair[0] > MAX_LINE as u64 + 1);
        if let Some(row) = too_long {
            return Err(PrepareError::broken(path, format!("line {} is longer than {MAX_LINE} bytes", row + 1)));
        }
        Ok(PreparedRows { path: path.to_owned(), file, starts })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A row by its number from 0, and the completion to train on where it holds one; `None` past the end.
    ///
    /// # Errors
    /// When the line cannot be read or is no example.
    pub fn get(&self, row: u64, trace_text: TraceText) -> Result<Option<(Example, Option<String>)>, PrepareError> {
        let place = usize::try_from(row).unwrap_or(usize::MAX);
        let (Some(start), Some(end)) = (self.starts.get(place), self.starts.get(place.saturating_add(1))) else {
            return Ok(None);
        };
        let mut line = vec![0; (end - start) as usize];
        read_at(&self.file, &mut line, *start).map_err(PrepareError::io("read", &self.path))?;
        let fault = |fault| PrepareError::Row { place: input::place(&self.path, row + 1), fault: Box::new(fault) };
        input::example(line.trim_ascii(), trace_text).map(Some).map_err(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_by_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        let line = |name: &str| format!(r#"{{"task": "t", "input": {{"smiles": "{name}"}}, "reference": "x"}}"#);
        let text = serde_json::from_value::<String>;
        for end in ["", "\n"] {
            std::fs::write(&path, format!("{}\n{}\nbroken\n{}{end}", line("C"), line("CC"), line("CCC"))).unwrap();
            let rows = PreparedRows::open(&path).unwrap();
            assert_eq!(rows.len(), 4);
            for (row, smiles) in [(3, "CCC"), (0, "C"), (1, "CC")] {
                assert_eq!(rows.get(row, text).unwrap().unwrap().0.field("smiles"), smiles);
            }
            assert!(rows.get(2, text).unwrap_err().to_string().contains("rows.jsonl, line 3: not an example"));
            assert_eq!(rows.get(4, text).unwrap(), None);
        }
        std::fs::write(&path, "").unwrap();
        assert!(PreparedRows::open(&path).unwrap().is_empty());
        std::fs::write(&path, "x".repeat(MAX_LINE + 2)).unwrap();
        assert!(PreparedRows::open(&path).unwrap_err().to_string().contains("line 1 is longer"));
        assert!(PreparedRows::open(&folder.path().join("none")).is_err());
    }
}
