//! Metrics, and what there is.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chemr_data::predictions::{Predicted, Predictions};
use chemr_scoring::predictions::{Subject, score_predictions};
use chemr_tasks::metrics::{Need, Pair, aggregate};
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use serde_json::json;

use crate::refused;
use crate::resources::resources;
use crate::signals::undisturbed;

/// Scores predictions (ranked, best first) as `chemr score` does; the JSON text of its result.
#[pyfunction]
#[pyo3(signature = (task, predictions, references, columns, paper = None, wordpiece = None, wordnet = None))]
// The arguments of the Python function, one by one.
#[allow(clippy::too_many_arguments)]
pub fn score(
    py: Python<'_>,
    task: &str,
    predictions: Vec<Vec<String>>,
    references: Vec<String>,
    columns: BTreeMap<String, Vec<Option<String>>>,
    paper: Option<&str>,
    wordpiece: Option<PathBuf>,
    wordnet: Option<PathBuf>,
) -> PyResult<String> {
    let known = chemr_tasks::task(task).ok_or_else(|| PyKeyError::new_err(format!("unknown task {task:?}")))?;
    let paper = match paper {
        Some(id) => {
            Some(chemr_tasks::suites::paper(id).ok_or_else(|| PyKeyError::new_err(format!("unknown paper {id:?}")))?)
        }
        None => None,
    };
    let rows = predictions.len();
    let lengths = columns.iter().map(|(name, column)| (name.as_str(), column.len()));
    if let Some((name, length)) =
        [("references", references.len())].into_iter().chain(lengths).find(|(_, length)| *length != rows)
    {
        return Err(PyValueError::new_err(format!("{name} has {length} entries for {rows} predictions")));
    }
    py.detach(|| {
        let field = |place: usize| {
            columns.iter().filter_map(|(name, column)| Some((name.clone(), column[place].clone()?))).collect()
        };
        let rows = predictions.into_iter().zip(references).enumerate();
        let rows = rows.map(|(place, (predictions, reference))| Predicted {
            row: place + 1,
            reference,
            predictions,
            task: None,
            fields: field(place),
        });
        let file = Predictions { columns: columns.keys().cloned().collect(), rows: rows.collect() };
        let resources = resources(wordpiece.as_deref(), wordnet.as_deref()).map_err(refused)?;
        let scored = undisturbed(|| score_predictions(Subject::Task(known), paper, &resources, &file));
        let found = scored.map_err(refused)?;
        let none = || json!({"task": known.id(), "n": 0, "metrics": {}, "counts": {}});
        Ok(found.first().map_or_else(none, |result| result.json()).to_string())
    })
}

/// Value, ends of its interval, rows that counted.
type Measured = (Option<f64>, Option<f64>, Option<f64>, usize);

/// One metric over pairs.
#[pyfunction]
#[pyo3(signature = (id, references, predictions, wordpiece = None, wordnet = None))]
pub fn metric(
    py: Python<'_>,
    id: &str,
    references: Vec<String>,
    predictions: Vec<Vec<String>>,
    wordpiece: Option<PathBuf>,
    wordnet: Option<PathBuf>,
) -> PyResult<Measured> {
    let known =
        chemr_tasks::metrics::metric(id).ok_or_else(|| PyKeyError::new_err(format!("unknown metric {id:?}")))?;
    let is_given = |need: Need| match need {
        Need::Judgement | Need::Probability => Err("use chemr.score"),
        Need::Vocabulary => wordpiece.as_ref().ok_or("give its path as `wordpiece`"),
        Need::WordNet => wordnet.as_ref().ok_or("give their folder as `wordnet`"),
    };
    for need in known.needs {
        if let Err(remedy) = is_given(*need) {
            return Err(PyValueError::new_err(format!("{id} needs {}; {remedy}", need.title())));
        }
    }
    if references.len() != predictions.len() {
        let message = format!("{} references for {} predictions", references.len(), predictions.len());
        return Err(PyValueError::new_err(message));
    }
    let found = py.detach(|| {
        let resources = resources(wordpiece.as_deref(), wordnet.as_deref()).map_err(refused)?;
        let row = |(reference, ranked): (&String, &Vec<String>)| {
            let texts: Vec<&str> = ranked.iter().map(String::as_str).collect();
            known.row(&Pair::new(reference, &texts).with_resources(&resources))
        };
        let rows = || references.iter().zip(&predictions).map(row).collect::<Vec<_>>();
        Ok::<_, PyErr>(undisturbed(|| aggregate(known, &rows())))
    })?;
    Ok((found.value, found.low, found.high, found.n))
}

/// All metrics: `[(id, version, title, documentation), ...]`.
#[pyfunction]
pub fn metrics() -> Vec<(&'static str, u32, &'static str, String)> {
    let all = chemr_tasks::metrics::metrics().iter();
    all.map(|metric| (metric.id, metric.version, metric.title, metric.documentation())).collect()
}

/// All tasks: `[(id, title, family, field keys, documentation), ...]`.
#[pyfunction]
pub fn tasks() -> Vec<(&'static str, &'static str, &'static str, Vec<&'static str>, String)> {
    let keys = |task: &chemr_tasks::Task| task.fields().iter().map(|field| field.key).collect();
    let all = chemr_tasks::tasks().iter();
    all.map(|task| (task.id(), task.title(), task.family(), keys(task), chemr_tasks::documentation(task))).collect()
}

/// All suites: `[(id, about, task ids), ...]`.
#[pyfunction]
pub fn suites() -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    chemr_tasks::suites::suites().iter().map(|suite| (suite.id, suite.about, suite.tasks.to_vec())).collect()
}
