//! Readers of the slots of a pattern.

use chemr_tasks::formula::Formula;

use super::lexer::Lexeme;
use super::lexicon::{Mention, group_mention, number, reaction_mention};

/// Longest list that a slot reads.
const MAX_ITEMS: usize = 400;
/// Longest list of functional groups. Such a list may start at any word, so it must be short.
const MAX_GROUPS: usize = 16;

/// What a slot takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Number,
    Decimal,
    Groups,
    Formula,
    Smiles,
    /// Dotted SMILES that every part of must look like one.
    Molecules,
    Element,
    Elements,
    Totals,
    Walk,
    Carbons,
    Polar,
    Parts,
    Positions,
    Locants,
    Pieces,
    Reaction,
    Bonds,
    YesNo,
    Stem,
}

impl Slot {
    pub(crate) fn by_name(name: &str) -> Option<Slot> {
        Some(match name {
            "number" => Slot::Number,
            "decimal" => Slot::Decimal,
            "groups" => Slot::Groups,
            "formula" => Slot::Formula,
            "smiles" => Slot::Smiles,
            "molecules" => Slot::Molecules,
            "element" => Slot::Element,
            "elements" => Slot::Elements,
            "totals" => Slot::Totals,
            "walk" => Slot::Walk,
            "carbons" => Slot::Carbons,
            "polar" => Slot::Polar,
            "parts" => Slot::Parts,
            "positions" => Slot::Positions,
            "locants" => Slot::Locants,
            "pieces" => Slot::Pieces,
            "reaction" => Slot::Reaction,
            "bonds" => Slot::Bonds,
            "yesno" => Slot::YesNo,
            "stem" => Slot::Stem,
            _ => return None,
        })
    }
}

/// A stretch of the text: words with their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub text: String,
    pub start: usize,
    pub end: usize,
}

impl Item {
    fn of(lexeme: &Lexeme<'_>) -> Item {
        Item { text: lexeme.text.to_string(), start: lexeme.start, end: lexeme.end() }
    }
}

/// One functional group in a list of groups.
#[derive(Clone, Debug)]
pub(crate) struct GroupItem {
    pub mention: Mention,
    /// Exact number, where one is stated.
    pub count: Option<usize>,
    /// "no ester" inside a positive list.
    pub negated: bool,
    /// The name as written.
    pub item: Item,
    /// Byte offset of the article or count before it.
    pub start: usize,
}

/// What a slot took.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Number(usize, Item),
    /// A decimal number and its digits after the point.
    Decimal(f64, u32, Item),
    Text(Item),
    Items(Vec<Item>),
    Groups(Vec<GroupItem>),
    /// Index in the registry of named reactions.
    Reaction(Mention, Item),
}

