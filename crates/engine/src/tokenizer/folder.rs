//! A tokenizer's files in a model folder.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    CHAT_TEMPLATE_FILE, LEGACY_SPECIAL_TOKENS_FILE, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE, Tokenizer, TokenizerError,
};
use crate::chat::ChatVariables;

impl Tokenizer {
    /// Reads `tokenizer.json`, and when they exist `tokenizer_config.json` and `chat_template.jinja`, from a folder.
    ///
    /// The chat template is, as in `transformers`, that of `chat_template.jinja`, else the one inside
    /// `tokenizer_config.json`: a text, or several by name of which `default` is taken.
    ///
    /// # Errors
    /// [`TokenizerError::Read`] and [`TokenizerError::Invalid`] with the file, [`TokenizerError::NoDefaultChatTemplate`] when
    /// none of several templates can be chosen, [`TokenizerError::Chat`] for a template that is no Jinja.
    pub fn load(folder: &Path) -> Result<Self, TokenizerError> {
        let path = folder.join(TOKENIZER_FILE);
        let content = read(&path)?;
        let backend = tokenizers::Tokenizer::from_bytes(&content)
            .map_err(|error| TokenizerError::Invalid { path, message: error.to_string() })?;
        let mut config = read_json(&folder.join(TOKENIZER_CONFIG_FILE))?.unwrap_or_else(|| json!({}));
        add_legacy_tokens(&mut config, folder)?;
        let path = folder.join(CHAT_TEMPLATE_FILE);
        let template = match path.exists() {
            true => Some(
                String::from_utf8(read(&path)?)
                    .map_err(|error| TokenizerError::Invalid { path, message: error.to_string() })?,
            ),
            false => template_of(&config, folder)?,
        };
        Self::assemble(backend, config, template)
    }

    /// Writes `tokenizer.json`, `tokenizer_config.json` and `chat_template.jinja` into an existing folder.
    ///
    /// # Errors
    /// [`TokenizerError::Write`] with the file.
    pub fn save(&self, folder: &Path) -> Result<(), TokenizerError> {
        for (name, content) in self.files()? {
            let path = folder.join(name);
            std::fs::write(&path, content).map_err(|source| TokenizerError::Write { path, source })?;
        }
        Ok(())
    }

    /// The files of [`save`](Self::save): name and content.
    ///
    /// # Errors
    /// [`TokenizerError::Backend`] when the tokenizer cannot be written as JSON.
    pub fn files(&self) -> Result<Vec<(&'static str, String)>, TokenizerError> {
        let mut tokenizer = self.inner.backend.to_string(true).map_err(TokenizerError::backend)?;
        tokenizer.push('\n');
        let mut config = serde_json::to_string_pretty(&self.inner.config).map_err(TokenizerError::backend)?;
        config.push('\n');
        let mut files = vec![(TOKENIZER_FILE, tokenizer), (TOKENIZER_CONFIG_FILE, config)];
        if let Some(chat) = &self.inner.chat {
            files.push((CHAT_TEMPLATE_FILE, chat.source().to_owned()));
        }
        Ok(files)
    }
}

/// The template inside `tokenizer_config.json`.
fn template_of(config: &Value, folder: &Path) -> Result<Option<String>, TokenizerError> {
    let named: Vec<(&str, &str)> = match &config["chat_template"] {
        Value::String(template) => return Ok(Some(template.clone())),
        Value::Array(entries) => {
            entries.iter().filter_map(|entry| Some((entry["name"].as_str()?, entry["template"].as_str()?))).collect()
        }
        Value::Object(entries) => {
            entries.iter().filter_map(|(name, entry)| Some((name.as_str(), entry.as_str()?))).collect()
        }
        _ => return Ok(None),
    };
    if let Some((_, template)) = named.iter().find(|(name, _)| *name == "default") {
        return Ok(Some((*template).to_owned()));
    }
    let names = named.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    Err(TokenizerError::NoDefaultChatTemplate { path: folder.join(TOKENIZER_CONFIG_FILE), names })
}

/// Special tokens by name, as templates see them: every `*_token` and those of `extra_special_tokens` that have names.
pub(super) fn special_tokens(config: &Value) -> ChatVariables {
    let mut tokens = ChatVariables::new();
    let mut add = |name: &str, value: &Value| {
        if let Some(text) = value.as_str().or_else(|| value["content"].as_str()) {
            tokens.insert(name.to_owned(), json!(text));
        }
    };
    for (name, value) in config.as_object().into_iter().flatten().filter(|(name, _)| name.ends_with("_token")) {
        add(name, value);
    }
    for key in ["extra_special_tokens", "model_specific_special_tokens"] {
        for (name, value) in config[key].as_object().into_iter().flatten() {
            add(name, value);
        }
    }
    tokens
}

/// Folders of older versions name their special tokens in a file of their own; it counts where `tokenizer_config.json` does
/// not describe its tokens.
fn add_legacy_tokens(config: &mut Value, folder: &Path) -> Result<(), TokenizerError> {
    if config.get("added_tokens_decoder").is_some() {
        return Ok(());
    }
    let legacy = read_json(&folder.join(LEGACY_SPECIAL_TOKENS_FILE))?;
    for (name, value) in legacy.iter().filter_map(Value::as_object).flatten() {
        if name.ends_with("_token") && config.is_object() {
            config[name.as_str()] = value.clone();
        }
    }
    Ok(())
}

/// The content of a JSON file; `None` when there is no such file.
fn read_json(path: &Path) -> Result<Option<Value>, TokenizerError> {
    if !path.exists() {
        return Ok(None);
    }
    let invalid = |error: serde_json::Error| TokenizerError::Invalid { path: path.into(), message: error.to_string() };
    serde_json::from_slice(&read(path)?).map(Some).map_err(invalid)
}

fn read(path: &Path) -> Result<Vec<u8>, TokenizerError> {
    std::fs::read(path).map_err(|source| TokenizerError::Read { path: path.to_owned(), source })
}
