//! `chemr train`: one phase.

use std::path::PathBuf;

use chemr_train::{Budget, PhaseKind, Recipe};
use clap::ValueEnum;

use crate::evaluator::train_and_report;
use crate::exit::Outcome;
use crate::models;

const EXAMPLES: &str = "Examples:
  chemr train foundation --out runs/phase1
  chemr train distill --from runs/phase1 --out runs/phase2
  chemr train grpo --from runs/phase2 --recipe my.toml --set grpo.steps=200 --out runs/phase3";

/// Run one phase alone, from random weights or from a model folder.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The phase.
    phase: Phase,
    /// Recipe file; by default the one of `quickstart --budget default`.
    #[arg(long, value_name = "RECIPE.toml")]
    recipe: Option<PathBuf>,
    /// Model to start from: a Hugging Face folder, or a run folder (its newest checkpoint). Random weights without it.
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// Run folder to make; by default the next free runs/PHASE-NNN.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Change one key of the recipe (repeatable).
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
    /// Go on with a stopped or killed run; needs --out and the same --from and recipe.
    #[arg(long, requires = "out")]
    resume: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Phase {
    /// Supervised on questions and bare answers.
    Foundation,
    /// Supervised on verified reasoning traces.
    Distill,
    /// Reinforcement learning with verdicts.
    Grpo,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let phase = match arguments.phase {
        Phase::Foundation => PhaseKind::Foundation,
        Phase::Distill => PhaseKind::Distill,
        Phase::Grpo => PhaseKind::Grpo,
    };
    let recipe = match &arguments.recipe {
        Some(path) => Recipe::load(path)?,
        None => Recipe::quickstart(Budget::Default)?,
    };
    let from = arguments.from.as_deref().map(models::resolve).transpose()?;
    let recipe = recipe.with_overrides(&arguments.set)?.only(phase, from.as_deref());
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => models::next_free(phase.name())?,
    };
    let plan = format!("phase {phase} with {} threads, run folder {}", chemr_engine::threads(), out.display());
    train_and_report(&recipe, &out, arguments.resume, &plan)
}
