//! `report.html`: one self-contained file with the figures, curves and samples of a run.
//!
//! Nothing is loaded from elsewhere: style, script and drawings are inside. Text that a model wrote is hostile until it is
//! escaped, so every text passes the template's HTML escaping, after control and direction characters were made visible;
//! the only markup that is put in as it is are charts made here and drawings made by the toolkit from parsed molecules.

mod chart;
mod curves;
mod drawing;
mod figures;
mod samples;

use std::fs;
use std::path::{Path, PathBuf};

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;

use chemr_data::wording as text;

use crate::error::EvalError;
use crate::files::{PhaseRecord, read_json, read_phases, write_atomic};
use crate::summary::Summary;

const TEMPLATE: &str = include_str!("../../templates/report.html");
const STYLE: &str = include_str!("../../templates/style.css");
const SCRIPT: &str = include_str!("../../templates/script.js");

/// Everything a report is made of.
pub(crate) struct Run {
    /// Name of the run folder.
    pub folder: String,
    pub phases: Vec<PhaseRecord>,
    pub summary: Option<Summary>,
    /// Text of `metrics.jsonl`.
    pub metrics: String,
    /// Text of `config.toml`.
    pub config: String,
    /// `manifest.json`.
    pub manifest: Option<serde_json::Value>,
}

/// One line of the list of facts.
#[derive(Serialize)]
struct Fact {
    name: String,
    value: String,
}

/// What the template sees.
#[derive(Serialize)]
struct Page<'a> {
    style: &'static str,
    script: &'static str,
    name: String,
    facts: Vec<Fact>,
    table: figures::Table,
    findings: Vec<figures::Finding>,
    headline: String,
    curves: Vec<curves::Group>,
    task_keys: Vec<curves::TaskKey>,
    samples: Vec<samples::SampleView>,
    sample_phases: Vec<figures::PhaseName>,
    sample_tasks: Vec<figures::PhaseName>,
    drawings: &'a [drawing::Symbol],
    claims_by_task: Vec<figures::ClaimRow>,
    config: String,
    manifest: Option<String>,
    version: &'static str,
}

/// Writes `RUN/report.html` from what lies in the run folder and returns its path.
///
/// Needs `eval/*.json`; uses `summary.json`, `metrics.jsonl`, `config.toml` and `manifest.json` when they are there.
///
/// # Errors
/// When no phase has been evaluated, a file cannot be read, or the report cannot be written.
pub fn report(run: &Path) -> Result<PathBuf, EvalError> {
    let html = render(run)?;
    let path = run.join("report.html");
    write_atomic(&path, html.as_bytes())?;
    Ok(path)
}

/// The text of the report.
///
/// # Errors
/// As [`report`].
pub fn render(run: &Path) -> Result<String, EvalError> {
    let optional = |name: &str| fs::read_to_string(run.join(name)).unwrap_or_default();
    let summary_path = run.join("summary.json");
    let resolved = fs::canonicalize(run).unwrap_or_else(|_| run.to_path_buf());
    let gathered = Run {
        folder: resolved.file_name().map_or_else(|| "run".to_string(), |name| name.to_string_lossy().into_owned()),
        phases: read_phases(run)?,
        summary: if summary_path.is_file() { Some(read_json(&summary_path)?) } else { None },
        metrics: optional("metrics.jsonl"),
        config: optional("config.toml"),
        manifest: serde_json::from_str(&optional("manifest.json")).ok(),
    };
    page(&gathered)
}

fn page(run: &Run) -> Result<String, EvalError> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("report.html", TEMPLATE)?;
    let mut drawings = drawing::Drawings::default();
    let samples = samples::views(&run.phases, &mut drawings);
    let view = Page {
        style: STYLE,
        script: SCRIPT,
        name: text::visible(&run_name(&run.config).unwrap_or_else(|| run.folder.clone())),
        facts: facts(run),
        table: figures::table(&run.phases),
        findings: figures::findings(&run.phases),
        headline: figures::headline(&run.phases),
        curves: curves::groups(&run.metrics),
        task_keys: curves::task_keys(&run.metrics),
        samples,
        sample_phases: run.phases.iter().map(|phase| figures::PhaseName::of(&phase.name)).collect(),
        sample_tasks: figures::task_names(&run.phases),
        drawings: drawings.symbols(),
        claims_by_task: figures::claims_by_task(&run.phases),
        config: text::visible_lines(&run.config),
        manifest: run
            .manifest
            .as_ref()
            .map(|manifest| text::visible_lines(&serde_json::to_string_pretty(manifest).unwrap_or_default())),
        version: env!("CARGO_PKG_VERSION"),
    };
    Ok(environment.get_template("report.html")?.render(Serde(&view))?)
}

/// `run.name` of a recipe's text.
fn run_name(config: &str) -> Option<String> {
    let recipe: toml::Table = toml::from_str(config).ok()?;
    let name = recipe.get("run")?.get("name")?.as_str()?.trim();
    (!name.is_empty()).then(|| name.to_string())
}

fn facts(run: &Run) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut add = |name: &str, value: String| facts.push(Fact { name: name.to_string(), value });
    add("Folder", text::visible(&run.folder));
    if let Some(summary) = &run.summary {
        let model = &summary.model;
        add("Model", format!("{} parameters", text::thousands(model.parameters as u64)));
        if let Some(adapter) = &model.adapter {
            let share = 100.0 * adapter.parameters as f64 / model.parameters.max(1) as f64;
            let values = text::thousands(adapter.parameters as u64);
            add("Trained", format!("adapter of rank {}: {values} values ({share:.2} %)", adapter.rank));
        }
        add("Shape", format!("{} layers × {}", model.layers, model.hidden_size));
        add("Vocabulary", text::thousands(model.vocabulary as u64));
        add("Seed", summary.seed.to_string());
        if let Some(peak) = summary.peak_rss_mb {
            add("Peak memory", format!("{} MiB", text::thousands(peak.round() as u64)));
        }
    }
    let training: f64 = run.phases.iter().map(|phase| phase.seconds).sum();
    let evaluation: f64 = run.phases.iter().map(|phase| phase.evaluation_seconds).sum();
    add("Training", text::duration(training));
    add("Evaluation", text::duration(evaluation));
    add("Trained tokens", text::thousands(run.phases.iter().map(|phase| phase.tokens).sum()));
    facts
}

#[cfg(test)]
mod tests;
