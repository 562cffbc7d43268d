//! Training examples by position, from the gym or from files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chemr_data::import::Imported;
use chemr_data::{Gym, GymConfig};
use chemr_tasks::{Example, Prompt, Prompts, Split, Task};
use sha2::{Digest, Sha256};

use crate::align::align;
use crate::error::TrainError;
use crate::phase::PhaseKind;
use crate::recipe::{DataSection, Recipe, hex};
use crate::seed::{Use, mix, permute};

/// Training examples: any position of any task, the same for the same recipe.
pub struct Source {
    tasks: Vec<&'static Task>,
    kind: Kind,
    prompts: Prompts,
    seed: u64,
    fingerprint: String,
    notes: Vec<String>,
}

enum Kind {
    Gym(Gym),
    /// Training rows by task, in the order of `tasks`.
    Rows(Vec<Vec<Example>>),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("tasks", &self.task_ids()).field("fingerprint", &self.fingerprint).finish()
    }
}

impl Source {
    /// Opens the source of a recipe: reads its prompts, makes the gym or reads the files.
    ///
    /// # Errors
    /// Prompts that cannot be read, unknown task or importer, missing files, a task without training rows.
    pub fn open(recipe: &Recipe) -> Result<Self, TrainError> {
        let prompts = recipe.load_prompts()?;
        match recipe.data.source.as_str() {
            "files" => Self::files(&recipe.data, prompts, recipe.run.seed),
            _ => Self::gym(&recipe.data, prompts, recipe.run.seed),
        }
    }

    fn gym(data: &DataSection, prompts: Prompts, seed: u64) -> Result<Self, TrainError> {
        let ids: Vec<String> = if data.tasks.is_empty() { taught_tasks() } else { data.tasks.clone() };
        let tasks = ids.iter().map(|id| find_task(id)).collect::<Result<Vec<_>, _>>()?;
        let gym = Gym::new(GymConfig { seed: data.gym_seed, levels: data.levels.clone() })
            .map_err(TrainError::data("opening the gym"))?;
        let mut source =
            Self { tasks, kind: Kind::Gym(gym), prompts, seed, fingerprint: String::new(), notes: Vec::new() };
        let mut hash = Sha256::new();
        for task in 0..source.tasks.len() {
            // The first rows stand for all: a gym that changed in any rule changes some of them.
            for position in 0..16 {
                let example = source.example(PhaseKind::Foundation, task, position)?;
                hash.update(example.id.as_bytes());
                hash.update(format!("{:?}", example.meta).as_bytes());
            }
        }
        source.fingerprint = hex(&hash.finalize());
        Ok(source)
    }

    fn files(data: &DataSection, prompts: Prompts, seed: u64) -> Result<Self, TrainError> {
        let root = expand_root(&data.root)?;
        if data.imports.is_empty() {
            return Err(TrainError::Data {
                context: "data.imports".into(),
                message: "names no importer although data.source is `files`".into(),
            });
        }
        let mut by_task: BTreeMap<String, Vec<Example>> = BTreeMap::new();
        let mut order: Vec<String> = Vec::new();
        let mut notes = Vec::new();
        let imported = import(data, &root, Split::Train)?;
        for (name, imported) in data.imports.iter().zip(imported) {
            let mut rows = imported.examples;
            notes.push(format!("{name}: {} training rows, {} rejected", rows.len(), imported.rejects.len()));
            if data.max_rows > 0 {
                rows.truncate(data.max_rows);
            }
            for row in rows {
                if !order.contains(&row.task) {
                    order.push(row.task.clone());
                }
                by_task.entry(row.task.clone()).or_default().push(row);
            }
        }
        if !data.tasks.is_empty() {
            order = data.tasks.clone();
        }
        let tasks = order.iter().map(|id| find_task(id)).collect::<Result<Vec<_>, _>>()?;
        let mut hash = Sha256::new();
        let mut rows = Vec::new();
        for id in &order {
            let examples = by_task.remove(id).unwrap_or_default();
            if examples.is_empty() {
                return Err(TrainError::Data {
                    context: id.clone(),
                    message: format!("no training rows from {}", data.imports.join(", ")),
                });
            }
            examples.iter().for_each(|example| hash.update(example.id.as_bytes()));
            rows.push(examples);
        }
        Ok(Self { tasks, kind: Kind::Rows(rows), prompts, seed, fingerprint: hex(&hash.finalize()), notes })
    }

    /// The tasks, in order.
    pub fn tasks(&self) -> &[&'static Task] {
        &self.tasks
    }

    /// The words of the questions.
    pub fn prompts(&self) -> &Prompts {
        &self.prompts
    }

    /// The prompt of an example of task number `task`.
    pub(crate) fn question(&self, task: usize, example: &Example) -> Prompt {
        self.prompts.question(self.tasks[task], example)
    }

