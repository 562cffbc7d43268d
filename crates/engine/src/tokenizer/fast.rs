//! The fast way to encode with tokenizers that [`super::Tokenizer::train`] made.
//!
//! The general pipeline of the `tokenizers` crate keeps offsets of every normalisation step; for our shape (no
//! normalizer, one splitting pattern, byte-level BPE with whole pieces in the vocabulary) the ids follow directly from
//! the pieces: look the piece up, and only merge when it is not there. The ids are the same (tested).

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use tokenizers::utils::SysRegex;
use tokenizers::{AddedToken, Model, Tokenizer};

use super::scan::Scanner;
use super::{bytes, pattern};

pub(super) struct FastEncoder {
    splitter: Splitter,
    /// Id of each added token, with whether it is a control token.
    added: HashMap<String, (u32, bool)>,
    /// Whole pieces of the vocabulary as plain text.
    whole: HashMap<Box<str>, u32>,
    ascii: [u32; 128],
}

impl FastEncoder {
    /// `None` when the tokenizer is of another shape.
    pub(super) fn for_tokenizer(backend: &Tokenizer, added: &BTreeMap<u32, AddedToken>) -> Option<Self> {
        let tokenizers::ModelWrapper::BPE(model) = backend.get_model() else {
            return None;
        };
        if backend.get_normalizer().is_some()
            || backend.get_truncation().is_some()
            || !model.ignore_merges
            || model.dropout.is_some()
            || model.byte_fallback
            || model.continuing_subword_prefix.is_some()
            || model.end_of_word_suffix.is_some()
        {
            return None;
        }
        let pattern = split_pattern(&serde_json::to_value(backend.get_pre_tokenizer()?).ok()?)?;
        let plain = |token: &AddedToken| {
            !token.single_word && !token.lstrip && !token.rstrip && !token.normalized && token.content.len() > 1
        };
        if !added.values().all(plain) {
            return None;
        }
        let splitter = Splitter::new(&pattern, added.values().map(|token| token.content.clone()).collect()).ok()?;
        let mut whole = HashMap::new();
        let mut ascii = [u32::MAX; 128];
        for (entry, id) in model.get_vocab() {
            if added.contains_key(&id) {
                continue;
            }
            let Ok(text) = String::from_utf8(bytes::from_alphabet(&entry)) else {
                continue;
            };
            if let [byte @ 0..=127] = text.as_bytes() {
                ascii[usize::from(*byte)] = id;
            }
            whole.insert(text.into_boxed_str(), id);
        }
        if ascii.contains(&u32::MAX) {
            return None;
        }
        Some(Self {
            splitter,
            added: added.iter().map(|(id, token)| (token.content.clone(), (*id, token.special))).collect(),
            whole,
            ascii,
        })
    }

    /// The ids of `text`; `control` says whether control tokens in it are recognised.
    pub(super) fn encode(&self, backend: &Tokenizer, text: &str, control: bool) -> Vec<u32> {
        let mut ids = Vec::with_capacity(text.len() / 3 + 8);
        let recognised =
            |token: &str| self.added.get(token).filter(|(_, special)| control || !special).map(|(id, _)| *id);
        self.splitter.pieces(
            text,
            |token| recognised(token).is_some(),
            |piece| match piece {
                Piece::Added(token) => ids.extend(recognised(token)),
                Piece::Text(piece) => self.encode_piece(backend, piece, &mut ids),
            },
        );
        ids
    }

    fn encode_piece(&self, backend: &Tokenizer, piece: &str, ids: &mut Vec<u32>) {
        if let [byte @ 0..=127] = piece.as_bytes() {
            ids.push(self.ascii[usize::from(*byte)]);
        } else if let Some(id) = self.whole.get(piece) {
            ids.push(*id);
        } else if let Ok(tokens) = backend.get_model().tokenize(&bytes::to_alphabet(piece)) {
            ids.extend(tokens.iter().map(|token| token.id));
        }
    }
}

/// The pattern of `Sequence[Split(Regex, Isolated), ByteLevel(no regex, no prefix space)]`, else `None`.
fn split_pattern(pre_tokenizer: &Value) -> Option<String> {
    let steps = pre_tokenizer["pretokenizers"].as_array()?;
    let [split, byte_level] = steps.as_slice() else {
        return None;
    };
    let ours = pre_tokenizer["type"] == "Sequence"
        && split["type"] == "Split"
        && split["behavior"] == "Isolated"
        && split["invert"] == false
        && byte_level["type"] == "ByteLevel"
        && byte_level["add_prefix_space"] == false
        && byte_level["use_regex"] == false;
    ours.then(|| split["pattern"]["Regex"].as_str().map(str::to_owned))?
}

/// A part of a text: an added token, or a piece of the pattern.
pub(super) enum Piece<'t> {
    Added(&'t str),
    Text(&'t str),
}

/// How pieces are found: by hand for our own pattern, else by the regular expression.
enum Search {
    Scanner(Box<Scanner>),
    Pattern(SysRegex),
}

/// Cuts texts at added tokens and then by the pattern.
pub(super) struct Splitter {
    search: Search,
    /// Longest first, as the added-token search of the `tokenizers` crate takes the longest.
    added: Vec<String>,
    first_bytes: [bool; 256],
}

impl Splitter {
    pub(super) fn new(pattern: &str, mut added: Vec<String>) -> Result<Self, String> {
        let search = match pattern::terms_of(pattern) {
            Some(terms) => Search::Scanner(Box::new(Scanner::new(&terms))),
            None => Search::Pattern(SysRegex::new(pattern).map_err(|error| error.to_string())?),
        };
        added.sort_by(|left, right| right.len().cmp(&left.len()).then(left.cmp(right)));
        let mut first_bytes = [false; 256];
        for token in &added {
            if let Some(byte) = token.bytes().next() {
                first_bytes[usize::from(byte)] = true;
            }
        }
        Ok(Self { search, added, first_bytes })
    }

    /// Calls `emit` for each part in order; `recognised` says which added tokens count.
    pub(super) fn pieces<'t>(&self, text: &'t str, recognised: impl Fn(&str) -> bool, mut emit: impl FnMut(Piece<'t>)) {
        let mut start = 0;
        let mut position = 0;
        let content = text.as_bytes();
        while position < content.len() {
            if self.first_bytes[usize::from(content[position])] {
                let rest = &content[position..];
                let token = self.added.iter().find(|token| rest.starts_with(token.as_bytes()) && recognised(token));
                if let Some(token) = token {
                    self.split(&text[start..position], &mut emit);
                    let end = position + token.len();
                    emit(Piece::Added(&text[position..end]));
                    start = end;
                    position = end;
                    continue;
                }
            }
            position += 1;
        }
        self.split(&text[start..], &mut emit);
    }

    fn split<'t>(&self, text: &'t str, emit: &mut impl FnMut(Piece<'t>)) {
        let regex = match &self.search {
            Search::Scanner(scanner) => return scanner.split(text, |piece| emit(Piece::Text(piece))),
            Search::Pattern(regex) => regex,
        };
        let mut previous = 0;
        for (start, end) in regex.find_iter(text) {
            if previous < start {
                emit(Piece::Text(&text[previous..start]));
            }
            if start < end {
                emit(Piece::Text(&text[start..end]));
            }
            previous = end;
        }
        if previous < text.len() {
            emit(Piece::Text(&text[previous..]));
        }
    }
}
