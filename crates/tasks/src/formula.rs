//! Molecular formulas: parsing and Hill order.

use std::collections::BTreeMap;

use crate::verdict::{Judgement, Reason};

/// Symbols of the 118 elements, in the order of their atomic numbers.
const ELEMENTS: &str = "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br \
Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os \
Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv \
Ts Og";

/// Longest formula that is read, in bytes.
const MAX_BYTES: usize = 200;

/// A molecular formula: element counts and charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formula {
    /// Atoms by element symbol; no zero counts.
    pub counts: BTreeMap<String, u32>,
    pub charge: i32,
}

impl Formula {
    /// Reads a formula such as `C2H6O`, `H2O`, `C2H6N+` or `O4S-2`.
    ///
    /// Elements may stand in any order, each once; counts are 1 to 99999 without leading zero; a charge at the end is a
    /// sign and an optional number. Condensed structures (`CH3CH2OH`), parentheses, dots and isotopes are no molecular
    /// formula. Unicode subscript digits are read as digits.
    pub fn parse(text: &str) -> Option<Formula> {
        if text.is_empty() || text.len() > MAX_BYTES {
            return None;
        }
        let characters: Vec<char> = text.chars().map(plain_digit).collect();
        let mut counts = BTreeMap::new();
        let mut position = 0;
        while let Some(first) = characters.get(position).filter(|c| c.is_ascii_uppercase()) {
            let mut symbol = first.to_string();
            position += 1;
            if let Some(second) = characters.get(position).filter(|c| c.is_ascii_lowercase()) {
                symbol.push(*second);
                position += 1;
            }
            if !ELEMENTS.split(' ').any(|element| element == symbol) {
                return None;
            }
            let count = number(&characters, &mut position)?.unwrap_or(1);
            if counts.insert(symbol, count).is_some() {
                return None;
            }
        }
        let charge = match characters.get(position) {
            None => 0,
            Some(sign @ ('+' | '-')) => {
                position += 1;
                let size = number(&characters, &mut position)?.unwrap_or(1);
                let size = i32::try_from(size).ok()?;
                if *sign == '+' { size } else { -size }
            }
            Some(_) => return None,
        };
        (position == characters.len() && !counts.is_empty()).then_some(Formula { counts, charge })
    }

    /// Hill order: carbon, hydrogen, then the others by symbol; without carbon all by symbol. Charge as RDKit writes it.
    pub fn hill(&self) -> String {
        let mut text = String::new();
        let mut write = |symbol: &str, count: u32| {
            text.push_str(symbol);
            if count > 1 {
                text.push_str(&count.to_string());
            }
        };
        let carbon = self.counts.get("C");
        if let Some(&count) = carbon {
            write("C", count);
            if let Some(&hydrogens) = self.counts.get("H") {
                write("H", hydrogens);
            }
        }
        for (symbol, &count) in &self.counts {
            if carbon.is_none() || (symbol != "C" && symbol != "H") {
                write(symbol, count);
            }
        }
        if self.charge != 0 {
            text.push(if self.charge > 0 { '+' } else { '-' });
            if self.charge.abs() > 1 {
                text.push_str(&self.charge.unsigned_abs().to_string());
            }
        }
        text
    }

    /// Share of the elements (of both formulas together) whose counts agree, 0..=1.
    pub fn agreement(&self, other: &Formula) -> f64 {
        let symbols: std::collections::BTreeSet<&String> = self.counts.keys().chain(other.counts.keys()).collect();
        let same = symbols.iter().filter(|symbol| self.counts.get(**symbol) == other.counts.get(**symbol)).count();
        same as f64 / symbols.len().max(1) as f64
    }
}

fn plain_digit(character: char) -> char {
    match character {
        '\u{2080}'..='\u{2089}' => char::from(b'0' + (u32::from(character) - 0x2080) as u8),
        other => other,
    }
}

/// A number at the position: `None` when it is malformed, `Some(None)` when there is none.
fn number(characters: &[char], position: &mut usize) -> Option<Option<u32>> {
    let start = *position;
    while characters.get(*position).is_some_and(char::is_ascii_digit) {
        *position += 1;
    }
    let digits = &characters[start..*position];
    match digits {
        [] => Some(None),
        ['0', ..] => None,
        _ if digits.len() > 5 => None,
        _ => Some(Some(digits.iter().fold(0, |value, digit| value * 10 + digit.to_digit(10).unwrap_or(0)))),
    }
}

/// Judges an answer that must be the same formula as the reference. Part `element_agreement`: the share of elements whose counts
/// agree.
pub(crate) fn same_formula(answer: &str, reference: &str) -> Judgement {
    let Some(reference) = Formula::parse(reference.trim()) else {
        return Judgement::unreadable(Reason::BrokenExample);
    };
    let Some(given) = Formula::parse(answer) else {
        return Judgement::unreadable(Reason::BadFormula);
    };
    Judgement::of(given == reference).part("element_agreement", given.agreement(&reference))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_orders() {
        for (text, hill) in [
            ("C2H6O", "C2H6O"),
            ("OH6C2", "C2H6O"),
            ("C₂H₆O", "C2H6O"),
            ("C1H4", "CH4"),
            ("H2O", "H2O"),
            ("ClH", "ClH"),
            ("HCl", "ClH"),
            ("CHCl3", "CHCl3"),
            ("C2H8N+", "C2H8N+"),
            ("O4S-2", "O4S-2"),
            ("BrCH3", "CH3Br"),
            ("NaCl", "ClNa"),
        ] {
            assert_eq!(Formula::parse(text).map(|formula| formula.hill()).as_deref(), Some(hill), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_molecular_formula() {
        for text in [
            "", "c2h6o", "C2H6O ", "CH3CH2OH", "(CH3)2CO", "C2H6O.Cl", "C02", "C0", "C123456", "Xx2", "2C", "C2H6O++",
            "C+-", "[13C]", "é", "+", "C2H6O+2x", "D2O",
        ] {
            assert_eq!(Formula::parse(text), None, "{text}");
        }
        assert_eq!(Formula::parse(&"C2".repeat(200)), None);
    }

    #[test]
    fn agreement_counts_elements() {
        let parse = |text| Formula::parse(text).unwrap();
        assert_eq!(parse("C2H6O").agreement(&parse("C2H6O")), 1.0);
        assert_eq!(parse("C2H6O").agreement(&parse("C2H6N")), 0.5);
    }
}
