//! A small grammar of substitutive nomenclature that makes a name and its structure together.
//!
//! A [`Name`] is a parent with a suffix, at most one multiple bond, and simple prefixes, numbered by the IUPAC rules of
//! lowest locants ([`Name::renumbered`]). [`Name::render`] writes the name, [`Name::positions`] and [`Name::smiles`] the
//! structure along the parent from position 1, and [`parse`] reads a name back. [`draw`] makes random ones.
//!
//! Names are systematic where IUPAC 2013 retains another one (ethanoic acid, not acetic acid), except for phenol,
//! aniline, benzoic acid and its relatives. There is no stereochemistry. [`draw_any`] goes on to levels 4 and 5, whose names have
//! it, and which are not read back. `docs/gym.md` holds the grammar in full.

mod draw;
mod number;
mod parse;
mod render;
mod structure;
mod vocabulary;
mod wide;

pub use draw::draw;
pub use parse::parse;
pub use vocabulary::{SUBSTITUENTS, Shape, Substituent};
pub use wide::{Drawn, draw_any, plain};

/// What carries the numbering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skeleton {
    /// A straight chain: methane to decane.
    Chain,
    /// A saturated carbon ring: cyclopropane to cyclooctane.
    Ring,
    /// Benzene.
    Benzene,
    /// Pyridine; position 1 is the nitrogen.
    Pyridine,
}

impl Skeleton {
    /// Name in metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            Skeleton::Chain => "chain",
            Skeleton::Ring => "ring",
            Skeleton::Benzene => "benzene",
            Skeleton::Pyridine => "pyridine",
        }
    }
}

/// The parent: a skeleton and its number of ring or chain atoms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Parent {
    pub skeleton: Skeleton,
    /// Number of positions.
    pub length: u8,
}

/// The principal characteristic group, senior first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suffix {
    /// -oic acid; on a ring -carboxylic acid.
    Acid,
    /// -oate, with the alkyl group of the alcohol in [`Name::ester_alkyl`]; on a ring -carboxylate.
    Ester,
    /// -amide; on a ring -carboxamide.
    Amide,
    /// -nitrile; on a ring -carbonitrile.
    Nitrile,
    /// -al; on a ring -carbaldehyde.
    Aldehyde,
    /// -one.
    Ketone,
    /// -ol.
    Alcohol,
    /// -amine.
    Amine,
    /// No suffix: a substituted hydrocarbon.
    None,
}

/// A multiple bond of the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unsaturation {
    /// -ene.
    Double,
    /// -yne.
    Triple,
}

/// Where a prefix sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Locant {
    /// On the nitrogen of an amine or amide suffix.
    Nitrogen,
    /// On a position of the parent, counted from 1.
    Position(u8),
}

impl Locant {
    /// The position number, unless it is the nitrogen.
    pub fn position(self) -> Option<u8> {
        match self {
            Locant::Position(number) => Some(number),
            Locant::Nitrogen => None,
        }
    }
}

/// A substitutive name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub parent: Parent,
    /// First atom of the multiple bond and its kind.
    pub unsaturation: Option<(u8, Unsaturation)>,
    pub suffix: Suffix,
    /// Positions of the suffix, ascending; empty only for [`Suffix::None`].
    pub suffix_locants: Vec<u8>,
    /// Prefixes in the order of citation: alphabetical, then by locant.
    pub substituents: Vec<(Locant, &'static Substituent)>,
    /// The alkyl group of an ester's alcohol.
    pub ester_alkyl: Option<&'static Substituent>,
}

impl Suffix {
    /// On a chain this suffix names the carbon at the end of the chain, which is position 1 without being said.
    pub fn is_terminal(self) -> bool {
        matches!(self, Suffix::Acid | Suffix::Ester | Suffix::Amide | Suffix::Nitrile | Suffix::Aldehyde)
    }
}

impl Parent {
    /// A saturated or aromatic ring.
    pub fn is_cyclic(self) -> bool {
        self.skeleton != Skeleton::Chain
    }

    /// Benzene or pyridine.
    pub fn is_aromatic(self) -> bool {
        matches!(self.skeleton, Skeleton::Benzene | Skeleton::Pyridine)
    }
}

impl Name {
    /// Puts the prefixes into the order of citation.
    pub fn sort_prefixes(&mut self) {
        self.substituents.sort_by(|(first, left), (second, right)| {
            left.alphabet.cmp(right.alphabet).then(left.name.cmp(right.name)).then(first.cmp(second))
        });
        self.suffix_locants.sort_unstable();
    }
}

#[cfg(test)]
mod tests;
