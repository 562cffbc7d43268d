//! Rewards for batches of completions.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chemr_scoring::rewards::{Item, Shaping};
use chemr_tasks::{Mode, Prompts, Task, Verdict, task};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::refused;
use crate::signals::undisturbed;

/// Columns of a batch by name, one text (or `None`) for each completion.
type Columns = BTreeMap<String, Vec<Option<String>>>;

/// Scores completions on all cores, with the interpreter released. Safe to share by threads.
#[pyclass(frozen, module = "chemr._chemr")]
pub struct Scorer(chemr_scoring::rewards::Scorer);

#[pymethods]
impl Scorer {
    /// `shaping` is the JSON text of a shaping; missing keys have their defaults.
    #[new]
    #[pyo3(signature = (shaping = "{}", deadline = 5.0, threads = None, cache = 65536))]
    fn new(shaping: &str, deadline: f64, threads: Option<usize>, cache: usize) -> PyResult<Scorer> {
        let shaping: Shaping = serde_json::from_str(shaping).map_err(refused)?;
        let deadline = Duration::try_from_secs_f64(deadline).map_err(refused)?;
        let scorer = chemr_scoring::rewards::Scorer::new(shaping).map_err(refused)?.deadline(deadline).cached(cache);
        Ok(Scorer(match threads {
            Some(threads) => scorer.threads(threads),
            None => scorer,
        }))
    }

    /// A verdict for each completion, as a dictionary; `None` where the task is not known. `tasks`, `completions`, `references` and each of `columns` have one
    /// entry for each row.
    fn score(
        &self,
        py: Python<'_>,
        tasks: Vec<Option<String>>,
        completions: Vec<String>,
        references: Vec<Option<String>>,
        columns: Columns,
    ) -> PyResult<Vec<Option<Py<PyDict>>>> {
        let rows = completions.len();
        let lengths = columns.iter().map(|(name, column)| (name.as_str(), column.len()));
        let own = [("tasks", tasks.len()), ("references", references.len())];
        if let Some((name, length)) = own.into_iter().chain(lengths).find(|(_, length)| *length != rows) {
            return Err(PyValueError::new_err(format!("{name} has {length} entries for {rows} completions")));
        }
        let verdicts = py.detach(|| {
            let known: Vec<Option<&'static Task>> = tasks.iter().map(|id| task(id.as_deref()?)).collect();
            let mut items = Vec::with_capacity(rows);
            for (place, (completion, task)) in completions.into_iter().zip(&known).enumerate() {
                let Some(task) = *task else { continue };
                let reference = references[place].as_deref().unwrap_or_default();
                items.push(Item { task, example: task.row(&row(task, &columns, place), reference), completion });
            }
            let mut verdicts = undisturbed(|| self.0.score(items)).into_iter();
            known.iter().map(|task| task.and_then(|_| verdicts.next())).collect::<Vec<_>>()
        });
        verdicts.into_iter().map(|verdict| verdict.map(|verdict| dictionary(py, &verdict)).transpose()).collect()
    }
}

/// The columns of one row that its task reads.
fn row(task: &Task, columns: &Columns, place: usize) -> BTreeMap<String, String> {
    let read = task.fields().iter().flat_map(|field| field.names()).chain(["yields"]);
    read.filter_map(|name| Some((name.to_owned(), columns.get(name)?[place].clone()?))).collect()
}

fn dictionary(py: Python<'_>, verdict: &Verdict) -> PyResult<Py<PyDict>> {
    let made = PyDict::new(py);
    made.set_item("score", verdict.score)?;
    made.set_item("credit", verdict.credit)?;
    made.set_item("correct", verdict.correct)?;
    made.set_item("format", verdict.format)?;
    made.set_item("valid", verdict.valid)?;
    made.set_item("reason", verdict.reason.to_string())?;
    made.set_item("answer", verdict.answer.as_deref())?;
    made.set_item("parts", &verdict.parts)?;
    Ok(made.unbind())
}

/// The answer of a completion and why there is none: `(answer, reason)`, of which one is `None`.
#[pyfunction]
#[pyo3(signature = (completion, mode = "strict"))]
pub fn extract(completion: &str, mode: &str) -> PyResult<(Option<String>, Option<String>)> {
    let mode = match mode {
        "strict" => Mode::Strict,
        "loose" => Mode::Loose,
        other => return Err(PyValueError::new_err(format!("unknown mode {other:?}; there are strict and loose"))),
    };
    Ok(match chemr_tasks::extract(completion, mode).answer {
        Ok(answer) => (Some(answer.to_owned()), None),
        Err(reason) => (None, Some(reason.to_string())),
    })
}

/// The messages that ask a task: `[(role, content), ...]`, in the words of a file of prompts or of the program.
#[pyfunction]
#[pyo3(signature = (task, columns, prompts = None))]
pub fn question(
    task: &str,
    columns: BTreeMap<String, String>,
    prompts: Option<PathBuf>,
) -> PyResult<Vec<(&'static str, String)>> {
    let known = chemr_tasks::task(task).ok_or_else(|| refused(format!("unknown task {task:?}")))?;
    let own = prompts.as_deref().map(Prompts::load).transpose().map_err(refused)?;
    let prompts = own.as_ref().unwrap_or_else(|| Prompts::builtin());
    let row = known.row(&columns, "");
    if let Some(lacking) = known.fields().iter().find(|field| !row.input.contains_key(field.key)) {
        let names = lacking.names().collect::<Vec<_>>().join(" or ");
        return Err(refused(format!("{task} asks for the column {names}")));
    }
    let prompt = prompts.question(known, &row);
    Ok(vec![("system", prompt.system), ("user", prompt.user)])
}
