//! The splitting pattern: where a token may end.
//!
//! Text is cut into pieces by one regular expression; byte-pair merges happen inside a piece and never across two. The
//! pattern makes three promises:
//!
//! * **structure stays atomic**: outside brackets every SMILES atom, bond, ring digit and parenthesis is a piece of its
//!   own (`Cl` and `Br` are one atom), a bracket atom is one piece, every decimal digit is one piece;
//! * **names fall into morphemes**: `2-methylbutan-1-ol` is `2` `-` `methyl` `butan` `-` `1` `-` `ol`;
//! * **prose runs**: words with the blanks and simple punctuation between them are one piece, up to the end of the
//!   sentence, so that the sentences of a template become single tokens (superword tokens; Liu et al. 2025, "SuperBPE").
//!
//! A word belongs to prose when it holds a lower-case letter that no SMILES string has outside brackets, and when it is
//! neither a chemical name nor one of the *terms* that the caller wants to keep apart (for example names of functional
//! groups, so that `an ester and an amine` and `an ester and a ketone` share their tokens).
//!
//! The pattern uses only what Oniguruma (Python `tokenizers`) and `fancy-regex` (here) read alike: ASCII classes,
//! bounded repetition, look-ahead and one-character look-behind. `scan` is the same by hand, and fast; a change
//! here needs the same change there (a test compares the two).

/// A bracket atom by its grammar: isotope, symbol, chirality, hydrogens, charge, map number (OpenSMILES, section 3.1).
const BRACKET_ATOM: &str = concat!(
    r"\[[0-9]{0,3}(?:[A-Z][a-z]?|[a-z][a-z]?|\*)(?:@{1,2})?(?:H[0-9]?)?",
    r"(?:[+-]{1,3}[0-9]{0,2})?(?::[0-9]{1,4})?\]"
);

/// A numbered step heading with its line break: `\n2. **Reaction type**: `.
const HEADING: &str = r"\n?[1-9]\. \*\*[A-Z][A-Za-z ,-]{1,60}\*\*: ?";

/// Symbols of SMILES and formulas that are pieces of their own and start nothing longer.
const SINGLE: &str = r"[0-9=#/\\+%@)]";

/// Lower-case letters that make a word prose: all but `b c n o p s` (aromatic atoms) and `l r` (of Cl, Br).
pub(super) const PROSE_LETTERS: &str = "adefghijkmqtuvwxyz";

/// Capitalised words that count as prose.
pub(super) const ACRONYMS: &str = "SMILES|IUPAC|SMARTS|InChI|TPSA|MUST";

/// Words of SMILES letters that count as prose when a blank follows.
pub(super) const OPENING_WORDS: &str = "A|Is|No|Or|On|So";

/// Words of aromatic letters only; they join a run but never stand at its bare start, where they could be SMILES.
pub(super) const JOINING: &str = "or|on|no|so|nor|loss|cross";

/// What may precede the first word of a run: always with a blank, so that it cannot be part of a SMILES string.
const LEAD: &str = r#"[.,;:!?]?[ \n]{1,2}[("'*]{0,3}"#;

/// What joins two words of a run.
const INNER: &str = r#"(?:[)"'*]{0,3},? [("'*]{0,3}|[-/'])"#;

/// Most words that a run adds to its first; a bound keeps matching fast on long prose.
pub(super) const MORE_WORDS: usize = 31;

/// What may follow the last word of a run: the end of the sentence and the blank or line break behind it.
const TRAIL: &str = r#"[)"'*]{0,3}[.,;:!?]?[)"'*]{0,3}(?: \(?|\n{1,2})?"#;

/// Two-letter elements whose second letter is no aromatic atom (so `Sn`, `Co` stay apart: they may be S-n, C-o).
pub(super) const ELEMENTS: &str = concat!(
    "Cl|Br|Na|Li|Mg|Al|Si|Se|Te|Ge|Ga|Ca|Cr|Cu|Fe|Ni|Mn|Ti|Zr|Pd|Pt|Ag|Au|Hg|Ru|Rh|Ir|Be|Ba|Sb|Bi|Tl|",
    "He|Ne|Ar|Kr|Xe"
);

/// Operators between blanks.
pub(super) const OPERATORS: &str = "=|->|>>|>=|<=|>|<|+|-|/";

/// Stems of chains; a chain morpheme is a stem with one of [`CHAIN_ENDINGS`], and the first pair in order counts.
const STEMS: &str = concat!(
    "undec|dodec|tridec|tetradec|pentadec|hexadec|heptadec|octadec|nonadec|icos|",
    "meth|eth|prop|but|pent|hex|hept|oct|non|dec"
);
const CHAIN_ENDINGS: &str = "an|en|yn|yl|oxy|a";

/// Morphemes that mark a word as a chemical name. Each holds a prose letter, so that none can be part of a SMILES string.
const STRONG: &str = concat!(
    "hydroxy|methoxy|ethoxy|propoxy|butoxy|phenoxy|benzyloxy|alkoxy|oxy|amino|imino|nitroso|nitro|cyano|fluoro|chloro|",
    "bromo|iodo|oxo|sulfanyl|sulfonyl|sulfinyl|sulfon|sulfin|sulfam|phenyl|benzyl|benzo|benz|acetyl|acetam|acet|formyl|",
    "carbonyl|carbald|carboxylic acid|carboxyl|carboxy|carbox|carbam|cyclo|bicyclo|spiro|pyridine|pyridin|pyrid|",
    "pyrrolidin|pyrrol|pyrazol|pyrazin|pyrimidin|pyran|piperidin|piperazin|morpholin|imidazol|thiazol|oxazol|triazol|",
    "tetrazol|oxadiazol|thiadiazol|indol|indazol|quinolin|isoquinolin|quinazolin|furan|thiophen|thio|naphthalen|",
    "naphthal|phenol|anilin|toluen|purin|phosph|silyl|aza|oxa|thia|azo|iso|tert|sec|hydrazin|hydro|deca"
);

