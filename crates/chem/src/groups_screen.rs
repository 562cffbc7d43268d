//! A cheap necessary condition for a SMARTS match: enough atoms of each element, with hydrogens
//! where asked for, enough multiple bonds and charges, a ring. Most patterns of a registry fail it,
//! so most searches are never made.

use crate::graph::{BondOrder, order_of, ring_bonds};
use crate::mol::Mol;

const ELEMENTS: usize = 128;

/// What [`Requirement`] counts in a molecule.
#[derive(Clone, Debug)]
pub(crate) struct Features {
    /// By atomic number, plus [`ELEMENTS`] when aromatic.
    atoms: [u16; 2 * ELEMENTS],
    /// The same places, atoms with at least one hydrogen only.
    hydrogenated: [bool; 2 * ELEMENTS],
    double_bonds: u16,
    triple_bonds: u16,
    positive: u16,
    negative: u16,
    ring: bool,
    /// Bonds: both places, the lower first, and the bit of the kind; each kind once.
    pairs: Vec<(usize, usize, u16)>,
}

/// Bits of kinds of bond: the order, once outside rings and once inside, [`RING`] places further up.
const SINGLE: u16 = 1 | 1 << RING;
const DOUBLE: u16 = 2 | 2 << RING;
const TRIPLE: u16 = 4 | 4 << RING;
const AROMATIC: u16 = 8 | 8 << RING;
const OTHER: u16 = 16 | 16 << RING;
const ANY: u16 = IN_CHAINS | IN_RINGS;
const RING: u16 = 5;
const IN_CHAINS: u16 = 31;
const IN_RINGS: u16 = IN_CHAINS << RING;

/// The kinds of bond that the symbols of a pattern may stand for; all where they are more than an order and a ring condition.
fn kinds(symbols: &str) -> u16 {
    let (order, within) = match (symbols.strip_suffix("!@"), symbols.strip_suffix('@')) {
        (Some(order), _) => (order, IN_CHAINS),
        (None, Some(order)) => (order, IN_RINGS),
        (None, None) => (symbols, ANY),
    };
    within
        & match order.trim_end_matches(['&', ';']) {
            "-" => SINGLE,
            "=" => DOUBLE,
            "#" => TRIPLE,
            ":" => AROMATIC,
            "" | "~" => ANY,
            _ => return ANY,
        }
}

fn aromatic(number: usize) -> usize {
    number + ELEMENTS
}

impl Features {
    pub(crate) fn of(mol: &Mol) -> Features {
        let molecule = mol.toolkit();
        let mut features = Features {
            atoms: [0; 2 * ELEMENTS],
            hydrogenated: [false; 2 * ELEMENTS],
            double_bonds: 0,
            triple_bonds: 0,
            positive: 0,
            negative: 0,
            // More bonds than a forest has.
            ring: molecule.num_bonds() + mol.canonical().matches('.').count() >= molecule.num_atoms(),
            pairs: Vec::new(),
        };
        let mut places = Vec::with_capacity(molecule.num_atoms());
        for atom in molecule.atoms() {
            let number = usize::from(atom.atomic_number()) % ELEMENTS;
            let place = if atom.is_aromatic() { aromatic(number) } else { number };
            places.push(place);
            features.atoms[place] = features.atoms[place].saturating_add(1);
            // An atom whose hydrogens are unknown may have some.
            features.hydrogenated[place] |= atom.total_hydrogens().map_or(true, |count| count > 0);
            match atom.formal_charge() {
                0 => {}
                charge if charge > 0 => features.positive = features.positive.saturating_add(1),
                _ => features.negative = features.negative.saturating_add(1),
            }
        }
        if features.atoms[1] > 0 {
            // Hydrogens that are atoms count for their neighbours.
            features.hydrogenated = [true; 2 * ELEMENTS];
        }
        let in_ring = if features.ring { ring_bonds(molecule) } else { Vec::new() };
        for (index, bond) in molecule.bonds().iter().enumerate() {
            let order = match order_of(bond.order()) {
                BondOrder::Single => SINGLE,
                BondOrder::Double => DOUBLE,
                BondOrder::Triple => TRIPLE,
                BondOrder::Aromatic => AROMATIC,
                BondOrder::Other => OTHER,
            };
            features.double_bonds = features.double_bonds.saturating_add(u16::from(order == DOUBLE));
            features.triple_bonds = features.triple_bonds.saturating_add(u16::from(order == TRIPLE));
            if let (Some(&one), Some(&other)) = (places.get(bond.begin().index()), places.get(bond.end().index())) {
                let within = if in_ring.get(index) == Some(&true) { IN_RINGS } else { IN_CHAINS };
                let pair = (one.min(other), one.max(other), order & within);
                if !features.pairs.contains(&pair) {
                    features.pairs.push(pair);
                }
            }
        }
        features
    }

