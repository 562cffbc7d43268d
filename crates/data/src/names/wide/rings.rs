//! Ring parents of levels 4 and 5: numbered atoms and symmetries.

use std::sync::LazyLock;

/// A ring system that carries the numbering.
#[derive(Debug)]
pub(super) struct Ring {
    /// The parent hydride with its indicated hydrogen, e.g. `1H-indole`.
    pub name: &'static str,
    /// Lowest level that uses it.
    pub level: u8,
    pub weight: u32,
    /// SMILES tokens of the atoms along a path through all of them, with their locants; 0 for atoms between two rings. The tokens,
    /// put together, are the hydride.
    pub atoms: Vec<(u8, &'static str)>,
    /// Numberings that describe the same hydride: for each atom the atom whose locant it takes. The first is the identity.
    pub symmetries: Vec<Vec<usize>>,
}

/// A ring as it is written down: tokens divided by blanks; locants follow from the path unless they are listed.
struct Row {
    name: &'static str,
    level: u8,
    weight: u32,
    tokens: &'static str,
    /// Locants along the path; empty for 1, 2, 3 and so on.
    locants: &'static [u8],
    /// Symmetries as lists of locants: entry i is what locant i+1 becomes; `&[]` alone for none.
    symmetries: &'static [&'static [u8]],
}

const fn row(
    name: &'static str,
    level: u8,
    weight: u32,
    tokens: &'static str,
    locants: &'static [u8],
    symmetries: &'static [&'static [u8]],
) -> Row {
    Row { name, level, weight, tokens, locants, symmetries }
}

const MIRROR_FIVE: &[&[u8]] = &[&[1, 5, 4, 3, 2]];
const MIRROR_SIX: &[&[u8]] = &[&[1, 6, 5, 4, 3, 2]];
/// Two like atoms in positions 1 and 4 of a six-membered ring.
const PARA: &[&[u8]] = &[&[1, 6, 5, 4, 3, 2], &[4, 3, 2, 1, 6, 5], &[4, 5, 6, 1, 2, 3]];
/// Positions 1 to 8 of two fused six-membered rings; 0 between them.
const FUSED_SIX: &[u8] = &[1, 2, 3, 4, 0, 5, 6, 7, 8, 0];
/// Positions 1 to 7 of a five- and a six-membered ring.
const FUSED_FIVE: &[u8] = &[1, 2, 3, 0, 4, 5, 6, 7, 0];

