//! Chains of levels 4 and 5: names of the smaller grammar, with double bonds anywhere and with configurations.

use std::collections::BTreeMap;

use super::Drawn;
use super::stereo::{self, descriptor};
use crate::names::{self, Locant, Name, Skeleton, Suffix, Unsaturation};
use crate::rng::Rng;
use crate::sketch::heavy_atoms;

/// Draws a chain; `None` when the draw is not sound.
pub(super) fn draw(rng: &mut Rng, level: u8, largest: usize) -> Option<Drawn> {
    let mut name = names::draw(rng, 3)?;
    if name.parent.skeleton != Skeleton::Chain || name.parent.length < 4 || name.heavy_atoms() < usize::from(level) + 2
    {
        return None;
    }
    if is_amino_acid(&name) {
        return None;
    }
    if name.unsaturation.is_none() && name.parent.length >= 5 && rng.chance(1, 2) {
        name = with_double_bond(rng, &name)?;
    }
    if name.heavy_atoms() > largest {
        return None;
    }
    let positions = name.positions();
    let text = positions.concat();
    let mut parent = BTreeMap::new();
    let mut written = 0;
    for (locant, position) in (1..).zip(&positions) {
        parent.insert(written, locant);
        written += heavy_atoms(position);
    }
    let marked = marked(rng, &name, &positions);
    let configured = stereo::configure(rng, &text, marked.as_deref(), &parent)?;
    // A double bond between two like ends is written without marks; its name has no descriptor.
    let labels = lowest(&name, configured.labels);
    // What the smaller grammar has belongs to its levels.
    if labels.is_empty() && rng.chance(3, 4) {
        return None;
    }
    let rendered = name.render();
    let (alkyl, body) = match rendered.split_once(' ') {
        Some((alkyl, body)) if name.ester_alkyl.is_some() => (format!("{alkyl} "), body.to_string()),
        _ => (String::new(), rendered),
    };
    Some(Drawn {
        name: format!("{alkyl}{}{body}", descriptor(&labels)),
        smiles: configured.smiles,
        mol: Some(configured.mol),
        labels,
        ..Drawn::of(&name)
    })
}

/// Alpha-amino acids and their derivatives have retained names, and a structure shall have one name.
fn is_amino_acid(name: &Name) -> bool {
    let amino = |(locant, entry): &(Locant, &names::Substituent)| {
        *locant == Locant::Position(2) && entry.name.ends_with("amino")
    };
    matches!(name.suffix, Suffix::Acid | Suffix::Ester | Suffix::Amide) && name.substituents.iter().any(amino)
}

/// The name with a double bond inside the chain.
fn with_double_bond(rng: &mut Rng, name: &Name) -> Option<Name> {
    let first = u8::try_from(rng.range(2, usize::from(name.parent.length) - 2)).ok()?;
    let mut name = name.clone();
    name.unsaturation = Some((first, Unsaturation::Double));
    name.is_sound_with_geometry().then(|| name.renumbered())
}

/// The text with marks for a drawn geometry of the double bond; `None` for a bond that can have none.
fn marked(rng: &mut Rng, name: &Name, positions: &[String]) -> Option<String> {
    let (first, kind) = name.unsaturation?;
    let (first, last) = (usize::from(first), positions.len());
    if kind != Unsaturation::Double || first < 2 || first + 2 > last {
        return None;
    }
    let mut marked = positions.to_vec();
    marked.get_mut(first - 1)?.insert(0, '/');
    marked.get_mut(first + 1)?.insert(0, if rng.chance(1, 2) { '/' } else { '\\' });
    Some(marked.concat())
}

/// The labels as they are read from the end that gives R the lower locants, where both ends give the same name.
fn lowest(name: &Name, labels: Vec<(u8, char)>) -> Vec<(u8, char)> {
    if !name.is_symmetric() {
        return labels;
    }
    let turned = |&(locant, label): &(u8, char)| match label {
        'E' | 'Z' => (locant, label),
        _ => (name.parent.length + 1 - locant, label),
    };
    let mut other: Vec<(u8, char)> = labels.iter().map(turned).collect();
    other.sort_unstable();
    labels.min(other)
}

impl Drawn {
    /// A name of the smaller grammar.
    pub fn of(name: &Name) -> Drawn {
        let bare = Name { substituents: Vec::new(), ..name.clone() };
        let locant = |locant: &Locant| match locant {
            Locant::Nitrogen => "N".to_string(),
            Locant::Position(position) => position.to_string(),
        };
        let written = |name: &str, compound: bool| if compound { format!("({name})") } else { name.to_string() };
        Drawn {
            name: name.render(),
            smiles: name.smiles(),
            mol: None,
            parent: bare.render(),
            kind: name.parent.skeleton.as_str(),
            class: class(name.suffix),
            prefixes: name
                .substituents
                .iter()
                .map(|(place, entry)| (locant(place), written(entry.name, entry.compound)))
                .collect(),
            labels: Vec::new(),
            sentence: None,
        }
    }
}

fn class(suffix: Suffix) -> Option<&'static str> {
    Some(match suffix {
        Suffix::Acid => "a carboxylic acid",
        Suffix::Ester => "an ester",
        Suffix::Amide => "an amide",
        Suffix::Nitrile => "a nitrile",
        Suffix::Aldehyde => "an aldehyde",
        Suffix::Ketone => "a ketone",
        Suffix::Alcohol => "a hydroxy compound",
        Suffix::Amine => "an amine",
        Suffix::None => return None,
    })
}
