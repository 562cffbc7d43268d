//! Yes and no as metrics read them.

use super::Pair;
use crate::property::label::{clear_label, whole_label};

/// A label as files spell it: `Yes` or `No`, `True` or `False`, `1` or `0`.
pub(crate) fn spelt(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "1.0" => Some(true),
        "false" | "0" | "0.0" => Some(false),
        other => whole_label(other),
    }
}

/// What was predicted against what is right. An unclear prediction counts as the wrong label.
pub(super) fn outcome(pair: &Pair<'_>) -> Option<(bool, bool)> {
    let expected = spelt(pair.reference())?;
    Some((expected, given(pair.prediction()).unwrap_or(!expected)))
}

/// The label that a text gives: as a reference spells it, or in words.
pub(crate) fn given(text: &str) -> Option<bool> {
    spelt(text).or_else(|| clear_label(text))
}
