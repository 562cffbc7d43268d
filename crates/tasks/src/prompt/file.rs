//! Reading a file of prompts, strictly.

use std::borrow::Cow;
use std::io;
use std::ops::Range;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Entry, Key, Prompts, Template};
use crate::registry::{Task, task, tasks};
use crate::suggest::suggestion;

/// Why a file of prompts is refused.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    #[error("cannot read the prompts {}: {source}; `chemr prompts --default` writes a file to start from", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{file}:{line}: {message}")]
    File { file: String, line: usize, message: String },
}

/// Where in the text something is wrong, and what.
type Fault = (Range<usize>, String);

impl Prompts {
    /// These prompts, changed by the text of a file.
    pub(super) fn overlaid(&self, text: &str, file: &str) -> Result<Prompts, PromptError> {
        overlay(self, text).map_err(|(span, message)| {
            let line = 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count();
            PromptError::File { file: file.to_owned(), line, message }
        })
    }
}

fn overlay(prompts: &Prompts, text: &str) -> Result<Prompts, Fault> {
    let table = DeTable::parse(text).map_err(|error| (error.span().unwrap_or(0..0), error.message().to_owned()))?;
    let top = read_entry(table.get_ref(), None)?;
    let mut changed = prompts.clone();
    // What the file says for all tasks comes before what its forerunner says for one.
    for entry in changed.tasks.values_mut() {
        entry.texts.retain(|key, _| !top.texts.contains_key(key));
        entry.labels.retain(|key, _| !top.labels.contains_key(key));
    }
    changed.top.texts.extend(top.texts);
    changed.top.labels.extend(top.labels);
    for (name, value) in of_tasks(table.get_ref())? {
        let id = name.get_ref().as_ref();
        let Some(task) = task(id) else {
            let hint = suggestion(id, tasks().iter().map(|task| task.id()));
            return Err((name.span(), format!("unknown task `{id}`{hint}")));
        };
        let entry = read_entry(table_of(value, &format!("tasks.\"{id}\""))?, Some(task))?;
        let own = changed.tasks.entry(id.to_owned()).or_default();
        own.texts.extend(entry.texts);
        own.labels.extend(entry.labels);
    }
    changed.tasks.retain(|_, entry| !entry.texts.is_empty() || !entry.labels.is_empty());
    Ok(changed)
}

type Member<'a, 'text> = (&'a Spanned<Cow<'text, str>>, &'a Spanned<DeValue<'text>>);

/// The tables below `tasks`.
fn of_tasks<'a, 'text>(table: &'a DeTable<'text>) -> Result<Vec<Member<'a, 'text>>, Fault> {
    match table.get("tasks") {
        Some(value) => Ok(table_of(value, "tasks")?.iter().collect()),
        None => Ok(Vec::new()),
    }
}

fn table_of<'a, 'text>(value: &'a Spanned<DeValue<'text>>, name: &str) -> Result<&'a DeTable<'text>, Fault> {
    let found = value.get_ref();
    found.as_table().ok_or_else(|| (value.span(), format!("{name}: a table is wanted, found {}", found.type_str())))
}

fn text_of<'a>(value: &'a Spanned<DeValue<'_>>, name: &str) -> Result<&'a str, Fault> {
    let found = value.get_ref();
    found.as_str().ok_or_else(|| (value.span(), format!("{name}: a text is wanted, found {}", found.type_str())))
}

/// Reads the top of a file, or the table of a task.
fn read_entry(table: &DeTable<'_>, task: Option<&Task>) -> Result<Entry, Fault> {
    let path = |name: &str| match task {
        Some(task) => format!("tasks.\"{}\".{name}", task.id()),
        None => name.to_owned(),
    };
    let mut entry = Entry::default();
    for (name, value) in table.iter() {
        let at = |message: String| (name.span(), message);
        let key = name.get_ref().as_ref();
        match key {
            "tasks" if task.is_none() => {}
            "labels" => read_labels(&mut entry, table_of(value, &path(key))?, task)?,
            _ => {
                let known = || Key::ALL.into_iter().filter(|key| key.is_allowed(task));
                let Some(found) = known().find(|known| known.name() == key) else {
                    let other = match Key::ALL.into_iter().find(|known| known.name() == key) {
                        Some(_) if task.is_some() => "; it stands at the top of the file".to_owned(),
                        Some(_) => "; it stands in the table of a task, as [tasks.\"retrosynthesis\"]".to_owned(),
                        None => {
                            let tables = task.map_or(["labels", "tasks"].as_slice(), |_| &["labels"]);
                            suggestion(key, known().map(Key::name).chain(tables.iter().copied()))
                        }
                    };
                    return Err(at(format!("unknown key `{}`{other}", path(key))));
                };
                let text = text_of(value, &path(key))?;
                let template =
                    read_template(found, text, task).map_err(|message| at(format!("{}: {message}", path(key))))?;
                entry.texts.insert(found, template);
            }
        }
    }
    Ok(entry)
}

impl Key {
    fn is_allowed(self, task: Option<&Task>) -> bool {
        if task.is_some() { self.is_of_task() } else { self.is_general() }
    }
}

fn read_labels(entry: &mut Entry, table: &DeTable<'_>, task: Option<&Task>) -> Result<(), Fault> {
    let fields = match task {
        Some(task) => task.fields().iter().map(|field| field.key).collect(),
        None => all_fields(),
    };
    for (name, value) in table.iter() {
        let key = name.get_ref().as_ref();
        if !fields.contains(&key) {
            let of = task.map_or(String::new(), |task| format!(" of {}", task.id()));
            let message = format!("unknown field `{key}`{of}{}", suggestion(key, fields.iter().copied()));
            return Err((name.span(), message));
        }
        entry.labels.insert(key.to_owned(), text_of(value, key)?.to_owned());
    }
    Ok(())
}

/// Keys of the fields of all tasks, in order.
pub(super) fn all_fields() -> Vec<&'static str> {
    let mut fields: Vec<&str> = tasks().iter().flat_map(|task| task.fields()).map(|field| field.key).collect();
    fields.sort_unstable();
    fields.dedup();
    fields
}

fn read_template(key: Key, text: &str, task: Option<&Task>) -> Result<Template, String> {
    let Some((general, required)) = key.variables() else { return Ok(Template::plain(text)) };
    // The template of one task may place its fields one by one.
    let fields: Vec<&str> = match task {
        Some(task) if key == Key::User => task.fields().iter().map(|field| field.key).collect(),
        _ => Vec::new(),
    };
    let template = Template::parse(text, &[general, &fields].concat())?;
    let shows_each = !fields.is_empty() && fields.iter().all(|field| template.uses(field));
    match required.iter().find(|name| !template.uses(name)) {
        Some(lacking) if !shows_each => {
            let missing: Vec<String> =
                fields.iter().filter(|field| !template.uses(field)).map(|field| format!("{{{field}}}")).collect();
            let or = if missing.is_empty() { String::new() } else { format!(" or {}", missing.join(" and ")) };
            Err(format!("it must show {{{lacking}}}{or}"))
        }
        _ => Ok(template),
    }
}
