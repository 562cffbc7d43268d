//! Any table or JSON lines: `--task` says what the rows ask, `--map field=column` which column holds a field.

use std::borrow::Cow;

use chemr_tasks::{Example, Task};

use super::super::convert::{Rejection, one, question};
use super::super::format::{Column, Format, Record};
use super::super::reject::RejectReason;

/// Names of the column with the right answer.
const REFERENCE: &[&str] = &["reference", "answer", "output", "label", "ground_truth", "target"];

pub(super) fn formats() -> [Format; 1] {
    [Format {
        name: "generic",
        about: "any table with a header, JSON lines or JSON array: the task's fields and the column `reference`",
        told_by: "never; it is taken with `--task` when no other format fits",
        tasks: &["*"],
        is_evaluation_only: false,
        columns,
        recognise: |_| None,
        convert: |record| one(example(record)),
    }]
}

fn columns(task: Option<&'static Task>) -> Vec<Column> {
    let fields = task.map(Task::fields).unwrap_or_default();
    let mut columns: Vec<Column> = fields
        .iter()
        .map(|field| Column { field: field.key, names: field.names().collect(), is_required: true })
        .collect();
    columns.push(Column::required("reference", REFERENCE));
    columns
}

fn example(record: &Record<'_>) -> Result<Example, Rejection> {
    let task = record.task.ok_or_else(|| Rejection::new(RejectReason::NoTask, "no --task"))?;
    let given: Vec<(&'static str, Cow<'_, str>)> =
        task.fields().iter().map(|field| Ok((field.key, record.need(field.key)?))).collect::<Result<_, Rejection>>()?;
    question(record, task, &given, &record.need("reference")?)
}
