//! Held-out rows for an evaluation, from the source that a recipe names.

use anyhow::bail;
use chemr_data::tell;
use chemr_eval::TaskRows;
use chemr_tasks::Split;
use chemr_train::{PhaseKind, Recipe, Source};
use rayon::prelude::*;

/// References of this many training rows stand for the training set in the baselines.
const BASELINE_ROWS: u64 = 2000;

/// The held-out rows of every task of the recipe, whose source is `source`. Half a minute's work for the quickstart, so the
/// user is told that it begins.
pub fn held_out(recipe: &Recipe, source: &Source) -> anyhow::Result<Vec<TaskRows>> {
    let split = match recipe.eval.split.as_str() {
        "test" => Split::Test,
        "valid" => Split::Valid,
        other => bail!("eval.split is `{other}`: use `test` or `valid`"),
    };
    tell!("preparing held-out questions");
    let held_out = source.held_out(&recipe.data, split, recipe.eval.examples_per_task)?;
    let mut rows = Vec::new();
    for (number, (task, examples)) in source.tasks().iter().zip(held_out).enumerate() {
        let known = source.rows(number).map_or(BASELINE_ROWS, |rows| (rows as u64).min(BASELINE_ROWS));
        let training_references = (0..known)
            .into_par_iter()
            .map(|position| Ok(source.example(PhaseKind::Foundation, number, position)?.reference))
            .collect::<anyhow::Result<_>>()?;
        rows.push(TaskRows { task, examples, training_references });
    }
    Ok(rows)
}
