//! Names of levels 4 and 5: configurations, heterocycles and fused rings, sulfonamides, larger prefixes, amino acids and peptides by
//! their retained names, and salts.
//!
//! They are drawn with their structures as the smaller grammar does it; [`super::parse`] does not read them back.

mod amino;
mod chain;
mod prefix;
mod ring;
mod rings;
mod stereo;

use chemr_chem::Mol;

pub use ring::plain;

use super::{Name, Skeleton, Suffix};
use crate::rng::Rng;

/// A name of any level with its structure.
#[derive(Clone, Debug)]
pub struct Drawn {
    pub name: String,
    /// Along the parent from position 1.
    pub smiles: String,
    /// The structure, where drawing it needed the toolkit.
    pub mol: Option<Mol>,
    /// What the prefixes stand on, e.g. `butan-2-ol`, `ethyl benzoate`.
    pub parent: String,
    /// `chain`, `ring`, `benzene`, `pyridine`, `amino acid`, `peptide` or `salt`.
    pub kind: &'static str,
    /// What the suffix makes of it, e.g. `a carboxylic acid`.
    pub class: Option<&'static str>,
    /// Locant and prefix in the order of citation; the locant is `N` on the nitrogen of the suffix.
    pub prefixes: Vec<(String, String)>,
    /// Locants and labels of the configuration: R, S, E, Z.
    pub labels: Vec<(u8, char)>,
    /// A description of what is not a parent with prefixes.
    pub sentence: Option<String>,
}

impl Drawn {
    fn whole(name: String, smiles: String, kind: &'static str, sentence: String) -> Drawn {
        Drawn {
            parent: name.clone(),
            name,
            smiles,
            mol: None,
            kind,
            class: None,
            prefixes: Vec::new(),
            labels: Vec::new(),
            sentence: Some(sentence),
        }
    }
}

/// Draws a sound name of any level (1 to 5). `None` when the draw is not sound; draw again.
pub fn draw_any(rng: &mut Rng, level: u8) -> Option<Drawn> {
    if level <= 3 {
        return super::draw(rng, level).map(|name| Drawn::of(&name));
    }
    let (largest, weights) = if level == 4 { (24, [8, 12, 2, 1]) } else { (32, [4, 14, 4, 2]) };
    match rng.weighted(&weights) {
        0 => chain::draw(rng, level, largest),
        1 => ring::draw(rng, level, largest),
        2 => amino::draw(rng, level),
        _ => salt(rng),
    }
}

/// A salt of an acid or an amine of the smaller grammar.
fn salt(rng: &mut Rng) -> Option<Drawn> {
    let name = super::draw(rng, 3)?;
    if name.suffix_locants.len() != 1 || name.parent.skeleton == Skeleton::Pyridine {
        return None;
    }
    let (acid, smiles) = (name.render(), name.smiles());
    match name.suffix {
        Suffix::Acid => {
            let (word, ion) = rng.pick(&[("sodium", "[Na+]"), ("potassium", "[K+]"), ("lithium", "[Li+]")])?;
            let group = if name.parent.is_cyclic() { ("C(=O)O", "C(=O)[O-]") } else { ("(=O)(O", "(=O)([O-]") };
            // Ethanoic and longer acids have their chain behind the group; of methanoic acid there is none.
            let anion = smiles.replacen(group.0, group.1, 1);
            let ester = Name { suffix: Suffix::Ester, ester_alkyl: None, ..name };
            (anion != smiles).then(|| {
                let sentence = format!("The molecule is the {word} salt of {acid}.");
                Drawn::whole(format!("{word} {}", ester.render()), format!("{anion}.{ion}"), "salt", sentence)
            })
        }
        Suffix::Amine => {
            let (word, text) = rng.pick(&[("hydrochloride", "Cl"), ("hydrobromide", "Br")])?;
            let sentence = format!("The molecule is the {word} of {acid}.");
            Some(Drawn::whole(format!("{acid} {word}"), format!("{smiles}.{text}"), "salt", sentence))
        }
        _ => None,
    }
}
