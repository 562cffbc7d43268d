//! Text to token ids and back.
//!
//! A [`Tokenizer`] is a byte-level BPE tokenizer in the format of Hugging Face (`tokenizer.json`), so that Python gives
//! the same ids. [`Tokenizer::train`] makes one for text with SMILES (see [`pattern`]); [`Tokenizer::load`] also reads
//! tokenizers of other models.
//!
//! Two ways in, two ways out:
//!
//! | | markers such as `<\|end\|>` in the text | |
//! |---|---|---|
//! | [`encode`](Tokenizer::encode) | become control tokens | rendered chats; as Python does |
//! | [`encode_text`](Tokenizer::encode_text) | stay ordinary characters | text of users, data |
//! | [`decode`](Tokenizer::decode) | control tokens are dropped | answers |
//! | [`decode_all`](Tokenizer::decode_all) | control tokens are written out | inspection |
//!
//! For every text `decode(encode_text(text)) == text` and `decode_all(encode(text)) == text`, byte for byte.

pub mod bytes;
mod fast;
mod folder;
pub mod pattern;
mod scan;
mod training;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::chat::{CHAT_TEMPLATE, ChatError, ChatMessage, ChatTemplate, ChatVariables};
use fast::FastEncoder;

/// First token of every chat.
pub const BOS: &str = "<|bos|>";
/// Starts a user message.
pub const USER: &str = "<|user|>";
/// Starts an assistant message.
pub const ASSISTANT: &str = "<|assistant|>";
/// Ends an assistant message: the stop token.
pub const END: &str = "<|end|>";
/// Fills unused places.
pub const PAD: &str = "<|pad|>";
/// The control tokens, in the order of their ids (0..).
pub const CONTROL_TOKENS: [&str; 5] = [PAD, BOS, END, USER, ASSISTANT];
/// Tags of the answer grammar: one token each, but ordinary text (decoding keeps them).
pub const TAG_TOKENS: [&str; 4] = ["<think>", "</think>", "<answer>", "</answer>"];

/// File names inside a model folder.
pub const TOKENIZER_FILE: &str = "tokenizer.json";
pub const TOKENIZER_CONFIG_FILE: &str = "tokenizer_config.json";
pub const CHAT_TEMPLATE_FILE: &str = "chat_template.jinja";
/// Where older folders name their special tokens.
pub const LEGACY_SPECIAL_TOKENS_FILE: &str = "special_tokens_map.json";

/// What can go wrong with a tokenizer.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot write {path}: {source}")]
    Write { path: PathBuf, source: std::io::Error },
    #[error("{path} is not valid: {message}")]
    Invalid { path: PathBuf, message: String },
    #[error("the splitting pattern is not a valid regular expression: {message}")]
    Pattern { message: String },
    #[error(
        "vocab_size {vocab_size} is too small: at least {needed} are needed for control tokens, tags and single bytes"
    )]
    VocabularyTooSmall { vocab_size: usize, needed: usize },
    #[error(
        "no chat template: the folder has neither chat_template.jinja nor a chat_template in tokenizer_config.json"
    )]
    NoChatTemplate,
    #[error("{path}: several chat templates and none is named `default`; there are: {names}")]
    NoDefaultChatTemplate { path: PathBuf, names: String },
    #[error("a message holds the control token {token}; ordinary text may not")]
    ControlTokenInMessage { token: String },
    #[error(transparent)]
    Chat(#[from] ChatError),
    #[error("tokenizer: {message}")]
    Backend { message: String },
}

impl TokenizerError {
    fn backend(error: impl std::fmt::Display) -> Self {
        Self::Backend { message: error.to_string() }
    }
}

/// How to train a tokenizer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenizerTraining {
    /// Upper bound of the vocabulary, control tokens and the 256 bytes included. Fewer tokens result when nothing else
    /// occurs `min_frequency` times.
    pub vocab_size: usize,
    /// A piece or pair must occur this often to become a token.
    pub min_frequency: u64,
    /// Words or phrases that never join a prose run: names of functional groups, reactions, verdicts.
    pub terms: Vec<String>,
    /// The splitting pattern; `None` is [`pattern::chemistry_pattern`] with `terms`.
    pub pattern: Option<String>,
    /// Written to `tokenizer_config.json` as `model_max_length`.
    pub max_length: usize,
}

