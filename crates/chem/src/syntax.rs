//! The grammar of SMILES as RDKit 2026.9.1 reads it, without any chemistry.
//!
//! The toolkit checks the grammar too; this pass runs first because it is cheap, gives every
//! error its class and byte position, and counts what the gate limits (atoms, rings) before any
//! expensive step. It decides nothing about valence or aromaticity.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{ChemError, ErrorClass};

/// What a well-formed text holds.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    /// Byte offset of each atom in the order of the text (a bracket atom starts at its `[`).
    pub atoms: Vec<usize>,
    /// Atoms written as hydrogen (`[H]`, `[2H]`, `[H+]`).
    pub hydrogens: usize,
    /// For each atom whether it may become part of an aromatic system (see [`crate::cost`]).
    pub open: Vec<bool>,
    /// For each atom whether it is the wildcard `*`.
    pub wildcard: Vec<bool>,
    /// Every bond as a pair of atom indices, ring closures last.
    pub bonds: Vec<(usize, usize)>,
    /// Ring closures.
    pub rings: usize,
    /// Element symbols that RDKit reads and the toolkit does not.
    pub edits: Vec<Edit>,
    /// Largest isotope number.
    pub largest_isotope: u32,
}

/// A stretch of the text to be put in other words for the toolkit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub start: usize,
    pub end: usize,
    pub meaning: Meaning,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// An obsolete or quoted symbol of this element.
    Element(&'static str),
    /// Aromatic silicon with this isotope number; the stretch begins at the number.
    AromaticSilicon(u32),
}

impl Outline {
    /// Atoms other than hydrogen.
    pub fn heavy_atoms(&self) -> usize {
        self.atoms.len() - self.hydrogens
    }
}

/// What may come next outside brackets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the start or after `.`: an atom.
    Atom,
    /// After `(`: an atom or a bond.
    BranchStart,
    /// After a bond inside `(`: an atom.
    BranchBond,
    /// After a bond: an atom or a ring number.
    Bond,
    /// After an atom, ring number or `)`: anything.
    Any,
}

struct Opening {
    atom: usize,
    position: usize,
    /// Written with a bond other than a single one.
    multiple: bool,
}

/// What the scanner learns of an atom besides its place.
#[derive(Clone, Copy, Default)]
struct Kind {
    hydrogen: bool,
    wildcard: bool,
    open: bool,
}

impl Kind {
    fn of(symbol: &[u8]) -> Kind {
        Kind {
            hydrogen: symbol == b"H",
            wildcard: symbol == b"*",
            open: symbol == b"*" || symbol[0].is_ascii_lowercase() || OPEN.contains(&symbol),
        }
    }
}

/// Elements that can join an aromatic system without a multiple bond of their own.
const OPEN: [&[u8]; 11] = [b"B", b"N", b"O", b"P", b"S", b"Al", b"Si", b"As", b"Se", b"Te", b"Be"];

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    state: State,
    current: usize,
    joined: bool,
    multiple: bool,
    outline: Outline,
    branches: Vec<Opening>,
    rings: BTreeMap<u32, Vec<Opening>>,
}

/// Reads the grammar of `text`, which the gate has passed.
///
/// # Errors
/// `syntax`, `unbalanced_parentheses`, `unclosed_ring` or `duplicate_ring_bond`, with RDKit's
/// precedence: what the parser meets first, then open branches, then ring numbers in ascending
/// order.
pub(crate) fn outline(text: &str) -> Result<Outline, ChemError> {
    let mut scanner = Scanner {
        text: text.as_bytes(),
        at: 0,
        state: State::Atom,
        current: 0,
        joined: false,
        multiple: false,
        outline: Outline::default(),
        branches: Vec::new(),
        rings: BTreeMap::new(),
    };
    scanner.run()?;
    scanner.close_rings()?;
    Ok(scanner.outline)
}

