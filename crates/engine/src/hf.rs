//! Model folders in the layout of Hugging Face: what `transformers`, vLLM, SGLang and the llama.cpp converters read.
//!
//! | file | content |
//! |---|---|
//! | `config.json` | the family (see [`crate::Family`]), its class and its shape |
//! | `model.safetensors` | weights, fp32, one tensor for each projection |
//! | `generation_config.json` | token ids for generation |
//! | `tokenizer.json`, `tokenizer_config.json`, `chat_template.jinja` | see [`crate::tokenizer`] |
//!
//! An adapter folder holds `adapter_config.json` and `adapter_model.safetensors`, as `peft` writes and reads them.
//!
//! A folder is written beside its place under another name, flushed to disk and renamed: it is either there and whole or
//! not there. An existing folder is never overwritten.

mod adapter;
mod config;
mod tensors;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::tokenizer::{Tokenizer, TokenizerError};
use crate::{Architecture, EngineError, InferenceModel, Model, ModelConfig, Precision};

pub use adapter::{
    ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE, adapter_base, load_adapted_inference_folder, load_adapter,
    load_merged_folder, load_merged_inference_folder, save_adapter, save_adapter_with,
};
pub(crate) use tensors::Checkpoint;
pub use tensors::{read_tensors, write_tensors};

/// File names inside a model folder.
pub const CONFIG_FILE: &str = "config.json";
pub const WEIGHTS_FILE: &str = "model.safetensors";
pub const WEIGHTS_INDEX_FILE: &str = "model.safetensors.index.json";
pub const GENERATION_CONFIG_FILE: &str = "generation_config.json";

const SAVE: &str = "save model folder";
const LOAD: &str = "load model folder";

/// Writes a model folder; all or nothing.
///
/// Token ids that the configuration does not name are taken from the tokenizer.
///
/// # Errors
/// [`EngineError::Io`] when the folder exists or cannot be written, [`EngineError::Config`] when the tokenizer has more ids
/// than the model.
pub fn save_folder(folder: &Path, model: &Model, tokenizer: &Tokenizer) -> Result<(), EngineError> {
    save_folder_with(folder, model, tokenizer, |_| Ok(()))
}

/// As [`save_folder`]; `more` may write further files (for example the optimiser's state) into the folder before it gets
/// its name.
pub fn save_folder_with(
    folder: &Path,
    model: &Model,
    tokenizer: &Tokenizer,
    more: impl FnOnce(&Path) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    if tokenizer.vocab_size() > model.config.vocab_size {
        return Err(EngineError::Config {
            field: "vocab_size",
            value: model.config.vocab_size.to_string(),
            reason: format!("the tokenizer has {} ids", tokenizer.vocab_size()),
        });
    }
    write_whole_folder(folder, |partial| {
        write_files(partial, model, tokenizer)?;
        more(partial)
    })
}

/// Writes a folder under another name by `fill`, flushes it to disk and renames it.
fn write_whole_folder(folder: &Path, fill: impl FnOnce(&Path) -> Result<(), EngineError>) -> Result<(), EngineError> {
    if folder.exists() {
        let source = std::io::Error::new(std::io::ErrorKind::AlreadyExists, "already there; choose another name");
        return Err(io(SAVE, folder, source));
    }
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    std::fs::create_dir_all(&parent).map_err(|source| io(SAVE, &parent, source))?;
    let temporary = Temporary::new(&parent, folder)?;
    fill(&temporary.0)?;
    sync_tree(&temporary.0)?;
    std::fs::rename(&temporary.0, folder).map_err(|source| io(SAVE, folder, source))?;
    sync(&parent)
}

/// A folder that vanishes unless it was renamed.
struct Temporary(PathBuf);

