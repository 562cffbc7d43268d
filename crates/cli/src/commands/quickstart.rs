//! `chemr quickstart`: the three phases on generated data.

use std::path::PathBuf;

use chemr_train::{Budget, Recipe, recipe_of};

use crate::evaluator::train_and_report;
use crate::exit::Outcome;
use crate::models;

const EXAMPLES: &str = "Examples:
  chemr quickstart
  chemr quickstart --budget smoke --out /tmp/first --seed 7
  chemr quickstart --out runs/quickstart-001 --resume";

/// Train a small model through all three phases on generated chemistry, from nothing.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Run folder to make; by default the next free runs/quickstart-NNN.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Seed of weights, data order and sampling: the same seed gives the same bytes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How much to train: smoke (under a minute, learns nothing much), default (under 20 minutes on two cores), long.
    #[arg(long, default_value = "default")]
    budget: Budget,
    /// Go on with a stopped or killed run; needs --out.
    #[arg(long, requires = "out")]
    resume: bool,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => models::next_free("quickstart")?,
    };
    let mut recipe = Recipe::quickstart(arguments.budget)?;
    recipe.run.seed = arguments.seed;
    if arguments.resume {
        // The stored recipe knows the budget and seed of the run; the flags need not be repeated.
        recipe = recipe_of(&out)?;
    }
    let time = match arguments.budget {
        Budget::Smoke => "under a minute on two cores",
        Budget::Default => "about a quarter of an hour on two cores",
        Budget::Long => "about two hours on two cores",
    };
    eprintln!("chem-r quickstart ({}): {time}, {} threads", recipe.run.name, chemr_engine::threads());
    eprintln!("  phase 1 foundation: questions and bare answers, {} steps", recipe.foundation.steps);
    eprintln!("  phase 2 distill:    verified reasoning of the expert teacher, {} steps", recipe.distill.steps);
    eprintln!("  phase 3 grpo:       reinforcement learning with checked answers, {} steps", recipe.grpo.steps);
    eprintln!("run folder {}; stop with Ctrl-C, go on with --out {} --resume", out.display(), out.display());
    train_and_report(&recipe, &out, arguments.resume)
}
