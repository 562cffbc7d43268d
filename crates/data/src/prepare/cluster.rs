//! Clusters of similar molecules by the leader algorithm.
//!
//! Molecules are taken in their order: one that is similar enough to a leader (Tanimoto of Morgan fingerprints of radius 2, 2,048 bits)
//! joins the most similar leader, any other becomes a leader. One pass, unlike the all-pairs table of Butina (J. Chem. Inf. Comput. Sci.
//! 1999, 39, 747), and like it no guarantee that members of two clusters are unlike: only leaders are.
//!
//! Few leaders are compared. With a threshold t, two fingerprints of n and m bits need t max(n, m) common bits; so of the bits sorted from
//! rare to frequent, the first n - ceil(t n) + 1 of one and the first m - ceil(t m) + 1 of the other must meet (the prefix filter of
//! Chaudhuri, Ganti, Kaushik, ICDE 2006). Leaders are listed under these bits.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::key::BITS;

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

    /// The key of each molecule's leader, by the molecule's key.
    pub fn leaders(&self, threshold: f64) -> HashMap<u64, u64> {
        let mut clusters = Clusters::new(self, threshold);
        let mut leader_of = Vec::with_capacity(self.keys.len());
        for block in (0..self.keys.len()).collect::<Vec<_>>().chunks(BLOCK) {
            let prints: Vec<Print> = block.par_iter().map(|place| clusters.print(self.bits_of(*place))).collect();
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

/// A fingerprint: a set, and the ranks of its bits from rare to frequent.
struct Print {
    words: [u64; BITS / 64],
    ranks: Vec<u16>,
}

/// A leader that is similar enough: `common` bits of `either`.
#[derive(Clone, Copy)]
struct Near {
    leader: u32,
    common: u32,
    either: u32,
}

impl Near {
    /// The more similar one; of two equal ones the earlier leader.
    fn better(best: Option<Near>, other: Near) -> Option<Near> {
        let is_better = best.is_none_or(|best| {
            let (left, right) = (other.common * best.either, best.common * other.either);
            left > right || (left == right && other.leader < best.leader)
        });
        if is_better { Some(other) } else { best }
    }
}

struct Clusters {
    threshold: f64,
    /// Rank of each bit, the rarest first.
    ranks: Vec<u16>,
    leaders: Vec<Print>,
    keys: Vec<u64>,
    /// Leaders by the ranks of their first bits.
    listed: Vec<Vec<u32>>,
}

impl Clusters {
    fn new(molecules: &Molecules, threshold: f64) -> Clusters {
        let mut counts = vec![0_usize; BITS];
        molecules.bits.iter().for_each(|bit| counts[usize::from(*bit) % BITS] += 1);
        let mut order: Vec<u16> = (0..BITS as u16).collect();
        order.sort_by_key(|bit| (counts[usize::from(*bit)], *bit));
        let mut ranks = vec![0; BITS];
        order.iter().enumerate().for_each(|(rank, bit)| ranks[usize::from(*bit)] = rank as u16);
        Clusters { threshold, ranks, leaders: Vec::new(), keys: Vec::new(), listed: vec![Vec::new(); BITS] }
    }

    fn print(&self, bits: &[u16]) -> Print {
        let mut ranks: Vec<u16> = bits.iter().map(|bit| self.ranks[usize::from(*bit) % BITS]).collect();
        ranks.sort_unstable();
        let mut words = [0; BITS / 64];
        ranks.iter().for_each(|rank| words[usize::from(*rank) / 64] |= 1 << (rank % 64));
        Print { words, ranks }
    }

    /// The bits of which two similar fingerprints share at least one.
    fn first<'p>(&self, print: &'p Print) -> &'p [u16] {
        let count = print.ranks.len();
        // A little less than t n, so that rounding never hides a leader.
        let needed = (self.threshold * count as f64 - 1e-9).ceil().max(1.0) as usize;
        &print.ranks[..(count + 1).saturating_sub(needed).min(count)]
    }

    /// The leader, where it is similar enough.
    fn near(&self, leader: usize, print: &Print) -> Option<Near> {
        let other = &self.leaders[leader];
        let (small, large) = (print.ranks.len().min(other.ranks.len()), print.ranks.len().max(other.ranks.len()));
        if (small as f64) < self.threshold * large as f64 {
            return None;
        }
        let common: u32 = print.words.iter().zip(&other.words).map(|(left, right)| (left & right).count_ones()).sum();
        let either = (small + large) as u32 - common;
        let is_similar = either > 0 && f64::from(common) >= self.threshold * f64::from(either);
        is_similar.then_some(Near { leader: leader as u32, common, either })
    }

    fn nearest(&self, print: &Print) -> Option<Near> {
        let lists = self.first(print).iter().map(|rank| &self.listed[usize::from(*rank)]);
        let mut candidates: Vec<u32> = lists.flatten().copied().collect();
        candidates.sort_unstable();
        candidates.dedup();
        candidates.into_iter().filter_map(|leader| self.near(leader as usize, print)).fold(None, Near::better)
    }

    fn lead(&mut self, key: u64, print: Print) {
        for rank in self.first(&print).to_vec() {
            self.listed[usize::from(rank)].push(self.leaders.len() as u32);
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
