//! `chemr run`: a recipe.

use std::path::PathBuf;

use chemr_train::Recipe;

use crate::evaluator::train_and_report;
use crate::exit::Outcome;
use crate::models;

const EXAMPLES: &str = "Examples:
  chemr run recipes/real-data.toml --out runs/real
  chemr run recipes/real-data.toml --set run.seed=2 --set grpo.enabled=false
  chemr run recipes/real-data.toml --out runs/real --resume";

/// Run the phases that a recipe enables, evaluate each, and write the report.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Recipe file.
    #[arg(value_name = "RECIPE.toml")]
    recipe: PathBuf,
    /// Run folder to make; by default the next free runs/NAME-NNN.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Change one key of the recipe (repeatable).
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
    /// Go on with a stopped or killed run; needs --out and the same recipe.
    #[arg(long, requires = "out")]
    resume: bool,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let recipe = Recipe::load(&arguments.recipe)?.with_overrides(&arguments.set)?;
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => models::next_free(&recipe.run.name)?,
    };
    let (file, threads) = (arguments.recipe.display(), chemr_engine::threads());
    let plan = format!("recipe {file} with {threads} threads, run folder {}", out.display());
    train_and_report(&recipe, &out, arguments.resume, &plan)
}
