//! Answers that are numbers.

use crate::metrics::number;
use crate::verdict::{Judgement, Reason};
use crate::{Example, Mode};

/// Judges a number that may be off by `tolerance`. Part `absolute_error`.
pub(crate) fn within(example: &Example, answer: &str, mode: Mode, tolerance: f64) -> Judgement {
    let Some(reference) = number(&example.reference) else {
        return Judgement::unreadable(Reason::BrokenExample);
    };
    let given = match mode {
        Mode::Strict => number(answer),
        Mode::Loose => number(answer).or_else(|| only_number(answer)),
    };
    match given {
        None => Judgement::unreadable(Reason::UnclearNumber),
        Some(given) => {
            let error = (given - reference).abs();
            Judgement::of(error <= tolerance).part("absolute_error", error)
        }
    }
}

/// The number of a text that holds one alone; the digits of a word (`C2`) or a power (`m^3`) are none.
fn only_number(text: &str) -> Option<f64> {
    let mut words = text
        .split(|letter: char| {
            letter.is_whitespace() || matches!(letter, ',' | ';' | '(' | ')' | '~' | '=' | '%' | '\u{2248}')
        })
        .map(|word| word.trim_end_matches('.').replace('\u{2212}', "-"))
        .filter_map(|word| number(&word));
    let first = words.next()?;
    words.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_texts() {
        for (text, wanted) in [
            ("-2.5 mol/L.", Some(-2.5)),
            ("about \u{2212}3", Some(-3.0)),
            ("logS = -1.2 (ESOL)", Some(-1.2)),
            ("85%", Some(85.0)),
            ("between -2 and -3", None),
            ("C2H6", None),
            ("inf", None),
            ("", None),
        ] {
            assert_eq!(only_number(text), wanted, "{text}");
        }
    }
}
