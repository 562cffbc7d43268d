//! Tables: fields separated by commas or tabs, a header row.

use std::io::{self, BufRead, ErrorKind};
use std::sync::Arc;

use csv_core::{ReadRecordResult, ReaderBuilder};

use super::super::reject::RejectReason;
use super::{BadRow, KEPT_BYTES, MAX_ROW_BYTES, Numbered, Row, Rows, decoded, header_fault};

/// Most columns that a table may have.
const MAX_COLUMNS: usize = 8192;

/// The rows of a table.
///
/// The record is put together here from the automaton of `csv-core`, not with the reader of `csv`, which keeps a record of any length in
/// memory: one quote that is never closed makes the rest of the file one record.
pub(crate) struct TableRows<R> {
    input: R,
    automaton: csv_core::Reader,
    is_quoted: bool,
    header: Arc<Vec<String>>,
    line: u64,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// What is known of a record besides its text.
struct Record {
    line: u64,
    length: usize,
    fields: usize,
    is_too_long: bool,
    /// The file ended behind an odd number of quotes.
    is_open: bool,
}

impl<R: BufRead> TableRows<R> {
    /// A table with a header row. Between tabs quotes mean nothing.
    ///
    /// # Errors
    /// When the file cannot be read, or its first row is no header: empty, not UTF-8, with a repeated name.
    pub fn new(input: R, delimiter: u8) -> io::Result<TableRows<R>> {
        let mut rows = TableRows::headerless(input, delimiter, &[]);
        let invalid = |message: String| io::Error::new(ErrorKind::InvalidData, message);
        let Some(record) = rows.record()? else {
            return Err(invalid("the file is empty".into()));
        };
        if record.is_too_long {
            return Err(invalid(format!("the header row has more than {MAX_ROW_BYTES} bytes")));
        }
        let fields = rows.fields(&record).map_err(|bad| invalid(format!("header row: {}", bad.detail)))?;
        if let Some(fault) = header_fault(&fields) {
            return Err(invalid(fault));
        }
        rows.header = Arc::new(fields);
        Ok(rows)
    }

    /// A table whose columns are named here.
    pub fn headerless(input: R, delimiter: u8, names: &[&str]) -> TableRows<R> {
        let is_quoted = delimiter != b'\t';
        let automaton = ReaderBuilder::new().delimiter(delimiter).quoting(is_quoted).build();
        let header = Arc::new(names.iter().map(ToString::to_string).collect());
        TableRows { input, automaton, is_quoted, header, line: 1, text: vec![0; 8192], ends: vec![0; 64] }
    }

    /// Names of the columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Reads one record into the buffers.
    fn record(&mut self) -> io::Result<Option<Record>> {
        // The automaton passes over empty lines without saying how many.
        while let Some(byte @ (b'\n' | b'\r')) = self.input.fill_buf()?.first().copied() {
            self.line += u64::from(byte == b'\n');
            self.input.consume(1);
        }
        let line = self.line;
        let (mut length, mut fields, mut quotes, mut is_too_long, mut at_end) = (0, 0, 0usize, false, false);
        loop {
            let available = self.input.fill_buf()?;
            at_end |= available.is_empty();
            let (result, read, written, ended) =
                self.automaton.read_record(available, &mut self.text[length..], &mut self.ends[fields..]);
            for byte in &available[..read] {
                self.line += u64::from(*byte == b'\n');
                quotes += usize::from(*byte == b'"');
            }
            self.input.consume(read);
            length += written;
            fields += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.text.len() >= MAX_ROW_BYTES => {
                    is_too_long = true;
                    length = KEPT_BYTES;
                }
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull if self.ends.len() >= MAX_COLUMNS => {
                    is_too_long = true;
                    fields = 0;
                }
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => {
                    let is_open = self.is_quoted && at_end && quotes % 2 == 1;
                    return Ok(Some(Record { line, length, fields, is_too_long, is_open }));
                }
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// The fields of the record in the buffers, without the blanks around them.
    fn fields(&self, record: &Record) -> Result<Vec<String>, BadRow> {
        let text = decoded(&self.text[..record.length])?;
        let mut start = 0;
        let fields = self.ends[..record.fields].iter().map(|end| {
            // A field can end inside a character only when the delimiter is no ASCII.
            let field = text.get(start..*end).unwrap_or_default().trim().to_owned();
            start = *end;
            field
        });
        Ok(fields.collect())
    }

    fn row(&self, record: &Record) -> Result<Row, BadRow> {
        let raw = &self.text[..record.length];
        if record.is_too_long {
            let hint = format!(" or {MAX_COLUMNS} columns; perhaps a quote is opened here and never closed");
            return Err(BadRow::too_long(raw, &hint));
        }
        // A lone quote inside of a field is text; an open one swallows line ends or the fields after it.
        if record.is_open && (raw.contains(&b'\n') || record.fields != self.header.len()) {
            let swallowed = self.line - record.line;
            let detail = format!(
                "a quote is opened in this row and never closed: the {swallowed} line ends behind it, to the end of the file, are part of the row; \
                 close the quote, or write it twice in quotes, and import again"
            );
            return Err(BadRow::new(RejectReason::UnclosedQuote, detail, raw));
        }
        let fields = self.fields(record)?;
        if fields.len() != self.header.len() {
            let detail = format!("{} fields, the header has {}", fields.len(), self.header.len());
            return Err(BadRow::new(RejectReason::Ragged, detail, fields.join("\t").as_bytes()));
        }
        Ok(Row::Table { header: Arc::clone(&self.header), fields })
    }
}

impl<R: BufRead> Rows for TableRows<R> {
    fn next_row(&mut self) -> io::Result<Option<Numbered>> {
        let Some(record) = self.record()? else {
            return Ok(None);
        };
        Ok(Some(Numbered { line: record.line, row: self.row(&record) }))
    }
}
