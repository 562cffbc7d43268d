//! [`super::pattern::chemistry_pattern`] by hand: the same pieces, about a hundred times faster than a backtracking
//! regular expression.
//!
//! Every step follows the pattern from left to right; where the pattern could backtrack, the classes are disjoint, so
//! that the greedy choice is the only one. The test compares pieces on random text.

use std::collections::BTreeSet;

use super::pattern;

/// Byte classes.
const PROSE: u8 = 1;
const LEAD_PUNCTUATION: u8 = 2;
const OPENING: u8 = 4;
const CLOSING: u8 = 8;
const SINGLE: u8 = 16;

const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let sets: [(&[u8], u8); 5] = [
        (pattern::PROSE_LETTERS.as_bytes(), PROSE),
        (b".,;:!?", LEAD_PUNCTUATION),
        (b"(\"'*", OPENING),
        (b")\"'*", CLOSING),
        (b"0123456789=#/\\+%@)", SINGLE),
    ];
    let mut set = 0;
    while set < sets.len() {
        let (bytes, class) = sets[set];
        let mut index = 0;
        while index < bytes.len() {
            table[bytes[index] as usize] |= class;
            index += 1;
        }
        set += 1;
    }
    table
}

/// Words by their first byte, in the order in which they are tried.
struct WordList([Vec<Box<[u8]>>; 256]);

impl WordList {
    fn new<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> Self {
        let mut list = [const { Vec::new() }; 256];
        for word in words {
            let word = word.as_ref().as_bytes();
            if let Some(first) = word.first() {
                list[usize::from(*first)].push(word.into());
            }
        }
        Self(list)
    }

    /// Lengths of the words that `rest` starts with, in order.
    fn prefixes<'a>(&'a self, rest: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let candidates = rest.first().map_or(&[][..], |first| &self.0[usize::from(*first)]);
        candidates.iter().filter(|word| rest.starts_with(word)).map(|word| word.len())
    }
}

/// Splits text as the chemistry pattern does.
pub(super) struct Scanner {
    terms: WordList,
    morphemes: WordList,
    strong: WordList,
    elements: WordList,
    operators: WordList,
    acronyms: WordList,
    opening: WordList,
    joining: WordList,
}

impl Scanner {
    pub(super) fn new(terms: &[String]) -> Self {
        Self {
            terms: WordList::new(pattern::ordered_terms(terms)),
            morphemes: WordList::new(pattern::morphemes()),
            strong: WordList::new(pattern::strong_morphemes()),
            elements: WordList::new(pattern::ELEMENTS.split('|')),
            operators: WordList::new(pattern::OPERATORS.split('|')),
            acronyms: WordList::new(pattern::ACRONYMS.split('|')),
            opening: WordList::new(pattern::OPENING_WORDS.split('|')),
            joining: WordList::new(pattern::JOINING.split('|')),
        }
    }

    /// Calls `emit` with each piece in order; together they are the text.
    pub(super) fn split<'t>(&self, text: &'t str, mut emit: impl FnMut(&'t str)) {
        let mut start = 0;
        while start < text.len() {
            let end = start + self.piece(text.as_bytes(), start);
            emit(&text[start..end]);
            start = end;
        }
    }

    /// Length of the piece at `start`.
    fn piece(&self, text: &[u8], start: usize) -> usize {
        let rest = &text[start..];
        let first = rest[0];
        let previous = start.checked_sub(1).map(|index| text[index]);
        if let Some(length) = heading(rest) {
            return length;
        }
        if is(first, SINGLE) {
            return 1;
        }
        if first == b'[' {
            return bracket_atom(rest).unwrap_or(1);
        }
        if !previous.is_some_and(|byte| byte.is_ascii_alphabetic())
            && let Some(length) = self.term(rest)
        {
            return length;
        }
        if let Some(length) = self.run(rest, previous) {
            return length;
        }
        if first.is_ascii_alphabetic() {
            let listed = self.morphemes.prefixes(rest).next();
            let listed = listed.or_else(|| self.elements.prefixes(rest).next());
            return listed.or_else(|| letters(rest)).unwrap_or(1);
        }
        if first == b' '
            && let Some(length) = self.operators.prefixes(&rest[1..]).find(|length| rest.get(1 + length) == Some(&b' '))
        {
            return length + 2;
        }
        if matches!(first, b'.' | b',' | b';' | b':') && matches!(rest.get(1), Some(b' ' | b'\n')) {
            return 2;
        }
        // Any single character: its bytes in UTF-8.
        rest[1..].iter().position(|byte| byte & 0xC0 != 0x80).map_or(rest.len(), |more| more + 1)
    }

