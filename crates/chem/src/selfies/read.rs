//! The SMILES that can be written as SELFIES.
//!
//! Not the reader of [`crate::Mol`]: the order of bonds, marks and ring numbers in the text decides the symbols, nothing is
//! sanitised, and what is accepted follows the package `selfies`, which for instance passes over a bond before the first atom.

use super::atom::Atom;
use super::error::{SelfiesError, SelfiesErrorKind};
use super::graph::{Bond, Graph, Order, Stereo};

/// Ring numbers: one digit, or `%` and two digits, which count as others (`%01` does not close `1`).
const RING_NUMBERS: usize = 110;

/// A ring number that has been opened.
#[derive(Clone, Copy)]
struct Opening {
    atom: usize,
    /// Place among the bonds of the atom.
    slot: usize,
    /// The sign before the number.
    sign: Option<u8>,
    position: usize,
}

struct Reader<'a> {
    smiles: &'a str,
    at: usize,
    graph: Graph,
    /// Byte offset of each atom.
    positions: Vec<usize>,
    /// The atom that the next one is bonded to.
    current: Option<usize>,
    /// Atoms to go back to, and the positions of the open parentheses.
    branches: Vec<(Option<usize>, usize)>,
    rings: [Option<Opening>; RING_NUMBERS],
    /// An atom must come next.
    start: bool,
}

/// Reads a SMILES; the graph and the byte offset of each atom.
///
/// # Errors
/// `Smiles` with its place and reason.
pub(super) fn read(smiles: &str) -> Result<(Graph, Vec<usize>), SelfiesError> {
    let mut reader = Reader {
        smiles,
        at: 0,
        graph: Graph::default(),
        positions: Vec::new(),
        current: None,
        branches: Vec::new(),
        rings: [None; RING_NUMBERS],
        start: true,
    };
    while let Some(byte) = reader.peek() {
        reader.token(byte)?;
    }
    reader.end_part()?;
    Ok((reader.graph, reader.positions))
}

