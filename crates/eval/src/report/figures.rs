//! The phase-by-task table and the sentences about it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::text::{list, percent, thousands};
use crate::files::PhaseRecord;
use crate::records::TaskDetail;
use crate::statistics::paired_sign_test;

/// Below this probability a paired difference is called a change.
const CHANGE: f64 = 0.05;

/// A phase with its wording.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PhaseName {
    pub id: String,
    pub title: String,
}

impl PhaseName {
    pub fn of(id: &str) -> PhaseName {
        let title = match id {
            "foundation" => "Foundation",
            "distill" => "Distillation",
            "grpo" => "GRPO",
            other => other,
        };
        PhaseName { id: id.to_string(), title: title.to_string() }
    }
}

/// Title of a task id; unknown ids stand for themselves.
pub(super) fn task_title(id: &str) -> String {
    chemr_tasks::task(id).map_or_else(|| id.to_string(), |task| task.title().to_string())
}

/// A cell of the table. Positions are per cent for the small bar.
#[derive(Debug, Serialize)]
struct Cell {
    accuracy: String,
    interval: String,
    low: String,
    width: String,
    point: String,
    baseline: String,
    valid: String,
    format: String,
    n: usize,
    /// `up`, `down`, `same`, or empty without an earlier phase.
    change: &'static str,
    change_text: String,
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    title: String,
    baseline: String,
    baseline_kind: String,
    cells: Vec<Option<Cell>>,
}

#[derive(Debug, Serialize)]
struct Foot {
    title: String,
    about: String,
    values: Vec<String>,
}

/// The table as the template wants it.
#[derive(Debug, Serialize)]
pub(super) struct Table {
    phases: Vec<PhaseName>,
    rows: Vec<Row>,
    feet: Vec<Foot>,
    /// Rows evaluated for each task, or a range of them.
    n: String,
}

/// Task ids over all phases, in the order of the first that has them.
fn task_ids(phases: &[PhaseRecord]) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for task in phases.iter().flat_map(|phase| &phase.scores.tasks) {
        if !ids.contains(&task.task) {
            ids.push(task.task.clone());
        }
    }
    ids
}

/// Tasks with their wording, for the filter of the samples.
pub(super) fn task_names(phases: &[PhaseRecord]) -> Vec<PhaseName> {
    task_ids(phases).into_iter().map(|id| PhaseName { title: task_title(&id), id }).collect()
}

/// The phase-by-task table.
pub(super) fn table(phases: &[PhaseRecord]) -> Table {
    let rows = task_ids(phases)
        .into_iter()
        .map(|id| {
            let details: Vec<Option<&TaskDetail>> = phases.iter().map(|phase| phase.scores.task(&id)).collect();
            let known = details.iter().flatten().last();
            Row {
                title: task_title(&id),
                baseline: known.map(|detail| percent(detail.score.baseline)).unwrap_or_default(),
                baseline_kind: known.map(|detail| detail.baseline_kind.clone()).unwrap_or_default(),
                cells: (0..details.len())
                    .map(|at| {
                        details[at].map(|detail| cell(detail, at.checked_sub(1).and_then(|before| details[before])))
                    })
                    .collect(),
                id,
            }
        })
        .collect();
    let each = |value: &dyn Fn(&PhaseRecord) -> String| phases.iter().map(value).collect();
    let feet = vec![
        Foot {
            title: "Mean".into(),
            about: "over tasks, equal weight".into(),
            values: each(&|phase| percent(phase.scores.mean())),
        },
        Foot {
            title: "Worst task".into(),
            about: "lowest accuracy".into(),
            values: each(&|phase| percent(phase.scores.worst())),
        },
        Foot {
            title: "Strict format".into(),
            about: "share of completions".into(),
            values: each(&|phase| percent(mean(phase, |task| task.score.format))),
        },
        Foot {
            title: "Valid answers".into(),
            about: "share of completions".into(),
            values: each(&|phase| percent(mean(phase, |task| task.score.valid))),
        },
        Foot { title: "False claims".into(), about: "of those checked".into(), values: each(&false_claims) },
    ];
    let sizes: Vec<usize> =
        phases.iter().flat_map(|phase| phase.scores.tasks.iter().map(|task| task.score.n)).collect();
    let n = match (sizes.iter().min(), sizes.iter().max()) {
        (Some(low), Some(high)) if low == high => low.to_string(),
        (Some(low), Some(high)) => format!("{low} to {high}"),
        _ => "no".to_string(),
    };
    Table { phases: phases.iter().map(|phase| PhaseName::of(&phase.name)).collect(), rows, feet, n }
}

