//! `chemr prompts`: the templates of the questions.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{anyhow, bail};
use chemr_tasks::shots::Questions;
use chemr_tasks::{Prompt, Prompts, Task, sample, suggestion, task, tasks};
use serde_json::{Value, json};

use crate::exit::{Outcome, say};
use crate::shots::ShotsArguments;

const EXAMPLES: &str = "Examples:
  chemr prompts --task retrosynthesis
  chemr prompts --default > prompts.toml
  chemr prompts --task retrosynthesis --prompts prompts.toml --json
  chemr prompts --task retrosynthesis --shots 5 --shots-from train.csv --shots-by scaffold";

/// Print the templates of the questions in force, and what a question looks like.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Only what is in force for this task.
    #[arg(long, value_name = "TASK")]
    task: Option<String>,
    /// A file of prompts (docs/prompts.md); by default those of the program.
    #[arg(long, value_name = "FILE")]
    prompts: Option<PathBuf>,
    #[command(flatten)]
    shots: ShotsArguments,
    /// Seed of the fixed examples.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print one JSON object: templates, hash and an example question of each task.
    #[arg(long)]
    json: bool,
    /// Print the program's own file of prompts, with its comments, to edit.
    #[arg(long, conflicts_with_all = ["task", "prompts", "shots", "json"])]
    default: bool,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    if arguments.default {
        // As it is in the program, without a line break more.
        std::io::stdout().lock().write_all(Prompts::DEFAULT_FILE.as_bytes())?;
        return Ok(Outcome::Done);
    }
    let prompts = match &arguments.prompts {
        Some(file) => Prompts::load(file)?,
        None => Prompts::builtin().clone(),
    };
    let only = arguments.task.as_deref().map(named).transpose()?;
    if arguments.shots.is_wanted() && only.is_none() {
        bail!("--shots shows the examples of one task; name it with --task");
    }
    let shown: Vec<&'static Task> = only.map_or_else(|| tasks().to_vec(), |task| vec![task]);
    let shots = arguments.shots.read(&shown, arguments.seed)?;
    let questions = match &shots {
        Some((shots, _)) => Questions::few_shot(&prompts, shots, &shown)?,
        None => Questions::zero_shot(&prompts),
    };
    let example = |task: &'static Task| questions.ask(task, &sample(task));
    let templates = only.map_or_else(|| prompts.to_toml(), |task| prompts.to_toml_of(task));
    if arguments.json {
        let templates: toml::Table = templates.parse()?;
        let examples: Vec<Value> = shown
            .iter()
            .map(|task| {
                let Prompt { system, user } = example(task);
                json!({"task": task.id(), "system": system, "user": user})
            })
            .collect();
        let is_default = prompts == *Prompts::builtin();
        let all =
            json!({"sha256": prompts.sha256(), "is_default": is_default, "templates": templates, "examples": examples});
        say!("{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(Outcome::Done);
    }
    say!("{}", templates.trim_end())?;
    // As comments, so that the output is a file of prompts.
    for task in shown.iter().take(1) {
        let Prompt { system, user } = example(task);
        say!("\n# A question of {}, the system message first:", task.id())?;
        for line in ["", system.as_str(), "", user.as_str()].into_iter().flat_map(|text| text.split('\n')) {
            say!("{}", format!("# {line}").trim_end())?;
        }
    }
    say!("\n# sha256 of all prompts: {}", prompts.sha256())?;
    Ok(Outcome::Done)
}

fn named(id: &str) -> anyhow::Result<&'static Task> {
    let hint = || suggestion(id, tasks().iter().map(|task| task.id()));
    task(id).ok_or_else(|| anyhow!("unknown task `{id}`{}", hint()))
}
