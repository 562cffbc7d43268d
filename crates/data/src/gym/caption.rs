//! Descriptions of molecules in sentences from templates, every one of them a fact, and the molecules that they describe.
//!
//! The first sentence says what the molecule is: a parent with its substituents and configuration, as its systematic name does, or an
//! amino acid, a peptide or a salt by name. It determines the molecule, so that a description has one answer. The sentences after
//! it are computed by the toolkit; how many there are follows from the number of heavy atoms, so that a molecule has one caption.

use chemr_chem::{Mol, groups};
use chemr_tasks::Example;

use super::name::structure;
use super::{ATTEMPTS, Draw, finish};
use crate::error::DataError;
use crate::names::{self, Drawn};

/// Heavy atoms from which a caption has the formula, the groups, the rings, and the numbers of the rule of five.
const FORMULA_FROM: usize = 7;
const GROUPS_FROM: usize = 10;
const RINGS_FROM: usize = 14;
const NUMBERS_FROM: usize = 18;

/// A molecule of the wanted split with its caption.
struct Described {
    drawn: Drawn,
    mol: Mol,
    caption: String,
}

fn described(draw: &mut Draw<'_>) -> Result<Option<Described>, DataError> {
    for _ in 0..ATTEMPTS {
        let Some(drawn) = names::draw_any(draw.rng, draw.level) else { continue };
        let mol = structure(&drawn)?;
        if draw.wants(mol.canonical()) {
            let caption = caption(&drawn, &mol);
            return Ok(Some(Described { drawn, mol, caption }));
        }
    }
    Ok(None)
}

fn meta(drawn: &Drawn, mol: &Mol) -> Vec<(&'static str, String)> {
    vec![("key", mol.canonical().to_string()), ("iupac", drawn.name.clone()), ("kind", drawn.kind.to_string())]
}

/// `molecule_design`.
pub(super) fn design(mut draw: Draw<'_>) -> Result<Option<Example>, DataError> {
    let Some(Described { drawn, mol, caption }) = described(&mut draw)? else { return Ok(None) };
    let mut meta = meta(&drawn, &mol);
    meta.push(("aligned_answer", drawn.smiles));
    let reference = mol.canonical().to_string();
    Ok(Some(finish("molecule_design", &draw, ("description", caption), reference, meta)))
}

/// `molecule_captioning`.
pub(super) fn captioning(mut draw: Draw<'_>) -> Result<Option<Example>, DataError> {
    let Some(Described { drawn, mol, caption }) = described(&mut draw)? else { return Ok(None) };
    let meta = meta(&drawn, &mol);
    let shown = if draw.level >= 3 { mol.canonical().to_string() } else { drawn.smiles };
    Ok(Some(finish("molecule_captioning", &draw, ("smiles", shown), caption, meta)))
}

fn caption(drawn: &Drawn, mol: &Mol) -> String {
    let mut text = identity(drawn);
    let size = mol.heavy_atoms();
    let mut add = |sentence: String| {
        text.push(' ');
        text.push_str(&sentence);
    };
    if size >= FORMULA_FROM {
        add(format!("Its molecular formula is {}.", mol.formula()));
    }
    if size >= GROUPS_FROM {
        let counts = groups().counts(mol);
        let found = groups().all().iter().filter_map(|group| Some((counts.get(group.id.as_str())?, &group.name)));
        let listed: Vec<String> = found.map(|(count, name)| format!("{count} {name}")).collect();
        if !listed.is_empty() {
            add(format!("Its functional groups are {}.", listed.join(", ")));
        }
    }
    if size >= RINGS_FROM {
        add(match (mol.rings(), mol.aromatic_rings()) {
            (0, _) => "It has no ring.".to_string(),
            (1, aromatic) => format!("It has one ring, which is {}aromatic.", if aromatic == 1 { "" } else { "not " }),
            (rings, aromatic) => format!("It has {rings} rings, {aromatic} of them aromatic."),
        });
    }
    if size >= NUMBERS_FROM {
        add(format!(
            "Hydrogen-bond donors: {}; acceptors: {}; rotatable bonds: {}.",
            mol.hbd(),
            mol.hba(),
            mol.rotatable_bonds()
        ));
    }
    text
}

