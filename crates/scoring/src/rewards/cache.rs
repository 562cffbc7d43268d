//! What was judged before: the same answer to the same row.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use chemr_tasks::{Example, Judgement, Mode};
use lru::LruCache;
use sha2::{Digest, Sha256};

/// A judgement with the similarity to the reference, where that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub judgement: Judgement,
    pub tanimoto: Option<f64>,
}

/// The least recently used ones go first. A hit gives what judging again would give, so results do not depend on it.
pub(crate) struct Cache(Option<Mutex<LruCache<[u8; 16], Judged>>>);

impl Cache {
    /// Room for this many judgements; 0 for none.
    pub fn new(capacity: usize) -> Cache {
        Cache(NonZeroUsize::new(capacity).map(|capacity| Mutex::new(LruCache::new(capacity))))
    }

    /// What is stored under the key, otherwise what `judge` says, which is stored. The lock is not held while judging.
    pub fn get_or(&self, key: impl FnOnce() -> [u8; 16], judge: impl FnOnce() -> Judged) -> Judged {
        let Some(stored) = &self.0 else {
            return judge();
        };
        let key = key();
        // A thread that panicked held the lock between whole operations of the map.
        if let Some(found) = stored.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return found.clone();
        }
        let judged = judge();
        stored.lock().unwrap_or_else(PoisonError::into_inner).put(key, judged.clone());
        judged
    }
}

/// The first 128 bits of a SHA-256 over all that a judgement depends on.
pub(crate) fn key(example: &Example, answer: &str, mode: Mode, with_tanimoto: bool) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update([mode as u8, u8::from(with_tanimoto)]);
    let meta = example.meta.iter().flat_map(|(name, text)| [name, text]);
    // The id is a hash of task, input and reference of half the length, which is too short to rely on.
    let input = example.input.iter().flat_map(|(name, text)| [name, text]);
    for part in [&example.task, &example.reference].into_iter().chain(input).chain(meta) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.update(answer);
    let mut key = [0; 16];
    key.copy_from_slice(&hash.finalize()[..16]);
    key
}