    /// The first term that ends at a word end, or before an `s` that does.
    fn term(&self, rest: &[u8]) -> Option<usize> {
        self.terms.prefixes(rest).find(|length| {
            ends_word(rest, *length) || (rest.get(*length) == Some(&b's') && ends_word(rest, length + 1))
        })
    }

    fn run(&self, rest: &[u8], previous: Option<u8>) -> Option<usize> {
        let first = rest[0];
        let mut end = if first.is_ascii_alphabetic() {
            if previous.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"()[]-".contains(&byte)) {
                return None;
            }
            self.word(rest)?
        } else {
            let lead = lead(rest)?;
            lead + self.word(&rest[lead..]).or_else(|| self.joining_word(&rest[lead..]))?
        };
        for _ in 0..pattern::MORE_WORDS {
            let Some(length) = self.next_word(&rest[end..]) else {
                break;
            };
            end += length;
        }
        Some(end + trail(&rest[end..]))
    }

    /// A joint and the word behind it.
    fn next_word(&self, rest: &[u8]) -> Option<usize> {
        let word = |joint: usize| {
            let word = &rest[joint..];
            Some(joint + self.word(word).or_else(|| self.joining_word(word))?)
        };
        let mut joint = count(rest, CLOSING, 3);
        joint += usize::from(rest.get(joint) == Some(&b','));
        if rest.get(joint) == Some(&b' ') {
            joint += 1;
            joint += count(&rest[joint..], OPENING, 3);
            if let Some(length) = word(joint) {
                return Some(length);
            }
        }
        matches!(rest.first(), Some(b'-' | b'/' | b'\'')).then(|| word(1))?
    }

    fn joining_word(&self, rest: &[u8]) -> Option<usize> {
        self.joining.prefixes(rest).find(|length| matches!(rest.get(*length), Some(b' ' | b',' | b'.' | b';' | b':')))
    }

    /// A prose word, unless it is a name or a term.
    fn word(&self, rest: &[u8]) -> Option<usize> {
        let first = *rest.first()?;
        if !first.is_ascii_alphabetic() {
            return None;
        }
        let plain = letters(rest).and_then(|length| word_end(rest, length));
        let listed = || self.acronyms.prefixes(rest).find_map(|length| word_end(rest, length));
        let opening = || self.opening.prefixes(rest).find(|length| rest.get(*length) == Some(&b' '));
        let length = plain.or_else(listed).or_else(opening)?;
        (!self.is_name(rest) && !self.is_term(rest)).then_some(length)
    }

    fn is_term(&self, rest: &[u8]) -> bool {
        self.term(rest).is_some()
    }

    /// Whether a name made of morphemes ends at a word end: one strong morpheme and any others, or two of any kind.
    fn is_name(&self, rest: &[u8]) -> bool {
        // Where a sequence of morphemes can end, with whether it may be a name by itself.
        let mut open: BTreeSet<(usize, bool)> = BTreeSet::new();
        open.extend(self.strong.prefixes(rest).map(|length| (length, true)));
        open.extend(self.morphemes.prefixes(rest).map(|length| (length, false)));
        while let Some((end, complete)) = open.pop_first() {
            if complete && name_ends(rest, end) {
                return true;
            }
            open.extend(self.morphemes.prefixes(&rest[end..]).map(|length| (end + length, true)));
        }
        false
    }
}

