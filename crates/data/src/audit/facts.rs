//! What one row gives: its keys and what is counted of it.

use std::borrow::Cow;

use chemr_chem::Composition;
use chemr_tasks::{Example, Kind, Task};

use super::keys::{ComponentCache, Mixture, MixtureKeys, NO_KEY, combined, key_of};
use super::maps::centre;
use super::options::{AuditOptions, Check};
use super::table::{MapTally, Row};
use crate::anatomy::{Anatomy, Answer, Part, has_maps};

/// How the two sides of a reaction stand to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AtomFact {
    /// Elements of which the product has more atoms than all reactants together; `None` where a side has no composition.
    pub missing: Option<Vec<String>>,
    pub product_is_reactant: bool,
}

/// What one row gives.
#[derive(Clone, Debug)]
pub(super) struct Facts<'a> {
    pub question: [u64; 2],
    pub answer: [u64; 2],
    pub reaction: [u64; 2],
    pub molecule: Option<(&'a str, MixtureKeys)>,
    /// Components that cannot be read.
    pub unreadable: u32,
    /// Characters and tokens of question and answer, then a model's tokens.
    pub lengths: Vec<u32>,
    pub atoms: Option<AtomFact>,
    pub has_maps: bool,
    pub centre: Option<MapTally>,
    pub yield_components: Option<Box<[u64]>>,
    pub selection: Option<Selection>,
}

/// A question of reagent selection by its components.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    pub components: Box<[u64]>,
    pub candidates: Vec<Box<[u64]>>,
    pub best: Option<usize>,
}

/// Keys of labels.
pub(super) const YES: u64 = 2;
pub(super) const NO: u64 = 3;

/// The key of words, whatever the blanks between them.
fn words_key(text: &str) -> u64 {
    let mut parts = text.split_whitespace();
    let first = parts.next().unwrap_or_default();
    if first.len() == text.len() {
        return key_of(text);
    }
    let mut joined = first.to_owned();
    for part in parts {
        joined.push(' ');
        joined.push_str(part);
    }
    key_of(&joined)
}

/// Keys at both levels: canonical and flat.
fn pair(keys: &MixtureKeys) -> [u64; 2] {
    [keys.canonical, keys.flat]
}

/// The components of several mixtures, sorted and each once.
fn components<'a>(texts: impl IntoIterator<Item = &'a str>, cache: &ComponentCache) -> Box<[u64]> {
    let mixtures = texts.into_iter().filter_map(|text| cache.mixture(text));
    let mut keys: Vec<u64> = mixtures.flat_map(|mixture| mixture.0).map(|part| part.canonical).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into()
}

impl<'a> Facts<'a> {
    pub fn of(
        task: Option<&'static Task>,
        example: &Example,
        anatomy: &Anatomy<'a>,
        cache: &ComponentCache,
        options: &AuditOptions,
    ) -> Facts<'a> {
        let mut unreadable = 0;
        let mut read = |text: &str| -> [u64; 2] {
            let Some(mixture) = cache.mixture(text) else { return [NO_KEY; 2] };
            let keys = mixture.keys();
            unreadable += keys.unreadable;
            pair(&keys)
        };
        let parts: Vec<[u64; 2]> = anatomy.question.iter().map(|part| part_keys(part, &mut read)).collect();
        let answer = match anatomy.answer {
            Answer::Mixture(text) => read(text),
            Answer::Label(true) => [YES; 2],
            Answer::Label(false) => [NO; 2],
            Answer::Number(value) => Row::number_key(value),
            Answer::Words(text) => [words_key(text); 2],
        };
        let sides = anatomy.reaction.as_ref();
        let sides = sides.and_then(|(left, right)| Some((cache.mixture(left)?, cache.mixture(right)?)));
        let reaction = sides.as_ref().map_or([NO_KEY; 2], |(left, right)| {
            let (left, right) = (left.keys(), right.keys());
            [combined([left.canonical, right.canonical]), combined([left.flat, right.flat])]
        });
        let texts = anatomy.question_smiles();
        let has_maps = texts.iter().chain(answer_smiles(anatomy).iter()).any(|text| has_maps(text));
        let wants = |check| options.wants(check);
        let reagents = task.is_some_and(|task| matches!(task.family(), "yield" | "yield_percent"));
        Facts {
            question: [0, 1].map(|level| combined(parts.iter().map(|keys| keys[level]))),
            answer,
            reaction,
            molecule: anatomy.molecule.and_then(|text| Some((text, cache.mixture(text)?.keys()))),
            unreadable,
            lengths: if wants(Check::Length) { lengths(task, example, anatomy, options) } else { Vec::new() },
            atoms: match (&sides, &anatomy.reaction) {
                (Some(sides), Some(texts)) if wants(Check::Atoms) => Some(atoms(sides, texts)),
                _ => None,
            },
            has_maps,
            centre: (has_maps && wants(Check::Maps))
                .then(|| anatomy.reaction.as_ref().and_then(|(left, right)| centre(&format!("{left}>>{right}"))))
                .flatten(),
            yield_components: (reagents && wants(Check::Selection)).then(|| {
                let body = example.field("reaction").split_whitespace().next().unwrap_or_default();
                components(body.split('>').take(2), cache)
            }),
            selection: match &anatomy.selection {
                Some((parts, candidates)) if wants(Check::Selection) => {
                    let candidates: Vec<Box<[u64]>> =
                        candidates.iter().map(|text| components([*text], cache)).collect();
                    let best = example.reference.split(',').next().map(|text| components([text], cache));
                    let best = best.and_then(|best| candidates.iter().position(|candidate| *candidate == best));
                    Some(Selection { components: components(parts.iter().copied(), cache), candidates, best })
                }
                _ => None,
            },
        }
    }
}

