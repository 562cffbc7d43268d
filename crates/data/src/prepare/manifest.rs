//! What a prepared folder says about itself: `prepare.json`.

use std::collections::BTreeMap;

use chemr_tasks::{Split, tasks};
use serde::Serialize;

use super::shard::ShardNote;
use super::{Options, PrepareError, SplitBy, Tokeniser};
use crate::export::InputNote;

pub(crate) const MANIFEST_FILE: &str = "prepare.json";

/// Rows of a task in a split, stage after stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// As the inputs say.
    pub read: usize,
    /// After splitting.
    pub split: usize,
    /// Of training rows: in the mixture, before copies.
    pub mixture: usize,
    /// With copies.
    pub written: usize,
    /// Left out for their tokens.
    pub over_long: usize,
}

/// Edit distances between the two sides of reactions, as sums over rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Distances {
    pub rows: u64,
    /// As given, both sides canonical.
    pub before: u64,
    /// Root-aligned.
    pub after: u64,
}

impl Distances {
    pub(super) fn add(&mut self, before: usize, after: usize) {
        self.rows += 1;
        self.before += before as u64;
        self.after += after as u64;
    }

    /// Mean distances before and after, in characters.
    pub fn means(&self) -> (f64, f64) {
        let rows = self.rows.max(1) as f64;
        (self.before as f64 / rows, self.after as f64 / rows)
    }
}

/// A file of rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileNote {
    pub rows: u64,
    pub bytes: u64,
    pub sha256: String,
}

/// The token shards of a split.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Packed {
    pub sequences: u64,
    pub rows: u64,
    pub tokens: u64,
    /// Those that the loss is of.
    pub completion_tokens: u64,
    /// Share of the sequences' room that holds tokens.
    pub filled: f64,
    pub shards: Vec<ShardNote>,
}

/// The tokenizer that rows were tokenised with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TokenizerNote {
    pub sha256: String,
    pub vocab_size: usize,
    /// Of the words of the questions.
    pub prompts_sha256: String,
}

/// How long each pass took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Seconds {
    pub scan: f64,
    pub split: f64,
    pub write: f64,
    pub total: f64,
}

/// The contents of `prepare.json`. All but the last three members depend on inputs, options and version alone.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    /// `chemr-prepared-1`.
    pub format: &'static str,
    pub chemr_version: &'static str,
    pub inputs: Vec<InputNote>,
    pub options: Options,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<TokenizerNote>,
    /// Tasks of the rows, which shards name by their place here.
    pub tasks: Vec<&'static str>,
    /// Rows by task and split.
    pub counts: BTreeMap<&'static str, BTreeMap<&'static str, Counts>>,
    /// Groups that were kept together: molecules, scaffolds or clusters.
    pub groups: usize,
    /// Rows whose key is no molecule.
    pub without_molecule: usize,
    /// Lines that are no examples, by reason.
    pub skipped: BTreeMap<&'static str, usize>,
    /// Rows that are in no split, by reason.
    pub left_out: BTreeMap<&'static str, usize>,
    /// Copies that could not be made, by reason.
    pub not_made: BTreeMap<&'static str, usize>,
    /// Training rows of the mixture that have one spelling although more were asked for: the question holds no molecule, or must stay as it is.
    pub not_respelled: usize,
    /// Reactions that were to be aligned and could not be, by reason.
    pub unaligned: BTreeMap<&'static str, usize>,
    /// Aligned rows by split.
    pub aligned: BTreeMap<&'static str, Distances>,
    pub files: BTreeMap<String, FileNote>,
    /// Token shards by split.
    pub packed: BTreeMap<&'static str, Packed>,
    /// What the user should know before training on the rows, e.g. that a split is empty.
    pub warnings: Vec<String>,
    pub threads: usize,
    pub seconds: Seconds,
    /// The most memory that the process has held so far, in bytes; where the system tells it.
    pub peak_memory_bytes: Option<u64>,
}

impl Manifest {
    pub(super) fn new(options: &Options, tokeniser: Option<&Tokeniser<'_>>) -> Manifest {
        Manifest {
            format: "chemr-prepared-1",
            chemr_version: env!("CARGO_PKG_VERSION"),
            inputs: Vec::new(),
            options: options.clone(),
            tokenizer: tokeniser.map(|tokeniser| TokenizerNote {
                sha256: tokeniser.sha256.clone(),
                vocab_size: tokeniser.vocab_size,
                prompts_sha256: tokeniser.prompts_sha256.clone(),
            }),
            tasks: Vec::new(),
            counts: BTreeMap::new(),
            groups: 0,
            without_molecule: 0,
            skipped: BTreeMap::new(),
            left_out: BTreeMap::new(),
            not_made: BTreeMap::new(),
            not_respelled: 0,
            unaligned: BTreeMap::new(),
            aligned: BTreeMap::new(),
            files: BTreeMap::new(),
            packed: BTreeMap::new(),
            warnings: Vec::new(),
            threads: rayon::current_num_threads(),
            seconds: Seconds::default(),
            peak_memory_bytes: None,
        }
    }

    /// The counts of a task, by its place in the list of all tasks.
    pub(super) fn count(&mut self, task: u16, split: Split) -> &mut Counts {
        let id = tasks().get(usize::from(task)).map_or("", |task| task.id());
        self.counts.entry(id).or_default().entry(split.as_str()).or_default()
    }

    /// Place of a task in [`Manifest::tasks`], by its place in the list of all tasks.
    pub(super) fn place_of(&self, task: u16) -> u32 {
        let id = tasks().get(usize::from(task)).map(|task| task.id());
        self.tasks.iter().position(|known| Some(*known) == id).unwrap_or_default() as u32
    }

    /// A number of a split, summed over the tasks.
    pub(super) fn total(&self, split: Split, number: fn(&Counts) -> usize) -> usize {
        self.counts.values().filter_map(|splits| splits.get(split.as_str())).map(number).sum()
    }

    /// What the inputs hold and what was left out, for the message that nothing is left.
    pub(super) fn held(&self) -> String {
        let rows = self.counts.iter().flat_map(|(task, splits)| {
            splits.iter().map(move |(split, counts)| format!("{} of `{task}` ({split})", counts.read))
        });
        let out =
            self.left_out.iter().chain(&self.skipped).map(|(reason, count)| format!("{count} left out ({reason})"));
        let told: Vec<String> = rows.take(20).chain(out).collect();
        if told.is_empty() {
            "the inputs hold no rows".to_owned()
        } else {
            let is_given = self.options.split == SplitBy::Given;
            let hint = if is_given {
                "; --split random, scaffold, time or cluster divides all that are not given as test"
            } else {
                ""
            };
            format!("the inputs hold {}{hint}", told.join(", "))
        }
    }

    /// The manifest as a file.
    pub(super) fn file(&self) -> Result<Vec<u8>, PrepareError> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }
}
