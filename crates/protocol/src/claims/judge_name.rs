//! Claims about names: parent, locants, stereodescriptors, the text of each position.

use std::ops::Range;

use chemr_chem::Mol;
use chemr_data::names::{self, Locant, Name, Skeleton, Unsaturation};

use super::ClaimKind;
use super::context::{Context, Subject};
use super::judge::{Sink, smiles_claim, truth};
use crate::grammar::Rule;
use crate::grammar::pattern::Match;
use crate::grammar::slots::{Item, Value};
use crate::grammar::walk;

pub(super) fn judge(
    context: &mut Context<'_>,
    found: &Match,
    subject: &Subject,
    span: Range<usize>,
    sink: &mut Sink<'_>,
) {
    let text = context.example.field("iupac");
    let name = if text.is_empty() { None } else { names::parse(text) };
    match (found.rule, found.values.as_slice()) {
        (Rule::ChainParent | Rule::RingParent, [Value::Text(stem), Value::Number(number, _)]) => {
            let decided = name.map(|name| {
                let chain = name.parent.skeleton == Skeleton::Chain;
                stem.text == name.parent.hydride()
                    && usize::from(name.parent.length) == *number
                    && chain == (found.rule == Rule::ChainParent)
            });
            sink.add(ClaimKind::ChainLength, span, &stem.text, &number.to_string(), truth(decided));
        }
        (Rule::ChainLength, [Value::Number(number, item)]) => {
            let longest = context.molecules(subject).and_then(|mols| mols.iter().map(walk::longest_chain).max());
            let decided = longest.map(|longest| longest == *number);
            sink.add(ClaimKind::ChainLength, span, &subject.label(context.family), &item.text, truth(decided));
        }
        (Rule::Substituents, [Value::Items(items)]) => {
            let mut left = name.as_ref().map(locant_items);
            for (place, item) in items.iter().enumerate() {
                // A name may carry the same item twice: the place tells them apart.
                let subject = format!("locant {}", place + 1);
                let decided = left.as_mut().map(|left| {
                    let found = left.iter().position(|expected| *expected == item.text);
                    if let Some(found) = found {
                        left.remove(found);
                    }
                    let complete = place + 1 < items.len() || left.is_empty();
                    found.is_some() && complete
                });
                sink.item(ClaimKind::Substituent, item, &subject, truth(decided));
            }
        }
        (Rule::NoSubstituents, _) => {
            let decided = name.map(|name| locant_items(&name).is_empty());
            sink.add(ClaimKind::Substituent, span, text, "none", truth(decided));
        }
        (Rule::Stereodescriptors, [Value::Number(number, item)]) => {
            let decided = (!text.is_empty()).then(|| stereodescriptors(text) == *number);
            sink.add(ClaimKind::Stereo, span, text, &item.text, truth(decided));
        }
        (Rule::DefinedStereocentres, [Value::Number(number, _)]) => {
            let count = context.molecules(subject).map(|mols| mols.iter().map(defined_stereocentres).sum::<usize>());
            let (label, value) = (subject.label(context.family), format!("{number} defined"));
            sink.add(ClaimKind::Stereo, span, &label, &value, truth(count.map(|count| count == *number)));
        }
        (Rule::Stereocentres, [Value::Number(number, item)]) => {
            let count = context.molecules(subject).map(|mols| mols.iter().map(Mol::stereocenters).sum::<usize>());
            sink.add(
                ClaimKind::Stereo,
                span,
                &subject.label(context.family),
                &item.text,
                truth(count.map(|count| count == *number)),
            );
        }
        (Rule::Positions, [Value::Items(items), Value::Text(smiles)]) => positions(context, name, items, smiles, sink),
        _ => {}
    }
}

/// Each position against the name, the joined text against the SMILES, and the SMILES itself.
fn positions(context: &mut Context<'_>, name: Option<Name>, items: &[Item], smiles: &Item, sink: &mut Sink<'_>) {
    let texts: Vec<(&str, &str)> = items.iter().filter_map(|item| item.text.split_once(':')).collect();
    let joined: String = texts.iter().map(|(_, atoms)| *atoms).collect();
    // Another way to write the same molecule is as good as the grammar's own.
    let reference = context.example.reference.clone();
    let same = match (context.mol(&joined), context.mol(&reference)) {
        (Some(built), Some(reference)) => built.is_same(&reference),
        _ => false,
    };
    let expected = name.map(|name| name.positions());
    for (place, item) in items.iter().enumerate() {
        let decided = expected.as_ref().map(|expected| {
            let (number, atoms) = texts.get(place).copied().unwrap_or_default();
            let ends_early = place + 1 == items.len() && items.len() < expected.len();
            let wanted = expected.get(place).map_or("", String::as_str);
            // Written otherwise, a position still has its own atoms.
            let fits = atoms == wanted || (same && sorted_atoms(atoms) == sorted_atoms(wanted));
            number == (place + 1).to_string() && fits && !ends_early
        });
        sink.item(ClaimKind::Position, item, &(place + 1).to_string(), truth(decided));
    }
    sink.item(ClaimKind::Assembly, smiles, &joined, truth(Some(joined == smiles.text)));
    smiles_claim(context, smiles, sink);
}

