//! Training examples by position, from the gym or from files.

use std::collections::BTreeMap;

use chemr_data::prepare::{PreparedRows, Shards};
use chemr_data::{Gym, GymConfig};
use chemr_protocol::{Trace, has_protocol};
use chemr_tasks::{Example, Prompt, Prompts, Split, Task};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::align::align;
use crate::error::TrainError;
use crate::manifest::file_sha256;
use crate::paths::{expand_root, import, open_prepared};
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
    /// Training rows of a prepared folder, which stay in their file: their numbers there by task, in the order of `tasks`.
    Prepared {
        rows: PreparedRows,
        numbers: Vec<Vec<u32>>,
        /// By task: whether every row holds the completion to train on.
        has_completions: Vec<bool>,
        /// The rows as tokens, where the recipe asks for them.
        shards: Option<Shards>,
    },
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
            "prepared" => Self::prepared(&recipe.data, prompts, recipe.run.seed),
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

    fn prepared(data: &DataSection, prompts: Prompts, seed: u64) -> Result<Self, TrainError> {
        let (path, rows) = open_prepared(data, Split::Train)?;
        let fail = |message: String| TrainError::Data { context: path.display().to_string(), message };
        let mut order: Vec<String> = data.tasks.clone();
        let mut by_task: BTreeMap<String, (Vec<u32>, bool)> = BTreeMap::new();
        let tasks_of_rows: Vec<(String, bool)> = (0..rows.len() as u64)
            .into_par_iter()
            .map(|number| {
                let row = rows.get(number, Trace::text_of).map_err(TrainError::data("reading prepared rows"))?;
                Ok(row.map(|(example, completion)| (example.task, completion.is_some())).unwrap_or_default())
            })
            .collect::<Result<_, TrainError>>()?;
        for (number, (task, has_completion)) in tasks_of_rows.into_iter().enumerate() {
            if data.tasks.is_empty() && !order.contains(&task) {
                order.push(task.clone());
            }
            let number = u32::try_from(number).map_err(|_| fail("holds too many rows".into()))?;
            let (numbers, has_completions) = by_task.entry(task).or_insert((Vec::new(), true));
            numbers.push(number);
            *has_completions &= has_completion;
        }
        if order.is_empty() {
            return Err(fail("holds no rows; prepare some with `chemr data prepare`".into()));
        }
        let tasks = order.iter().map(|id| find_task(id)).collect::<Result<Vec<_>, _>>()?;
        let (mut numbers, mut has_completions) = (Vec::new(), Vec::new());
        for id in &order {
            let (mut rows, is_told) = by_task.remove(id).ok_or_else(|| fail(format!("holds no rows of {id}")))?;
            if data.max_rows > 0 {
                rows.truncate(data.max_rows);
            }
            numbers.push(rows);
            has_completions.push(is_told);
        }
        let mut notes = vec![format!("{}: {} training rows", path.display(), rows.len())];
        let mut hash = Sha256::new();
        hash.update(file_sha256(&path)?);
        order.iter().zip(&numbers).for_each(|(id, rows)| hash.update(format!(" {id} {}", rows.len())));
        let open = || Shards::open(&expand_root(&data.root)?, Split::Train).map_err(TrainError::data("data.shards"));
        let shards = data.shards.then(open).transpose()?;
        if let Some(shards) = &shards {
            shards.shards().iter().for_each(|shard| hash.update(shard.sha256()));
            notes.push(format!("{} tokens in {} packed sequences", shards.tokens(), shards.sequences()));
        }
        let kind = Kind::Prepared { rows, numbers, has_completions, shards };
        Ok(Self { tasks, kind, prompts, seed, fingerprint: hex(&hash.finalize()), notes })
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
            Kind::Prepared { numbers, .. } => numbers.get(task).map(Vec::len),
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
            Kind::Prepared { .. } => {
                let (path, rows) = open_prepared(data, split)?;
                let mut found: Vec<Vec<Example>> = vec![Vec::new(); self.tasks.len()];
                for number in 0..rows.len() as u64 {
                    if found.iter().all(|rows| rows.len() >= count) {
                        break;
                    }
                    let row = rows.get(number, Trace::text_of).map_err(TrainError::data("reading prepared rows"))?;
                    let Some((example, _)) = row else { break };
                    let place = self.tasks.iter().position(|task| task.id() == example.task);
                    if let Some(rows) = place.map(|place| &mut found[place]).filter(|rows| rows.len() < count) {
                        rows.push(example);
                    }
                }
                match self.tasks.iter().zip(&found).find(|(_, rows)| rows.is_empty()) {
                    Some((task, _)) => {
                        let message = format!("{} holds no rows of it", path.display());
                        Err(TrainError::Data { context: task.id().into(), message })
                    }
                    None => Ok(found),
                }
            }
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

    /// The tasks for which the phase distill would have nothing to train on: no protocol to write traces by, and rows without completions.
    pub(crate) fn tasks_without_traces(&self) -> Vec<&'static str> {
        let is_told = |place: usize| match &self.kind {
            Kind::Prepared { has_completions, .. } => has_completions[place],
            Kind::Gym(_) | Kind::Rows(_) => false,
        };
        let tasks = self.tasks.iter().enumerate();
        tasks.filter(|(place, task)| !has_protocol(task) && !is_told(*place)).map(|(_, task)| task.id()).collect()
    }

    /// The completion that the row at `position` of task number `task` holds, beside the example: a trace or an answer that training takes as it
    /// is.
    pub(crate) fn row(
        &self,
        phase: PhaseKind,
        task: usize,
        position: u64,
    ) -> Result<(Example, Option<String>), TrainError> {
        let Kind::Prepared { numbers, .. } = &self.kind else {
            return Ok((self.example(phase, task, position)?, None));
        };
        let of_task = &numbers[task];
        let number = of_task[self.place(phase, task, position, of_task.len()) as usize];
        let row = self.prepared_row(u64::from(number))?;
        let none =
            || TrainError::Data { context: "reading prepared rows".into(), message: format!("row {number} is gone") };
        let (mut example, completion) = row.ok_or_else(none)?;
        align(&mut example);
        Ok((example, completion))
    }

    /// A line of the training rows of a prepared folder, counted from 0, as it stands; `None` past the end and of other sources.
    pub(crate) fn prepared_row(&self, line: u64) -> Result<Option<(Example, Option<String>)>, TrainError> {
        let Kind::Prepared { rows, .. } = &self.kind else { return Ok(None) };
        rows.get(line, Trace::text_of).map_err(TrainError::data("reading prepared rows"))
    }

    /// The token shards that the foundation phase trains on in place of the rows.
    pub(crate) fn shards(&self) -> Option<&Shards> {
        match &self.kind {
            Kind::Prepared { shards, .. } => shards.as_ref(),
            Kind::Gym(_) | Kind::Rows(_) => None,
        }
    }

    /// Where position `position` of a task of `count` rows stands: an epoch after the other, each in another order.
    fn place(&self, phase: PhaseKind, task: usize, position: u64, count: usize) -> u64 {
        let n = count as u64;
        let key = mix(&[self.seed, Use::Rows as u64, phase as u64, task as u64, position / n]);
        permute(position % n, n, key)
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
                let mut example = rows[self.place(phase, task, position, rows.len()) as usize].clone();
                align(&mut example);
                Ok(example)
            }
            Kind::Prepared { .. } => Ok(self.row(phase, task, position)?.0),
        }
    }
}

/// The tasks of a recipe that names none: those of the gym that all phases can train, for which there is a protocol.
fn taught_tasks() -> Vec<String> {
    let taught = |id: &&str| chemr_tasks::task(id).is_some_and(has_protocol);
    Gym::TASKS.into_iter().filter(taught).map(String::from).collect()
}

pub(crate) fn find_task(id: &str) -> Result<&'static Task, TrainError> {
    chemr_tasks::task(id).ok_or_else(|| {
        let known: Vec<&str> = chemr_tasks::tasks().iter().map(|task| task.id()).collect();
        TrainError::Data {
            context: "data.tasks".into(),
            message: format!("unknown task `{id}`; known: {}", known.join(", ")),
        }
    })
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
