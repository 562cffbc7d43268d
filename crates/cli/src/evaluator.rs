//! Evaluation after each phase of a run, and the summary and report at its end.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Context;
use chemr_data::tell;
use chemr_engine::{InferenceModel, Tokenizer};
use chemr_eval::{Asked, EvalError, EvalOptions, ModelFacts, PhaseRecord, PhaseScores, Summary, TaskRows};
use chemr_tasks::Prompts;
use chemr_tasks::shots::Questions;
use chemr_train::{
    PhaseHook, PhaseKind, PhaseOutcome, Recipe, Run, RunStatus, Source, check_start, progress_for_stderr,
};

use crate::exit::{Outcome, say};
use crate::terminal::EvaluationProgress;
use crate::{interrupt, models, program};

/// Sequences decoded at the same time in an evaluation.
const BATCH_WIDTH: usize = 128;

/// Evaluates a model on held-out rows, with progress on standard error.
pub fn evaluate(
    name: &str,
    model: &InferenceModel<'_>,
    tokenizer: &Tokenizer,
    rows: &[TaskRows],
    questions: &Questions<'_>,
    recipe: &Recipe,
    stop: &AtomicBool,
) -> Result<PhaseScores, EvalError> {
    let total = rows.iter().map(|rows| rows.examples.len()).sum();
    let options = EvalOptions {
        max_new_tokens: recipe.eval.max_new_tokens,
        samples_per_task: recipe.eval.samples_per_task,
        batch_width: BATCH_WIDTH,
        seed: recipe.run.seed,
    };
    let mut bar = EvaluationProgress::new(name, total);
    let scores = chemr_eval::evaluate(model, tokenizer, rows, questions, &options, &mut |progress| {
        bar.update(progress.done, progress.total);
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.finish();
    scores
}

/// One line per phase for the terminal.
pub fn headline(name: &str, scores: &PhaseScores) -> String {
    let claims = scores.claims();
    let checked = claims.checked();
    let traces = if checked == 0 {
        String::new()
    } else {
        format!(
            ", {} of {checked} checked claims false ({:.1} %)",
            claims.wrong,
            100.0 * claims.wrong as f64 / checked as f64
        )
    };
    format!("{name}: mean accuracy {:.3}, worst task {:.3}{traces}", scores.mean(), scores.worst())
}

/// The accuracy of every task as an indented table.
pub fn table(scores: &PhaseScores) -> String {
    let width = scores.tasks.iter().map(|detail| detail.task.len()).max().unwrap_or(0);
    scores
        .tasks
        .iter()
        .map(|detail| {
            let score = &detail.score;
            format!(
                "  {:width$}  {:.3} [{:.3}, {:.3}]  baseline {:.3}  valid {:.3}  format {:.3}  n {}\n",
                detail.task, score.accuracy, score.low, score.high, score.baseline, score.valid, score.format, score.n
            )
        })
        .collect()
}

/// Evaluates each finished phase into the run folder.
struct AfterPhase<'a> {
    recipe: &'a Recipe,
    run: &'a Path,
    rows: &'a [TaskRows],
    prompts: &'a Prompts,
    stop: &'a AtomicBool,
    /// Ctrl-C came during an evaluation. The phase before it is saved.
    stopped: bool,
}

impl PhaseHook for AfterPhase<'_> {
    fn after_phase(&mut self, outcome: &PhaseOutcome) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let wanted = match outcome.phase {
            PhaseKind::Foundation => self.recipe.eval.after_foundation,
            PhaseKind::Distill => self.recipe.eval.after_distill,
            PhaseKind::Grpo => true,
        };
        if !wanted {
            return Ok(());
        }
        let started = Instant::now();
        let found = models::find(outcome.checkpoint.clone(), None)?;
        let (model, tokenizer) = found.read_as_trained(self.recipe.adapter.base)?;
        let questions = Questions::zero_shot(self.prompts);
        let scores = evaluate(outcome.name, &model, &tokenizer, self.rows, &questions, self.recipe, self.stop)
            .inspect_err(|error| self.stopped = matches!(error, EvalError::Stopped))?;
        tell!("{}\n{}", headline(outcome.name, &scores), table(&scores).trim_end());
        let record = PhaseRecord {
            name: outcome.name.to_owned(),
            seconds: outcome.seconds,
            tokens: outcome.tokens,
            evaluation_seconds: started.elapsed().as_secs_f64(),
            asked: Some(Asked { prompts_sha256: self.prompts.sha256(), shots: None }),
            scores,
        };
        chemr_eval::write_phase(self.run, &record)?;
        // The report exists from the first phase on, so that a long run can be followed.
        summarise(self.run, found.facts()?, self.recipe.run.seed)?;
        Ok(())
    }
}

