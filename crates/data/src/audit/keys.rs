//! Molecules as 64-bit keys.
//!
//! Texts are compared by hashes alone. Among n different texts two have one hash with a probability of about n²/2⁶⁵: one in four million
//! for three million molecules.

use std::collections::HashMap;

use chemr_chem::Mol;

use crate::anatomy::molecule;
use crate::prefix_filter::{BITS, Fingerprint, RADIUS, fingerprint};
use crate::stable_hash;

/// No key: the molecule has none of this kind, and equals no other by it.
pub(super) const NO_KEY: u64 = 0;

/// The key of a text; never [`NO_KEY`].
pub(super) fn key_of(text: &str) -> u64 {
    stable_hash(text).max(1)
}

/// A key from several, which depends on their order; never [`NO_KEY`].
pub(super) fn combined(keys: impl IntoIterator<Item = u64>) -> u64 {
    let mut hash: u64 = 0x9e37_79b9_7f4a_7c15;
    for key in keys {
        hash = (hash.rotate_left(23) ^ key).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash = (hash ^ (hash >> 32)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^= hash >> 29;
    }
    hash.max(1)
}

/// One molecule of a mixture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ComponentKeys {
    pub canonical: u64,
    pub flat: u64,
    /// Otherwise the keys are those of the text as it stands.
    pub is_readable: bool,
}

impl ComponentKeys {
    /// Of a text without dots.
    pub fn of(text: &str) -> ComponentKeys {
        ComponentKeys::read(text).0
    }

    /// Also gives the molecule.
    pub fn read(text: &str) -> (ComponentKeys, Option<Mol>) {
        match molecule(text) {
            Some(mol) => (ComponentKeys::of_molecule(&mol), Some(mol)),
            None => (ComponentKeys { canonical: key_of(text), flat: key_of(text), is_readable: false }, None),
        }
    }

    fn of_molecule(mol: &Mol) -> ComponentKeys {
        let canonical = key_of(mol.canonical());
        // Writing a molecule again costs as much as reading it, and most are flat.
        let flat = if is_flat(mol.canonical()) { canonical } else { key_of(&mol.canonical_flat()) };
        ComponentKeys { canonical, flat, is_readable: true }
    }
}

/// Whether a SMILES text names neither stereochemistry nor isotopes.
fn is_flat(smiles: &str) -> bool {
    let bytes = smiles.as_bytes();
    !bytes.iter().any(|byte| matches!(byte, b'@' | b'/' | b'\\'))
        && !bytes.windows(2).any(|pair| pair[0] == b'[' && pair[1].is_ascii_digit())
}

/// A mixture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MixtureKeys {
    pub canonical: u64,
    pub flat: u64,
    /// Components that cannot be read; they are compared as texts.
    pub unreadable: u32,
}

/// Components by their texts, as many as fit: reagents repeat, and so do the reactants of a reaction that is asked in two directions. What
/// is dropped is computed again, so that the results do not depend on the bound.
pub(super) struct ComponentCache {
    recent: HashMap<Box<str>, ComponentKeys>,
    older: HashMap<Box<str>, ComponentKeys>,
    most: usize,
}

impl ComponentCache {
    /// Holds at most twice `most` components.
    pub fn new(most: usize) -> ComponentCache {
        ComponentCache { recent: HashMap::new(), older: HashMap::new(), most }
    }

    /// Whether the component is known; keeps it from being dropped soon.
    pub fn touch(&mut self, text: &str) -> bool {
        if self.recent.contains_key(text) {
            return true;
        }
        match self.older.remove_entry(text) {
            Some((text, keys)) => {
                self.add(text, keys);
                true
            }
            None => false,
        }
    }

    pub fn add(&mut self, text: Box<str>, keys: ComponentKeys) {
        if self.recent.len() >= self.most {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(text, keys);
    }

    fn keys(&self, text: &str) -> ComponentKeys {
        let known = self.recent.get(text).or_else(|| self.older.get(text));
        known.copied().unwrap_or_else(|| ComponentKeys::of(text))
    }

    /// The components of a mixture, whatever their order; one molecule is a mixture of one. `None` for an empty text.
    pub fn mixture(&self, text: &str) -> Option<Mixture> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let parts: Vec<ComponentKeys> = text.split('.').map(|part| self.keys(part)).collect();
        if parts.len() > 1 && parts.iter().any(|part| !part.is_readable) {
            // A ring may be closed across a dot.
            if let Some(mol) = molecule(text) {
                return Some(Mixture(mol.fragments().iter().map(ComponentKeys::of_molecule).collect()));
            }
        }
        Some(Mixture(parts))
    }
}

/// The components of a mixture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mixture(pub Vec<ComponentKeys>);

