//! From files to a folder with examples and rejects.
//!
//! Rows are read in order, turned into examples by all cores, and written in order. Memory holds one batch of rows, whatever the size
//! of the files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use chemr_tasks::{Split, Task, suggestion};
use rayon::prelude::*;
use serde_json::{Value, json};

use super::convert::{Answers, Rejection, answerable};
use super::format::{Binding, Format, MAPPED, Record, check_map, format, formats};
use super::inputs::{Input, inputs, is_data, split_of_path};
use super::reject::RejectReason;
use super::rows::{Numbered, Row};
use super::source::{HashedRows, Sample, Shape, Source};
use super::summary::{Counts, FileSummary, OptionsNote, Skipped, Summary, peak_memory};
use crate::DataError;
use crate::folder::NewFolder;

/// Most rows of a batch.
const BATCH_ROWS: usize = 4096;
/// A batch ends when its rows hold about so many bytes.
const BATCH_BYTES: usize = 8 << 20;

/// Names of the files of an import.
pub const EXAMPLES_FILE: &str = "examples.jsonl";
pub const REJECTS_FILE: &str = "rejects.jsonl";
pub const SUMMARY_FILE: &str = "import.json";

/// What to import.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// Name of the format; told from each file when there is none.
    pub format: Option<String>,
    /// Keeps the examples of this task alone.
    pub task: Option<&'static str>,
    /// Split of all rows; told from the names of files when there is none.
    pub split: Option<Split>,
    /// Fields and the columns that they have.
    pub map: Vec<(String, String)>,
    /// Keeps the mapped reaction of rows that have one, in the meta field `mapped`.
    pub keep_maps: bool,
}

/// Imports files into a new folder: `examples.jsonl`, `rejects.jsonl` and `import.json`. The folder appears when all is written; an
/// import that is killed leaves `.FOLDER.PROCESS.partial` beside it.
///
/// # Errors
/// When the folder exists, a file cannot be read to its end, or a file that was named is of no known format, has no split, or lacks a
/// column. Then no folder is made. Files that were found in a folder and have no rows to read are passed over.
pub fn import_files(request: &Request, folder: &Path) -> Result<Summary, DataError> {
    let started = Instant::now();
    let task = match request.task {
        None => None,
        Some(id) => Some(chemr_tasks::task(id).ok_or_else(|| DataError::UnknownTask {
            task: id.to_owned(),
            known: chemr_tasks::tasks().iter().map(|task| task.id()).collect::<Vec<_>>().join(", "),
        })?),
    };
    let inputs = inputs(&request.paths)?;
    let new = NewFolder::begin(folder)?;
    let mut writer = Writer::new(new.path())?;
    let mut summary = Summary {
        version: env!("CARGO_PKG_VERSION"),
        options: OptionsNote {
            format: request.format.clone(),
            task: request.task,
            split: request.split.map(Split::as_str),
            map: request.map.iter().cloned().collect(),
            keep_maps: request.keep_maps,
        },
        counts: Counts::default(),
        seconds: 0.0,
        peak_memory_bytes: None,
        files: Vec::new(),
        skipped: Vec::new(),
    };
    for input in &inputs {
        match import_file(request, task, input, &mut writer)? {
            Ok(file) => {
                summary.counts.add(&file.counts);
                summary.files.push(file);
            }
            Err(reason) => summary.skipped.push(Skipped { file: input.shown.clone(), reason }),
        }
    }
    if summary.files.is_empty() {
        let path = request.paths.first().cloned().unwrap_or_default();
        let reason =
            summary.skipped.iter().map(|file| format!("\n  {}: {}", file.file, file.reason)).collect::<String>();
        return Err(DataError::Import { path, message: format!("no file of a known format{reason}") });
    }
    summary.seconds = started.elapsed().as_secs_f64();
    summary.peak_memory_bytes = peak_memory();
    writer.finish(&summary)?;
    new.finish()?;
    Ok(summary)
}

/// The open files of an import.
struct Writer {
    folder: PathBuf,
    examples: BufWriter<File>,
    rejects: BufWriter<File>,
}

