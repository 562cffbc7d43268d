//! Reading a name of the grammar.

use super::vocabulary::{COMPOUND_MULTIPLIERS, MULTIPLIERS, STEMS, SUBSTITUENTS, substituent};
use super::{Locant, Name, Parent, Skeleton, Substituent, Suffix, Unsaturation};

/// Takes a name apart. `None` when it is not in the grammar or describes no sound structure; the numbering is kept as
/// written, so `2-bromoethane-1-ol` style slips in locants are not corrected.
pub fn parse(name: &str) -> Option<Name> {
    let name = name.trim();
    let (alkyl, body) = match name.split_once(' ') {
        Some((_, "acid")) | None => (None, name),
        Some((alkyl, rest)) => (Some(substituent(alkyl)?), rest),
    };
    let mut prefixes: Vec<Prefix> = Vec::new();
    let mut rest = body;
    let tail = loop {
        if let Some(tail) = parse_tail(rest) {
            break tail;
        }
        if !prefixes.is_empty() {
            rest = rest.strip_prefix('-').unwrap_or(rest);
        }
        let (prefix, left) = parse_prefix(rest)?;
        prefixes.push(prefix);
        rest = left;
    };
    let mut result = Name {
        parent: tail.parent,
        unsaturation: tail.unsaturation,
        suffix: tail.suffix,
        suffix_locants: tail.suffix_locants,
        substituents: Vec::new(),
        ester_alkyl: alkyl,
    };
    for (locants, count, entry) in prefixes {
        // Without locants everything is on position 1, or where it can only be.
        let locants = if locants.is_empty() { vec![Locant::Position(1); count] } else { locants };
        if locants.len() != count {
            return None;
        }
        result.substituents.extend(locants.into_iter().map(|locant| (locant, entry)));
    }
    result.sort_prefixes();
    result.is_sound().then_some(result)
}

/// A prefix with its locants and how often it stands.
type Prefix = (Vec<Locant>, usize, &'static Substituent);

/// Locants, multiplier and prefix at the start of `text`.
fn parse_prefix(text: &str) -> Option<(Prefix, &str)> {
    let (locants, text) = parse_locants(text);
    let mut longest: Option<(Prefix, &str)> = None;
    for entry in SUBSTITUENTS {
        let words: &[&str] = if entry.compound { &COMPOUND_MULTIPLIERS } else { &MULTIPLIERS };
        for (index, multiplier) in words.iter().enumerate() {
            let Some(rest) = text.strip_prefix(multiplier) else { continue };
            let rest = if entry.compound {
                rest.strip_prefix('(').and_then(|rest| rest.strip_prefix(entry.name)?.strip_prefix(')'))
            } else {
                rest.strip_prefix(entry.name)
            };
            if let Some(rest) = rest
                && longest.as_ref().is_none_or(|(_, shortest)| rest.len() < shortest.len())
            {
                longest = Some(((locants.clone(), index + 1, entry), rest));
            }
        }
    }
    longest
}

/// `2,3-` or `N,2-` at the start of `text`; no locants when there are none.
fn parse_locants(text: &str) -> (Vec<Locant>, &str) {
    let end = text.bytes().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b'N')).count();
    let locants: Option<Vec<Locant>> = text[..end]
        .split(',')
        .map(|part| match part {
            "N" => Some(Locant::Nitrogen),
            number => number.parse().ok().filter(|&number| number > 0).map(Locant::Position),
        })
        .collect();
    match (locants, text[end..].strip_prefix('-')) {
        (Some(locants), Some(rest)) => (locants, rest),
        _ => (Vec::new(), text),
    }
}

struct Tail {
    parent: Parent,
    unsaturation: Option<(u8, Unsaturation)>,
    suffix: Suffix,
    suffix_locants: Vec<u8>,
}

/// Parent with multiple bond and suffix: the whole of `text`.
fn parse_tail(text: &str) -> Option<Tail> {
    let benzene = Parent { skeleton: Skeleton::Benzene, length: 6 };
    if let Some(suffix) = Suffix::ALL.into_iter().find(|suffix| suffix.on_benzene() == Some(text)) {
        return Some(Tail { parent: benzene, unsaturation: None, suffix, suffix_locants: vec![1] });
    }
    let (parent, rest) = if let Some(rest) = text.strip_prefix("benzen") {
        (benzene, rest)
    } else if let Some(rest) = text.strip_prefix("pyridin") {
        (Parent { skeleton: Skeleton::Pyridine, length: 6 }, rest)
    } else {
        let (skeleton, rest) = match text.strip_prefix("cyclo") {
            Some(rest) => (Skeleton::Ring, rest),
            None => (Skeleton::Chain, text),
        };
        let (index, stem) = STEMS.iter().enumerate().find(|(_, stem)| rest.starts_with(**stem))?;
        (Parent { skeleton, length: u8::try_from(index + 1).ok()? }, &rest[stem.len()..])
    };
    let (unsaturation, rest) = if parent.is_aromatic() { (None, rest) } else { parse_unsaturation(rest)? };
    let (suffix, suffix_locants) = parse_suffix(parent, rest)?;
    Some(Tail { parent, unsaturation, suffix, suffix_locants })
}

/// First atom and kind of a multiple bond, if there is one.
type MultipleBond = Option<(u8, Unsaturation)>;

/// `an`, `-3-en`, `en` and the like.
fn parse_unsaturation(text: &str) -> Option<(MultipleBond, &str)> {
    if let Some(rest) = text.strip_prefix("an") {
        return Some((None, rest));
    }
    let (locant, rest) = match text.strip_prefix('-') {
        None => (1, text),
        Some(rest) => {
            let (number, rest) = rest.split_once('-')?;
            (number.parse().ok()?, rest)
        }
    };
    for (word, kind) in [("en", Unsaturation::Double), ("yn", Unsaturation::Triple)] {
        if let Some(rest) = rest.strip_prefix(word) {
            return Some((Some((locant, kind)), rest));
        }
    }
    None
}

/// The suffix with its locants: the whole of `text`, which starts with the `e` of the parent where there is one.
fn parse_suffix(parent: Parent, text: &str) -> Option<(Suffix, Vec<u8>)> {
    if text == "e" {
        return Some((Suffix::None, Vec::new()));
    }
    let cyclic = parent.is_cyclic();
    let (had_e, rest) = match text.strip_prefix('e') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (locants, rest) = match rest.strip_prefix('-') {
        None => (Vec::new(), rest),
        Some(rest) => parse_locants(rest),
    };
    let mut positions: Vec<u8> = locants.iter().map(|locant| locant.position()).collect::<Option<_>>()?;
    for suffix in Suffix::ALL.into_iter().filter(|&suffix| suffix != Suffix::None) {
        for (index, multiplier) in MULTIPLIERS.iter().take(3).enumerate() {
            let Some(ending) = rest.strip_prefix(multiplier) else { continue };
            if ending != suffix.ending(cyclic) || had_e == rest.starts_with(['a', 'e', 'i', 'o', 'u']) {
                continue;
            }
            if suffix.is_terminal() && !cyclic {
                // The end of the chain is never given a number.
                if !positions.is_empty() {
                    return None;
                }
                positions = match index {
                    0 => vec![1],
                    1 => vec![1, parent.length],
                    _ => return None,
                };
            } else if positions.is_empty() && index == 0 {
                positions = vec![1];
            }
            return (positions.len() == index + 1).then_some((suffix, positions));
        }
    }
    None
}