fn fault(position: usize, reason: &'static str) -> SelfiesError {
    SelfiesErrorKind::Smiles { reason }.at(position)
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.smiles.as_bytes().get(self.at).copied()
    }

    /// Reads one atom, ring number, parenthesis or dot, with the sign before it.
    fn token(&mut self, byte: u8) -> Result<(), SelfiesError> {
        let position = self.at;
        let sign = Some(byte).filter(|byte| b"-/\\:=#".contains(byte));
        self.at += usize::from(sign.is_some());
        match self.peek() {
            None => Err(fault(position, "a bond without a second atom")),
            Some(b'A'..=b'Z' | b'a'..=b'z' | b'[') => self.atom(sign),
            Some(_) if sign.is_none() && byte == b'.' => {
                self.end_part()?;
                self.at += 1;
                self.current = None;
                self.start = true;
                Ok(())
            }
            Some(b'0'..=b'9' | b'%') if !self.start => self.ring_number(sign),
            Some(b'(') if sign.is_none() && !self.start => {
                self.branches.push((self.current, position));
                self.start = true;
                self.at += 1;
                Ok(())
            }
            Some(b')') if sign.is_none() && !self.start => {
                let Some((atom, _)) = self.branches.pop() else { return Err(fault(position, "')' without '('")) };
                self.current = atom;
                self.at += 1;
                Ok(())
            }
            Some(b'*') => Err(fault(self.at, "the wildcard '*' has no symbol")),
            Some(b'$') => Err(fault(self.at, "a quadruple bond has no symbol")),
            Some(_) => Err(fault(self.at, "a character that cannot stand here")),
        }
    }

    fn atom(&mut self, sign: Option<u8>) -> Result<(), SelfiesError> {
        let position = self.at;
        let rest = &self.smiles[position..];
        let (atom, length) = if let Some(inner) = rest.strip_prefix('[') {
            let end = inner.find(']').ok_or_else(|| fault(position, "'[' without ']'"))?;
            (Atom::from_smiles(&inner[..end]), end + 2)
        } else {
            let length = if rest.starts_with("Br") || rest.starts_with("Cl") { 2 } else { 1 };
            (Atom::without_brackets(&rest[..length]), length)
        };
        let atom = atom.ok_or_else(|| fault(position, "an atom that has no symbol"))?;
        self.at += length;
        let index = self.graph.add(atom);
        self.positions.push(position);
        match self.current {
            None => self.graph.roots.push(index),
            Some(previous) => {
                let implied = self.graph.atoms[previous].aromatic && atom.aromatic;
                let (order, stereo) = meaning(sign, implied);
                self.graph.bond(previous, index, order, stereo);
            }
        }
        self.current = Some(index);
        self.start = false;
        Ok(())
    }

    fn ring_number(&mut self, sign: Option<u8>) -> Result<(), SelfiesError> {
        let position = self.at;
        let rest = &self.smiles.as_bytes()[position..];
        let (number, length) = match rest {
            [b'%', tens @ b'0'..=b'9', ones @ b'0'..=b'9', ..] => {
                (10 + usize::from(tens - b'0') * 10 + usize::from(ones - b'0'), 3)
            }
            [digit @ b'0'..=b'9', ..] => (usize::from(digit - b'0'), 1),
            _ => return Err(fault(position, "'%' without two digits")),
        };
        self.at += length;
        let Some(atom) = self.current else { return Err(fault(position, "a ring number without an atom")) };
        match self.rings[number].take() {
            Some(opening) => self.close_ring(opening, atom, sign, position),
            None => {
                let slot = self.graph.bonds[atom].len();
                self.rings[number] = Some(Opening { atom, slot, sign, position });
                // Leads to its own atom until the number is closed.
                self.graph.bonds[atom].push(Bond { to: atom, order: Order::Single, stereo: None, ring: None });
                Ok(())
            }
        }
    }

    fn close_ring(
        &mut self,
        opening: Opening,
        later: usize,
        sign: Option<u8>,
        position: usize,
    ) -> Result<(), SelfiesError> {
        let earlier = opening.atom;
        if earlier == later {
            return Err(fault(position, "a ring bond from an atom to itself"));
        }
        if self.graph.between(earlier, later).is_some() {
            return Err(fault(position, "a ring bond between atoms that are bonded already"));
        }
        let mark = |sign: Option<u8>| matches!(sign, Some(b'/' | b'\\'));
        let agree = match (opening.sign, sign) {
            (Some(one), Some(other)) => one == other || (mark(opening.sign) && mark(sign)),
            _ => true,
        };
        if !agree {
            return Err(fault(position, "a ring bond with two different signs"));
        }
        let implied = self.graph.atoms[earlier].aromatic && self.graph.atoms[later].aromatic;
        let (order, _) = meaning(opening.sign.or(sign), implied);
        let ring = Some(self.graph.rings);
        self.graph.rings += 1;
        self.graph.count(earlier, later, order);
        let bond = |to, sign| Bond { to, order, stereo: meaning(sign, false).1, ring };
        self.graph.bonds[earlier][opening.slot] = bond(later, opening.sign);
        self.graph.bonds[later].push(bond(earlier, sign));
        Ok(())
    }

    /// What must hold at a dot and at the end of the text.
    fn end_part(&self) -> Result<(), SelfiesError> {
        if self.graph.atoms.is_empty() {
            return Err(fault(self.at, "no atom"));
        }
        if let Some((_, position)) = self.branches.last() {
            return Err(fault(*position, "'(' without ')'"));
        }
        let open = self.rings.iter().flatten().map(|opening| opening.position).min();
        open.map_or(Ok(()), |position| Err(fault(position, "a ring number that is not closed before '.' or the end")))
    }
}

/// Order and mark of a bond with this sign; `implied` when both atoms are aromatic.
fn meaning(sign: Option<u8>, implied: bool) -> (Order, Option<Stereo>) {
    match sign {
        None if implied => (Order::Aromatic, None),
        Some(b':') => (Order::Aromatic, None),
        Some(b'=') => (Order::Double, None),
        Some(b'#') => (Order::Triple, None),
        Some(b'/') => (Order::Single, Some(Stereo::Up)),
        Some(b'\\') => (Order::Single, Some(Stereo::Down)),
        _ => (Order::Single, None),
    }
}
