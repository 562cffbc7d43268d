//! Small files, and the folder of public ones.

use std::io::Write;
use std::path::{Path, PathBuf};

use chemr_tasks::Example;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use super::super::*;

/// A folder of small files.
pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn file(self, name: &str, text: &str) -> Folder {
        self.bytes(name, text.as_bytes())
    }

    pub fn bytes(self, name: &str, bytes: &[u8]) -> Folder {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let bytes = if name.ends_with(".gz") { packed(bytes) } else { bytes.to_vec() };
        std::fs::write(path, bytes).unwrap();
        self
    }
}

pub(super) fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The folder of public files, when there is one.
pub(super) fn data_folder() -> Option<PathBuf> {
    std::env::var_os("CHEMR_DATA").map(PathBuf::from)
}

/// What an import wrote.
pub(super) struct Written {
    pub summary: Summary,
    pub examples: Vec<Example>,
    pub rejects: Vec<Value>,
}

impl Written {
    pub fn of(summary: Summary, folder: &Path) -> Written {
        let lines = |name: &str| -> Vec<Value> {
            let text = std::fs::read_to_string(folder.join(name)).unwrap();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        let stored: Value = serde_json::from_str(&std::fs::read_to_string(folder.join(SUMMARY_FILE)).unwrap()).unwrap();
        assert_eq!(stored["rows"], summary.counts.rows);
        let examples = lines(EXAMPLES_FILE).into_iter().map(|row| serde_json::from_value(row).unwrap()).collect();
        Written { summary, examples, rejects: lines(REJECTS_FILE) }
    }

    /// Line and reason of each reject.
    pub fn reasons(&self) -> Vec<(u64, &str)> {
        self.rejects.iter().map(|row| (row["line"].as_u64().unwrap(), row["reason"].as_str().unwrap())).collect()
    }

    /// Task, the first field of its question, and the reference of each example.
    pub fn asked(&self) -> Vec<(&str, &str, &str)> {
        let first = |row: &'_ Example| chemr_tasks::task(&row.task).unwrap().input_key();
        self.examples.iter().map(|row| (row.task.as_str(), row.field(first(row)), row.reference.as_str())).collect()
    }
}

/// Imports one file of a folder.
pub(super) fn imported(folder: &Folder, name: &str, request: Request) -> Result<Written, DataError> {
    let out = folder.path().join("imported");
    if out.exists() {
        std::fs::remove_dir_all(&out).unwrap();
    }
    let request = Request { paths: vec![folder.path().join(name)], ..request };
    import_files(&request, &out).map(|summary| Written::of(summary, &out))
}

pub(super) fn plainly(folder: &Folder, name: &str) -> Written {
    imported(folder, name, Request::default()).unwrap()
}

pub(super) fn refused(folder: &Folder, name: &str, request: Request) -> String {
    imported(folder, name, request).err().unwrap().to_string()
}
