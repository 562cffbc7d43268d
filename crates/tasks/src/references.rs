//! References that were read before: a group of completions has one.

use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use chemr_chem::{Gate, Mol, Reading};
use lru::LruCache;

use crate::guard;
use crate::verdict::Reason;

/// How many are kept, some kilobytes each: more than the prompts of a batch.
const KEPT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1023);

/// A reference that is a molecule; its canonical form is made when it is asked for.
pub(crate) struct Reference {
    reading: Reading,
    molecule: OnceLock<Result<Mol, Reason>>,
}

impl Reference {
    pub fn molecule(&self) -> Result<Mol, Reason> {
        self.molecule.get_or_init(|| guard::canonicalised(self.reading.clone())).clone()
    }
}

type Read = Result<Arc<Reference>, Reason>;

static READ: LazyLock<Mutex<LruCache<String, Read>>> = LazyLock::new(|| Mutex::new(LruCache::new(KEPT)));

/// The reference of a row, or why the row is broken. What was kept is what reading again would give.
pub(crate) fn read(text: &str) -> Read {
    // A thread that panicked held the lock between whole operations of the map.
    let lock = || READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = lock().get(text) {
        return known.clone();
    }
    let read = guard::data_reading(text).map(|reading| Arc::new(Reference { reading, molecule: OnceLock::new() }));
    // What the gate refuses for its length would fill the memory, and is refused at once.
    if text.len() <= Gate::DATA.max_chars {
        lock().put(text.to_owned(), read.clone());
    }
    read
}
