//! Prompts: templates for every task, which a file can replace.
//!
//! The templates that come with the program are a file themselves (`data/prompts.toml`); a file of the user's changes some of them. What a file
//! says comes before what it does not say, and within a file the table of a task comes before the top.

mod file;
mod sample;
mod template;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use file::PromptError;
pub use sample::sample;
use template::Template;

use crate::choice;
use crate::example::Example;
use crate::registry::{Field, Task, tasks};

/// What a model is asked: a system and a user message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    pub system: String,
    pub user: String,
}

/// What a file of prompts can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    System,
    Envelope,
    Line,
    User,
    Field,
    Output,
    Shots,
    Shot,
    Free,
}

impl Key {
    /// In the order of files.
    const ALL: [Key; 9] =
        [Key::System, Key::Envelope, Key::Line, Key::User, Key::Field, Key::Output, Key::Shots, Key::Shot, Key::Free];

    fn name(self) -> &'static str {
        match self {
            Key::System => "system",
            Key::Envelope => "envelope",
            Key::Line => "line",
            Key::User => "user",
            Key::Field => "field",
            Key::Output => "output",
            Key::Shots => "shots",
            Key::Shot => "shot",
            Key::Free => "free",
        }
    }

    /// Variables of its template, and those among them that it must show; `None` for a text without variables.
    fn variables(self) -> Option<(&'static [&'static str], &'static [&'static str])> {
        match self {
            Key::System | Key::Envelope | Key::Line | Key::Output => None,
            Key::User => Some((&["envelope", "line", "shots", "fields", "output"], &["fields"])),
            Key::Field => Some((&["label", "value"], &["value"])),
            Key::Shots => Some((&["examples"], &["examples"])),
            Key::Shot => Some((&["fields", "output", "reference"], &["fields", "reference"])),
            Key::Free => Some((&["envelope", "question"], &["question"])),
        }
    }

    /// Whether it may stand at the top of a file, for all tasks.
    fn is_general(self) -> bool {
        self != Key::Line
    }

    /// Whether it may stand in the table of a task.
    fn is_of_task(self) -> bool {
        self != Key::Free
    }
}

/// The top of a file, or the table of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Entry {
    texts: BTreeMap<Key, Template>,
    /// What stands before a field, by the field's key.
    labels: BTreeMap<String, String>,
}

/// The templates in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompts {
    top: Entry,
    tasks: BTreeMap<String, Entry>,
}

/// Stands in where a file that is part of the program lacks a key, which a test refuses.
static EMPTY: LazyLock<Template> = LazyLock::new(Template::default);

static BUILTIN: LazyLock<Prompts> = LazyLock::new(|| {
    // The file is part of the program and a test reads it, so a failure cannot get this far.
    Prompts::default().overlaid(Prompts::DEFAULT_FILE, "prompts.toml").unwrap_or_default()
});

impl Prompts {
    /// The file of the templates that come with the program, with its comments.
    pub const DEFAULT_FILE: &'static str = include_str!("../../data/prompts.toml");

