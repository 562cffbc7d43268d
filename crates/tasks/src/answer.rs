//! The answer grammar: from a completion to an answer, or a reason why there is none.
//!
//! **Strict** (rewards): optional blank space, exactly one `<think>…</think>`, optional blank space, exactly one
//! `<answer>…</answer>`, optional blank space, and nothing else. Both blocks hold something; no tag stands inside
//! another block. Tags are lower case.
//!
//! **Loose** (evaluation), the first rule that fits, tags in any letter case:
//! 1. the last answer block; when it is never closed, the text after its opening tag. Another tag ends it.
//! 2. with a closed think block but no answer block: the last line with text after the last `</think>`.
//! 3. with no tag at all: what follows `answer:` (also `final answer:`, `the answer is`) on the last line that has it,
//!    otherwise the whole text when it is a single line.
//!
//! A completion whose reasoning never ends and that has no answer block has no answer, also in loose mode.
//! A loose answer is then cleaned: code marks, quotes and bold marks around it, a label such as `SMILES:` before it,
//! full stops after it. Extraction is linear in the length of the completion.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::verdict::Reason;

/// A longer completion is refused unread (1 MiB).
pub const MAX_COMPLETION_BYTES: usize = 1 << 20;

/// How an answer is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One think block and one answer block, nothing else: for rewards.
    Strict,
    /// Whatever can fairly be read as the answer: for evaluation.
    Loose,
}

/// What the grammar found in a completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extraction<'a> {
    /// Byte range of the text inside the (first) think block; an unclosed one runs to the end.
    pub think: Option<Range<usize>>,
    /// The trimmed (loose: cleaned) answer, or why there is none.
    pub answer: Result<&'a str, Reason>,
    /// The completion has the strict format, whatever the mode.
    pub format: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Think,
    ThinkEnd,
    Answer,
    AnswerEnd,
}

const TAGS: [(Tag, &str); 4] =
    [(Tag::Think, "<think>"), (Tag::ThinkEnd, "</think>"), (Tag::Answer, "<answer>"), (Tag::AnswerEnd, "</answer>")];

#[derive(Clone, Copy, Debug)]
struct Found {
    tag: Tag,
    start: usize,
    end: usize,
    lower: bool,
}

/// The answer block of a completion.
pub fn answer_block(answer: &str) -> String {
    format!("<answer>{answer}</answer>")
}

/// A whole completion: think block, newline, answer block.
pub fn completion(think: &str, answer: &str) -> String {
    format!("<think>{think}</think>\n{}", answer_block(answer))
}

/// Looks for the answer in a completion. Never fails and never panics; see the module text for the two grammars.
pub fn extract(completion: &str, mode: Mode) -> Extraction<'_> {
    if completion.len() > MAX_COMPLETION_BYTES {
        return Extraction { think: None, answer: Err(Reason::TooLong), format: false };
    }
    let tags = find_tags(completion);
    let think = think_range(completion, &tags);
    let strict = strict_answer(completion, &tags);
    let format = strict.is_ok();
    let answer = match mode {
        Mode::Strict => strict,
        Mode::Loose => loose_answer(completion, &tags),
    };
    Extraction { think, answer, format }
}

/// Whether the text holds any tag of the grammar, in any letter case.
pub(crate) fn has_tags(text: &str) -> bool {
    !find_tags(text).is_empty()
}

/// All tags in order, in any letter case.
fn find_tags(text: &str) -> Vec<Found> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    for (start, _) in text.match_indices('<') {
        for (tag, name) in TAGS {
            let end = start + name.len();
            if let Some(slice) = bytes.get(start..end)
                && slice.eq_ignore_ascii_case(name.as_bytes())
            {
                found.push(Found { tag, start, end, lower: slice == name.as_bytes() });
                break;
            }
        }
    }
    found
}

fn think_range(text: &str, tags: &[Found]) -> Option<Range<usize>> {
    let position = tags.iter().position(|found| found.tag == Tag::Think)?;
    let start = tags[position].end;
    // An answer block ends the reasoning as well: nobody thinks inside the answer.
    let end = tags[position + 1..].iter().find(|found| found.tag != Tag::Think).map_or(text.len(), |found| found.start);
    Some(start..end)
}

