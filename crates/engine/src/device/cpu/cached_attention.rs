//! Attention of one new token over a cache.
//!
//! Keys lie in panels of [`PANEL`] positions, `[head_dim, PANEL]`, so that the scores of many positions are computed side
//! by side without adding across a register; values lie row by row, `[positions, head_dim]`. A page (see [`crate::generate::pages`])
//! holds one panel and its rows. All query heads that share a key head go through the cache together. Every score and every
//! output is one chain of multiply-adds in a fixed order: instruction sets give the same bits, and where pages lie in memory
//! changes none.

use std::ops::Range;
use std::sync::Arc;

use crate::generate::pages::Page;
use crate::kernels::lanes::{exp_sum, largest};
use crate::kernels::simd::{Simd, dispatch};

/// Positions side by side.
pub(crate) const PANEL: usize = 32;

/// Values of a cache line.
const LINE: usize = 16;

/// One key/value head, which counts over all layers, in the pages of a sequence.
#[derive(Clone, Copy)]
pub(crate) struct CachedHead<'a> {
    pub pages: &'a [Arc<Page>],
    pub head: usize,
    pub head_dim: usize,
}

impl<'a> CachedHead<'a> {
    /// Keys and values of each page.
    #[inline(always)]
    fn panels(self) -> impl Iterator<Item = (&'a [f32], &'a [f32])> {
        self.pages.iter().map(move |page| page.head(self.head, self.head_dim))
    }
}

/// Scores that [`attend_cached`] needs for `queries` heads over `length` positions.
pub(crate) fn scores_len(queries: usize, length: usize) -> usize {
    queries * length.next_multiple_of(PANEL)
}

dispatch! {
    /// `out = softmax(query keys^T / sqrt(head_dim)) values` for each query head of a group: `query` and `out` are
    /// `[queries, head_dim]`, `shared` the key/value head and `counted` the positions of its pages that count.
    pub(crate) fn attend_cached(
        query: &[f32],
        shared: CachedHead<'_>,
        counted: Range<usize>,
        out: &mut [f32],
        scores: &mut [f32],
    ) = attend_cached_body
}

#[inline(always)]
fn attend_cached_body<S: Simd>(
    query: &[f32],
    shared: CachedHead<'_>,
    counted: Range<usize>,
    out: &mut [f32],
    scores: &mut [f32],
) {
    let (stride, head_dim) = (counted.end.next_multiple_of(PANEL), shared.head_dim);
    let shared = CachedHead { pages: &shared.pages[..stride / PANEL], ..shared };
    let pairs = query.chunks(2 * head_dim).zip(out.chunks_mut(2 * head_dim)).zip(scores.chunks_mut(2 * stride));
    for ((query, out), scores) in pairs {
        if query.len() == 2 * head_dim {
            attend_heads::<S, 2>(query, shared, counted.clone(), out, scores);
        } else {
            attend_heads::<S, 1>(query, shared, counted.clone(), out, scores);
        }
    }
}

#[inline(always)]
fn attend_heads<S: Simd, const Q: usize>(
    query: &[f32],
    shared: CachedHead<'_>,
    counted: Range<usize>,
    out: &mut [f32],
    scores: &mut [f32],
) {
    let (stride, head_dim) = (counted.end.next_multiple_of(PANEL), shared.head_dim);
    for (number, (keys, _)) in shared.panels().enumerate() {
        // The processor does not foresee where the next page lies: it is asked for while this one is used, and behind the
        // last keys the first values.
        let next = match shared.pages.get(number + 1) {
            Some(page) => page.head(shared.head, head_dim).0,
            None => shared.pages[0].head(shared.head, head_dim).1,
        };
        let mut sums = [[0.0f32; PANEL]; Q];
        for (index, keys) in keys.chunks_exact(PANEL).enumerate() {
            for line in (0..PANEL).step_by(LINE) {
                S::prefetch(next.as_ptr().wrapping_add(index * PANEL + line));
            }
            for (head, sums) in sums.iter_mut().enumerate() {
                let factor = query[head * head_dim + index];
                for lane in 0..PANEL {
                    sums[lane] = S::fma(factor, keys[lane], sums[lane]);
                }
            }
        }
        for (head, sums) in sums.iter().enumerate() {
            scores[head * stride + number * PANEL..][..PANEL].copy_from_slice(sums);
        }
    }
    let scale = 1.0 / (head_dim as f32).sqrt();
    let mut inverse = [0.0f32; Q];
    for (scores, inverse) in scores.chunks_exact_mut(stride).zip(&mut inverse) {
        let scores = &mut scores[counted.clone()];
        let top = largest(scores) * scale;
        *inverse = 1.0 / exp_sum::<S>(scores, scale, top);
    }
    let mut first = 0;
    while first + 32 <= head_dim {
        weigh::<S, Q, 32>(scores, shared, counted.clone(), first, &inverse, out);
        first += 32;
    }
    while first + 8 <= head_dim {
        weigh::<S, Q, 8>(scores, shared, counted.clone(), first, &inverse, out);
        first += 8;
    }
    while first < head_dim {
        weigh::<S, Q, 1>(scores, shared, counted.clone(), first, &inverse, out);
        first += 1;
    }
}

