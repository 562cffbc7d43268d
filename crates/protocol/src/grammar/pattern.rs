//! Sentence patterns, compiled, and how they match.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;

use super::lexer::Lexeme;
use super::lexicon::{group_mention, number};
use super::sentences::{Rule, SENTENCES};
use super::slots::{Slot, Value, read};

#[derive(Clone, Debug)]
enum Token {
    Words(Vec<String>),
    Optional(Vec<String>),
    Slot(Slot),
}

#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    rule: Rule,
    tokens: Vec<Token>,
}

/// A pattern found in a text.
#[derive(Clone, Debug)]
pub(crate) struct Match {
    pub rule: Rule,
    pub values: Vec<Value>,
    /// Lexemes from the first to after the last.
    pub lexemes: Range<usize>,
}

impl Pattern {
    /// Compiles a line of the table; `None` for an unknown slot or an empty pattern.
    pub(crate) fn compile(rule: Rule, text: &str) -> Option<Pattern> {
        let mut tokens = Vec::new();
        for word in text.split_whitespace() {
            let word = word.trim_end_matches([',', ':', '.', ';']);
            let alternatives = |text: &str| text.split('|').map(str::to_lowercase).collect::<Vec<String>>();
            if word.is_empty() {
                continue;
            } else if let Some(name) = word.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                tokens.push(Token::Slot(Slot::by_name(name)?));
            } else if let Some(inner) = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                tokens.push(Token::Optional(alternatives(inner.trim_end_matches(':'))));
            } else {
                tokens.push(Token::Words(alternatives(word)));
            }
        }
        (!tokens.is_empty()).then_some(Pattern { rule, tokens })
    }

    fn matches(&self, lexemes: &[Lexeme<'_>], at: usize) -> Option<Match> {
        let mut values = Vec::new();
        let mut next = at;
        for (index, token) in self.tokens.iter().enumerate() {
            let mut place = next;
            let soft =
                |place: usize| lexemes.get(place).is_some_and(|lexeme| lexeme.mark && matches!(lexeme.text, "," | ":"));
            if index > 0 && soft(place) {
                place += 1;
            }
            let word = |words: &[String]| {
                lexemes.get(place).is_some_and(|lexeme| {
                    !lexeme.mark && words.iter().any(|word| word.eq_ignore_ascii_case(lexeme.text))
                })
            };
            match token {
                Token::Words(words) if word(words) => next = place + 1,
                Token::Words(_) => return None,
                Token::Optional(words) if word(words) => next = place + 1,
                Token::Optional(_) => {}
                Token::Slot(slot) => {
                    let (value, after) = read(*slot, lexemes, place)?;
                    values.push(value);
                    next = after;
                }
            }
        }
        Some(Match { rule: self.rule, values, lexemes: at..next })
    }
}

/// The compiled table with an index by the first word.
pub(crate) struct Patterns {
    all: Vec<Pattern>,
    by_word: HashMap<String, Vec<usize>>,
    number_first: Vec<usize>,
    group_first: Vec<usize>,
}

/// The compiled table.
pub(crate) fn patterns() -> &'static Patterns {
    static TABLE: OnceLock<Patterns> = OnceLock::new();
    TABLE.get_or_init(Patterns::new)
}

impl Patterns {
    fn new() -> Patterns {
        let mut table =
            Patterns { all: Vec::new(), by_word: HashMap::new(), number_first: Vec::new(), group_first: Vec::new() };
        for sentence in SENTENCES {
            for text in sentence.teacher.iter().chain(sentence.reader) {
                if let Some(pattern) = Pattern::compile(sentence.rule, text) {
                    table.add(pattern);
                }
            }
        }
        table
    }

    fn add(&mut self, pattern: Pattern) {
        let index = self.all.len();
        match &pattern.tokens[0] {
            Token::Words(words) | Token::Optional(words) => {
                for word in words {
                    self.by_word.entry(word.clone()).or_default().push(index);
                }
            }
            Token::Slot(Slot::Groups) => self.group_first.push(index),
            Token::Slot(_) => self.number_first.push(index),
        }
        self.all.push(pattern);
    }

    /// In the middle of a list: its statement, if any, began before.
    fn follows_separator(lexemes: &[Lexeme<'_>], at: usize) -> bool {
        at > 0 && matches!(lexemes[at - 1].text, "," | "and" | "or")
    }

    /// The longest pattern that starts at a place. Each pattern reads a bounded stretch, so a scan is linear.
    pub(crate) fn longest(&self, lexemes: &[Lexeme<'_>], at: usize) -> Option<Match> {
        let first = lexemes.get(at).filter(|lexeme| !lexeme.mark)?;
        let word = first.text.to_ascii_lowercase();
        let mut candidates: Vec<usize> = self.by_word.get(&word).cloned().unwrap_or_default();
        if number(first.text).is_some() {
            candidates.extend(&self.number_first);
        } else if !Self::follows_separator(lexemes, at) && group_mention(lexemes, at).is_some() {
            candidates.extend(&self.group_first);
        }
        let mut best: Option<Match> = None;
        for index in candidates {
            if let Some(found) = self.all[index].matches(lexemes, at)
                && best.as_ref().is_none_or(|best| found.lexemes.end > best.lexemes.end)
            {
                best = Some(found);
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::lexer::lex;

    #[test]
    fn the_whole_table_compiles() {
        for sentence in SENTENCES {
            for text in sentence.teacher.iter().chain(sentence.reader) {
                let pattern = Pattern::compile(sentence.rule, text);
                assert!(pattern.is_some(), "{text}");
                let first = &pattern.unwrap().tokens[0];
                assert!(!matches!(first, Token::Optional(_)), "`{text}` starts with an optional word");
            }
        }
        assert!(Pattern::compile(Rule::Formula, "{nothing}").is_none());
    }

    #[test]
    fn longest_match_and_soft_marks() {
        let text = "The molecular formula is: C6H12O2, fine";
        let mut lexemes = Vec::new();
        lex(text, 0, &mut lexemes);
        let found = patterns().longest(&lexemes, 0).unwrap();
        assert_eq!(found.rule, Rule::Formula);
        assert_eq!(lexemes[found.lexemes.end - 1].text, "C6H12O2");
        assert!(patterns().longest(&lexemes, lexemes.len()).is_none());
    }
}
