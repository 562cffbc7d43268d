//! Flags for examples before questions.

use std::path::PathBuf;

use anyhow::Context;
use chemr_eval::ShotsFacts;
use chemr_tasks::Task;
use chemr_tasks::shots::{ShotChoice, Shots};
use clap::builder::RangedU64ValueParser;

/// Which examples stand before a question.
#[derive(clap::Args)]
pub struct ShotsArguments {
    /// Show this many examples with their answers before each question.
    #[arg(long, value_name = "COUNT", requires = "shots_from", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000))]
    shots: Option<usize>,
    /// CSV or JSONL with the task's fields and `reference`, and a column `task` where several tasks are asked.
    #[arg(long, value_name = "FILE", requires = "shots")]
    shots_from: Option<PathBuf>,
    /// Which rows: `fixed` (drawn once with the seed), `scaffold` (most similar Murcko scaffolds), `scaffold-counts` (the same with counts), `sequence` (most similar texts) or `similar`
    /// (scaffold for molecules, sequence for texts).
    #[arg(long, value_name = "CHOICE", requires = "shots", default_value_t = ShotChoice::Fixed)]
    shots_by: ShotChoice,
}

impl ShotsArguments {
    /// Whether examples are wanted.
    pub fn is_wanted(&self) -> bool {
        self.shots.is_some()
    }

    /// Reads the examples for the tasks, where they are wanted; `seed` draws the fixed ones.
    pub fn read(&self, tasks: &[&'static Task], seed: u64) -> anyhow::Result<Option<(Shots, ShotsFacts)>> {
        let (Some(count), Some(file)) = (self.shots, &self.shots_from) else { return Ok(None) };
        let rows = chemr_data::shots::read(file, tasks)?;
        let shots = Shots::new(count, self.shots_by, seed, rows, tasks).with_context(|| file.display().to_string())?;
        let facts = ShotsFacts {
            count,
            by: self.shots_by.to_string(),
            file: file.display().to_string(),
            rows_sha256: shots.sha256(),
            seed,
        };
        Ok(Some((shots, facts)))
    }
}