    /// The templates that come with the program.
    pub fn builtin() -> &'static Prompts {
        &BUILTIN
    }

    /// The program's templates, changed by the text of a file. `file` is its name in messages.
    ///
    /// # Errors
    /// No TOML; an unknown task, key, label or variable; a template that leaves out what it is for. With the line, and the nearest name.
    pub fn parse(text: &str, file: &str) -> Result<Prompts, PromptError> {
        Prompts::builtin().overlaid(text, file)
    }

    /// The program's templates, changed by a file.
    ///
    /// # Errors
    /// As [`Prompts::parse`], or the file cannot be read.
    pub fn load(path: &Path) -> Result<Prompts, PromptError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| PromptError::Read { path: path.to_path_buf(), source })?;
        Prompts::parse(&text, &path.display().to_string())
    }

    /// The prompt of a row.
    pub fn question(&self, task: &Task, example: &Example) -> Prompt {
        self.question_after(task, example, &[])
    }

    /// The prompt of a row with examples before it, in this order.
    pub fn question_after(&self, task: &Task, example: &Example, shots: &[&Example]) -> Prompt {
        let text = |key| self.template(task, key);
        let output = text(Key::Output).source();
        let examples: Vec<String> = shots
            .iter()
            .map(|shot| {
                let fields = self.fields(task, shot);
                let reference = one_line(&task.shown_answer(shot).unwrap_or_default());
                text(Key::Shot).render(&[("fields", &fields), ("output", output), ("reference", &reference)])
            })
            .collect();
        let before = match examples.is_empty() {
            true => String::new(),
            false => text(Key::Shots).render(&[("examples", &examples.join("\n"))]),
        };
        let fields = self.fields(task, example);
        let shown: Vec<String> = task.fields().iter().map(|field| value(example, field)).collect();
        let mut values = vec![
            ("envelope", text(Key::Envelope).source()),
            ("line", self.line(task)),
            ("shots", &before),
            ("fields", &fields),
            ("output", output),
        ];
        values.extend(task.fields().iter().zip(&shown).map(|(field, shown)| (field.key, shown.as_str())));
        Prompt { system: text(Key::System).source().to_owned(), user: text(Key::User).render(&values) }
    }

    /// A question in the user's own words.
    pub fn free(&self, question: &str) -> Prompt {
        let text = |key| self.top.texts.get(&key).unwrap_or(&EMPTY);
        let values = [("envelope", text(Key::Envelope).source()), ("question", question)];
        Prompt { system: text(Key::System).source().to_owned(), user: text(Key::Free).render(&values) }
    }

    /// The sentence that says what the task wants.
    pub fn line(&self, task: &Task) -> &str {
        self.template(task, Key::Line).source()
    }

    /// Whether the prompts of the task show examples where there are some.
    pub fn shows_shots(&self, task: &Task) -> bool {
        self.template(task, Key::User).uses("shots")
    }

    fn template(&self, task: &Task, key: Key) -> &Template {
        let own = self.tasks.get(task.id()).and_then(|entry| entry.texts.get(&key));
        own.or_else(|| self.top.texts.get(&key)).unwrap_or(&EMPTY)
    }

    fn label(&self, task: &Task, key: &str) -> &str {
        let own = self.tasks.get(task.id()).and_then(|entry| entry.labels.get(key));
        own.or_else(|| self.top.labels.get(key)).map_or("", String::as_str)
    }

    /// The labelled fields of a row, a line each.
    fn fields(&self, task: &Task, example: &Example) -> String {
        let template = self.template(task, Key::Field);
        let line = |field: &Field| {
            template.render(&[("label", self.label(task, field.key)), ("value", &value(example, field))])
        };
        task.fields().iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// SHA-256 of [`Prompts::to_toml`], in hex.
    pub fn sha256(&self) -> String {
        Sha256::digest(self.to_toml().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// All templates as one file, which gives the same prompts whatever the program's own templates are.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        write_entry(&mut text, &self.top, "labels");
        for task in tasks() {
            if let Some(entry) = self.tasks.get(task.id()) {
                text.push_str(&format!("\n[tasks.\"{}\"]\n", task.id()));
                write_entry(&mut text, entry, &format!("tasks.\"{}\".labels", task.id()));
            }
        }
        text
    }

    /// What is in force for one task, as the top of a file.
    pub fn to_toml_of(&self, task: &Task) -> String {
        let mut entry = Entry::default();
        for key in Key::ALL.into_iter().filter(|key| key.is_of_task()) {
            entry.texts.insert(key, self.template(task, key).clone());
        }
        for field in task.fields() {
            entry.labels.insert(field.key.to_owned(), self.label(task, field.key).to_owned());
        }
        let mut text = String::new();
        write_entry(&mut text, &entry, "labels");
        text
    }
}

fn write_entry(text: &mut String, entry: &Entry, labels: &str) {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    for (key, template) in Key::ALL.into_iter().filter_map(|key| Some((key, entry.texts.get(&key)?))) {
        text.push_str(&format!("{} = {}\n", key.name(), quoted(template.source())));
    }
    if !entry.labels.is_empty() {
        text.push_str(&format!("\n[{labels}]\n"));
        for (key, label) in &entry.labels {
            text.push_str(&format!("{key} = {}\n", quoted(label)));
        }
    }
}

/// A field as prompts show it. A line break inside a field would forge a line of the prompt; options have lines of their own, with letters.
fn value(example: &Example, field: &Field) -> String {
    let text = example.field(field.key);
    if field.key == choice::OPTIONS { choice::lettered(text) } else { one_line(text) }
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests;
