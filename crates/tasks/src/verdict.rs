//! What a verifier says about a completion.

use std::collections::BTreeMap;
use std::fmt;

use chemr_chem::ErrorClass;
use serde_json::{Value, json};

/// Why a verdict is what it is. The codes are stable: logs, reports and exports use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Correct,
    /// A well-formed answer that is not the right one.
    WrongAnswer,
    /// The completion is longer than [`MAX_COMPLETION_BYTES`](crate::MAX_COMPLETION_BYTES), or a free text longer than any reference.
    TooLong,
    NoThink,
    EmptyThink,
    UnclosedThink,
    SeveralThinks,
    NoAnswer,
    EmptyAnswer,
    UnclosedAnswer,
    SeveralAnswers,
    /// A tag stands inside another block, or a closing tag has no opening one.
    NestedTags,
    /// Text before, between or after the two blocks.
    TextOutside,
    /// The answer block stands before the think block.
    WrongOrder,
    /// The answer is no molecule (or no set of molecules); the class says why.
    Invalid(ErrorClass),
    /// The answer is no molecular formula.
    BadFormula,
    /// The answer holds neither a clear yes nor a clear no.
    UnclearLabel,
    /// The answer holds no number, or more than one.
    UnclearNumber,
    /// The answer is none of the options, or several.
    UnclearChoice,
    /// The answer is a mixture where one molecule was asked for.
    SeveralMolecules,
    /// The row itself is broken: an input field or the reference cannot be read.
    BrokenExample,
    /// The verifier was still at work at its deadline.
    Timeout,
    /// The toolkit failed on the text in a way that says nothing about it, or a verifier panicked.
    ToolkitPanic,
}

impl Reason {
    /// Stable code without detail, e.g. `invalid`.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Correct => "correct",
            Reason::WrongAnswer => "wrong_answer",
            Reason::TooLong => "too_long",
            Reason::NoThink => "no_think",
            Reason::EmptyThink => "empty_think",
            Reason::UnclosedThink => "unclosed_think",
            Reason::SeveralThinks => "several_thinks",
            Reason::NoAnswer => "no_answer",
            Reason::EmptyAnswer => "empty_answer",
            Reason::UnclosedAnswer => "unclosed_answer",
            Reason::SeveralAnswers => "several_answers",
            Reason::NestedTags => "nested_tags",
            Reason::TextOutside => "text_outside",
            Reason::WrongOrder => "wrong_order",
            Reason::Invalid(_) => "invalid",
            Reason::BadFormula => "bad_formula",
            Reason::UnclearLabel => "unclear_label",
            Reason::UnclearNumber => "unclear_number",
            Reason::UnclearChoice => "unclear_choice",
            Reason::SeveralMolecules => "several_molecules",
            Reason::BrokenExample => "broken_example",
            Reason::Timeout => "timeout",
            Reason::ToolkitPanic => "toolkit_panic",
        }
    }
}

impl fmt::Display for Reason {
    /// The code with its detail, e.g. `invalid.valence`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Invalid(class) => write!(formatter, "invalid.{}", class.as_str()),
            other => formatter.write_str(other.as_str()),
        }
    }
}

/// The outcome of one completion.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// 0.1 for the strict format plus 0.9 times the credit, in 0..=1.
    pub score: f64,
    /// What the answer is worth, in 0..=1: 1 when it is right, 0 when it is wrong; between them only for tasks with graded answers
    /// (captions).
    pub credit: f64,
    /// The answer is right. In strict mode a completion without the strict format is never right.
    pub correct: bool,
    /// The completion has the strict format, whatever the mode.
    pub format: bool,
    /// The answer can be read as what was asked for (a molecule, a formula, a yes or no).
    pub valid: bool,
    pub reason: Reason,
    /// The extracted answer, if there is one.
    pub answer: Option<String>,
    /// Side figures by name, e.g. `flat_match`; never part of the score.
    pub parts: BTreeMap<&'static str, f64>,
}

/// Weight of the strict format in a score.
pub const FORMAT_WEIGHT: f64 = 0.1;
/// Weight of the right answer in a score.
pub const ACCURACY_WEIGHT: f64 = 0.9;

/// What a task says about an extracted answer, before the format is weighed in.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    pub correct: bool,
    /// As [`Verdict::credit`].
    pub credit: f64,
    pub valid: bool,
    pub reason: Reason,
    pub parts: BTreeMap<&'static str, f64>,
}

impl Judgement {
    pub fn right() -> Judgement {
        Judgement { correct: true, credit: 1.0, valid: true, reason: Reason::Correct, parts: BTreeMap::new() }
    }

    pub fn wrong() -> Judgement {
        Judgement { correct: false, credit: 0.0, valid: true, reason: Reason::WrongAnswer, parts: BTreeMap::new() }
    }

    /// A wrong answer that cannot be read.
    pub fn unreadable(reason: Reason) -> Judgement {
        Judgement { correct: false, credit: 0.0, valid: false, reason, parts: BTreeMap::new() }
    }

    /// Right or wrong.
    pub fn of(right: bool) -> Judgement {
        if right { Judgement::right() } else { Judgement::wrong() }
    }

    pub fn part(mut self, name: &'static str, value: f64) -> Judgement {
        self.parts.insert(name, value);
        self
    }
}

impl Verdict {
    /// `{"score", "credit", "correct", "format", "valid", "reason", "answer", "parts": {NAME: value}}`.
    pub fn json(&self) -> Value {
        json!({
            "score": self.score,
            "credit": self.credit,
            "correct": self.correct,
            "format": self.format,
            "valid": self.valid,
            "reason": self.reason.to_string(),
            "answer": self.answer,
            "parts": self.parts,
        })
    }

    /// The paper-like score of a judgement: [`FORMAT_WEIGHT`] and [`ACCURACY_WEIGHT`].
    pub fn of(judgement: Judgement, format: bool, answer: Option<String>) -> Verdict {
        let Judgement { correct, credit, valid, reason, parts } = judgement;
        let score = FORMAT_WEIGHT * f64::from(u8::from(format)) + ACCURACY_WEIGHT * credit;
        Verdict { score, credit, correct, format, valid, reason, answer, parts }
    }
}
