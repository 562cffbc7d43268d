//! `chemr report`: the HTML report of a run.

use std::path::PathBuf;

use anyhow::Context;

use crate::exit::{Outcome, say};

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
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let records = chemr_eval::read_phases(&arguments.run)?;
    let report = chemr_eval::report(&arguments.run)?;
    if arguments.json {
        let path = arguments.run.join("summary.json");
        let summary = std::fs::read_to_string(&path).with_context(|| format!("summary {}", path.display()))?;
        say!("{}", summary.trim_end())?;
        eprintln!("report {}", report.display());
    } else {
        for record in &records {
            say!("{}", crate::evaluator::headline(&record.name, &record.scores))?;
        }
        say!("report {}", report.display())?;
    }
    Ok(Outcome::Done)
}
