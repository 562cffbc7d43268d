//! Texts that end a sequence.

use crate::EngineError;
use crate::tokenizer::{DecodeStream, Tokenizer};

/// Texts that end a sequence when its decoded new text contains one of them, wherever its tokens begin and end.
///
/// Control tokens are no text: a string such as `<|end|>` is never found as the control token, which is a stop token.
#[derive(Debug, Clone)]
pub struct StopStrings {
    tokenizer: Tokenizer,
    strings: Vec<String>,
}

impl StopStrings {
    /// The strings, looked for in what `tokenizer` decodes. With none, text is decoded and nothing is looked for.
    ///
    /// # Errors
    /// [`EngineError::Text`] for an empty string, which every text contains.
    pub fn new(
        tokenizer: &Tokenizer,
        strings: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, EngineError> {
        let strings: Vec<String> = strings.into_iter().map(Into::into).collect();
        if let Some(number) = strings.iter().position(String::is_empty) {
            let reason = format!("stop string {number} is empty; it needs at least one character");
            return Err(EngineError::Text { operation: "generate", reason });
        }
        Ok(Self { tokenizer: tokenizer.clone(), strings })
    }

    /// The strings, in the order given.
    pub fn strings(&self) -> &[String] {
        &self.strings
    }

    /// A decoder for tokens that arrive one by one.
    pub fn stream(&self) -> StopStream<'_> {
        StopStream { strings: &self.strings, decode: self.tokenizer.stream(), held: String::new(), found: None }
    }
}

/// Turns tokens into text as they arrive, up to the first stop string, and never shows a part of one.
///
/// The text does not depend on where tokens begin and end: of several strings the one that is complete first counts, and of
/// those complete at the same character the longest.
pub struct StopStream<'s> {
    strings: &'s [String],
    decode: DecodeStream<'s>,
    /// Text that may be the start of a stop string.
    held: String,
    found: Option<usize>,
}

impl StopStream<'_> {
    /// The text that became certain with this token; nothing once a stop string was found.
    pub fn push(&mut self, token: u32) -> String {
        if self.found.is_some() {
            return String::new();
        }
        let text = self.decode.push(token);
        self.accept(&text)
    }

    /// Number of the stop string that was found.
    pub fn found(&self) -> Option<usize> {
        self.found
    }

    /// What is left at the end: held text that became no stop string, and an incomplete character as U+FFFD (which may
    /// complete one: the second value is then its number).
    pub fn finish(mut self) -> (String, Option<usize>) {
        if self.found.is_some() {
            return (String::new(), self.found);
        }
        let rest = self.decode.rest();
        let mut text = self.accept(&rest);
        text.push_str(&self.held);
        (text, self.found)
    }

    fn accept(&mut self, text: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        self.held.push_str(text);
        let matches = self.strings.iter().enumerate().filter_map(|(number, string)| {
            let start = self.held.find(string.as_str())?;
            Some((start + string.len(), start, number))
        });
        if let Some((_, start, number)) = matches.min() {
            self.found = Some(number);
            self.held.truncate(start);
            return std::mem::take(&mut self.held);
        }
        let start = self.possible_start();
        let held = self.held.split_off(start);
        std::mem::replace(&mut self.held, held)
    }

    /// Where the longest end of the held text begins that a stop string starts with.
    fn possible_start(&self) -> usize {
        let longest = self.strings.iter().map(String::len).max().unwrap_or(0);
        let earliest = (self.held.len() + 1).saturating_sub(longest);
        let starts = self.held.char_indices().map(|(start, _)| start).filter(|start| *start >= earliest);
        let possible = |start: &usize| self.strings.iter().any(|string| string.starts_with(&self.held[*start..]));
        starts.into_iter().find(possible).unwrap_or(self.held.len())
    }
}