    /// Whether there is a bond between such atoms, of such a kind.
    fn have(&self, (ends, others, kinds): &(Vec<usize>, Vec<usize>, u16)) -> bool {
        self.pairs.iter().any(|(one, other, kind)| {
            let fits = (ends.contains(one) && others.contains(other)) || (ends.contains(other) && others.contains(one));
            fits && kinds & kind != 0
        })
    }
}

/// What a molecule needs before a SMARTS pattern can match it. Read from the pattern's text;
/// whatever the reader does not understand asks for nothing, so a match is never lost.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requirement {
    /// (place in [`Features::atoms`], least count).
    counts: Vec<(usize, u16)>,
    /// At least one atom of one of these places.
    any_of: Vec<Vec<usize>>,
    /// At least one atom with a hydrogen on one of these places.
    hydrogenated: Vec<Vec<usize>>,
    /// Each of these has to be admitted in one of its forms: the insides of `$(...)`.
    nested: Vec<Vec<Requirement>>,
    double_bonds: u16,
    triple_bonds: u16,
    positive: u16,
    negative: u16,
    ring: bool,
    /// Bonds between atoms of known elements: places of one end, places of the other, bits of the kinds.
    pairs: Vec<(Vec<usize>, Vec<usize>, u16)>,
}

impl Requirement {
    pub(crate) fn of(smarts: &str) -> Requirement {
        let mut requirement = Requirement::default();
        // The atom that the next one binds to, with what is open around it; no places for an atom of any element.
        let (mut before, mut branches): (Option<Vec<usize>>, Vec<Option<Vec<usize>>>) = (None, Vec::new());
        let mut bond = SINGLE | AROMATIC;
        let bytes = smarts.as_bytes();
        let mut index = 0;
        while index < bytes.len() {
            let rest = &smarts[index..];
            let mut atom = None;
            index += match bytes[index] {
                b'[' => {
                    let length = bracket_length(rest);
                    atom = Some(requirement.add_atom(&rest[1..length.max(2) - 1]));
                    length
                }
                b'(' => {
                    branches.push(before.clone());
                    1
                }
                b')' => {
                    before = branches.pop().flatten();
                    1
                }
                b'.' => {
                    before = None;
                    1
                }
                b'*' => {
                    atom = Some(Vec::new());
                    1
                }
                b'=' | b'#' | b'-' | b':' | b'~' | b'@' | b'!' | b'/' | b'\\' | b'&' | b';' | b',' => {
                    let length = rest.find(|letter: char| !"=#-:~@!/\\&;,".contains(letter)).unwrap_or(rest.len());
                    requirement.add_bond(&rest[..length]);
                    bond = kinds(&rest[..length]);
                    length
                }
                b'0'..=b'9' | b'%' => {
                    requirement.ring = true;
                    bond = SINGLE | AROMATIC;
                    1
                }
                letter if letter.is_ascii_alphabetic() => {
                    let (places, length) = element(rest);
                    atom = Some(places.clone());
                    requirement.add_places(places);
                    length.max(1)
                }
                _ => rest.chars().next().map_or(1, char::len_utf8),
            };
            if let Some(places) = atom {
                if let Some(before) = before.filter(|before| !before.is_empty() && !places.is_empty()) {
                    requirement.pairs.push((before, places.clone(), bond));
                }
                before = Some(places);
                bond = SINGLE | AROMATIC;
            }
        }
        requirement
    }

