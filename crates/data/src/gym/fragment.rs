//! Random fragments with one open end, for reactions: what `{L}` and `{R}` of an assembly stand for.

use chemr_chem::FragmentKind;

use super::molecule::may_attach;
use crate::rng::Rng;
use crate::sketch::{Element, Node, Order, Sketch};

/// A fragment; atom 0 of the sketch is the attachment atom.
#[derive(Clone, Debug)]
pub(super) struct Fragment {
    sketch: Sketch,
}

/// What may decorate a carbon of a chain or ring: SMILES, lowest level, weight.
const ON_CHAIN: &[(&str, u8, u32)] = &[
    ("C", 1, 40),
    ("CC", 1, 10),
    ("C(C)C", 1, 6),
    ("C1CC1", 1, 3),
    ("C1CCC1", 1, 2),
    ("C1CCCC1", 1, 3),
    ("C1CCCCC1", 1, 3),
    ("c1ccccc1", 1, 5),
    ("F", 1, 4),
    ("C(F)(F)F", 1, 3),
    ("OC", 2, 5),
    ("OCC", 2, 2),
    ("Cl", 2, 2),
    ("C=C", 2, 2),
    ("C#N", 2, 2),
    ("C(=O)OC", 2, 2),
    ("N(C)C", 3, 2),
    ("SC", 3, 1),
    ("C1CCOCC1", 2, 2),
    ("c1ccco1", 2, 1),
    ("c1cccs1", 2, 1),
    ("c1cccnc1", 3, 1),
    ("C(C)=O", 3, 1),
];

/// What may decorate a benzene ring.
const ON_RING: &[(&str, u8, u32)] = &[
    ("C", 1, 12),
    ("F", 1, 8),
    ("Cl", 1, 6),
    ("CC", 1, 4),
    ("C(C)C", 1, 2),
    ("C(F)(F)F", 1, 4),
    ("OC", 2, 6),
    ("Br", 2, 2),
    ("C#N", 2, 3),
    ("[N+](=O)[O-]", 2, 3),
    ("C(=O)OC", 2, 2),
    ("c1ccccc1", 3, 2),
    ("N(C)C", 3, 1),
    ("S(C)(=O)=O", 3, 1),
];

/// Fewest heavy atoms of a kind.
pub(super) fn smallest(kind: FragmentKind) -> usize {
    match kind {
        FragmentKind::Hydrogen => 0,
        FragmentKind::Methyl => 1,
        FragmentKind::Primary => 2,
        FragmentKind::Secondary => 3,
        FragmentKind::Tertiary => 4,
        FragmentKind::Aryl => 6,
        FragmentKind::Benzyl => 7,
    }
}

/// A kind with weights that keep methyl, of which there is only one, from taking a large part.
pub(super) fn draw_kind(rng: &mut Rng, kinds: &[FragmentKind], room: usize) -> Option<FragmentKind> {
    let weights: Vec<u32> = kinds
        .iter()
        .map(|&kind| match kind {
            _ if smallest(kind) > room => 0,
            FragmentKind::Hydrogen => 2,
            FragmentKind::Methyl => 1,
            FragmentKind::Primary => 6,
            FragmentKind::Secondary => 5,
            FragmentKind::Tertiary => 2,
            FragmentKind::Benzyl => 3,
            FragmentKind::Aryl => 5,
        })
        .collect();
    if weights.iter().all(|&weight| weight == 0) { None } else { kinds.get(rng.weighted(&weights)).copied() }
}

impl Fragment {
    /// Draws a fragment of a kind with at most `room` heavy atoms, decorated as the level allows. `None` when the
    /// smallest one is larger.
    pub(super) fn draw(rng: &mut Rng, kind: FragmentKind, level: u8, room: usize) -> Option<Fragment> {
        if kind == FragmentKind::Hydrogen {
            return Some(Fragment { sketch: Sketch::new() });
        }
        let room = room.min(match level {
            0 | 1 => 9,
            2 => 11,
            _ => 14,
        });
        Fragment::grow(rng, kind, level, room)
    }

    /// Draws a fragment that holds nothing but alkyl groups, rings, fluorine and aryl chlorine, with at most `room` heavy atoms.
    pub(super) fn plain(rng: &mut Rng, kind: FragmentKind, room: usize) -> Option<Fragment> {
        Fragment::grow(rng, kind, 1, room)
    }

