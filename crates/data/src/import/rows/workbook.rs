//! Workbooks (XLSX): the sheet `sheet1`, its first row as header.
//!
//! Reference: ECMA-376, part 1, 18.3 (worksheets) and 18.4 (shared strings). Values are taken as they are stored; formulas, dates and
//! styles are not read.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::sync::Arc;

use quick_xml::events::{BytesRef, BytesStart, Event};

use super::super::reject::RejectReason;
use super::archive::Archive;
use super::{BadRow, Numbered, Row, Rows, header_fault};

const SHEET: &str = "xl/worksheets/sheet1.xml";
const STRINGS: &str = "xl/sharedStrings.xml";

/// Most text that the table of shared strings may hold, in bytes: it is kept in memory.
const MAX_STRINGS: usize = 64 << 20;
/// Most columns of a sheet: the limit of the format.
const MAX_COLUMNS: usize = 16_384;

type Xml = quick_xml::Reader<BufReader<Box<dyn Read + Send>>>;

fn invalid(message: impl ToString) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("the workbook is broken: {}", message.to_string()))
}

/// The rows of a sheet.
pub(crate) struct WorkbookRows {
    xml: Xml,
    buffer: Vec<u8>,
    strings: Vec<String>,
    header: Arc<Vec<String>>,
    row: u64,
}

/// A cell on its way.
#[derive(Default)]
struct Cell {
    column: usize,
    kind: String,
    text: String,
    is_value: bool,
}

impl WorkbookRows {
    /// Opens the first sheet.
    ///
    /// # Errors
    /// When the file cannot be read, or is no workbook with a header row.
    pub fn new(file: File) -> io::Result<WorkbookRows> {
        let archive = Archive::open(file)?;
        let strings = match archive.member(STRINGS)? {
            Some(member) => shared_strings(xml(member))?,
            None => Vec::new(),
        };
        let sheet = archive.member(SHEET)?.ok_or_else(|| invalid(format!("there is no `{SHEET}`")))?;
        let mut rows =
            WorkbookRows { xml: xml(sheet), buffer: Vec::new(), strings, header: Arc::new(Vec::new()), row: 0 };
        let header = rows.fields()?.ok_or_else(|| invalid("the sheet is empty"))?;
        if let Some(fault) = header_fault(&header) {
            return Err(invalid(fault));
        }
        rows.header = Arc::new(header);
        Ok(rows)
    }

