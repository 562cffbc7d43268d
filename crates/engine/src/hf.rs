//! Hugging Face folders (signatures first).
use std::path::Path;

use crate::{EngineError, Model, tokenizer::Tokenizer};

/// Writes a model folder atomically.
pub fn save_folder(_folder: &Path, _model: &Model, _tokenizer: &Tokenizer) -> Result<(), EngineError> {
    unimplemented!()
}
/// Reads a model folder.
pub fn load_folder(_folder: &Path) -> Result<(Model, Tokenizer), EngineError> {
    unimplemented!()
}
/// Reads only the model.
pub fn load_model(_folder: &Path) -> Result<Model, EngineError> {
    unimplemented!()
}