    pub(crate) fn admits(&self, features: &Features) -> bool {
        self.double_bonds <= features.double_bonds
            && self.triple_bonds <= features.triple_bonds
            && self.positive <= features.positive
            && self.negative <= features.negative
            && (features.ring || !self.ring)
            && self.counts.iter().all(|(place, least)| features.atoms[*place] >= *least)
            && self.any_of.iter().all(|places| places.iter().any(|place| features.atoms[*place] > 0))
            && self.hydrogenated.iter().all(|places| places.iter().any(|place| features.hydrogenated[*place]))
            && self.pairs.iter().all(|pair| features.have(pair))
            && self.nested.iter().all(|forms| forms.iter().any(|form| form.admits(features)))
    }

    fn add_places(&mut self, mut places: Vec<usize>) {
        places.sort_unstable();
        places.dedup();
        match places.as_slice() {
            [] => {}
            [place] => match self.counts.iter_mut().find(|(known, _)| known == place) {
                Some((_, least)) => *least += 1,
                None => self.counts.push((*place, 1)),
            },
            _ => self.any_of.push(places),
        }
    }

    fn add_bond(&mut self, symbols: &str) {
        if symbols.contains(',') || symbols.contains("!=") || symbols.contains("!#") {
            return;
        }
        self.ring |= symbols.contains('@') && !symbols.contains("!@");
        if symbols.contains('=') {
            self.double_bonds += 1;
        } else if symbols.contains('#') {
            self.triple_bonds += 1;
        }
    }

    /// `content` is what stands between the brackets. Gives the places that the atom may have, none when it may be any.
    fn add_atom(&mut self, content: &str) -> Vec<usize> {
        let parts: Vec<Vec<&str>> = split(content, b';').into_iter().map(|part| split(part, b',')).collect();
        // The first part that names elements in all its alternatives.
        let places = parts.iter().find_map(|alternatives| places_of(alternatives)).unwrap_or_default();
        for alternatives in &parts {
            if alternatives.iter().all(|one| asks_for_hydrogen(one)) && !places.is_empty() {
                self.hydrogenated.push(places.clone());
            }
            if let [only] = alternatives.as_slice() {
                match charge(only) {
                    Some(true) => self.positive += 1,
                    Some(false) => self.negative += 1,
                    None => {}
                }
            }
            let nested: Option<Vec<Requirement>> =
                alternatives.iter().map(|one| recursive(one).map(Requirement::of)).collect();
            self.nested.extend(nested);
        }
        self.add_places(places.clone());
        places
    }
}

/// The places that alternatives ask for together, where each of them names an element.
fn places_of(alternatives: &[&str]) -> Option<Vec<usize>> {
    let places: Vec<Vec<usize>> = alternatives.iter().map(|one| leading(one)).collect();
    (!places.iter().any(Vec::is_empty)).then(|| places.concat())
}

/// Whether an alternative demands a hydrogen: `H`, `H1`, `H2` ... at its start or behind the element.
fn asks_for_hydrogen(alternative: &str) -> bool {
    let outside = alternative.split("$(").next().unwrap_or(alternative);
    let Some(place) = outside.find('H') else {
        return false;
    };
    let bytes = outside.as_bytes();
    let negated = place > 0 && bytes[place - 1] == b'!';
    let other = bytes.get(place + 1).is_some_and(|next| b"0efgos".contains(next));
    !negated && !other
}

/// The inside of an alternative that is one `$(...)` and nothing else, the element aside.
fn recursive(alternative: &str) -> Option<&str> {
    let begin = alternative.find("$(")?;
    if alternative[..begin].contains('!') {
        return None;
    }
    let inside = &alternative[begin + 2..];
    let mut depth = 1usize;
    for (index, byte) in inside.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&inside[..index]);
        }
    }
    None
}

