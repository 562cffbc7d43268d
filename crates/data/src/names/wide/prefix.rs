//! Prefixes of levels 4 and 5: those of the smaller grammar, and larger ones.

use std::sync::LazyLock;

use crate::names::Suffix;
use crate::names::vocabulary::{SUBSTITUENTS, Shape};

/// Where a prefix may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An alkyl group or one like it: bound through carbon, without a ring, on carbon or nitrogen.
    Alkyl,
    /// Bound through carbon, on carbon alone.
    Carbon,
    /// A ring of carbon.
    Ring,
    /// A ring with heteroatoms; next to a suffix only, so that the parent is the one with the suffix.
    HeteroRing,
    Halogen,
    /// Bound through oxygen, nitrogen or sulfur.
    Polar,
}

/// A prefix of the larger grammar.
#[derive(Debug)]
pub(super) struct Prefix {
    /// As it stands in a name, with its brackets.
    pub written: String,
    /// What alphabetical order looks at.
    pub alphabet: String,
    /// From the atom that binds, ring digits 1 and 2.
    pub smiles: &'static str,
    pub kind: Kind,
    /// The suffix must be senior to this one; `None` for prefixes that are no characteristic groups.
    pub senior: Option<Suffix>,
    pub level: u8,
    pub weight: u32,
}

impl Prefix {
    /// Set in brackets and multiplied by bis.
    pub fn is_compound(&self) -> bool {
        self.written.starts_with(['(', '['])
    }

    pub fn may_stand_beside(&self, suffix: Suffix) -> bool {
        self.senior.is_none_or(|senior| suffix < senior)
    }
}

const fn row(
    written: &'static str,
    smiles: &'static str,
    kind: Kind,
    senior: Option<Suffix>,
    level: u8,
    weight: u32,
) -> (&'static str, &'static str, Kind, Option<Suffix>, u8, u32) {
    (written, smiles, kind, senior, level, weight)
}

/// Prefix, text, kind, suffix, level and weight.
type Entry = (&'static str, &'static str, Kind, Option<Suffix>, u8, u32);

const ROWS: &[Entry] = &[
    row("benzyl", "Cc1ccccc1", Kind::Ring, None, 4, 4),
    row("phenoxy", "Oc1ccccc1", Kind::Polar, None, 4, 3),
    row("(propan-2-yloxy)", "OC(C)C", Kind::Polar, None, 4, 2),
    row("(trifluoromethoxy)", "OC(F)(F)F", Kind::Polar, None, 4, 2),
    row("(difluoromethyl)", "C(F)F", Kind::Carbon, None, 4, 2),
    row("(methanesulfonyl)", "S(C)(=O)=O", Kind::Polar, None, 4, 3),
    row("acetyl", "C(C)=O", Kind::Carbon, Some(Suffix::Ketone), 4, 3),
    row("formyl", "C=O", Kind::Carbon, Some(Suffix::Aldehyde), 4, 2),
    row("acetamido", "NC(C)=O", Kind::Polar, Some(Suffix::Amide), 4, 3),
    row("sulfanyl", "S", Kind::Polar, Some(Suffix::Alcohol), 4, 2),
    row("ethenyl", "C=C", Kind::Carbon, None, 4, 2),
    row("ethynyl", "C#C", Kind::Carbon, None, 4, 2),
    row("(2-methylpropyl)", "CC(C)C", Kind::Alkyl, None, 4, 2),
    row("(diethylamino)", "N(CC)CC", Kind::Polar, Some(Suffix::Amine), 4, 2),
    row("(4-chlorophenyl)", "c1ccc(Cl)cc1", Kind::Ring, None, 4, 3),
    row("(4-fluorophenyl)", "c1ccc(F)cc1", Kind::Ring, None, 4, 3),
    row("(3-methoxyphenyl)", "c1cccc(OC)c1", Kind::Ring, None, 5, 2),
    row("(2,4-dichlorophenyl)", "c1ccc(Cl)cc1Cl", Kind::Ring, None, 5, 2),
    row("[3-(trifluoromethyl)phenyl]", "c1cccc(C(F)(F)F)c1", Kind::Ring, None, 5, 2),
    row("[(4-fluorophenyl)methyl]", "Cc1ccc(F)cc1", Kind::Ring, None, 5, 2),
    row("(cyclopropylmethyl)", "CC1CC1", Kind::Alkyl, None, 5, 2),
    row("(2-methoxyethyl)", "CCOC", Kind::Alkyl, None, 5, 2),
    row("(benzyloxy)", "OCc1ccccc1", Kind::Polar, None, 5, 2),
    row("(4-methoxyphenoxy)", "Oc1ccc(OC)cc1", Kind::Polar, None, 5, 2),
    row("(methoxycarbonyl)", "C(=O)OC", Kind::Carbon, Some(Suffix::Ester), 5, 3),
    row("carbamoyl", "C(N)=O", Kind::Carbon, Some(Suffix::Amide), 5, 3),
    row("(acetyloxy)", "OC(C)=O", Kind::Polar, Some(Suffix::Ester), 5, 2),
    row("sulfamoyl", "S(N)(=O)=O", Kind::Polar, Some(Suffix::Amide), 5, 2),
    row("(furan-2-yl)", "c1ccco1", Kind::HeteroRing, None, 5, 3),
    row("(thiophen-2-yl)", "c1cccs1", Kind::HeteroRing, None, 5, 3),
    row("(pyridin-3-yl)", "c1cccnc1", Kind::HeteroRing, None, 5, 3),
    row("(pyridin-4-yl)", "c1ccncc1", Kind::HeteroRing, None, 5, 2),
    row("(1H-indol-3-yl)", "c1c[nH]c2ccccc12", Kind::HeteroRing, None, 5, 2),
    row("(naphthalen-1-yl)", "c1cccc2ccccc12", Kind::HeteroRing, None, 5, 2),
    row("(morpholin-4-yl)", "N1CCOCC1", Kind::HeteroRing, None, 5, 3),
    row("(piperidin-1-yl)", "N1CCCCC1", Kind::HeteroRing, None, 5, 2),
    row("(pyrrolidin-1-yl)", "N1CCCC1", Kind::HeteroRing, None, 5, 2),
    row("(4-methylpiperazin-1-yl)", "N1CCN(C)CC1", Kind::HeteroRing, None, 5, 2),
    row("[(propan-2-yl)amino]", "NC(C)C", Kind::Polar, Some(Suffix::Amine), 5, 2),
    row("(phenylamino)", "Nc1ccccc1", Kind::Polar, Some(Suffix::Amine), 5, 2),
    row("azido", "N=[N+]=[N-]", Kind::Polar, None, 5, 1),
];