impl Mixture {
    pub fn keys(&self) -> MixtureKeys {
        let sorted = |key: fn(&ComponentKeys) -> u64| {
            let mut keys: Vec<u64> = self.0.iter().map(key).collect();
            keys.sort_unstable();
            combined(keys)
        };
        let unreadable = self.0.iter().filter(|part| !part.is_readable).count();
        MixtureKeys {
            canonical: sorted(|part| part.canonical),
            flat: sorted(|part| part.flat),
            unreadable: u32::try_from(unreadable).unwrap_or(u32::MAX),
        }
    }
}

/// What the molecule that a row is about is compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MoleculeKeys {
    pub canonical: u64,
    pub flat: u64,
    pub inchi_key: u64,
    pub skeleton: u64,
    pub scaffold: u64,
}

/// Which of the expensive keys are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    pub inchi: bool,
    pub scaffold: bool,
    pub fingerprint: bool,
}

/// The expensive keys of a molecule text, which is read where it has not been.
pub(super) fn molecule_keys(
    text: &str,
    read: Option<&Mol>,
    mixture: &MixtureKeys,
    wanted: Wanted,
) -> (MoleculeKeys, Option<Fingerprint>) {
    let mut keys = MoleculeKeys {
        canonical: mixture.canonical,
        flat: mixture.flat,
        inchi_key: NO_KEY,
        skeleton: NO_KEY,
        scaffold: NO_KEY,
    };
    if !(wanted.inchi || wanted.scaffold || wanted.fingerprint) {
        return (keys, None);
    }
    let Some(mol) = read.cloned().or_else(|| molecule(text)) else { return (keys, None) };
    if wanted.inchi
        && let Some(inchi_key) = mol.inchikey()
    {
        keys.inchi_key = key_of(&inchi_key);
        keys.skeleton = key_of(inchi_key.split('-').next().unwrap_or_default());
    }
    if wanted.scaffold {
        let scaffold = mol.scaffold();
        keys.scaffold = if scaffold.is_empty() { NO_KEY } else { key_of(&scaffold) };
    }
    (keys, wanted.fingerprint.then(|| fingerprint(mol.morgan(RADIUS, BITS).on_bits())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> (MixtureKeys, MoleculeKeys) {
        let mixture = ComponentCache::new(4).mixture(text).unwrap().keys();
        let all = Wanted { inchi: true, scaffold: true, fingerprint: true };
        (mixture, molecule_keys(text, None, &mixture, all).0)
    }

    #[test]
    fn levels_merge_what_they_say() {
        // 2-pyridone and 2-hydroxypyridine: InChI moves the hydrogen. Values of the InChIKeys: RDKit 2026.9.1 gives one key for both.
        let (one, other) = (keys("O=c1cccc[nH]1").1, keys("Oc1ccccn1").1);
        assert_ne!((one.canonical, one.flat), (other.canonical, other.flat));
        assert_eq!((one.inchi_key, one.skeleton), (other.inchi_key, other.skeleton));
        let (left, right) = (keys("C[C@H](N)C(=O)O").1, keys("C[C@@H](N)C(=O)O").1);
        assert_ne!((left.canonical, left.inchi_key), (right.canonical, right.inchi_key));
        assert_eq!((left.flat, left.skeleton), (right.flat, right.skeleton));
        let (heavy, light) = (keys("[13CH3]CO").1, keys("CCO").1);
        assert_ne!(heavy.canonical, light.canonical);
        assert_eq!((heavy.flat, heavy.skeleton), (light.flat, light.skeleton));
        assert_eq!(keys("CCc1ccccc1").1.scaffold, keys("Nc1ccccc1").1.scaffold);
        assert_eq!(keys("CCCC").1.scaffold, NO_KEY);
    }

    #[test]
    fn mixtures_forget_order_maps_and_spelling() {
        assert_eq!(keys("OCC.[Na+].[Cl-]").0, keys("[Cl-].CCO.[Na+]").0);
        assert_eq!(keys("[CH3:1][OH:2]").0, keys("CO").0);
        assert_eq!(keys("C1.C1O").0.canonical, keys("CCO").0.canonical);
        assert_ne!(keys("CC.CC").0, keys("CC").0);
        // RDKit writes dative bonds of palladium as `~`, which no reader of molecules takes.
        let odd = keys("CC(=O)O~[Pd].CCO").0;
        assert_eq!((odd.unreadable, odd), (1, keys("OCC.CC(=O)O~[Pd]").0));
        assert_eq!(ComponentCache::new(4).mixture("  "), None);
    }

    #[test]
    fn a_dropped_component_has_the_same_keys() {
        let mut cache = ComponentCache::new(1);
        for text in ["C", "CC", "CCC", "C"] {
            assert!(!cache.touch(text));
            cache.add(text.into(), ComponentKeys::of(text));
            assert!(cache.touch(text));
        }
        assert_eq!(cache.keys("CC"), ComponentKeys::of("CC"));
        assert!(cache.recent.len() + cache.older.len() <= 2);
    }
}
