//! Clusters of similar molecules by the leader algorithm.
//!
//! Molecules are taken in their order: one that is similar enough to a leader (Tanimoto of Morgan fingerprints of radius 2, 2,048 bits)
//! joins the most similar leader, any other becomes a leader. One pass, unlike the all-pairs table of Butina (J. Chem. Inf. Comput. Sci.
//! 1999, 39, 747), and like it no guarantee that members of two clusters are unlike: only leaders are.
//!
//! Few leaders are compared: those that a [`PrefixFilter`] cannot rule out.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use crate::prefix_filter::{BITS, Fingerprint, Overlap, PrefixFilter, fingerprint};

/// Molecules that are compared with the known leaders at once, by all cores.
const BLOCK: usize = 1024;

/// Distinct molecules with their fingerprints, in order of appearance.
#[derive(Clone, Debug, Default)]
pub(super) struct Molecules {
    keys: Vec<u64>,
    known: HashSet<u64>,
    bits: Vec<u16>,
    ends: Vec<usize>,
}

impl Molecules {
    /// Adds a molecule that is not known yet.
    pub fn add(&mut self, key: u64, bits: &[u16]) {
        if self.known.insert(key) {
            self.keys.push(key);
            self.bits.extend_from_slice(bits);
            self.ends.push(self.bits.len());
        }
    }

    fn bits_of(&self, place: usize) -> &[u16] {
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.bits[start..self.ends[place]]
    }

    fn fingerprint(&self, place: usize) -> Fingerprint {
        fingerprint(self.bits_of(place).iter().map(|bit| usize::from(*bit)))
    }

    /// The key of each molecule's leader, by the molecule's key.
    pub fn leaders(&self, threshold: f64) -> HashMap<u64, u64> {
        let mut clusters = Clusters::new(self, threshold);
        let mut leader_of = Vec::with_capacity(self.keys.len());
        for block in (0..self.keys.len()).collect::<Vec<_>>().chunks(BLOCK) {
            let prints: Vec<Fingerprint> = block.par_iter().map(|place| self.fingerprint(*place)).collect();
            let found: Vec<Option<Near>> = prints.par_iter().map(|print| clusters.nearest(print)).collect();
            let known = clusters.leaders.len();
            for ((place, print), found) in block.iter().zip(prints).zip(found) {
                // Leaders of this block were not there when the others were looked at.
                let fresh = (known..clusters.leaders.len()).filter_map(|leader| clusters.near(leader, &print));
                match fresh.fold(found, Near::better) {
                    Some(near) => leader_of.push(clusters.keys[near.leader as usize]),
                    None => {
                        leader_of.push(self.keys[*place]);
                        clusters.lead(self.keys[*place], print);
                    }
                }
            }
        }
        self.keys.iter().copied().zip(leader_of).collect()
    }
}

/// A leader that is similar enough.
#[derive(Clone, Copy)]
struct Near {
    leader: u32,
    overlap: Overlap,
}

impl Near {
    /// The more similar one; of two equal ones the earlier leader.
    fn better(best: Option<Near>, other: Near) -> Option<Near> {
        let is_better = best.is_none_or(|best| {
            let (one, two) = (other.overlap, best.overlap);
            let (left, right) = (one.both * two.either, two.both * one.either);
            left > right || (left == right && other.leader < best.leader)
        });
        if is_better { Some(other) } else { best }
    }
}

struct Clusters {
    filter: PrefixFilter,
    leaders: Vec<Fingerprint>,
    keys: Vec<u64>,
    /// Leaders by their rarest bits.
    listed: Vec<Vec<u32>>,
}

impl Clusters {
    fn new(molecules: &Molecules, threshold: f64) -> Clusters {
        let filter = PrefixFilter::new(threshold, molecules.bits.iter().map(|bit| usize::from(*bit)));
        Clusters { filter, leaders: Vec::new(), keys: Vec::new(), listed: vec![Vec::new(); BITS] }
    }

    /// The leader, where it is similar enough.
    fn near(&self, leader: usize, print: &Fingerprint) -> Option<Near> {
        let overlap = self.filter.overlap(&self.leaders[leader], print)?;
        Some(Near { leader: leader as u32, overlap })
    }

    fn nearest(&self, print: &Fingerprint) -> Option<Near> {
        let lists = self.filter.prefix(print).into_iter().map(|bit| &self.listed[bit]);
        let mut candidates: Vec<u32> = lists.flatten().copied().collect();
        candidates.sort_unstable();
        candidates.dedup();
        candidates.into_iter().filter_map(|leader| self.near(leader as usize, print)).fold(None, Near::better)
    }

    fn lead(&mut self, key: u64, print: Fingerprint) {
        for bit in self.filter.prefix(&print) {
            self.listed[bit].push(self.leaders.len() as u32);
        }
        self.leaders.push(print);
        self.keys.push(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// The algorithm without any short cut.
    fn plainly(prints: &[Vec<u16>], threshold: f64) -> Vec<usize> {
        let mut leaders: Vec<usize> = Vec::new();
        let mut found = Vec::new();
        for (place, print) in prints.iter().enumerate() {
            let mut best: Option<(f64, usize)> = None;
            for leader in &leaders {
                let common = print.iter().filter(|bit| prints[*leader].contains(bit)).count();
                let similarity = common as f64 / (print.len() + prints[*leader].len() - common).max(1) as f64;
                if similarity >= threshold && best.is_none_or(|best| similarity > best.0) {
                    best = Some((similarity, *leader));
                }
            }
            found.push(best.map_or(place, |best| best.1));
            if best.is_none() {
                leaders.push(place);
            }
        }
        found
    }

    #[test]
    fn short_cuts_change_no_cluster() {
        let mut rng = Rng::new(5);
        // Around twelve centres, more molecules than a block, one without any bit.
        let centres: Vec<Vec<u16>> = (0..12).map(|_| (0..30).map(|_| rng.below(300) as u16).collect()).collect();
        let mut prints: Vec<Vec<u16>> = vec![Vec::new()];
        while prints.len() < BLOCK + 300 {
            let mut print: Vec<u16> =
                rng.pick(&centres).unwrap().iter().filter(|_| rng.clone().chance(4, 5)).copied().collect();
            (0..rng.below(20)).for_each(|_| print.push(rng.below(BITS) as u16));
            print.retain(|_| rng.chance(9, 10));
            print.sort_unstable();
            print.dedup();
            prints.push(print);
        }
        for threshold in [0.3, 0.5, 0.7, 1.0] {
            let mut molecules = Molecules::default();
            prints.iter().enumerate().for_each(|(key, bits)| molecules.add(key as u64, bits));
            let leaders = molecules.leaders(threshold);
            let wanted = plainly(&prints, threshold);
            let differing = (0..prints.len()).filter(|place| leaders[&(*place as u64)] != wanted[*place] as u64);
            assert_eq!(differing.count(), 0, "threshold {threshold}");
            let mut distinct = wanted.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert!(distinct.len() > 1 && (threshold > 0.6 || distinct.len() < prints.len()), "{}", distinct.len());
        }
    }
}
