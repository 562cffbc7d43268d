//! `chemr quickstart`: the three phases on generated data.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use chemr_train::{Budget, Recipe, RunFolder, recipe_of};

use crate::evaluator::train_and_report;
use crate::exit::{Outcome, say};
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
    /// Seed of weights, data order and sampling: the same seed gives the same bytes [default: 1].
    #[arg(long, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: Option<u64>,
    /// How much to train: smoke (under a minute, learns next to nothing), default (about a quarter of an hour on two cores) or long
    /// (two hours, estimated) [default: default].
    #[arg(long)]
    budget: Option<Budget>,
    /// Go on with a stopped or killed run, with its own seed and budget; needs --out.
    #[arg(long, requires = "out")]
    resume: bool,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => models::next_free("quickstart")?,
    };
    let (budget, recipe) = if arguments.resume { stored(arguments, &out)? } else { fresh(arguments)? };
    let time = match budget {
        Budget::Smoke => "under a minute on two cores",
        Budget::Default => "about a quarter of an hour on two cores",
        Budget::Long => "by estimate two hours on two cores",
    };
    let plan = format!(
        "chem-r quickstart ({budget}): {time}, {} threads\n  \
         phase 1 foundation: questions and bare answers, {} steps\n  \
         phase 2 distill:    verified reasoning of the expert teacher, {} steps\n  \
         phase 3 grpo:       reinforcement learning with checked answers, {} steps\n\
         run folder {}; stop with Ctrl-C, go on with --out {} --resume",
        chemr_engine::threads(),
        recipe.foundation.steps,
        recipe.distill.steps,
        recipe.grpo.steps,
        out.display(),
        out.display()
    );
    let outcome = train_and_report(&recipe, &out, arguments.resume, &plan)?;
    if budget == Budget::Smoke && outcome == Outcome::Done {
        say!("\nThis budget only shows that every step works; a model that reasons takes `--budget default`.")?;
    }
    Ok(outcome)
}

fn fresh(arguments: &Arguments) -> anyhow::Result<(Budget, Recipe)> {
    let budget = arguments.budget.unwrap_or(Budget::Default);
    let mut recipe = Recipe::quickstart(budget)?;
    recipe.run.seed = arguments.seed.unwrap_or(recipe.run.seed);
    Ok((budget, recipe))
}

/// The recipe of the run to resume, and the budget it was made with. Flags need not be repeated, but must not differ.
fn stored(arguments: &Arguments, out: &Path) -> anyhow::Result<(Budget, Recipe)> {
    RunFolder::check(out, true)?;
    let recipe = recipe_of(out)?;
    let made_with = |budget: &Budget| recipe.run.name == format!("quickstart-{budget}");
    let budget = Budget::ALL
        .into_iter()
        .find(made_with)
        .with_context(|| format!("{} is no quickstart; resume it with the command that made it", out.display()))?;
    if arguments.budget.is_some_and(|asked| asked != budget) {
        bail!("{} was made with --budget {budget}", out.display());
    }
    if arguments.seed.is_some_and(|asked| asked != recipe.run.seed) {
        bail!("{} was made with --seed {}", out.display(), recipe.run.seed);
    }
    Ok((budget, recipe))
}