/// The atoms of a SMILES fragment, sorted, aromatic ones in lower case.
fn sorted_atoms(fragment: &str) -> Vec<&str> {
    let mut atoms: Vec<&str> = walk::atom_tokens(fragment).into_iter().map(|token| &fragment[token]).collect();
    atoms.sort_unstable();
    atoms
}

/// Tetrahedral centres whose configuration is given.
fn defined_stereocentres(mol: &Mol) -> usize {
    let text = mol.canonical();
    walk::atom_tokens(text).into_iter().filter(|token| text[token.clone()].contains('@')).count()
}

/// Every substituent, multiple bond and suffix with its locant, in the order of the name: `3-chloro`, `2-methyl`, `1-ol`.
pub(crate) fn locant_items(name: &Name) -> Vec<String> {
    let mut items = Vec::new();
    if let Some(alkyl) = name.ester_alkyl {
        items.push(format!("O-{}", alkyl.name));
    }
    for (locant, substituent) in &name.substituents {
        match locant {
            Locant::Nitrogen => items.push(format!("N-{}", substituent.name)),
            Locant::Position(number) => items.push(format!("{number}-{}", substituent.name)),
        }
    }
    if let Some((first, kind)) = name.unsaturation {
        items.push(format!("{first}-{}", if kind == Unsaturation::Double { "ene" } else { "yne" }));
    }
    let ending = name.suffix.ending(name.parent.is_cyclic());
    items.extend(name.suffix_locants.iter().map(|locant| format!("{locant}-{ending}")));
    items
}

/// Number of R, S, E, Z descriptors in the parentheses of a name: `(2R,3S)`, `(E)`, `[(1R)-…]`.
pub(crate) fn stereodescriptors(name: &str) -> usize {
    let is_descriptor = |text: &str| {
        let text = text.trim().trim_end_matches('\'');
        let Some(letter) = text.chars().next_back() else { return false };
        let rest = &text[..text.len() - letter.len_utf8()];
        matches!(letter, 'R' | 'S' | 'E' | 'Z' | 'r' | 's')
            && rest.len() <= 4
            // "(NE)": a double bond to nitrogen that has no number.
            && (rest == "N"
                || rest.chars().all(|c| c.is_ascii_digit() || matches!(c, 'a'..='h' | '\'')))
            // "(1s)" has a locant; a bare lower-case letter is no descriptor.
            && (letter.is_ascii_uppercase() || rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let mut count = 0;
    let mut rest = name;
    while let Some(open) = rest.find('(') {
        rest = &rest[open + 1..];
        let end = rest.find(['(', ')']).unwrap_or(rest.len());
        let parts: Vec<&str> = rest[..end].split(',').collect();
        if rest[end..].starts_with(')') && parts.iter().all(|part| is_descriptor(part)) {
            count += parts.len();
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors() {
        for (name, count) in [
            ("(2R,3S)-2-amino-3-hydroxybutanoic acid", 2),
            ("(E)-but-2-ene", 1),
            ("2-[(1R)-1-phenylethyl]phenol", 1),
            ("butan-1-ol", 0),
            ("4-(methylsulfanyl)benzonitrile", 0),
            ("(3aR,7aS)-octahydroindole", 2),
            ("(NE)-N-(1-phenylethylidene)hydroxylamine", 1),
            ("(NZ,2R)-N-butan-2-ylidenehydroxylamine", 2),
            ("(((", 0),
        ] {
            assert_eq!(stereodescriptors(name), count, "{name}");
        }
    }

    #[test]
    fn locants_of_names() {
        let items = |name: &str| names::parse(name).map(|name| locant_items(&name).join(" "));
        assert_eq!(items("3-chloro-2-methylbutan-1-ol").as_deref(), Some("3-chloro 2-methyl 1-ol"));
        assert_eq!(items("2,2-dimethylpropanoic acid").as_deref(), Some("2-methyl 2-methyl 1-oic acid"));
        assert_eq!(items("hexane").as_deref(), Some(""));
    }
}