fn syntax(position: usize, message: impl Into<String>) -> ChemError {
    ChemError::at(ErrorClass::Syntax, position, message)
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    /// The error for a token that cannot stand here; at the end of the text the last character
    /// is to blame.
    fn unexpected(&self) -> ChemError {
        match self.peek(0) {
            Some(byte) => syntax(self.at, format!("'{}' cannot stand here", char::from(byte))),
            None => syntax(self.text.len().saturating_sub(1), "the text ends where an atom must follow"),
        }
    }

    fn run(&mut self) -> Result<(), ChemError> {
        while let Some(byte) = self.peek(0) {
            match byte {
                b'[' => self.bracket()?,
                b'(' => {
                    self.expect(&[State::Any])?;
                    self.branches.push(Opening { atom: self.current, position: self.at, multiple: false });
                    self.state = State::BranchStart;
                    self.at += 1;
                }
                b')' => {
                    self.expect(&[State::Any])?;
                    let opening = self
                        .branches
                        .pop()
                        .ok_or_else(|| ChemError::at(ErrorClass::UnbalancedParentheses, self.at, "')' without '('"))?;
                    self.current = opening.atom;
                    self.at += 1;
                }
                b'.' => {
                    self.expect(&[State::Any])?;
                    self.state = State::Atom;
                    self.joined = false;
                    self.at += 1;
                }
                b'0'..=b'9' | b'%' => self.ring_number()?,
                b'=' | b'#' | b':' | b'$' | b'-' | b'<' | b'\\' | b'/' => self.bond()?,
                _ => self.bare_atom()?,
            }
        }
        if self.state != State::Any {
            return Err(self.unexpected());
        }
        if let Some(opening) = self.branches.first() {
            return Err(ChemError::at(ErrorClass::UnbalancedParentheses, opening.position, "'(' without ')'"));
        }
        Ok(())
    }

    fn expect(&self, states: &[State]) -> Result<(), ChemError> {
        if states.contains(&self.state) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn bond(&mut self) -> Result<(), ChemError> {
        self.expect(&[State::Any, State::BranchStart])?;
        let width = match (self.peek(0), self.peek(1)) {
            (Some(b'-'), Some(b'>')) | (Some(b'<'), Some(b'-')) | (Some(b'\\'), Some(b'\\')) => 2,
            (Some(b'<'), _) => return Err(self.unexpected()),
            _ => 1,
        };
        self.multiple = matches!(self.peek(0), Some(b'=' | b'#' | b'$' | b':'));
        self.at += width;
        self.state = if self.state == State::BranchStart { State::BranchBond } else { State::Bond };
        Ok(())
    }

    fn ring_number(&mut self) -> Result<(), ChemError> {
        self.expect(&[State::Any, State::Bond])?;
        let position = self.at;
        let number = self.read_ring_number()?;
        self.rings.entry(number).or_default().push(Opening {
            atom: self.current,
            position,
            multiple: std::mem::take(&mut self.multiple),
        });
        self.state = State::Any;
        Ok(())
    }

    fn digit(&mut self) -> Option<u32> {
        let byte = self.peek(0).filter(u8::is_ascii_digit)?;
        self.at += 1;
        Some(u32::from(byte - b'0'))
    }

    fn read_ring_number(&mut self) -> Result<u32, ChemError> {
        if let Some(digit) = self.digit() {
            return Ok(digit);
        }
        self.at += 1;
        if self.peek(0) == Some(b'(') {
            self.at += 1;
            let mut number = self.digit().ok_or_else(|| self.unexpected())?;
            for _ in 0..4 {
                match self.digit() {
                    Some(digit) => number = number * 10 + digit,
                    None => break,
                }
            }
            if self.peek(0) != Some(b')') {
                return Err(self.unexpected());
            }
            self.at += 1;
            return Ok(number);
        }
        if self.peek(0) == Some(b'0') {
            return Err(self.unexpected());
        }
        let tens = self.digit().ok_or_else(|| self.unexpected())?;
        let ones = self.digit().ok_or_else(|| self.unexpected())?;
        Ok(tens * 10 + ones)
    }

    fn bare_atom(&mut self) -> Result<(), ChemError> {
        let width = match (self.peek(0), self.peek(1)) {
            (Some(b'C'), Some(b'l')) | (Some(b'B'), Some(b'r')) => 2,
            (
                Some(
                    b'B' | b'C' | b'N' | b'O' | b'P' | b'S' | b'F' | b'I' | b'b' | b'c' | b'n' | b'o' | b'p' | b's'
                    | b'*',
                ),
                _,
            ) => 1,
            _ => return Err(self.unexpected()),
        };
        let kind = Kind::of(&self.text[self.at..self.at + width]);
        self.add_atom(self.at, kind);
        self.at += width;
        Ok(())
    }

    fn add_atom(&mut self, position: usize, kind: Kind) {
        let index = self.outline.atoms.len();
        let multiple = std::mem::take(&mut self.multiple);
        self.outline.atoms.push(position);
        self.outline.hydrogens += usize::from(kind.hydrogen);
        self.outline.wildcard.push(kind.wildcard);
        self.outline.open.push(kind.open || multiple);
        if self.joined {
            self.outline.bonds.push((self.current, index));
            self.outline.open[self.current] |= multiple;
        }
        self.current = index;
        self.joined = true;
        self.state = State::Any;
    }

    fn number(&mut self) -> Result<Option<u32>, ChemError> {
        let Some(first) = self.digit() else {
            return Ok(None);
        };
        if first == 0 {
            return Ok(Some(0));
        }
        let mut value = first;
        loop {
            let position = self.at;
            let Some(digit) = self.digit() else {
                return Ok(Some(value));
            };
            // RDKit refuses as soon as another digit might not fit a signed 32-bit number.
            let largest = i32::MAX as u32;
            if value >= largest / 10 || value * 10 >= largest - digit {
                return Err(syntax(position, "the number is too large"));
            }
            value = value * 10 + digit;
        }
    }

    fn bracket(&mut self) -> Result<(), ChemError> {
        let start = self.at;
        self.at += 1;
        let isotope = self.number()?.unwrap_or(0);
        self.outline.largest_isotope = self.outline.largest_isotope.max(isotope);
        let mut kind = self.element()?;
        if self.text.get(self.at - 2..self.at) == Some(b"si") {
            self.outline.edits.push(Edit {
                start: start + 1,
                end: self.at,
                meaning: Meaning::AromaticSilicon(isotope),
            });
        }
        if !kind.hydrogen {
            self.chirality()?;
        }
        if self.peek(0) == Some(b'H') {
            self.at += 1;
            self.number()?;
        }
        kind.open |= self.charge()?;
        if self.peek(0) == Some(b':') {
            self.at += 1;
            if self.number()?.is_none() {
                return Err(self.unexpected());
            }
        }
        if self.peek(0) != Some(b']') {
            return Err(self.unexpected());
        }
        self.at += 1;
        self.add_atom(start, kind);
        Ok(())
    }

    /// Reads the element of a bracket atom, the longest symbol first.
    fn element(&mut self) -> Result<Kind, ChemError> {
        match self.peek(0) {
            Some(b'*') => {
                self.at += 1;
                return Ok(Kind::of(b"*"));
            }
            Some(b'#') => {
                self.at += 1;
                let position = self.at;
                return match self.number()? {
                    None => Err(self.unexpected()),
                    Some(number) if number > 118 => Err(syntax(position, "there is no such element")),
                    Some(number) => {
                        Ok(Kind { hydrogen: number == 1, wildcard: number == 0, open: number != 1 && number != 6 })
                    }
                };
            }
            Some(b'\'') => {
                // Some programs write the newest elements in quotes.
                let end = self.at + 4;
                let symbol = self.text.get(self.at + 1..self.at + 3);
                let known = HEAVIEST.iter().find(|(_, modern)| symbol == Some(modern.as_bytes()));
                return match (known, self.text.get(end - 1)) {
                    (Some((_, modern)), Some(b'\'')) => {
                        self.rename(end, modern);
                        Ok(Kind::default())
                    }
                    _ => Err(self.unexpected()),
                };
            }
            _ => {}
        }
        for width in [3, 2, 1] {
            let Some(symbol) = self.text.get(self.at..self.at + width) else {
                continue;
            };
            if width == 3 {
                let known = HEAVIEST.iter().find(|(old, _)| old.as_bytes() == symbol);
                if let Some((_, modern)) = known {
                    self.rename(self.at + 3, modern);
                    return Ok(Kind::default());
                }
            } else if is_symbol(symbol) {
                let kind = Kind::of(symbol);
                self.at += width;
                return Ok(kind);
            }
        }
        Err(self.unexpected())
    }

    /// Steps to `end` over a symbol that the toolkit knows by its modern name only.
    fn rename(&mut self, end: usize, modern: &'static str) {
        self.outline.edits.push(Edit { start: self.at, end, meaning: Meaning::Element(modern) });
        self.at = end;
    }

    fn chirality(&mut self) -> Result<(), ChemError> {
        if self.peek(0) != Some(b'@') {
            return Ok(());
        }
        let position = self.at;
        self.at += 1;
        let class = self.text.get(self.at..self.at + 2);
        let largest = match class {
            Some(b"TH" | b"AL") => 2,
            Some(b"SP") => 3,
            Some(b"TB") => 20,
            Some(b"OH") => 30,
            _ => {
                if self.peek(0) == Some(b'@') {
                    self.at += 1;
                }
                return Ok(());
            }
        };
        self.at += 2;
        if self.peek(0) == Some(b'0') {
            return Err(self.unexpected());
        }
        match self.number()? {
            Some(number) if number > largest => Err(syntax(position, "there is no such chirality")),
            _ => Ok(()),
        }
    }

    /// Reads a charge; whether there was one.
    fn charge(&mut self) -> Result<bool, ChemError> {
        let Some(sign @ (b'+' | b'-')) = self.peek(0) else {
            return Ok(false);
        };
        self.at += 1;
        if self.peek(0) == Some(sign) {
            self.at += 1;
        } else {
            self.number()?;
        }
        Ok(true)
    }

    /// Pairs the ring numbers, in ascending order as RDKit does.
    fn close_rings(&mut self) -> Result<(), ChemError> {
        if self.rings.is_empty() {
            return Ok(());
        }
        let mut bonded: BTreeSet<(usize, usize)> =
            self.outline.bonds.iter().map(|&(one, other)| (one.min(other), one.max(other))).collect();
        for (number, ends) in &self.rings {
            for pair in ends.chunks(2) {
                let [opening, closing] = pair else {
                    return Err(ChemError::at(
                        ErrorClass::UnclosedRing,
                        pair[0].position,
                        format!("ring number {number} is not closed"),
                    ));
                };
                if opening.atom == closing.atom {
                    return Err(ChemError::at(
                        ErrorClass::DuplicateRingBond,
                        closing.position,
                        format!("ring number {number} joins an atom to itself"),
                    ));
                }
                let joined = (opening.atom.min(closing.atom), opening.atom.max(closing.atom));
                if !bonded.insert(joined) {
                    return Err(ChemError::at(
                        ErrorClass::DuplicateRingBond,
                        closing.position,
                        format!("ring number {number} joins two atoms that are bonded already"),
                    ));
                }
                if opening.multiple || closing.multiple {
                    self.outline.open[opening.atom] = true;
                    self.outline.open[closing.atom] = true;
                }
                self.outline.bonds.push(joined);
                self.outline.rings += 1;
            }
        }
        Ok(())
    }
}

/// The heaviest elements: their provisional symbols, where RDKit reads them, and their names. The
/// latter may also stand in quotes.
const HEAVIEST: [(&str, &str); 15] = [
    ("", "Rf"),
    ("", "Db"),
    ("", "Sg"),
    ("", "Bh"),
    ("", "Hs"),
    ("", "Mt"),
    ("Uun", "Ds"),
    ("Uuu", "Rg"),
    ("Uub", "Cn"),
    ("Uut", "Nh"),
    ("Uuq", "Fl"),
    ("Uup", "Mc"),
    ("Uuh", "Lv"),
    ("Uus", "Ts"),
    ("Uuo", "Og"),
];

const SYMBOLS: &str = " H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni \
Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm \
Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu \
Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og b c n o p s si as se te ";

/// Whether these bytes are an element symbol that may stand in brackets.
fn is_symbol(symbol: &[u8]) -> bool {
    if symbol.contains(&b' ') {
        return false;
    }
    SYMBOLS
        .as_bytes()
        .windows(symbol.len() + 2)
        .any(|window| window[0] == b' ' && window[symbol.len() + 1] == b' ' && &window[1..=symbol.len()] == symbol)
}

/// The symbol of the atom that a well-formed text begins with, as elements write it (`Cl`, `C` and a zero byte): `None` inside for hydrogen, `None` for
/// an element that is written in another way.
pub(crate) fn heavy_symbol(atom: &str) -> Option<Option<[u8; 2]>> {
    let (text, is_bare) = match atom.strip_prefix('[') {
        Some(inside) => (inside.trim_start_matches(|letter: char| letter.is_ascii_digit()).as_bytes(), false),
        None => (atom.as_bytes(), true),
    };
    let first = *text.first()?;
    let second = text.get(1).copied().filter(|_| match is_bare {
        true => matches!(text, [b'C', b'l', ..] | [b'B', b'r', ..]),
        false => text.get(..2).is_some_and(is_symbol),
    });
    match (first, second) {
        (b'#' | b'\'', _) => None,
        (b'H', None) => Some(None),
        _ => Some(Some([first.to_ascii_uppercase(), second.unwrap_or(0)])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(text: &str) -> (ErrorClass, Option<usize>) {
        let error = outline(text).unwrap_err();
        (error.class, error.position)
    }

    #[test]
    fn atoms_bonds_and_rings_are_counted() {
        let found = outline("[2H]C(=O)c1ccc2c(c1)CC2.[Na+]").unwrap();
        assert_eq!(found.atoms.len(), 12);
        assert_eq!(found.heavy_atoms(), 11);
        assert_eq!(found.rings, 2);
        assert_eq!(found.bonds.len(), 12);
        assert_eq!(found.atoms[0], 0);
        assert_eq!(found.atoms[1], 4);
        assert_eq!(found.atoms[11], 24);
    }

    #[test]
    fn errors_have_the_class_and_place_that_rdkit_reports() {
        // RDKit 2026.9.1 prints "check for mistakes around position N", N counted from 1.
        use ErrorClass::{Syntax, UnbalancedParentheses};
        for (text, class, position) in [
            ("CC(", Syntax, 2),
            ("CC)C", UnbalancedParentheses, 2),
            ("C(C))C", UnbalancedParentheses, 4),
            ("C==C", Syntax, 2),
            ("CC=", Syntax, 2),
            ("C[13]", Syntax, 4),
            ("C1CC(C", UnbalancedParentheses, 4),
            ("C1CC(", Syntax, 4),
            ("(C)C", Syntax, 0),
            ("C(=)C", Syntax, 3),
            ("C%(123456)", Syntax, 8),
            ("[C@@@H](F)(Cl)Br", Syntax, 4),
            ("C%01CC1", Syntax, 2),
            ("[C--1]", Syntax, 4),
            ("CH4", Syntax, 1),
        ] {
            assert_eq!(verdict(text), (class, Some(position)), "{text}");
        }
    }

    #[test]
    fn ring_errors_point_at_the_number() {
        use ErrorClass::{DuplicateRingBond, UnclosedRing};
        assert_eq!(verdict("CC1CC"), (UnclosedRing, Some(2)));
        assert_eq!(verdict("C12CCCC12"), (DuplicateRingBond, Some(8)));
        assert_eq!(verdict("CC11"), (DuplicateRingBond, Some(3)));
        assert_eq!(verdict("C%(12345)CC"), (UnclosedRing, Some(1)));
    }
}
