//! Random names.

use super::{Locant, Name, Parent, SUBSTITUENTS, Shape, Skeleton, Substituent, Suffix, Unsaturation};
use crate::rng::Rng;

/// Bounds of a level: heavy atoms and chain length.
struct Bounds {
    heavy: usize,
    chain: u8,
    prefixes: usize,
}

fn bounds(level: u8) -> Bounds {
    match level {
        0 | 1 => Bounds { heavy: 9, chain: 8, prefixes: 3 },
        2 => Bounds { heavy: 14, chain: 10, prefixes: 3 },
        _ => Bounds { heavy: 20, chain: 10, prefixes: 4 },
    }
}

/// Draws a sound name of a level (1 to 3): a numbering by lowest locants, prefixes in alphabetical order.
///
/// `None` when the draw is not sound; draw again. About a third to a half of the draws succeed.
pub fn draw(rng: &mut Rng, level: u8) -> Option<Name> {
    let bounds = bounds(level);
    let parent = draw_parent(rng, level, bounds.chain);
    let suffix = draw_suffix(rng, level, parent);
    let suffix_locants = draw_suffix_locants(rng, level, parent, suffix)?;
    let unsaturation = draw_unsaturation(rng, level, parent);
    let alkyls = || SUBSTITUENTS.iter().filter(|entry| matches!(entry.shape, Shape::Alkyl(1..=3))).collect::<Vec<_>>();
    let ester_alkyl = if suffix == Suffix::Ester { rng.pick(&alkyls()).copied() } else { None };
    let bare = Name { parent, unsaturation, suffix, suffix_locants, substituents: Vec::new(), ester_alkyl };
    let count = rng.weighted(&[1, 5, 9, 8, 3]).min(bounds.prefixes);
    // Several tries at the same number of prefixes, or the bare names, which never fail, would take the larger part.
    for _ in 0..6 {
        let mut name = bare.clone();
        place_prefixes(rng, level, count, &mut name)?;
        let fits = (3..=bounds.heavy).contains(&name.heavy_atoms());
        if fits && is_known_kind(&name) && name.is_sound() {
            return Some(name.renumbered());
        }
    }
    None
}

fn place_prefixes(rng: &mut Rng, level: u8, count: usize, name: &mut Name) -> Option<()> {
    while name.substituents.len() < count {
        let (locant, entry) = draw_prefix(rng, level, name)?;
        name.substituents.push((locant, entry));
        // The same prefix again makes the names with di and tri, which independent draws would rarely give.
        if name.substituents.len() < count && rng.chance(1, 5) {
            let position = u8::try_from(rng.range(1, usize::from(name.parent.length))).ok()?;
            name.substituents.push((Locant::Position(position), entry));
        }
    }
    name.sort_prefixes();
    Some(())
}

/// No amino aldehydes, which would condense with themselves, and no hydrogen cyanide.
fn is_known_kind(name: &Name) -> bool {
    let condenses = name.suffix == Suffix::Aldehyde
        && !name.parent.is_aromatic()
        && name.substituents.iter().any(|(_, entry)| entry.name.ends_with("amino"));
    let cyanide = name.parent.skeleton == Skeleton::Chain && name.parent.length == 1 && name.suffix == Suffix::Nitrile;
    !condenses && !cyanide
}

fn draw_parent(rng: &mut Rng, level: u8, longest: u8) -> Parent {
    let rings: [u32; 4] = match level {
        0 | 1 => [1, 0, 0, 0],
        2 => [6, 2, 3, 0],
        _ => [6, 2, 3, 1],
    };
    let chain = |rng: &mut Rng| {
        let weights = [1u32, 1, 3, 7, 10, 11, 10, 7, 4, 4];
        u8::try_from(rng.weighted(&weights[..usize::from(longest).min(10)]) + 1).unwrap_or(1)
    };
    match rng.weighted(&rings) {
        0 => Parent { skeleton: Skeleton::Chain, length: chain(rng) },
        1 => Parent { skeleton: Skeleton::Ring, length: u8::try_from(rng.weighted(&[1, 1, 4, 6, 1]) + 3).unwrap_or(6) },
        2 => Parent { skeleton: Skeleton::Benzene, length: 6 },
        _ => Parent { skeleton: Skeleton::Pyridine, length: 6 },
    }
}

