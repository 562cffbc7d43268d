//! The prompt envelope, the same for every task.

use serde::{Deserialize, Serialize};

/// System message: the expert-chemist persona.
pub const SYSTEM: &str = "You are an expert chemist.";

/// The sentences that open every user message, byte for byte the same over all tasks.
///
/// The four demands of the paper: step by step, reasoning in the think block, final answer in the answer block,
/// strict format.
pub const ENVELOPE: &str = "Solve the problem step by step. Put the reasoning inside <think></think>. \
The final answer MUST be inside <answer></answer>. Follow this format strictly.";

/// What a model is asked: a system and a user message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    pub system: String,
    pub user: String,
}

impl Prompt {
    /// A question in the user's own words, under the envelope.
    pub fn free(question: &str) -> Prompt {
        Prompt { system: SYSTEM.to_string(), user: format!("{ENVELOPE}\n{question}") }
    }

    /// Envelope, newline, task line, and a line for each labelled field.
    pub(crate) fn build<'a>(task_line: &str, fields: impl Iterator<Item = (&'a str, String)>) -> Prompt {
        let mut user = format!("{ENVELOPE}\n{task_line}");
        for (label, field) in fields {
            user.push_str(&format!("\n{label}: {field}"));
        }
        Prompt { system: SYSTEM.to_string(), user }
    }
}
