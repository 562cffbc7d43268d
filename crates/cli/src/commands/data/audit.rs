//! `chemr data audit`: duplicates, contradictions and leaks in examples.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Context;
use chemr_data::audit::{
    AuditOptions, CLEAN_FILE, Check, ConflictRule, FixOptions, Given, HTML_FILE, REMOVED_FILE, Report, audit,
};
use chemr_data::tell;
use chemr_data::wording::{counted, thousands};
use chemr_engine::Tokenizer;
use chemr_tasks::{Example, Prompts, Split};
use chemr_train::supervised_tokens;
use indicatif::{ProgressBar, ProgressStyle};

use crate::exit::{Outcome, say};
use crate::models;

const EXAMPLES: &str = "Inputs are folders that `chemr data import` or `chemr data prepare` wrote, or files with one example a line. docs/audit.md says what each check compares. The folder gets \
audit.json, report.html and, with --fix, clean/examples.jsonl (the rows that stay) and removed.jsonl (the others with their reasons); it appears when all is written.

Exit codes: 0 the audit was made, whatever it found; 1 a file cannot be read, or no row of any, or the folder exists; 2 wrong usage; 8 the audit was made, and a check of --fail-on found something.

Examples:
  chemr data audit imported/uspto-50k --out audits/uspto-50k
  chemr data audit --train my/train.jsonl --test imported/uspto-50k/examples.jsonl --out audits/mine --fix
  chemr data audit imported/* --checks duplicates,conflicts,leakage --fail-on conflicts,leakage --out audits/all
  chemr data audit imported/uspto-50k --mapped data/uspto-50k/test_mapped_public.csv --out audits/maps";

/// Pause between two lines in a pipe.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Find duplicates, conflicting answers and leaks of test rows in examples; write the clean rows.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Folders or files of examples; their rows say their splits.
    #[arg(value_name = "PATH", required_unless_present_any = ["train", "valid", "test", "mapped"])]
    paths: Vec<PathBuf>,
    /// Take all rows of this folder or file as training rows (repeatable).
    #[arg(long, value_name = "PATH")]
    train: Vec<PathBuf>,
    /// Take all rows as validation rows (repeatable).
    #[arg(long, value_name = "PATH")]
    valid: Vec<PathBuf>,
    /// Take all rows as test rows (repeatable).
    #[arg(long, value_name = "PATH")]
    test: Vec<PathBuf>,
    /// A public file with mapped reactions, of which the maps are looked at (repeatable); importing takes maps off.
    #[arg(long, value_name = "FILE")]
    mapped: Vec<PathBuf>,
    /// New folder for the report.
    #[arg(long, value_name = "FOLDER", default_value = "audit")]
    out: PathBuf,
    /// Only these checks, and those of --fail-on [default: all].
    #[arg(long, value_name = "CHECK,...", value_delimiter = ',', value_parser = known_checks())]
    checks: Vec<String>,
    /// Least Tanimoto similarity of near-duplicates (Morgan fingerprint, radius 2, 2,048 bits).
    #[arg(long, value_name = "SIMILARITY", default_value_t = 0.9)]
    near: f64,
    /// Numbers that differ by more than this, in the unit of their task, contradict each other.
    #[arg(long, value_name = "DIFFERENCE", default_value_t = 0.1)]
    tolerance: f64,
    /// Most examples of each finding.
    #[arg(long, value_name = "N", default_value_t = 5)]
    examples: usize,
    /// Model folder whose tokenizer counts tokens too.
    #[arg(long, value_name = "DIR")]
    tokenizer: Option<PathBuf>,
    /// Write the training and validation rows that neither leak, nor contradict others, nor repeat earlier ones; test rows as they are.
    #[arg(long)]
    fix: bool,
    /// With --fix, take near-duplicates of held-out rows out too.
    #[arg(long, requires = "fix")]
    fix_near: bool,
    /// With --fix, what to do with training rows that contradict each other.
    #[arg(long, value_name = "RULE", default_value = "remove-all", value_parser = ["remove-all", "keep-first"], requires = "fix")]
    conflicts: String,
    /// End with exit code 8 when one of these checks found something.
    #[arg(long, value_name = "CHECK,...", value_delimiter = ',', value_parser = known_checks())]
    fail_on: Vec<String>,
    /// Print the content of audit.json.
    #[arg(long)]
    json: bool,
}

fn known_checks() -> clap::builder::PossibleValuesParser {
    Check::ALL.map(Check::name).into()
}

fn checks(names: &[String]) -> Vec<Check> {
    Check::ALL.into_iter().filter(|check| names.iter().any(|name| name == check.name())).collect()
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let sides = [
        (&arguments.paths, None),
        (&arguments.train, Some(Split::Train)),
        (&arguments.valid, Some(Split::Valid)),
        (&arguments.test, Some(Split::Test)),
    ];
    let given =
        sides.into_iter().flat_map(|(paths, split)| paths.iter().map(move |path| Given { path: path.clone(), split }));
    let found = arguments.tokenizer.as_deref().map(Counter::new).transpose()?;
    let count = found.as_ref().map(|counter| |example: &Example| counter.count(example));
    let options = AuditOptions {
        given: given.collect(),
        mapped: arguments.mapped.clone(),
        checks: match arguments.checks.as_slice() {
            [] => Check::ALL.to_vec(),
            // A check that was not made cannot fail.
            asked => checks(&[asked, &arguments.fail_on].concat()),
        },
        near: arguments.near,
        tolerance: arguments.tolerance,
        examples: arguments.examples,
        fix: arguments.fix.then_some(FixOptions {
            near: arguments.fix_near,
            conflicts: match arguments.conflicts.as_str() {
                "keep-first" => ConflictRule::KeepFirst,
                _ => ConflictRule::RemoveAll,
            },
        }),
        tokens: count.as_ref().map(|count| count as &(dyn Fn(&Example) -> (usize, usize) + Sync)),
    };
    let display = Display::new();
    let made = audit(&options, &arguments.out, &|stage, rows| display.show(stage, rows));
    display.finish();
    let report = made?;
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&report).context("the report")?)?;
    } else {
        print(&report, arguments)?;
    }
    let failed = report.found(&checks(&arguments.fail_on));
    if failed.is_empty() {
        return Ok(Outcome::Done);
    }
    let names: Vec<&str> = failed.into_iter().map(Check::name).collect();
    tell!("chemr: found by --fail-on: {}", names.join(", "));
    Ok(Outcome::Found)
}

/// Counts the tokens that training would take.
struct Counter {
    tokenizer: Tokenizer,
    prompts: Prompts,
}

impl Counter {
    fn new(folder: &Path) -> anyhow::Result<Counter> {
        let (folder, tokenizer) = models::tokenizer(folder)?;
        let prompts = models::trained_prompts(&folder)?.unwrap_or_else(|| Prompts::builtin().clone());
        Ok(Counter { tokenizer, prompts })
    }

    /// Tokens of question and answer; of the bare fields where the task is not known or the tokenizer has no chat template.
    fn count(&self, example: &Example) -> (usize, usize) {
        if let Ok((prompt, completion)) = supervised_tokens(&self.tokenizer, &self.prompts, example, None) {
            return (prompt.len(), completion.len());
        }
        let of = |text: &String| self.tokenizer.encode_text(text).len();
        (example.input.values().map(of).sum(), of(&example.reference))
    }
}

fn print(report: &Report, arguments: &Arguments) -> std::io::Result<()> {
    say!("{:<11} {:>11} {:>11}  {:<8} meaning", "check", "found", "of", "severity")?;
    for finding in &report.summary {
        let (count, of) = (thousands(finding.count), thousands(finding.of));
        say!("{:<11} {count:>11} {of:>11}  {:<8} {}", finding.check.name(), finding.severity.name(), finding.sentence)?;
    }
    let unreadable = &report.unreadable;
    if unreadable.lines > 0 {
        say!(
            "\n{} no example, the first {}",
            counted(unreadable.lines, "line is", "lines are"),
            match unreadable.first_lines.first() {
                Some(line) => format!("{}: {}", line.place, line.message),
                None => String::new(),
            }
        )?;
    }
    if unreadable.rows > 0 {
        let rows = counted(unreadable.rows, "row has", "rows have");
        say!("\n{rows} molecules that cannot be read; they are compared as texts")?;
    }
    if let Some(fix) = &report.fix {
        let kept = counted(fix.kept, "row stays", "rows stay");
        say!("\n{kept} ({CLEAN_FILE}), {} went ({REMOVED_FILE})", thousands(fix.removed))?;
        for (reason, count) in &fix.reasons {
            say!("{:>11}  {reason}", thousands(*count))?;
        }
    }
    let memory = report.peak_memory_bytes.map_or(String::new(), |bytes| format!(", at most {} MiB", bytes >> 20));
    say!(
        "\n{} of {}, {}, in {:.1} s{memory}",
        counted(report.rows, "row", "rows"),
        counted(report.files.len() as u64, "file", "files"),
        counted(report.molecules, "molecule", "molecules"),
        report.seconds
    )?;
    say!("{}", arguments.out.join(HTML_FILE).display())
}

/// What the audit does: a line that moves on a terminal, one every ten seconds in a pipe.
struct Display {
    bar: Option<ProgressBar>,
    told: Mutex<Instant>,
}

impl Display {
    fn new() -> Display {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::no_length();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}: {human_pos}, {elapsed}") {
                bar.set_style(style);
            }
            bar
        });
        Display { bar, told: Mutex::new(Instant::now()) }
    }

    fn show(&self, stage: &'static str, rows: u64) {
        if let Some(bar) = &self.bar {
            bar.set_message(stage);
            bar.set_position(rows);
            return;
        }
        // A display that failed once is no reason to fail an audit.
        let Ok(mut told) = self.told.lock() else { return };
        if told.elapsed() >= LINE_EVERY {
            *told = Instant::now();
            tell!("{stage}: {}", thousands(rows));
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