    /// Names of the columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The cells of the next row that has any.
    fn fields(&mut self) -> io::Result<Option<Vec<String>>> {
        let WorkbookRows { xml, buffer, strings, row, .. } = self;
        let mut fields: Vec<String> = Vec::new();
        let mut cell: Option<Cell> = None;
        loop {
            buffer.clear();
            match xml.read_event_into(buffer).map_err(invalid)? {
                Event::Start(tag) => match tag.local_name().as_ref() {
                    "row" => {
                        let number = attribute(&tag, "r")?.and_then(|text| text.parse().ok());
                        *row = number.unwrap_or(*row + 1);
                    }
                    "c" => cell = Some(opened(&tag, fields.len())?),
                    // Values and inline texts; the text of a formula is none.
                    "v" | "t" => cell.iter_mut().for_each(|cell| cell.is_value = true),
                    _ => {}
                },
                Event::Text(text) => push(&mut cell, &text.xml10_content()),
                Event::CData(text) => push(&mut cell, &text.xml10_content()),
                Event::GeneralRef(reference) => push(&mut cell, &resolved(&reference)?),
                Event::End(tag) => match tag.local_name().as_ref() {
                    "v" | "t" => cell.iter_mut().for_each(|cell| cell.is_value = false),
                    "c" => {
                        if let Some(cell) = cell.take() {
                            let text = value(&cell, strings)?;
                            fields.resize(fields.len().max(cell.column + 1), String::new());
                            fields[cell.column] = text;
                        }
                    }
                    "row" if !fields.is_empty() => return Ok(Some(fields)),
                    _ => {}
                },
                Event::Eof => return Ok(None),
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
    }
}

/// The text of a cell: its own, or the shared one that it names by number.
fn value(cell: &Cell, strings: &[String]) -> io::Result<String> {
    if cell.kind != "s" {
        return Ok(cell.text.trim().to_owned());
    }
    let place = cell.text.trim().parse::<usize>().ok();
    let text = place.and_then(|place| strings.get(place));
    text.map(|text| text.trim().to_owned()).ok_or_else(|| invalid(format!("no shared string `{}`", cell.text)))
}

impl Rows for WorkbookRows {
    fn next_row(&mut self) -> io::Result<Option<Numbered>> {
        let Some(mut fields) = self.fields()? else {
            return Ok(None);
        };
        // Empty cells at the end of a row are not stored.
        while fields.len() > self.header.len() && fields.last().is_some_and(String::is_empty) {
            fields.pop();
        }
        let row = if fields.len() > self.header.len() {
            let detail = format!("{} fields, the header has {}", fields.len(), self.header.len());
            Err(BadRow::new(RejectReason::Ragged, detail, fields.join("\t").as_bytes()))
        } else {
            fields.resize(self.header.len(), String::new());
            Ok(Row::Table { header: Arc::clone(&self.header), fields })
        };
        Ok(Some(Numbered { line: self.row, row }))
    }
}

fn xml(member: Box<dyn Read + Send>) -> Xml {
    quick_xml::Reader::from_reader(BufReader::new(member))
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> io::Result<Option<String>> {
    Ok(tag.try_get_attribute(name).map_err(invalid)?.map(|found| found.value.to_string()))
}

/// The cell of a tag such as `<c r="C7" t="s">`; without a place it follows the one before it.
fn opened(tag: &BytesStart<'_>, next: usize) -> io::Result<Cell> {
    let column = match attribute(tag, "r")? {
        None => next,
        Some(place) => {
            let letters = place.bytes().take_while(u8::is_ascii_uppercase).take(4);
            let number = letters.fold(0, |number, letter| number * 26 + usize::from(letter - b'A') + 1);
            number.checked_sub(1).ok_or_else(|| invalid(format!("a cell at `{place}`")))?
        }
    };
    if column >= MAX_COLUMNS {
        return Err(invalid("more columns than a sheet can have"));
    }
    Ok(Cell { column, kind: attribute(tag, "t")?.unwrap_or_default(), ..Cell::default() })
}

fn push(cell: &mut Option<Cell>, text: &str) {
    if let Some(cell) = cell.as_mut().filter(|cell| cell.is_value) {
        cell.text.push_str(text);
    }
}

/// The text of `&amp;` or `&#65;`.
fn resolved(reference: &BytesRef<'_>) -> io::Result<String> {
    if let Some(letter) = reference.resolve_char_ref().map_err(invalid)? {
        return Ok(letter.to_string());
    }
    let known = [("amp", "&"), ("lt", "<"), ("gt", ">"), ("quot", "\""), ("apos", "'")];
    let found = known.iter().find(|(name, _)| *name == &**reference);
    found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| invalid("an unknown entity"))
}

/// The texts that cells name by number.
fn shared_strings(mut xml: Xml) -> io::Result<Vec<String>> {
    let (mut strings, mut text, mut size, mut is_text) = (Vec::new(), String::new(), 0, false);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer).map_err(invalid)? {
            Event::Start(tag) if tag.local_name().as_ref() == "t" => is_text = true,
            Event::Text(part) if is_text => text.push_str(&part.xml10_content()),
            Event::CData(part) if is_text => text.push_str(&part.xml10_content()),
            Event::GeneralRef(reference) if is_text => text.push_str(&resolved(&reference)?),
            Event::End(tag) => match tag.local_name().as_ref() {
                "t" => is_text = false,
                "si" => {
                    size += text.len() + size_of::<String>();
                    if size > MAX_STRINGS {
                        return Err(invalid("its shared strings take more than 64 MiB"));
                    }
                    strings.push(std::mem::take(&mut text));
                }
                _ => {}
            },
            Event::Empty(tag) if tag.local_name().as_ref() == "si" => strings.push(String::new()),
            Event::Eof => return Ok(strings),
            _ => {}
        }
    }
}
