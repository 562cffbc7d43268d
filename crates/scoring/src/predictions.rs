//! Metrics over files of predictions.

use std::collections::BTreeMap;

use chemr_data::predictions::{Predicted, Predictions};
use chemr_tasks::metrics::{Aggregate, Metric, Need, Pair, Resources, Sums, aggregate, number};
use chemr_tasks::suites::{Paper, Suite};
use chemr_tasks::{Fault, Field, Judgement, Mode, Reason, Task, task, tasks};
use rayon::prelude::*;
use serde_json::{Map, Value, json};
use thiserror::Error;

/// Why a file cannot be scored.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct PredictionsError(String);

/// The column that holds the probability of the positive label, or a number that grows with it. One name: a column `score` is often the
/// confidence in the answer that was given, and two columns would mix two scales.
const PROBABILITY: &str = "probability";

/// What the rows of a file are.
#[derive(Clone, Copy, Debug)]
pub enum Subject {
    /// All rows are of one task.
    Task(&'static Task),
    /// Rows of a suite's tasks: by their column `task`, else by the columns of the file.
    Suite(&'static Suite),
}

/// One row, scored.
#[derive(Clone, Debug)]
pub struct ScoredRow {
    /// Its place in the file, as [`Predicted::row`].
    pub row: usize,
    /// Whether the reference is an answer of the task's kind; a row without one enters no metric.
    pub has_reference: bool,
    pub fault: Option<Fault>,
    /// In the order of [`TaskResult::metrics`]; `None` where the metric says nothing about the row.
    pub values: Vec<Option<f64>>,
}

/// A metric that was not computed, and what it would have needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absent {
    pub id: &'static str,
    pub needs: Vec<Need>,
}

/// A task's rows and their aggregates.
#[derive(Debug)]
pub struct TaskResult {
    pub task: &'static Task,
    /// Whose definitions were asked for.
    pub paper: Option<&'static Paper>,
    /// Columns of the question that told the task, where no row and no caller named it.
    pub told_by: Vec<String>,
    /// The name to print, the metric, and its value over all rows.
    pub metrics: Vec<(&'static str, &'static Metric, Aggregate)>,
    /// Metrics of the task, or of the paper, that need what was not given.
    pub absent: Vec<Absent>,
    pub rows: Vec<ScoredRow>,
}

impl TaskResult {
    /// Rows with this fault.
    pub fn count(&self, fault: Fault) -> usize {
        self.rows.iter().filter(|row| row.fault == Some(fault)).count()
    }

    /// Rows whose reference cannot be used.
    pub fn without_reference(&self) -> usize {
        self.rows.iter().filter(|row| !row.has_reference).count()
    }

    /// `{"task", "n", "metrics": {ID: {"value", "low", "high", "n", "version"}}, "counts": {"missing", "unparsable", "invalid",
    /// "without_reference"}}`; with a paper also `"as"` and the paper's `"name"` of each metric.
    pub fn json(&self) -> Value {
        let metrics: Map<String, Value> = self
            .metrics
            .iter()
            .map(|(name, metric, found)| {
                let Aggregate { value, low, high, n } = *found;
                let mut facts = json!({"value": value, "low": low, "high": high, "n": n, "version": metric.version});
                if self.paper.is_some() {
                    facts["name"] = (*name).into();
                }
                (metric.id.to_owned(), facts)
            })
            .collect();
        let mut counts: Map<String, Value> = [Fault::Missing, Fault::Unparsable, Fault::Invalid]
            .into_iter()
            .map(|fault| (fault.as_str().to_owned(), self.count(fault).into()))
            .collect();
        counts.insert("without_reference".into(), self.without_reference().into());
        let mut all = json!({"task": self.task.id(), "n": self.rows.len(), "metrics": metrics, "counts": counts});
        if let Some(paper) = self.paper {
            all["as"] = paper.id.into();
        }
        all
    }