impl Writer {
    fn new(folder: &Path) -> Result<Writer, DataError> {
        let create = |name: &str| {
            let path = folder.join(name);
            File::create(&path).map(BufWriter::new).map_err(|source| DataError::Write { path, source })
        };
        Ok(Writer { folder: folder.to_owned(), examples: create(EXAMPLES_FILE)?, rejects: create(REJECTS_FILE)? })
    }

    fn write(&mut self, text: &Converted) -> Result<(), DataError> {
        let write = |file: &mut BufWriter<File>, name: &str, text: &str| {
            file.write_all(text.as_bytes()).map_err(|source| DataError::Write { path: self.folder.join(name), source })
        };
        write(&mut self.examples, EXAMPLES_FILE, &text.examples)?;
        write(&mut self.rejects, REJECTS_FILE, &text.rejects)
    }

    /// Writes the summary and flushes all to the disk.
    fn finish(self, summary: &Summary) -> Result<(), DataError> {
        let at = |name: &'static str| {
            let path = self.folder.join(name);
            move |source| DataError::Write { path: path.clone(), source }
        };
        for (name, file) in [(EXAMPLES_FILE, self.examples), (REJECTS_FILE, self.rejects)] {
            let file = file.into_inner().map_err(|error| error.into_error()).map_err(at(name))?;
            file.sync_all().map_err(at(name))?;
        }
        let mut text = serde_json::to_vec_pretty(summary).map_err(std::io::Error::from).map_err(at(SUMMARY_FILE))?;
        text.push(b'\n');
        let mut file = File::create(self.folder.join(SUMMARY_FILE)).map_err(at(SUMMARY_FILE))?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(at(SUMMARY_FILE))
    }
}

/// What is known of a file before its first row.
struct Plan {
    format: &'static Format,
    shape: Shape,
    binding: Binding,
    splits: Splits,
    source: &'static str,
    path: String,
    keep_maps: bool,
}

/// What the splits of rows are told from.
struct Splits {
    /// Asked for, or that of a benchmark: whatever a row says.
    fixed: Option<Split>,
    /// By the name of the file: where a row says nothing.
    told: Option<Split>,
}

impl Splits {
    fn of(&self, binding: &Binding, row: &Row) -> Option<Split> {
        self.fixed.or_else(|| binding.split(row)).or(self.told)
    }

    /// As a summary tells it.
    fn as_str(&self) -> &'static str {
        self.fixed.or(self.told).map_or("rows", Split::as_str)
    }
}

/// Imports one file, or says why it is passed over.
fn import_file(
    request: &Request,
    task: Option<&'static Task>,
    input: &Input,
    writer: &mut Writer,
) -> Result<Result<FileSummary, String>, DataError> {
    let started = Instant::now();
    let fail = |message: String| DataError::Import { path: input.path.clone(), message };
    if !input.is_named && !is_data(&input.path) {
        return Ok(Err("not a file of rows".to_owned()));
    }
    // Of a folder, a file that cannot be used from its first byte on is named and passed over; the others are imported.
    let pass_over = |message: String| if input.is_named { Err(fail(message)) } else { Ok(Err(message)) };
    let source = match Source::open(&input.path, input.told_by.clone()) {
        Ok(source) => source,
        Err(error) => return pass_over(error.to_string()),
    };
    let plan = match plan(request, task, &source) {
        Ok(plan) => plan,
        Err(Unplanned::Unknown(message)) => return pass_over(message),
        Err(Unplanned::Wrong(message)) => return Err(fail(message)),
        Err(Unplanned::Usage(message)) => return Err(DataError::ImportUsage { path: input.path.clone(), message }),
    };
    let mut rows = match source.rows(plan.shape) {
        Ok(rows) => rows,
        Err(error) => return pass_over(error.to_string()),
    };
    let mut counts = Counts::default();
    loop {
        let batch = batch(&mut rows)
            .map_err(|error| fail(format!("{error}, after {} rows; nothing was imported", counts.rows)))?;
        if batch.is_empty() {
            break;
        }
        let converted: Vec<Converted> = batch.par_iter().map(|row| converted(&plan, task, &input.shown, row)).collect();
        for text in &converted {
            writer.write(text)?;
            counts.add(&text.counts);
        }
    }
    if counts.rows == 0 {
        return pass_over("the file has no rows".to_owned());
    }
    let (sha256, bytes) = rows.hash();
    Ok(Ok(FileSummary {
        file: input.shown.clone(),
        format: plan.format.name,
        split: plan.splits.as_str(),
        bytes,
        sha256,
        counts,
        seconds: started.elapsed().as_secs_f64(),
    }))
}

