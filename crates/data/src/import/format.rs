//! What a format is, and the list of all formats.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use chemr_tasks::{Example, Split, Task, suggestion};

use super::convert::{Answers, Rejection};
use super::inputs::split_named;
use super::reject::RejectReason;
use super::rows::Row;
use super::source::{Sample, Shape};
use super::table;

/// A field that a format reads, and the names that its column has in public files.
#[derive(Clone, Debug)]
pub struct Column {
    /// Name for `--map field=column`.
    pub field: &'static str,
    /// Names of its column, the first in use first. Letter case and signs do not matter for tables.
    pub names: Vec<&'static str>,
    /// Whether a file without it cannot be read.
    pub is_required: bool,
}

impl Column {
    pub(crate) fn required(field: &'static str, names: &[&'static str]) -> Column {
        Column { field, names: names.to_vec(), is_required: true }
    }

    pub(crate) fn optional(field: &'static str, names: &[&'static str]) -> Column {
        Column { field, names: names.to_vec(), is_required: false }
    }
}

/// Meta field with the mapped reaction of a row: [`crate::prepare`] aligns by it.
pub(crate) const MAPPED: &str = "mapped";

/// A kind of public file.
pub struct Format {
    /// Name for `--format`.
    pub name: &'static str,
    /// What the files are.
    pub about: &'static str,
    /// How its files are told from others.
    pub told_by: &'static str,
    /// Ids of the tasks that it serves; one that ends with `*` stands for all that begin so.
    pub tasks: &'static [&'static str],
    /// Whether its rows are a benchmark that must not be trained on.
    pub is_evaluation_only: bool,
    pub(crate) columns: fn(Option<&'static Task>) -> Vec<Column>,
    /// How the file wants to be read when it is one of these.
    pub(crate) recognise: fn(&Sample) -> Option<Shape>,
    pub(crate) convert: fn(&Record<'_>) -> Answers,
}

impl std::fmt::Debug for Format {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Format({})", self.name)
    }
}

impl Format {
    /// The fields that `--map` may name; those of the generic format are the task's.
    pub fn columns(&self, task: Option<&'static Task>) -> Vec<Column> {
        (self.columns)(task)
    }

    /// Whether the format has rows for the task.
    pub fn serves(&self, task: &str) -> bool {
        self.tasks.iter().any(|known| match known.strip_suffix('*') {
            Some(start) => task.starts_with(start),
            None => *known == task,
        })
    }
}

static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(super::formats::all);

/// All formats, in the order in which a file is offered to them.
pub fn formats() -> &'static [Format] {
    &FORMATS
}

/// The format with this name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// A name of a column without letter case and signs: `Aryl halide` and `aryl_halide` are one.
pub(crate) fn normalised(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter.is_alphanumeric() {
            true => text.extend(letter.to_lowercase()),
            false if text.ends_with('_') || text.is_empty() => {}
            false => text.push('_'),
        }
    }
    text.trim_end_matches('_').to_owned()
}

/// Which column of a file each field of a format has.
#[derive(Debug)]
pub(crate) struct Binding {
    /// For each bound field the names of its column; more than one only where rows may differ (JSON).
    fields: BTreeMap<&'static str, Vec<String>>,
}

impl Binding {
    /// Finds the columns of the fields; `map`, which [`check_map`] has passed, says which column a field has.
    ///
    /// # Errors
    /// A message when a needed column is missing, with the nearest names.
    pub fn new(columns: &[Column], sample: &Sample, shape: Shape, map: &[(String, String)]) -> Result<Binding, String> {
        let found = found_columns(sample, shape);
        let mut fields = BTreeMap::new();
        for column in columns {
            let mapped = map.iter().find(|(field, _)| *field == column.field).map(|(_, name)| name.clone());
            let names = match mapped {
                Some(name) => vec![name],
                None => column_names(column, &found, is_json(sample)),
            };
            if names.is_empty() && column.is_required && !matches!(shape, Shape::Lines { .. }) {
                let wanted = column.names.join("` or `");
                return Err(format!("there is no column `{wanted}`{}", nearest(column.names[0], &found)));
            }
            if !names.is_empty() {
                fields.insert(column.field, names);
            }
        }
        Ok(Binding { fields })
    }