/// What the molecule is.
fn identity(drawn: &Drawn) -> String {
    if let Some(sentence) = &drawn.sentence {
        return sentence.clone();
    }
    let substituents = substituents(&drawn.prefixes);
    let mut text = match (drawn.class, substituents.is_empty()) {
        (Some(class), false) => format!("The molecule is {class}: {} substituted by {substituents}.", drawn.parent),
        (None, false) => format!("The molecule is {} substituted by {substituents}.", drawn.parent),
        (Some(class), true) => format!("The molecule is {class}: {}.", drawn.parent),
        (None, true) => format!("The molecule is {}.", drawn.parent),
    };
    if !drawn.labels.is_empty() {
        let labels: Vec<String> = drawn.labels.iter().map(|(locant, label)| format!("{locant}{label}")).collect();
        text.push_str(&format!(" Its configuration is {}.", labels.join(",")));
    }
    text
}

/// `a methyl group at position 2 and two chloro groups at positions 3 and 4`.
fn substituents(prefixes: &[(String, String)]) -> String {
    let mut phrases: Vec<String> = Vec::new();
    let mut rest = prefixes;
    while let Some((locant, prefix)) = rest.first() {
        let on_nitrogen = locant == "N";
        let same = |(other, name): &&(String, String)| name == prefix && (other == "N") == on_nitrogen;
        let (group, others) = rest.split_at(rest.iter().take_while(same).count());
        rest = others;
        let name = names::plain(prefix);
        let number = match group.len() {
            1 => (if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }).to_string(),
            2 => "two".to_string(),
            3 => "three".to_string(),
            count => count.to_string(),
        };
        let plural = if group.len() == 1 { "" } else { "s" };
        let place = if on_nitrogen {
            "on the nitrogen".to_string()
        } else {
            let locants: Vec<&str> = group.iter().map(|(locant, _)| locant.as_str()).collect();
            format!("at position{plural} {}", listed(&locants))
        };
        phrases.push(format!("{number} {name} group{plural} {place}"));
    }
    listed(&phrases.iter().map(String::as_str).collect::<Vec<_>>())
}

/// `2`, `2 and 3`, `2, 3 and 4`.
fn listed(items: &[&str]) -> String {
    match items {
        [] => String::new(),
        [one] => (*one).to_string(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences() {
        let phrase = |items: &[(&str, &str)]| {
            let owned: Vec<(String, String)> =
                items.iter().map(|(locant, name)| ((*locant).to_string(), (*name).to_string())).collect();
            substituents(&owned)
        };
        assert_eq!(phrase(&[("2", "methyl")]), "a methyl group at position 2");
        assert_eq!(
            phrase(&[("2", "amino"), ("3", "chloro"), ("4", "chloro"), ("5", "(propan-2-yl)")]),
            "an amino group at position 2, two chloro groups at positions 3 and 4 and a propan-2-yl group at position 5"
        );
        assert_eq!(phrase(&[("N", "methyl"), ("N", "methyl")]), "two methyl groups on the nitrogen");
        assert_eq!(
            phrase(&[("N", "methyl"), ("2", "methyl")]),
            "a methyl group on the nitrogen and a methyl group at position 2"
        );
    }

    #[test]
    fn a_caption_grows_with_the_molecule() {
        let said = |name: &str| {
            let name = names::parse(name).unwrap();
            caption(&Drawn::of(&name), &Mol::parse(&name.smiles()).unwrap())
        };
        assert_eq!(said("propan-1-ol"), "The molecule is a hydroxy compound: propan-1-ol.");
        assert_eq!(
            said("2-chloroheptane"),
            "The molecule is heptane substituted by a chloro group at position 2. Its molecular formula is C7H15Cl."
        );
        // RDKit 2026.9.1 counts the same.
        assert_eq!(
            said("ethyl 4-(dimethylamino)-2-phenylbutanoate"),
            "The molecule is an ester: ethyl butanoate substituted by a dimethylamino group at position 4 and a phenyl group at \
             position 2. Its molecular formula is C14H21NO2. Its functional groups are 1 ester, 1 tertiary amine, 1 benzene ring. \
             It has one ring, which is aromatic."
        );
    }
}
