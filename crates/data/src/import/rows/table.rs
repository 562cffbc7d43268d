//! Tables: fields separated by commas or tabs, a header row.

use std::io::{self, BufRead, ErrorKind};
use std::sync::Arc;

use csv_core::{ReadRecordResult, ReaderBuilder};

use super::super::reject::RejectReason;
use super::record::{Outcome, Record, Records, Unclosed};
use super::{BadRow, MAX_ROW_BYTES, Numbered, Row, Rows, decoded, header_fault};

/// Most columns that a table may have.
const MAX_COLUMNS: usize = 8192;

/// The rows of a table.
pub(crate) struct TableRows<R> {
    records: Records<R>,
    automaton: csv_core::Reader,
    header: Arc<Vec<String>>,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl<R: BufRead> TableRows<R> {
    /// A table with a header row. Between tabs quotes mean nothing.
    ///
    /// # Errors
    /// When the file cannot be read, or its first row is no header: empty, not UTF-8, with a repeated name.
    pub fn new(input: R, delimiter: u8) -> io::Result<TableRows<R>> {
        let mut rows = TableRows::headerless(input, delimiter, &[]);
        let invalid = |message: String| io::Error::new(ErrorKind::InvalidData, message);
        let Some(record) = rows.records.next()? else {
            return Err(invalid("the file is empty".into()));
        };
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
        let records = Records::new(input, delimiter, is_quoted);
        TableRows { records, automaton, header, text: Vec::new(), ends: vec![0; 64] }
    }

    /// Names of the columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The fields of a record, without the blanks around them.
    fn fields(&mut self, record: &Record) -> Result<Vec<String>, BadRow> {
        match record.outcome {
            Outcome::Whole => {}
            Outcome::TooLong => return Err(too_long(&record.raw)),
            Outcome::Unclosed(why) => return Err(unclosed(record, why)),
        }
        decoded(&record.raw)?;
        let Some((length, count)) = self.split(&record.raw) else {
            return Err(too_long(&record.raw));
        };
        // Quotes and delimiters are ASCII: without them the text is as good as it was.
        let text = decoded(&self.text[..length])?;
        let mut start = 0;
        let fields = self.ends[..count].iter().map(|end| {
            let field = text.get(start..*end).unwrap_or_default().trim().to_owned();
            start = *end;
            field
        });
        Ok(fields.collect())
    }

    /// Splits a record into the buffers: length of the text and number of fields; nothing when there are too many.
    fn split(&mut self, raw: &[u8]) -> Option<(usize, usize)> {
        // The text of the fields is no longer than the record; one byte is left over, without which the line end is not read.
        if self.text.len() <= raw.len() {
            self.text.resize(raw.len() + 1, 0);
        }
        let (mut input, mut length, mut count) = (raw, 0, 0);
        loop {
            let (result, read, written, ended) =
                self.automaton.read_record(input, &mut self.text[length..], &mut self.ends[count..]);
            input = &input[read..];
            length += written;
            count += ended;
            match result {
                ReadRecordResult::InputEmpty => input = b"\n",
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull if self.ends.len() >= MAX_COLUMNS => {
                    self.automaton.reset();
                    return None;
                }
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record | ReadRecordResult::End => return Some((length, count)),
            }
        }
    }

    fn row(&mut self, record: &Record) -> Result<Row, BadRow> {
        let fields = self.fields(record)?;
        if fields.len() != self.header.len() {
            let detail = format!("{} fields, the header has {}", fields.len(), self.header.len());
            return Err(BadRow::new(RejectReason::Ragged, detail, &record.raw));
        }
        Ok(Row::Table { header: Arc::clone(&self.header), fields })
    }
}

fn too_long(raw: &[u8]) -> BadRow {
    BadRow::too_long(raw, &format!(" or {MAX_COLUMNS} columns"))
}

fn unclosed(record: &Record, why: Unclosed) -> BadRow {
    let found = match why {
        Unclosed::File => "never closed".to_owned(),
        Unclosed::Length => format!("not closed within {MAX_ROW_BYTES} bytes"),
        Unclosed::Other { line } => format!("not closed before the quote in line {line}, which ends no field"),
    };
    let detail = format!(
        "a quote is opened in this row and {found}, so nothing of its line is used; close the quote, or write it twice in quotes, and \
         import again"
    );
    BadRow::new(RejectReason::UnclosedQuote, detail, &record.raw)
}

impl<R: BufRead> Rows for TableRows<R> {
    fn next_row(&mut self) -> io::Result<Option<Numbered>> {
        let Some(record) = self.records.next()? else {
            return Ok(None);
        };
        Ok(Some(Numbered { line: record.line, row: self.row(&record) }))
    }
}
