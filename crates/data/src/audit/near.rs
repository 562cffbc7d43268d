//! Molecules that look alike: pairs of fingerprints with a Tanimoto similarity of at least a threshold.
//!
//! The search is exact: candidates come from a [`PrefixFilter`], and their sizes differ by no more than the threshold allows.

use rayon::prelude::*;

use crate::prefix_filter::{BITS, Fingerprint, PrefixFilter, bits, size};

/// A pair that is near: places in the two lists, and the similarity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Match {
    pub query: u32,
    pub found: u32,
    pub similarity: f32,
}

/// Fingerprints to be found.
pub(super) struct NearIndex<'a> {
    fingerprints: &'a [Fingerprint],
    filter: PrefixFilter,
    /// By bit: the entries with it among their rarest bits, by size.
    lists: Vec<Vec<Entry>>,
}

#[derive(Clone, Copy)]
struct Entry {
    size: u16,
    place: u32,
}

impl<'a> NearIndex<'a> {
    /// An index of the fingerprints at these places.
    pub fn new(fingerprints: &'a [Fingerprint], places: &[u32], threshold: f64) -> NearIndex<'a> {
        let all = places.iter().flat_map(|place| bits(&fingerprints[*place as usize]));
        let filter = PrefixFilter::new(threshold, all);
        let mut index = NearIndex { fingerprints, filter, lists: vec![Vec::new(); BITS] };
        let mut by_size: Vec<Entry> = places
            .iter()
            .map(|place| Entry { size: size(&fingerprints[*place as usize]) as u16, place: *place })
            .filter(|entry| entry.size > 0)
            .collect();
        by_size.sort_unstable_by_key(|entry| (entry.size, entry.place));
        for entry in by_size {
            for bit in index.filter.prefix(&fingerprints[entry.place as usize]) {
                index.lists[bit].push(entry);
            }
        }
        index
    }

    /// The entries near each query, in the order of queries and places; a query does not find itself.
    pub fn search(&self, queries: &[u32]) -> Vec<Match> {
        queries
            .par_chunks(1024)
            .flat_map_iter(|chunk| {
                let mut candidates = Vec::new();
                chunk.iter().flat_map(move |query| self.of(*query, &mut candidates)).collect::<Vec<_>>()
            })
            .collect()
    }

    fn of(&self, query: u32, candidates: &mut Vec<u32>) -> Vec<Match> {
        let fingerprint = &self.fingerprints[query as usize];
        let own = size(fingerprint);
        if own == 0 {
            return Vec::new();
        }
        let (least, most) = (self.filter.least(own), self.filter.most(own));
        candidates.clear();
        for bit in self.filter.prefix(fingerprint) {
            let list = &self.lists[bit];
            let start = list.partition_point(|entry| usize::from(entry.size) < least);
            let list = list[start..].iter().take_while(|entry| usize::from(entry.size) <= most);
            candidates.extend(list.map(|entry| entry.place));
        }
        candidates.sort_unstable();
        candidates.dedup();
        let near = candidates.iter().filter(|place| **place != query).filter_map(|place| {
            let overlap = self.filter.overlap(fingerprint, &self.fingerprints[*place as usize])?;
            Some(Match { query, found: *place, similarity: overlap.similarity() as f32 })
        });
        near.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// Families of fingerprints around common ones, so that there are near pairs at every threshold.
    fn some(count: usize) -> Vec<Fingerprint> {
        let mut rng = Rng::new(7);
        let mut all: Vec<Fingerprint> = Vec::new();
        for number in 0..count {
            let mut fingerprint = match number % 4 {
                0 => [0; 32],
                _ => all[number - 1],
            };
            let flips = if number % 4 == 0 { 5 + number % 60 } else { 1 + number % 3 };
            for _ in 0..flips {
                // Low bits are common, as some are in molecules.
                let bit = rng.below(BITS).min(rng.below(BITS));
                fingerprint[bit / 64] ^= 1 << (bit % 64);
            }
            all.push(fingerprint);
        }
        all.push([0; 32]);
        all
    }

    fn tanimoto(one: &Fingerprint, other: &Fingerprint) -> f64 {
        let (mut both, mut either) = (0, 0);
        for (one, other) in one.iter().zip(other) {
            both += (one & other).count_ones();
            either += (one | other).count_ones();
        }
        if either == 0 { 0.0 } else { f64::from(both) / f64::from(either) }
    }

    #[test]
    fn the_same_pairs_as_without_an_index() {
        let all = some(400);
        let (queries, places): (Vec<u32>, Vec<u32>) = (0..all.len() as u32).partition(|place| place % 3 != 0);
        for threshold in [0.2, 0.5, 0.7, 0.9, 1.0] {
            let found = NearIndex::new(&all, &places, threshold).search(&queries);
            let mut wanted = Vec::new();
            for query in &queries {
                for place in &places {
                    if tanimoto(&all[*query as usize], &all[*place as usize]) >= threshold {
                        wanted.push((*query, *place));
                    }
                }
            }
            let pairs: Vec<(u32, u32)> = found.iter().map(|one| (one.query, one.found)).collect();
            assert_eq!(pairs, wanted, "{threshold}");
            assert!(threshold == 1.0 || pairs.len() > 10, "{threshold}: {}", pairs.len());
        }
    }
}