/// Reads a slot at a place; gives the value and the place after it.
pub(crate) fn read(slot: Slot, lexemes: &[Lexeme<'_>], at: usize) -> Option<(Value, usize)> {
    let first = lexemes.get(at).filter(|lexeme| !lexeme.mark)?;
    let text = |fits: bool| fits.then(|| (Value::Text(Item::of(first)), at + 1));
    match slot {
        Slot::Number => Some((Value::Number(number(first.text)?, Item::of(first)), at + 1)),
        Slot::Decimal => decimal(first).map(|value| (value, at + 1)),
        Slot::Groups => groups(lexemes, at),
        Slot::Formula => text(is_formula(first.text)),
        Slot::Smiles => text(is_attempt(first.text)),
        Slot::Molecules => text(is_smiles_text(first.text) && !is_prose(first.text)),
        Slot::Element => text(element_symbol(first.text).is_some()),
        Slot::Elements => list(lexemes, at, |lexeme| is_symbol(lexeme.text)),
        Slot::Totals => list(lexemes, at, |lexeme| is_total(lexeme.text)),
        Slot::Walk => list(lexemes, at, |lexeme| is_walk_item(lexeme.text)),
        Slot::Carbons => list(lexemes, at, |lexeme| lexeme.text.strip_prefix('C').is_some_and(is_digits)),
        Slot::Polar => list(lexemes, at, |lexeme| is_polar_item(lexeme.text)),
        Slot::Positions => list(lexemes, at, |lexeme| is_position(lexeme.text)),
        Slot::Parts => text(first.text.contains('|') || (is_fragment_text(first.text) && !is_prose(first.text))),
        Slot::Locants => locants(lexemes, at),
        Slot::Pieces => pieces(lexemes, at),
        Slot::Reaction => {
            let (mention, next) = reaction_mention(lexemes, at)?;
            Some((Value::Reaction(mention, joined(lexemes, at, next)), next))
        }
        Slot::Bonds => list(lexemes, at, |lexeme| bond(lexeme.text).is_some()),
        Slot::YesNo => text(first.text.eq_ignore_ascii_case("yes") || first.text.eq_ignore_ascii_case("no")),
        Slot::Stem => text(first.text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')),
    }
}

/// The words from one place to another as one stretch.
fn joined(lexemes: &[Lexeme<'_>], from: usize, to: usize) -> Item {
    let words: Vec<&str> = lexemes[from..to].iter().map(|lexeme| lexeme.text).collect();
    Item { text: words.join(" "), start: lexemes[from].start, end: lexemes[to - 1].end() }
}

/// The place after a comma and/or "and" between items, if there is one.
fn separator(lexemes: &[Lexeme<'_>], at: usize) -> Option<usize> {
    let mut next = at;
    if lexemes.get(next).is_some_and(|lexeme| lexeme.mark && lexeme.text == ",") {
        next += 1;
    }
    if lexemes.get(next).is_some_and(|lexeme| ["and", "or", "plus"].contains(&lexeme.text)) {
        next += 1;
    }
    (next > at).then_some(next)
}

/// A list of words that fit, separated by blanks, commas or "and".
fn list(lexemes: &[Lexeme<'_>], at: usize, fits: impl Fn(&Lexeme<'_>) -> bool) -> Option<(Value, usize)> {
    let mut items = Vec::new();
    let mut next = at;
    let mut look = at;
    while let Some(lexeme) = lexemes.get(look).filter(|lexeme| !lexeme.mark && fits(lexeme)) {
        if items.len() == MAX_ITEMS {
            break;
        }
        items.push(Item::of(lexeme));
        next = look + 1;
        look = separator(lexemes, next).unwrap_or(next);
    }
    (!items.is_empty()).then_some((Value::Items(items), next))
}

/// `3-chloro, 2-methyl, 1-oic acid`: items that begin with a locant, separated by commas.
fn locants(lexemes: &[Lexeme<'_>], at: usize) -> Option<(Value, usize)> {
    let begins = |lexeme: &Lexeme<'_>| {
        !lexeme.mark
            && lexeme.text.split_once('-').is_some_and(|(locant, word)| {
                (is_digits(locant) || matches!(locant, "N" | "O"))
                    && word.starts_with(|c: char| c.is_ascii_alphabetic())
            })
    };
    let mut items = Vec::new();
    let mut next = at;
    let mut look = at;
    while lexemes.get(look).is_some_and(begins) && items.len() < MAX_ITEMS {
        let mut end = look + 1;
        // A second word as in "1-oic acid".
        if lexemes.get(end).is_some_and(|lexeme| !lexeme.mark && matches!(lexeme.text, "acid")) {
            end += 1;
        }
        items.push(joined(lexemes, look, end));
        next = end;
        look = separator(lexemes, next).unwrap_or(next);
    }
    (!items.is_empty()).then_some((Value::Items(items), next))
}

/// `CC, ester C(=O)O, alcohol CO`: fragments with the group that each brings, or none, separated by commas.
/// Each item holds the group name (may be empty), a blank and the fragment.
fn pieces(lexemes: &[Lexeme<'_>], at: usize) -> Option<(Value, usize)> {
    let mut items = Vec::new();
    let mut next = at;
    let mut look = at;
    while items.len() < MAX_ITEMS {
        let fragment = match group_mention(lexemes, look) {
            Some((_, after)) => after,
            None => look,
        };
        if !lexemes.get(fragment).is_some_and(|lexeme| !lexeme.mark && is_fragment_text(lexeme.text)) {
            break;
        }
        let name: Vec<&str> = lexemes[look..fragment].iter().map(|lexeme| lexeme.text).collect();
        let text = format!("{} {}", name.join(" "), lexemes[fragment].text);
        items.push(Item { text, start: lexemes[look].start, end: lexemes[fragment].end() });
        next = fragment + 1;
        match separator(lexemes, next) {
            Some(after) => look = after,
            None => break,
        }
    }
    (!items.is_empty()).then_some((Value::Items(items), next))
}

const ARTICLES: [&str; 12] =
    ["a", "an", "the", "any", "another", "both", "also", "at", "least", "several", "multiple", "exactly"];
const NOUNS: [&str; 18] = [
    "group",
    "groups",
    "moiety",
    "moieties",
    "functionality",
    "functionalities",
    "linkage",
    "linkages",
    "unit",
    "units",
    "substituent",
    "substituents",
    "atom",
    "atoms",
    "bond",
    "bonds",
    "ring",
    "rings",
];

/// A list of functional groups with articles, counts and fillers; words that name no group end it.
fn groups(lexemes: &[Lexeme<'_>], at: usize) -> Option<(Value, usize)> {
    let mut found: Vec<GroupItem> = Vec::new();
    let mut next = at;
    let mut look = at;
    while found.len() < MAX_GROUPS {
        let Some((item, after)) = group_item(lexemes, look) else { break };
        found.push(item);
        next = parenthesis(lexemes, after);
        let mut after = separator(lexemes, next).unwrap_or(next);
        for joint in [&["as", "well", "as"][..], &["along", "with"], &["together", "with"], &["but"]] {
            let fits = joint
                .iter()
                .enumerate()
                .all(|(offset, word)| lexemes.get(after + offset).is_some_and(|lexeme| lexeme.text == *word));
            if fits {
                after += joint.len();
            }
        }
        if after == next {
            break;
        }
        look = after;
    }
    (!found.is_empty()).then_some((Value::Groups(found), next))
}

/// One group with its article or count, at most four words before its name.
fn group_item(lexemes: &[Lexeme<'_>], at: usize) -> Option<(GroupItem, usize)> {
    let mut count = None;
    let (mut negated, mut open, mut adjective) = (false, false, false);
    for next in at..at + 5 {
        let lexeme = lexemes.get(next).filter(|lexeme| !lexeme.mark)?;
        if let Some((mention, after)) = group_mention(lexemes, next) {
            let item = joined(lexemes, next, after);
            let mut end = after;
            while lexemes.get(end).is_some_and(|lexeme| !lexeme.mark && NOUNS.contains(&lexeme.text)) {
                end += 1;
            }
            // "at least two" and the like give no exact number.
            let count = count.filter(|_| !open);
            return Some((GroupItem { mention, count, negated, item, start: lexemes[at].start }, end));
        }
        let word = lexeme.text;
        if word == "no" {
            negated = true;
        } else if let Some(value) = number(word) {
            // A number after an adjective belongs to something else ("an acid, reactant 2 ...").
            if adjective {
                return None;
            }
            count = Some(value);
        } else if ARTICLES.contains(&word) {
            open |= matches!(word, "least" | "several" | "multiple" | "both" | "any");
        } else if !word.chars().all(|c| c.is_ascii_lowercase() || c == '-') || is_verb(word) {
            return None;
        } else {
            adjective = true;
        }
    }
    None
}

/// Words that cannot stand as an adjective before a group.
fn is_verb(word: &str) -> bool {
    matches!(
        word,
        "is" | "are"
            | "was"
            | "to"
            | "of"
            | "with"
            | "and"
            | "or"
            | "that"
            | "which"
            | "for"
            | "from"
            | "in"
            | "on"
            | "at"
            | "by"
            | "can"
            | "be"
            | "not"
            | "has"
            | "have"
            | "the"
            | "than"
            | "into"
            | "as"
            | "it"
            | "if"
            | "would"
            | "contains"
            | "carries"
            | "bears"
            | "features"
            | "includes"
            | "holds"
            | "gives"
            | "forms"
            | "reactant"
            | "reactants"
            | "product"
            | "molecule"
            | "compound"
    )
}

/// Skips a short parenthesis such as "(`C[NH]C`)".
fn parenthesis(lexemes: &[Lexeme<'_>], at: usize) -> usize {
    let is = |place: usize, mark: &str| lexemes.get(place).is_some_and(|lexeme| lexeme.mark && lexeme.text == mark);
    if is(at, "(") {
        for end in at + 1..at + 8 {
            if is(end, ")") {
                return end + 1;
            }
        }
    }
    at
}

fn decimal(lexeme: &Lexeme<'_>) -> Option<Value> {
    let text = lexeme.text.trim_start_matches(['~', '≈']);
    let plain = text.strip_prefix('-').unwrap_or(text);
    let fits = plain.len() <= 12
        && plain.starts_with(|c: char| c.is_ascii_digit())
        && plain.chars().all(|c| c.is_ascii_digit() || c == '.');
    if !fits {
        return None;
    }
    let digits = plain.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    Some(Value::Decimal(text.parse().ok()?, u32::try_from(digits).ok()?, Item::of(lexeme)))
}

pub(crate) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_formula(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase()) && Formula::parse(text).is_some()
}

/// `Cl` of `Cl3x` and the rest.
fn split_symbol(text: &str) -> Option<(&str, &str)> {
    let mut characters = text.chars();
    if !characters.next()?.is_ascii_uppercase() {
        return None;
    }
    let length = if characters.next().is_some_and(|c| c.is_ascii_lowercase()) { 2 } else { 1 };
    Some(text.split_at(length))
}

fn is_symbol(text: &str) -> bool {
    split_symbol(text).is_some_and(|(_, rest)| rest.is_empty())
}

fn is_total(text: &str) -> bool {
    split_symbol(text).is_some_and(|(_, rest)| is_digits(rest))
}

/// `C:3` or `C(:3H2=7`: text that begins with an atom, then the counts.
fn is_walk_item(text: &str) -> bool {
    let Some((chunk, counts)) = text.rsplit_once(':') else { return false };
    let (index, rest) = counts.split_at(counts.bytes().take_while(u8::is_ascii_digit).count());
    chunk.starts_with(|first: char| first == '[' || first.is_ascii_alphabetic())
        && is_digits(index)
        && (rest.is_empty()
            || rest
                .strip_prefix('H')
                .and_then(|rest| rest.split_once('='))
                .is_some_and(|(count, total)| is_digits(count) && is_digits(total)))
}

/// `O:1` or `NH:3`.
fn is_polar_item(text: &str) -> bool {
    let Some((atom, total)) = text.split_once(':') else { return false };
    is_digits(total) && is_symbol(atom.strip_suffix('H').unwrap_or(atom))
}

/// `2:C(C)`.
fn is_position(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(place, atoms)| is_digits(place) && (is_fragment_text(atoms) || is_attempt(atoms)))
}

/// A word of ordinary text or of a name: no SMILES, however broken. It has a run of letters that no SMILES has, or is
/// one word of lower-case letters, or a number.
pub(crate) fn is_prose(text: &str) -> bool {
    let lower = |c: char| c.is_ascii_lowercase();
    let mut characters = text.chars();
    let first = characters.next();
    let word = first.is_some_and(|c| c.is_ascii_alphabetic()) && characters.clone().all(lower);
    let symbol = matches!(text, "Cl" | "Br") || text.len() == 1 && first.is_some_and(|c| c.is_ascii_uppercase());
    let in_name = text
        .split(|c: char| !lower(c))
        .any(|run| run.len() >= 3 && run.bytes().any(|byte| !b"bcnopslr".contains(&byte)));
    let number = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+' | '%' | '/' | '[' | ']'));
    (word && !symbol) || in_name || number || !text.is_ascii()
}

/// A word in a place where a SMILES is announced: one, or an attempt at one.
pub(crate) fn is_attempt(text: &str) -> bool {
    if is_prose(text) {
        return false;
    }
    let carbons = text.bytes().filter(|byte| *byte == b'C').count();
    is_smiles_text(text)
        || (text.starts_with(|c: char| "CNOSPFIBcnops[".contains(c))
            && (text.contains(['(', ')', '[', ']', '=', '#', '@']) || (carbons >= 3 && text.len() >= 4)))
}

/// Only characters of SMILES, and at least one atom.
pub(crate) fn is_fragment_text(text: &str) -> bool {
    let mut atom = false;
    let mut bracket = false;
    let mut previous = ' ';
    for character in text.chars() {
        let fits = match character {
            '[' => {
                bracket = true;
                true
            }
            ']' => {
                bracket = false;
                atom = true;
                true
            }
            c if bracket => c.is_ascii_alphanumeric() || matches!(c, '@' | '+' | '-' | ':' | '*'),
            'C' | 'N' | 'O' | 'S' | 'P' | 'F' | 'I' | 'B' | 'c' | 'n' | 'o' | 's' | 'p' | 'b' => {
                atom = true;
                true
            }
            'l' => previous == 'C',
            'r' => previous == 'B',
            '0'..='9' | '(' | ')' | '=' | '#' | '-' | '/' | '\\' | '.' | '%' | ':' | '+' | '$' => true,
            _ => false,
        };
        if !fits {
            return false;
        }
        previous = character;
    }
    atom && !bracket
}

/// A SMILES, as far as characters and the first place can tell.
pub(crate) fn is_smiles_text(text: &str) -> bool {
    is_fragment_text(text) && !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '=' | '#' | '.' | ')'))
}

/// Element symbol of a symbol or name.
pub(crate) fn element_symbol(word: &str) -> Option<&'static str> {
    const NAMES: [(&str, &str); 14] = [
        ("carbon", "C"),
        ("hydrogen", "H"),
        ("nitrogen", "N"),
        ("oxygen", "O"),
        ("sulfur", "S"),
        ("sulphur", "S"),
        ("phosphorus", "P"),
        ("fluorine", "F"),
        ("chlorine", "Cl"),
        ("bromine", "Br"),
        ("iodine", "I"),
        ("boron", "B"),
        ("silicon", "Si"),
        ("selenium", "Se"),
    ];
    NAMES.iter().find(|(name, symbol)| *symbol == word || name.eq_ignore_ascii_case(word)).map(|(_, symbol)| *symbol)
}

/// `C-O` and the like (also with an en dash), as two symbols in alphabetical order around the bond sign.
pub(crate) fn bond(text: &str) -> Option<String> {
    let (left, rest) = split_symbol(text)?;
    let sign = rest.chars().next()?;
    let (right, end) = split_symbol(&rest[sign.len_utf8()..])?;
    let sign = match sign {
        '-' | '–' | '—' | '‑' => '-',
        '=' => '=',
        '#' | '≡' => '#',
        _ => return None,
    };
    let (low, high) = if left <= right { (left, right) } else { (right, left) };
    end.is_empty().then(|| format!("{low}{sign}{high}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        assert!(is_walk_item("C(=:1H3=12") && is_walk_item("Cl:2") && !is_walk_item("C1") && !is_walk_item("C:1H=3"));
        assert!(is_polar_item("OH:2") && is_polar_item("N:3") && !is_polar_item("C1"));
        assert!(is_position("1:C(O)") && !is_position("a:C"));
        for text in ["C[C@@H(O)C", "CC(=O)Xx", "CCO", "C(", "CXCC", "CCCX", "[Na+", "C1CC", "N#", "CH3(CH2)3OH", "CO"] {
            assert!(is_attempt(text), "{text}");
        }
        for text in [
            "so",
            "well",
            "Aromatic",
            "a",
            "2-propanol",
            "pH",
            "12",
            "so-called",
            "N-methylaniline",
            "(2R)-butane",
            "no",
        ] {
            assert!(!is_attempt(text), "{text}");
        }
        assert!(is_fragment_text("(=O)O") && is_fragment_text("[nH]1cc1Cl") && !is_fragment_text("CH3"));
        assert!(!is_fragment_text("[unclosed") && !is_fragment_text("123") && !is_fragment_text("Cr"));
        assert_eq!(bond("O-C").as_deref(), Some("C-O"));
        assert_eq!(bond("C–N").as_deref(), Some("C-N"));
        assert_eq!(bond("C=O").as_deref(), Some("C=O"));
        assert!(bond("C-").is_none() && bond("CO").is_none() && bond("é").is_none());
        assert_eq!(element_symbol("carbon"), Some("C"));
        assert_eq!(element_symbol("Cl"), Some("Cl"));
    }
}
