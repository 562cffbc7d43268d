//! Molecules with given numbers of functional groups, put together from pieces along a chain.
//!
//! A question lists groups with counts; any molecule with exactly these counts is right (TOMG-Bench MolCustom). Both the
//! question and the reference molecule decide the split, because there are only so many questions.

use std::sync::LazyLock;

use chemr_chem::{Mol, groups};
use chemr_tasks::{Example, Split};

use super::{ATTEMPTS, Draw, finish, molecule};
use crate::error::DataError;
use crate::rng::Rng;
use crate::sketch::heavy_atoms;
use crate::split::split_of;

/// A group of the vocabulary with the texts that write it.
struct Word {
    id: &'static str,
    level: u8,
    /// Text that starts the molecule and goes on from its last atom.
    start: Option<&'static str>,
    /// Text between two links.
    middle: Option<&'static str>,
    /// Text that ends the molecule.
    end: Option<&'static str>,
}

const fn word(
    id: &'static str,
    level: u8,
    start: Option<&'static str>,
    middle: Option<&'static str>,
    end: Option<&'static str>,
) -> Word {
    Word { id, level, start, middle, end }
}

/// The vocabulary. Level 2 adds larger groups, level 3 rings with heteroatoms.
const WORDS: &[Word] = &[
    word("alcohol", 1, None, Some("C(O)"), Some("CO")),
    word("ketone", 1, None, Some("C(=O)"), None),
    word("aldehyde", 1, Some("O=C"), None, Some("C=O")),
    word("carboxylic_acid", 1, Some("OC(=O)"), None, Some("C(=O)O")),
    word("ester", 1, None, Some("C(=O)O"), None),
    word("amide", 1, Some("NC(=O)"), Some("C(=O)N"), Some("C(=O)N")),
    word("nitrile", 1, Some("N#C"), Some("C(C#N)"), Some("C#N")),
    word("ether", 1, None, Some("O"), None),
    word("primary_amine", 1, None, Some("C(N)"), Some("CN")),
    word("secondary_amine", 1, None, Some("N"), None),
    word("tertiary_amine", 1, None, Some("N(C)"), None),
    word("alkyl_halide", 1, None, Some("C(Cl)"), Some("CBr")),
    word("alkene", 1, None, Some("C=C"), Some("C=C")),
    word("alkyne", 1, None, Some("C#C"), Some("C#C")),
    word("thiol", 1, None, Some("C(S)"), Some("CS")),
    word("thioether", 1, None, Some("S"), None),
    word("nitro", 1, None, Some("C([N+](=O)[O-])"), Some("C[N+](=O)[O-]")),
    word("benzene_ring", 1, None, Some("c1ccc(cc1)"), Some("c1ccccc1")),
    word("sulfone", 2, None, Some("S(=O)(=O)"), None),
    word("sulfoxide", 2, None, Some("S(=O)"), None),
    word("sulfonamide", 2, None, Some("S(=O)(=O)N"), Some("S(=O)(=O)N")),
    word("trifluoromethyl", 2, Some("FC(F)(F)"), None, Some("C(F)(F)F")),
    word("epoxide", 2, None, None, Some("C1CO1")),
    word("azide", 2, None, None, Some("CN=[N+]=[N-]")),
    word("carbamate", 2, None, Some("NC(=O)O"), None),
    word("urea", 2, None, Some("NC(=O)N"), None),
    word("phenol", 2, Some("Oc1ccc(cc1)"), None, Some("c1ccc(cc1)O")),
    word("aryl_halide", 2, Some("Clc1ccc(cc1)"), None, Some("c1ccc(cc1)Br")),
    word("pyridine", 3, None, Some("c1ccc(nc1)"), Some("c1cccnc1")),
    word("thiophene", 3, None, Some("c1ccc(s1)"), Some("c1cccs1")),
    word("furan", 3, None, Some("c1ccc(o1)"), Some("c1ccco1")),
    word("boronic_acid", 3, None, None, Some("B(O)O")),
    word("anhydride", 4, None, Some("C(=O)OC(=O)"), None),
    word("carbonate", 4, None, Some("OC(=O)O"), None),
    word("thioester", 4, None, Some("C(=O)S"), None),
    word("disulfide", 4, None, Some("SS"), None),
    word("pyrimidine", 4, None, Some("c1cnc(nc1)"), Some("c1cncnc1")),
    word("thiazole", 4, None, Some("c1cnc(s1)"), Some("c1cncs1")),
    word("oxime", 5, None, Some("C(=NO)"), None),
    word("sulfonic_acid", 5, None, None, Some("S(=O)(=O)O")),
    word("acyl_halide", 5, None, None, Some("C(=O)Cl")),
    word("cyclopropane", 5, None, None, Some("C1CC1")),
];

