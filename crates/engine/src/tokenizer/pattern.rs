//! The splitting pattern: where a token may end.
//!
//! Text is cut into pieces by one regular expression; byte-pair merges happen inside a piece and never across two. The
//! pattern makes three promises:
//!
//! * **structure stays atomic**: outside brackets every SMILES atom, bond, ring digit and parenthesis is a piece of its
//!   own (`Cl` and `Br` are one atom), a bracket atom is one piece, every decimal digit is one piece;
//! * **names fall into morphemes**: `2-methylbutan-1-ol` is `2` `-` `methyl` `butan` `-` `1` `-` `ol`;
//! * **prose runs**: words with the blanks and simple punctuation between them are one piece, up to the end of the
//!   sentence, so that the sentences of a template become single tokens (superword tokens, Liu et al. 2025, "SuperBPE").
//!
//! A word belongs to prose when it holds a lower-case letter that no SMILES string has outside brackets, and when it is
//! neither a chemical name nor one of the *terms* that the caller wants to keep apart (for example names of functional
//! groups, so that `an ester and an amine` and `an ester and a ketone` share their tokens).
//!
//! The pattern uses only what Oniguruma (Python `tokenizers`) and `fancy-regex` (here) read alike: ASCII classes,
//! bounded repetition, look-ahead and one-character look-behind.

/// A bracket atom by its grammar: isotope, symbol, chirality, hydrogens, charge, map number (OpenSMILES 3.1).
const BRACKET_ATOM: &str =
    r"\[[0-9]{0,3}(?:[A-Z][a-z]?|[a-z][a-z]?|\*)(?:@{1,2})?(?:H[0-9]?)?(?:[+-]{1,3}[0-9]{0,2})?(?::[0-9]{1,4})?\]";

/// A numbered step heading with its line break: `\n2. **Reaction type**: `.
const HEADING: &str = r"\n?[1-9]\. \*\*[A-Z][A-Za-z ,-]{1,60}\*\*: ?";

/// Symbols of SMILES and formulas that are pieces of their own and start nothing longer.
const SINGLE: &str = r"[0-9=#/\\+%@)]";

/// A word: at least one lower-case letter outside `b c n o p s` (aromatic atoms) and `l r` (of Cl, Br).
const WORD: &str =
    r"(?:[A-Z]?[a-z]*[adefghijkmqtuvwxyz][a-z]*|SMILES|IUPAC|SMARTS|InChI|TPSA|A(?= ))(?![A-Za-z])";

/// Words of aromatic letters only; they join a run but never stand at its bare start, where they could be SMILES.
const JOINING: &str = r"(?:or|on|no|so|nor|loss|cross)(?=[ ,.;:])";

/// What may precede the first word of a run: always with a blank, so that it cannot be part of a SMILES string.
const LEAD: &str = r#"[.,;:!?]?[ \n]{1,2}[("'*]{0,3}"#;

/// What joins two words of a run.
const INNER: &str = r#"(?:[)"'*]{0,3},? [("'*]{0,3}|[-/'])"#;

/// What may follow the last word of a run: the end of the sentence and the blank or line break behind it.
const TRAIL: &str = r#"[)"'*]{0,3}[.,;:!?]?[)"'*]{0,3}(?: \(?|\n{1,2})?"#;

/// Two-letter elements whose second letter is no aromatic atom (so `Sn`, `Co` stay apart: they may be S-n, C-o).
const ELEMENT: &str = "Cl|Br|Na|Li|Mg|Al|Si|Se|Te|Ge|Ga|Ca|Cr|Cu|Fe|Ni|Mn|Ti|Zr|Pd|Pt|Ag|Au|Hg|Ru|Rh|Ir|Be|Ba|Sb|Bi|Tl|He|Ne|Ar|Kr|Xe";

/// Operators between blanks.
const OPERATOR: &str = " (?:=|->|>>|>=|<=|>|<|\\+|-|/) ";

/// Alkyl and chain stems, longest first.
const STEM: &str = "(?:undec|dodec|tridec|tetradec|pentadec|hexadec|heptadec|octadec|nonadec|icos|meth|eth|prop|but|pent|hex|hept|oct|non|dec)";

