//! What the processor can do at most: the yardstick of the benchmarks.

use std::time::Instant;

use super::element::Pair;
use super::simd::{Isa, Simd, dispatch, dispatch_pairs};
use crate::pool;

/// Independent chains of multiply-adds: more than the latency of any multiply-add unit hides behind.
const CHAINS: usize = 12;
const ROUNDS: usize = 1 << 20;

/// Floating-point operations a second (a multiply-add is two) that all threads together reach in registers, without
/// any memory: the best of several runs.
pub fn multiply_add_rate() -> f64 {
    let isa = Isa::detect();
    // A panel is two registers wide, a multiply-add two operations.
    rate(ROUNDS * CHAINS * isa.panel(), &|| {
        std::hint::black_box(chains(isa, ROUNDS));
    })
}

/// As [`multiply_add_rate`], of operands rounded to bf16: in the tiles of AMX where the processor has them.
pub fn bf16_multiply_add_rate() -> f64 {
    let isa = Isa::detect();
    #[cfg(target_arch = "x86_64")]
    if super::simd::amx::Tiles::of(isa).is_some() {
        use super::simd::amx;
        let rounds = ROUNDS / amx::SIDE;
        return rate(rounds * amx::ROUND_OPERATIONS, &|| amx::multiply_registers(isa, rounds));
    }
    rate(2 * ROUNDS * CHAINS * isa.panel(), &|| pair_chains(isa, ROUNDS))
}

/// Operations a second of all threads together when each does `operations` in `work`: the best of several runs.
fn rate(operations: usize, work: &(dyn Fn() + Sync)) -> f64 {
    let threads = pool::threads();
    let mut best = 0.0f64;
    for _ in 0..12 {
        let begin = Instant::now();
        pool::run(threads, threads, &|_, _| work());
        best = best.max((threads * operations) as f64 / begin.elapsed().as_secs_f64());
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

dispatch_pairs! {
    fn pair_chains(rounds: usize) = pair_chains_body
}

#[inline(always)]
fn pair_chains_body<S: Simd>(rounds: usize) {
    // SAFETY: `dispatch_pairs!` runs this with an instruction set of this processor; `last` holds a register.
    unsafe {
        let factor = S::splat_pair(Pair::round(0.5, 0.25));
        let mut sums: [S::Vector; CHAINS] = std::array::from_fn(|chain| S::splat(std::hint::black_box(chain as f32)));
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = S::multiply_add_pairs(factor, factor, *sum);
            }
        }
        let mut last = [0.0f32; super::simd::MAX_PANEL];
        let total = sums.into_iter().fold(S::splat(0.0), |total, sum| S::add(total, sum));
        S::store(last.as_mut_ptr(), total);
        std::hint::black_box(last);
    }
}
