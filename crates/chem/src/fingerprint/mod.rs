//! Fingerprints and Tanimoto similarity.

mod flat_graph;
mod maccs;
mod rdk;
mod subgraphs;

use std::collections::BTreeMap;

use cosmolkit::{Fingerprint, Molecule, MorganFingerprintParams, SanitizeOperations, SanitizeParams};

use crate::error::ChemError;
use crate::graph::ends;
use crate::guard::guarded;
use crate::mol::Mol;
use flat_graph::FlatGraph;
use subgraphs::estimate;

/// A fingerprint as a set of bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BitFingerprint {
    words: Vec<u64>,
}

impl BitFingerprint {
    fn empty(size: usize) -> BitFingerprint {
        BitFingerprint { words: vec![0; size.div_ceil(64)] }
    }

    /// Sets a bit below the size.
    fn set(&mut self, bit: usize) {
        self.words[bit / 64] |= 1 << (bit % 64);
    }

    fn from_bits(bits: impl Iterator<Item = usize>, size: usize) -> BitFingerprint {
        let mut words = vec![0; size.div_ceil(64)];
        for bit in bits {
            if let Some(word) = words.get_mut(bit / 64) {
                *word |= 1_u64 << (bit % 64);
            }
        }
        BitFingerprint { words }
    }

    fn has(&self, bit: usize) -> bool {
        self.words[bit / 64] & (1 << (bit % 64)) != 0
    }

    /// Indices of the bits that are set, ascending.
    pub fn on_bits(&self) -> Vec<usize> {
        let mut bits = Vec::with_capacity(self.count());
        for (index, word) in self.words.iter().enumerate() {
            let mut rest = *word;
            while rest != 0 {
                bits.push(index * 64 + rest.trailing_zeros() as usize);
                rest &= rest - 1;
            }
        }
        bits
    }

    /// Number of bits that are set.
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Bits in both over bits in either, 0 to 1; 0 when neither has a bit, as in RDKit.
    /// Compare only fingerprints of one kind and size.
    pub fn tanimoto(&self, other: &BitFingerprint) -> f64 {
        let mut both = 0;
        let mut either = 0;
        for index in 0..self.words.len().max(other.words.len()) {
            let left = self.words.get(index).copied().unwrap_or(0);
            let right = other.words.get(index).copied().unwrap_or(0);
            both += (left & right).count_ones();
            either += (left | right).count_ones();
        }
        if either == 0 { 0.0 } else { f64::from(both) / f64::from(either) }
    }
}

/// A fingerprint as features with counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountFingerprint {
    counts: BTreeMap<u64, u32>,
}

impl CountFingerprint {
    /// Feature identifiers with their counts, ascending.
    pub fn counts(&self) -> &BTreeMap<u64, u32> {
        &self.counts
    }

    /// Sum of the smaller counts over sum of the larger counts, 0 to 1.
    pub fn tanimoto(&self, other: &CountFingerprint) -> f64 {
        let total = |counts: &BTreeMap<u64, u32>| -> u64 { counts.values().map(|count| u64::from(*count)).sum() };
        let both: u64 = self
            .counts
            .iter()
            .filter_map(|(feature, count)| other.counts.get(feature).map(|theirs| u64::from(*count.min(theirs))))
            .sum();
        let either = total(&self.counts) + total(&other.counts) - both;
        if either == 0 { 0.0 } else { both as f64 / either as f64 }
    }
}

fn bits_of(fingerprint: &Fingerprint, size: usize) -> BitFingerprint {
    BitFingerprint::from_bits(fingerprint.on_bits().into_iter().map(|bit| bit as usize), size)
}

fn or_empty(result: Result<BitFingerprint, ChemError>, size: usize) -> BitFingerprint {
    result.unwrap_or_else(|_| BitFingerprint::from_bits(std::iter::empty(), size))
}

fn morgan(molecule: &Molecule, radius: u32, bits: usize) -> Result<BitFingerprint, ChemError> {
    let mut parameters = MorganFingerprintParams::default();
    parameters.generator.radius = radius;
    parameters.generator.fp_size = u32::try_from(bits).unwrap_or(u32::MAX);
    let found = molecule.fingerprint_morgan_with_params(&parameters, None).map_err(ChemError::internal)?;
    Ok(bits_of(&found, bits))
}

/// The Murcko scaffold with valences, which cutting drops.
fn scaffold(mol: &Mol) -> Result<Molecule, ChemError> {
    let cut = mol.toolkit().murcko_decompose().map_err(ChemError::internal)?;
    let operations = SanitizeOperations::PROPERTIES;
    cut.sanitize_with_params(&SanitizeParams { operations }).map_err(ChemError::internal)
}

fn morgan_counts(molecule: &Molecule, radius: u32) -> Result<CountFingerprint, ChemError> {
    let mut parameters = MorganFingerprintParams::default();
    parameters.generator.radius = radius;
    let found = molecule.fingerprint_morgan_sparse_count_with_params(&parameters, None).map_err(ChemError::internal)?;
    let counts = found.nonzero_elements().iter();
    let counts = counts.filter_map(|(feature, count)| Some((*feature, u32::try_from(*count).ok()?))).collect();
    Ok(CountFingerprint { counts })
}

/// Most branched paths for [`Mol::rdk`], by [`estimate`]. Ferrocenes have some 3e5, a cobalt atom between two boron cages 5e6.
const MOST_PATHS: f64 = 1e7;

/// RDKit 2026.9.1's fingerprints.
impl Mol {
    /// Morgan fingerprint (connectivity invariants, no chirality) of `radius` bonds folded to
    /// `bits` positions. ECFP4 is radius 2.
    pub fn morgan(&self, radius: u32, bits: usize) -> BitFingerprint {
        or_empty(guarded(|| morgan(self.toolkit(), radius, bits)), bits)
    }

    /// [`Mol::morgan`] of the Murcko scaffold (see [`Mol::scaffold`]), as it is cut out of this molecule; no bits for an acyclic one.
    pub fn scaffold_morgan(&self, radius: u32, bits: usize) -> BitFingerprint {
        or_empty(guarded(|| morgan(&scaffold(self)?, radius, bits)), bits)
    }

    /// Unfolded Morgan features with their counts.
    pub fn morgan_counts(&self, radius: u32) -> CountFingerprint {
        guarded(|| morgan_counts(self.toolkit(), radius)).unwrap_or_default()
    }

    /// [`Mol::morgan_counts`] of the Murcko scaffold, as [`Mol::scaffold_morgan`]; no features for an acyclic molecule.
    pub fn scaffold_morgan_counts(&self, radius: u32) -> CountFingerprint {
        guarded(|| morgan_counts(&scaffold(self)?, radius)).unwrap_or_default()
    }

    /// MACCS keys; the bits are numbered 1 to 166 as in RDKit.
    pub fn maccs(&self) -> BitFingerprint {
        or_empty(guarded(|| Ok(maccs::keys(&FlatGraph::of(self.toolkit()), self.aromatic_rings()))), 167)
    }

    /// RDKit's path fingerprint: branched paths of 1 to 7 bonds, 2,048 bits. `None` where an upper estimate of their number exceeds ten
    /// million, which would take seconds: several fused cages, or an atom with more than some 35 bonds.
    pub fn rdk(&self) -> Option<BitFingerprint> {
        if estimate(self.toolkit().num_atoms(), &ends(self.toolkit())) > MOST_PATHS {
            return None;
        }
        Some(or_empty(guarded(|| Ok(rdk::fingerprint(&FlatGraph::of(self.toolkit()), 2048))), 2048))
    }
}

#[cfg(test)]
mod tests;
