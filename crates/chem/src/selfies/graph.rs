//! A molecule as SMILES and SELFIES write it: atoms in the order of the text, bonds from each in the order of writing.

use super::atom::Atom;

/// Order of a bond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Single,
    Double,
    Triple,
    /// Written without a sign between aromatic atoms, or with `:`, and not yet single or double.
    Aromatic,
}

impl Order {
    /// Electron pairs times two, so that an aromatic bond is a whole number.
    fn halves(self) -> u32 {
        match self {
            Order::Single => 2,
            Order::Aromatic => 3,
            Order::Double => 4,
            Order::Triple => 6,
        }
    }

    /// Electron pairs; one and a half count as one.
    pub fn pairs(self) -> u8 {
        match self {
            Order::Single | Order::Aromatic => 1,
            Order::Double => 2,
            Order::Triple => 3,
        }
    }

    /// The order of this many electron pairs, at most a triple bond; `None` for none.
    pub fn of_pairs(pairs: u8) -> Option<Order> {
        match pairs {
            0 => None,
            1 => Some(Order::Single),
            2 => Some(Order::Double),
            _ => Some(Order::Triple),
        }
    }
}

/// Direction of a single bond beside a double bond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stereo {
    /// `/`
    Up,
    /// `\`
    Down,
}

impl Stereo {
    pub fn sign(self) -> char {
        match self {
            Stereo::Up => '/',
            Stereo::Down => '\\',
        }
    }
}

/// A bond as one of its atoms writes it. A bond of the chain is written by its earlier atom only, a ring bond by both.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bond {
    pub to: usize,
    pub order: Order,
    pub stereo: Option<Stereo>,
    /// Number of the ring bond, counted from zero in the order in which they are made.
    pub ring: Option<usize>,
}

impl Bond {
    /// The sign before an atom or ring number; none for a plain single bond.
    pub fn sign(&self) -> Option<char> {
        match self.order {
            Order::Single | Order::Aromatic => self.stereo.map(Stereo::sign),
            _ => self.order_sign(),
        }
    }

    /// The sign of the order alone.
    pub fn order_sign(&self) -> Option<char> {
        match self.order {
            Order::Single | Order::Aromatic => None,
            Order::Double => Some('='),
            Order::Triple => Some('#'),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Graph {
    pub atoms: Vec<Atom>,
    /// Bonds that each atom writes, in order.
    pub bonds: Vec<Vec<Bond>>,
    /// First atoms of the molecules.
    pub roots: Vec<usize>,
    /// Bond orders of each atom, times two.
    halves: Vec<u32>,
    /// Ring bonds made.
    pub rings: usize,
    /// Atoms of the aromatic bonds, in the order in which they were made.
    pub aromatic: Vec<(usize, usize)>,
}

impl Graph {
    /// Adds an atom, bonded to nothing.
    pub fn add(&mut self, atom: Atom) -> usize {
        self.atoms.push(atom);
        self.bonds.push(Vec::new());
        self.halves.push(0);
        self.atoms.len() - 1
    }

    /// Makes a bond of the chain.
    pub fn bond(&mut self, from: usize, to: usize, order: Order, stereo: Option<Stereo>) {
        self.bonds[from].push(Bond { to, order, stereo, ring: None });
        self.count(from, to, order);
    }

    /// Counts a bond at both of its atoms.
    pub fn count(&mut self, one: usize, other: usize, order: Order) {
        self.halves[one] += order.halves();
        self.halves[other] += order.halves();
        if order == Order::Aromatic {
            self.aromatic.push((one, other));
        }
    }

    /// Bond orders of an atom times two, hydrogens left out.
    pub fn halves(&self, atom: usize) -> u32 {
        self.halves[atom]
    }

    /// Electron pairs in the bonds of an atom that has no aromatic ones, hydrogens left out.
    pub fn pairs(&self, atom: usize) -> u32 {
        self.halves[atom] / 2
    }

    /// The bond between two atoms as the earlier one writes it.
    pub fn between(&self, earlier: usize, later: usize) -> Option<&Bond> {
        self.bonds[earlier].iter().find(|bond| bond.to == later)
    }

    /// Changes the order of the bond between two atoms.
    pub fn set_order(&mut self, one: usize, other: usize, order: Order) {
        for (from, to) in [(one, other), (other, one)] {
            let Some(bond) = self.bonds[from].iter_mut().find(|bond| bond.to == to) else { continue };
            let before = std::mem::replace(&mut bond.order, order);
            // The later atom writes a ring bond too; it counts once.
            if from < to {
                self.halves[from] = self.halves[from] - before.halves() + order.halves();
                self.halves[to] = self.halves[to] - before.halves() + order.halves();
            }
        }
    }
}
