//! The numbered steps of a completion.

use std::ops::Range;

/// One numbered step `1. **Title**: text` in a completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepSpan {
    /// The number as written.
    pub number: usize,
    pub title: String,
    /// Bytes of the heading with its number.
    pub heading: Range<usize>,
    /// Bytes of the paragraph(s) up to the next heading or the end of the reasoning.
    pub text: Range<usize>,
}

/// Finds the steps inside the think block (in the whole text up to the answer block if there is none).
pub fn steps(completion: &str) -> Vec<StepSpan> {
    let start = completion.find("<think>").map_or(0, |at| at + "<think>".len());
    let end = ["</think>", "<answer>"]
        .iter()
        .filter_map(|tag| completion[start..].find(tag).map(|at| start + at))
        .min()
        .unwrap_or(completion.len());
    let mut found: Vec<StepSpan> = Vec::new();
    let mut at = start;
    while at < end {
        let line_end = completion[at..end].find('\n').map_or(end, |offset| at + offset);
        if let Some(mut step) = heading(completion, at..line_end) {
            if let Some(previous) = found.last_mut() {
                previous.text.end = at;
            }
            step.text.end = end;
            found.push(step);
        }
        at = line_end + 1;
    }
    found
}

/// Reads `1. **Title**:` at the start of a line.
fn heading(completion: &str, line: Range<usize>) -> Option<StepSpan> {
    let text = &completion[line.clone()];
    let trimmed = text.trim_start();
    let begin = line.start + (text.len() - trimmed.len());
    let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || digits > 2 {
        return None;
    }
    let number: usize = trimmed[..digits].parse().ok()?;
    let rest = trimmed[digits..].strip_prefix('.')?.trim_start().strip_prefix("**")?;
    let (title, after) = rest.split_once("**")?;
    let title = title.trim().trim_end_matches(':').trim();
    if title.is_empty() {
        return None;
    }
    let after = after.strip_prefix(':').unwrap_or(after);
    let text_start = line.end - after.len();
    Some(StepSpan { number, title: title.to_string(), heading: begin..text_start, text: text_start..line.end })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_steps() {
        let text = "<think>1. **One**: a b\nmore\n2. **Two:** c</think>\n<answer>C</answer>";
        let found = steps(text);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].number, found[0].title.as_str()), (1, "One"));
        assert_eq!(text[found[0].text.clone()].trim(), "a b\nmore");
        assert_eq!(found[1].title, "Two");
        assert_eq!(text[found[1].text.clone()].trim(), "c");
    }

    #[test]
    fn ignores_what_is_no_heading() {
        assert!(steps("1. plain\n**bold**\n3 **x**").is_empty());
        assert!(steps("<think>é1. **A**: b").is_empty());
        assert_eq!(steps("1. **A**").len(), 1);
    }
}
