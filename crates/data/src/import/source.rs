//! Files as they lie: packed or not, hashed while they are read, with a sample of their beginning.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::MultiGzDecoder;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::rows::{
    Document, JsonElements, JsonLines, Lines, PARQUET_MAGIC, ParquetRows, Row, Rows, TableRows, WorkbookRows,
};

/// How much of a file its format is told from, in bytes.
const SAMPLE_BYTES: usize = 64 << 10;
/// Rows of a sample.
const SAMPLE_ROWS: usize = 200;

/// Reads a file of which it knows the hash of what was read.
struct Hashed {
    file: File,
    tally: Arc<Mutex<Tally>>,
}

#[derive(Default)]
struct Tally {
    hash: Sha256,
    bytes: u64,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.hash.update(&buffer[..read]);
        tally.bytes += read as u64;
        Ok(read)
    }
}

/// What separates the rows of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    Table { delimiter: u8 },
    JsonLines,
    Json(Document),
}

/// What the format of a file is told from.
pub(crate) struct Sample {
    /// [`Input::told_by`](super::inputs::Input::told_by).
    pub path: String,
    /// Names of the columns, or the keys of the first object.
    pub columns: Vec<String>,
    /// The first rows that can be read, without the header.
    pub rows: Vec<Row>,
    /// The first lines that hold something.
    pub lines: Vec<String>,
    /// Why the first row cannot be the header of a table.
    pub header_fault: Option<String>,
}

impl Sample {
    /// Name of the file in lower case.
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Name of the folder that the file lies in, in lower case.
    pub fn folder_name(&self) -> &str {
        self.path.rsplit('/').nth(1).unwrap_or_default()
    }

    /// Whether the path contains one of these texts.
    pub fn is_named(&self, texts: &[&str]) -> bool {
        texts.iter().any(|text| self.path.contains(text))
    }
}

/// An open file.
pub(crate) struct Source {
    content: Content,
    tally: Arc<Mutex<Tally>>,
    pub sample: Sample,
}

/// Where the rows of a file come from.
enum Content {
    Text(Box<dyn BufRead + Send>, Layout),
    Workbook(Box<WorkbookRows>),
    Parquet(Box<ParquetRows>),
}

impl Source {
    /// Opens a file and looks at its beginning; `name` is the path that its format may be told by.
    ///
    /// # Errors
    /// When it cannot be read, is empty, or is no text.
    pub fn open(path: &Path, name: String) -> io::Result<Source> {
        let tally = Arc::new(Mutex::new(Tally::default()));
        let mut packed =
            BufReader::with_capacity(64 << 10, Hashed { file: File::open(path)?, tally: Arc::clone(&tally) });
        if packed.fill_buf()?.starts_with(b"PK\x03\x04") && name.ends_with(".xlsx") {
            // Workbooks and Parquet are read from several places, so they are hashed beforehand.
            io::copy(&mut packed, &mut io::sink())?;
            let rows = WorkbookRows::new(File::open(path)?)?;
            let mut first = WorkbookRows::new(File::open(path)?)?;
            let sample = columns_sample(name, first.header().to_vec(), &mut first);
            return Ok(Source { content: Content::Workbook(Box::new(rows)), tally, sample });
        }
        if packed.fill_buf()?.starts_with(PARQUET_MAGIC) {
            io::copy(&mut packed, &mut io::sink())?;
            let rows = ParquetRows::new(File::open(path)?)?;
            let mut first = ParquetRows::new(File::open(path)?)?;
            let sample = columns_sample(name, first.header().to_vec(), &mut first);
            return Ok(Source { content: Content::Parquet(Box::new(rows)), tally, sample });
        }
        let is_packed = packed.fill_buf()?.starts_with(&[0x1f, 0x8b]);
        let mut plain: Box<dyn Read + Send> =
            if is_packed { Box::new(MultiGzDecoder::new(packed)) } else { Box::new(packed) };
        let mut start = Vec::with_capacity(SAMPLE_BYTES);
        plain.by_ref().take(SAMPLE_BYTES as u64).read_to_end(&mut start)?;
        if let Some(kind) = other_kind(&start) {
            return Err(io::Error::new(ErrorKind::InvalidData, kind));
        }
        let is_whole = start.len() < SAMPLE_BYTES;
        let start = start.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec).unwrap_or(start);
        if start.trim_ascii().is_empty() && is_whole {
            return Err(io::Error::new(ErrorKind::InvalidData, "the file is empty"));
        }
        let layout = layout(&start);
        let sample = sample(name, layout, &start, is_whole);
        let reader = Box::new(BufReader::with_capacity(64 << 10, Cursor::new(start).chain(plain)));
        Ok(Source { content: Content::Text(reader, layout), tally, sample })
    }

    /// The rows; `names` are the columns of a table without a header row.
    ///
    /// # Errors
    /// When the header of a table cannot be read.
    pub fn rows(self, shape: Shape) -> io::Result<HashedRows> {
        let Source { content, tally, .. } = self;
        let (reader, layout) = match content {
            Content::Text(reader, layout) => (reader, layout),
            Content::Workbook(rows) => return Ok(HashedRows { rows, tally }),
            Content::Parquet(rows) => return Ok(HashedRows { rows, tally }),
        };
        let rows: Box<dyn Rows> = match (shape, layout) {
            (Shape::Lines { comment }, _) => Box::new(Lines::new(reader, comment)),
            (Shape::Headerless(names), Layout::Table { delimiter }) => {
                Box::new(TableRows::headerless(reader, delimiter, names))
            }
            (_, Layout::Table { delimiter }) => Box::new(TableRows::new(reader, delimiter)?),
            (_, Layout::JsonLines) => Box::new(JsonLines::new(reader)),
            (_, Layout::Json(document)) => Box::new(JsonElements::new(reader, document)),
        };
        Ok(HashedRows { rows, tally })
    }
}

