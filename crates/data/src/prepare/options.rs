//! What is asked for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use chemr_tasks::{suggestion, task, tasks};
use serde::Serialize;

use super::PrepareError;
use crate::export::TraceText;

/// How rows are divided into training, validation and test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitBy {
    /// As the rows say.
    Given,
    /// By a hash of the key molecule.
    Random,
    /// By Murcko scaffold, the large ones to training (as DeepChem's `ScaffoldSplitter`).
    Scaffold,
    /// By a number or date in a meta field: the newest are the test.
    Time,
    /// By clusters of similar key molecules (leader algorithm), the large ones to training.
    Cluster,
}

impl FromStr for SplitBy {
    type Err = String;

    fn from_str(text: &str) -> Result<SplitBy, String> {
        Ok(match text {
            "given" => SplitBy::Given,
            "random" => SplitBy::Random,
            "scaffold" => SplitBy::Scaffold,
            "time" => SplitBy::Time,
            "cluster" => SplitBy::Cluster,
            _ => return Err("given, random, scaffold, time or cluster".to_owned()),
        })
    }
}

/// Kind of a further spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Spelling {
    /// Atoms in random order.
    Random,
    /// Canonical from a random atom on.
    Rooted,
}

impl Spelling {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Spelling::Random => "random",
            Spelling::Rooted => "rooted",
        }
    }
}

/// Most further spellings of a row, and most aligned copies.
const MOST_COPIES: usize = 100;

/// `KIND:COPIES`: so many further spellings of each training question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Augment {
    pub spelling: Spelling,
    pub copies: usize,
}

impl FromStr for Augment {
    type Err = String;

    fn from_str(text: &str) -> Result<Augment, String> {
        let wanted = || format!("write random:K or rooted:K with K from 1 to {MOST_COPIES}, e.g. random:3");
        let (kind, copies) = text.split_once(':').ok_or_else(wanted)?;
        let spelling = match kind {
            "random" => Spelling::Random,
            "rooted" => Spelling::Rooted,
            _ => return Err(wanted()),
        };
        let copies = copies.parse().ok().filter(|copies| (1..=MOST_COPIES).contains(copies)).ok_or_else(wanted)?;
        Ok(Augment { spelling, copies })
    }
}

/// `TASK=NUMBER`; the task may be `*` for all that are not named.
#[derive(Clone, Debug, PartialEq)]
pub struct Share<T> {
    pub task: String,
    pub number: T,
}

impl<T: FromStr> FromStr for Share<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Share<T>, String> {
        let (id, number) = text.split_once('=').ok_or("write TASK=NUMBER")?;
        if id != "*" && task(id).is_none() {
            return Err(format!("there is no task `{id}`{}", suggestion(id, tasks().iter().map(|task| task.id()))));
        }
        let number = number.parse().map_err(|_| format!("`{number}` is not such a number"))?;
        Ok(Share { task: id.to_owned(), number })
    }
}

/// What happens to a row of more tokens than a sequence holds. It is never cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Overlong {
    /// Left out, counted, and listed in `dropped.jsonl`.
    Drop,
    /// Ends the preparation.
    Fail,
}

/// How tokens are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Packing {
    /// Tokens of a sequence.
    pub length: usize,
    pub overlong: Overlong,
    /// Rows that are packed together; more pack better and are shuffled less.
    pub window: usize,
    /// A shard ends when it holds so many tokens.
    pub shard_tokens: usize,
}

impl Default for Packing {
    fn default() -> Packing {
        Packing { length: 512, overlong: Overlong::Drop, window: 8192, shard_tokens: 1 << 27 }
    }
}

/// What to prepare.
#[derive(Clone, Debug, Serialize)]
pub struct Options {
    /// Folders that an import made, and files with one example a line; their hashes stand elsewhere in the manifest.
    #[serde(skip)]
    pub inputs: Vec<PathBuf>,
    pub split: SplitBy,
    /// Share of validation and test among the rows that are divided; of no effect on given splits.
    pub valid: f64,
    pub test: f64,
    pub seed: u64,
    /// Meta field that [`SplitBy::Time`] reads.
    pub time_field: String,
    /// Tanimoto similarity from which on a molecule joins a cluster.
    pub similarity: f64,
    /// Further spellings of each training question; of an aligned reaction, further alignments.
    pub augment: Option<Augment>,
    /// Root-aligned copies of each training reaction that has atom maps, the one with the canonical product among them; 0 for none.
    pub align: usize,
    /// Most training rows of a task; `*` for tasks that are not named.
    pub caps: BTreeMap<String, usize>,
    /// Weights of tasks in the mixture, 1 for those not named.
    pub weights: BTreeMap<String, f64>,
    /// Share of a task with n rows is in proportion to its weight times n^(1 / temperature).
    pub temperature: f64,
    /// Training rows of the mixture, before copies; 0 for as many as there are.
    pub rows: usize,
    /// Training rows stay in the order of the inputs.
    pub keep_order: bool,
    /// Leave lines out that are no examples, instead of failing at the first.
    pub skip_bad: bool,
    /// The text of a trace that is stored as an object.
    #[serde(skip)]
    pub trace_text: TraceText,
    pub packing: Packing,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            inputs: Vec::new(),
            split: SplitBy::Given,
            valid: 0.05,
            test: 0.05,
            seed: 1,
            time_field: "year".to_owned(),
            similarity: 0.5,
            augment: None,
            align: 0,
            caps: BTreeMap::new(),
            weights: BTreeMap::new(),
            temperature: 1.0,
            rows: 0,
            keep_order: false,
            skip_bad: false,
            trace_text: serde_json::from_value::<String>,
            packing: Packing::default(),
        }
    }
}

impl Options {
    /// Options that say what can be.
    pub(super) fn check(&self, is_tokenised: bool) -> Result<(), PrepareError> {
        let share = |share: f64| (0.0..1.0).contains(&share);
        let wrong = |message: &str| Err(PrepareError::options(message));
        if !share(self.valid) || !share(self.test) || self.valid + self.test >= 1.0 {
            return wrong("--valid and --test are shares of the rows: each at least 0, both together below 1");
        }
        if !(self.similarity > 0.0 && self.similarity <= 1.0) {
            return wrong("--similarity is above 0 and at most 1");
        }
        if !(self.temperature >= 1.0 && self.temperature.is_finite()) {
            return wrong("--temperature is at least 1: 1 keeps the tasks' proportions, higher ones even them out");
        }
        if self.weights.values().any(|weight| !(weight.is_finite() && *weight >= 0.0)) {
            return wrong("--weight is a number of at least 0");
        }
        if self.align > MOST_COPIES {
            return Err(PrepareError::options(format!("--align is at most {MOST_COPIES} copies")));
        }
        let Packing { length, window, shard_tokens, .. } = self.packing;
        if is_tokenised && (length < 2 || window == 0 || shard_tokens < length || u32::try_from(length).is_err()) {
            return wrong("--length is at least 2 tokens, and a shard holds at least one sequence");
        }
        Ok(())
    }

    /// The number for a task: its own, or that of `*`.
    pub(super) fn of<T: Copy>(numbers: &BTreeMap<String, T>, task: &str) -> Option<T> {
        numbers.get(task).or_else(|| numbers.get("*")).copied()
    }
}
