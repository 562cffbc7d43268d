//! `chemr eval`: a model on held-out questions.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::bail;
use chemr_data::tell;
use chemr_eval::{Asked, PhaseRecord, Summary};
use chemr_tasks::shots::Questions;
use chemr_train::{Budget, Recipe, Source, recipe_of};

use crate::exit::{Outcome, say};
use crate::models::ModelChoice;
use crate::shots::ShotsArguments;
use crate::{evaluator, interrupt, models, rows};

const EXAMPLES: &str = "Examples:
  chemr eval --model runs/quickstart-001
  chemr eval --model runs/quickstart-001 --set data.levels=[2] --set eval.examples_per_task=500
  chemr eval --model my-model --recipe recipes/real-data.toml --json
  chemr eval --model my-model --shots 5 --shots-from train.csv --shots-by similar";

/// Evaluate a model greedily on held-out questions of every task.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    model: ModelChoice,
    /// Recipe whose data and eval sections say what to ask; by default the one the run was made with, else quickstart's.
    #[arg(long, value_name = "RECIPE.toml")]
    recipe: Option<PathBuf>,
    /// Change one key of the recipe (repeatable).
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
    /// A file of prompts (docs/prompts.md) in place of the recipe's.
    #[arg(long, value_name = "FILE")]
    prompts: Option<PathBuf>,
    #[command(flatten)]
    shots: ShotsArguments,
    /// Write evaluation and report into this new folder too.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let found = arguments.model.find()?;
    let recipe = match (&arguments.recipe, models::run_of(&found.folder)) {
        (Some(path), _) => Recipe::load(path)?,
        (None, Some(run)) => recipe_of(run)?,
        (None, None) => Recipe::quickstart(Budget::Default)?,
    };
    let mut recipe = recipe.with_overrides(&arguments.set)?;
    if let Some(file) = &arguments.prompts {
        recipe.prompts.file = file.display().to_string();
    }
    if let Some(out) = arguments.out.as_deref().filter(|out| out.exists()) {
        bail!("{} exists already; evaluations are never overwritten", out.display());
    }
    let facts = found.facts()?;
    let source = Source::open(&recipe)?;
    let prompts = source.prompts();
    let shots = arguments.shots.read(source.tasks(), recipe.run.seed)?;
    let questions = match &shots {
        Some((shots, _)) => Questions::few_shot(prompts, shots, source.tasks())?,
        None => Questions::zero_shot(prompts),
    };
    let (model, tokenizer) = found.load(arguments.model.precision)?;
    let rows = rows::held_out(&recipe, &source)?;
    let stop = interrupt::stop_flag();
    let started = Instant::now();
    let scores = match evaluator::evaluate("model", &model, &tokenizer, &rows, &questions, &recipe, stop) {
        Ok(scores) => scores,
        Err(chemr_eval::EvalError::Stopped) => return Ok(Outcome::Stopped),
        Err(error) => return Err(error.into()),
    };
    let record = PhaseRecord {
        name: "model".to_owned(),
        seconds: 0.0,
        tokens: 0,
        evaluation_seconds: started.elapsed().as_secs_f64(),
        asked: Some(Asked { prompts_sha256: prompts.sha256(), shots: shots.as_ref().map(|(_, facts)| facts.clone()) }),
        scores,
    };
    if arguments.json {
        let summary = Summary::build(std::slice::from_ref(&record), facts.clone(), recipe.run.seed);
        say!("{}", serde_json::to_string_pretty(&summary)?)?;
    } else {
        say!("{}\n{}", evaluator::headline("model", &record.scores), evaluator::table(&record.scores).trim_end())?;
    }
    if let Some(out) = &arguments.out {
        chemr_eval::write_phase(out, &record)?;
        chemr_eval::write_prompts(out, prompts)?;
        let (_, report) = evaluator::summarise(out, facts, recipe.run.seed)?;
        tell!("report {}", report.display());
    }
    Ok(Outcome::Done)
}
