//! Chat messages and the template that turns them into one text.
//!
//! Templates are the Jinja text of `chat_template.jinja`, rendered as `apply_chat_template` of `transformers` renders it:
//! `trim_blocks`, `lstrip_blocks`, loop controls, methods of Python's strings, `raise_exception`, `strftime_now`, `tojson` of
//! Python's `json`, and the tags `generation` and `endgeneration`, which mark text and write nothing.

mod json;
mod python;

use std::collections::BTreeMap;
use std::error::Error as _;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, ErrorKind, Value, context};
use serde::{Deserialize, Serialize};

/// The template of models made here: system text, user text, assistant text, each behind its marker; the assistant text
/// ends with `<|end|>`.
pub const CHAT_TEMPLATE: &str = "\
{{- bos_token }}
{%- for message in messages %}
{%- if message.role == 'user' %}
{{- '<|user|>' + message.content }}
{%- elif message.role == 'assistant' %}
{{- '<|assistant|>' + message.content + eos_token }}
{%- else %}
{{- message.content }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|assistant|>' }}
{%- endif %}
";

/// One message: `role` is `system`, `user` or `assistant`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    pub role: String,
    pub content: String,
}

impl ChatMessage {
    pub fn system(content: impl Into<String>) -> Self {
        Self::new("system", content)
    }

    pub fn user(content: impl Into<String>) -> Self {
        Self::new("user", content)
    }

    pub fn assistant(content: impl Into<String>) -> Self {
        Self::new("assistant", content)
    }

    fn new(role: &str, content: impl Into<String>) -> Self {
        Self { role: role.to_owned(), content: content.into() }
    }
}

/// Values that a template sees by name besides the messages: special tokens (`bos_token`) and switches
/// (`enable_thinking`).
pub type ChatVariables = BTreeMap<String, serde_json::Value>;

/// The template could not be read or rendered.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// The template called `raise_exception`: it cannot write this conversation.
    #[error("chat template: this conversation is refused: {0}")]
    Refused(String),
    /// The text is no Jinja, or uses what is not there.
    #[error("chat template: {0}")]
    Template(minijinja::Error),
}

/// The message of `raise_exception`, carried through the renderer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Raised(String);

impl From<minijinja::Error> for ChatError {
    fn from(error: minijinja::Error) -> Self {
        let mut source = error.source();
        while let Some(inner) = source {
            if let Some(Raised(message)) = inner.downcast_ref() {
                return Self::Refused(message.clone());
            }
            source = inner.source();
        }
        Self::Template(error)
    }
}

/// A compiled chat template.
#[derive(Clone)]
pub struct ChatTemplate {
    source: String,
    environment: Environment<'static>,
}

const NAME: &str = "chat";

impl ChatTemplate {
    /// Compiles the Jinja text.
    ///
    /// # Errors
    /// [`ChatError::Template`] with the place of what is no Jinja.
    pub fn new(source: impl Into<String>) -> Result<Self, ChatError> {
        let source = source.into();
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
        environment.set_syntax(syntax);
        // Templates in the wild reject conversations they cannot write, through this function.
        environment.add_function("raise_exception", |message: Value| -> Result<Value, minijinja::Error> {
            let message = message.to_string();
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, "refused").with_source(Raised(message)))
        });
        environment.add_function("strftime_now", |format: String| -> Result<String, minijinja::Error> {
            jiff::fmt::strtime::format(format, &jiff::Zoned::now())
                .map_err(|error| minijinja::Error::new(ErrorKind::InvalidOperation, format!("strftime_now: {error}")))
        });
        environment.set_unknown_method_callback(python::call_method);
        environment.add_filter("tojson", json::tojson);
        environment.add_filter("trim", python::trim);
        environment.add_test("sequence", python::is_sequence);
        environment.add_test("iterable", python::is_iterable);
        environment.add_template_owned(NAME, prepare(&source))?;
        Ok(Self { source, environment })
    }

    /// The Jinja text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Renders the messages; `add_generation_prompt` adds the marker after which the model writes.
    ///
    /// The template also sees `tools` and `documents` (both none) and the `variables`, which come first.
    ///
    /// # Errors
    /// [`ChatError::Refused`] when the template refuses the conversation, [`ChatError::Template`] when it fails.
    pub fn render(
        &self,
        messages: &[ChatMessage],
        add_generation_prompt: bool,
        variables: &ChatVariables,
    ) -> Result<String, ChatError> {
        let messages: Vec<Value> = messages
            .iter()
            .map(|message| context! { role => message.role.as_str(), content => message.content.as_str() })
            .collect();
        let template = self.environment.get_template(NAME)?;
        let fixed = context! { messages, add_generation_prompt, tools => (), documents => () };
        Ok(template.render(context! { ..Value::from(Serde(variables)), ..fixed })?)
    }

    /// Makes `strftime_now` answer the same on every day.
    #[cfg(test)]
    fn at(mut self, time: jiff::Zoned) -> Self {
        self.environment.add_function("strftime_now", move |format: String| time.strftime(&format).to_string());
        self
    }
}

/// The text that the renderer gets: line ends as Jinja reads them, and blocks without effect for the `generation` tags.
fn prepare(source: &str) -> String {
    let source = source.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::with_capacity(source.len());
    let mut rest = source.as_str();
    while let Some(at) = rest.find("{%") {
        let (before, tag) = rest.split_at(at + 2);
        out.push_str(before);
        rest = tag;
        let name = tag.trim_start_matches(['-', '+']).trim_start();
        for (from, to) in [("generation", "with"), ("endgeneration", "endwith")] {
            let behind = name.strip_prefix(from).map(str::trim_start);
            if behind.is_some_and(|behind| ["%}", "-%}", "+%}"].iter().any(|end| behind.starts_with(end))) {
                out.push_str(&tag[..tag.len() - name.len()]);
                out.push_str(to);
                rest = &name[from.len()..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;
