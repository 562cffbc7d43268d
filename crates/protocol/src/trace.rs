//! A trace: the reasoning under a protocol, and the answer.

use serde::{Deserialize, Serialize};

/// One step of a trace: the protocol's title and one paragraph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceStep {
    pub title: String,
    pub text: String,
}

/// Reasoning in the steps of a protocol, then the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Id of the protocol, e.g. `forward`.
    pub protocol: String,
    pub steps: Vec<TraceStep>,
    pub answer: String,
}

impl Trace {
    /// The reasoning alone: one line `1. **Title**: text` for each step.
    pub fn reasoning(&self) -> String {
        let mut text = String::with_capacity(512);
        for (index, step) in self.steps.iter().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            text.push_str(&format!("{}. **{}**: {}", index + 1, step.title, step.text));
        }
        text
    }

    /// The whole completion, `<think>…</think>` and `<answer>…</answer>`, as a model should write it.
    pub fn render(&self) -> String {
        chemr_tasks::completion(&self.reasoning(), &self.answer)
    }

    /// The completion of a trace as it is stored beside a row.
    ///
    /// # Errors
    /// When the value is no trace.
    pub fn text_of(stored: serde_json::Value) -> Result<String, serde_json::Error> {
        serde_json::from_value::<Trace>(stored).map(|trace| trace.render())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_numbered_bold_headings() {
        let step = |title: &str, text: &str| TraceStep { title: title.into(), text: text.into() };
        let trace =
            Trace { protocol: "formula".into(), steps: vec![step("One", "a."), step("Two", "b.")], answer: "C".into() };
        assert_eq!(trace.render(), "<think>1. **One**: a.\n2. **Two**: b.</think>\n<answer>C</answer>");
    }
}
