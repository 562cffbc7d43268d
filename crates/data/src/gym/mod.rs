//! The gym: seeded generators of examples with exact references.
//!
//! An example is a pure function of the seed, the task, the split and its index, so that any part of a stream can be
//! made anywhere, in any order and on any number of threads. Training, validation and test streams share no key
//! molecule: see [`crate::split_of`]. Levels, rules and metadata are described in `docs/gym.md`.

mod balance;
mod caption;
mod cot;
mod demand;
mod edit;
mod formula;
mod fragment;
mod groups;
mod molecule;
mod name;
mod optimise;
mod pair;
mod polarity;
mod reaction;
mod reagent_choice;
mod selective;
mod smarts;
mod yield_rule;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chemr_chem::Mol;
use chemr_tasks::{Example, Split};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::DataError;
use crate::rng::Rng;
use crate::split::split_of;

/// The `source` of generated examples.
pub const SOURCE: &str = "gym";

/// How often a generator tries to meet split, label and uniqueness before it gives up. The test split takes one
/// molecule in twenty, so the number is generous.
const ATTEMPTS: u32 = 20_000;

/// What a gym is made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GymConfig {
    /// Seed of all streams.
    pub seed: u64,
    /// Difficulty levels to draw from evenly: any of [`Gym::LEVELS`]. A level given twice is drawn twice as often.
    pub levels: Vec<u8>,
}

/// A source of generated examples.
#[derive(Clone, Debug)]
pub struct Gym {
    config: GymConfig,
}

/// One attempt's surroundings, handed to the generators.
struct Draw<'a> {
    rng: &'a mut Rng,
    level: u8,
    split: Split,
}

impl Gym {
    /// Ids of the tasks that the gym can make, in the order of the task registry.
    pub const TASKS: [&'static str; 26] = [
        "name.smiles_to_formula",
        "name.iupac_to_smiles",
        "name.smiles_to_iupac",
        "name.iupac_to_formula",
        "name.formula_to_smiles",
        "property.polarity_rule",
        "molecule_design",
        "molecule_captioning",
        "reaction_prediction",
        "retrosynthesis",
        "reagent.selection_rule",
        "yield.rule",
        "tomg.atom_num",
        "tomg.bond_num",
        "tomg.functional_group",
        "tomg.add",
        "tomg.del",
        "tomg.sub",
        "tomg.logp",
        "tomg.mr",
        "tomg.qed",
        "cot.group_count",
        "cot.ring_count",
        "cot.murcko_scaffold",
        "cot.same_molecule",
        "cot.has_ring_system",
    ];

    /// The levels of difficulty, easiest first.
    pub const LEVELS: [u8; 5] = [1, 2, 3, 4, 5];

    /// A gym.
    ///
    /// # Errors
    /// [`DataError::Levels`] when the list is empty or holds anything but [`Gym::LEVELS`].
    pub fn new(config: GymConfig) -> Result<Gym, DataError> {
        if config.levels.is_empty() || config.levels.iter().any(|level| !Gym::LEVELS.contains(level)) {
            return Err(DataError::Levels { levels: config.levels });
        }
        Ok(Gym { config })
    }

    /// The configuration.
    pub fn config(&self) -> &GymConfig {
        &self.config
    }

    /// One example: a pure function of seed, levels, task, split and index.
    ///
    /// # Errors
    /// [`DataError::UnknownTask`]; [`DataError::Exhausted`] when no example was found within the
    /// bounded number of attempts.
    pub fn example(&self, task: &str, split: Split, index: u64) -> Result<Example, DataError> {
        let mut rng = Rng::at(self.config.seed, task, split.as_str(), index);
        let level = rng.pick(&self.config.levels).copied().unwrap_or(1);
        let draw = Draw { rng: &mut rng, level, split };
        let place = optimise::Place { seed: self.config.seed, levels: self.config.levels.len(), index };
        let made = match task {
            "name.smiles_to_formula" => formula::example(draw),
            "name.iupac_to_smiles" => name::example(draw, name::Direction::Smiles),
            "name.smiles_to_iupac" => name::example(draw, name::Direction::Name),
            "name.iupac_to_formula" => name::example(draw, name::Direction::Formula),
            "name.formula_to_smiles" => demand::isomer(draw),
            "property.polarity_rule" => polarity::example(draw),
            "molecule_design" => caption::design(draw),
            "molecule_captioning" => caption::captioning(draw),
            "reaction_prediction" => reaction::example(draw, reaction::Direction::Forward),
            "retrosynthesis" => reaction::example(draw, reaction::Direction::Retro),
            "reagent.selection_rule" => reagent_choice::example(draw),
            "yield.rule" => yield_rule::example(draw),
            "tomg.atom_num" => demand::atoms(draw),
            "tomg.bond_num" => demand::bonds(draw),
            "tomg.functional_group" => groups::example(draw),
            "tomg.add" => edit::example(draw, edit::Edit::Add),
            "tomg.del" => edit::example(draw, edit::Edit::Remove),
            "tomg.sub" => edit::example(draw, edit::Edit::Replace),
            "tomg.logp" => optimise::example(draw, &optimise::LOGP, place),
            "tomg.mr" => optimise::example(draw, &optimise::MR, place),
            "tomg.qed" => optimise::example(draw, &optimise::QED, place),
            "cot.group_count" => cot::group_count(draw),
            "cot.ring_count" => cot::ring_count(draw),
            "cot.murcko_scaffold" => cot::scaffold(draw),
            "cot.same_molecule" => cot::same_molecule(draw),
            "cot.has_ring_system" => cot::ring_system(draw),
            other => {
                return Err(DataError::UnknownTask { task: other.to_string(), known: Gym::TASKS.join(", ") });
            }
        };
        made?.ok_or_else(|| DataError::Exhausted {
            task: task.to_string(),
            level,
            split: split.as_str(),
            index,
            attempts: ATTEMPTS,
        })
    }

