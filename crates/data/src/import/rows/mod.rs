//! Rows of files, one at a time: tables, workbooks, JSON, Parquet, plain lines.
//!
//! A reader holds one row, whatever the size of the file. A row that is broken or longer than [`MAX_ROW_BYTES`] is handed out as a
//! [`BadRow`], and the rows after it are read.

mod archive;
mod json;
mod line;
mod parquet;
mod record;
mod table;
mod workbook;

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::reject::RejectReason;
use crate::predictions::scalar;

pub(crate) use json::{Document, JsonElements, JsonLines};
pub(crate) use line::Lines;
pub(crate) use parquet::{MAGIC as PARQUET_MAGIC, ParquetRows};
pub(crate) use table::TableRows;
pub(crate) use workbook::WorkbookRows;

/// Longest row that is read, in bytes.
pub(crate) const MAX_ROW_BYTES: usize = 1 << 20;

/// How much of a row that cannot be read is kept for the file of rejects, in bytes.
pub(crate) const KEPT_BYTES: usize = 4096;

/// The content of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Row {
    /// Fields of a table, one for each column, without the blanks around them.
    Table { header: Arc<Vec<String>>, fields: Vec<String> },
    /// A JSON object.
    Object(Map<String, Value>),
    /// A line without columns.
    Line(String),
}

impl Row {
    /// The text of a column of this name; numbers and truth values of JSON as text. `None` when there is none, when it is empty, `null`, a
    /// list or an object.
    pub fn text(&self, column: &str) -> Option<Cow<'_, str>> {
        let text = match self {
            Row::Table { header, fields } => {
                let place = header.iter().position(|name| name == column)?;
                Cow::Borrowed(fields.get(place)?.as_str())
            }
            Row::Object(object) => match object.get(column)? {
                Value::String(text) => Cow::Borrowed(text.trim()),
                other => Cow::Owned(scalar(other)?),
            },
            Row::Line(_) => return None,
        };
        (!text.is_empty()).then_some(text)
    }

    /// The value of a key of a JSON object.
    pub fn value(&self, key: &str) -> Option<&Value> {
        match self {
            Row::Object(object) => object.get(key),
            Row::Table { .. } | Row::Line(_) => None,
        }
    }

    /// The whole line of a file without columns.
    pub fn line(&self) -> Option<&str> {
        match self {
            Row::Line(line) => Some(line),
            Row::Table { .. } | Row::Object(_) => None,
        }
    }

    /// Names of the columns or keys.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Row::Table { header, .. } => header.iter().map(String::as_str).collect(),
            Row::Object(object) => object.keys().map(String::as_str).collect(),
            Row::Line(_) => Vec::new(),
        }
    }

    /// The row for the file of rejects.
    pub fn to_json(&self) -> Value {
        match self {
            Row::Table { header, fields } => {
                let pairs = header.iter().zip(fields);
                Value::Object(pairs.map(|(name, field)| (name.clone(), Value::String(field.clone()))).collect())
            }
            Row::Object(object) => Value::Object(object.clone()),
            Row::Line(line) => Value::String(line.clone()),
        }
    }

    /// About how much memory the row takes, in bytes.
    pub fn size(&self) -> usize {
        match self {
            Row::Table { fields, .. } => fields.iter().map(|field| field.len() + 24).sum(),
            // The text is not kept; a value takes a few times its text.
            Row::Object(object) => object.values().map(json_size).sum::<usize>() + 64,
            Row::Line(line) => line.len() + 24,
        }
    }
}

fn json_size(value: &Value) -> usize {
    64 + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(json_size).sum(),
        Value::Object(object) => object.iter().map(|(key, value)| key.len() + json_size(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// Why these cannot be the names of the columns: one stands twice.
fn header_fault(names: &[String]) -> Option<String> {
    names.iter().enumerate().filter(|(_, name)| !name.is_empty()).find_map(|(place, name)| {
        let first = names[..place].iter().position(|other| other == name)?;
        Some(format!("the column `{name}` stands twice, as number {} and {}", first + 1, place + 1))
    })
}

/// A row that cannot be read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BadRow {
    pub reason: RejectReason,
    pub detail: String,
    /// What was read of it, at most [`KEPT_BYTES`].
    pub raw: String,
}

impl BadRow {
    fn new(reason: RejectReason, detail: impl Into<String>, raw: &[u8]) -> BadRow {
        let kept = &raw[..raw.len().min(KEPT_BYTES)];
        BadRow { reason, detail: detail.into(), raw: String::from_utf8_lossy(kept).into_owned() }
    }

    fn too_long(raw: &[u8], hint: &str) -> BadRow {
        BadRow::new(RejectReason::RowTooLong, format!("more than {MAX_ROW_BYTES} bytes{hint}"), raw)
    }
}

/// A row with its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Numbered {
    /// Line of the file on which the row begins, from 1.
    pub line: u64,
    pub row: Result<Row, BadRow>,
}

/// Reads the rows of a file in order.
pub(crate) trait Rows {
    /// The next row, `None` behind the last one.
    ///
    /// # Errors
    /// When the file cannot be read any further.
    fn next_row(&mut self) -> io::Result<Option<Numbered>>;
}

/// A text as UTF-8 without NUL bytes.
fn decoded(bytes: &[u8]) -> Result<&str, BadRow> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let place = error.valid_up_to();
        BadRow::new(RejectReason::NotUtf8, format!("byte {place} of the row is not UTF-8"), bytes)
    })?;
    match text.find('\0') {
        Some(place) => Err(BadRow::new(RejectReason::NulByte, format!("byte {place} of the row is NUL"), bytes)),
        None => Ok(text),
    }
}

/// A JSON object of these bytes.
fn object(bytes: &[u8]) -> Result<Row, BadRow> {
    let text = decoded(bytes)?;
    // The parser refuses more than 128 levels, so deep nesting is an error here and no stack overflow.
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(Row::Object(object)),
        Ok(_) => Err(BadRow::new(RejectReason::BadJson, "not a JSON object", bytes)),
        Err(error) => Err(BadRow::new(RejectReason::BadJson, error.to_string(), bytes)),
    }
}

#[cfg(test)]
mod tests;