fn draw_suffix(rng: &mut Rng, level: u8, parent: Parent) -> Suffix {
    // In the order of `Suffix::ALL`: acid, ester, amide, nitrile, aldehyde, ketone, alcohol, amine, none.
    let mut weights: [u32; 9] = if level < 3 { [6, 0, 0, 4, 4, 6, 8, 6, 6] } else { [6, 8, 8, 4, 4, 6, 8, 8, 5] };
    if parent.is_aromatic() {
        weights[5] = 0;
    }
    Suffix::ALL[rng.weighted(&weights)]
}

/// Positions of the suffix before renumbering; `None` when the parent is too short.
fn draw_suffix_locants(rng: &mut Rng, level: u8, parent: Parent, suffix: Suffix) -> Option<Vec<u8>> {
    if suffix == Suffix::None {
        return Some(Vec::new());
    }
    let length = usize::from(parent.length);
    let single = matches!(suffix, Suffix::Ester | Suffix::Amide);
    let twice = level >= 2 && !single && rng.chance(1, 8);
    if suffix.is_terminal() && !parent.is_cyclic() {
        return match (twice, length) {
            (true, 3..) => Some(vec![1, parent.length]),
            (true, _) => None,
            (false, _) => Some(vec![1]),
        };
    }
    let (low, high) = match (suffix, parent.skeleton) {
        (Suffix::Ketone, Skeleton::Chain) => (2, length.checked_sub(1).filter(|&high| high >= 2)?),
        (_, Skeleton::Pyridine) => (2, length),
        _ => (1, length),
    };
    let mut draw = || u8::try_from(rng.range(low, high)).unwrap_or(1);
    let mut positions = vec![draw()];
    if twice {
        positions.push(draw());
        positions.sort_unstable();
        positions.dedup();
    }
    Some(positions)
}

fn draw_unsaturation(rng: &mut Rng, level: u8, parent: Parent) -> Option<(u8, Unsaturation)> {
    let length = parent.length;
    match parent.skeleton {
        Skeleton::Chain if level >= 2 && length >= 3 && rng.chance(1, 6) => {
            if rng.chance(1, 2) {
                Some((length - 1, Unsaturation::Double))
            } else {
                Some((u8::try_from(rng.range(1, usize::from(length) - 1)).ok()?, Unsaturation::Triple))
            }
        }
        Skeleton::Ring if level >= 3 && length >= 5 && rng.chance(1, 6) => {
            Some((u8::try_from(rng.range(1, usize::from(length) - 1)).ok()?, Unsaturation::Double))
        }
        _ => None,
    }
}

fn draw_prefix(rng: &mut Rng, level: u8, name: &Name) -> Option<(Locant, &'static Substituent)> {
    let aromatic = name.parent.is_aromatic();
    let weights: Vec<u32> = SUBSTITUENTS
        .iter()
        .map(|entry| {
            let junior = match entry.name {
                "oxo" => name.suffix < Suffix::Ketone && !aromatic,
                "hydroxy" | "hydroxymethyl" => name.suffix < Suffix::Alcohol,
                "amino" | "methylamino" | "dimethylamino" => name.suffix < Suffix::Amine,
                "cyano" => name.suffix < Suffix::Nitrile,
                _ => entry.shape != Shape::Ring || name.suffix != Suffix::None,
            };
            if junior && entry.level <= level { entry.weight } else { 0 }
        })
        .collect();
    let entry = SUBSTITUENTS.get(rng.weighted(&weights))?;
    let nitrogen = level >= 3
        && matches!(name.suffix, Suffix::Amine | Suffix::Amide)
        && matches!(entry.shape, Shape::Alkyl(_))
        && rng.chance(1, 2);
    if nitrogen {
        return Some((Locant::Nitrogen, entry));
    }
    Some((Locant::Position(u8::try_from(rng.range(1, usize::from(name.parent.length))).ok()?), entry))
}