    /// A range of examples, made on all threads of the current rayon pool; the result does not depend on their number.
    ///
    /// # Errors
    /// As [`Gym::example`]; the first in the order of the indices.
    pub fn examples(&self, task: &str, split: Split, range: Range<u64>) -> Result<Vec<Example>, DataError> {
        let made: Vec<Result<Example, DataError>> =
            range.into_par_iter().map(|index| self.example(task, split, index)).collect();
        made.into_iter().collect()
    }
}

impl Gym {
    /// The first `count` examples of a stream that ask different questions, in the order of their indices: what an
    /// evaluation wants, because the small spaces of level 1 repeat themselves. Fewer when the stream gives out, which
    /// is taken to be so after `20 * count + 200` indices, or 4,000 without a new question.
    ///
    /// # Errors
    /// As [`Gym::example`].
    pub fn distinct(&self, task: &str, split: Split, count: usize) -> Result<Vec<Example>, DataError> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::with_capacity(count);
        let (mut next, mut newest, last) = (0u64, 0u64, 20 * count as u64 + 200);
        while found.len() < count && next < last && next < newest + 4_000 {
            let batch = (count - found.len()).clamp(16, 4_096) as u64;
            for (index, example) in (next..).zip(self.examples(task, split, next..next + batch)?) {
                if found.len() < count && seen.insert(question_key(&example)) {
                    found.push(example);
                    newest = index;
                }
            }
            next += batch;
        }
        Ok(found)
    }
}

/// What makes two questions the same: the input, for reactants and groups in any order.
fn question_key(example: &Example) -> Vec<String> {
    example
        .input
        .iter()
        .map(|(field, value)| {
            let separator = match field.as_str() {
                "reactants" => ".",
                "groups" => ", ",
                _ => return value.clone(),
            };
            let mut parts: Vec<&str> = value.split(separator).collect();
            parts.sort_unstable();
            parts.join(separator)
        })
        .collect()
}

/// Parses what the gym has written; a failure is a fault of the gym and says so.
fn molecule(what: &'static str, smiles: &str) -> Result<Mol, DataError> {
    Mol::parse(smiles).map_err(|source| DataError::Chem { what, smiles: smiles.to_string(), source })
}

/// Builds an example of the gym.
fn finish(
    task: &str,
    draw: &Draw<'_>,
    input: (&str, String),
    reference: String,
    meta: impl IntoIterator<Item = (&'static str, String)>,
) -> Example {
    finish_fields(task, draw, [input], reference, meta)
}

/// Builds an example whose question shows several fields.
fn finish_fields<'a>(
    task: &str,
    draw: &Draw<'_>,
    input: impl IntoIterator<Item = (&'a str, String)>,
    reference: String,
    meta: impl IntoIterator<Item = (&'static str, String)>,
) -> Example {
    let input: BTreeMap<String, String> = input.into_iter().map(|(key, text)| (key.to_string(), text)).collect();
    let meta = meta.into_iter().map(|(key, value)| (key.to_string(), value)).collect();
    Example::new(task, SOURCE, draw.split, draw.level, input, reference, meta)
}

impl Draw<'_> {
    /// Picks a type of reaction and makes `tries` attempts at it, for the held-out splits twenty times as many, before another is picked:
    /// so the types come about equally often, though some give a question more rarely than others.
    fn by_type<T>(
        mut self,
        types: &[T],
        tries: u32,
        attempt: impl Fn(&mut Self, &T) -> Result<Option<Example>, DataError>,
    ) -> Result<Option<Example>, DataError> {
        // Nine of ten products belong to the training split, one of twenty to each of the others.
        let tries = if self.split == Split::Train { tries } else { 20 * tries };
        for _ in 0..ATTEMPTS / tries {
            let Some(one) = self.rng.pick(types) else { return Ok(None) };
            for _ in 0..tries {
                if let Some(example) = attempt(&mut self, one)? {
                    return Ok(Some(example));
                }
            }
        }
        Ok(None)
    }

    /// Whether this molecule belongs to the wanted split.
    fn wants(&self, canonical: &str) -> bool {
        split_of(canonical) == self.split
    }
}

/// Joins items with semicolons.
fn list<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(";")
}

#[cfg(test)]
mod tests;