    fn grow(rng: &mut Rng, kind: FragmentKind, level: u8, room: usize) -> Option<Fragment> {
        if kind == FragmentKind::Hydrogen {
            return Some(Fragment { sketch: Sketch::new() });
        }
        let mut sketch = base(rng, kind, room)?;
        let fixed = match kind {
            FragmentKind::Methyl => return Some(Fragment { sketch }),
            // The attachment atom keeps the neighbours that its kind promises.
            _ => 1,
        };
        // Two draws, the larger taken: small fragments are few and would come again and again.
        let room_left = room.saturating_sub(sketch.len());
        let target = sketch.len() + rng.below(room_left + 1).max(rng.below(room_left + 1));
        for _ in 0..24 {
            if sketch.len() >= target {
                break;
            }
            decorate(rng, &mut sketch, fixed, level, target);
        }
        Some(Fragment { sketch })
    }

    /// Binds a group to a drawn carbon away from the attachment atom: `chain` to an sp3 carbon of chains and rings, `ring` to a
    /// benzene ring, not in ortho. Carbons from `skeleton` on belong to groups bound before, and none takes a second one. False when
    /// no carbon fits.
    pub(super) fn bind(
        &mut self,
        rng: &mut Rng,
        chain: Option<&Sketch>,
        ring: Option<&Sketch>,
        skeleton: usize,
    ) -> bool {
        let distances = self.distances();
        let site = |atom: usize| {
            let node = self.sketch.nodes()[atom];
            let piece = if node.aromatic { ring } else { chain }?;
            let around = self.sketch.neighbours(atom);
            let bare =
                around.iter().all(|&(next, _)| next < skeleton && self.sketch.nodes()[next].element == Element::Carbon);
            let hetero = piece.nodes().first().is_some_and(|first| first.element != Element::Carbon);
            let near = match (node.aromatic, hetero) {
                // The atoms in ortho to the attachment atom, or to the ring atom that bears it.
                (true, _) => {
                    if self.sketch.nodes()[0].aromatic {
                        2
                    } else {
                        3
                    }
                }
                (false, true) => 2,
                (false, false) => 1,
            };
            let fits = node.element == Element::Carbon
                && bare
                && distances[atom] >= near
                && may_attach(&self.sketch, atom, piece, Order::Single);
            fits.then_some((atom, piece))
        };
        let sites: Vec<(usize, &Sketch)> = (1..skeleton.min(self.sketch.len())).filter_map(site).collect();
        let Some(&(atom, piece)) = rng.pick(&sites) else { return false };
        self.sketch.graft(atom, piece, Order::Single);
        true
    }

    /// Number of heavy atoms.
    pub(super) fn heavy_atoms(&self) -> usize {
        self.sketch.len()
    }

    /// The text for `{L}`, which ends at the attachment atom. Level 1 starts at the far end; higher levels anywhere.
    pub(super) fn left(&self, rng: &mut Rng, level: u8) -> String {
        if self.sketch.is_empty() {
            return String::new();
        }
        let root = if level <= 1 { self.farthest() } else { rng.below(self.sketch.len()) };
        self.sketch.write(root, Some(0), order(rng, level))
    }

    /// The text for `{R}`, which starts at the attachment atom.
    pub(super) fn right(&self, rng: &mut Rng, level: u8) -> String {
        self.sketch.write(0, None, order(rng, level))
    }

    /// An atom as far from the attachment atom as any, the last added of these.
    fn farthest(&self) -> usize {
        self.walk().1
    }

    /// Bonds between each atom and the attachment atom.
    fn distances(&self) -> Vec<usize> {
        self.walk().0
    }

    /// Distances from the attachment atom, and the atom that was reached last.
    fn walk(&self) -> (Vec<usize>, usize) {
        let mut distance = vec![usize::MAX; self.sketch.len()];
        let mut queue = std::collections::VecDeque::new();
        if let Some(first) = distance.first_mut() {
            *first = 0;
            queue.push_back(0);
        }
        let mut last = 0;
        while let Some(atom) = queue.pop_front() {
            last = atom;
            for &(next, _) in self.sketch.neighbours(atom) {
                if distance[next] == usize::MAX {
                    distance[next] = distance[atom] + 1;
                    queue.push_back(next);
                }
            }
        }
        (distance, last)
    }
}

/// Branch order: drawn from level 2 on.
fn order(rng: &mut Rng, level: u8) -> Option<&mut Rng> {
    if level <= 1 { None } else { Some(rng) }
}