impl Default for TokenizerTraining {
    fn default() -> Self {
        Self { vocab_size: 2048, min_frequency: 10, terms: Vec::new(), pattern: None, max_length: 2048 }
    }
}

/// A tokenizer; cheap to clone, usable from many threads.
#[derive(Clone)]
pub struct Tokenizer {
    inner: Arc<Inner>,
}

struct Inner {
    backend: tokenizers::Tokenizer,
    /// The same, but control tokens in the text are not recognised.
    plain: tokenizers::Tokenizer,
    /// Bytes of each id when the decoder is byte-level, else `None`.
    bytes: Option<Vec<Vec<u8>>>,
    control: Vec<bool>,
    control_texts: Vec<String>,
    fast: Option<FastEncoder>,
    vocab_size: usize,
    config: Value,
    chat: Option<ChatTemplate>,
    /// Special tokens by the names that templates know them under (`bos_token`).
    special: ChatVariables,
    bos: Option<(String, u32)>,
    eos: Option<(String, u32)>,
    pad: Option<(String, u32)>,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Tokenizer")
            .field("vocab_size", &self.vocab_size())
            .field("fast", &self.inner.fast.is_some())
            .finish_non_exhaustive()
    }
}

impl Tokenizer {
    /// Trains a tokenizer. The same texts (in any order, on any number of threads) give the same tokenizer.
    ///
    /// The vocabulary holds, in this order: control tokens, tags, the 256 bytes, whole pieces (a piece of the pattern
    /// that is frequent becomes one token directly, without tokens for its parts; `ignore_merges` in `tokenizer.json`),
    /// and byte-pair merges learned on the remaining pieces.
    pub fn train<S: AsRef<str> + Send + Sync>(
        texts: impl IntoIterator<Item = S>,
        training: &TokenizerTraining,
    ) -> Result<Self, TokenizerError> {
        let backend = training::train(texts, training)?;
        let config = json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": BOS,
            "eos_token": END,
            "pad_token": PAD,
            "extra_special_tokens": [USER, ASSISTANT],
            "add_bos_token": false,
            "add_eos_token": false,
            "clean_up_tokenization_spaces": false,
            "padding_side": "left",
            "model_max_length": training.max_length,
            "model_input_names": ["input_ids", "attention_mask"],
        });
        Self::assemble(backend, config, Some(CHAT_TEMPLATE.to_owned()))
    }

    fn assemble(
        backend: tokenizers::Tokenizer,
        config: Value,
        template: Option<String>,
    ) -> Result<Self, TokenizerError> {
        let vocab_size = backend.get_vocab(true).into_values().max().map_or(0, |id| id as usize + 1);
        let added: BTreeMap<u32, tokenizers::AddedToken> = backend.get_added_tokens_decoder().into_iter().collect();
        let byte_level = matches!(backend.get_decoder(), Some(tokenizers::DecoderWrapper::ByteLevel(_)));
        let bytes = byte_level.then(|| {
            (0..vocab_size as u32)
                .map(|id| match added.get(&id) {
                    Some(token) => token.content.as_bytes().to_vec(),
                    None => backend.id_to_token(id).map(|entry| bytes::from_alphabet(&entry)).unwrap_or_default(),
                })
                .collect()
        });
        let mut control = vec![false; vocab_size];
        let mut control_texts = Vec::new();
        for (id, token) in &added {
            if token.special {
                control[*id as usize] = true;
                control_texts.push(token.content.clone());
            }
        }
        let mut plain = backend.clone();
        plain.set_encode_special_tokens(true);
        let named = |key: &str| {
            let value = &config[key];
            let text = value.as_str().or_else(|| value["content"].as_str())?;
            Some((text.to_owned(), backend.token_to_id(text)?))
        };
        let (bos, eos, pad) = (named("bos_token"), named("eos_token"), named("pad_token"));
        let fast = FastEncoder::for_tokenizer(&backend, &added);
        let chat = template.map(ChatTemplate::new).transpose()?;
        let special = folder::special_tokens(&config);
        Ok(Self {
            inner: Arc::new(Inner {
                backend,
                plain,
                bytes,
                control,
                control_texts,
                fast,
                vocab_size,
                config,
                chat,
                special,
                bos,
                eos,
                pad,
            }),
        })
    }

    /// Number of ids: one more than the largest.
    pub fn vocab_size(&self) -> usize {
        self.inner.vocab_size
    }

    /// The id of a token as written in `tokenizer.json` (control tokens and tags as they look).
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.inner.backend.token_to_id(token)
    }

    /// The id of a control token, for example [`END`].
    pub fn bos(&self) -> Option<u32> {
        self.inner.bos.as_ref().map(|(_, id)| *id)
    }

    /// The id that ends a message.
    pub fn eos(&self) -> Option<u32> {
        self.inner.eos.as_ref().map(|(_, id)| *id)
    }

    /// The id that fills unused places.
    pub fn pad(&self) -> Option<u32> {
        self.inner.pad.as_ref().map(|(_, id)| *id)
    }

    /// Whether the id is a control token, which [`decode`](Self::decode) drops.
    pub fn is_control(&self, id: u32) -> bool {
        self.inner.control.get(id as usize).copied().unwrap_or(false)
    }

    /// Encodes a text in which control tokens such as `<|user|>` have their meaning. Nothing is added.
    ///
    /// Same ids as Python's `tokenizer(text, add_special_tokens=False)`.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        self.encode_with(text, true)
    }

    /// Encodes ordinary text: control tokens in it are read as plain characters.
    pub fn encode_text(&self, text: &str) -> Vec<u32> {
        self.encode_with(text, false)
    }

    fn encode_with(&self, text: &str, control: bool) -> Vec<u32> {
        match &self.inner.fast {
            Some(fast) => fast.encode(&self.inner.backend, text, control),
            None => self.encode_slow(text, control),
        }
    }

    /// Encodes through the `tokenizers` pipeline; the reference for the fast path.
    fn encode_slow(&self, text: &str, control: bool) -> Vec<u32> {
        let backend = if control { &self.inner.backend } else { &self.inner.plain };
        // The pipeline fails only for models that cannot write a character and have no unknown token; such a text has no
        // ids.
        backend.encode_fast(text, false).map(|encoding| encoding.get_ids().to_vec()).unwrap_or_default()
    }

    /// [`encode`](Self::encode) of many texts on all processors; results in the order of the texts.
    pub fn encode_batch<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Vec<Vec<u32>> {
        in_parallel(texts, |text| self.encode(text.as_ref()))
    }

    /// [`encode_text`](Self::encode_text) of many texts on all processors.
    pub fn encode_text_batch<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Vec<Vec<u32>> {
        in_parallel(texts, |text| self.encode_text(text.as_ref()))
    }

    /// The text of the ids, without control tokens. Unknown ids are skipped; bytes that are no UTF-8 become U+FFFD.
    pub fn decode(&self, ids: &[u32]) -> String {
        self.decode_with(ids, true)
    }

    /// The text of the ids, control tokens written out.
    pub fn decode_all(&self, ids: &[u32]) -> String {
        self.decode_with(ids, false)
    }

    fn decode_with(&self, ids: &[u32], skip_control: bool) -> String {
        let Some(bytes) = &self.inner.bytes else {
            return self.inner.backend.decode(ids, skip_control).unwrap_or_default();
        };
        let mut text = Vec::with_capacity(ids.len() * 4);
        for &id in ids {
            if !(skip_control && self.is_control(id))
                && let Some(token) = bytes.get(id as usize)
            {
                text.extend_from_slice(token);
            }
        }
        String::from_utf8(text).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// The token that is this byte and nothing else.
    #[cfg(test)]
    pub(crate) fn token_of_byte(&self, byte: u8) -> Option<u32> {
        let position = self.inner.bytes.as_ref()?.iter().position(|bytes| bytes == &[byte])?;
        u32::try_from(position).ok()
    }

    /// A decoder for tokens that arrive one by one.
    pub fn stream(&self) -> DecodeStream<'_> {
        DecodeStream { tokenizer: self, pending: Vec::new(), ids: Vec::new(), written: 0 }
    }

    /// Special tokens by the names that templates know them under, for example `bos_token`.
    pub fn special_tokens(&self) -> &ChatVariables {
        &self.inner.special
    }

    /// The chat template, if the folder has one.
    pub fn chat_template(&self) -> Option<&ChatTemplate> {
        self.inner.chat.as_ref()
    }

    /// Renders messages with the chat template; `add_generation_prompt` adds the marker after which the model writes.
    ///
    /// # Errors
    /// [`TokenizerError::NoChatTemplate`], and [`TokenizerError::Chat`] when the template fails or refuses the conversation.
    pub fn render(&self, messages: &[ChatMessage], add_generation_prompt: bool) -> Result<String, TokenizerError> {
        self.render_with(messages, add_generation_prompt, &ChatVariables::new())
    }

    /// As [`render`](Self::render), with further variables for the template, such as `enable_thinking`. Special tokens are
    /// always there, unless a variable of the same name replaces them.
    ///
    /// # Errors
    /// As [`render`](Self::render).
    pub fn render_with(
        &self,
        messages: &[ChatMessage],
        add_generation_prompt: bool,
        variables: &ChatVariables,
    ) -> Result<String, TokenizerError> {
        let chat = self.inner.chat.as_ref().ok_or(TokenizerError::NoChatTemplate)?;
        let mut all = self.inner.special.clone();
        all.extend(variables.iter().map(|(name, value)| (name.clone(), value.clone())));
        Ok(chat.render(messages, add_generation_prompt, &all)?)
    }

    /// The ids of a prompt: messages rendered with the generation marker, then encoded.
    ///
    /// # Errors
    /// A message that holds a control token is refused: it could otherwise end its own turn and speak in another role.
    pub fn encode_prompt(&self, messages: &[ChatMessage]) -> Result<Vec<u32>, TokenizerError> {
        for message in messages {
            let token = self.inner.control_texts.iter().find(|token| message.content.contains(token.as_str()));
            if let Some(token) = token {
                return Err(TokenizerError::ControlTokenInMessage { token: token.clone() });
            }
        }
        Ok(self.encode(&self.render(messages, true)?))
    }

    /// The ids that a model is trained to write: the completion as ordinary text, then the end token.
    pub fn encode_completion(&self, completion: &str) -> Vec<u32> {
        let mut ids = self.encode_text(completion);
        ids.extend(self.eos());
        ids
    }
}