/// How a format wants the rows of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// By the names of columns or keys.
    Columns,
    /// A table without a header row, whose columns are these.
    Headerless(&'static [&'static str]),
    /// Whole lines; those that begin so are comments.
    Lines { comment: Option<&'static str> },
}

/// Rows together with the hash of the bytes they come from.
pub(crate) struct HashedRows {
    pub rows: Box<dyn Rows>,
    tally: Arc<Mutex<Tally>>,
}

impl HashedRows {
    /// SHA-256 in hexadecimal digits and length of the file, after its last row.
    pub fn hash(&self) -> (String, u64) {
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let hash = tally.hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        (hash, tally.bytes)
    }
}

/// What a file is when it is no text that can be read here, with the remedy.
fn other_kind(start: &[u8]) -> Option<&'static str> {
    let is_tar = start.get(257..262) == Some(b"ustar");
    match start {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            Some("the file is UTF-16; write it as UTF-8 first (iconv -f UTF-16 -t UTF-8)")
        }
        [b'P', b'K', 3, 4, ..] => Some("the file is a zip archive; unpack it first (a workbook ends with .xlsx)"),
        _ if start.starts_with(PARQUET_MAGIC) => Some("the file is packed Parquet; unpack it first (gunzip)"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Some("the file is packed with xz; unpack it first (xz -d)"),
        [b'B', b'Z', b'h', ..] => Some("the file is packed with bzip2; unpack it first (bunzip2)"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("the file is packed with zstd; unpack it first (zstd -d)"),
        _ if is_tar => Some("the file is a tar archive; unpack it first (tar -xf)"),
        _ if start.starts_with(b"version https://git-lfs") => {
            Some("the file is a pointer of Git LFS; fetch the file itself (git lfs pull)")
        }
        _ => None,
    }
}

fn sample(path: String, layout: Layout, start: &[u8], is_whole: bool) -> Sample {
    // A row that the sample cuts off says nothing.
    let whole = match start.iter().rposition(|byte| *byte == b'\n') {
        Some(end) if !is_whole => &start[..=end],
        _ => start,
    };
    let mut sample = Sample { path, columns: Vec::new(), rows: Vec::new(), lines: Vec::new(), header_fault: None };
    let text = String::from_utf8_lossy(whole);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    sample.lines = lines.take(SAMPLE_ROWS).map(str::to_owned).collect();
    let mut rows: Box<dyn Rows + '_> = match layout {
        Layout::Table { delimiter } => match TableRows::new(whole, delimiter) {
            Ok(table) => {
                sample.columns = table.header().to_vec();
                Box::new(table)
            }
            // Files of lines have no header.
            Err(error) => {
                sample.header_fault = Some(error.to_string());
                return sample;
            }
        },
        Layout::JsonLines => Box::new(JsonLines::new(whole)),
        Layout::Json(document) => Box::new(JsonElements::new(whole, document)),
    };
    take_rows(&mut sample, &mut *rows);
    if let Some(first @ Row::Object(_)) = sample.rows.first() {
        sample.columns = first.names().into_iter().map(str::to_owned).collect();
    }
    sample
}

/// The sample of a file that names its columns.
fn columns_sample(path: String, columns: Vec<String>, rows: &mut dyn Rows) -> Sample {
    let mut sample = Sample { path, columns, rows: Vec::new(), lines: Vec::new(), header_fault: None };
    take_rows(&mut sample, rows);
    sample
}

/// The first rows that can be read.
fn take_rows(sample: &mut Sample, rows: &mut dyn Rows) {
    while sample.rows.len() < SAMPLE_ROWS {
        match rows.next_row() {
            Ok(Some(numbered)) => sample.rows.extend(numbered.row.ok()),
            Ok(None) | Err(_) => break,
        }
    }
}

/// Tells JSON from tables by the first bytes. Reactions begin with `[` as well: an array of JSON goes on with `{` or `]`.
fn layout(start: &[u8]) -> Layout {
    let text = start.trim_ascii_start();
    let after = text.get(1..).unwrap_or_default().trim_ascii_start().first();
    match text.first() {
        Some(b'[') if matches!(after, Some(b'{' | b']') | None) => Layout::Json(Document::Array),
        Some(b'{') => json_object(text),
        _ => {
            let header = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let has = |byte: u8| header.contains(&byte);
            let delimiter = if has(b'\t') && !has(b',') { b'\t' } else { b',' };
            Layout::Table { delimiter }
        }
    }
}

/// A file that begins with an object: one object a line, or one document.
fn json_object(text: &[u8]) -> Layout {
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if serde_json::from_slice::<Value>(first).is_ok_and(|value| !holds_objects(&value)) {
        return Layout::JsonLines;
    }
    let first_member = JsonElements::new(text, Document::Members).next_row();
    let begins_with_object = matches!(first_member, Ok(Some(numbered)) if numbered.row.is_ok());
    let first = first.trim_ascii();
    // Documents are broken after `{` or a comma; another broken first line is a broken row of many.
    let is_indented = first.len() == 1 || first.ends_with(b",");
    match (begins_with_object, is_indented) {
        (true, _) => Layout::Json(Document::Members),
        (false, true) => Layout::Json(Document::Whole),
        (false, false) => Layout::JsonLines,
    }
}

/// Whether all members are objects, at least two: a document of named rows, not a row.
fn holds_objects(value: &Value) -> bool {
    value.as_object().is_some_and(|object| object.len() > 1 && object.values().all(Value::is_object))
}