/// The smallest fragments of a kind, and for secondary ones also rings.
fn base(rng: &mut Rng, kind: FragmentKind, room: usize) -> Option<Sketch> {
    if smallest(kind) > room {
        return None;
    }
    let text = match kind {
        FragmentKind::Hydrogen => return Some(Sketch::new()),
        FragmentKind::Methyl => "C",
        FragmentKind::Primary => "CC",
        FragmentKind::Secondary => {
            let rings: &[&str] = match room {
                0..=3 => &["C(C)C", "C1CC1"],
                4 => &["C(C)C", "C(C)C", "C1CC1", "C1CCC1"],
                5 => &["C(C)C", "C(C)C", "C1CC1", "C1CCC1", "C1CCCC1"],
                _ => &["C(C)C", "C(C)C", "C(C)C", "C1CC1", "C1CCC1", "C1CCCC1", "C1CCCCC1", "C1CCCCC1"],
            };
            rng.pick(rings)?
        }
        FragmentKind::Tertiary => "C(C)(C)C",
        FragmentKind::Aryl => "c1ccccc1",
        FragmentKind::Benzyl => "Cc1ccccc1",
    };
    Sketch::parse(text)
}

/// Adds one decoration if it fits; atoms below `fixed` stay as they are.
fn decorate(rng: &mut Rng, sketch: &mut Sketch, fixed: usize, level: u8, target: usize) {
    let site = if rng.chance(1, 2) { sketch.len() - 1 } else { rng.below(sketch.len()) };
    if site < fixed {
        return;
    }
    let node: Node = sketch.nodes()[site];
    if node.element != Element::Carbon || node.bracket_hydrogens.is_some() {
        return;
    }
    // Heteroatoms next to the reaction centre, or two of them on one carbon chain atom, make the substrate special.
    let near = sketch.neighbours(site).iter().any(|&(next, _)| next == 0);
    let table = if node.aromatic { ON_RING } else { ON_CHAIN };
    let weights: Vec<u32> = table.iter().map(|&(_, lowest, weight)| if lowest <= level { weight } else { 0 }).collect();
    let Some(&(text, _, _)) = table.get(rng.weighted(&weights)) else { return };
    let hetero = !text.starts_with(['C', 'c']) || text == "Cl";
    if hetero && near && !node.aromatic {
        return;
    }
    if node.aromatic && sketch.nodes().iter().any(|node| node.element != Element::Carbon) && !text.starts_with('C') {
        return;
    }
    let Some(piece) = Sketch::parse(text) else { return };
    if sketch.len() + piece.len() <= target && may_attach(sketch, site, &piece, Order::Single) {
        sketch.graft(site, &piece, Order::Single);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chemr_chem::{Mol, Pattern};

    #[test]
    fn kinds_are_what_they_promise() {
        let cases = [
            (FragmentKind::Methyl, "[CH3]O"),
            (FragmentKind::Primary, "[CX4;H2;$(C[CX4])]O"),
            (FragmentKind::Secondary, "[CX4;H1;$(C([#6])[#6])]O"),
            (FragmentKind::Tertiary, "[CX4;H0;$(C([#6])([#6])[#6])]O"),
            (FragmentKind::Benzyl, "[CX4;H2;$(Cc1ccccc1)]O"),
            (FragmentKind::Aryl, "[c;$(c1ccccc1)]O"),
        ];
        for level in 1..=3u8 {
            for (kind, smarts) in cases {
                let mut rng = Rng::new(u64::from(level));
                let pattern = Pattern::compile(&format!("[OH1;$(O{})]", smarts.trim_end_matches('O'))).unwrap();
                let mut texts = std::collections::BTreeSet::new();
                for _ in 0..60 {
                    let fragment = Fragment::draw(&mut rng, kind, level, 11).unwrap();
                    assert!(fragment.heavy_atoms() <= 11 && fragment.heavy_atoms() >= smallest(kind));
                    let left = format!("{}O", fragment.left(&mut rng, level));
                    let right = format!("O{}", fragment.right(&mut rng, level));
                    let from_left = Mol::parse(&left).unwrap_or_else(|error| panic!("{left}: {error}"));
                    let from_right = Mol::parse(&right).unwrap_or_else(|error| panic!("{right}: {error}"));
                    assert!(from_left.is_same(&from_right), "{left} {right}");
                    assert!(pattern.is_match(&from_left), "{kind:?} {left}");
                    texts.insert(from_left.canonical().to_string());
                }
                assert!(kind == FragmentKind::Methyl || texts.len() > 15, "{kind:?} level {level}: {}", texts.len());
            }
        }
    }

    #[test]
    fn too_little_room() {
        let mut rng = Rng::new(1);
        assert!(Fragment::draw(&mut rng, FragmentKind::Aryl, 1, 5).is_none());
        assert_eq!(draw_kind(&mut rng, &[FragmentKind::Aryl], 5), None);
        let hydrogen = Fragment::draw(&mut rng, FragmentKind::Hydrogen, 1, 0).unwrap();
        assert_eq!(hydrogen.left(&mut rng, 1), "");
        assert_eq!(hydrogen.right(&mut rng, 1), "");
    }
}
