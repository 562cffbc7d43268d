//! The words of the grammar.

use super::{Parent, Skeleton, Suffix};

/// What a prefix does to the skeleton; decides where it may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An unbranched alkyl group of so many carbons.
    Alkyl(u8),
    /// A branched or substituted alkyl group whose longest chain has so many carbons.
    Branched(u8),
    /// A ring.
    Ring,
    Halogen,
    /// Bound through oxygen, nitrogen or sulfur by a single bond.
    Hetero,
    /// A double-bound oxygen.
    Oxo,
    /// Cyano or nitro.
    Withdrawing,
}

/// A prefix of the grammar.
#[derive(Debug, PartialEq, Eq)]
pub struct Substituent {
    /// As written, e.g. `methoxy`.
    pub name: &'static str,
    /// What alphabetical order looks at: `butyl` for `tert-butyl`.
    pub alphabet: &'static str,
    /// SMILES from the atom that binds to the parent, without the bond.
    pub smiles: &'static str,
    pub shape: Shape,
    /// Set in parentheses and multiplied by bis, tris.
    pub compound: bool,
    /// Lowest level of the gym that uses it.
    pub level: u8,
    /// Number of heavy atoms.
    pub heavy: u8,
    /// How often [`super::draw`] takes it, in proportion.
    pub weight: u32,
}

const fn word(
    name: &'static str,
    smiles: &'static str,
    shape: Shape,
    level: u8,
    heavy: u8,
    weight: u32,
) -> Substituent {
    Substituent { name, alphabet: name, smiles, shape, compound: false, level, heavy, weight }
}

const fn compound(name: &'static str, smiles: &'static str, shape: Shape, heavy: u8) -> Substituent {
    Substituent { name, alphabet: name, smiles, shape, compound: true, level: 3, heavy, weight: 3 }
}

/// All prefixes.
pub static SUBSTITUENTS: &[Substituent] = &[
    word("methyl", "C", Shape::Alkyl(1), 1, 1, 20),
    word("ethyl", "CC", Shape::Alkyl(2), 1, 2, 10),
    word("propyl", "CCC", Shape::Alkyl(3), 2, 3, 4),
    word("butyl", "CCCC", Shape::Alkyl(4), 3, 4, 3),
    compound("propan-2-yl", "C(C)C", Shape::Branched(2), 3),
    Substituent {
        name: "tert-butyl",
        alphabet: "butyl",
        smiles: "C(C)(C)C",
        shape: Shape::Branched(2),
        compound: false,
        level: 3,
        heavy: 4,
        weight: 3,
    },
    compound("trifluoromethyl", "C(F)(F)F", Shape::Branched(1), 4),
    compound("hydroxymethyl", "CO", Shape::Branched(1), 2),
    word("cyclopropyl", "C1CC1", Shape::Ring, 2, 3, 3),
    word("cyclobutyl", "C1CCC1", Shape::Ring, 3, 4, 2),
    word("cyclopentyl", "C1CCCC1", Shape::Ring, 2, 5, 2),
    word("cyclohexyl", "C1CCCCC1", Shape::Ring, 2, 6, 3),
    word("phenyl", "c1ccccc1", Shape::Ring, 2, 6, 5),
    word("fluoro", "F", Shape::Halogen, 1, 1, 10),
    word("chloro", "Cl", Shape::Halogen, 1, 1, 10),
    word("bromo", "Br", Shape::Halogen, 1, 1, 8),
    word("iodo", "I", Shape::Halogen, 2, 1, 4),
    word("hydroxy", "O", Shape::Hetero, 1, 1, 10),
    word("amino", "N", Shape::Hetero, 1, 1, 10),
    word("oxo", "O", Shape::Oxo, 1, 1, 10),
    word("methoxy", "OC", Shape::Hetero, 2, 2, 7),
    word("ethoxy", "OCC", Shape::Hetero, 2, 3, 4),
    word("cyano", "C#N", Shape::Withdrawing, 2, 2, 4),
    word("nitro", "[N+](=O)[O-]", Shape::Withdrawing, 2, 3, 5),
    compound("methylsulfanyl", "SC", Shape::Hetero, 2),
    compound("methylamino", "NC", Shape::Hetero, 2),
    compound("dimethylamino", "N(C)C", Shape::Hetero, 3),
];

/// A prefix by its written name.
pub(super) fn substituent(name: &str) -> Option<&'static Substituent> {
    SUBSTITUENTS.iter().find(|entry| entry.name == name)
}

/// Stems of chains by number of carbons.
pub(super) const STEMS: [&str; 10] = ["meth", "eth", "prop", "but", "pent", "hex", "hept", "oct", "non", "dec"];

/// Multipliers of simple prefixes and suffixes; `""` for one.
pub(super) const MULTIPLIERS: [&str; 6] = ["", "di", "tri", "tetra", "penta", "hexa"];

/// Multipliers of compound prefixes.
pub(super) const COMPOUND_MULTIPLIERS: [&str; 4] = ["", "bis", "tris", "tetrakis"];

impl Parent {
    /// Stem without ending: `but`, `cyclohex`; `benzene` and `pyridine` have none and give the whole word.
    pub(super) fn stem(self) -> String {
        let chain = STEMS.get(usize::from(self.length).wrapping_sub(1)).copied().unwrap_or("");
        match self.skeleton {
            Skeleton::Chain => chain.to_string(),
            Skeleton::Ring => format!("cyclo{chain}"),
            Skeleton::Benzene => "benzene".to_string(),
            Skeleton::Pyridine => "pyridine".to_string(),
        }
    }

    /// The parent hydride, e.g. `butane`, `cyclohexane`, `benzene`.
    pub fn hydride(self) -> String {
        if self.is_aromatic() { self.stem() } else { format!("{}ane", self.stem()) }
    }
}

impl Suffix {
    /// All suffixes, senior first.
    pub const ALL: [Suffix; 9] = [
        Suffix::Acid,
        Suffix::Ester,
        Suffix::Amide,
        Suffix::Nitrile,
        Suffix::Aldehyde,
        Suffix::Ketone,
        Suffix::Alcohol,
        Suffix::Amine,
        Suffix::None,
    ];

    /// The ending on a chain (`cyclic` false) or on a ring.
    pub fn ending(self, cyclic: bool) -> &'static str {
        match (self, cyclic) {
            (Suffix::Acid, false) => "oic acid",
            (Suffix::Acid, true) => "carboxylic acid",
            (Suffix::Ester, false) => "oate",
            (Suffix::Ester, true) => "carboxylate",
            (Suffix::Amide, false) => "amide",
            (Suffix::Amide, true) => "carboxamide",
            (Suffix::Nitrile, false) => "nitrile",
            (Suffix::Nitrile, true) => "carbonitrile",
            (Suffix::Aldehyde, false) => "al",
            (Suffix::Aldehyde, true) => "carbaldehyde",
            (Suffix::Ketone, _) => "one",
            (Suffix::Alcohol, _) => "ol",
            (Suffix::Amine, _) => "amine",
            (Suffix::None, _) => "",
        }
    }

    /// The retained name of benzene with one such group.
    pub(super) fn on_benzene(self) -> Option<&'static str> {
        match self {
            Suffix::Acid => Some("benzoic acid"),
            Suffix::Ester => Some("benzoate"),
            Suffix::Amide => Some("benzamide"),
            Suffix::Nitrile => Some("benzonitrile"),
            Suffix::Aldehyde => Some("benzaldehyde"),
            Suffix::Alcohol => Some("phenol"),
            Suffix::Amine => Some("aniline"),
            Suffix::Ketone | Suffix::None => None,
        }
    }
}