fn strict_answer<'a>(text: &'a str, tags: &[Found]) -> Result<&'a str, Reason> {
    let lower: Vec<Found> = tags.iter().copied().filter(|found| found.lower).collect();
    let count = |tag: Tag| lower.iter().filter(|found| found.tag == tag).count();
    if count(Tag::Answer) == 0 {
        return Err(Reason::NoAnswer);
    }
    if count(Tag::Think) == 0 {
        return Err(Reason::NoThink);
    }
    if count(Tag::Answer) > 1 {
        return Err(Reason::SeveralAnswers);
    }
    if count(Tag::Think) > 1 {
        return Err(Reason::SeveralThinks);
    }
    if count(Tag::ThinkEnd) == 0 {
        return Err(Reason::UnclosedThink);
    }
    if count(Tag::AnswerEnd) == 0 {
        return Err(Reason::UnclosedAnswer);
    }
    let order: Vec<Tag> = lower.iter().map(|found| found.tag).collect();
    match order.as_slice() {
        [Tag::Think, Tag::ThinkEnd, Tag::Answer, Tag::AnswerEnd] => {}
        [Tag::Answer, Tag::AnswerEnd, Tag::Think, Tag::ThinkEnd] => return Err(Reason::WrongOrder),
        _ => return Err(Reason::NestedTags),
    }
    // A tag in another letter case is no tag of the strict grammar, but inside a block it is not clean text either.
    if lower.len() != tags.len() {
        return Err(Reason::NestedTags);
    }
    let blank = |range: Range<usize>| text[range].trim().is_empty();
    let outside = [0..lower[0].start, lower[1].end..lower[2].start, lower[3].end..text.len()];
    if !outside.into_iter().all(blank) {
        return Err(Reason::TextOutside);
    }
    if blank(lower[0].end..lower[1].start) {
        return Err(Reason::EmptyThink);
    }
    let answer = text[lower[2].end..lower[3].start].trim();
    if answer.is_empty() { Err(Reason::EmptyAnswer) } else { Ok(answer) }
}

fn loose_answer<'a>(text: &'a str, tags: &[Found]) -> Result<&'a str, Reason> {
    let raw = if let Some(block) = last_block(text, tags) {
        block
    } else if let Some(end) = tags.iter().rev().find(|found| found.tag == Tag::ThinkEnd) {
        last_line(&text[end.end..])
    } else if tags.is_empty() {
        untagged(text)?
    } else {
        return Err(Reason::NoAnswer);
    };
    let answer = clean(raw);
    if answer.is_empty() { Err(Reason::EmptyAnswer) } else { Ok(answer) }
}

/// What stands in the last answer block; one that is never closed ends at the next tag or with the text.
fn last_block<'a>(text: &'a str, tags: &[Found]) -> Option<&'a str> {
    let position = tags.iter().rposition(|found| found.tag == Tag::Answer)?;
    let end = tags.get(position + 1).map_or(text.len(), |next| next.start);
    Some(&text[tags[position].end..end])
}

/// The answer to a task whose answers are free text, where marks, labels, lines and full stops belong to the answer: the
/// last answer block, or all after the last think block, or a text without tags as it is.
pub(crate) fn text_answer(completion: &str) -> Option<&str> {
    let tags = find_tags(completion);
    let raw = if tags.is_empty() {
        Some(completion)
    } else {
        let thought = tags.iter().rev().find(|found| found.tag == Tag::ThinkEnd);
        last_block(completion, &tags).or_else(|| thought.map(|end| &completion[end.end..]))
    };
    raw.map(str::trim).filter(|text| !text.is_empty())
}

fn last_line(text: &str) -> &str {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("")
}

/// The answer of a completion without any tag.
fn untagged(text: &str) -> Result<&str, Reason> {
    for line in text.lines().rev() {
        for label in ["answer:", "answer is"] {
            if let Some(start) = find_ascii_case(line, label) {
                return Ok(&line[start + label.len()..]);
            }
        }
    }
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.contains('\n') { Err(Reason::NoAnswer) } else { Ok(trimmed) }
}

/// Position of the last occurrence of a lower-case ASCII needle, in any letter case.
fn find_ascii_case(text: &str, needle: &str) -> Option<usize> {
    let (bytes, needle) = (text.as_bytes(), needle.as_bytes());
    (0..=bytes.len().checked_sub(needle.len())?)
        .rev()
        .find(|&start| bytes[start..start + needle.len()].eq_ignore_ascii_case(needle))
}

/// Labels that models like to put before an answer.
const LABELS: [&str; 11] = [
    "final answer",
    "answer",
    "the answer is",
    "smiles",
    "product",
    "products",
    "reactants",
    "molecular formula",
    "formula",
    "name",
    "molecule",
];

/// A colon further in than this (bytes) ends no label.
const MAX_LABEL: usize = 32;

/// Marks and labels are taken off in at most so many rounds: nobody nests more, and hostile text would.
const CLEANING_ROUNDS: usize = 8;

/// Takes marks, labels and full stops off a loose answer.
fn clean(raw: &str) -> &str {
    let mut text = raw.trim();
    for _ in 0..CLEANING_ROUNDS {
        let before = text.len();
        for mark in ["```", "`", "**", "\"", "'", "$"] {
            // One mark that stands on both sides; `(` and `[` belong to SMILES and stay.
            if text.len() >= 2 * mark.len()
                && let Some(inner) = text.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark))
            {
                text = inner.trim();
            }
        }
        // Labels are short: looking for the colon in the whole text would make long hostile text quadratic.
        let colon = text.bytes().take(MAX_LABEL).position(|byte| byte == b':');
        if let Some(colon) = colon
            && LABELS.iter().any(|known| text[..colon].trim().eq_ignore_ascii_case(known))
        {
            text = text[colon + 1..].trim();
        }
        text = text.trim_end_matches(['.', ' ']);
        if text.len() == before {
            break;
        }
    }
    text
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
