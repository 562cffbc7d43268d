//! `chemr report`: the HTML report of a run.

use std::path::PathBuf;

use serde_json::json;

use crate::exit::Outcome;

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
        let phases: Vec<_> = records
            .iter()
            .map(|record| {
                let claims = record.scores.claims();
                json!({
                    "name": record.name,
                    "mean": record.scores.mean(),
                    "worst": record.scores.worst(),
                    "claims": {"checked": claims.checked(), "false": claims.wrong},
                })
            })
            .collect();
        println!("{}", json!({"report": report, "phases": phases}));
    } else {
        for record in &records {
            println!("{}", crate::evaluator::headline(&record.name, &record.scores));
        }
        println!("report {}", report.display());
    }
    Ok(Outcome::Done)
}
