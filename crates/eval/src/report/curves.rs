//! Training curves from `metrics.jsonl`.
//!
//! Lines are `{"phase", "step", …}`; supervised phases carry `loss` and `tasks.TASK.loss`, GRPO carries `reward`, `accuracy`, `entropy`
//! and more for the whole step and for each task. Lines that cannot be read are passed over.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::chart::{Chart, Series};
use super::figures::{PhaseName, task_title};
use crate::files::PHASES;

/// The charts of one phase.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    pub title: String,
    pub note: String,
    pub charts: Vec<Drawn>,
}

/// A chart in the page.
#[derive(Debug, Serialize)]
pub(super) struct Drawn {
    pub title: String,
    pub about: String,
    pub svg: String,
}

/// An entry of the legend.
#[derive(Debug, Serialize)]
pub(super) struct TaskKey {
    pub class: usize,
    pub title: String,
}

/// What is drawn of a phase: key, title, explanation, whether it is a share, and fixed ends of the axis.
struct Quantity {
    key: &'static str,
    title: &'static str,
    about: &'static str,
    percent: bool,
    low: Option<f64>,
    high: Option<f64>,
}

const fn share(key: &'static str, title: &'static str, about: &'static str) -> Quantity {
    Quantity { key, title, about, percent: true, low: Some(0.0), high: Some(1.0) }
}

const fn amount(key: &'static str, title: &'static str, about: &'static str) -> Quantity {
    Quantity { key, title, about, percent: false, low: Some(0.0), high: None }
}

const SUPERVISED: [Quantity; 2] = [
    amount("loss", "Loss", "cross-entropy of the supervised tokens, nats per token"),
    amount("entropy", "Entropy", "of the next-token distribution, nats per token"),
];

const REINFORCEMENT: [Quantity; 7] = [
    Quantity {
        key: "reward",
        title: "Reward",
        about: "weighted sum of format, accuracy and, where the recipe asks for it, true claims; sampled completions",
        percent: false,
        low: Some(0.0),
        high: None,
    },
    share("accuracy", "Accuracy", "of sampled completions, strict extraction"),
    amount("entropy", "Entropy", "estimated as the mean -log p of the sampled tokens, nats per token"),
    share("format", "Format", "completions in the strict format"),
    amount("length", "Length", "tokens of a completion"),
    share("zero_variance", "Zero-variance groups", "groups without any learning signal, skipped"),
    amount("kl", "KL to the distilled model", "k3 estimate, nats per token"),
];

/// Parsed lines by phase.
struct Metrics {
    lines: Vec<Value>,
    tasks: Vec<String>,
}

impl Metrics {
    fn read(text: &str) -> Metrics {
        let lines: Vec<Value> =
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).filter(Value::is_object).collect();
        let tasks: BTreeSet<String> = lines
            .iter()
            .filter_map(|line| line.get("tasks").and_then(Value::as_object))
            .flat_map(|tasks| tasks.keys().cloned())
            .collect();
        // Tasks in the order of the registry, unknown ones after them: colours are the same in every report.
        let known = chemr_tasks::tasks().iter().map(|task| task.id().to_string());
        let mut order: Vec<String> = known.filter(|id| tasks.contains(id)).collect();
        let rest: Vec<String> = tasks.into_iter().filter(|id| !order.contains(id)).collect();
        order.extend(rest);
        Metrics { lines, tasks: order }
    }

    fn phase<'a>(&'a self, phase: &'a str) -> impl Iterator<Item = &'a Value> {
        self.lines.iter().filter(move |line| line.get("phase").and_then(Value::as_str) == Some(phase))
    }

    /// Points of a quantity over the steps of a phase; of one task, or of the whole step.
    fn points(&self, phase: &str, task: Option<&str>, key: &str) -> Vec<(f64, f64)> {
        // A resumed run may write a step again: the last line of a step counts.
        let mut by_step: BTreeMap<u64, f64> = BTreeMap::new();
        for line in self.phase(phase) {
            let Some(step) = line.get("step").and_then(Value::as_u64) else { continue };
            let place = match task {
                None => Some(line),
                Some(task) => line.get("tasks").and_then(|tasks| tasks.get(task)),
            };
            if let Some(value) = place.and_then(|place| quantity(place, key)) {
                by_step.insert(step, value);
            }
        }
        by_step.into_iter().map(|(step, value)| (step as f64, value)).collect()
    }
}

fn quantity(place: &Value, key: &str) -> Option<f64> {
    let read = |key: &str| place.get(key).and_then(Value::as_f64).filter(|value| value.is_finite());
    match key {
        "zero_variance" => {
            let groups = read("groups").filter(|groups| *groups > 0.0)?;
            Some(read("zero_variance_groups")? / groups)
        }
        key => read(key),
    }
}

