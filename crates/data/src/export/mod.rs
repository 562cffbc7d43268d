//! Exports: the same rows in the forms that trainers and evaluation programs read.
//!
//! One target is one file. Rows are checked first: what is exported can be judged by the verifier from its columns alone, and the answers to train on are right. The bytes
//! of a folder depend on the inputs, the options and the version of the program, and on nothing else.

mod error;
pub(crate) mod input;
mod inspect;
mod llama_factory;
mod lm_eval;
pub(crate) mod manifest;
mod nemo_rl;
mod openai;
mod openrlhf;
mod parquet;
mod row;
mod skyrl;
mod target;
#[cfg(test)]
mod tests;
mod trl;
mod verl;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

use chemr_tasks::Split;

pub use error::{ExportError, RowFault};
pub use manifest::{InputNote, Manifest, OptionsNote};
pub use target::{Stage, Target, target, targets};

pub use crate::example_lines::TraceText;

use crate::folder::{self, NewFolder};
use row::Row;
use target::Files;

/// What is exported.
#[derive(Clone, Debug)]
pub struct ExportOptions {
    /// Folders that an import or a preparation made, files with one example a line (plain or gzipped, `-` for standard input), and `gym:TASK[:LEVEL]:COUNT` for generated rows.
    pub inputs: Vec<String>,
    /// Only these splits. Empty: training rows of the gym, all rows of files; for evaluation the test split of both.
    pub splits: Vec<Split>,
    /// Only these tasks; empty for all.
    pub tasks: Vec<String>,
    /// At most so many rows, the first ones; 0 for all. Files are read no further than that.
    pub limit: usize,
    /// Seed of the gym.
    pub seed: u64,
    /// Leave rows out that cannot be exported.
    pub skip_bad: bool,
    /// The text of a trace that is stored as an object.
    pub trace_text: TraceText,
}

impl Default for ExportOptions {
    fn default() -> ExportOptions {
        ExportOptions {
            inputs: Vec::new(),
            splits: Vec::new(),
            tasks: Vec::new(),
            limit: 0,
            seed: 1,
            skip_bad: false,
            trace_text: serde_json::from_value::<String>,
        }
    }
}

impl ExportOptions {
    /// The splits to generate.
    fn gym_splits(&self) -> Vec<Split> {
        if self.splits.is_empty() { vec![Split::Train] } else { self.splits.clone() }
    }

    /// The same options with the splits of this stage, where none are named.
    fn for_stage(&self, stage: Stage) -> ExportOptions {
        let mut options = self.clone();
        if options.splits.is_empty() && stage == Stage::Eval {
            options.splits.push(Split::Test);
        }
        options
    }
}

/// Writes the rows for a target into the new folder `out`, with `manifest.json` and `README.md`; returns what the manifest says.
///
/// # Errors
/// When the folder exists, an input cannot be read, a row cannot be exported (with its place; unless bad rows are left out), no row is left, or the folder cannot be
/// written. Nothing is left behind then.
pub fn export(
    target: &'static Target,
    stage: Option<Stage>,
    options: &ExportOptions,
    out: &Path,
) -> Result<Manifest, ExportError> {
    let stage = target.stage(stage)?;
    folder::check(out)?;
    let options = &options.for_stage(stage);
    let (inputs, rows, skipped) = read(stage, options)?;
    let mut files = (target.files)(&rows, stage)?;
    let manifest = Manifest::new(target, stage, options, inputs, skipped, &rows, &files);
    files.insert("README.md".to_owned(), manifest::readme(target, stage, &manifest, &rows).into_bytes());
    files.insert("manifest.json".to_owned(), manifest::file(&manifest)?);
    write(out, &files)?;
    Ok(manifest)
}

/// Writes all files into a new folder and flushes them to disk.
fn write(out: &Path, files: &Files) -> Result<(), ExportError> {
    let folder = NewFolder::begin(out)?;
    for (name, bytes) in files {
        let path = folder.path().join(name);
        let written = File::create_new(&path).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        written.map_err(|source| ExportError::Write { path, source })?;
    }
    Ok(folder.finish()?)
}

/// Inputs, rows, and how many were left out for which reason.
type Chosen = (Vec<InputNote>, Vec<Row>, BTreeMap<&'static str, usize>);

fn read(stage: Stage, options: &ExportOptions) -> Result<Chosen, ExportError> {
    let (mut inputs, mut rows) = (Vec::new(), Vec::new());
    let (mut skipped, mut held) = (BTreeMap::new(), BTreeMap::new());
    let sources: Vec<Vec<input::Source>> =
        options.inputs.iter().map(|input| input::sources(input)).collect::<Result<_, _>>()?;
    for source in sources.iter().flatten() {
        let is_full = |rows: &[Row]| options.limit > 0 && rows.len() == options.limit;
        if is_full(&rows) {
            break;
        }
        let note = input::read(source, options, &mut |input::Found { place, row }| {
            let checked = match row {
                Ok((example, completion)) => {
                    *held.entry((example.task.clone(), example.split)).or_insert(0) += 1;
                    let is_wanted = (options.splits.is_empty() || options.splits.contains(&example.split))
                        && (options.tasks.is_empty() || options.tasks.contains(&example.task));
                    if !is_wanted {
                        return Ok(ControlFlow::Continue(()));
                    }
                    Row::new(example, completion, stage)
                }
                Err(fault) => Err(fault),
            };
            match checked {
                Ok(row) => rows.push(row),
                Err(fault) if options.skip_bad => *skipped.entry(fault.code()).or_insert(0) += 1,
                Err(fault) => return Err(ExportError::Row { place, fault: Box::new(fault) }),
            }
            Ok(if is_full(&rows) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        inputs.push(note);
    }
    if rows.is_empty() {
        return Err(ExportError::Empty { held: manifest::held(&held, &skipped) });
    }
    Ok((inputs, rows, skipped))
}
