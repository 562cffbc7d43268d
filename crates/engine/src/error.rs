//! Typed errors of the engine: every variant names the operation and what did not fit.

use std::path::PathBuf;

/// What went wrong, where, and with which shapes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A field of [`crate::ModelConfig`] cannot be used.
    #[error("model configuration: {field} = {value}: {reason}")]
    Config {
        /// Name of the field, as in `config.json`.
        field: &'static str,
        /// The value found.
        value: String,
        /// Why it is refused and what would be accepted.
        reason: String,
    },
    /// A tensor does not have the shape that the operation needs.
    #[error("{operation}: {tensor} has shape {found:?}, expected {expected:?}")]
    Shape {
        /// Operation that refused the tensor.
        operation: &'static str,
        /// Name of the tensor.
        tensor: String,
        /// Shape needed.
        expected: Vec<usize>,
        /// Shape found.
        found: Vec<usize>,
    },
    /// A token id lies outside the vocabulary.
    #[error(
        "{operation}: token {token} at position {position} is outside the vocabulary of {vocab_size}"
    )]
    Token {
        /// Operation that refused the token.
        operation: &'static str,
        /// The id.
        token: u32,
        /// Its index in the packed batch or prompt.
        position: usize,
        /// Size of the vocabulary.
        vocab_size: usize,
    },
    /// A batch is inconsistent (lengths, offsets, weights) or too long for the model.
    #[error("{operation}: {reason}")]
    Batch {
        /// Operation that refused the batch.
        operation: &'static str,
        /// What does not fit.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{operation}: {}: {source}", path.display())]
    Io {
        /// What was being done.
        operation: &'static str,
        /// File or folder.
        path: PathBuf,
        /// Reason given by the system.
        #[source]
        source: std::io::Error,
    },
    /// A file was read but its content cannot be used.
    #[error("{operation}: {}: {reason}", path.display())]
    Format {
        /// What was being done.
        operation: &'static str,
        /// File.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The tokenizer or the chat template refused its input.
    #[error("{operation}: {reason}")]
    Text {
        /// What was being done.
        operation: &'static str,
        /// What does not fit.
        reason: String,
    },
}

impl EngineError {
    pub(crate) fn batch(operation: &'static str, reason: impl Into<String>) -> Self {
        Self::Batch {
            operation,
            reason: reason.into(),
        }
    }

    pub(crate) fn shape(
        operation: &'static str,
        tensor: impl Into<String>,
        expected: &[usize],
        found: &[usize],
    ) -> Self {
        Self::Shape {
            operation,
            tensor: tensor.into(),
            expected: expected.to_vec(),
            found: found.to_vec(),
        }
    }
}
