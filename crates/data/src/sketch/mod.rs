//! Sketches: small molecule graphs that the gym grows, joins and writes.
//!
//! A [`Sketch`] knows elements, bonds and implicit hydrogens and nothing more. It exists because a question needs its
//! SMILES written from a chosen atom, along a chosen path ([`Sketch::write`]), and because counting atoms here costs a
//! hundredth of a toolkit call. Whatever becomes a reference is checked by `chemr-chem` before it is handed out.

mod read;
mod write;

/// An element of the small set the gym uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Element {
    Boron,
    Carbon,
    Nitrogen,
    Oxygen,
    Fluorine,
    Magnesium,
    Silicon,
    Phosphorus,
    Sulfur,
    Chlorine,
    Bromine,
    Iodine,
    Zinc,
    Tin,
    Lithium,
    Sodium,
    Potassium,
}

impl Element {
    /// All elements with their symbols.
    const TABLE: [(Element, &'static str); 17] = [
        (Element::Boron, "B"),
        (Element::Carbon, "C"),
        (Element::Nitrogen, "N"),
        (Element::Oxygen, "O"),
        (Element::Fluorine, "F"),
        (Element::Magnesium, "Mg"),
        (Element::Silicon, "Si"),
        (Element::Phosphorus, "P"),
        (Element::Sulfur, "S"),
        (Element::Chlorine, "Cl"),
        (Element::Bromine, "Br"),
        (Element::Iodine, "I"),
        (Element::Zinc, "Zn"),
        (Element::Tin, "Sn"),
        (Element::Lithium, "Li"),
        (Element::Sodium, "Na"),
        (Element::Potassium, "K"),
    ];

    /// The symbol, e.g. `Cl`.
    pub fn symbol(self) -> &'static str {
        Element::TABLE.iter().find(|(element, _)| *element == self).map_or("", |(_, symbol)| symbol)
    }

    fn from_symbol(symbol: &str) -> Option<Element> {
        Element::TABLE.iter().find(|(_, text)| *text == symbol).map(|(element, _)| *element)
    }

    /// Fluorine, chlorine, bromine or iodine.
    pub fn is_halogen(self) -> bool {
        matches!(self, Element::Fluorine | Element::Chlorine | Element::Bromine | Element::Iodine)
    }

    /// Valences that implicit hydrogens fill up to, lowest first; none for elements that need brackets.
    fn valences(self) -> &'static [u8] {
        match self {
            Element::Boron => &[3],
            Element::Carbon => &[4],
            Element::Nitrogen => &[3, 5],
            Element::Oxygen => &[2],
            Element::Phosphorus => &[3, 5],
            Element::Sulfur => &[2, 4, 6],
            Element::Fluorine | Element::Chlorine | Element::Bromine | Element::Iodine => &[1],
            _ => &[],
        }
    }
}

/// Order of a bond in a sketch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Single,
    Double,
    Triple,
    /// Between two aromatic atoms of one ring.
    Aromatic,
}

impl Order {
    /// Electron pairs that the bond takes from each atom; an aromatic one counts as one, see [`Sketch::hydrogens`].
    fn valence(self) -> u8 {
        match self {
            Order::Single | Order::Aromatic => 1,
            Order::Double => 2,
            Order::Triple => 3,
        }
    }
}

/// One atom of a sketch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    pub element: Element,
    pub aromatic: bool,
    /// Formal charge.
    pub charge: i8,
    /// Hydrogens written in brackets; `None` when they follow from the valence.
    pub bracket_hydrogens: Option<u8>,
}

impl Node {
    /// A plain atom of the organic subset.
    pub fn plain(element: Element) -> Node {
        Node { element, aromatic: false, charge: 0, bracket_hydrogens: None }
    }
}

/// A molecule graph, possibly of several parts. Atoms are numbered in the order they were added or read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    nodes: Vec<Node>,
    neighbours: Vec<Vec<(usize, Order)>>,
}

impl Sketch {
    /// An empty sketch.
    pub fn new() -> Sketch {
        Sketch::default()
    }

    /// Number of heavy atoms.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// True when there is no atom.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The atoms by number.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Neighbours of an atom with bond orders, in the order the bonds were made; empty for a number out of range.
    pub fn neighbours(&self, atom: usize) -> &[(usize, Order)] {
        self.neighbours.get(atom).map_or(&[], Vec::as_slice)
    }

