//! Where the records of a table begin and end.
//!
//! A field in quotes may hold line ends. One whose quote is never closed would make the rest of the file one record: only the line with
//! the open quote is given up then, and reading goes on behind it. What was read ahead is held for that, little more than
//! [`MAX_ROW_BYTES`].
//!
//! No text is read more than twice. Where an open quote was looked through, quotes stand in pairs, and a line with pairs alone opens
//! no field that goes on in the next one: reading it again looks no further than its end.

use std::io::{self, BufRead};

use super::{KEPT_BYTES, MAX_ROW_BYTES};

/// Where a reader of a record is; the states of `csv-core`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    FieldStart,
    Field,
    Quoted,
    /// Behind a quote within quotes: the end of the field, or the first half of a quote that is text.
    QuoteInQuoted,
    /// Behind the end of a field in quotes, where only blanks followed.
    Blank,
    End,
}

/// Why a quote counts as never closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unclosed {
    /// The file ends.
    File,
    /// A row may not be so long.
    Length,
    /// The next quote, on this line, stands in the midst of a text: it opens or closes something else.
    Other { line: u64 },
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Whole,
    /// More than [`MAX_ROW_BYTES`]; its start is kept.
    TooLong,
    Unclosed(Unclosed),
}

/// A text between two records' ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Line on which it begins, from 1.
    pub line: u64,
    /// As it stands in the file, without the line end behind it.
    pub raw: Vec<u8>,
    pub outcome: Outcome,
}

/// Reads records in order.
pub(super) struct Records<R> {
    input: R,
    delimiter: u8,
    /// Whether quotes mean something.
    is_quoted: bool,
    /// Line of the next record.
    line: u64,
    /// What was read of the input and not given out, behind `start`.
    held: Vec<u8>,
    start: usize,
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn line_ends(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

impl<R: BufRead> Records<R> {
    pub fn new(input: R, delimiter: u8, is_quoted: bool) -> Records<R> {
        Records { input, delimiter, is_quoted, line: 1, held: Vec::new(), start: 0 }
    }

    fn step(&self, state: State, byte: u8) -> State {
        match (state, byte) {
            (State::Quoted, b'"') => State::QuoteInQuoted,
            (State::Quoted, _) | (State::QuoteInQuoted, b'"') => State::Quoted,
            (_, byte) if byte == self.delimiter => State::FieldStart,
            (_, b'\n' | b'\r') => State::End,
            (State::QuoteInQuoted | State::Blank, b' ') => State::Blank,
            (State::FieldStart, b'"') if self.is_quoted => State::Quoted,
            _ => State::Field,
        }
    }

    /// Reads on; whether there was something.
    fn fill(&mut self) -> io::Result<bool> {
        let available = self.input.fill_buf()?;
        let read = available.len();
        // What was given out goes when it is the larger part, so that little is moved.
        if self.start * 2 >= self.held.len() {
            self.held.drain(..self.start);
            self.start = 0;
        }
        self.held.extend_from_slice(available);
        self.input.consume(read);
        Ok(read > 0)
    }

    /// Passes over `length` bytes.
    fn pass(&mut self, length: usize) {
        let end = (self.start + length).min(self.held.len());
        self.line += line_ends(&self.held[self.start..end]);
        self.start = end;
    }

    /// Gives out the next `length` bytes without the line end behind them.
    fn take(&mut self, length: usize, outcome: Outcome) -> Record {
        let end = (self.start + length).min(self.held.len());
        let taken = &self.held[self.start..end];
        let content = taken.strip_suffix(b"\n").unwrap_or(taken);
        let raw = content.strip_suffix(b"\r").unwrap_or(content).to_vec();
        let record = Record { line: self.line, raw, outcome };
        self.pass(length);
        record
    }

    /// The next record that is no empty line.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub fn next(&mut self) -> io::Result<Option<Record>> {
        loop {
            let blanks = self.held[self.start..].iter().take_while(|byte| is_line_end(**byte)).count();
            self.pass(blanks);
            if self.start < self.held.len() {
                break;
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
        let (mut state, mut at) = (State::FieldStart, 0);
        // Behind the line end that the quote which is open crossed first.
        let mut crossed: Option<usize> = None;
        loop {
            let ahead = self.held.len() - self.start;
            if at > MAX_ROW_BYTES {
                return Ok(Some(match crossed.filter(|_| matches!(state, State::Quoted | State::QuoteInQuoted)) {
                    Some(resume) => self.take(resume, Outcome::Unclosed(Unclosed::Length)),
                    None => self.too_long(state, at)?,
                }));
            }
            if at >= ahead {
                if self.fill()? {
                    continue;
                }
                return Ok(Some(match state {
                    State::Quoted => self.take(crossed.unwrap_or(at), Outcome::Unclosed(Unclosed::File)),
                    _ => self.take(at, Outcome::Whole),
                }));
            }
            // A line end may follow.
            let (from, to) = (self.start + at, self.start + ahead.min(MAX_ROW_BYTES + 1));
            for place in from..to {
                let byte = self.held[place];
                let before = state;
                state = self.step(state, byte);
                at = place - self.start + 1;
                match (before, state) {
                    (_, State::End) => return Ok(Some(self.take(at, Outcome::Whole))),
                    (State::FieldStart, State::Quoted) => crossed = None,
                    (State::Quoted, State::Quoted) if is_line_end(byte) && crossed.is_none() => {
                        crossed = Some(at);
                    }
                    (State::QuoteInQuoted | State::Blank, State::Field) if crossed.is_some() => {
                        let line = self.line + line_ends(&self.held[self.start..place]);
                        let why = Unclosed::Other { line };
                        return Ok(Some(self.take(crossed.unwrap_or(at), Outcome::Unclosed(why))));
                    }
                    _ => {}
                }
            }
        }
    }

    /// Passes over the rest of a record that is too long: to the end of its line where it stands in quotes.
    fn too_long(&mut self, mut state: State, at: usize) -> io::Result<Record> {
        let kept = self.held[self.start..].iter().take(KEPT_BYTES).copied().collect();
        let record = Record { line: self.line, raw: kept, outcome: Outcome::TooLong };
        self.pass(at);
        loop {
            for place in self.start..self.held.len() {
                let byte = self.held[place];
                state = self.step(state, byte);
                if state == State::End || (state == State::Quoted && is_line_end(byte)) {
                    self.pass(place + 1 - self.start);
                    return Ok(record);
                }
            }
            self.pass(self.held.len() - self.start);
            if !self.fill()? {
                return Ok(record);
            }
        }
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