fn batch(rows: &mut HashedRows) -> std::io::Result<Vec<Numbered>> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while batch.len() < BATCH_ROWS && bytes < BATCH_BYTES {
        let Some(row) = rows.rows.next_row()? else { break };
        bytes += row.row.as_ref().map_or(0, |row| row.size());
        batch.push(row);
    }
    Ok(batch)
}

/// Why a file has no plan.
enum Unplanned {
    /// No format fits; such a file is passed over in a folder.
    Unknown(String),
    /// Its format was told, but something is missing.
    Wrong(String),
    /// What was asked for does not fit the file or itself.
    Usage(String),
}

fn plan(request: &Request, task: Option<&'static Task>, source: &Source) -> Result<Plan, Unplanned> {
    let sample = &source.sample;
    let (format, shape) = match &request.format {
        Some(name) => {
            let known = || suggestion(name, formats().iter().map(|format| format.name));
            let format =
                format(name).ok_or_else(|| Unplanned::Usage(format!("there is no format `{name}`{}", known())))?;
            (format, (format.recognise)(sample).unwrap_or(Shape::Columns))
        }
        None => {
            let told = formats().iter().find_map(|format| Some((format, (format.recognise)(sample)?)));
            let generic = || Some((format("generic")?, Shape::Columns));
            told.or_else(|| task.and_then(|_| generic())).ok_or_else(|| Unplanned::Unknown(unknown(sample)))?
        }
    };
    if let (Shape::Columns, Some(fault)) = (shape, &sample.header_fault) {
        return Err(Unplanned::Wrong(fault.clone()));
    }
    if let Some(task) = task
        && !format.serves(task.id())
    {
        let message =
            format!("format {} has no rows for {}; it serves {}", format.name, task.id(), format.tasks.join(", "));
        // A format that was told from the file may be that of another file of the folder.
        return Err(if request.format.is_some() { Unplanned::Usage(message) } else { Unplanned::Unknown(message) });
    }
    if format.name == "generic" && task.is_none() {
        return Err(Unplanned::Usage("the format generic needs --task".to_owned()));
    }
    let columns = format.columns(task);
    let of_format = |message: String| format!("format {}: {message}", format.name);
    check_map(&columns, sample, shape, &request.map).map_err(|message| Unplanned::Usage(of_format(message)))?;
    let binding =
        Binding::new(&columns, sample, shape, &request.map).map_err(|message| Unplanned::Wrong(of_format(message)))?;
    if let Some(message) = super::formats::unit_fault(format, sample, &binding, &request.map) {
        return Err(Unplanned::Wrong(message));
    }
    let told = split_of_path(&sample.path);
    let fixed = match (format.is_evaluation_only, request.split) {
        (true, Some(Split::Train | Split::Valid)) => {
            let message =
                format!("{} is a benchmark for evaluation only; its rows are never train or valid", format.name);
            return Err(Unplanned::Usage(message));
        }
        (true, _) => Some(Split::Test),
        (false, asked) => asked,
    };
    if fixed.or(told).is_none() && !sample.rows.iter().any(|row| binding.split(row).is_some()) {
        let message =
            "neither the name of the file nor of its folder says the split; give --split train, valid or test";
        return Err(Unplanned::Wrong(message.to_owned()));
    }
    let origin = if sample.is_named(&["chemllmbench"]) { "chemllmbench" } else { format.name };
    let splits = Splits { fixed, told };
    Ok(Plan { format, shape, binding, splits, source: origin, path: sample.path.clone(), keep_maps: request.keep_maps })
}