fn mean(phase: &PhaseRecord, value: impl Fn(&TaskDetail) -> f64) -> f64 {
    phase.scores.tasks.iter().map(value).sum::<f64>() / phase.scores.tasks.len().max(1) as f64
}

fn false_claims(phase: &PhaseRecord) -> String {
    let claims = phase.scores.claims();
    match claims.checked() {
        0 => "none made".to_string(),
        checked => format!("{} % of {}", percent(claims.wrong as f64 / checked as f64), thousands(checked as u64)),
    }
}

fn cell(detail: &TaskDetail, before: Option<&TaskDetail>) -> Cell {
    let score = &detail.score;
    let (change, change_text) = match before {
        None => ("", String::new()),
        Some(before) => {
            let difference = (score.accuracy - before.score.accuracy) * 100.0;
            let change = match changed(before, detail) {
                Some(probability) if probability >= CHANGE => "same",
                // Without row-by-row outcomes the intervals have to do.
                None if score.low <= before.score.high && before.score.low <= score.high => "same",
                _ if difference > 0.0 => "up",
                _ => "down",
            };
            (change, format!("{difference:+.1}").replace('-', "−"))
        }
    };
    Cell {
        accuracy: percent(score.accuracy),
        interval: format!("{}–{}", percent(score.low), percent(score.high)),
        low: format!("{:.2}", score.low * 100.0),
        width: format!("{:.2}", (score.high - score.low).max(0.0) * 100.0),
        point: format!("{:.2}", score.accuracy * 100.0),
        baseline: format!("{:.2}", score.baseline * 100.0),
        valid: percent(score.valid),
        format: percent(score.format),
        n: score.n,
        change,
        change_text,
    }
}

/// Answers that only the earlier and that only the later of two phases has right, on the same rows.
fn lost_and_won(before: &TaskDetail, after: &TaskDetail) -> Option<(usize, usize)> {
    if before.outcomes.len() != after.outcomes.len() || before.outcomes.is_empty() {
        return None;
    }
    let pairs = before.outcomes.bytes().zip(after.outcomes.bytes());
    Some(pairs.fold((0, 0), |(lost, won), pair| match pair {
        (b'1', b'0') => (lost + 1, won),
        (b'0', b'1') => (lost, won + 1),
        _ => (lost, won),
    }))
}

/// Probability of the paired difference between two phases on the same rows.
fn changed(before: &TaskDetail, after: &TaskDetail) -> Option<f64> {
    lost_and_won(before, after).map(|(lost, won)| paired_sign_test(lost, won))
}