/// The legend: tasks with their colour class. Class 0 is the whole step.
pub(super) fn task_keys(text: &str) -> Vec<TaskKey> {
    let metrics = Metrics::read(text);
    let mut keys = vec![TaskKey { class: 0, title: "all tasks".to_string() }];
    keys.extend(
        metrics.tasks.iter().enumerate().map(|(index, id)| TaskKey { class: class(index), title: task_title(id) }),
    );
    if metrics.tasks.is_empty() { Vec::new() } else { keys }
}

/// Seven task colours; an eighth task starts again.
fn class(index: usize) -> usize {
    index % 7 + 1
}

/// The charts of every phase that has metrics.
pub(super) fn groups(text: &str) -> Vec<Group> {
    let metrics = Metrics::read(text);
    PHASES.iter().filter_map(|phase| group(&metrics, phase)).collect()
}

fn group(metrics: &Metrics, phase: &str) -> Option<Group> {
    let quantities: &[Quantity] = if phase == "grpo" { &REINFORCEMENT } else { &SUPERVISED };
    let charts: Vec<Drawn> = quantities.iter().filter_map(|quantity| drawn(metrics, phase, quantity)).collect();
    if charts.is_empty() {
        return None;
    }
    let steps: BTreeSet<u64> =
        metrics.phase(phase).filter_map(|line| line.get("step").and_then(Value::as_u64)).collect();
    let note = match steps.last() {
        Some(last) if steps.len() > super::chart::MAX_POINTS => {
            format!(
                "{last} steps; each point is the mean of about {} logged steps.",
                steps.len().div_ceil(super::chart::MAX_POINTS)
            )
        }
        Some(last) => format!("{last} steps."),
        None => String::new(),
    };
    Some(Group { title: PhaseName::of(phase).title, note, charts })
}

fn drawn(metrics: &Metrics, phase: &str, quantity: &Quantity) -> Option<Drawn> {
    let tasks = metrics.tasks.iter().enumerate().map(|(index, id)| Series {
        name: task_title(id),
        class: class(index),
        points: metrics.points(phase, Some(id), quantity.key),
    });
    let whole = Series { name: "all tasks".into(), class: 0, points: metrics.points(phase, None, quantity.key) };
    let series: Vec<Series> = tasks.chain([whole]).filter(|series| !series.points.is_empty()).collect();
    let phase_title = PhaseName::of(phase).title;
    let chart = Chart {
        title: format!("{phase_title}: {}", quantity.title),
        x_label: "step".into(),
        y_low: quantity.low,
        y_high: quantity.high,
        percent: quantity.percent,
        series,
    };
    Some(Drawn { title: quantity.title.into(), about: quantity.about.into(), svg: chart.svg()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_supervised_and_grpo_lines() {
        let text = r#"
{"phase":"tokenizer","step":0,"vocab_size":500}
{"phase":"foundation","step":1,"loss":3.5,"tasks":{"retrosynthesis":{"loss":3.0}}}
{"phase":"foundation","step":2,"loss":2.5,"tasks":{"retrosynthesis":{"loss":2.0},"name.smiles_to_formula":{"loss":1.0}}}
{"phase":"foundation","step":2,"loss":2.4}
not json
{"phase":"foundation","st
[1,2]
{"phase":"grpo","step":1,"reward":0.5,"tasks":{"retrosynthesis":{"reward":0.4,"groups":4,"zero_variance_groups":1,"kl":null}}}
"#;
        let metrics = Metrics::read(text);
        assert_eq!(metrics.tasks, ["name.smiles_to_formula", "retrosynthesis"]);
        assert_eq!(metrics.points("foundation", None, "loss"), [(1.0, 3.5), (2.0, 2.4)]);
        assert_eq!(metrics.points("grpo", Some("retrosynthesis"), "zero_variance"), [(1.0, 0.25)]);
        let groups = groups(text);
        let titles: Vec<(String, Vec<&str>)> = groups
            .iter()
            .map(|group| (group.title.clone(), group.charts.iter().map(|chart| chart.title.as_str()).collect()))
            .collect();
        assert_eq!(titles.len(), 2);
        assert_eq!(titles[0].1, ["Loss"]);
        assert_eq!(titles[1].1, ["Reward", "Zero-variance groups"]);
        assert_eq!(task_keys(text).len(), 3);
        assert!(task_keys("").is_empty() && super::groups("").is_empty());
    }
}
