//! Lowest locants: which numbering of the parent a name uses.

use super::{Locant, Name, Skeleton};

/// What numberings are compared by, in the order of IUPAC rule P-31.1.4: suffix, multiple bond, all prefixes together,
/// prefixes in the order of citation.
type Rank = (Vec<u8>, u8, Vec<u8>, Vec<u8>);

impl Name {
    /// The same structure with the numbering that the lowest-locant rule asks for.
    pub fn renumbered(&self) -> Name {
        let length = self.parent.length;
        let mut best: Option<(Rank, Name)> = None;
        let starts = match self.parent.skeleton {
            Skeleton::Chain | Skeleton::Pyridine => 1,
            Skeleton::Ring | Skeleton::Benzene => length,
        };
        for start in 0..starts {
            for reverse in [false, true] {
                let candidate = self.mapped(|locant| match (self.parent.skeleton, reverse) {
                    (Skeleton::Chain, true) => length + 1 - locant,
                    (Skeleton::Chain, false) => locant,
                    // Around the ring from `start`, either way; the nitrogen of pyridine stays 1.
                    (_, false) => (locant - 1 + length - start) % length + 1,
                    (_, true) => (start + length - (locant - 1)) % length + 1,
                });
                let Some(candidate) = candidate else { continue };
                let rank = candidate.rank();
                if best.as_ref().is_none_or(|(lowest, _)| rank < *lowest) {
                    best = Some((rank, candidate));
                }
            }
        }
        best.map_or_else(|| self.clone(), |(_, name)| name)
    }

    /// Whether a chain has the same name from its other end.
    pub(super) fn is_symmetric(&self) -> bool {
        let turned = self.mapped(|locant| self.parent.length + 1 - locant);
        self.parent.skeleton == Skeleton::Chain && turned.is_some_and(|turned| turned == *self)
    }

    /// Every locant replaced; `None` when the multiple bond would cross the last and the first atom of a ring.
    fn mapped(&self, locant: impl Fn(u8) -> u8) -> Option<Name> {
        let mut name = self.clone();
        for position in &mut name.suffix_locants {
            *position = locant(*position);
        }
        for (place, _) in &mut name.substituents {
            if let Locant::Position(position) = place {
                *position = locant(*position);
            }
        }
        if let Some((position, _)) = &mut name.unsaturation {
            let next = if *position == self.parent.length { 1 } else { *position + 1 };
            let (first, second) = (locant(*position), locant(next));
            *position = first.min(second);
            if first.abs_diff(second) != 1 {
                return None;
            }
        }
        name.sort_prefixes();
        Some(name)
    }

    fn rank(&self) -> Rank {
        let cited: Vec<u8> = self.substituents.iter().filter_map(|(locant, _)| locant.position()).collect();
        let mut sorted = cited.clone();
        sorted.sort_unstable();
        (self.suffix_locants.clone(), self.unsaturation.map_or(0, |(position, _)| position), sorted, cited)
    }
}