/// Writes `summary.json` and `report.html` from what the run folder holds.
pub fn summarise(run: &Path, model: ModelFacts, seed: u64) -> Result<(Summary, PathBuf), EvalError> {
    let records = chemr_eval::read_phases(run)?;
    let mut summary = Summary::build(&records, model, seed);
    summary.write(run)?;
    let report = chemr_eval::report(run)?;
    Ok((summary, report))
}

/// Trains the recipe's phases, evaluates after each, and tells what to do next. `plan` is said once it is known that the run
/// can begin.
pub fn train_and_report(recipe: &Recipe, out: &Path, resume: bool, plan: &str) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    check_start(recipe, out, resume)?;
    tell!("{plan}");
    if recipe.data.source != "gym" {
        tell!("reading the data files (a minute)");
    }
    let source = Source::open(recipe)?;
    let rows = crate::rows::held_out(recipe, &source).context("held-out questions")?;
    // From here on there is something to save when Ctrl-C comes.
    let stop = interrupt::resumable_stop_flag();
    let progress = progress_for_stderr();
    let mut hook = AfterPhase { recipe, run: out, rows: &rows, prompts: source.prompts(), stop, stopped: false };
    let result = Run { recipe, source: &source, out, resume, stop, progress: &*progress }.start(&mut hook);
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(_) if hook.stopped => return Ok(stopped(out)),
        Err(error) => return Err(error.into()),
    };
    if outcome.status == RunStatus::Stopped {
        return Ok(stopped(out));
    }
    let last = outcome.phases.last().context("the run has no phase")?;
    let found = models::find(last.checkpoint.clone(), None)?;
    let (summary, report) = summarise(out, found.facts()?, recipe.run.seed)?;
    say!("\nfinished in {}", chemr_data::wording::duration(started.elapsed().as_secs_f64()))?;
    say!("{:<12} {:>6} {:>6} {:>22}", "phase", "mean", "worst", "false claims")?;
    for phase in &summary.phases {
        let claims = &phase.claims;
        let wrong =
            if claims.checked == 0 { "-".to_owned() } else { format!("{} of {}", claims.wrong, claims.checked) };
        say!("{:<12} {:>6.3} {:>6.3} {:>22}", phase.name, phase.mean, phase.worst, wrong)?;
    }
    let kind = if found.base.is_some() { "adapter" } else { "model" };
    say!("\n{kind:<8} {}", last.checkpoint.display())?;
    say!("summary  {}", out.join("summary.json").display())?;
    say!("report   {}   (open it in a browser)", report.display())?;
    let model = program::quoted(&last.checkpoint.to_string_lossy());
    let program = program::name();
    say!("\nnext: {program} ask {} --model {model}", question_to_try(&rows))?;
    if found.base.is_some() {
        say!("a model without the adapter: {program} merge {model} --out FOLDER")?;
    }
    Ok(Outcome::Done)
}

/// Arguments of `chemr ask` for a question that the model was trained for.
fn question_to_try(rows: &[TaskRows]) -> String {
    const WELL_KNOWN: (&str, &str) = ("retrosynthesis", "CC(C)C(=O)OCC");
    let of_first = || {
        let rows = rows.first()?;
        Some((rows.task.id(), rows.examples.first()?.field(rows.task.input_key())))
    };
    let knows_it = rows.iter().any(|rows| rows.task.id() == WELL_KNOWN.0);
    let (task, input) = if knows_it { WELL_KNOWN } else { of_first().unwrap_or(WELL_KNOWN) };
    format!("--task {task} {}", program::quoted(input))
}

fn stopped(out: &Path) -> Outcome {
    tell!("stopped; everything up to here is saved. To go on: {}", program::resuming(out));
    Outcome::Stopped
}
