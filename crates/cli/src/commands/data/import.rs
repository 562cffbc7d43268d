//! `chemr data import`: public files to examples.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use chemr_data::import::{Request, Summary, formats, import_files};
use chemr_data::tell;
use chemr_data::wording::{counted, thousands};
use chemr_tasks::{Split, tasks};

use crate::exit::{Outcome, say};

const EXAMPLES: &str = "Files are CSV, TSV, text, JSON or JSON lines, plain or gzipped, XLSX or Parquet; folders are searched. docs/import.md lists the formats, how they are told from \
each other, and the reasons for rejects. The folder gets examples.jsonl, rejects.jsonl (every row that was not used, with its reason) and import.json \
(the numbers); it appears when all is written.

Exit codes: 0 at least one row was kept, however many were rejected; 1 a file cannot be read or understood, and no folder is made; 2 wrong usage, such as a --map with a field or column that does not exist; 3 the folder \
is there, but every row was rejected.

Examples:
  chemr data import data/uspto-50k --out imported/uspto-50k
  chemr data import validation.txt --format chebi20 --task molecule_design
  chemr data import own.csv --task property.esol --map smiles=structure --map reference=logS --split train";

/// More files than these are not listed one by one.
const LISTED_FILES: usize = 40;

/// Make examples of public files, row by row, and keep every rejected row with its reason.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Files, or folders with all files below them.
    #[arg(value_name = "FILE", required = true)]
    paths: Vec<PathBuf>,
    /// Format of all files; told from name, path and header otherwise.
    #[arg(long, value_name = "FORMAT", value_parser = known_formats())]
    format: Option<String>,
    /// Keep the examples of this task alone; the task of any table that is of no known format.
    #[arg(long, value_name = "TASK", value_parser = known_tasks())]
    task: Option<String>,
    /// Split of all rows; told from the names of files otherwise. Benchmarks always are test.
    #[arg(long, value_name = "SPLIT", value_parser = split)]
    split: Option<Split>,
    /// The column that a field of the format has; may be given several times.
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = pair)]
    map: Vec<(String, String)>,
    /// Keep mapped reactions in the meta field `mapped`, for `data prepare --align`; prompts never show it.
    #[arg(long)]
    keep_maps: bool,
    /// New folder for the results.
    #[arg(long, value_name = "FOLDER", default_value = "imported")]
    out: PathBuf,
    /// Print the content of import.json.
    #[arg(long)]
    json: bool,
}

fn known_formats() -> clap::builder::PossibleValuesParser {
    formats().iter().map(|format| format.name).collect::<Vec<_>>().into()
}

fn known_tasks() -> clap::builder::PossibleValuesParser {
    tasks().iter().map(|task| task.id()).collect::<Vec<_>>().into()
}

fn split(text: &str) -> Result<Split, String> {
    let known = [Split::Train, Split::Valid, Split::Test];
    known.into_iter().find(|split| split.as_str() == text).ok_or_else(|| "train, valid or test".to_owned())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (field, column) = text.split_once('=').ok_or("write field=column")?;
    Ok((field.trim().to_owned(), column.trim().to_owned()))
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let task = arguments.task.as_deref().and_then(chemr_tasks::task).map(|task| task.id());
    let request = Request {
        paths: arguments.paths.clone(),
        format: arguments.format.clone(),
        task,
        split: arguments.split,
        map: arguments.map.clone(),
        keep_maps: arguments.keep_maps,
    };
    let summary = import_files(&request, &arguments.out)?;
    if arguments.keep_maps && summary.counts.mapped == 0 {
        tell!(
            "warning: --keep-maps: no example kept a mapped reaction; `data prepare --align` leaves rows without one as they \
             are and counts them as no_maps"
        );
    }
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&summary).context("the summary")?)?;
    } else {
        print_summary(&summary, arguments)?;
    }
    Ok(if summary.counts.kept == 0 { Outcome::InvalidInput } else { Outcome::Done })
}

fn print_summary(summary: &Summary, arguments: &Arguments) -> std::io::Result<()> {
    let counts = &summary.counts;
    if summary.files.len() <= LISTED_FILES {
        let width = summary.files.iter().map(|file| file.file.chars().count()).max().unwrap_or_default();
        say!("{:<width$}  {:<18} {:<5} {:>9} {:>9} {:>9}", "file", "format", "split", "rows", "kept", "rejected")?;
        for file in &summary.files {
            let counts = &file.counts;
            let [rows, kept, rejected] = [counts.rows, counts.kept, counts.rejected_rows()].map(thousands);
            say!("{:<width$}  {:<18} {:<5} {rows:>9} {kept:>9} {rejected:>9}", file.file, file.format, file.split)?;
        }
        say!("")?;
    }
    let table = |title: &str, counts: &BTreeMap<String, u64>| -> std::io::Result<()> {
        if counts.is_empty() {
            return Ok(());
        }
        say!("{title}")?;
        for (name, count) in counts {
            say!("{:>9}  {name}", thousands(*count))?;
        }
        say!("")
    };
    table("rejected rows by reason", &counts.rejected)?;
    table("kept rows that could not be used for one of their tasks, by reason", &counts.partial)?;
    table("examples by task", &counts.examples)?;
    for file in summary.skipped.iter().take(LISTED_FILES) {
        say!("passed over {}: {}", file.file, file.reason)?;
    }
    if summary.skipped.len() > LISTED_FILES {
        let more = counted((summary.skipped.len() - LISTED_FILES) as u64, "more file", "more files");
        say!("passed over {more}; import.json lists them")?;
    }
    let memory = summary.peak_memory_bytes.map_or(String::new(), |bytes| format!(", at most {} MiB", bytes >> 20));
    say!(
        "{}, {}: {} kept, {} rejected; {} in {:.1} s{memory}",
        counted(summary.files.len() as u64, "file", "files"),
        counted(counts.rows, "row", "rows"),
        thousands(counts.kept),
        thousands(counts.rejected_rows()),
        counted(counts.example_count(), "example", "examples"),
        summary.seconds
    )?;
    say!("{}", arguments.out.display())
}
