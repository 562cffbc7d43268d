//! Samples for the browser of the report: question, trace with its claims marked, answer beside reference.

use std::ops::Range;

use chemr_protocol::{Truth, steps};
use serde::Serialize;

use super::drawing::{Drawings, Picture};
use super::figures::{PhaseName, task_title};
use super::text::{shorten, visible, visible_lines};
use crate::files::PhaseRecord;
use crate::records::{ClaimRecord, Sample};

/// Longest part of a completion that is shown, in bytes; the rest is counted.
const MAX_SHOWN: usize = 8_000;
/// Most claims listed for one sample.
const MAX_CLAIMS: usize = 100;
/// Longest question or answer that is shown, in characters.
const MAX_FIELD: usize = 600;

/// A stretch of text under the same claims.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Segment {
    pub text: String,
    /// `true`, `false`, `unverifiable`, or empty for text that claims nothing checkable.
    pub mark: &'static str,
    /// What is claimed, in words.
    pub label: String,
}

/// A numbered step.
#[derive(Debug, Serialize)]
pub(super) struct StepView {
    pub number: usize,
    pub title: String,
    pub segments: Vec<Segment>,
}

/// A claim in words.
#[derive(Debug, Serialize)]
pub(super) struct ClaimView {
    /// `true`, `false` or `unverifiable`.
    pub mark: &'static str,
    pub kind: String,
    pub subject: String,
    pub value: String,
}

/// A sample as the template wants it.
#[derive(Debug, Serialize)]
pub(super) struct SampleView {
    pub phase: PhaseName,
    pub task: String,
    pub task_title: String,
    pub level: u8,
    pub right: bool,
    pub format: bool,
    pub reason: String,
    pub question: String,
    pub input: String,
    pub question_pictures: Vec<Picture>,
    /// Text before the first step; everything when there are no steps.
    pub preface: Vec<Segment>,
    pub steps: Vec<StepView>,
    /// Text after the reasoning.
    pub ending: Vec<Segment>,
    pub hidden: usize,
    pub answer: Option<String>,
    pub answer_pictures: Vec<Picture>,
    pub reference: String,
    pub reference_pictures: Vec<Picture>,
    pub claims: Vec<ClaimView>,
    /// Claims beyond the list.
    claims_hidden: usize,
    pub claims_true: usize,
    pub claims_false: usize,
    pub claims_unverifiable: usize,
    pub tokens: usize,
    pub truncated: bool,
}

/// Samples of all phases, grouped by row, so that the phases of one question stand together.
pub(super) fn views(phases: &[PhaseRecord], drawings: &mut Drawings) -> Vec<SampleView> {
    let mut order: Vec<(&str, &str)> = Vec::new();
    for sample in phases.iter().flat_map(|phase| &phase.scores.samples) {
        let key = (sample.task.as_str(), sample.id.as_str());
        if !order.contains(&key) {
            order.push(key);
        }
    }
    let mut views = Vec::new();
    for (task, id) in order {
        for phase in phases {
            let of_row = phase.scores.samples.iter().filter(|sample| sample.task == task && sample.id == id);
            views.extend(of_row.map(|sample| view(&phase.name, sample, drawings)));
        }
    }
    views
}

fn view(phase: &str, sample: &Sample, drawings: &mut Drawings) -> SampleView {
    let text = sample.completion.as_str();
    let mut end = text.len().min(MAX_SHOWN);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let shown = &text[..end];
    let spans = steps(shown);
    let first = spans.first().map_or(shown.len(), |step| step.heading.start);
    let last = spans.last().map_or(shown.len(), |step| step.text.end);
    let count = |truth: Truth| sample.claims.iter().filter(|claim| claim.truth == truth).count();
    let drawn_input = matches!(sample.input_key.as_str(), "smiles" | "reactants" | "product");
    let drawn_answer = !matches!(family(&sample.task), "formula" | "property");
    let mut pictures = |wanted: bool, smiles: &str| if wanted { drawings.pictures(smiles) } else { Vec::new() };
    SampleView {
        phase: PhaseName::of(phase),
        task: sample.task.clone(),
        task_title: task_title(&sample.task),
        level: sample.level,
        right: sample.correct,
        format: sample.format,
        reason: sample.reason.clone(),
        question: visible(&sample.question),
        input: shorten(&visible(&sample.input), MAX_FIELD),
        question_pictures: pictures(drawn_input, &sample.input),
        preface: segments(shown, 0..first, &sample.claims),
        steps: spans
            .iter()
            .map(|step| StepView {
                number: step.number,
                title: visible(&step.title),
                segments: segments(shown, step.text.clone(), &sample.claims),
            })
            .collect(),
        ending: segments(shown, last..shown.len(), &sample.claims),
        hidden: text[end..].chars().count(),
        answer: sample.answer.as_ref().map(|answer| shorten(&visible(answer), MAX_FIELD)),
        answer_pictures: pictures(drawn_answer, sample.answer.as_deref().unwrap_or("")),
        reference: shorten(&visible(&sample.reference), MAX_FIELD),
        reference_pictures: pictures(drawn_answer, &sample.reference),
        claims: sample.claims.iter().take(MAX_CLAIMS).map(claim_view).collect(),
        claims_hidden: sample.claims.len().saturating_sub(MAX_CLAIMS),
        claims_true: count(Truth::True),
        claims_false: count(Truth::False),
        claims_unverifiable: count(Truth::Unverifiable),
        tokens: sample.tokens,
        truncated: sample.truncated,
    }
}