    /// The text of a field in a row, when it holds something.
    pub fn get<'a>(&self, row: &'a Row, field: &str) -> Option<Cow<'a, str>> {
        self.fields.get(field)?.iter().find_map(|name| row.text(name))
    }

    /// The column of a field; of several that rows may have, the first.
    pub fn column(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.first().map(String::as_str)
    }

    /// The split that a row names itself: files of some formats hold several.
    pub fn split(&self, row: &Row) -> Option<Split> {
        split_named(&self.get(row, "split")?)
    }

    /// The fields that have a column.
    pub fn fields(&self) -> impl Iterator<Item = &'static str> {
        self.fields.keys().copied()
    }
}

fn found_columns(sample: &Sample, shape: Shape) -> Vec<&str> {
    match shape {
        Shape::Columns => sample.columns.iter().map(String::as_str).collect(),
        Shape::Headerless(names) => names.to_vec(),
        Shape::Lines { .. } => Vec::new(),
    }
}

fn is_json(sample: &Sample) -> bool {
    matches!(sample.rows.first(), Some(Row::Object(_)))
}

/// Whether `map` names fields of the format and columns of the file. Rows of JSON may differ in their keys.
///
/// # Errors
/// A message with the first that does not exist and the nearest names.
pub(crate) fn check_map(
    columns: &[Column],
    sample: &Sample,
    shape: Shape,
    map: &[(String, String)],
) -> Result<(), String> {
    let fields: Vec<&str> = columns.iter().map(|column| column.field).collect();
    let found = found_columns(sample, shape);
    for (field, name) in map {
        if !fields.contains(&field.as_str()) {
            return Err(format!("--map names a field `{field}`{}", nearest(field, &fields)));
        }
        if !is_json(sample) && !found.contains(&name.as_str()) {
            return Err(format!("there is no column `{name}` for --map {field}={name}{}", nearest(name, &found)));
        }
    }
    Ok(())
}

/// The column of a table by any of its names. Of JSON all names that the column may have: rows may differ. A required one must be in
/// the first row.
fn column_names(column: &Column, found: &[&str], is_json: bool) -> Vec<String> {
    let is_found = |name: &&str| found.iter().find(|other| normalised(other) == normalised(name));
    let first = column.names.iter().find_map(is_found);
    match (is_json, first) {
        (false, first) => first.map(ToString::to_string).into_iter().collect(),
        (true, None) if column.is_required => Vec::new(),
        (true, first) => {
            let other = column.names.iter().filter(|name| first.is_none_or(|first| *first != **name));
            first.into_iter().chain(other).map(ToString::to_string).collect()
        }
    }
}

/// What to say behind a name of a field or column that does not exist.
fn nearest(name: &str, known: &[&str]) -> String {
    // A table may have thousands of columns, each with a name of any length.
    const MOST: usize = 100;
    let readable = known.iter().copied().filter(|known| (1..=MOST).contains(&known.len()));
    suggestion(name, readable.take(MOST))
}

/// A row on its way to examples.
pub(crate) struct Record<'a> {
    pub row: &'a Row,
    pub binding: &'a Binding,
    pub split: Split,
    /// Name of the data set for [`Example::source`].
    pub source: &'a str,
    /// The path in lower case: folders tell the task of some files.
    pub path: &'a str,
    /// The task that was asked for.
    pub task: Option<&'static Task>,
    /// Whether reactions keep their atom maps in the meta field [`MAPPED`].
    pub keep_maps: bool,
}

impl Record<'_> {
    /// The text of a field that holds something.
    pub fn get(&self, field: &str) -> Option<Cow<'_, str>> {
        self.binding.get(self.row, field)
    }

    /// The text of a field that must hold something.
    pub fn need(&self, field: &'static str) -> Result<Cow<'_, str>, Rejection> {
        self.get(field).ok_or_else(|| Rejection::new(RejectReason::Missing(field), ""))
    }

    /// An example of this file.
    pub fn example(&self, task: &str, input: &[(&str, &str)], reference: &str, meta: &[(&str, &str)]) -> Example {
        let meta = meta.iter().filter(|(_, value)| !value.is_empty()).copied().collect::<Vec<_>>();
        Example::new(task, self.source, self.split, 0, table::fields(input), reference, table::fields(&meta))
    }
}

/// Ids of all tasks that begin so.
pub(crate) fn tasks_under(start: &str) -> Vec<&'static str> {
    chemr_tasks::tasks().iter().map(|task| task.id()).filter(|id| id.starts_with(start)).collect()
}