/// Rings that come with a group and need not be asked for.
const IMPLIED: &[(&str, &str)] = &[("phenol", "benzene_ring"), ("aryl_halide", "benzene_ring")];

/// What a level asks for: largest number of different groups, largest total count, most heavy atoms.
fn limits(level: u8) -> (usize, usize, usize) {
    match level {
        0 | 1 => (3, 3, 14),
        2 => (3, 4, 20),
        3 => (4, 5, 28),
        4 => (4, 5, 32),
        _ => (5, 6, 38),
    }
}

/// A question: indices into [`WORDS`] with counts, by index.
type Question = Vec<(usize, usize)>;

/// All questions of a level up to 3, by split.
fn questions(level: u8, split: Split) -> &'static [Question] {
    static TABLE: LazyLock<[[Vec<Question>; 3]; 3]> = LazyLock::new(|| [1u8, 2, 3].map(tabulate));
    let split = match split {
        Split::Train => 0,
        Split::Valid => 1,
        Split::Test => 2,
    };
    &TABLE[usize::from(level.clamp(1, 3)) - 1][split]
}

fn tabulate(level: u8) -> [Vec<Question>; 3] {
    let (different, total, _) = limits(level);
    let fewest = if level == 1 { 1 } else { 2 };
    let mut table: [Vec<Question>; 3] = Default::default();
    let mut open: Vec<Question> = vec![Vec::new()];
    while let Some(question) = open.pop() {
        let next = question.last().map_or(0, |&(index, _)| index + 1);
        let used: usize = question.iter().map(|&(_, count)| count).sum();
        if question.len() < different {
            for (index, word) in WORDS.iter().enumerate().skip(next) {
                let known = word.level <= level && groups().get(word.id).is_some();
                for count in 1..=(total - used).min(most(word)) {
                    if known {
                        let mut longer = question.clone();
                        longer.push((index, count));
                        open.push(longer);
                    }
                }
            }
        }
        if question.len() >= fewest {
            let place = match split_of(&key(&question)) {
                Split::Train => 0,
                Split::Valid => 1,
                Split::Test => 2,
            };
            table[place].push(question);
        }
    }
    table
}

/// How often a group fits into one chain.
fn most(word: &Word) -> usize {
    if word.middle.is_some() { 3 } else { usize::from(word.start.is_some()) + usize::from(word.end.is_some()) }
}

/// What the split of a question is computed from.
fn key(question: &Question) -> String {
    let parts: Vec<String> = question.iter().map(|&(index, count)| format!("{count} {}", WORDS[index].id)).collect();
    parts.join(", ")
}

/// One piece of an assembly: the id of its group, or `None` for a link.
type Piece = (Option<&'static str>, &'static str);

/// The groups of a question one by one, in the order of the chain.
///
/// At levels 1 and 2 the order follows from the request: the first group that can only end a chain leads it, turned
/// round, the others come as they were asked for, and a second such group closes. A reader of the question can then
/// tick the groups off. At level 3 the order is drawn.
fn chain_order(rng: &mut Rng, listed: &Question, level: u8) -> Option<Vec<&'static Word>> {
    let mut order: Vec<&Word> = Vec::new();
    for &(index, count) in listed {
        order.extend(std::iter::repeat_n(WORDS.get(index)?, count));
    }
    if level >= 3 {
        rng.shuffle(&mut order);
    }
    let (inner, mut ends): (Vec<&Word>, Vec<&Word>) = order.into_iter().partition(|word| word.middle.is_some());
    if ends.len() > 2 {
        return None;
    }
    let first = ends.iter().position(|word| word.start.is_some()).map(|place| ends.remove(place));
    if ends.len() > 1 {
        return None;
    }
    Some(first.into_iter().chain(inner).chain(ends).collect())
}