/// Which suffix must be senior to a prefix of the smaller grammar.
fn senior(name: &str) -> Option<Suffix> {
    match name {
        "oxo" => Some(Suffix::Ketone),
        "hydroxy" | "hydroxymethyl" => Some(Suffix::Alcohol),
        "amino" | "methylamino" | "dimethylamino" => Some(Suffix::Amine),
        "cyano" => Some(Suffix::Nitrile),
        _ => None,
    }
}

/// Letters of a prefix without locants and brackets; italics such as `tert` do not count either.
fn alphabet(written: &str) -> String {
    let letters = |text: &str| text.chars().filter(char::is_ascii_lowercase).collect::<String>();
    letters(written.strip_prefix("tert-").unwrap_or(written))
}

pub(super) static PREFIXES: LazyLock<Vec<Prefix>> = LazyLock::new(|| {
    let known = SUBSTITUENTS.iter().filter(|entry| entry.shape != Shape::Oxo).map(|entry| Prefix {
        written: if entry.compound { format!("({})", entry.name) } else { entry.name.to_string() },
        alphabet: alphabet(entry.name),
        smiles: entry.smiles,
        kind: match entry.shape {
            Shape::Alkyl(_) => Kind::Alkyl,
            Shape::Branched(_) if matches!(entry.name, "propan-2-yl" | "tert-butyl") => Kind::Alkyl,
            Shape::Branched(_) => Kind::Carbon,
            Shape::Ring => Kind::Ring,
            Shape::Halogen => Kind::Halogen,
            Shape::Withdrawing if entry.name == "cyano" => Kind::Carbon,
            Shape::Hetero | Shape::Oxo | Shape::Withdrawing => Kind::Polar,
        },
        senior: senior(entry.name),
        level: 4,
        weight: entry.weight,
    });
    let larger = ROWS.iter().map(|&(written, smiles, kind, senior, level, weight)| Prefix {
        written: written.to_string(),
        alphabet: alphabet(written),
        smiles,
        kind,
        senior,
        level,
        weight,
    });
    known.chain(larger).collect()
});

/// Moves the ring digits of a text up, so that they do not meet those that are open around it.
pub(super) fn with_digits_above(smiles: &str, open: u8) -> String {
    let mut inside = false;
    let shift = |letter: char| {
        inside = (inside || letter == '[') && letter != ']';
        match letter.to_digit(10).filter(|_| !inside).and_then(|digit| char::from_digit(digit + u32::from(open), 10)) {
            Some(digit) => digit,
            None => letter,
        }
    };
    smiles.chars().map(shift).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_letters() {
        assert_eq!(with_digits_above("c1c[nH]c2ccccc12", 3), "c4c[nH]c5ccccc45");
        assert_eq!(with_digits_above("[C@@H]1C[13CH2]1", 2), "[C@@H]3C[13CH2]3");
        assert_eq!(alphabet("[3-(trifluoromethyl)phenyl]"), "trifluoromethylphenyl");
        assert_eq!(alphabet("tert-butyl"), "butyl");
        assert_eq!(alphabet("(1H-indol-3-yl)"), "indolyl");
        for prefix in PREFIXES.iter() {
            let smiles = format!("C1CC1{}", with_digits_above(prefix.smiles, 3));
            assert!(chemr_chem::Mol::parse(&smiles).is_ok(), "{}", prefix.written);
        }
    }
}
