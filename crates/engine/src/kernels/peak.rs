//! What the processor can do at most: the yardstick of the benchmarks.

use std::time::Instant;

use super::simd::{Isa, Simd, dispatch};
use crate::pool;

/// Independent chains of multiply-adds: more than the latency of any multiply-add unit hides behind.
const CHAINS: usize = 12;
const ROUNDS: usize = 1 << 20;

/// Floating-point operations a second (a multiply-add is two) that all threads together reach in registers, without
/// any memory: the best of several runs.
pub fn multiply_add_rate() -> f64 {
    let isa = Isa::detect();
    let threads = pool::threads();
    // A panel is two registers wide, a multiply-add two operations.
    let work = (threads * ROUNDS * CHAINS * isa.panel()) as f64;
    let mut best = 0.0f64;
    for _ in 0..12 {
        let begin = Instant::now();
        pool::run(threads, threads, &|_, _| {
            std::hint::black_box(chains(isa, ROUNDS));
        });
        best = best.max(work / begin.elapsed().as_secs_f64());
    }
    best
}

dispatch! {
    fn chains(rounds: usize) -> f32 = chains_body
}

#[inline(always)]
fn chains_body<S: Simd>(rounds: usize) -> f32 {
    // SAFETY: `dispatch!` runs this with an instruction set of this processor; `last` holds a register.
    unsafe {
        let (factor, term) = (S::splat(0.999_9), S::splat(1e-4));
        // Different chains: equal ones could be computed once.
        let mut sums: [S::Vector; CHAINS] = std::array::from_fn(|chain| S::splat(std::hint::black_box(chain as f32)));
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = S::multiply_add(*sum, factor, term);
            }
        }
        let mut last = [0.0f32; super::simd::MAX_PANEL];
        let total = sums.into_iter().fold(S::splat(0.0), |total, sum| S::add(total, sum));
        S::store(last.as_mut_ptr(), total);
        last[0]
    }
}