/// Length of the bracket atom that `text` starts with, brackets included.
fn bracket_length(text: &str) -> usize {
    let mut depth = 0usize;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => {
                depth -= 1;
                if depth == 0 {
                    return index + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

/// Splits at `separator` outside parentheses and brackets.
fn split(text: &str, separator: u8) -> Vec<&str> {
    let mut depth = 0usize;
    let mut start = 0;
    let mut parts = Vec::new();
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            _ if byte == separator && depth == 0 => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// The places an atom expression asks for by its first primitive; empty when it names no element.
fn leading(expression: &str) -> Vec<usize> {
    if let Some(inner) = expression.strip_prefix("$(") {
        return match inner.as_bytes().first() {
            Some(b'[') => {
                let length = bracket_length(inner);
                let content = &inner[1..length.max(2) - 1];
                split(content, b';')
                    .iter()
                    .map(|part| {
                        let places: Vec<Vec<usize>> = split(part, b',').iter().map(|one| leading(one)).collect();
                        if places.iter().any(Vec::is_empty) { Vec::new() } else { places.concat() }
                    })
                    .find(|places| !places.is_empty())
                    .unwrap_or_default()
            }
            _ => element(inner).0,
        };
    }
    if let Some(number) = expression.strip_prefix('#') {
        let digits = number.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(number.len());
        return match number[..digits].parse::<usize>() {
            // Hydrogen atoms are implicit: `#1` can only be asked for of an isotope or a proton.
            Ok(number) if number > 1 && number < ELEMENTS => vec![number, aromatic(number)],
            _ => Vec::new(),
        };
    }
    element(expression).0
}

/// The element symbol that `text` starts with, as places, and its length; nothing for wildcards and
/// for letters that mean something else (`X3`, `H1`, `D2`, `a`).
fn element(text: &str) -> (Vec<usize>, usize) {
    const TWO: [(&str, usize); 18] = [
        ("Cl", 17),
        ("Br", 35),
        ("Si", 14),
        ("Se", 34),
        ("Mg", 12),
        ("Li", 3),
        ("Na", 11),
        ("Al", 13),
        ("Fe", 26),
        ("Sn", 50),
        ("Zn", 30),
        ("Cu", 29),
        ("Pd", 46),
        ("Pt", 78),
        ("Hg", 80),
        ("Ti", 22),
        ("As", 33),
        ("Te", 52),
    ];
    const ONE: [(u8, usize); 8] =
        [(b'B', 5), (b'C', 6), (b'N', 7), (b'O', 8), (b'F', 9), (b'P', 15), (b'S', 16), (b'I', 53)];
    for (symbol, number) in TWO {
        if text.starts_with(symbol) {
            return (vec![number], 2);
        }
    }
    let Some(&first) = text.as_bytes().first() else {
        return (Vec::new(), 0);
    };
    // Another two-letter symbol (`Ca`, `In`): in brackets an upper-case letter followed by one of
    // the letters of no SMARTS primitive; ask for nothing.
    let second = text.as_bytes().get(1).copied().unwrap_or(b' ');
    if first.is_ascii_uppercase() && second.is_ascii_lowercase() && !b"cnosp".contains(&second) {
        return (Vec::new(), 2);
    }
    for (symbol, number) in ONE {
        if first == symbol {
            return (vec![number], 1);
        }
        if first == symbol.to_ascii_lowercase() && b"bcnops".contains(&first) {
            let other = first == b's' && second == b'e' || first == b'a' && second == b's';
            return if other { (Vec::new(), 2) } else { (vec![aromatic(number)], 1) };
        }
    }
    (Vec::new(), 1)
}

/// `Some(true)` for a positive charge among the primitives of an atom expression, `Some(false)` for
/// a negative one; `None` without a charge, with `+0`, or behind a `!`.
fn charge(expression: &str) -> Option<bool> {
    let mut depth = 0usize;
    let bytes = expression.as_bytes();
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b'+' | b'-' if depth == 0 => {
                let negated = index > 0 && bytes[index - 1] == b'!';
                let zero = bytes.get(index + 1) == Some(&b'0');
                return (!negated && !zero).then_some(*byte == b'+');
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
#[path = "groups_screen_tests.rs"]
mod tests;