const ROWS: &[Row] = &[
    row("furan", 4, 5, "o1 c c c c1", &[], MIRROR_FIVE),
    row("thiophene", 4, 5, "s1 c c c c1", &[], MIRROR_FIVE),
    row("1H-pyrrole", 4, 3, "[nH]1 c c c c1", &[], MIRROR_FIVE),
    row("1H-imidazole", 4, 3, "[nH]1 c n c c1", &[], &[]),
    row("1H-pyrazole", 4, 4, "[nH]1 n c c c1", &[], &[]),
    row("1,3-thiazole", 4, 4, "s1 c n c c1", &[], &[]),
    row("1,3-oxazole", 4, 2, "o1 c n c c1", &[], &[]),
    row("1,2-oxazole", 4, 2, "o1 n c c c1", &[], &[]),
    row("1,3,4-oxadiazole", 5, 2, "o1 c n n c1", &[], MIRROR_FIVE),
    row("1,3,4-thiadiazole", 5, 2, "s1 c n n c1", &[], MIRROR_FIVE),
    row("pyridine", 4, 10, "n1 c c c c c1", &[], MIRROR_SIX),
    row("pyrimidine", 4, 5, "n1 c n c c c1", &[], &[&[3, 2, 1, 6, 5, 4]]),
    row("pyrazine", 4, 3, "n1 c c n c c1", &[], PARA),
    row("pyridazine", 4, 2, "n1 n c c c c1", &[], &[&[2, 1, 6, 5, 4, 3]]),
    row(
        "naphthalene",
        4,
        6,
        "c1 c c c c2 c c c c c12",
        FUSED_SIX,
        &[&[4, 3, 2, 1, 8, 7, 6, 5], &[8, 7, 6, 5, 4, 3, 2, 1], &[5, 6, 7, 8, 1, 2, 3, 4]],
    ),
    row("quinoline", 4, 5, "n1 c c c c2 c c c c c12", FUSED_SIX, &[]),
    row("isoquinoline", 5, 3, "c1 n c c c2 c c c c c12", FUSED_SIX, &[]),
    row("quinazoline", 5, 2, "n1 c n c c2 c c c c c12", FUSED_SIX, &[]),
    row("quinoxaline", 5, 2, "n1 c c n c2 c c c c c12", FUSED_SIX, &[&[4, 3, 2, 1, 8, 7, 6, 5]]),
    row("1H-indole", 4, 6, "[nH]1 c c c2 c c c c c12", FUSED_FIVE, &[]),
    row("1H-indazole", 5, 2, "[nH]1 n c c2 c c c c c12", FUSED_FIVE, &[]),
    row("1H-benzimidazole", 5, 3, "[nH]1 c n c2 c c c c c12", FUSED_FIVE, &[]),
    row("1-benzofuran", 4, 3, "o1 c c c2 c c c c c12", FUSED_FIVE, &[]),
    row("1-benzothiophene", 4, 3, "s1 c c c2 c c c c c12", FUSED_FIVE, &[]),
    row("1,3-benzothiazole", 5, 3, "s1 c n c2 c c c c c12", FUSED_FIVE, &[]),
    row("1,3-benzoxazole", 5, 2, "o1 c n c2 c c c c c12", FUSED_FIVE, &[]),
    row(
        "anthracene",
        5,
        2,
        "c1 c c c c2 c c3 c c c c c3 c c12",
        &[1, 2, 3, 4, 0, 10, 0, 5, 6, 7, 8, 0, 9, 0],
        &[&[4, 3, 2, 1, 8, 7, 6, 5, 10, 9], &[8, 7, 6, 5, 4, 3, 2, 1, 9, 10], &[5, 6, 7, 8, 1, 2, 3, 4, 10, 9]],
    ),
    row(
        "9H-carbazole",
        5,
        2,
        "c1 c c c c2 c3 c c c c c3 [nH] c12",
        &[1, 2, 3, 4, 0, 0, 5, 6, 7, 8, 0, 9, 0],
        &[&[8, 7, 6, 5, 4, 3, 2, 1, 9]],
    ),
    row("piperidine", 4, 8, "N1 C C C C C1", &[], MIRROR_SIX),
    row("piperazine", 4, 4, "N1 C C N C C1", &[], PARA),
    row("morpholine", 4, 5, "O1 C C N C C1", &[], MIRROR_SIX),
    row("pyrrolidine", 4, 6, "N1 C C C C1", &[], MIRROR_FIVE),
    row("azetidine", 5, 2, "N1 C C C1", &[], &[&[1, 4, 3, 2]]),
    row("azepane", 5, 2, "N1 C C C C C C1", &[], &[&[1, 7, 6, 5, 4, 3, 2]]),
    row("thiomorpholine", 5, 2, "S1 C C N C C1", &[], MIRROR_SIX),
    row("oxolane", 4, 4, "O1 C C C C1", &[], MIRROR_FIVE),
    row("oxane", 4, 4, "O1 C C C C C1", &[], MIRROR_SIX),
    row("oxetane", 5, 2, "O1 C C C1", &[], &[&[1, 4, 3, 2]]),
    row("thiane", 5, 2, "S1 C C C C C1", &[], MIRROR_SIX),
    row("1,4-dioxane", 5, 2, "O1 C C O C C1", &[], PARA),
    row("benzene", 4, 22, "c1 c c c c c1", &[], &[]),
    row("cyclopropane", 4, 3, "C1 C C1", &[], &[]),
    row("cyclobutane", 4, 3, "C1 C C C1", &[], &[]),
    row("cyclopentane", 4, 5, "C1 C C C C1", &[], &[]),
    row("cyclohexane", 4, 8, "C1 C C C C C1", &[], &[]),
];

