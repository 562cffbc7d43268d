//! Pieces of words, as BERT's tokenizer cuts them.

use std::path::Path;

use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{AddedToken, Tokenizer};

use super::ResourceError;

/// Stands for a word without pieces; every vocabulary has it.
const UNKNOWN: &str = "[UNK]";

/// What `BertTokenizerFast` never cuts.
const SPECIAL: [&str; 5] = [UNKNOWN, "[SEP]", "[PAD]", "[CLS]", "[MASK]"];

/// What metrics of captions take out again.
const IGNORED: [&str; 3] = ["[SEP]", "[PAD]", "[CLS]"];

/// Pieces of a text that count; later ones are cut off (`text_trunc_length` of MolT5).
const LONGEST: usize = 512;

const WANTED: &str =
    "a WordPiece vocabulary is the vocab.txt of a BERT tokenizer, e.g. of allenai/scibert_scivocab_uncased";

/// A WordPiece vocabulary with BERT's rules around it: no control characters, lower case, no accents, blanks around CJK characters, cut at blanks
/// and at punctuation, then the longest pieces that the vocabulary has. As `BertTokenizerFast(do_lower_case=True)` of `transformers`.
#[derive(Debug)]
pub struct Vocabulary(Tokenizer);

impl Vocabulary {
    /// Reads a `vocab.txt`: one piece a line.
    ///
    /// # Errors
    /// When the file cannot be read as text, or has no `[UNK]`.
    pub fn read(path: &Path) -> Result<Self, ResourceError> {
        let text = std::fs::read_to_string(path).map_err(|source| ResourceError::Read {
            path: path.to_owned(),
            source,
            wanted: WANTED,
        })?;
        Vocabulary::of(&text).map_err(|message| ResourceError::Content {
            path: path.to_owned(),
            message,
            wanted: WANTED,
        })
    }

    fn of(text: &str) -> Result<Self, String> {
        let pieces = WordPiece::read_bytes(text.as_bytes()).map_err(|error| error.to_string())?;
        if !pieces.contains_key(UNKNOWN) {
            return Err(format!("there is no line {UNKNOWN}"));
        }
        let model = WordPiece::builder().vocab(pieces).build().map_err(|error| error.to_string())?;
        let mut tokenizer = Tokenizer::new(model);
        tokenizer.with_normalizer(Some(BertNormalizer::default())).with_pre_tokenizer(Some(BertPreTokenizer));
        tokenizer.add_special_tokens(&SPECIAL.map(|token| AddedToken::from(token, true)));
        Ok(Vocabulary(tokenizer))
    }

    /// The first 512 pieces of a text, without `[CLS]`, `[SEP]` and `[PAD]`.
    pub(super) fn pieces(&self, text: &str) -> Option<Vec<String>> {
        let encoded = self.0.encode(text, false).ok()?;
        let counted = encoded.get_tokens().iter().take(LONGEST);
        Some(counted.filter(|piece| !IGNORED.contains(&piece.as_str())).cloned().collect())
    }
}