/// Morphemes that mark a word as a chemical name.
const STRONG: &[&str] = &[
    "hydroxy", "methoxy", "ethoxy", "propoxy", "butoxy", "phenoxy", "benzyloxy", "alkoxy", "amino", "imino", "nitroso", "nitro",
    "cyano", "fluoro", "chloro", "bromo", "iodo", "oxo", "sulfanyl", "sulfonyl", "sulfinyl", "sulfon", "sulfin", "sulfam",
    "phenyl", "benzyl", "benzo", "benz", "acetyl", "acetam", "acet", "formyl", "carbonyl", "carbald", "carboxylic acid",
    "carboxyl", "carboxy", "carbox", "carbo", "cyclo", "bicyclo", "spiro", "pyridin", "pyridine", "pyrid", "pyrrolidin",
    "pyrrol", "pyrazol", "pyrazin", "pyrimidin", "pyran", "piperidin", "piperazin", "morpholin", "imidazol", "thiazol",
    "oxazol", "triazol", "tetrazol", "oxadiazol", "thiadiazol", "indol", "indazol", "quinolin", "isoquinolin", "quinazolin",
    "furan", "thiophen", "thio", "naphthalen", "naphthal", "phenol", "anilin", "toluen", "purin", "phosph", "silyl", "aza",
    "oxa", "thia", "azo", "iso", "tert", "sec", "hydrazin", "hydro", "deca", "oxy",
];

/// Multipliers and endings: part of a name only beside another morpheme.
const WEAK: &[&str] = &[
    "tetrakis", "tetra", "tris", "tri", "bis", "di", "penta", "hexa", "oic acid", "ic acid", "ylidene", "oyl", "yl", "amine",
    "amide", "amido", "nitrile", "thiol", "hydrazide", "oate", "ate", "ite", "ol", "al", "one", "idine", "idin", "ine", "in",
    "ium", "ide", "ane", "ene", "yne", "an", "en", "yn", "form", "mono",
];

/// Escapes the characters that mean something in a regular expression.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if !character.is_ascii_alphanumeric() && character.is_ascii() && character != ' ' {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Joins alternatives, longest first (ties by text), so that leftmost-first matching takes the longest.
fn alternatives<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.sort_by(|left, right| right.len().cmp(&left.len()).then(left.cmp(right)));
    words.dedup();
    words.into_iter().map(escape).collect::<Vec<_>>().join("|")
}

/// Builds the pattern for text with SMILES and chemical names; `terms` are kept as pieces of their own (an ending `s` is
/// allowed in the text and becomes a piece too).
///
/// Every text is covered: the last alternative takes any single character.
pub fn chemistry_pattern(terms: &[String]) -> String {
    let chain = format!("{STEM}(?:an|en|yn|yl|oxy|a)");
    let strong = format!("(?:{chain}|{})", alternatives(STRONG.iter().copied()));
    let any = format!(
        "(?:{chain}|{})",
        alternatives(STRONG.iter().chain(WEAK).copied())
    );
    let name = format!("(?:{strong}{any}*|{any}{any}+)e?s?");
    let terms = alternatives(terms.iter().map(String::as_str));
    let (term, guarded) = if terms.is_empty() {
        (String::new(), name)
    } else {
        (
            format!("(?<![A-Za-z])(?:{terms})(?=s?(?![A-Za-z]))|"),
            format!("(?:(?:{terms})s?|{name})"),
        )
    };
    let word = format!("(?!{guarded}(?![A-Za-z])){WORD}");
    let run = format!(
        r"(?:(?<![A-Za-z0-9()\[\]-]){word}|{LEAD}(?:{word}|{JOINING}))(?:{INNER}(?:{word}|{JOINING})){{0,31}}{TRAIL}"
    );
    format!(
        r"{HEADING}|{SINGLE}|{BRACKET_ATOM}|{term}{run}|{any}|{ELEMENT}|[A-Z]?[a-z]*[adefghijkmqtuvwxyz][a-z]*|{OPERATOR}|[.,;:]?[ \n]|[\s\S]"
    )
}
