//! What a verifier says about a completion.

use std::collections::BTreeMap;
use std::fmt;

use chemr_chem::ErrorClass;

/// Why a verdict is what it is. The codes are stable: logs, reports and exports use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Correct,
    /// A well-formed answer that is not the right one.
    WrongAnswer,
    /// The completion is longer than [`MAX_COMPLETION_BYTES`](crate::MAX_COMPLETION_BYTES).
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
    /// The answer is a mixture where one molecule was asked for.
    SeveralMolecules,
    /// The row itself is broken: an input field or the reference cannot be read.
    BrokenExample,
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
            Reason::SeveralMolecules => "several_molecules",
            Reason::BrokenExample => "broken_example",
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
    /// 0.1 for the strict format plus 0.9 for the right answer, in 0..=1.
    pub score: f64,
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
    pub valid: bool,
    pub reason: Reason,
    pub parts: BTreeMap<&'static str, f64>,
}

impl Judgement {
    pub fn right() -> Judgement {
        Judgement { correct: true, valid: true, reason: Reason::Correct, parts: BTreeMap::new() }
    }

    pub fn wrong() -> Judgement {
        Judgement { correct: false, valid: true, reason: Reason::WrongAnswer, parts: BTreeMap::new() }
    }

    /// A wrong answer that cannot be read.
    pub fn unreadable(reason: Reason) -> Judgement {
        Judgement { correct: false, valid: false, reason, parts: BTreeMap::new() }
    }

    pub fn part(mut self, name: &'static str, value: f64) -> Judgement {
        self.parts.insert(name, value);
        self
    }
}

impl Verdict {
    pub(crate) fn of(judgement: Judgement, format: bool, answer: Option<String>) -> Verdict {
        let Judgement { correct, valid, reason, parts } = judgement;
        let score = FORMAT_WEIGHT * f64::from(u8::from(format)) + ACCURACY_WEIGHT * f64::from(u8::from(correct));
        Verdict { score, correct, format, valid, reason, answer, parts }
    }
}
