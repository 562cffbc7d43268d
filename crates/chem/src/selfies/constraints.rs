//! How many bonds an atom may have.

use cosmolkit::Element;

/// A table of bonds that an atom may have, by element and charge.
///
/// The values are those that the package `selfies` 2.2.0 computes with; its documentation gives others for `P+1`, `P-1` and
/// `S+1` of the hypervalent table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Constraints {
    /// `default`: phosphorus up to 5, sulfur up to 6, nitrogen 3, halogens 1.
    #[default]
    Default,
    /// `octet_rule`: phosphorus 3, sulfur 2.
    OctetRule,
    /// `hypervalent`: chlorine, bromine and iodine up to 7, nitrogen up to 5.
    Hypervalent,
}

/// An atom that a table names: atomic number, charge, bonds.
type Row = (u8, i32, u8);

/// Bonds of every atom that no table names.
const OTHER: u8 = 8;

const DEFAULT: [Row; 23] = [
    (1, 0, 1),
    (9, 0, 1),
    (17, 0, 1),
    (35, 0, 1),
    (53, 0, 1),
    (5, 0, 3),
    (5, 1, 2),
    (5, -1, 4),
    (8, 0, 2),
    (8, 1, 3),
    (8, -1, 1),
    (7, 0, 3),
    (7, 1, 4),
    (7, -1, 2),
    (6, 0, 4),
    (6, 1, 3),
    (6, -1, 3),
    (15, 0, 5),
    (15, 1, 4),
    (15, -1, 6),
    (16, 0, 6),
    (16, 1, 5),
    (16, -1, 5),
];

/// Rows that stand before those of the default table.
const OCTET_RULE: [Row; 6] = [(16, 0, 2), (16, 1, 3), (16, -1, 1), (15, 0, 3), (15, 1, 4), (15, -1, 2)];
const HYPERVALENT: [Row; 4] = [(17, 0, 7), (35, 0, 7), (53, 0, 7), (7, 0, 5)];

impl Constraints {
    /// Every table.
    pub const ALL: [Constraints; 3] = [Constraints::Default, Constraints::OctetRule, Constraints::Hypervalent];

    /// The name that the package gives the table.
    pub fn name(self) -> &'static str {
        match self {
            Constraints::Default => "default",
            Constraints::OctetRule => "octet_rule",
            Constraints::Hypervalent => "hypervalent",
        }
    }

    /// Bonds that an atom may have, those to hydrogens in brackets included.
    pub(super) fn capacity(self, element: Element, charge: i32) -> u8 {
        let own: &[Row] = match self {
            Constraints::Default => &[],
            Constraints::OctetRule => &OCTET_RULE,
            Constraints::Hypervalent => &HYPERVALENT,
        };
        let atom = (element.atomic_number(), charge);
        own.iter().chain(&DEFAULT).find(|row| (row.0, row.1) == atom).map_or(OTHER, |row| row.2)
    }

    /// Symbols from which any row is a molecule within this table, sorted: its atoms with every bond they can have, branches,
    /// rings, and the digits.
    pub fn robust_alphabet(self) -> Vec<String> {
        let mut alphabet: Vec<String> = super::symbol::DIGITS.iter().map(|digit| format!("[{digit}]")).collect();
        for (number, charge, _) in DEFAULT {
            let Some(element) = Element::from_atomic_number(number) else { continue };
            let capacity = usize::from(self.capacity(element, charge));
            let sign = if charge == 0 { String::new() } else { format!("{charge:+}") };
            let bonds = ["", "=", "#"];
            alphabet.extend(bonds.iter().take(capacity).map(|bond| format!("[{bond}{}{sign}]", element.symbol())));
        }
        for length in 1..=3 {
            alphabet.extend(["Branch", "=Branch", "#Branch", "Ring", "=Ring"].map(|name| format!("[{name}{length}]")));
        }
        alphabet.sort_unstable();
        alphabet.dedup();
        alphabet
    }
}
