//! Names in free text: functional groups, reaction types, numbers.

use std::collections::HashMap;
use std::sync::OnceLock;

use chemr_chem::{groups, named_reactions};

use super::lexer::Lexeme;
use super::synonyms::{GROUP_SYNONYMS, REACTION_SYNONYMS};

/// Registry entries that a name can stand for: one for a registry name, several for a broad word ("hydroxyl").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    pub ids: &'static [&'static str],
}

struct Term {
    words: Vec<String>,
    ids: Vec<&'static str>,
}

/// Terms by their first word, the longest first.
struct Lexicon {
    by_first: HashMap<String, Vec<Term>>,
}

impl Lexicon {
    fn new() -> Lexicon {
        Lexicon { by_first: HashMap::new() }
    }

    /// Adds a name; the first entry of a name stays.
    fn add(&mut self, name: &str, ids: Vec<&'static str>) {
        let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
        let Some(first) = words.first() else { return };
        let terms = self.by_first.entry(first.clone()).or_default();
        if !ids.is_empty() && !terms.iter().any(|term| term.words == words) {
            let place = terms.iter().position(|term| term.words.len() < words.len()).unwrap_or(terms.len());
            terms.insert(place, Term { words, ids });
        }
    }

    /// The longest name at a place; its last word may stand in the plural.
    fn find(&'static self, lexemes: &[Lexeme<'_>], at: usize) -> Option<(Mention, usize)> {
        let first = lexemes.get(at).filter(|lexeme| !lexeme.mark && lexeme.text.len() <= MAX_WORD)?;
        let word = first.text.to_lowercase();
        let stem = |suffix: &str| word.strip_suffix(suffix).filter(|stem| stem.len() > 2).map(str::to_string);
        let singular = stem("ies").map(|stem| format!("{stem}y"));
        for key in [Some(word.clone()), singular, stem("es"), stem("s")].into_iter().flatten() {
            for term in self.by_first.get(key.as_str()).map_or(&[][..], Vec::as_slice) {
                let last = term.words.len() - 1;
                let fits = term.words.iter().enumerate().all(|(offset, want)| {
                    lexemes.get(at + offset).is_some_and(|lexeme| {
                        !lexeme.mark
                            && (lexeme.text.eq_ignore_ascii_case(want)
                                || (offset == last && is_plural(lexeme.text, want)))
                    })
                });
                if fits {
                    return Some((Mention { ids: &term.ids }, at + term.words.len()));
                }
            }
        }
        None
    }
}

/// Longest word that can be part of a name, bytes.
const MAX_WORD: usize = 64;

/// Whether a word is the plural of a lower-case one.
fn is_plural(word: &str, singular: &str) -> bool {
    let ends = |stem: &str, ending: &str| {
        word.len() == stem.len() + ending.len()
            && word.is_char_boundary(stem.len())
            && word[..stem.len()].eq_ignore_ascii_case(stem)
            && word[stem.len()..].eq_ignore_ascii_case(ending)
    };
    ends(singular, "s") || ends(singular, "es") || singular.strip_suffix('y').is_some_and(|stem| ends(stem, "ies"))
}

fn group_lexicon() -> &'static Lexicon {
    static TABLE: OnceLock<Lexicon> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Lexicon::new();
        for group in groups().all() {
            table.add(&group.name, vec![group.id.as_str()]);
        }
        // One-word forms: "SecondaryAmine".
        for group in groups().all() {
            if group.name.contains(' ') {
                table.add(&group.name.replace([' ', '-'], ""), vec![group.id.as_str()]);
            }
        }
        // Broad words come before aliases: "hydroxyl" is an alias of alcohol, but models also call phenols so.
        for (name, ids) in GROUP_SYNONYMS {
            table.add(name, ids.to_vec());
        }
        for group in groups().all() {
            for alias in &group.aliases {
                table.add(alias, vec![group.id.as_str()]);
            }
        }
        table
    })
}

fn reaction_lexicon() -> &'static Lexicon {
    static TABLE: OnceLock<Lexicon> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Lexicon::new();
        for reaction in named_reactions().all() {
            table.add(&reaction.name, vec![reaction.id.as_str()]);
        }
        for (name, ids) in REACTION_SYNONYMS {
            table.add(name, ids.to_vec());
        }
        table
    })
}

/// A functional group named at a place, and the place after it.
pub(crate) fn group_mention(lexemes: &[Lexeme<'_>], at: usize) -> Option<(Mention, usize)> {
    group_lexicon().find(lexemes, at)
}

/// A reaction type named at a place, and the place after it.
pub(crate) fn reaction_mention(lexemes: &[Lexeme<'_>], at: usize) -> Option<(Mention, usize)> {
    reaction_lexicon().find(lexemes, at)
}

/// A number in digits (at most 9999) or as a word up to twenty.
pub(crate) fn number(word: &str) -> Option<usize> {
    const WORDS: [&str; 21] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ];
    if super::slots::is_digits(word) {
        return word.parse().ok();
    }
    WORDS.iter().position(|name| name.eq_ignore_ascii_case(word))
}

/// Words that make a statement a guess, a wish or a rule instead of a claim.
pub(crate) fn is_hedge(word: &str) -> bool {
    const HEDGES: [&str; 24] = [
        "could",
        "may",
        "might",
        "should",
        "would",
        "can",
        "must",
        "if",
        "whether",
        "likely",
        "possibly",
        "perhaps",
        "either",
        "suggest",
        "suggests",
        "suggesting",
        "typically",
        "usually",
        "often",
        "probably",
        "potentially",
        "unless",
        "need",
        "needs",
    ];
    HEDGES.iter().any(|hedge| hedge.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::lexer::lex;

    fn find(text: &str) -> Option<Vec<&'static str>> {
        let mut lexemes = Vec::new();
        lex(text, 0, &mut lexemes);
        group_mention(&lexemes, 0).map(|(mention, _)| mention.ids.to_vec())
    }

    #[test]
    fn numbers() {
        assert_eq!(number("12"), Some(12));
        assert_eq!(number("Two"), Some(2));
        assert_eq!(number("12345678"), None);
        assert_eq!(number("C"), None);
    }

    #[test]
    fn synonyms_name_known_entries() {
        for id in GROUP_SYNONYMS.iter().flat_map(|(_, ids)| ids.iter()) {
            assert!(super::super::synonyms::is_special(id) || groups().get(id).is_some(), "{id}");
        }
        for id in REACTION_SYNONYMS.iter().flat_map(|(_, ids)| ids.iter()) {
            assert!(named_reactions().get(id).is_some(), "{id}");
        }
    }

    #[test]
    fn every_registry_name_is_found_also_in_the_plural() {
        for group in groups().all() {
            assert_eq!(find(&group.name), Some(vec![group.id.as_str()]), "{}", group.name);
            assert!(find(&format!("{}s", group.name)).is_some(), "{}", group.name);
        }
        for reaction in named_reactions().all() {
            let mut lexemes = Vec::new();
            lex(&reaction.name, 0, &mut lexemes);
            let (mention, next) = reaction_mention(&lexemes, 0).unwrap();
            assert_eq!((mention.ids, next), (&[reaction.id.as_str()][..], lexemes.len()), "{}", reaction.name);
        }
        assert_eq!(find("zebra"), None);
    }
}
