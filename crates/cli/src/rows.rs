//! Held-out rows for an evaluation, from the source that a recipe names.

use anyhow::{Context, bail};
use chemr_data::{Gym, GymConfig};
use chemr_eval::TaskRows;
use chemr_tasks::{Example, Split};
use chemr_train::{PhaseKind, Recipe, Source};

/// References of this many training rows stand for the training set in the baselines.
const BASELINE_ROWS: u64 = 2000;

/// The held-out rows of every task of the recipe.
pub fn held_out(recipe: &Recipe) -> anyhow::Result<Vec<TaskRows>> {
    let split = match recipe.eval.split.as_str() {
        "test" => Split::Test,
        "valid" => Split::Valid,
        other => bail!("eval.split is `{other}`: use `test` or `valid`"),
    };
    let source = Source::open(recipe)?;
    let mut files = if recipe.data.source == "files" { imported(recipe, split)? } else { Vec::new() };
    let gym = Gym::new(GymConfig { seed: recipe.data.gym_seed, levels: recipe.data.levels.clone() })?;
    let wanted = recipe.eval.examples_per_task;
    let mut rows = Vec::new();
    for (number, task) in source.tasks().iter().enumerate() {
        let examples = if recipe.data.source == "files" {
            let (matching, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|row| row.task == task.id());
            files = others;
            matching.into_iter().take(wanted).collect()
        } else {
            gym.distinct(task.id(), split, wanted).with_context(|| format!("held-out rows of {}", task.id()))?
        };
        if examples.is_empty() {
            bail!("{} has no {} rows in the imported files", task.id(), recipe.eval.split);
        }
        let known = source.rows(number).map_or(BASELINE_ROWS, |rows| (rows as u64).min(BASELINE_ROWS));
        let training_references = (0..known)
            .map(|position| Ok(source.example(PhaseKind::Foundation, number, position)?.reference))
            .collect::<anyhow::Result<_>>()?;
        rows.push(TaskRows { task: *task, examples, training_references });
    }
    Ok(rows)
}

fn imported(recipe: &Recipe, split: Split) -> anyhow::Result<Vec<Example>> {
    let root = chemr_train::expand_root(&recipe.data.root)?;
    let mut rows = Vec::new();
    for name in &recipe.data.imports {
        rows.extend(chemr_train::import(name, &root, split)?.0);
    }
    Ok(rows)
}
