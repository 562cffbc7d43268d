//! The memory of keys and values: pages that sequences share and give back.
//!
//! A page holds [`PAGE`] positions of every layer and key/value head. That is one panel of keys, the least that attention
//! reads (see [`crate::device::cpu::cached_attention`]): a head's part of a page is one run of several kilobytes, long enough to stream, while a
//! larger page would only leave more unused behind each sequence and share less of a common prompt.
//!
//! A sequence owns a table of pages, and several tables may hold the same page. A page is written only by a table that
//! holds it alone: [`PagePool::extend`] gives a sequence a copy of a shared page right before its first own position there.

use std::sync::Arc;

use crate::ModelConfig;
use crate::device::cpu::cached_attention::PANEL;
use crate::kernels::AlignedVec;

/// Positions of one page.
pub(crate) const PAGE: usize = PANEL;

/// Keys and values of [`PAGE`] positions, in the memory of the host; the place where that of another device comes in. For each of `[layers * key_value_heads]` a panel of keys, `[head_dim, PAGE]`, and
/// rows of values, `[PAGE, head_dim]`.
#[derive(Clone)]
pub(crate) struct Page(AlignedVec);

impl Page {
    /// Keys and values of a head, which counts over all layers.
    #[inline(always)]
    pub(crate) fn head(&self, head: usize, head_dim: usize) -> (&[f32], &[f32]) {
        let size = PAGE * head_dim;
        self.0[2 * head * size..2 * (head + 1) * size].split_at(size)
    }

    fn head_mut(&mut self, head: usize, head_dim: usize) -> (&mut [f32], &mut [f32]) {
        let size = PAGE * head_dim;
        self.0[2 * head * size..2 * (head + 1) * size].split_at_mut(size)
    }
}

/// The pages of one sequence, in the order of their positions.
#[derive(Default)]
pub(crate) struct Cache {
    pages: Vec<Arc<Page>>,
    /// Pages at the front that were given back.
    released: usize,
    /// Leading positions that hold keys and values when the prompt pass begins.
    computed: usize,
}

impl Cache {
    /// A table of the pages with the first `positions`, shared with this one, which is whole.
    pub(crate) fn share(&self, positions: usize) -> Self {
        Self { pages: self.pages[..positions.div_ceil(PAGE)].to_vec(), released: 0, computed: positions }
    }

    /// Whether no page was given back.
    pub(crate) fn is_whole(&self) -> bool {
        self.released == 0
    }

    /// Leading positions of the prompt that are not to be computed again.
    pub(crate) fn computed(&self) -> usize {
        self.computed
    }

    /// The pages from the one of `position` on.
    pub(crate) fn pages_from(&self, position: usize) -> &[Arc<Page>] {
        &self.pages[position / PAGE - self.released..]
    }

    /// Stores the key and value heads of one row of the fused projection. The page is held by this table alone.
    pub(crate) fn store(&mut self, config: &ModelConfig, layer: usize, position: usize, row: &[f32]) {
        let dim = config.head_dim;
        let (keys, values) = row[config.query_width()..].split_at(config.key_value_width());
        let Some(page) = Arc::get_mut(&mut self.pages[position / PAGE - self.released]) else {
            unreachable!("pages are made this sequence's own before they are written")
        };
        let place = position % PAGE;
        for (head, (key, value)) in keys.chunks_exact(dim).zip(values.chunks_exact(dim)).enumerate() {
            let (keys, values) = page.head_mut(layer * config.num_key_value_heads + head, dim);
            values[place * dim..(place + 1) * dim].copy_from_slice(value);
            for (panel, key) in keys.chunks_exact_mut(PAGE).zip(key) {
                panel[place] = *key;
            }
        }
    }

    /// Writes the keys and values of `position` to the row of the fused projection that they came from.
    pub(crate) fn load(&self, config: &ModelConfig, layer: usize, position: usize, row: &mut [f32]) {
        let dim = config.head_dim;
        let (keys, values) = row[config.query_width()..].split_at_mut(config.key_value_width());
        let page = &self.pages[position / PAGE - self.released];
        let place = position % PAGE;
        for (head, (key, value)) in keys.chunks_exact_mut(dim).zip(values.chunks_exact_mut(dim)).enumerate() {
            let (keys, values) = page.head(layer * config.num_key_value_heads + head, dim);
            value.copy_from_slice(&values[place * dim..(place + 1) * dim]);
            for (panel, key) in keys.chunks_exact(PAGE).zip(key) {
                *key = panel[place];
            }
        }
    }
}

/// All pages of a generator that no sequence holds. It grows with what sequences write and keeps what they give back.
pub(crate) struct PagePool {
    /// Values of one page.
    length: usize,
    free: Vec<Page>,
    /// Pages that were ever made: tests find all of them free again.
    #[cfg(test)]
    made: usize,
}

impl PagePool {
    pub(crate) fn new(config: &ModelConfig) -> Self {
        let length = 2 * PAGE * config.num_hidden_layers * config.key_value_width();
        Self {
            length,
            free: Vec::new(),
            #[cfg(test)]
            made: 0,
        }
    }

    /// Bytes of the pages that no sequence holds.
    pub(crate) fn free_bytes(&self) -> usize {
        self.free.len() * self.length * size_of::<f32>()
    }

    fn take(&mut self) -> Page {
        self.free.pop().unwrap_or_else(|| {
            #[cfg(test)]
            {
                self.made += 1;
            }
            Page(AlignedVec::zeroed(self.length))
        })
    }

    /// Makes the positions `from..to` of a sequence writable: pages are added up to the last, and a shared page is replaced
    /// by a copy. `from` is at most the end of the last page.
    pub(crate) fn extend(&mut self, cache: &mut Cache, from: usize, to: usize) {
        for index in from / PAGE - cache.released..to.div_ceil(PAGE) - cache.released {
            let Some(page) = cache.pages.get_mut(index) else {
                cache.pages.push(Arc::new(self.take()));
                continue;
            };
            if Arc::get_mut(page).is_none() {
                let mut own = self.take();
                own.0.copy_from_slice(&page.0);
                *page = Arc::new(own);
            }
        }
    }

    /// Gives back the pages that lie wholly before position `oldest`.
    pub(crate) fn release_before(&mut self, cache: &mut Cache, oldest: usize) {
        let count = (oldest / PAGE).saturating_sub(cache.released);
        self.free.extend(cache.pages.drain(..count).filter_map(Arc::into_inner));
        cache.released += count;
    }

    /// Takes back all pages of a sequence; those that others hold stay with them.
    pub(crate) fn give_back(&mut self, cache: Cache) {
        self.free.extend(cache.pages.into_iter().filter_map(Arc::into_inner));
    }
}

#[cfg(test)]
mod tests;