fn part_keys(part: &Part, read: &mut dyn FnMut(&str) -> [u64; 2]) -> [u64; 2] {
    match part {
        Part::Mixture(text) => read(text),
        Part::Reaction(text) => {
            let body = text.split_whitespace().next().unwrap_or_default();
            let sides: Vec<[u64; 2]> = body.split('>').map(read).collect();
            [0, 1].map(|level| combined(sides.iter().map(|keys| keys[level])))
        }
        Part::Molecules(list) => {
            let keys: Vec<[u64; 2]> = list.iter().map(|text| read(text)).collect();
            [0, 1].map(|level| {
                let mut keys: Vec<u64> = keys.iter().map(|keys| keys[level]).collect();
                keys.sort_unstable();
                combined(keys)
            })
        }
        Part::Words(text) => [words_key(text); 2],
    }
}

fn answer_smiles<'a>(anatomy: &Anatomy<'a>) -> Option<&'a str> {
    match anatomy.answer {
        Answer::Mixture(text) => Some(text),
        Answer::Label(_) | Answer::Number(_) | Answer::Words(_) => None,
    }
}

fn atoms((left, right): &(Mixture, Mixture), (reactants, product): &(Cow<str>, &str)) -> AtomFact {
    let missing = Composition::of(product).and_then(|product| Some(Composition::of(reactants)?.lacks(&product)));
    let is_reactant = |keys: &u64| left.0.iter().any(|part| part.canonical == *keys);
    AtomFact { missing, product_is_reactant: right.0.iter().all(|part| is_reactant(&part.canonical)) }
}

fn lengths(task: Option<&'static Task>, example: &Example, anatomy: &Anatomy, options: &AuditOptions) -> Vec<u32> {
    let small = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let fields: usize = anatomy
        .question
        .iter()
        .map(|part| match part {
            Part::Mixture(text) | Part::Reaction(text) | Part::Words(text) => text.chars().count(),
            Part::Molecules(list) => list.iter().map(|text| text.chars().count()).sum(),
        })
        .sum();
    let tokens: usize = anatomy
        .question
        .iter()
        .map(|part| match part {
            Part::Mixture(text) | Part::Reaction(text) => smiles_tokens(text),
            Part::Molecules(list) => list.iter().map(|text| smiles_tokens(text)).sum(),
            Part::Words(text) => text.split_whitespace().count(),
        })
        .sum();
    let is_ranking = task.is_some_and(|task| task.kind() == Kind::Demand);
    let answer = match anatomy.answer {
        Answer::Mixture(text) => smiles_tokens(text),
        Answer::Words(text) if is_ranking => smiles_tokens(text),
        Answer::Words(text) => text.split_whitespace().count(),
        Answer::Label(_) | Answer::Number(_) => 1,
    };
    let mut counts = vec![small(fields), small(tokens), small(example.reference.chars().count()), small(answer)];
    if let Some(count) = options.tokens {
        let (question, answer) = count(example);
        counts.extend([small(question), small(answer)]);
    }
    counts
}

/// Tokens of a SMILES text as reaction models split it: an atom (`Cl`, `[nH]`), a bond, a bracket, a ring number (`%12`), `>>`.
pub(super) fn smiles_tokens(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut place, mut count) = (0, 0);
    while let Some(byte) = bytes.get(place) {
        let next = bytes.get(place + 1);
        place += match (byte, next) {
            (b'[', _) => {
                bytes[place..].iter().position(|byte| *byte == b']').map_or(bytes.len() - place, |end| end + 1)
            }
            (b'B', Some(b'r')) | (b'C', Some(b'l')) | (b'>', Some(b'>')) => 2,
            (b'%', _) => 3,
            _ => 1,
        };
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_of_reaction_models() {
        // Counted with the expression of Schwaller et al. 2019 in Python.
        for (text, count) in [
            ("", 0),
            ("CCO", 3),
            ("BrCCCl", 4),
            ("[nH]1cccc1", 7),
            ("C[C@@H](N)C(=O)O>>CC", 14),
            ("C%12CC%12", 5),
            ("[Na+].[Cl-]", 3),
            ("[broken", 1),
        ] {
            assert_eq!(smiles_tokens(text), count, "{text}");
        }
    }

    #[test]
    fn blanks_do_not_make_other_words() {
        assert_eq!(words_key("a  b\n"), words_key("a b"));
        assert_eq!(words_key(" a"), words_key("a"));
        assert_ne!(words_key("ab"), words_key("a b"));
    }
}