    /// Ids of the tasks, in order.
    pub fn task_ids(&self) -> Vec<&'static str> {
        self.tasks.iter().map(|task| task.id()).collect()
    }

    /// Whether `shares` is empty or has one number per task.
    pub(crate) fn rows_fit(&self, shares: &[u32]) -> bool {
        shares.is_empty() || shares.len() == self.tasks.len()
    }

    /// SHA-256 over what identifies the data.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Lines worth telling the user (rows read, rows rejected).
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Number of training rows of task number `task`; `None` when there is no end to them.
    pub fn rows(&self, task: usize) -> Option<usize> {
        match &self.kind {
            Kind::Gym(_) => None,
            Kind::Rows(rows) => rows.get(task).map(Vec::len),
        }
    }

    /// At most `count` held-out examples of every task, in the order of [`Source::tasks`]: different ones of the gym, the first
    /// ones of a file as published. `data` is the section that this source was opened with.
    ///
    /// # Errors
    /// Missing files, a task without rows in this split.
    pub fn held_out(&self, data: &DataSection, split: Split, count: usize) -> Result<Vec<Vec<Example>>, TrainError> {
        let ids = self.tasks.iter().map(|task| task.id());
        match &self.kind {
            Kind::Gym(gym) => ids
                .map(|id| {
                    gym.distinct(id, split, count).map_err(TrainError::data(format!("held-out questions of {id}")))
                })
                .collect(),
            Kind::Rows(_) => {
                let imported = import(data, &expand_root(&data.root)?, split)?;
                let all: Vec<Example> = imported.into_iter().flat_map(|imported| imported.examples).collect();
                ids.map(|id| {
                    let rows: Vec<Example> = all.iter().filter(|row| row.task == id).take(count).cloned().collect();
                    let none = || TrainError::Data {
                        context: id.into(),
                        message: format!("no {split} rows from {}", data.imports.join(", ")),
                    };
                    if rows.is_empty() { Err(none()) } else { Ok(rows) }
                })
                .collect()
            }
        }
    }

    /// The training example at `position` of task number `task` in `phase`. Positions have no end: the gym goes on
    /// making examples, files start a new epoch in another order.
    ///
    /// # Errors
    /// The gym found no example.
    pub fn example(&self, phase: PhaseKind, task: usize, position: u64) -> Result<Example, TrainError> {
        match &self.kind {
            Kind::Gym(gym) => {
                let id = self.tasks[task].id();
                // Each phase has its own part of the endless row; 2^40 positions keep the parts apart.
                let start = (mix(&[self.seed, Use::Rows as u64, phase as u64]) & 0x3f_ffff) << 40;
                gym.example(id, Split::Train, start | position)
                    .map_err(TrainError::data(format!("{id}, {phase} position {position}")))
            }
            Kind::Rows(rows) => {
                let rows = &rows[task];
                let n = rows.len() as u64;
                let key = mix(&[self.seed, Use::Rows as u64, phase as u64, task as u64, position / n]);
                let mut example = rows[permute(position % n, n, key) as usize].clone();
                align(&mut example);
                Ok(example)
            }
        }
    }
}

/// The tasks of a recipe that names none: those of the gym that all phases can train, for which there is a protocol.
fn taught_tasks() -> Vec<String> {
    let taught = |id: &&str| chemr_tasks::task(id).is_some_and(has_protocol);
    Gym::TASKS.into_iter().filter(taught).map(String::from).collect()
}

/// Whether expert traces can be written for a task.
pub(crate) fn has_protocol(task: &Task) -> bool {
    chemr_protocol::protocol_for(task.family()).is_some()
}

fn find_task(id: &str) -> Result<&'static Task, TrainError> {
    chemr_tasks::task(id).ok_or_else(|| {
        let known: Vec<&str> = chemr_tasks::tasks().iter().map(|task| task.id()).collect();
        TrainError::Data {
            context: "data.tasks".into(),
            message: format!("unknown task `{id}`; known: {}", known.join(", ")),
        }
    })
}

/// Replaces a leading `$NAME` by the environment variable.
fn expand_root(root: &str) -> Result<PathBuf, TrainError> {
    let Some(rest) = root.strip_prefix('$') else {
        return Ok(PathBuf::from(root));
    };
    let (name, tail) = rest.split_once('/').map_or((rest, ""), |(name, tail)| (name, tail));
    let value = std::env::var(name).map_err(|_| TrainError::Data {
        context: "data.root".into(),
        message: format!(
            "environment variable {name} is not set; set it to the folder of the data files (docs/data.md)"
        ),
    })?;
    Ok(Path::new(&value).join(tail))
}

fn import(data: &DataSection, root: &Path, split: Split) -> Result<Vec<Imported>, TrainError> {
    let context = format!("importing from {}", root.display());
    chemr_data::import::import(&data.imports, root, split).map_err(TrainError::data(context))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The README's table is of these.
    #[test]
    fn a_recipe_without_tasks_trains_those_with_a_protocol() {
        assert_eq!(
            taught_tasks(),
            [
                "name.smiles_to_formula",
                "name.iupac_to_smiles",
                "property.polarity_rule",
                "reaction_prediction",
                "retrosynthesis",
                "tomg.functional_group",
            ]
        );
    }
}