/// Turns tokens into text as they arrive, never cutting a character in two.
pub struct DecodeStream<'a> {
    tokenizer: &'a Tokenizer,
    pending: Vec<u8>,
    ids: Vec<u32>,
    written: usize,
}

impl DecodeStream<'_> {
    /// The text that became certain with this token (often empty, for control tokens always).
    pub fn push(&mut self, id: u32) -> String {
        if self.tokenizer.is_control(id) {
            return String::new();
        }
        let Some(bytes) = &self.tokenizer.inner.bytes else {
            return self.push_slow(id);
        };
        if let Some(token) = bytes.get(id as usize) {
            self.pending.extend_from_slice(token);
        }
        let mut text = String::new();
        loop {
            match std::str::from_utf8(&self.pending) {
                Ok(valid) => {
                    text.push_str(valid);
                    self.pending.clear();
                    return text;
                }
                Err(error) => {
                    let (valid, rest) = self.pending.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(valid));
                    // Without a length the character may still be completed by the next token.
                    let Some(invalid) = error.error_len() else {
                        self.pending = rest.to_vec();
                        return text;
                    };
                    text.push('\u{FFFD}');
                    self.pending = rest[invalid..].to_vec();
                }
            }
        }
    }

    fn push_slow(&mut self, id: u32) -> String {
        self.ids.push(id);
        let text = self.tokenizer.decode(&self.ids);
        if text.ends_with('\u{FFFD}') || text.len() <= self.written || !text.is_char_boundary(self.written) {
            return String::new();
        }
        let new = text[self.written..].to_owned();
        self.written = text.len();
        new
    }

    /// What is left at the end: an incomplete character, shown as U+FFFD.
    pub fn finish(self) -> String {
        self.rest()
    }

    pub(crate) fn rest(&self) -> String {
        if self.tokenizer.inner.bytes.is_some() {
            return String::from_utf8_lossy(&self.pending).into_owned();
        }
        self.tokenizer.decode(&self.ids).get(self.written..).unwrap_or_default().to_owned()
    }
}

/// Maps in contiguous chunks on all processors; the order is kept.
fn in_parallel<T: Sync, R: Send>(items: &[T], map: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    if threads == 1 || items.len() < 2 * threads {
        return items.iter().map(map).collect();
    }
    let chunk = items.len().div_ceil(threads);
    let parts: Vec<Vec<R>> = std::thread::scope(|scope| {
        let workers: Vec<_> =
            items.chunks(chunk).map(|part| scope.spawn(|| part.iter().map(&map).collect::<Vec<R>>())).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    parts.into_iter().flatten().collect()
}

#[cfg(test)]
pub(crate) mod tests;