fn unknown(sample: &Sample) -> String {
    if let Some(fault) = &sample.header_fault {
        return format!("no format fits: {fault}; mend the header");
    }
    let columns = match sample.columns.as_slice() {
        [] => "it has no header".to_owned(),
        [column] if column.contains([';', '|']) => {
            format!("its one column is `{column}`; columns are separated by commas or tabs")
        }
        columns => {
            format!("its columns are {}", columns.iter().take(30).cloned().collect::<Vec<_>>().join(", "))
        }
    };
    format!("no format fits: {columns}; name one with --format, or the task and the columns with --task and --map")
}

/// The lines that a row gave, and its counts.
#[derive(Default)]
struct Converted {
    examples: String,
    rejects: String,
    counts: Counts,
}

impl Converted {
    fn reject(&mut self, file: &str, line: u64, row: Value, rejection: &Rejection) {
        let mut object =
            json!({ "file": file, "line": line, "reason": rejection.reason.to_string(), "detail": rejection.detail });
        if let (Some(task), Some(object)) = (rejection.task, object.as_object_mut()) {
            object.insert("task".to_owned(), task.into());
        }
        object["row"] = row;
        self.rejects.push_str(&object.to_string());
        self.rejects.push('\n');
    }
}

fn converted(plan: &Plan, task: Option<&'static Task>, file: &str, numbered: &Numbered) -> Converted {
    let mut result = Converted::default();
    result.counts.rows = 1;
    let one = |key: String| BTreeMap::from([(key, 1)]);
    let row = match &numbered.row {
        Ok(row) => row,
        Err(bad) => {
            let rejection = Rejection::new(bad.reason, bad.detail.clone());
            result.reject(file, numbered.line, Value::String(bad.raw.clone()), &rejection);
            result.counts.rejected = one(bad.reason.to_string());
            return result;
        }
    };
    let Plan { format, binding, splits, source, path, .. } = plan;
    let answers = match splits.of(binding, row) {
        Some(split) => asked(
            (format.convert)(&Record { row, binding, split, source, path, task, keep_maps: plan.keep_maps }),
            task,
        ),
        None => vec![Err(Rejection::new(RejectReason::Missing("split"), ""))],
    };
    let answers: Answers = answers.into_iter().map(|answer| answer.and_then(answerable)).collect();
    for example in answers.iter().filter_map(|answer| answer.as_ref().ok()) {
        // Maps of texts always are JSON.
        let Ok(text) = serde_json::to_string(example) else { continue };
        result.examples.push_str(&text);
        result.examples.push('\n');
        *result.counts.examples.entry(example.task.clone()).or_default() += 1;
        result.counts.mapped += u64::from(example.meta.contains_key(MAPPED));
    }
    let is_kept = !result.examples.is_empty();
    let mut rejections = answers.iter().filter_map(|answer| answer.as_ref().err());
    if is_kept {
        result.counts.kept = 1;
        for rejection in rejections {
            result.reject(file, numbered.line, row.to_json(), rejection);
            *result.counts.partial.entry(rejection.reason.to_string()).or_default() += 1;
        }
    } else {
        let none = Rejection::new(RejectReason::OtherTask, "");
        let rejection = rejections.next().unwrap_or(&none);
        result.reject(file, numbered.line, row.to_json(), &Rejection { task: None, ..rejection.clone() });
        result.counts.rejected = one(rejection.reason.to_string());
    }
    result
}

/// What belongs to the task that was asked for; all, when none was.
fn asked(answers: Answers, task: Option<&'static Task>) -> Answers {
    let Some(task) = task else { return answers };
    let is_asked = |answer: &Result<chemr_tasks::Example, Rejection>| match answer {
        Ok(example) => example.task == task.id(),
        Err(rejection) => rejection.task.is_none_or(|of| of == task.id()),
    };
    answers.into_iter().filter(is_asked).collect()
}