/// Puts the groups of a question into a chain, with links of one to three carbons between them.
fn assemble(rng: &mut Rng, listed: &Question, level: u8) -> Option<Vec<Piece>> {
    let order = chain_order(rng, listed, level)?;
    let last = order.len().checked_sub(1)?;
    let mut pieces: Vec<Piece> = Vec::new();
    for (place, word) in order.iter().enumerate() {
        let only_ends = word.middle.is_none();
        // A group that can only end a chain leads it where it can be turned round.
        let leads = place == 0 && word.start.is_some() && (only_ends || (level >= 3 && rng.chance(1, 3)));
        let ends = place == last && !leads && word.end.is_some() && (only_ends || rng.chance(1, 2));
        if leads {
            pieces.push((Some(word.id), word.start?));
        } else {
            let text = if ends { word.end? } else { word.middle? };
            pieces.push((None, link(rng, pieces.last().map(|(_, before)| *before), Some(text))));
            pieces.push((Some(word.id), text));
        }
        if place == last && !ends {
            pieces.push((None, link(rng, pieces.last().map(|(_, before)| *before), None)));
        }
    }
    Some(pieces)
}

/// A chain of carbons between two pieces (`None`: the end of the molecule). Between two groups it has at least two
/// carbons wherever one would make a new group, such as an acetal.
fn link(rng: &mut Rng, before: Option<&str>, after: Option<&str>) -> &'static str {
    let weights: [u32; 3] = match (before, after) {
        (None, _) | (_, None) => [5, 3, 2],
        (Some(_), Some(_)) => [0, 5, 2],
    };
    ["C", "CC", "CCC"][rng.weighted(&weights)]
}

/// True when the molecule has the groups of the question and, of the vocabulary, no others.
fn is_right(mol: &Mol, question: &Question) -> bool {
    let counts = groups().counts(mol);
    WORDS.iter().enumerate().all(|(index, word)| {
        let found = counts.get(word.id).copied().unwrap_or(0);
        let asked = question.iter().find(|(asked, _)| *asked == index).map(|&(_, count)| count);
        let brought = IMPLIED
            .iter()
            .any(|(id, ring)| *ring == word.id && question.iter().any(|&(asked, _)| WORDS[asked].id == *id));
        match asked {
            Some(count) => found == count,
            None => found == 0 || brought,
        }
    })
}

/// A question of any level. From level 4 on there are too many for a table.
fn question(rng: &mut Rng, level: u8, split: Split) -> Option<Question> {
    if level <= 3 { pick_question(rng, questions(level, split)).cloned() } else { draw_question(rng, level, split) }
}

/// A question of level 4 or 5: three or more different groups of the whole vocabulary of the level.
fn draw_question(rng: &mut Rng, level: u8, split: Split) -> Option<Question> {
    let (different, total, _) = limits(level);
    let known: Vec<usize> = (0..WORDS.len())
        .filter(|&index| WORDS[index].level <= level && groups().get(WORDS[index].id).is_some())
        .collect();
    // One in twenty belongs to a held-out split.
    for _ in 0..400 {
        let wanted = rng.range(3, different);
        let mut question = Question::new();
        let mut used = 0;
        while question.len() < wanted && used < total {
            let &index = rng.pick(&known)?;
            let count = 1 + rng.weighted(&[6, 2, 1]);
            if count <= most(&WORDS[index])
                && used + count <= total
                && question.iter().all(|&(other, _)| other != index)
            {
                question.push((index, count));
                used += count;
            }
        }
        question.sort_unstable();
        let ends = question
            .iter()
            .filter(|&&(index, _)| WORDS[index].middle.is_none())
            .map(|&(_, count)| count)
            .sum::<usize>();
        if ends <= 2 && split_of(&key(&question)) == split {
            return Some(question);
        }
    }
    None
}

