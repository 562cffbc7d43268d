//! Chat messages and the template that turns them into one text.
//!
//! Templates are the Jinja text of `chat_template.jinja`, rendered with the settings that Hugging Face uses
//! (`trim_blocks`, `lstrip_blocks`), so that both sides give the same text.

use minijinja::syntax::SyntaxConfig;
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

/// The template could not be read or rendered.
#[derive(Debug, thiserror::Error)]
#[error("chat template: {0}")]
pub struct ChatError(#[from] minijinja::Error);

/// A compiled chat template.
#[derive(Clone)]
pub struct ChatTemplate {
    source: String,
    environment: Environment<'static>,
}

const NAME: &str = "chat";

impl ChatTemplate {
    /// Compiles the Jinja text.
    pub fn new(source: impl Into<String>) -> Result<Self, ChatError> {
        let source = source.into();
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
        environment.set_syntax(syntax);
        // Templates in the wild reject conversations they cannot write, through this function.
        environment.add_function("raise_exception", |message: String| -> Result<Value, minijinja::Error> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
        });
        environment.add_template_owned(NAME, source.clone())?;
        Ok(Self { source, environment })
    }

    /// The Jinja text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Renders the messages; `add_generation_prompt` adds the marker after which the model writes.
    pub fn render(
        &self,
        messages: &[ChatMessage],
        add_generation_prompt: bool,
        bos_token: &str,
        eos_token: &str,
    ) -> Result<String, ChatError> {
        let messages: Vec<Value> = messages
            .iter()
            .map(|message| context! { role => message.role.as_str(), content => message.content.as_str() })
            .collect();
        let template = self.environment.get_template(NAME)?;
        Ok(template.render(context! { messages, add_generation_prompt, bos_token, eos_token })?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_template_is_minimal() {
        let template = ChatTemplate::new(CHAT_TEMPLATE).unwrap();
        let messages = [ChatMessage::system("S"), ChatMessage::user("U")];
        let prompt = template.render(&messages, true, "<|bos|>", "<|end|>").unwrap();
        assert_eq!(prompt, "<|bos|>S<|user|>U<|assistant|>");
        let messages = [ChatMessage::user(" a\n"), ChatMessage::assistant("b\n"), ChatMessage::user("{{ c }}")];
        let text = template.render(&messages, false, "<|bos|>", "<|end|>").unwrap();
        assert_eq!(text, "<|bos|><|user|> a\n<|assistant|>b\n<|end|><|user|>{{ c }}");
    }

    #[test]
    fn a_template_may_refuse() {
        let template = ChatTemplate::new("{{ raise_exception('no system text') }}").unwrap();
        let error = template.render(&[], false, "", "").unwrap_err().to_string();
        assert!(error.contains("no system text"), "{error}");
        assert!(ChatTemplate::new("{% for %}").is_err());
    }
}