    /// Adds an atom and returns its number.
    pub fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.neighbours.push(Vec::new());
        self.nodes.len() - 1
    }

    /// Adds an atom bound to `atom`.
    pub fn attach(&mut self, atom: usize, node: Node, order: Order) -> usize {
        let added = self.add(node);
        self.bond(atom, added, order);
        added
    }

    /// Makes a bond. Both numbers must exist; otherwise nothing happens.
    pub fn bond(&mut self, first: usize, second: usize, order: Order) {
        if first < self.len() && second < self.len() && first != second {
            self.neighbours[first].push((second, order));
            self.neighbours[second].push((first, order));
        }
    }

    /// Copies another sketch into this one and bonds its atom 0 to `atom`. Returns the number that atom 0 received.
    pub fn graft(&mut self, atom: usize, other: &Sketch, order: Order) -> usize {
        let offset = self.len();
        self.nodes.extend_from_slice(&other.nodes);
        self.neighbours
            .extend(other.neighbours.iter().map(|list| list.iter().map(|&(to, order)| (to + offset, order)).collect()));
        self.bond(atom, offset, order);
        offset
    }

    /// Number of hydrogens on an atom, by the valence rules of SMILES: the lowest valence that fits the bonds. An
    /// aromatic carbon has three minus its neighbours; an aromatic heteroatom has only hydrogens written in brackets.
    pub fn hydrogens(&self, atom: usize) -> u8 {
        let Some(node) = self.nodes.get(atom) else { return 0 };
        if let Some(count) = node.bracket_hydrogens {
            return count;
        }
        let bonds: u8 = self.neighbours(atom).iter().map(|(_, order)| order.valence()).sum();
        if node.aromatic {
            // One more valence belongs to the ring's electrons.
            return if node.element == Element::Carbon { 3u8.saturating_sub(bonds) } else { 0 };
        }
        node.element.valences().iter().find(|&&valence| valence >= bonds).map_or(0, |valence| valence - bonds)
    }

    /// Number of bonds that a plain atom can still take.
    pub fn free(&self, atom: usize) -> u8 {
        self.hydrogens(atom)
    }

    /// Molecular formula in Hill order, charges ignored: carbon, hydrogen, then the alphabet; without carbon the alphabet.
    pub fn element_counts(&self) -> Vec<(&'static str, usize)> {
        let mut counts = std::collections::BTreeMap::<&'static str, usize>::new();
        let mut hydrogens = 0usize;
        for (atom, node) in self.nodes.iter().enumerate() {
            *counts.entry(node.element.symbol()).or_default() += 1;
            hydrogens += usize::from(self.hydrogens(atom));
        }
        if hydrogens > 0 {
            counts.insert("H", hydrogens);
        }
        let mut ordered: Vec<_> = Vec::with_capacity(counts.len());
        if counts.contains_key("C") {
            for symbol in ["C", "H"] {
                ordered.extend(counts.remove_entry(symbol));
            }
        }
        ordered.extend(counts);
        ordered
    }
}

/// Number of atoms in a SMILES text, whole or a piece of one; hydrogens in brackets are not counted.
pub fn heavy_atoms(smiles: &str) -> usize {
    let bytes = smiles.as_bytes();
    let mut count = 0;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'[' => {
                count += 1;
                at += bytes[at..].iter().position(|&byte| byte == b']').unwrap_or(0);
            }
            b'C' if bytes.get(at + 1) == Some(&b'l') => {
                count += 1;
                at += 1;
            }
            b'B' if bytes.get(at + 1) == Some(&b'r') => {
                count += 1;
                at += 1;
            }
            byte if byte.is_ascii_alphabetic() => count += 1,
            _ => {}
        }
        at += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hydrogens_follow_valence() {
        let cases = [
            ("CCO", vec![3, 2, 1]),
            ("c1ccccc1O", vec![1, 1, 1, 1, 1, 0, 1]),
            ("c1cc[nH]c1", vec![1, 1, 1, 1, 1]),
            ("CC(=O)N", vec![3, 0, 0, 2]),
            ("CS(=O)(=O)C", vec![3, 0, 0, 0, 3]),
            ("C[N+](=O)[O-]", vec![3, 0, 0, 0]),
            ("C#N", vec![1, 0]),
            ("ClCBr", vec![0, 2, 0]),
        ];
        for (smiles, hydrogens) in cases {
            let sketch = Sketch::parse(smiles).unwrap();
            assert_eq!((0..sketch.len()).map(|atom| sketch.hydrogens(atom)).collect::<Vec<_>>(), hydrogens, "{smiles}");
        }
    }

    #[test]
    fn hill_order() {
        let counts = |smiles: &str| Sketch::parse(smiles).unwrap().element_counts();
        assert_eq!(counts("CC(=O)Cl"), [("C", 2), ("H", 3), ("Cl", 1), ("O", 1)]);
        assert_eq!(counts("N"), [("H", 3), ("N", 1)]);
        assert_eq!(counts("O.Cl"), [("Cl", 1), ("H", 3), ("O", 1)]);
    }

    #[test]
    fn graft_joins_at_the_first_atom() {
        let mut sketch = Sketch::parse("CC").unwrap();
        let ring = Sketch::parse("c1ccccc1").unwrap();
        sketch.graft(1, &ring, Order::Single);
        assert_eq!(sketch.element_counts(), [("C", 8), ("H", 10)]);
        assert_eq!(sketch.write(0, None, None), "CCc1ccccc1");
    }
}
