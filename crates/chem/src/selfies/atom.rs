//! Atoms, as SMILES and as the body of a SELFIES symbol.

use cosmolkit::Element;

use super::constraints::Constraints;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chirality {
    /// `@`
    Anticlockwise,
    /// `@@`
    Clockwise,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Atom {
    pub element: Element,
    pub aromatic: bool,
    pub isotope: Option<u32>,
    pub chirality: Option<Chirality>,
    /// Hydrogens written in brackets; `None` for an atom without brackets.
    pub hydrogens: Option<u8>,
    pub charge: i32,
}

/// Elements that SMILES writes without brackets.
const ORGANIC: [&str; 10] = ["B", "C", "N", "O", "S", "P", "F", "Cl", "Br", "I"];

/// Elements whose symbols in small letters are aromatic atoms in brackets.
const AROMATIC: [&str; 11] = ["B", "Al", "C", "Si", "N", "P", "As", "O", "S", "Se", "Te"];

/// The four elements of the seventh period that SELFIES has no symbol for: Nh, Mc, Ts, Og.
const WITHOUT_SYMBOL: [u8; 4] = [113, 115, 117, 118];

fn element(symbol: &str) -> Option<Element> {
    Element::from_symbol(symbol)
        .filter(|element| element.atomic_number() > 0 && !WITHOUT_SYMBOL.contains(&element.atomic_number()))
}

/// The two ways of writing what stands in brackets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Grammar {
    /// `nH`, `O-`, `Fe++`, `CH3:1`
    Smiles,
    /// `NH1`, `O-1`, `Fe+2`: capitals, and counts always written.
    Selfies,
}

impl Atom {
    fn plain(element: Element) -> Atom {
        Atom { element, aromatic: false, isotope: None, chirality: None, hydrogens: None, charge: 0 }
    }

    /// An atom that SMILES writes without brackets, aromatic or not.
    pub fn without_brackets(symbol: &str) -> Option<Atom> {
        let (symbol, aromatic) = match symbol {
            "b" => ("B", true),
            "c" => ("C", true),
            "n" => ("N", true),
            "o" => ("O", true),
            "p" => ("P", true),
            "s" => ("S", true),
            _ if ORGANIC.contains(&symbol) => (symbol, false),
            _ => return None,
        };
        element(symbol).map(|element| Atom { aromatic, ..Atom::plain(element) })
    }

    /// What stands in the brackets of a SMILES atom.
    pub fn from_smiles(body: &str) -> Option<Atom> {
        Atom::read(body, Grammar::Smiles)
    }

    /// What stands in the brackets of a SELFIES symbol, after the sign of the bond.
    pub fn from_selfies(body: &str) -> Option<Atom> {
        if ORGANIC.contains(&body) { element(body).map(Atom::plain) } else { Atom::read(body, Grammar::Selfies) }
    }

    fn read(body: &str, grammar: Grammar) -> Option<Atom> {
        let mut rest = Rest(body.as_bytes());
        let isotope = rest.number()?;
        let first = rest.take(u8::is_ascii_alphabetic)?;
        let second = rest.take(u8::is_ascii_lowercase);
        let small = first.is_ascii_lowercase();
        if small && grammar == Grammar::Selfies {
            return None;
        }
        let letters = [first.to_ascii_uppercase(), second.unwrap_or(0)];
        let symbol = std::str::from_utf8(&letters[..1 + usize::from(second.is_some())]).ok()?;
        let mut atom = Atom::plain(element(symbol)?);
        atom.aromatic = small && AROMATIC.contains(&symbol);
        atom.isotope = isotope;
        atom.chirality = match (rest.is(b'@'), rest.is(b'@')) {
            (true, true) => Some(Chirality::Clockwise),
            (true, false) => Some(Chirality::Anticlockwise),
            _ => None,
        };
        atom.hydrogens = Some(rest.hydrogens(grammar)?);
        atom.charge = rest.charge(grammar)?;
        if grammar == Grammar::Smiles && rest.is(b':') {
            rest.number()??;
        }
        rest.0.is_empty().then_some(atom)
    }

