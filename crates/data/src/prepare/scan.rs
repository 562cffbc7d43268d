//! The first pass: what must be known of every row before any is written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::path::Path;

use chemr_tasks::{Split, task, tasks};
use rayon::prelude::*;

use super::cluster::Molecules;
use super::files::Spool;
use super::key::{self, Key};
use super::manifest::Manifest;
use super::{Options, PrepareError, SplitBy, aligned, spelling};
use crate::example_lines::{ExampleFile, example_files};
use crate::export::RowFault;
use crate::export::input;
use crate::split::stable_hash;

/// A batch ends with so many rows, or bytes.
const BATCH_ROWS: usize = 4096;
const BATCH_BYTES: usize = 8 << 20;

/// What is known of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// Where its line stands in the spool.
    pub offset: u64,
    pub length: u32,
    /// Number of the input, and the line there, from 1.
    pub input: u16,
    pub line: u32,
    /// Place in the list of all tasks.
    pub task: u16,
    pub given: Split,
    /// Hash of the id.
    pub id: u64,
    /// Hashes of the key molecule and of the group that is kept together.
    pub molecule: u64,
    pub group: u64,
    /// Number of the meta field that a split by time reads; NaN where there is none.
    pub time: f64,
    /// Whether root-aligned copies, or other spellings, can be made.
    pub has_maps: bool,
    pub has_spellings: bool,
}

/// The rows of all inputs.
pub(super) struct Scan {
    pub entries: Vec<Entry>,
    pub spool: Spool,
    pub inputs: Vec<ExampleFile>,
    /// Distinct key molecules with their fingerprints, where rows are clustered.
    pub molecules: Molecules,
}

impl Scan {
    /// Where a row stands in its file.
    pub fn place(&self, entry: &Entry) -> String {
        let path = self.inputs.get(usize::from(entry.input)).map_or(Path::new("?"), |file| &file.path);
        input::place(path, u64::from(entry.line))
    }
}

/// Reads all inputs.
pub(super) fn scan(options: &Options, folder: &Path, manifest: &mut Manifest) -> Result<Scan, PrepareError> {
    let mut inputs = Vec::new();
    for path in &options.inputs {
        let failed = |message| PrepareError::NoExamples { path: path.clone(), message };
        inputs.extend(example_files(path).map_err(failed)?);
    }
    if inputs.is_empty() || u16::try_from(inputs.len()).is_err() {
        return Err(PrepareError::options(format!(
            "{} inputs; give at least one and at most {}",
            inputs.len(),
            u16::MAX
        )));
    }
    let mut scanner = Scanner {
        options,
        numbers: tasks().iter().enumerate().map(|(number, task)| (task.id(), number as u16)).collect(),
        skipped: BTreeMap::new(),
        without_molecule: 0,
        scan: Scan { entries: Vec::new(), spool: Spool::begin(folder)?, inputs, molecules: Molecules::default() },
    };
    for number in 0..scanner.scan.inputs.len() {
        let file = scanner.scan.inputs[number].clone();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let note = input::lines(&file, &mut |line, text| {
            bytes += text.len();
            batch.push((line, text.trim_ascii().to_vec()));
            if batch.len() == BATCH_ROWS || bytes >= BATCH_BYTES {
                scanner.take(number, &std::mem::take(&mut batch))?;
                bytes = 0;
            }
            Ok::<_, PrepareError>(ControlFlow::Continue(()))
        })?;
        scanner.take(number, &batch)?;
        manifest.inputs.push(note);
    }
    manifest.skipped = scanner.skipped;
    manifest.without_molecule = scanner.without_molecule;
    for entry in &scanner.scan.entries {
        manifest.count(entry.task, entry.given).read += 1;
    }
    let is_read = |id: &&'static str| manifest.counts.contains_key(id);
    manifest.tasks = tasks().iter().map(|task| task.id()).filter(is_read).collect();
    Ok(scanner.scan)
}