    /// One row: `{"row", "task", "fault", "metrics": {ID: value}}`.
    pub fn row_json(&self, row: &ScoredRow) -> Value {
        let values: Map<String, Value> = self
            .metrics
            .iter()
            .zip(&row.values)
            .map(|((_, metric, _), value)| (metric.id.to_owned(), json!(value)))
            .collect();
        json!({"row": row.row, "task": self.task.id(), "fault": row.fault.map(Fault::as_str), "metrics": values})
    }
}

/// Scores all rows, task by task in the order in which tasks first occur; on all cores, with the same result for any number of
/// them. With a paper, only its metrics under its names. Metrics that need a file which is not among the resources, or probabilities which
/// the rows do not have, are left out and named as absent.
///
/// # Errors
/// When a row names a task that is not known, not of the suite or not the one asked for, the columns do not tell the task, or the
/// paper scores no such task.
pub fn score_predictions(
    subject: Subject,
    paper: Option<&'static Paper>,
    resources: &Resources,
    file: &Predictions,
) -> Result<Vec<TaskResult>, PredictionsError> {
    let of_columns = task_of_columns(subject, &file.columns);
    let mut told = None;
    let mut order: Vec<&'static Task> = Vec::new();
    let mut groups: BTreeMap<&'static str, Vec<&Predicted>> = BTreeMap::new();
    for row in &file.rows {
        let task = match &row.task {
            Some(id) => named(subject, row.row, id)?,
            None => {
                let task = *of_columns.as_ref().map_err(|message| PredictionsError(message.clone()))?;
                told = matches!(subject, Subject::Suite(_)).then_some(task.id());
                task
            }
        };
        let group = groups.entry(task.id()).or_default();
        if group.is_empty() {
            order.push(task);
        }
        group.push(row);
    }
    let results = order.into_iter().map(|task| {
        let mut result = score_task(task, paper, resources, &groups[task.id()])?;
        if told == Some(task.id()) {
            let is_asked =
                |column: &&String| task.fields().iter().any(|field| field.names().any(|name| name == *column));
            result.told_by = file.columns.iter().filter(is_asked).cloned().collect();
        }
        Ok(result)
    });
    results.collect()
}

fn named(subject: Subject, row: usize, id: &str) -> Result<&'static Task, PredictionsError> {
    let refused = |message: String| PredictionsError(format!("row {row}: {message}"));
    match subject {
        Subject::Task(task) if task.id() == id => Ok(task),
        Subject::Task(task) => {
            Err(refused(format!("it is of the task {id:?}, not of {}; score them with --suite", task.id())))
        }
        Subject::Suite(suite) => task(id).filter(|task| suite.tasks.contains(&task.id())).ok_or_else(|| {
            refused(format!("{id:?} is no task of the suite {}; it has {}", suite.id, suite.tasks.join(", ")))
        }),
    }
}

fn task_of_columns(subject: Subject, columns: &[String]) -> Result<&'static Task, String> {
    let suite = match subject {
        Subject::Task(task) => return Ok(task),
        Subject::Suite(suite) => suite,
    };
    let of_suite = || tasks().iter().copied().filter(|task| suite.tasks.contains(&task.id()));
    let has = |name: &str| columns.iter().any(|column| column == name);
    let asked = |task: &&Task| task.fields().iter().all(|field| field.names().any(has));
    // A file for replacing groups has the columns of adding them, too: the task that uses most of them is meant.
    let most = of_suite().filter(asked).map(|task| task.fields().len()).max().unwrap_or(0);
    let mut found = of_suite().filter(asked).filter(|task| task.fields().len() == most);
    match (found.next(), found.next()) {
        (Some(task), None) => Ok(task),
        _ => {
            let names = |task: &Task| {
                let names = |field: &Field| field.names().collect::<Vec<_>>().join(" or ");
                task.fields().iter().map(names).collect::<Vec<_>>().join(", ")
            };
            let inputs: Vec<String> = of_suite().map(|task| format!("{} ({})", task.id(), names(task))).collect();
            Err(format!(
                "the columns do not tell which task of the suite {} this is: {}; name it with --task, or in a column `task`",
                suite.id,
                inputs.join(", ")
            ))
        }
    }
}

