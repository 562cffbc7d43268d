//! The Porter stemmer with nltk's extensions.
//!
//! Porter, *An algorithm for suffix stripping*, Program 1980, 14, 130, as `nltk.stem.PorterStemmer` (nltk 3.10.4) extends it by default:
//! words of at most two letters and some irregular forms stay, `ies` and `ied` of four-letter words give `ie`, `y` becomes
//! `i` after any consonant but the first letter, and `bli`, `alli`, `fulli` and `logi` have rules of their own.

/// Irregular forms.
const IRREGULAR: [(&str, &str); 16] = [
    ("sky", "sky"),
    ("skies", "sky"),
    ("dying", "die"),
    ("lying", "lie"),
    ("tying", "tie"),
    ("news", "news"),
    ("innings", "inning"),
    ("inning", "inning"),
    ("outings", "outing"),
    ("outing", "outing"),
    ("cannings", "canning"),
    ("canning", "canning"),
    ("howe", "howe"),
    ("proceed", "proceed"),
    ("exceed", "exceed"),
    ("succeed", "succeed"),
];

/// The stem of a word in lower case.
pub(super) fn stem(word: &str) -> String {
    if let Some((_, stem)) = IRREGULAR.iter().find(|(form, _)| *form == word) {
        return (*stem).to_owned();
    }
    let mut letters: Vec<char> = word.chars().collect();
    if letters.len() > 2 {
        for step in [plurals, participles, final_y, double_suffixes, adjectives, suffixes, final_e, final_l] {
            step(&mut letters);
        }
    }
    letters.into_iter().collect()
}

type Word = Vec<char>;

/// For each letter whether it is a consonant; a `y` is what the letter before it is not.
fn consonants(word: &[char]) -> impl Iterator<Item = bool> {
    word.iter().scan(false, |before, letter| {
        *before = match letter {
            'a' | 'e' | 'i' | 'o' | 'u' => false,
            'y' => !*before,
            _ => true,
        };
        Some(*before)
    })
}

fn is_consonant(word: &[char], index: usize) -> bool {
    consonants(&word[..=index]).last().unwrap_or(false)
}

/// How often a vowel is followed by a consonant.
fn measure(stem: &[char]) -> usize {
    let next = consonants(stem).skip(1);
    consonants(stem).zip(next).filter(|(this, next)| !this && *next).count()
}

fn is_measured(stem: &[char]) -> bool {
    measure(stem) > 0
}

fn is_long(stem: &[char]) -> bool {
    measure(stem) > 1
}

fn any(_: &[char]) -> bool {
    true
}

fn contains_vowel(stem: &[char]) -> bool {
    consonants(stem).any(|is| !is)
}

fn ends_double_consonant(word: &[char]) -> bool {
    matches!(word, [.., a, b] if a == b) && is_consonant(word, word.len() - 1)
}

/// Consonant, vowel, consonant that is none of `w`, `x`, `y`; or a word of a vowel and a consonant.
fn ends_in_syllable(word: &[char]) -> bool {
    match word.len() {
        0 | 1 => false,
        2 => !is_consonant(word, 0) && is_consonant(word, 1),
        n => {
            is_consonant(word, n - 3)
                && !is_consonant(word, n - 2)
                && is_consonant(word, n - 1)
                && !matches!(word[n - 1], 'w' | 'x' | 'y')
        }
    }
}

/// The word without the suffix, if it has it.
fn without<'a>(word: &'a [char], suffix: &str) -> Option<&'a [char]> {
    let length = word.len().checked_sub(suffix.chars().count())?;
    word[length..].iter().copied().eq(suffix.chars()).then(|| &word[..length])
}

type Rule = (&'static str, &'static str, fn(&[char]) -> bool);

/// The first rule whose suffix fits decides, also when its condition does not hold.
fn apply(word: &mut Word, rules: &[Rule]) {
    for (suffix, replacement, condition) in rules {
        if let Some(stem) = without(word, suffix) {
            if condition(stem) {
                replace(word, suffix, replacement);
            }
            return;
        }
    }
}

fn replace(word: &mut Word, suffix: &str, replacement: &str) {
    word.truncate(word.len() - suffix.chars().count());
    word.extend(replacement.chars());
}

/// Step 1a.
fn plurals(word: &mut Word) {
    if word.len() == 4 && without(word, "ies").is_some() {
        return replace(word, "ies", "ie");
    }
    apply(word, &[("sses", "ss", any), ("ies", "i", any), ("ss", "ss", any), ("s", "", any)]);
}

