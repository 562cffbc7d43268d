//! Which completions may be trained on.

use std::collections::BTreeMap;
use std::fmt;

use chemr_tasks::{Example, Mode, Reason, extract, task};

use crate::claims::{ClaimKind, Found, Truth, every_claim};
use crate::protocol::{Protocol, protocol_for};
use crate::steps::steps;

/// Longest completion that is kept, bytes.
pub const MAX_TRACE_BYTES: usize = 8192;

/// Words that betray a hint or a known answer. Compared in lower case, at word borders.
const LEAKS: &[&str] = &[
    "provided",
    "ground truth",
    "ground-truth",
    "groundtruth",
    "given answer",
    "answer given",
    "reference",
    "hint",
    "hints",
    "expected answer",
    "known answer",
    "correct answer",
    "target answer",
    "true answer",
    "right answer",
    "answer key",
    "gold",
    "label says",
    "as given",
    "we are told",
    "i was told",
    "oracle",
];

/// Why a completion is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// No protocol for the task.
    UnknownTask,
    /// Longer than [`MAX_TRACE_BYTES`].
    TooLong,
    /// Not one think block followed by one answer block.
    Format(Reason),
    /// A heading of the protocol is missing.
    MissingHeading { title: String },
    /// All headings are there, in another order, with wrong numbers, or beside others.
    HeadingOrder,
    /// A step without text.
    EmptyStep { title: String },
    /// The text speaks of a hint or a known answer.
    LeakedHint { phrase: &'static str },
    /// The answer is wrong.
    WrongAnswer(Reason),
    /// A claim is false.
    FalseClaim { kind: ClaimKind },
    /// A step makes none of the claims that its protocol expects, guesses not counted.
    StepWithoutClaims { title: String },
}

impl DropReason {
    /// Stable code without detail.
    pub fn code(&self) -> &'static str {
        match self {
            DropReason::UnknownTask => "unknown_task",
            DropReason::TooLong => "too_long",
            DropReason::Format(_) => "format",
            DropReason::MissingHeading { .. } => "missing_heading",
            DropReason::HeadingOrder => "heading_order",
            DropReason::EmptyStep { .. } => "empty_step",
            DropReason::LeakedHint { .. } => "leaked_hint",
            DropReason::WrongAnswer(_) => "wrong_answer",
            DropReason::FalseClaim { .. } => "false_claim",
            DropReason::StepWithoutClaims { .. } => "step_without_claims",
        }
    }
}

impl fmt::Display for DropReason {
    /// The code with its detail, e.g. `false_claim.group_present`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code();
        match self {
            DropReason::Format(reason) | DropReason::WrongAnswer(reason) => write!(formatter, "{code}.{reason}"),
            DropReason::MissingHeading { title }
            | DropReason::EmptyStep { title }
            | DropReason::StepWithoutClaims { title } => {
                write!(formatter, "{code}.{title}")
            }
            DropReason::LeakedHint { phrase } => write!(formatter, "{code}.{phrase}"),
            DropReason::FalseClaim { kind } => write!(formatter, "{code}.{kind}"),
            DropReason::UnknownTask | DropReason::TooLong | DropReason::HeadingOrder => formatter.write_str(code),
        }
    }
}

/// Kept and dropped completions, by reason code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterCounts {
    pub kept: usize,
    pub dropped: BTreeMap<&'static str, usize>,
}

impl FilterCounts {
    /// Counts one outcome of [`filter`].
    pub fn add(&mut self, outcome: &Result<(), DropReason>) {
        match outcome {
            Ok(()) => self.kept += 1,
            Err(reason) => *self.dropped.entry(reason.code()).or_default() += 1,
        }
    }

    /// Completions dropped for any reason.
    pub fn total_dropped(&self) -> usize {
        self.dropped.values().sum()
    }
}

/// Decides whether a completion may be trained on.
///
/// # Errors
/// The first [`DropReason`] in the order: length, format, headings, leaked hint, answer, false claims, steps without
/// the claims that their protocol expects.
pub fn filter(example: &Example, completion: &str) -> Result<(), DropReason> {
    let task = task(&example.task).ok_or(DropReason::UnknownTask)?;
    let protocol = protocol_for(task.family()).ok_or(DropReason::UnknownTask)?;
    if completion.len() > MAX_TRACE_BYTES {
        return Err(DropReason::TooLong);
    }
    let extraction = extract(completion, Mode::Strict);
    if let Err(reason) = extraction.answer {
        return Err(DropReason::Format(reason));
    }
    headings(protocol, completion)?;
    let reasoning = extraction.think.and_then(|range| completion.get(range)).unwrap_or(completion);
    if let Some(phrase) = leaked(reasoning) {
        return Err(DropReason::LeakedHint { phrase });
    }
    let verdict = task.verify(example, completion, Mode::Strict);
    if !verdict.correct {
        return Err(DropReason::WrongAnswer(verdict.reason));
    }
    let claims = every_claim(example, completion);
    if let Some(Found { claim, .. }) = claims.iter().find(|found| found.claim.truth == Truth::False) {
        return Err(DropReason::FalseClaim { kind: claim.kind });
    }
    // A guess is no statement, so it does not make a step.
    let stated = |step: usize, kinds: &[ClaimKind]| {
        claims.iter().any(|found| !found.hedged && found.claim.step == step && kinds.contains(&found.claim.kind))
    };
    let silent = protocol.steps.iter().enumerate().find(|(place, spec)| !stated(place + 1, &spec.claims));
    match silent {
        Some((_, spec)) => Err(DropReason::StepWithoutClaims { title: spec.title.clone() }),
        None => Ok(()),
    }
}

/// Exactly the titles of the protocol, numbered from 1, each with text.
fn headings(protocol: &Protocol, completion: &str) -> Result<(), DropReason> {
    let found = steps(completion);
    for spec in &protocol.steps {
        if !found.iter().any(|step| step.title.eq_ignore_ascii_case(&spec.title)) {
            return Err(DropReason::MissingHeading { title: spec.title.clone() });
        }
    }
    let ordered = found.len() == protocol.steps.len()
        && found
            .iter()
            .zip(&protocol.steps)
            .enumerate()
            .all(|(place, (step, spec))| step.number == place + 1 && step.title.eq_ignore_ascii_case(&spec.title));
    if !ordered {
        return Err(DropReason::HeadingOrder);
    }
    match found.into_iter().find(|step| completion[step.text.clone()].trim().is_empty()) {
        Some(step) => Err(DropReason::EmptyStep { title: step.title }),
        None => Ok(()),
    }
}

/// The first leak phrase in a text.
fn leaked(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    LEAKS.iter().copied().find(|phrase| {
        lower.match_indices(phrase).any(|(at, _)| {
            let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            !letter(lower[..at].chars().next_back()) && !letter(lower[at + phrase.len()..].chars().next())
        })
    })
}
