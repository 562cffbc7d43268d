//! Workbooks (XLSX): the sheet `sheet1`, its first row as header.
//!
//! Reference: ECMA-376, part 1, 18.3 (worksheets) and 18.4 (shared strings). Values are taken as they are stored; formulas, dates and
//! styles are not read.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Take};
use std::sync::Arc;

use quick_xml::events::{BytesRef, BytesStart, Event};

use super::super::reject::RejectReason;
use super::archive::Archive;
use super::{BadRow, KEPT_BYTES, MAX_ROW_BYTES, Numbered, Row, Rows, header_fault};

const SHEET: &str = "xl/worksheets/sheet1.xml";
const STRINGS: &str = "xl/sharedStrings.xml";

/// Most text that the table of shared strings may hold, in bytes: it is kept in memory.
const MAX_STRINGS: usize = 64 << 20;
/// Most columns of a sheet: the limit of the format.
const MAX_COLUMNS: usize = 16_384;
/// Longest text or tag of the XML, in bytes: it is kept in memory. A cell has at most 32,767 letters.
const MAX_EVENT: u64 = 2 * MAX_ROW_BYTES as u64;

type Xml = quick_xml::Reader<BufReader<Take<Box<dyn Read + Send>>>>;

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
    is_complete: bool,
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
        let header = Arc::new(Vec::new());
        let mut rows =
            WorkbookRows { xml: xml(sheet), buffer: Vec::new(), strings, header, row: 0, is_complete: false };
        let header = rows.fields()?.ok_or_else(|| invalid("the sheet is empty"))?;
        let header = header.map_err(|bad| invalid(format!("its header has {}", bad.detail)))?;
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

    /// The cells of the next row that has any; of one that is too long, only the start is kept.
    fn fields(&mut self) -> io::Result<Option<Result<Vec<String>, BadRow>>> {
        let WorkbookRows { xml, buffer, strings, row, is_complete, .. } = self;
        let mut fields: Vec<String> = Vec::new();
        let (mut size, mut start) = (0, None);
        let mut cell: Option<Cell> = None;
        loop {
            match event(xml, buffer)? {
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
                Event::Text(text) => push(&mut cell, &text.xml10_content())?,
                Event::CData(text) => push(&mut cell, &text.xml10_content())?,
                Event::GeneralRef(reference) => push(&mut cell, &resolved(&reference)?)?,
                Event::End(tag) => match tag.local_name().as_ref() {
                    "v" | "t" => cell.iter_mut().for_each(|cell| cell.is_value = false),
                    "c" => {
                        if let Some(cell) = cell.take() {
                            let text = value(&cell, strings)?;
                            size += text.len();
                            // Many cells may name one long shared text.
                            if start.is_none() && size > MAX_ROW_BYTES {
                                start = Some(beginning(&fields));
                            }
                            let text = if start.is_some() { "" } else { text };
                            fields.resize(fields.len().max(cell.column + 1), String::new());
                            text.clone_into(&mut fields[cell.column]);
                        }
                    }
                    "row" if !fields.is_empty() => {
                        let is_longer = start.map(|start| BadRow::too_long(start.as_bytes(), ""));
                        return Ok(Some(is_longer.map_or(Ok(fields), Err)));
                    }
                    "worksheet" => *is_complete = true,
                    _ => {}
                },
                Event::Eof if *is_complete => return Ok(None),
                Event::Eof => return Err(invalid("the sheet ends early, or holds a text that is too long")),
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
    }
}

/// The text of a cell: its own, or the shared one that it names by number.
fn value<'a>(cell: &'a Cell, strings: &'a [String]) -> io::Result<&'a str> {
    if cell.kind != "s" {
        return Ok(cell.text.trim());
    }
    let place = cell.text.trim().parse::<usize>().ok();
    let text = place.and_then(|place| strings.get(place));
    text.map(|text| text.trim()).ok_or_else(|| {
        let shown: String = cell.text.chars().take(40).collect();
        invalid(format!("no shared string `{shown}`"))
    })
}

/// The first fields as text, about as much as is kept of a row that cannot be used.
fn beginning(fields: &[String]) -> String {
    let mut text = String::new();
    for field in fields {
        if text.len() >= KEPT_BYTES {
            break;
        }
        text.push_str(field);
        text.push('\t');
    }
    text
}

impl Rows for WorkbookRows {
    fn next_row(&mut self) -> io::Result<Option<Numbered>> {
        let mut fields = match self.fields()? {
            None => return Ok(None),
            Some(Err(bad)) => return Ok(Some(Numbered { line: self.row, row: Err(bad) })),
            Some(Ok(fields)) => fields,
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
    quick_xml::Reader::from_reader(BufReader::new(member.take(MAX_EVENT)))
}

/// The next piece of XML. One that is longer than [`MAX_EVENT`] reads as the end of the file.
fn event<'a>(xml: &mut Xml, buffer: &'a mut Vec<u8>) -> io::Result<Event<'a>> {
    buffer.clear();
    xml.get_mut().get_mut().set_limit(MAX_EVENT);
    xml.read_event_into(buffer).map_err(invalid)
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

/// Adds to the text of the open cell.
fn push(cell: &mut Option<Cell>, text: &str) -> io::Result<()> {
    if let Some(cell) = cell.as_mut().filter(|cell| cell.is_value) {
        if cell.text.len() + text.len() > MAX_ROW_BYTES {
            return Err(invalid(format!("a cell holds more than {MAX_ROW_BYTES} bytes")));
        }
        cell.text.push_str(text);
    }
    Ok(())
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
    let (mut strings, mut text, mut size) = (Vec::new(), String::new(), 0);
    let (mut is_text, mut is_complete) = (false, false);
    let mut buffer = Vec::new();
    loop {
        if size + text.len() > MAX_STRINGS {
            return Err(invalid("its shared strings take more than 64 MiB"));
        }
        match event(&mut xml, &mut buffer)? {
            Event::Start(tag) if tag.local_name().as_ref() == "t" => is_text = true,
            Event::Text(part) if is_text => text.push_str(&part.xml10_content()),
            Event::CData(part) if is_text => text.push_str(&part.xml10_content()),
            Event::GeneralRef(reference) if is_text => text.push_str(&resolved(&reference)?),
            Event::End(tag) => match tag.local_name().as_ref() {
                "t" => is_text = false,
                "si" => {
                    size += text.len() + size_of::<String>();
                    strings.push(std::mem::take(&mut text));
                }
                "sst" => is_complete = true,
                _ => {}
            },
            Event::Empty(tag) => match tag.local_name().as_ref() {
                "si" => {
                    size += size_of::<String>();
                    strings.push(String::new());
                }
                "sst" => is_complete = true,
                _ => {}
            },
            Event::Eof if is_complete => return Ok(strings),
            Event::Eof => return Err(invalid("its shared strings end early, or one is too long")),
            _ => {}
        }
    }
}
