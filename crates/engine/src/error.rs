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
    #[error("{operation}: token {token} at position {position} is outside the vocabulary of {vocab_size}")]
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
    /// The tensors of a model folder are not those of its configuration.
    #[error("{}: {}", path.display(), list_problems(missing, unsupported, misshapen))]
    Checkpoint {
        /// Folder or file.
        path: PathBuf,
        /// Names of tensors that are not there.
        missing: Vec<String>,
        /// Tensors of a number type or role that the engine does not have, with the reason.
        unsupported: Vec<String>,
        /// Tensors whose shape does not fit, with both shapes.
        misshapen: Vec<String>,
    },
    /// A computation gave NaN or infinity.
    #[error("{operation}: {what} are not finite; the weights may have diverged")]
    NotFinite {
        /// What was being done.
        operation: &'static str,
        /// Which values.
        what: String,
    },
}

fn list_problems(missing: &[String], unsupported: &[String], misshapen: &[String]) -> String {
    const SHOWN: usize = 6;
    let kinds = [("missing", missing), ("unsupported", unsupported), ("misshapen", misshapen)];
    let mut parts = Vec::new();
    for (kind, names) in kinds.into_iter().filter(|(_, names)| !names.is_empty()) {
        let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        let more = names.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        parts.push(format!("{} {kind} tensor(s): {shown}{more}", names.len()));
    }
    parts.join("; ")
}

impl EngineError {
    pub(crate) fn batch(operation: &'static str, reason: impl Into<String>) -> Self {
        Self::Batch { operation, reason: reason.into() }
    }

    pub(crate) fn shape(
        operation: &'static str,
        tensor: impl Into<String>,
        expected: &[usize],
        found: &[usize],
    ) -> Self {
        Self::Shape { operation, tensor: tensor.into(), expected: expected.to_vec(), found: found.to_vec() }
    }
}