fn claim_view(claim: &ClaimRecord) -> ClaimView {
    let field = |text: &str| shorten(&visible(text), 120);
    ClaimView {
        mark: mark(claim.truth),
        kind: claim.kind.replace('_', " "),
        subject: field(&claim.subject),
        value: field(&claim.value),
    }
}

fn mark(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "true",
        Truth::False => "false",
        Truth::Unverifiable => "unverifiable",
    }
}

fn family(task: &str) -> &'static str {
    chemr_tasks::task(task).map_or("", |task| task.family())
}

/// Cuts a range of the text at the borders of claims. Where claims overlap, a false one outweighs a true one, and a true
/// one an unverifiable one.
fn segments(text: &str, range: Range<usize>, claims: &[ClaimRecord]) -> Vec<Segment> {
    let Some(part) = text.get(range.clone()) else {
        return Vec::new();
    };
    // Blank space around a paragraph says nothing.
    let start = range.start + (part.len() - part.trim_start().len());
    let end = (range.start + part.trim_end().len()).max(start);
    let inside: Vec<&ClaimRecord> = claims
        .iter()
        .filter(|claim| claim.start < claim.end && claim.start < end && claim.end > start)
        .filter(|claim| text.is_char_boundary(claim.start) && text.is_char_boundary(claim.end.min(text.len())))
        .collect();
    let mut cuts = vec![start, end];
    for claim in &inside {
        cuts.push(claim.start.max(start));
        cuts.push(claim.end.min(end));
    }
    cuts.sort_unstable();
    cuts.dedup();
    let mut segments: Vec<Segment> = Vec::new();
    for pair in cuts.windows(2) {
        let (low, high) = (pair[0], pair[1]);
        let over: Vec<&&ClaimRecord> = inside.iter().filter(|claim| claim.start <= low && claim.end >= high).collect();
        let weightiest = [Truth::False, Truth::True, Truth::Unverifiable];
        let mark = weightiest.into_iter().find(|truth| over.iter().any(|claim| claim.truth == *truth)).map_or("", mark);
        let labels: Vec<String> = over.iter().map(|claim| label(claim)).collect();
        let (shown, label) = (visible_lines(&text[low..high]), labels.join("; "));
        match segments.last_mut() {
            // One claim that another one cuts in two reads as one stretch again.
            Some(before) if before.mark == mark && before.label == label => before.text.push_str(&shown),
            _ => segments.push(Segment { text: shown, mark, label }),
        }
    }
    segments
}

fn label(claim: &ClaimRecord) -> String {
    let truth = match claim.truth {
        Truth::True => "true",
        Truth::False => "false",
        Truth::Unverifiable => "not decidable",
    };
    let kind = claim.kind.replace('_', " ");
    visible(&shorten(&format!("{truth}: {kind}, {} → {}", claim.subject, claim.value), 200))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(start: usize, end: usize, truth: Truth) -> ClaimRecord {
        ClaimRecord { start, end, kind: "ring_count".into(), subject: "C".into(), value: "1".into(), truth, step: 1 }
    }

    fn marks(text: &str, claims: &[ClaimRecord]) -> Vec<(String, &'static str)> {
        segments(text, 0..text.len(), claims).into_iter().map(|one| (one.text, one.mark)).collect()
    }

    #[test]
    fn text_is_cut_at_claims() {
        let text = " one two three ";
        assert_eq!(
            marks(text, &[claim(5, 8, Truth::True)]),
            [("one ".to_string(), ""), ("two".to_string(), "true"), (" three".to_string(), "")]
        );
        // False outweighs true where they overlap.
        assert_eq!(
            marks(text, &[claim(1, 8, Truth::True), claim(5, 14, Truth::False)]),
            [("one ".to_string(), "true"), ("two".to_string(), "false"), (" three".to_string(), "false")]
                .map(|(text, mark)| (text, mark))
        );
        assert!(marks("   ", &[]).is_empty());
    }

    #[test]
    fn broken_spans_do_no_harm() {
        let text = "é one";
        for (start, end) in [(1, 3), (4, 99), (5, 2), (99, 100), (0, 0)] {
            let joined: String = marks(text, &[claim(start, end, Truth::False)]).into_iter().map(|one| one.0).collect();
            assert_eq!(joined, text);
        }
    }
}