    /// Bonds to other atoms that the constraints allow; negative when the hydrogens alone are too many.
    pub fn capacity(&self, constraints: Constraints) -> i32 {
        i32::from(constraints.capacity(self.element, self.charge)) - i32::from(self.hydrogens.unwrap_or(0))
    }

    pub fn invert(&mut self) {
        self.chirality = self.chirality.map(|chirality| match chirality {
            Chirality::Anticlockwise => Chirality::Clockwise,
            Chirality::Clockwise => Chirality::Anticlockwise,
        });
    }

    /// The atom as SMILES, in brackets where they are needed.
    pub fn push_smiles(&self, text: &mut String) {
        if self.hydrogens.is_none() {
            self.push_body(text);
        } else {
            text.push('[');
            self.push_body(text);
            text.push(']');
        }
    }

    /// What stands in brackets, counts always written.
    pub fn push_body(&self, text: &mut String) {
        if let Some(isotope) = self.isotope {
            text.push_str(&isotope.to_string());
        }
        let symbol = self.element.symbol();
        text.push_str(symbol);
        text.push_str(match self.chirality {
            Some(Chirality::Anticlockwise) => "@",
            Some(Chirality::Clockwise) => "@@",
            None => "",
        });
        match self.hydrogens {
            // Without the zero the symbol would be that of the atom without brackets, whose hydrogens follow from its bonds.
            Some(0)
                if self.isotope.is_none()
                    && self.chirality.is_none()
                    && self.charge == 0
                    && ORGANIC.contains(&symbol) =>
            {
                text.push_str("H0");
            }
            Some(0) | None => {}
            Some(count) => {
                text.push('H');
                // The grammar has one digit.
                text.push(char::from(b'0' + count));
            }
        }
        if self.charge != 0 {
            text.push_str(&format!("{:+}", self.charge));
        }
    }
}

/// What is left of a text.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take(&mut self, wanted: impl Fn(&u8) -> bool) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        if !wanted(first) {
            return None;
        }
        self.0 = rest;
        Some(*first)
    }

    fn is(&mut self, byte: u8) -> bool {
        self.take(|next| *next == byte).is_some()
    }

    /// A number, if one stands here; the outer `None` when it is too large.
    fn number(&mut self) -> Option<Option<u32>> {
        let mut value = None;
        while let Some(digit) = self.take(u8::is_ascii_digit) {
            value = Some(value.unwrap_or(0u32).checked_mul(10)?.checked_add(u32::from(digit - b'0'))?);
        }
        Some(value)
    }

    fn hydrogens(&mut self, grammar: Grammar) -> Option<u8> {
        if !self.is(b'H') {
            return Some(0);
        }
        match self.take(u8::is_ascii_digit) {
            Some(digit) => Some(digit - b'0'),
            None => (grammar == Grammar::Smiles).then_some(1),
        }
    }

    fn charge(&mut self, grammar: Grammar) -> Option<i32> {
        let Some(sign) = self.take(|byte| matches!(byte, b'+' | b'-')) else {
            return Some(0);
        };
        let size = if grammar == Grammar::Smiles && self.0.first() == Some(&sign) {
            let mut count = 1;
            while self.is(sign) {
                count += 1;
            }
            Some(count)
        } else {
            // The package reads no zero in the charge of a symbol, though it writes `+10`.
            if grammar == Grammar::Selfies && self.0.contains(&b'0') {
                return None;
            }
            self.number()?
        };
        let size = match (size, grammar) {
            (None, Grammar::Selfies) => return None,
            (size, _) => i32::try_from(size.unwrap_or(1)).ok()?,
        };
        Some(if sign == b'+' { size } else { -size })
    }
}