/// Step 1b.
fn participles(word: &mut Word) {
    if without(word, "ied").is_some() {
        let replacement = if word.len() == 4 { "ie" } else { "i" };
        return replace(word, "ied", replacement);
    }
    if let Some(stem) = without(word, "eed") {
        if is_measured(stem) {
            replace(word, "eed", "ee");
        }
        return;
    }
    let found = ["ed", "ing"].into_iter().find(|suffix| without(word, suffix).is_some_and(contains_vowel));
    let Some(suffix) = found else { return };
    replace(word, suffix, "");
    for (end, replacement) in [("at", "ate"), ("bl", "ble"), ("iz", "ize")] {
        if without(word, end).is_some() {
            return replace(word, end, replacement);
        }
    }
    if ends_double_consonant(word) {
        if !matches!(word.last(), Some('l' | 's' | 'z')) {
            word.pop();
        }
    } else if measure(word) == 1 && ends_in_syllable(word) {
        word.push('e');
    }
}

/// Step 1c.
fn final_y(word: &mut Word) {
    apply(word, &[("y", "i", |stem| stem.len() > 1 && is_consonant(stem, stem.len() - 1))]);
}

/// Step 2.
fn double_suffixes(word: &mut Word) {
    if without(word, "alli").is_some_and(is_measured) {
        replace(word, "alli", "al");
        return double_suffixes(word);
    }
    const RULES: [Rule; 21] = [
        ("ational", "ate", is_measured),
        ("tional", "tion", is_measured),
        ("enci", "ence", is_measured),
        ("anci", "ance", is_measured),
        ("izer", "ize", is_measured),
        ("bli", "ble", is_measured),
        ("alli", "al", is_measured),
        ("entli", "ent", is_measured),
        ("eli", "e", is_measured),
        ("ousli", "ous", is_measured),
        ("ization", "ize", is_measured),
        ("ation", "ate", is_measured),
        ("ator", "ate", is_measured),
        ("alism", "al", is_measured),
        ("iveness", "ive", is_measured),
        ("fulness", "ful", is_measured),
        ("ousness", "ous", is_measured),
        ("aliti", "al", is_measured),
        ("iviti", "ive", is_measured),
        ("biliti", "ble", is_measured),
        ("fulli", "ful", is_measured),
    ];
    if !RULES.iter().any(|(suffix, _, _)| without(word, suffix).is_some()) {
        // The `l` of `logi` counts to the stem, so that `geo` and `theo` are treated as `archaeo` is.
        if without(word, "logi").is_some() && is_measured(&word[..word.len() - 3]) {
            replace(word, "logi", "log");
        }
        return;
    }
    apply(word, &RULES);
}

/// Step 3.
fn adjectives(word: &mut Word) {
    apply(
        word,
        &[
            ("icate", "ic", is_measured),
            ("ative", "", is_measured),
            ("alize", "al", is_measured),
            ("iciti", "ic", is_measured),
            ("ical", "ic", is_measured),
            ("ful", "", is_measured),
            ("ness", "", is_measured),
        ],
    );
}

/// Step 4.
fn suffixes(word: &mut Word) {
    apply(
        word,
        &[
            ("al", "", is_long),
            ("ance", "", is_long),
            ("ence", "", is_long),
            ("er", "", is_long),
            ("ic", "", is_long),
            ("able", "", is_long),
            ("ible", "", is_long),
            ("ant", "", is_long),
            ("ement", "", is_long),
            ("ment", "", is_long),
            ("ent", "", is_long),
            ("ion", "", |stem| is_long(stem) && matches!(stem.last(), Some('s' | 't'))),
            ("ou", "", is_long),
            ("ism", "", is_long),
            ("ate", "", is_long),
            ("iti", "", is_long),
            ("ous", "", is_long),
            ("ive", "", is_long),
            ("ize", "", is_long),
        ],
    );
}

/// Step 5a.
fn final_e(word: &mut Word) {
    if without(word, "e").is_some_and(|stem| is_long(stem) || (measure(stem) == 1 && !ends_in_syllable(stem))) {
        word.pop();
    }
}

/// Step 5b.
fn final_l(word: &mut Word) {
    if without(word, "ll").is_some() && is_long(&word[..word.len() - 1]) {
        word.pop();
    }
}
