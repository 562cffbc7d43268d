//! `chemr report`: the HTML report of a run.

use std::path::PathBuf;

use anyhow::Context;
use chemr_data::tell;
use chemr_eval::Summary;
use chemr_train::recipe_of;

use crate::exit::{Outcome, say};
use crate::{evaluator, models};

const EXAMPLES: &str = "Examples:
  chemr report runs/quickstart-001
  chemr report runs/quickstart-001 --json";

/// Write report.html of a run folder again, from the evaluations it holds.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Run folder.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
    /// The model that the run's adapter belongs to, where it does not lie any more where the run found it.
    #[arg(long, value_name = "DIR")]
    base: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let records = chemr_eval::read_phases(&arguments.run)?;
    let report = chemr_eval::report(&arguments.run)?;
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&summary(arguments)?)?)?;
        tell!("report {}", report.display());
    } else {
        for record in &records {
            say!("{}", evaluator::headline(&record.name, &record.scores))?;
        }
        say!("report {}", report.display())?;
    }
    Ok(Outcome::Done)
}

/// The run's summary; made from its evaluations and its newest checkpoint where the file is missing.
fn summary(arguments: &Arguments) -> anyhow::Result<Summary> {
    let run = arguments.run.as_path();
    let path = run.join("summary.json");
    match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).with_context(|| path.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let facts = models::find(models::resolve(run)?, arguments.base.as_deref())?.facts()?;
            let seed = recipe_of(run).map_or(0, |recipe| recipe.run.seed);
            Ok(evaluator::summarise(run, facts, seed)?.0)
        }
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}