impl Temporary {
    fn new(parent: &Path, folder: &Path) -> Result<Self, EngineError> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let path = parent.join(format!(".{name}.{}.partial", std::process::id()));
        if path.exists() {
            // Left by a process with the same number that was killed.
            std::fs::remove_dir_all(&path).map_err(|source| io(SAVE, &path, source))?;
        }
        std::fs::create_dir(&path).map_err(|source| io(SAVE, &path, source))?;
        Ok(Self(path))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After the rename there is nothing to remove; after a failure there is nobody to tell.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn write_files(folder: &Path, model: &Model, tokenizer: &Tokenizer) -> Result<(), EngineError> {
    let mut config = model.config.clone();
    config.bos_token_id = config.bos_token_id.or(tokenizer.bos());
    config.eos_token_id = config.eos_token_id.or(tokenizer.eos());
    config.pad_token_id = config.pad_token_id.or(tokenizer.pad());
    write_text(&folder.join(CONFIG_FILE), &config::to_json(&config, &model.architecture))?;
    write_text(&folder.join(GENERATION_CONFIG_FILE), &config::generation_json(&config))?;
    for (name, content) in tokenizer.files().map_err(|error| text(SAVE, &error))? {
        write_text(&folder.join(name), &content)?;
    }
    tensors::write_tensors(&folder.join(WEIGHTS_FILE), &model.weights.named_tensors(&model.config))
}

fn write_text(path: &Path, content: &str) -> Result<(), EngineError> {
    let mut file = File::create(path).map_err(|source| io(SAVE, path, source))?;
    file.write_all(content.as_bytes()).map_err(|source| io(SAVE, path, source))
}

/// Flushes every file and folder below `folder`.
fn sync_tree(folder: &Path) -> Result<(), EngineError> {
    let entries = std::fs::read_dir(folder).map_err(|source| io(SAVE, folder, source))?;
    for entry in entries {
        let path = entry.map_err(|source| io(SAVE, folder, source))?.path();
        match path.is_dir() {
            true => sync_tree(&path)?,
            false => sync(&path)?,
        }
    }
    sync(folder)
}

fn sync(path: &Path) -> Result<(), EngineError> {
    // Folders cannot be opened for flushing on every system; where they can, this makes the rename last.
    let file = match File::open(path) {
        Ok(file) => file,
        Err(_) if path.is_dir() => return Ok(()),
        Err(source) => return Err(io(SAVE, path, source)),
    };
    match file.sync_all() {
        Err(source) if !path.is_dir() => Err(io(SAVE, path, source)),
        _ => Ok(()),
    }
}

/// Reads a model folder: model and tokenizer.
///
/// # Errors
/// As [`load_model`], and [`EngineError::Text`] for the tokenizer.
pub fn load_folder(folder: &Path) -> Result<(Model, Tokenizer), EngineError> {
    let model = load_model(folder)?;
    let tokenizer = load_tokenizer(folder, &model.config)?;
    Ok((model, tokenizer))
}

/// Reads `config.json` and the weights (one file or shards with an index; fp32, bf16 or fp16) of a folder.
///
/// # Errors
/// [`EngineError::Io`] for what cannot be read, [`EngineError::Format`] that lists every setting of `config.json` that this
/// engine does not compute, [`EngineError::Config`] for a shape that cannot be built or that the weight files are far too
/// small for, [`EngineError::Checkpoint`] with the names of all missing, unknown and
/// misshapen tensors.
pub fn load_model(folder: &Path) -> Result<Model, EngineError> {
    let (config, architecture) = load_config(folder)?;
    let weights = tensors::read_weights(folder, &config, &architecture)?;
    Model::new_as(config, architecture, weights)
}

/// Reads the shape and the architecture from the `config.json` of a folder.
///
/// # Errors
/// As [`load_model`] for this file.
pub fn load_config(folder: &Path) -> Result<(ModelConfig, Architecture), EngineError> {
    let path = folder.join(CONFIG_FILE);
    let content = std::fs::read(&path).map_err(|source| io(LOAD, &path, source))?;
    let (config, architecture) = config::from_json(&path, &content)?;
    config.validate()?;
    architecture.validate(&config)?;
    Ok((config, architecture))
}

/// As [`load_config`], and compares the headers of the weight files with it: what [`load_model`] checks before it reads
/// values.
///
/// # Errors
/// As [`load_model`].
pub fn check_folder(folder: &Path) -> Result<(ModelConfig, Architecture), EngineError> {
    let (config, architecture) = load_config(folder)?;
    Checkpoint::open(folder, &config, &architecture)?;
    Ok((config, architecture))
}

/// As [`load_folder`], for generation: see [`load_inference_model`].
///
/// # Errors
/// As [`load_folder`] and [`load_inference_model`].
pub fn load_inference_folder(
    folder: &Path,
    precision: Precision,
) -> Result<(InferenceModel<'static>, Tokenizer), EngineError> {
    // The tokenizer first: its errors should not wait for gigabytes.
    let (config, _) = load_config(folder)?;
    let tokenizer = load_tokenizer(folder, &config)?;
    Ok((load_inference_model(folder, precision)?, tokenizer))
}

/// As [`load_model`], for generation: the weights go straight from the files into the layout and precision that generation
/// uses. Besides the packed weights only a few megabytes are held at a time.
///
/// # Errors
/// As [`load_model`], and [`EngineError::NotFinite`] for values that [`Precision::Int8`] cannot hold.
pub fn load_inference_model(folder: &Path, precision: Precision) -> Result<InferenceModel<'static>, EngineError> {
    let (config, architecture) = load_config(folder)?;
    let mut checkpoint = Checkpoint::open(folder, &config, &architecture)?;
    InferenceModel::read(config, architecture, precision, &mut checkpoint, None)
}

fn load_tokenizer(folder: &Path, config: &ModelConfig) -> Result<Tokenizer, EngineError> {
    let tokenizer = Tokenizer::load(folder).map_err(|error| text(LOAD, &error))?;
    if tokenizer.vocab_size() > config.vocab_size {
        return Err(EngineError::Config {
            field: "vocab_size",
            value: config.vocab_size.to_string(),
            reason: format!("the tokenizer has {} ids", tokenizer.vocab_size()),
        });
    }
    Ok(tokenizer)
}

fn io(operation: &'static str, path: &Path, source: std::io::Error) -> EngineError {
    EngineError::Io { operation, path: path.to_owned(), source }
}

fn malformed(operation: &'static str, path: &Path, reason: impl ToString) -> EngineError {
    EngineError::Format { operation, path: path.to_owned(), reason: reason.to_string() }
}

fn text(operation: &'static str, error: &TokenizerError) -> EngineError {
    EngineError::Text { operation, reason: error.to_string() }
}

#[cfg(test)]
mod tests;
