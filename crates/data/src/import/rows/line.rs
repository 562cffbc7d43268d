//! Files of lines.

use std::io::{self, BufRead};

use super::{BadRow, KEPT_BYTES, MAX_ROW_BYTES, Numbered, Row, Rows, decoded};

/// Reads one line without its end into `text`, keeping at most [`MAX_ROW_BYTES`]. Gives whether it was longer; `None` at the end of the
/// file.
pub(super) fn read_line(input: &mut impl BufRead, text: &mut Vec<u8>) -> io::Result<Option<bool>> {
    text.clear();
    let (mut is_longer, mut is_read) = (false, false);
    loop {
        let available = input.fill_buf()?;
        if available.is_empty() {
            break;
        }
        is_read = true;
        let end = available.iter().position(|byte| *byte == b'\n');
        let part = &available[..end.unwrap_or(available.len())];
        if text.len() + part.len() > MAX_ROW_BYTES {
            // The start is enough to say which row it was.
            is_longer = true;
            text.truncate(KEPT_BYTES);
        } else if !is_longer {
            text.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            break;
        }
    }
    if text.last() == Some(&b'\r') {
        text.pop();
    }
    Ok(is_read.then_some(is_longer))
}

/// Lines that hold something, as [`Row::Line`].
pub(crate) struct Lines<R> {
    input: R,
    comment: Option<&'static str>,
    line: u64,
    text: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// Lines that begin with `comment` are passed over.
    pub fn new(input: R, comment: Option<&'static str>) -> Lines<R> {
        Lines { input, comment, line: 0, text: Vec::new() }
    }
}

impl<R: BufRead> Rows for Lines<R> {
    fn next_row(&mut self) -> io::Result<Option<Numbered>> {
        while let Some(is_longer) = read_line(&mut self.input, &mut self.text)? {
            self.line += 1;
            let row = match decoded(&self.text) {
                _ if is_longer => Err(BadRow::too_long(&self.text, "")),
                Ok(text) if text.trim().is_empty() || self.comment.is_some_and(|mark| text.starts_with(mark)) => {
                    continue;
                }
                Ok(text) => Ok(Row::Line(text.trim().to_owned())),
                Err(bad) => Err(bad),
            };
            return Ok(Some(Numbered { line: self.line, row }));
        }
        Ok(None)
    }
}