fn is(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

fn count(rest: &[u8], class: u8, most: usize) -> usize {
    rest.iter().take(most).take_while(|byte| is(**byte, class)).count()
}

/// `(?![A-Za-z])` after `length` bytes.
fn ends_word(rest: &[u8], length: usize) -> bool {
    !rest.get(length).is_some_and(u8::is_ascii_alphabetic)
}

/// `e?s?(?![A-Za-z])`.
fn name_ends(rest: &[u8], end: usize) -> bool {
    let after_e = end + usize::from(rest.get(end) == Some(&b'e'));
    [end, after_e]
        .into_iter()
        .any(|end| ends_word(rest, end) || (rest.get(end) == Some(&b's') && ends_word(rest, end + 1)))
}

/// `(?:'[st])?(?![A-Za-z])` after the letters of a word.
fn word_end(rest: &[u8], length: usize) -> Option<usize> {
    if rest.get(length) == Some(&b'\'')
        && matches!(rest.get(length + 1), Some(b's' | b't'))
        && ends_word(rest, length + 2)
    {
        return Some(length + 2);
    }
    ends_word(rest, length).then_some(length)
}

/// `[A-Z]?[a-z]*[prose letter][a-z]*`.
fn letters(rest: &[u8]) -> Option<usize> {
    let upper = usize::from(rest.first().is_some_and(u8::is_ascii_uppercase));
    let lower = rest[upper..].iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    let end = upper + lower;
    rest[upper..end].iter().any(|byte| is(*byte, PROSE)).then_some(end)
}

/// `[.,;:!?]?[ \n]{1,2}[("'*]{0,3}`.
fn lead(rest: &[u8]) -> Option<usize> {
    let mut end = usize::from(is(rest[0], LEAD_PUNCTUATION));
    let blanks = rest[end..].iter().take(2).take_while(|byte| matches!(byte, b' ' | b'\n')).count();
    if blanks == 0 {
        return None;
    }
    end += blanks;
    Some(end + count(&rest[end..], OPENING, 3))
}

/// `[)"'*]{0,3}[.,;:!?]?[)"'*]{0,3}(?: \(?|\n{1,2})?`.
fn trail(rest: &[u8]) -> usize {
    let mut end = count(rest, CLOSING, 3);
    end += usize::from(rest.get(end).is_some_and(|byte| is(*byte, LEAD_PUNCTUATION)));
    end += count(&rest[end..], CLOSING, 3);
    match rest.get(end) {
        Some(b' ') => end + 1 + usize::from(rest.get(end + 1) == Some(&b'(')),
        Some(b'\n') => end + 1 + usize::from(rest.get(end + 1) == Some(&b'\n')),
        _ => end,
    }
}

/// `\n?[1-9]\. \*\*[A-Z][A-Za-z ,-]{1,60}\*\*: ?`.
fn heading(rest: &[u8]) -> Option<usize> {
    let mut end = usize::from(rest[0] == b'\n');
    if !matches!(rest.get(end), Some(b'1'..=b'9')) || !rest[end + 1..].starts_with(b". **") {
        return None;
    }
    end += 5;
    if !rest.get(end)?.is_ascii_uppercase() {
        return None;
    }
    end += 1;
    let title =
        rest[end..].iter().take_while(|byte| byte.is_ascii_alphabetic() || matches!(byte, b' ' | b',' | b'-')).count();
    if !(1..=60).contains(&title) {
        return None;
    }
    end += title;
    if !rest[end..].starts_with(b"**:") {
        return None;
    }
    end += 3;
    Some(end + usize::from(rest.get(end) == Some(&b' ')))
}

/// A bracket atom; see the grammar in [`pattern`].
fn bracket_atom(rest: &[u8]) -> Option<usize> {
    let digits =
        |from: usize, most: usize| rest[from..].iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = 1;
    end += digits(end, 3);
    match rest.get(end)? {
        b'*' => end += 1,
        byte if byte.is_ascii_alphabetic() => {
            end += 1;
            end += usize::from(rest.get(end).is_some_and(u8::is_ascii_lowercase));
        }
        _ => return None,
    }
    end += rest[end..].iter().take(2).take_while(|byte| **byte == b'@').count();
    if rest.get(end) == Some(&b'H') {
        end += 1;
        end += digits(end, 1);
    }
    let charge = rest[end..].iter().take(3).take_while(|byte| matches!(byte, b'+' | b'-')).count();
    if charge > 0 {
        end += charge;
        end += digits(end, 2);
    }
    if rest.get(end) == Some(&b':') {
        let map = digits(end + 1, 4);
        if map > 0 {
            end += 1 + map;
        }
    }
    (rest.get(end) == Some(&b']')).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SplitMix64;
    use tokenizers::utils::SysRegex;

    fn by_scanner(scanner: &Scanner, text: &str) -> Vec<String> {
        let mut pieces = Vec::new();
        scanner.split(text, |piece| pieces.push(piece.to_owned()));
        pieces
    }

    fn by_pattern(regex: &SysRegex, text: &str) -> Vec<String> {
        let mut pieces = Vec::new();
        let mut previous = 0;
        for (start, end) in regex.find_iter(text) {
            assert_eq!(previous, start, "the pattern covers every text");
            pieces.push(text[start..end].to_owned());
            previous = end;
        }
        assert_eq!(previous, text.len());
        pieces
    }

    const FRAGMENTS: &[&str] = &[
        "the",
        "ester",
        "esters",
        "carboxylic acid",
        "carboxylic acids",
        "methyl",
        "butan",
        "butane",
        "one",
        "ol",
        "is",
        "a",
        "A",
        "SMILES",
        "InChI",
        "IUPACs",
        "It's",
        "don't",
        "or",
        "on",
        "no",
        "loss",
        "an",
        "in",
        "propanoic acid",
        "chloro",
        "No",
        "Yes",
        "C",
        "c1ccccc1",
        "Cl",
        "Br",
        "Sn",
        "Cr",
        "Na",
        "N",
        "O",
        "(",
        ")",
        "[C@@H]",
        "[nH]",
        "[Na+]",
        "[13CH3:12]",
        "[H+]",
        "[see]",
        "[2.2.1]",
        "[O--]",
        "[CH3:]",
        "[",
        "]",
        "=",
        "#",
        "/",
        "\\",
        "%12",
        " ",
        " ",
        " ",
        " ",
        "\n",
        "\n\n",
        ".",
        ",",
        ";",
        ":",
        "!",
        "?",
        "*",
        "**",
        "\"",
        "'",
        "-",
        "->",
        ">>",
        " = ",
        " + ",
        " -> ",
        " / ",
        "1",
        "2",
        "10",
        "1. **Functional groups**: ",
        "\n2. **Bonds**:",
        "3. **x**: ",
        "0. **No**: ",
        "é",
        "α",
        "中文",
        "\u{1F9EA}",
        "\t",
        "naïve",
        "x",
        "method",
        "benzene",
        "phenylamine",
        "hexadecane",
        "dimethyl",
        "formed",
        "alkoxy",
        "tert-butyl",
        "A ",
        "Is ",
        "MUST",
        "On",
        "So ",
    ];

    #[test]
    fn scanner_equals_the_pattern() {
        let lists: [&[&str]; 2] = [&[], &["ester", "carboxylic acid", "No", "Yes", "C-N coupling", "amine|x", "a.b"]];
        for terms in lists {
            let terms: Vec<String> = terms.iter().map(|term| (*term).to_owned()).collect();
            let regex = SysRegex::new(&pattern::chemistry_pattern(&terms)).unwrap();
            let scanner = Scanner::new(&terms);
            let mut random = SplitMix64::new(7);
            for round in 0..4000 {
                let length = random.next_u64() % 14;
                let text: String = (0..length)
                    .map(|_| {
                        if round % 4 == 0 {
                            char::from((32 + random.next_u64() % 95) as u8).to_string()
                        } else {
                            FRAGMENTS[random.next_u64() as usize % FRAGMENTS.len()].to_owned()
                        }
                    })
                    .collect();
                assert_eq!(by_scanner(&scanner, &text), by_pattern(&regex, &text), "{text:?}");
            }
        }
    }

    #[test]
    fn terms_can_be_read_back() {
        for terms in [vec![], vec!["ester".to_owned(), "a|b\\ (c)".to_owned(), "carboxylic acid".to_owned()]] {
            let found = pattern::terms_of(&pattern::chemistry_pattern(&terms)).unwrap();
            let sorted = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
            assert_eq!(sorted(&found), sorted(&terms));
        }
        assert!(pattern::terms_of(r"\s+").is_none());
    }

    #[test]
    fn no_morpheme_can_be_smiles() {
        for morpheme in pattern::morphemes() {
            // In SMILES an `l` stands behind a `C` only.
            assert!(morpheme == "ol" || morpheme.bytes().any(|byte| is(byte, PROSE)), "{morpheme}");
        }
    }

    fn pieces(text: &str) -> String {
        by_scanner(&Scanner::new(&["ester".to_owned(), "alcohol".to_owned()]), text).join("|")
    }

    #[test]
    fn structure_is_atomic() {
        assert_eq!(pieces("CC(=O)Oc1ccccc1Cl"), "C|C|(|=|O|)|O|c|1|c|c|c|c|c|1|Cl");
        assert_eq!(pieces("C[C@@H](N)C%12.[Na+]"), "C|[C@@H]|(|N|)|C|%|1|2|.|[Na+]");
        assert_eq!(pieces("Sn1cccc1on"), "S|n|1|c|c|c|c|1|o|n");
        assert_eq!(pieces("C10H22BrN"), "C|1|0|H|2|2|Br|N");
    }

    #[test]
    fn names_fall_into_morphemes() {
        assert_eq!(pieces("3-chloro-2-methylbutan-1-ol"), "3|-|chloro|-|2|-|methyl|butan|-|1|-|ol");
        assert_eq!(pieces("ethyl propanoate"), "ethyl| |propan|oate");
        assert_eq!(pieces("is pentanoic acid."), "is |pentan|oic acid|.");
    }

    #[test]
    fn prose_runs_to_the_end_of_the_sentence() {
        assert_eq!(
            pieces("Name the product. It is an ester: CCOC(C)=O gives an alcohol and CCO.\n"),
            "Name the product. |It is an |ester|: |C|C|O|C|(|C|)|=|O| gives an |alcohol| and |C|C|O|.\n"
        );
        assert_eq!(pieces("\n2. **Reaction type**: CO or CN"), "\n2. **Reaction type**: |C|O| or |C|N");
    }
}
