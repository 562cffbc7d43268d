//! What metrics read beside the two texts.

use std::path::{Path, PathBuf};

use super::{Vocabulary, WordNet};

/// Something that a metric needs beside reference and prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// What the task's verifier says about the prediction ([`Pair::judged`](super::Pair::judged)).
    Judgement,
    /// A probability beside the prediction ([`Pair::with_probability`](super::Pair::with_probability)).
    Probability,
    /// The vocabulary of a WordPiece tokenizer ([`Resources::vocabulary`]).
    Vocabulary,
    /// The files of WordNet ([`Resources::wordnet`]).
    WordNet,
}

impl Need {
    /// What has to be given, for messages.
    pub fn title(self) -> &'static str {
        match self {
            Need::Judgement => "the task's verifier",
            Need::Probability => "a column `probability`",
            Need::Vocabulary => "a WordPiece vocabulary",
            Need::WordNet => "the files of WordNet",
        }
    }
}

/// Files of others that some metrics read; none comes with this program.
#[derive(Debug, Default)]
pub struct Resources {
    pub vocabulary: Option<Vocabulary>,
    pub wordnet: Option<WordNet>,
}

impl Resources {
    /// Reads the files that are given: a `vocab.txt`, and the folder `dict` of WordNet.
    ///
    /// # Errors
    /// As [`Vocabulary::read`] and [`WordNet::read`].
    pub fn read(vocabulary: Option<&Path>, wordnet: Option<&Path>) -> Result<Self, ResourceError> {
        Ok(Resources {
            vocabulary: vocabulary.map(Vocabulary::read).transpose()?,
            wordnet: wordnet.map(WordNet::read).transpose()?,
        })
    }

    /// Whether a metric that needs this can have a value. Judgements and probabilities stand in the rows, not here.
    pub fn has(&self, need: Need) -> bool {
        match need {
            Need::Judgement | Need::Probability => false,
            Need::Vocabulary => self.vocabulary.is_some(),
            Need::WordNet => self.wordnet.is_some(),
        }
    }
}

/// Why a file of [`Resources`] cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ResourceError {
    /// The file is not there or cannot be read as text.
    #[error("cannot read {path}: {source}; {wanted}", path = path.display())]
    Read { path: PathBuf, source: std::io::Error, wanted: &'static str },
    /// The text is something else.
    #[error("{path}: {message}; {wanted}", path = path.display())]
    Content { path: PathBuf, message: String, wanted: &'static str },
}