/// How the mean changed from one phase to the next: a tone, and a sentence. Means that print the same are the same.
fn mean_change(before: &PhaseRecord, after: &PhaseRecord) -> (&'static str, String) {
    let (low, high) = (before.scores.mean(), after.scores.mean());
    let (tone, verb) = match (percent(low) == percent(high), high > low) {
        (true, _) => ("plain", "does not change"),
        (false, true) => ("good", "rises"),
        (false, false) => ("bad", "falls"),
    };
    let names = format!("From {} to {}", sentence_name(&before.name), sentence_name(&after.name));
    let mut text = format!("{names} the mean accuracy {verb} ({} % to {} %)", percent(low), percent(high));
    let pairs: Option<Vec<(usize, usize)>> = after
        .scores
        .tasks
        .iter()
        .map(|task| before.scores.task(&task.task).and_then(|earlier| lost_and_won(earlier, task)))
        .collect();
    if let Some(pairs) = pairs {
        let (lost, won) = pairs.iter().fold((0, 0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
        let probability = paired_sign_test(lost, won);
        let verdict = if probability < CHANGE { "more than" } else { "no more than" };
        let probability = if probability < 0.001 { "p < 0.001".to_string() } else { format!("p = {probability:.3}") };
        text.push_str(&format!(
            ": {} answers won, {} lost, {verdict} chance explains (sign test, {probability})",
            thousands(won as u64),
            thousands(lost as u64)
        ));
    }
    text.push('.');
    (tone, text)
}

/// One or two sentences that say how the run ended.
pub(super) fn headline(phases: &[PhaseRecord]) -> String {
    let Some(last) = phases.last() else {
        return String::new();
    };
    let scores = &last.scores;
    let worst = scores.tasks.iter().min_by(|a, b| a.score.accuracy.total_cmp(&b.score.accuracy));
    let mut text = format!("After {}, the mean accuracy is {} %", sentence_name(&last.name), percent(scores.mean()));
    if let Some(worst) = worst {
        text.push_str(&format!(
            "; the worst task is {} with {} %",
            task_title(&worst.task),
            percent(worst.score.accuracy)
        ));
    }
    text.push('.');
    let claims = scores.claims();
    if claims.checked() > 0 {
        text.push_str(&format!(
            " Of {} claims in the traces that the toolkit could decide, {} % are false.",
            thousands(claims.checked() as u64),
            percent(claims.wrong as f64 / claims.checked() as f64)
        ));
    }
    text
}

fn sentence_name(id: &str) -> String {
    match id {
        "foundation" => "foundation training".to_string(),
        "distill" => "distillation".to_string(),
        "grpo" => "GRPO".to_string(),
        other => other.to_string(),
    }
}

/// A sentence with its tone: `good`, `bad` or `plain`.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Finding {
    tone: &'static str,
    text: String,
}

/// What the table says in words, the unpleasant included.
pub(super) fn findings(phases: &[PhaseRecord]) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |tone: &'static str, text: String| found.push(Finding { tone, text });
    for pair in phases.windows(2) {
        let [before, after] = pair else { continue };
        let (tone, mut text) = mean_change(before, after);
        let mut lists: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for task in &after.scores.tasks {
            if let Some(earlier) = before.scores.task(&task.task) {
                lists.entry(cell(task, Some(earlier)).change).or_default().push(task_title(&task.task));
            }
        }
        if let Some(worse) = lists.get("down") {
            text.push_str(&format!(" Worse: {}.", list(worse)));
        }
        if let Some(same) = lists.get("same") {
            text.push_str(&format!(" No clear change: {}.", list(same)));
        }
        say(tone, text);
    }
    if let Some(last) = phases.last() {
        let below = |margin: f64| -> Vec<String> {
            let tasks = last.scores.tasks.iter();
            tasks
                .filter(|task| task.score.accuracy < task.score.baseline + margin)
                .map(|task| task_title(&task.task))
                .collect()
        };
        let (none, close) = (below(0.0), below(0.2));
        let name = sentence_name(&last.name);
        if close.is_empty() {
            say("good", format!("After {name} every task is at least 20 points above its baseline."));
        } else {
            say("bad", format!("After {name}, less than 20 points above the baseline: {}.", list(&close)));
        }
        if !none.is_empty() {
            say("bad", format!("Below the baseline: {}.", list(&none)));
        }
    }
    if phases.iter().any(|phase| phase.name == "foundation" && mean(phase, |task| task.score.format) < 0.5) {
        say(
            "plain",
            "Foundation training teaches answers without reasoning, so its strict format share is low by design; \
                      accuracy is read with the loose grammar in every phase."
                .to_string(),
        );
    }
    for (what, count) in [
        ("completions cut off at the token limit", count_by_phase(phases, |task| task.truncated)),
        ("questions that did not fit into the model and count as wrong", count_by_phase(phases, |task| task.unasked)),
    ] {
        if !count.is_empty() {
            say("plain", format!("Not all rows ended normally: {what}: {}.", list(&count)));
        }
    }
    found
}

/// `12 after GRPO` for every phase in which the count is not zero.
fn count_by_phase(phases: &[PhaseRecord], count: impl Fn(&TaskDetail) -> usize) -> Vec<String> {
    let total = |phase: &PhaseRecord| phase.scores.tasks.iter().map(&count).sum::<usize>();
    let counted = phases.iter().map(|phase| (phase, total(phase))).filter(|(_, total)| *total > 0);
    counted.map(|(phase, total)| format!("{} after {}", thousands(total as u64), sentence_name(&phase.name))).collect()
}

/// Claims of the last phase for each task.
#[derive(Debug, Serialize)]
pub(super) struct ClaimRow {
    title: String,
    checked: String,
    wrong: String,
    share: String,
    unverifiable: String,
}

pub(super) fn claims_by_task(phases: &[PhaseRecord]) -> Vec<ClaimRow> {
    let Some(last) = phases.last() else {
        return Vec::new();
    };
    let tasks = last.scores.tasks.iter().filter(|task| task.claims.checked() + task.claims.unverifiable > 0);
    tasks
        .map(|task| ClaimRow {
            title: task_title(&task.task),
            checked: thousands(task.claims.checked() as u64),
            wrong: thousands(task.claims.wrong as u64),
            share: percent(task.claims.wrong as f64 / task.claims.checked().max(1) as f64),
            unverifiable: thousands(task.claims.unverifiable as u64),
        })
        .collect()
}