pub(super) static RINGS: LazyLock<Vec<Ring>> = LazyLock::new(|| ROWS.iter().map(Ring::new).collect());

impl Ring {
    fn new(row: &Row) -> Ring {
        let tokens: Vec<&'static str> = row.tokens.split(' ').collect();
        let count = tokens.len();
        let locant = |place: usize| match row.locants.get(place) {
            Some(&locant) => locant,
            None => u8::try_from(place + 1).unwrap_or(0),
        };
        let atoms: Vec<(u8, &'static str)> =
            tokens.iter().enumerate().map(|(place, token)| (locant(place), *token)).collect();
        let mut ring = Ring { name: row.name, level: row.level, weight: row.weight, atoms, symmetries: Vec::new() };
        if ring.is_homogeneous() {
            for start in 0..count {
                ring.symmetries.push((0..count).map(|atom| (atom + count - start) % count).collect());
                ring.symmetries.push((0..count).map(|atom| (2 * count - start - atom) % count).collect());
            }
            return ring;
        }
        ring.symmetries.push((0..count).collect());
        for map in row.symmetries {
            // Atoms between rings take no locant and no group: where they go is of no consequence.
            let moved = |(place, (locant, _)): (usize, &(u8, &str))| {
                let to = usize::from(*locant).checked_sub(1).and_then(|index| map.get(index));
                to.and_then(|to| ring.atoms.iter().position(|(other, _)| other == to)).unwrap_or(place)
            };
            let symmetry = ring.atoms.iter().enumerate().map(moved).collect();
            ring.symmetries.push(symmetry);
        }
        ring
    }

    /// Benzene or a cycloalkane: any atom can be number 1, and a single group needs no locant.
    pub fn is_homogeneous(&self) -> bool {
        let first = |token: &str| token.bytes().next();
        let carbon = |token: &str| matches!(first(token), Some(b'c' | b'C'));
        self.atoms.iter().all(|(locant, token)| *locant > 0 && carbon(token))
    }

    pub fn is_benzene(&self) -> bool {
        self.name == "benzene"
    }

    pub fn is_aromatic(&self) -> bool {
        self.atoms.iter().any(|(_, token)| token.starts_with('c'))
    }

    /// A ring with a heteroatom, which is senior to a ring of carbon.
    pub fn is_heterocycle(&self) -> bool {
        self.atoms.iter().any(|(_, token)| !token.starts_with(['c', 'C']))
    }

    /// Whether a saturated atom lies beside a heteroatom, where a polar group would make an acetal or aminal.
    pub fn is_beside_heteroatom(&self, atom: usize) -> bool {
        let count = self.atoms.len();
        [(atom + 1) % count, (atom + count - 1) % count]
            .into_iter()
            .any(|other| !self.atoms[other].1.starts_with(['c', 'C']))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chemr_chem::Mol;

    #[test]
    fn hydrides_are_molecules_and_symmetries_are_symmetries() {
        for ring in RINGS.iter() {
            let write = |marked: usize| -> String {
                let token = |(atom, (_, token)): (usize, &(u8, &str))| match atom == marked {
                    true => format!("{}(I)", token.replace("[nH]", "n")),
                    false => (*token).to_string(),
                };
                ring.atoms.iter().enumerate().map(token).collect()
            };
            Mol::parse(&write(usize::MAX)).unwrap_or_else(|error| panic!("{}: {error}", ring.name));
            for symmetry in &ring.symmetries {
                let mut seen = symmetry.clone();
                seen.sort_unstable();
                assert!(seen.windows(2).all(|pair| pair[0] < pair[1]) || ring.atoms.iter().any(|atom| atom.0 == 0));
                for (atom, (locant, token)) in ring.atoms.iter().enumerate() {
                    let open = *locant > 0 && token.starts_with(['c', 'C', '[', 'N']);
                    if open {
                        let (one, other) = (Mol::parse(&write(atom)), Mol::parse(&write(symmetry[atom])));
                        assert_eq!(one.unwrap().canonical(), other.unwrap().canonical(), "{} {locant}", ring.name);
                    }
                }
            }
        }
    }
}