/// Multipliers and endings: part of a name only beside another morpheme.
const WEAK: &str = concat!(
    "tetrakis|tetra|tris|tri|bis|di|penta|hexa|mono|oic acid|ic acid|ylidene|oyl|yl|amine|amide|amido|nitrile|thiol|",
    "hydrazide|oate|ate|ite|ol|al|one|idine|idin|ine|in|ium|ide|ane|ene|yne|an|en|yn|form"
);

const TERMS_START: &str = "(?<![A-Za-z])(?:";
const TERMS_END: &str = ")(?=s?(?![A-Za-z]))|";

/// Builds the pattern for text with SMILES and chemical names; `terms` are kept as pieces of their own (an ending `s` is
/// allowed in the text and becomes a piece too).
///
/// Every text is covered: the last alternative takes any single character.
pub fn chemistry_pattern(terms: &[String]) -> String {
    let chain = format!("(?:{STEMS})(?:{CHAIN_ENDINGS})");
    let strong = format!("(?:{chain}|{})", alternatives(STRONG.split('|')));
    let any = format!("(?:{chain}|{})", alternatives(STRONG.split('|').chain(WEAK.split('|'))));
    let name = format!("(?:{strong}{any}*|{any}{any}+)e?s?");
    let terms = alternatives(terms.iter().map(String::as_str));
    let (term, guarded) = if terms.is_empty() {
        (String::new(), name)
    } else {
        (format!("{TERMS_START}{terms}{TERMS_END}"), format!("(?:(?:{terms})s?|{name})"))
    };
    let word = format!(
        "(?!{guarded}(?![A-Za-z]))(?:[A-Z]?[a-z]*[{PROSE_LETTERS}][a-z]*|{ACRONYMS}|(?:{OPENING_WORDS})(?= ))(?:'[st])?(?![A-Za-z])"
    );
    let joining = format!("(?:{JOINING})(?=[ ,.;:])");
    let first = format!(r"(?<![A-Za-z0-9()\[\]-]){word}|{LEAD}(?:{word}|{joining})");
    let run = format!("(?:{first})(?:{INNER}(?:{word}|{joining})){{0,{MORE_WORDS}}}{TRAIL}");
    let operators: Vec<String> = OPERATORS.split('|').map(escape).collect();
    format!(
        r"{HEADING}|{SINGLE}|{BRACKET_ATOM}|{term}{run}|{any}|{ELEMENTS}|[A-Z]?[a-z]*[{PROSE_LETTERS}][a-z]*| (?:{}) |[.,;:]?[ \n]|[\s\S]",
        operators.join("|")
    )
}

/// The terms of a pattern that [`chemistry_pattern`] built; `None` for any other pattern.
pub(super) fn terms_of(pattern: &str) -> Option<Vec<String>> {
    let terms: Vec<String> = match pattern.split_once(TERMS_START) {
        Some((_, rest)) => split_alternatives(rest.split_once(TERMS_END)?.0),
        None => Vec::new(),
    };
    (chemistry_pattern(&terms) == pattern).then_some(terms)
}

/// All morphemes in the order in which the pattern tries them.
pub(super) fn morphemes() -> Vec<String> {
    let mut list = chains();
    list.extend(longest_first(STRONG.split('|').chain(WEAK.split('|'))).map(str::to_owned));
    list
}

/// The morphemes that may start a name.
pub(super) fn strong_morphemes() -> Vec<String> {
    let mut list = chains();
    list.extend(STRONG.split('|').map(str::to_owned));
    list
}

fn chains() -> Vec<String> {
    let endings = |stem| CHAIN_ENDINGS.split('|').map(move |ending| format!("{stem}{ending}"));
    STEMS.split('|').flat_map(endings).collect()
}

/// The terms in the order in which the pattern tries them.
pub(super) fn ordered_terms(terms: &[String]) -> Vec<String> {
    longest_first(terms.iter().map(String::as_str)).map(str::to_owned).collect()
}

/// Longest first, ties by text: leftmost-first matching then takes the longest.
fn longest_first<'a>(words: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    let mut words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.sort_by(|left, right| right.len().cmp(&left.len()).then(left.cmp(right)));
    words.dedup();
    words.into_iter()
}

fn alternatives<'a>(words: impl Iterator<Item = &'a str>) -> String {
    longest_first(words).map(escape).collect::<Vec<_>>().join("|")
}

/// Undoes [`alternatives`].
fn split_alternatives(pattern: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        let literal = match character {
            '|' => {
                words.push(String::new());
                continue;
            }
            '\\' => characters.next(),
            other => Some(other),
        };
        if let Some(word) = words.last_mut() {
            word.extend(literal);
        }
    }
    words
}

/// Escapes the characters that mean something in a regular expression, and no other: `\\<` would be a word start.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if r"\.+*?()|[]{}^$".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