fn score_task(
    task: &'static Task,
    paper: Option<&'static Paper>,
    resources: &Resources,
    rows: &[&Predicted],
) -> Result<TaskResult, PredictionsError> {
    let longest = rows.iter().map(|row| row.predictions.len()).max().unwrap_or(0);
    // Zeros and ones are labels.
    let has_probabilities = rows.iter().filter_map(|row| probability(row)).any(|number| number != 0.0 && number != 1.0);
    let lacks = |need: &Need| match need {
        Need::Judgement => false,
        Need::Probability => !has_probabilities,
        need => !resources.has(*need),
    };
    let (absent, wanted): (Vec<Wanted>, Vec<Wanted>) =
        wanted_metrics(task, paper, longest)?.into_iter().partition(|(_, metric)| metric.needs.iter().any(lacks));
    let absent = absent
        .into_iter()
        .map(|(_, metric)| Absent { id: metric.id, needs: metric.needs.iter().copied().filter(lacks).collect() })
        .collect();
    let scored: Vec<(ScoredRow, Vec<_>)> =
        rows.par_iter().map(|row| score_row(task, &wanted, resources, row)).collect();
    let (rows, sums): (Vec<ScoredRow>, Vec<Vec<_>>) = scored.into_iter().unzip();
    let metrics = wanted
        .iter()
        .enumerate()
        .map(|(index, (name, metric))| {
            let column: Vec<_> = sums.iter().map(|row| row[index]).collect();
            (*name, *metric, aggregate(metric, &column))
        })
        .collect();
    Ok(TaskResult { task, paper, told_by: Vec::new(), metrics, absent, rows })
}

/// A name to print and the metric.
type Wanted = (&'static str, &'static Metric);

/// The task's metrics, or the paper's; of those that look at several predictions, the ones that can differ when no row has more than
/// `longest`.
fn wanted_metrics(
    task: &'static Task,
    paper: Option<&'static Paper>,
    longest: usize,
) -> Result<Vec<Wanted>, PredictionsError> {
    let all: Vec<Wanted> = match paper {
        None => task.metrics().map(|metric| (metric.title, metric)).collect(),
        Some(paper) => {
            let named = |(name, id): &(&'static str, &str)| Some((*name, chemr_tasks::metrics::metric(id)?));
            paper.metrics(task.id()).iter().filter_map(named).collect()
        }
    };
    if let Some(paper) = paper.filter(|_| all.is_empty()) {
        let message = format!("{} reports no metric for {}; leave out --as {}", paper.id, task.id(), paper.id);
        return Err(PredictionsError(message));
    }
    let differs = |metric: &Metric| {
        let fewer = all.iter().map(|(_, other)| other.predictions).filter(|other| *other < metric.predictions).max();
        fewer.is_none_or(|fewer| fewer < longest)
    };
    Ok(all.iter().copied().filter(|(_, metric)| differs(metric)).collect())
}

/// The number in the row's column of probabilities.
fn probability(row: &Predicted) -> Option<f64> {
    row.fields.get(PROBABILITY).and_then(|text| number(text))
}

fn score_row(task: &Task, wanted: &[Wanted], resources: &Resources, row: &Predicted) -> (ScoredRow, Vec<Option<Sums>>) {
    let answers: Vec<Option<&str>> = row.predictions.iter().map(|text| task.kind().answer(text)).collect();
    let texts: Vec<&str> = answers.iter().map(|answer| answer.unwrap_or("")).collect();
    let mut pair = Pair::new(&row.reference, &texts).with_resources(resources);
    if wanted.iter().any(|(_, metric)| metric.needs.contains(&Need::Judgement)) {
        pair = pair.judged(judge(task, row, answers.first().copied().flatten()));
    }
    if let Some(probability) = probability(row) {
        pair = pair.with_probability(probability);
    }
    let is_blank = row.predictions.first().is_none_or(|text| text.trim().is_empty());
    let fault = match answers.first() {
        _ if is_blank => Some(Fault::Missing),
        // A completion without an answer is there, but cannot be read.
        Some(None) => Some(Fault::Unparsable),
        _ => task.kind().fault(&pair),
    };
    let has_reference = task.kind().has_reference(&pair) && !pair.is_broken();
    let sums: Vec<_> = wanted.iter().map(|(_, metric)| metric.row(&pair).filter(|_| has_reference)).collect();
    let values = wanted.iter().zip(&sums).map(|((_, metric), sums)| metric.value(sums.as_ref()?)).collect();
    (ScoredRow { row: row.row, has_reference, fault, values }, sums)
}

/// What the task's verifier says about an answer; also for none, because the row itself may be broken.
fn judge(task: &Task, row: &Predicted, answer: Option<&str>) -> Judgement {
    let example = task.row(&row.fields, &row.reference);
    let judgement = task.judge(&example, answer.unwrap_or_default(), Mode::Loose);
    match answer {
        None if judgement.reason != Reason::BrokenExample => Judgement::unreadable(Reason::NoAnswer),
        _ => judgement,
    }
}