/// Columns `first..first + W` of the output.
#[inline(always)]
fn weigh<S: Simd, const Q: usize, const W: usize>(
    scores: &[f32],
    shared: CachedHead<'_>,
    counted: Range<usize>,
    first: usize,
    inverse: &[f32; Q],
    out: &mut [f32],
) {
    let (stride, head_dim) = (counted.end.next_multiple_of(PANEL), shared.head_dim);
    let mut sums = [[0.0f32; W]; Q];
    for (number, (_, values)) in shared.panels().enumerate() {
        let begin = number * PANEL;
        let (from, to) = (counted.start.clamp(begin, begin + PANEL), counted.end.min(begin + PANEL));
        let rows = &values[(from - begin) * head_dim..(to - begin) * head_dim];
        // The first columns ask for whole rows.
        let next = match shared.pages.get(number + 1) {
            Some(page) if first == 0 => Some(page.head(shared.head, head_dim).1.as_ptr()),
            _ => None,
        };
        sums = weigh_rows::<S, Q, W>(sums, &scores[from..], stride, rows, head_dim, first, next);
    }
    for ((sums, inverse), out) in sums.iter().zip(inverse).zip(out.chunks_exact_mut(head_dim)) {
        for (out, sum) in out[first..first + W].iter_mut().zip(sums) {
            *out = sum * inverse;
        }
    }
}

/// Columns `first..first + W` of the rows of one page, added to `sums`, which stay in registers for as long; asks for the
/// rows at `next` on the way.
#[inline(always)]
fn weigh_rows<S: Simd, const Q: usize, const W: usize>(
    mut sums: [[f32; W]; Q],
    scores: &[f32],
    stride: usize,
    rows: &[f32],
    head_dim: usize,
    first: usize,
    next: Option<*const f32>,
) -> [[f32; W]; Q] {
    for (position, row) in rows.chunks_exact(head_dim).enumerate() {
        if let Some(next) = next {
            for line in (0..head_dim).step_by(LINE) {
                S::prefetch(next.wrapping_add(position * head_dim + line));
            }
        }
        let row = &row[first..first + W];
        for (head, sums) in sums.iter_mut().enumerate() {
            let weight = scores[head * stride + position];
            for lane in 0..W {
                sums[lane] = S::fma(weight, row[lane], sums[lane]);
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::pages::Cache;
    use crate::kernels::simd::Isa;
    use crate::rng::SplitMix64;

    #[test]
    fn equals_the_definition_on_every_instruction_set() {
        let mut random = SplitMix64::new(3);
        for (queries, head_dim, length, hidden) in [
            (1usize, 8usize, 1usize, 0usize),
            (2, 32, 31, 0),
            (3, 10, 32, 31),
            (4, 64, 33, 5),
            (5, 46, 100, 0),
            (5, 46, 100, 40),
            (8, 2, 7, 6),
        ] {
            let mut fill = |count: usize| (0..count).map(|_| random.normal() as f32).collect::<Vec<f32>>();
            let (query, rows, values) = (fill(queries * head_dim), fill(length * head_dim), fill(length * head_dim));
            // The second of two heads of one layer; what lies elsewhere and behind the last position must not matter.
            let config = crate::ModelConfig {
                num_attention_heads: 2,
                num_key_value_heads: 2,
                num_hidden_layers: 1,
                head_dim,
                ..crate::generate::tests::config()
            };
            let mut cache = Cache::new(&config, length + PANEL);
            for position in 0..length + PANEL {
                let mut row = vec![f32::NAN; config.qkv_width()];
                if position < length {
                    let own = position * head_dim..(position + 1) * head_dim;
                    row[3 * head_dim..4 * head_dim].copy_from_slice(&rows[own.clone()]);
                    row[5 * head_dim..].copy_from_slice(&values[own]);
                }
                cache.store(&config, 0, position, &row);
            }
            let shared = CachedHead { pages: cache.pages_from(0), head: 1, head_dim };
            let mut first: Option<Vec<f32>> = None;
            for isa in Isa::available() {
                let mut out = vec![0.0; queries * head_dim];
                let mut scores = vec![0.0; scores_len(queries, length)];
                attend_cached(isa, &query, shared, hidden..length, &mut out, &mut scores);
                for (query, out) in query.chunks_exact(head_dim).zip(out.chunks_exact(head_dim)) {
                    let weights: Vec<f64> = rows
                        .chunks_exact(head_dim)
                        .skip(hidden)
                        .map(|key| key.iter().zip(query).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>())
                        .map(|score| (score / (head_dim as f64).sqrt()).exp())
                        .collect();
                    let total: f64 = weights.iter().sum();
                    for (index, out) in out.iter().enumerate() {
                        let exact: f64 = weights
                            .iter()
                            .enumerate()
                            .map(|(place, weight)| {
                                weight / total * f64::from(values[(hidden + place) * head_dim + index])
                            })
                            .sum();
                        assert!((f64::from(*out) - exact).abs() < 2e-5, "{out} {exact}");
                    }
                }
                if !matches!(isa, Isa::Portable | Isa::Wide) {
                    // The kernels without fused multiply-add round otherwise.
                    assert_eq!(*first.get_or_insert_with(|| out.clone()), out);
                }
            }
        }
    }
}
