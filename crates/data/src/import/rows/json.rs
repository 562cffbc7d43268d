//! JSON objects: one a line, the elements of an array, the members of an object.

use std::io::{self, BufRead, ErrorKind};

use super::line::read_line;
use super::{BadRow, KEPT_BYTES, MAX_ROW_BYTES, Numbered, Row, Rows, object};

/// One JSON object a line; empty lines are passed over.
pub(crate) struct JsonLines<R> {
    input: R,
    line: u64,
    text: Vec<u8>,
}

impl<R: BufRead> JsonLines<R> {
    pub fn new(input: R) -> JsonLines<R> {
        JsonLines { input, line: 0, text: Vec::new() }
    }
}

impl<R: BufRead> Rows for JsonLines<R> {
    fn next_row(&mut self) -> io::Result<Option<Numbered>> {
        while let Some(is_longer) = read_line(&mut self.input, &mut self.text)? {
            self.line += 1;
            if is_longer {
                return Ok(Some(Numbered { line: self.line, row: Err(BadRow::too_long(&self.text, "")) }));
            }
            if !self.text.trim_ascii().is_empty() {
                return Ok(Some(Numbered { line: self.line, row: object(&self.text) }));
            }
        }
        Ok(None)
    }
}

/// Where a [`JsonElements`] finds its objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Document {
    /// The elements of a top-level array.
    Array,
    /// The values of a top-level object; the key goes into the field `key`.
    Members,
    /// The top-level object itself.
    Whole,
}

/// The objects of one JSON document, read element by element: a scanner finds where each ends, so that neither the length of the
/// document nor the depth of an element costs memory or stack.
pub(crate) struct JsonElements<R> {
    input: R,
    document: Document,
    line: u64,
    is_open: bool,
    is_done: bool,
}

impl<R: BufRead> JsonElements<R> {
    pub fn new(input: R, document: Document) -> JsonElements<R> {
        JsonElements { input, document, line: 1, is_open: false, is_done: false }
    }

    /// The next byte that is no blank, not consumed; `None` at the end.
    fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            let available = self.input.fill_buf()?;
            match available.first().copied() {
                Some(byte) if byte.is_ascii_whitespace() => self.consume(byte),
                other => return Ok(other),
            }
        }
    }

    fn consume(&mut self, byte: u8) {
        self.line += u64::from(byte == b'\n');
        self.input.consume(1);
    }

    /// Consumes the wanted byte, blanks before it passed over.
    fn expect(&mut self, wanted: u8) -> io::Result<()> {
        match self.peek()? {
            Some(byte) if byte == wanted => {
                self.consume(byte);
                Ok(())
            }
            found => Err(self.broken(found, char::from(wanted))),
        }
    }

    fn broken(&self, found: Option<u8>, wanted: char) -> io::Error {
        let found = found.map_or("the end of the file".to_owned(), |byte| format!("`{}`", char::from(byte)));
        io::Error::new(ErrorKind::InvalidData, format!("line {}: `{wanted}` expected, {found} found", self.line))
    }

    /// The bytes of the next value, and whether there were more than [`MAX_ROW_BYTES`].
    fn value(&mut self) -> io::Result<(Vec<u8>, bool)> {
        let (mut bytes, mut is_longer) = (Vec::new(), false);
        let (mut depth, mut in_text, mut is_escaped) = (0usize, false, false);
        self.peek()?;
        loop {
            let Some(byte) = self.input.fill_buf()?.first().copied() else {
                let message = format!("line {}: the file ends inside a JSON value", self.line);
                return Err(io::Error::new(ErrorKind::UnexpectedEof, message));
            };
            // A number or a word ends before what follows it.
            if depth == 0 && !in_text && (matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace()) {
                if bytes.is_empty() {
                    // Nothing was consumed: to go on would find the same byte again.
                    let message = format!("line {}: a JSON value expected, `{}` found", self.line, char::from(byte));
                    return Err(io::Error::new(ErrorKind::InvalidData, message));
                }
                return Ok((bytes, is_longer));
            }
            self.consume(byte);
            if bytes.len() == MAX_ROW_BYTES {
                is_longer = true;
                bytes.truncate(KEPT_BYTES);
            }
            if !is_longer {
                bytes.push(byte);
            }
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if in_text => is_escaped = true,
                b'"' => in_text = !in_text,
                b'{' | b'[' if !in_text => depth += 1,
                b'}' | b']' if !in_text => depth -= 1,
                _ => continue,
            }
            if depth == 0 && !in_text && !is_escaped {
                return Ok((bytes, is_longer));
            }
        }
    }

    /// Passes over the opening bracket or the comma before the next element; whether there is one.
    fn advance(&mut self, open: u8, close: u8) -> io::Result<bool> {
        if !self.is_open {
            self.is_open = true;
            self.expect(open)?;
            if self.peek()? != Some(close) {
                return Ok(true);
            }
        } else if self.peek()? == Some(b',') {
            self.consume(b',');
            return Ok(true);
        }
        self.expect(close)?;
        match self.peek()? {
            None => Ok(false),
            Some(byte) => {
                let message = format!("line {}: `{}` after the end of the JSON", self.line, char::from(byte));
                Err(io::Error::new(ErrorKind::InvalidData, message))
            }
        }
    }
}

impl<R: BufRead> Rows for JsonElements<R> {
    fn next_row(&mut self) -> io::Result<Option<Numbered>> {
        if self.is_done {
            return Ok(None);
        }
        let has_more = match self.document {
            Document::Array => self.advance(b'[', b']')?,
            Document::Members => self.advance(b'{', b'}')?,
            Document::Whole => self.peek()?.is_some(),
        };
        if !has_more {
            self.is_done = true;
            return Ok(None);
        }
        let mut key = None;
        if self.document == Document::Members {
            let (bytes, _) = self.value()?;
            key = serde_json::from_slice::<String>(&bytes).ok();
            self.expect(b':')?;
        }
        self.peek()?;
        let line = self.line;
        let (bytes, is_longer) = self.value()?;
        let mut row = if is_longer { Err(BadRow::too_long(&bytes, "")) } else { object(&bytes) };
        if let (Ok(Row::Object(object)), Some(key)) = (&mut row, key) {
            object.entry("key").or_insert(key.into());
        }
        Ok(Some(Numbered { line, row }))
    }
}
