//! Words and marks of free text, with their places.

/// One word or one mark of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lexeme<'a> {
    /// The word without the punctuation around it; the mark itself for a mark.
    pub text: &'a str,
    /// Byte offset in the completion.
    pub start: usize,
    /// `true` for `, ; : . ! ? ( )` and line breaks.
    pub mark: bool,
}

impl Lexeme<'_> {
    pub(crate) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// A mark that ends a sentence or clause for good.
    pub(crate) fn is_stop(&self) -> bool {
        self.mark && matches!(self.text, "." | ";" | "!" | "?" | "\n")
    }
}

/// Characters that quote or emphasise and belong to no word.
fn is_quote(character: char) -> bool {
    matches!(character, '"' | '\'' | '`' | '“' | '”' | '‘' | '’' | '*' | '_')
}

fn is_end_mark(character: char) -> bool {
    matches!(character, ',' | ';' | ':' | '.' | '!' | '?')
}

/// Net open parentheses of a chunk, and whether its first one closes only at its last character.
fn parentheses(text: &str) -> (i32, bool) {
    let (mut depth, mut wraps) = (0i32, text.starts_with('(') && text.ends_with(')'));
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 && at + 1 < text.len() {
            wraps = false;
        }
    }
    (depth, wraps)
}

/// Splits text into lexemes; `base` is added to all offsets. Linear in the length of the text.
pub(crate) fn lex<'a>(text: &'a str, base: usize, into: &mut Vec<Lexeme<'a>>) {
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let gap = rest.len() - rest.trim_start().len();
        if let Some(line) = rest[..gap].find('\n') {
            into.push(Lexeme { text: &rest[line..line + 1], start: base + at + line, mark: true });
        }
        let rest = &rest[gap..];
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
        if length > 0 {
            chunk(&rest[..length], base + at + gap, into);
        }
        at += gap + length;
    }
}

/// One run without blanks: marks before, the word, marks after.
fn chunk<'a>(text: &'a str, base: usize, into: &mut Vec<Lexeme<'a>>) {
    let (mut start, mut end) = (0, text.len());
    let mark = |at: usize, length: usize| Lexeme { text: &text[at..at + length], start: base + at, mark: true };
    let mut after: Vec<Lexeme<'a>> = Vec::new();
    // Each round strips one character at one end, and looks at the whole chunk at most for the first few rounds.
    for _ in 0..16 {
        let inner = &text[start..end];
        let (Some(first), Some(last)) = (inner.chars().next(), inner.chars().next_back()) else { break };
        let single = first.len_utf8() == inner.len();
        if is_quote(first) {
            start += first.len_utf8();
        } else if is_quote(last) {
            end -= last.len_utf8();
        } else if is_end_mark(last) {
            end -= 1;
            after.push(mark(end, 1));
        } else if first == '(' || last == ')' {
            let (depth, wraps) = parentheses(inner);
            if first == '(' && (single || depth > 0) {
                into.push(mark(start, 1));
                start += 1;
            } else if depth < 0 && last == ')' {
                end -= 1;
                after.push(mark(end, 1));
            } else if wraps {
                into.push(mark(start, 1));
                start += 1;
            } else {
                break;
            }
        } else {
            break;
        }
    }
    if start < end {
        into.push(Lexeme { text: &text[start..end], start: base + start, mark: false });
    }
    into.extend(after.into_iter().rev());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        lex(text, 0, &mut found);
        for lexeme in &found {
            assert_eq!(&text[lexeme.start..lexeme.end()], lexeme.text);
        }
        found.into_iter().map(|lexeme| lexeme.text).collect()
    }

    #[test]
    fn strips_punctuation_but_not_smiles() {
        assert_eq!(words("The ester, CC(C)C(=O)OCC."), ["The", "ester", ",", "CC(C)C(=O)OCC", "."]);
        assert_eq!(words("\"SecondaryAmine\" (`C[NH]C`) and"), ["SecondaryAmine", "(", "C[NH]C", ")", "and"]);
        assert_eq!(words("(=O)O c1ccccc1: x"), ["(=O)O", "c1ccccc1", ":", "x"]);
        assert_eq!(words("(an ester) 1:C(O) A.B"), ["(", "an", "ester", ")", "1:C(O)", "A.B"]);
        assert_eq!(words("a\n\nb"), ["a", "\n", "b"]);
        assert_eq!(words("((( ... ))) é, “x”"), ["(", "(", "(", ".", ".", ".", ")", ")", ")", "é", ",", "x"]);
    }
}