struct Scanner<'a> {
    options: &'a Options,
    numbers: HashMap<&'static str, u16>,
    skipped: BTreeMap<&'static str, usize>,
    without_molecule: usize,
    scan: Scan,
}

/// A row on its way to an [`Entry`].
struct Row {
    task: u16,
    given: Split,
    id: u64,
    key: Option<String>,
    time: f64,
    has_maps: bool,
    has_spellings: bool,
}

impl Scanner<'_> {
    fn take(&mut self, input: usize, batch: &[(u64, Vec<u8>)]) -> Result<(), PrepareError> {
        let rows: Vec<Result<Row, RowFault>> = batch.par_iter().map(|(_, line)| self.row(line)).collect();
        // The two directions of a reaction, and a molecule in several tasks, stand side by side: their key is looked at once.
        let texts: BTreeSet<&str> = rows.iter().flatten().filter_map(|row| row.key.as_deref()).collect();
        let texts: Vec<&str> = texts.into_iter().collect();
        let keys: Vec<Key> = texts.par_iter().map(|text| Key::new(text, self.options.split)).collect();
        let mut spooled = Vec::with_capacity(batch.iter().map(|(_, line)| line.len() + 1).sum());
        let first = self.scan.entries.len();
        for ((line, text), row) in batch.iter().zip(&rows) {
            let row = match row {
                Ok(row) => row,
                Err(fault) if self.options.skip_bad => {
                    *self.skipped.entry(fault.code()).or_default() += 1;
                    continue;
                }
                Err(fault) => {
                    let place = input::place(&self.scan.inputs[input].path, *line);
                    return Err(PrepareError::Row { place, fault: Box::new(fault.clone()) });
                }
            };
            let known = row.key.as_deref().and_then(|key| keys.get(texts.binary_search(&key).ok()?));
            let none = Key::none(row.id);
            let key = known.unwrap_or(&none);
            self.without_molecule += usize::from(!key.is_molecule);
            if self.options.split == SplitBy::Cluster {
                self.scan.molecules.add(key.molecule, &key.bits);
            }
            let too_many = |_| PrepareError::TooMany;
            self.scan.entries.push(Entry {
                offset: spooled.len() as u64,
                length: u32::try_from(text.len()).map_err(too_many)?,
                input: u16::try_from(input).map_err(too_many)?,
                line: u32::try_from(*line).map_err(too_many)?,
                task: row.task,
                given: row.given,
                id: row.id,
                molecule: key.molecule,
                group: key.group,
                time: row.time,
                has_maps: row.has_maps,
                has_spellings: row.has_spellings,
            });
            spooled.extend_from_slice(text);
        }
        if u32::try_from(self.scan.entries.len()).is_err() {
            return Err(PrepareError::TooMany);
        }
        let start = self.scan.spool.append(&spooled)?;
        self.scan.entries[first..].iter_mut().for_each(|entry| entry.offset += start);
        Ok(())
    }

    fn row(&self, line: &[u8]) -> Result<Row, RowFault> {
        let (example, completion) = input::example(line, self.options.trace_text)?;
        let unknown = || RowFault::UnknownTask { task: chemr_tasks::stored(&example.task) };
        let found = task(&example.task).ok_or_else(unknown)?;
        if let Some(field) = found.fields().iter().find(|field| !example.input.contains_key(field.key)) {
            return Err(RowFault::MissingField { field: field.key });
        }
        let time = example.meta.get(&self.options.time_field).and_then(|text| key::time(text));
        Ok(Row {
            task: self.numbers.get(found.id()).copied().ok_or_else(unknown)?,
            given: example.split,
            id: stable_hash(&example.id),
            key: key::text(found, &example),
            time: time.unwrap_or(f64::NAN),
            has_maps: completion.is_none() && aligned::has_maps(&example),
            has_spellings: completion.is_none() && spelling::has_spellings(&example),
        })
    }
}