/// Weight of a question by its number of different groups: single ones are few and easy.
fn pick_question(rng: &mut Rng, questions: &'static [Question]) -> Option<&'static Question> {
    let wanted = 1 + rng.weighted(&[2, 5, 4, 3]);
    for _ in 0..32 {
        let question = rng.pick(questions)?;
        if question.len() == wanted {
            return Some(question);
        }
    }
    rng.pick(questions)
}

pub(super) fn example(draw: Draw<'_>) -> Result<Option<Example>, DataError> {
    const TRIES_PER_QUESTION: u32 = 200;
    let (_, _, largest) = limits(draw.level);
    for _ in 0..ATTEMPTS / TRIES_PER_QUESTION {
        let Some(question) = question(draw.rng, draw.level, draw.split) else { return Ok(None) };
        let mut listed = question.clone();
        draw.rng.shuffle(&mut listed);
        for _ in 0..TRIES_PER_QUESTION {
            let Some(pieces) = assemble(draw.rng, &listed, draw.level) else { break };
            let text: String = pieces.iter().map(|(_, text)| *text).collect();
            if heavy_atoms(&text) > largest {
                continue;
            }
            let mol = molecule("assembled molecule", &text)?;
            if !draw.wants(mol.canonical()) {
                continue;
            }
            if !is_right(&mol, &question) {
                continue;
            }
            if draw.level == 1 {
                // Level 1 asks for the groups in the order in which they stand in the reference.
                let place = |index: usize| pieces.iter().position(|(id, _)| *id == Some(WORDS[index].id));
                listed.sort_by_key(|&(index, _)| place(index));
            }
            return Ok(Some(describe(&draw, &listed, &pieces, text, &mol)));
        }
    }
    Ok(None)
}

fn name_of(id: &str) -> &str {
    groups().get(id).map_or(id, |group| group.name.as_str())
}

fn describe(draw: &Draw<'_>, listed: &Question, pieces: &[Piece], text: String, mol: &Mol) -> Example {
    let join = |separator: &str, write: &dyn Fn(&str, usize) -> String| {
        listed.iter().map(|&(index, count)| write(WORDS[index].id, count)).collect::<Vec<_>>().join(separator)
    };
    let asked = join(", ", &|id, count| format!("{count} {}", name_of(id)));
    let pieces: Vec<String> =
        pieces.iter().map(|(id, text)| format!("{}={text}", id.map_or("link", name_of))).collect();
    let meta = [
        ("key", mol.canonical().to_string()),
        ("groups", join(";", &|id, count| format!("{}:{count}", name_of(id)))),
        ("group_ids", join(";", &|id, count| format!("{id}:{count}"))),
        ("pieces", pieces.join(";")),
        ("aligned_answer", text),
    ];
    finish("tomg.functional_group", draw, ("groups", asked), mol.canonical().to_string(), meta)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vocabulary_is_in_the_registry() {
        for word in WORDS {
            assert!(groups().get(word.id).is_some(), "{}", word.id);
            assert!(most(word) > 0, "{}", word.id);
            assert!(!name_of(word.id).contains([';', '=', ',', ':']), "{}", word.id);
        }
    }

    #[test]
    fn every_text_writes_its_group_once() {
        for (index, word) in WORDS.iter().enumerate() {
            let texts = [
                word.start.map(|text| format!("{text}CC")),
                word.middle.map(|text| format!("CC{text}CC")),
                word.end.map(|text| format!("CC{text}")),
            ];
            for text in texts.into_iter().flatten() {
                let mol = Mol::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
                assert!(is_right(&mol, &vec![(index, 1)]), "{} {text} {:?}", word.id, groups().counts(&mol));
            }
        }
    }

    #[test]
    fn the_chain_follows_the_request() {
        let place = |id: &str| WORDS.iter().position(|word| word.id == id).unwrap();
        let mut rng = Rng::new(1);
        let mut ids = |listed: &[(&str, usize)]| {
            let listed: Question = listed.iter().map(|&(id, count)| (place(id), count)).collect();
            let pieces = assemble(&mut rng, &listed, 1).unwrap();
            pieces.into_iter().filter_map(|(id, _)| id).collect::<Vec<_>>()
        };
        assert_eq!(ids(&[("ether", 1), ("alcohol", 2)]), ["ether", "alcohol", "alcohol"]);
        assert_eq!(ids(&[("ketone", 1), ("aldehyde", 2)]), ["aldehyde", "ketone", "aldehyde"]);
        assert_eq!(
            ids(&[("carboxylic_acid", 1), ("ester", 1), ("aldehyde", 1)]),
            ["carboxylic_acid", "ester", "aldehyde"]
        );
        let listed = vec![(place("aldehyde"), 2), (place("carboxylic_acid"), 1)];
        assert!(assemble(&mut rng, &listed, 1).is_none());
    }

    #[test]
    fn questions_fill_all_splits() {
        for level in 1..=3 {
            let sizes = [Split::Train, Split::Valid, Split::Test].map(|split| questions(level, split).len());
            assert!(sizes[0] > 900 && sizes[1] > 40 && sizes[2] > 40, "level {level}: {sizes:?}");
        }
    }
}
