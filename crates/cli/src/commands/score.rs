//! `chemr score`: metrics over a file of predictions.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use chemr_data::tell;
use chemr_scoring::predictions::{Subject, TaskResult, score_predictions};
use chemr_tasks::metrics::{Need, Resources};
use chemr_tasks::suites::{paper, papers, suite, suites};
use chemr_tasks::{Fault, task, tasks};

use crate::exit::{Outcome, say};

const EXAMPLES: &str = "Files are CSV or JSONL, plain or gzipped, with the columns `ground_truth` (or `reference`) and `output` (or `prediction`); in JSONL \
a prediction may be a list, best first. Predictions may be whole completions with an answer block. A numeric column `probability` \
beside labels, the probability of Yes, gives the area under the ROC curve.

Examples:
  chemr score --suite chebi20 --predictions design.csv
  chemr score --task retrosynthesis --predictions answers.jsonl --rows rows.jsonl
  chemr score --suite chebi20 --predictions design.csv --as molt5 --json
  chemr score --suite chebi20 --predictions captions.csv --as molt5 --wordpiece scibert/vocab.txt --wordnet wordnet/dict";

/// With fewer rows than these a bootstrap interval is too narrow to be taken at its word.
const FEW_ROWS: usize = 10;

/// Score a file of predictions: every metric of a task with its 95 % interval.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, group(clap::ArgGroup::new("subject").required(true).args(["suite", "task"])))]
pub struct Arguments {
    /// Benchmark; a column `task`, or the columns of the question, tell the task of the rows.
    #[arg(long, value_name = "SUITE", value_parser = known_suites())]
    suite: Option<String>,
    /// The task of all rows.
    #[arg(long, value_name = "TASK", value_parser = known_tasks())]
    task: Option<String>,
    /// CSV or JSONL with references and predictions; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    predictions: PathBuf,
    /// Only the metrics that a paper reports for the task, with its names.
    #[arg(long = "as", value_name = "PAPER", value_parser = known_papers())]
    paper: Option<String>,
    /// The `vocab.txt` of a BERT tokenizer, for the metrics over WordPiece tokens (papers take that of allenai/scibert_scivocab_uncased).
    #[arg(long, value_name = "FILE")]
    wordpiece: Option<PathBuf>,
    /// The folder `dict` of WordNet 3.0, for METEOR with synonyms.
    #[arg(long, value_name = "FOLDER")]
    wordnet: Option<PathBuf>,
    /// One JSON object for each task.
    #[arg(long)]
    json: bool,
    /// Also write the values of every row, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    rows: Option<PathBuf>,
}

fn known_suites() -> clap::builder::PossibleValuesParser {
    suites().iter().map(|suite| suite.id).collect::<Vec<_>>().into()
}

fn known_tasks() -> clap::builder::PossibleValuesParser {
    tasks().iter().map(|task| task.id()).collect::<Vec<_>>().into()
}

fn known_papers() -> clap::builder::PossibleValuesParser {
    papers().iter().map(|paper| paper.id).collect::<Vec<_>>().into()
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let by_task = arguments.task.as_deref().and_then(task).map(Subject::Task);
    let by_suite = arguments.suite.as_deref().and_then(suite).map(Subject::Suite);
    if let Some(rows) = &arguments.rows
        && std::fs::canonicalize(rows)
            .is_ok_and(|rows| Some(rows) == std::fs::canonicalize(&arguments.predictions).ok())
    {
        bail!("--rows names the file of predictions itself, which would be overwritten");
    }
    let subject = by_task.or(by_suite).context("neither a task nor a suite")?;
    let paper = arguments.paper.as_deref().and_then(paper);
    let resources = Resources::read(arguments.wordpiece.as_deref(), arguments.wordnet.as_deref())?;
    let file = chemr_data::predictions::read(&arguments.predictions)?;
    let results = score_predictions(subject, paper, &resources, &file)?;
    if let Some(path) = &arguments.rows {
        write_rows(path, &results).with_context(|| path.display().to_string())?;
        tell!("rows {}", path.display());
    }
    for result in &results {
        if !result.told_by.is_empty() {
            let columns = result.told_by.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            tell!("taken for {}, by {columns}; --task or a column `task` says otherwise", result.task.id());
        }
        if arguments.json { say!("{}", result.json())? } else { print_table(result)? }
    }
    Ok(Outcome::Done)
}

fn write_rows(path: &std::path::Path, results: &[TaskResult]) -> std::io::Result<()> {
    let mut output = BufWriter::new(std::fs::File::create(path)?);
    for result in results {
        for row in &result.rows {
            writeln!(output, "{}", result.row_json(row))?;
        }
    }
    output.flush()
}

fn print_table(result: &TaskResult) -> std::io::Result<()> {
    let [missing, unparsable, invalid] =
        [Fault::Missing, Fault::Unparsable, Fault::Invalid].map(|fault| result.count(fault));
    say!("{} ({}): {} rows", result.task.title(), result.task.id(), result.rows.len())?;
    say!("{missing} missing, {unparsable} unparsable, {invalid} invalid predictions")?;
    if result.without_reference() > 0 {
        say!("{} references cannot be read; these rows enter no metric", result.without_reference())?;
    }
    if let Some(paper) = result.paper {
        say!("as {}", paper.title)?;
    }
    say!("")?;
    say!("{:<32} {:>9}   {:<20} {:>7}   id", "metric", "value", "95 % interval", "n")?;
    for (name, metric, found) in &result.metrics {
        let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
        let interval = match (found.low, found.high) {
            (None, None) => String::new(),
            (low, high) => format!("{} to {}", number(low), number(high)),
        };
        say!(
            "{name:<32} {:>9}   {interval:<20} {:>7}   {} v{}",
            number(found.value),
            found.n,
            metric.id,
            metric.version
        )?;
    }
    print_absent(result)?;
    if result.rows.len() < FEW_ROWS {
        say!("fewer than {FEW_ROWS} rows: an interval is drawn from the rows themselves and says little about others")?;
    }
    say!("")
}

/// One line for metrics that lack the same.
fn print_absent(result: &TaskResult) -> std::io::Result<()> {
    let mut lines: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for absent in &result.absent {
        let options: Vec<&str> = absent.needs.iter().copied().map(option).collect();
        lines.entry(options.join(" and ")).or_default().push(absent.id);
    }
    for (options, ids) in lines {
        say!("not computed without {options}: {}", ids.join(", "))?;
    }
    Ok(())
}

/// How this command is given what a metric needs.
fn option(need: Need) -> &'static str {
    match need {
        Need::Vocabulary => "--wordpiece",
        Need::WordNet => "--wordnet",
        need => need.title(),
    }
}
