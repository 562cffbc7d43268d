//! `chemr data export`: rows for trainers and evaluation programs.

use std::path::PathBuf;

use anyhow::Context;
use chemr_data::export::{ExportOptions, Stage, export, target, targets};
use chemr_data::tell;
use chemr_data::wording::{counted, thousands};
use chemr_protocol::Trace;
use chemr_tasks::{Split, tasks};

use crate::exit::{Outcome, say};

const EXAMPLES: &str = "A row of a file may hold a completion to train on: `completion` (a text) or `trace` (a text or a trace object). docs/export.md shows the files of \
each target and how to load them.

Exit codes: 0 the rows are exported, with --skip-bad without those that cannot be; 1 an input cannot be read, a row cannot be exported, no row is left, or the \
folder exists; 2 wrong usage, such as a task or level that the gym does not have.

Examples:
  chemr data export imported/uspto-50k --to trl --split train --out exports/uspto-50k
  chemr data export examples.jsonl --to verl --out exports/verl
  chemr data export examples.jsonl --to llama-factory --task retrosynthesis --split train --out exports/factory
  chemr data export gym:name.smiles_to_formula:1:200 gym:retrosynthesis:200 --to trl --out exports/trl
  chemr data export gym:name.smiles_to_formula:1:50 --to lm-eval --out exports/harness";

/// Write rows of examples for another program: TRL, verl, LLaMA-Factory, OpenAI, OpenRLHF, SkyRL, NeMo-RL, lm-evaluation-harness, Inspect.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Folders that `chemr data import` or `chemr data prepare` made, files with one example a line (JSON, plain or gzipped), or
    /// `gym:TASK[:LEVEL]:COUNT` for generated rows.
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<String>,
    /// The program to write for.
    #[arg(long, value_name = "TARGET", value_parser = known_targets())]
    to: String,
    /// New folder to make.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// rl: questions and what rewards need; sft: questions with answers [default: what the target is mostly used for].
    #[arg(long, value_parser = ["rl", "sft"])]
    stage: Option<String>,
    /// Only this split (repeatable) [default: train for the gym, all of a file; test for lm-eval and inspect].
    #[arg(long, value_parser = ["train", "valid", "test"])]
    split: Vec<String>,
    /// Only this task (repeatable); docs/tasks.md lists them.
    #[arg(long, value_name = "TASK", value_parser = known_tasks(), hide_possible_values = true)]
    task: Vec<String>,
    /// At most so many rows, the first ones; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 0)]
    limit: usize,
    /// Seed of generated rows.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Count rows that cannot be exported instead of ending at the first.
    #[arg(long)]
    skip_bad: bool,
    /// Print the manifest as JSON.
    #[arg(long)]
    json: bool,
}

fn known_targets() -> clap::builder::PossibleValuesParser {
    targets().iter().map(|target| target.id).collect::<Vec<_>>().into()
}

fn known_tasks() -> clap::builder::PossibleValuesParser {
    tasks().iter().map(|task| task.id()).collect::<Vec<_>>().into()
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let target = target(&arguments.to).context("no target of this name")?;
    let stage = [Stage::Rl, Stage::Sft].into_iter().find(|stage| Some(stage.as_str()) == arguments.stage.as_deref());
    let all = [Split::Train, Split::Valid, Split::Test];
    let options = ExportOptions {
        inputs: arguments.inputs.clone(),
        splits: all.into_iter().filter(|split| arguments.split.iter().any(|name| name == split.as_str())).collect(),
        tasks: arguments.task.clone(),
        limit: arguments.limit,
        seed: arguments.seed,
        skip_bad: arguments.skip_bad,
        trace_text: Trace::text_of,
    };
    let manifest = export(target, stage, &options, &arguments.out)?;
    for input in &manifest.inputs {
        if let Some(asked) = input.asked.filter(|asked| *asked > input.rows) {
            let (name, rows) = (&input.name, thousands(input.rows as u64));
            tell!(
                "warning: {name}: {rows} of {} rows; no more different questions were found",
                thousands(asked as u64)
            );
        }
    }
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&manifest)?)?;
        return Ok(Outcome::Done);
    }
    for (task, splits) in &manifest.counts {
        let counts: Vec<String> = splits.iter().map(|(split, count)| format!("{count} {split}")).collect();
        say!("{task}: {}", counts.join(", "))?;
    }
    for (reason, count) in &manifest.skipped {
        say!("left out, {reason}: {count}")?;
    }
    let rows = counted(manifest.rows as u64, "row", "rows");
    say!("{rows} for {} ({}) in {}", target.title, manifest.stage, arguments.out.display())?;
    Ok(Outcome::Done)
}
