//! Synonyms out of WordNet's files.
//!
//! The format is that of the manual page wndb(5WN) of WordNet 3.0; base forms are found as `nltk.corpus.wordnet` (nltk 3.10.4) finds them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::ResourceError;

const WANTED: &str = "WordNet's folder `dict` holds index.*, data.* and *.exc for noun, verb, adj and adv; scores are comparable with version 3.0 only";

type Endings = &'static [(&'static str, &'static str)];

/// Endings of inflected words and those of base forms.
const PARTS_OF_SPEECH: [(&str, Endings); 4] = [
    (
        "noun",
        &[
            ("s", ""),
            ("ses", "s"),
            ("ves", "f"),
            ("xes", "x"),
            ("zes", "z"),
            ("ches", "ch"),
            ("shes", "sh"),
            ("men", "man"),
            ("ies", "y"),
        ],
    ),
    ("verb", &[("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", "")]),
    ("adj", &[("er", ""), ("est", ""), ("er", "e"), ("est", "e")]),
    ("adv", &[]),
];

/// WordNet's words and which of them mean the same.
#[derive(Debug)]
pub struct WordNet {
    parts: Vec<PartOfSpeech>,
}

#[derive(Debug)]
struct PartOfSpeech {
    endings: Endings,
    /// Base forms and the offsets of their synsets.
    lemmas: HashMap<String, Vec<u32>>,
    /// Irregular forms and their base forms.
    exceptions: HashMap<String, Vec<String>>,
    /// The single words of each synset, by its offset.
    synsets: HashMap<u32, Vec<String>>,
}

impl WordNet {
    /// Reads the twelve files of the folder `dict`.
    ///
    /// # Errors
    /// When one cannot be read, a line has another form, or an index names a synset that the data file lacks; with the line.
    pub fn read(folder: &Path) -> Result<Self, ResourceError> {
        let part = |(name, endings): &(&str, Endings)| PartOfSpeech::read(folder, name, endings);
        Ok(WordNet { parts: PARTS_OF_SPEECH.iter().map(part).collect::<Result<_, _>>()? })
    }

    /// The single words that share a synset with the word or one of its base forms, as WordNet writes them; some may come twice.
    pub(super) fn synonyms(&self, word: &str) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(move |part| {
            let forms = part.base_forms(word);
            let offsets = forms.into_iter().flat_map(|form| part.lemmas.get(&form).into_iter().flatten());
            offsets.flat_map(|offset| part.synsets.get(offset).into_iter().flatten()).map(String::as_str)
        })
    }
}

impl PartOfSpeech {
    fn read(folder: &Path, name: &str, endings: Endings) -> Result<Self, ResourceError> {
        let synsets: HashMap<u32, Vec<String>> =
            lines(folder.join(format!("data.{name}")), synset)?.into_iter().collect();
        let lemmas = lines(folder.join(format!("index.{name}")), |line| {
            let (lemma, offsets) = indexed(line)?;
            offsets.iter().all(|offset| synsets.contains_key(offset)).then_some((lemma, offsets))
        })?;
        let exceptions = lines(folder.join(format!("{name}.exc")), |line| {
            let mut forms = line.split_whitespace().map(str::to_owned);
            Some((forms.next()?, forms.collect()))
        })?;
        let (lemmas, exceptions) = (lemmas.into_iter().collect(), exceptions.into_iter().collect());
        Ok(PartOfSpeech { endings, lemmas, exceptions, synsets })
    }

    /// The word, and what it may be a form of: by the list of exceptions, or else by its endings.
    fn base_forms(&self, word: &str) -> Vec<String> {
        let mut forms = vec![word.to_owned()];
        match self.exceptions.get(word) {
            Some(bases) => forms.extend(bases.iter().cloned()),
            None => forms
                .extend(self.endings.iter().filter_map(|(old, new)| Some(format!("{}{new}", word.strip_suffix(old)?)))),
        }
        forms
    }
}

/// The parsed lines of a file, without the licence at its head, whose lines begin with blanks.
fn lines<T>(path: PathBuf, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, ResourceError> {
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(ResourceError::Read { path, source, wanted: WANTED }),
    };
    let mut parsed = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with(' ') && !line.is_empty()) {
        let Some(found) = parse(line) else {
            let message = format!("line {} is none of WordNet's, or names what another file lacks", index + 1);
            return Err(ResourceError::Content { path, message, wanted: WANTED });
        };
        parsed.push(found);
    }
    Ok(parsed)
}

/// A line of a data file: `offset file type count {word id} ...`, the count in hexadecimal digits.
fn synset(line: &str) -> Option<(u32, Vec<String>)> {
    let mut fields = line.split_whitespace();
    let offset = fields.next()?.parse().ok()?;
    let count = usize::from_str_radix(fields.nth(2)?, 16).ok()?;
    let mut words = Vec::new();
    for _ in 0..count {
        let word = without_marker(fields.next()?);
        fields.next()?;
        if !word.contains('_') {
            words.push(word.to_owned());
        }
    }
    Some((offset, words))
}

/// An adjective without the mark of its place, as `(p)`.
fn without_marker(word: &str) -> &str {
    let open = word.strip_suffix(')').and_then(|inside| inside.rfind(['(', ')']));
    open.filter(|open| word[*open..].starts_with('(')).map_or(word, |open| &word[..open])
}

/// A line of an index file: `lemma type synsets pointers {pointer} senses tagged {offset}`.
fn indexed(line: &str) -> Option<(String, Vec<u32>)> {
    let mut fields = line.split_whitespace();
    let lemma = fields.next()?.to_owned();
    let synsets: usize = fields.nth(1)?.parse().ok()?;
    let pointers: usize = fields.next()?.parse().ok()?;
    let offsets: Vec<u32> =
        fields.skip(pointers.checked_add(2)?).map(|offset| offset.parse().ok()).collect::<Option<_>>()?;
    (offsets.len() == synsets).then_some((lemma, offsets))
}
