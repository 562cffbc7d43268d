//! The loop of single-precision register tiles on AVX2, by hand.
//!
//! Twelve sums, two registers of the panel and two left values are all sixteen registers, and the compiler keeps some of the
//! sums in memory as soon as anything is added to its loop. This one asks for the rows and the panel that
//! come next while it multiplies, and pays for its counting once in four steps.

use std::arch::asm;
use std::arch::x86_64::{__m256, _mm256_setzero_ps};

use crate::kernels::tile::Tile;

/// One step of the depth: the two registers of the panel at `$right`, then each row's left value, `$along` bytes from its
/// address, times both.
macro_rules! step {
    ($right:literal, $along:literal, $first:tt $($row:tt)*) => {
        concat!(
            "vmovups ymm12, [{right} + ", $right, "]\n",
            "vmovups ymm13, [{right} + ", $right, " + 32]\n",
            left!($first, $along),
            rows!($along, $first $($row)*),
        )
    };
}

/// Reads a row's left value.
macro_rules! left {
    (($low:tt, $high:tt, $value:tt, $address:tt), $along:literal) => {
        concat!("vbroadcastss ", $value, ", [", $address, " + ", $along, "]\n")
    };
}

/// The products of rows, each after the left value of the next row was read: in time, and in the other register.
macro_rules! rows {
    ($along:literal, ($low:tt, $high:tt, $value:tt, $address:tt) $($next:tt $($row:tt)*)?) => {
        concat!(
            $(left!($next, $along),)?
            "vfmadd231ps ", $low, ", ", $value, ", ymm12\n",
            "vfmadd231ps ", $high, ", ", $value, ", ymm13\n",
            $(rows!($along, $next $($row)*),)?
        )
    };
}

/// All steps, `$four` at a time and then by `$one`; `$sum` are the sums with their registers.
macro_rules! steps {
    ($tile:ident, $sum:ident, [$($row:literal: $low:tt, $high:tt;)*], $four:expr, $one:expr, $($operands:tt)*) => {{
        let ahead = if $tile.ahead.is_null() { $tile.right.cast() } else { $tile.ahead };
        asm!(
            "20:", // the next run of the panel
            "mov {count}, {run}",
            "cmp {count}, {depth}",
            "cmova {count}, {depth}",
            "sub {depth}, {count}",
            "sub {count}, 4",
            "jb 23f",
            "22:",
            $four,
            "prefetcht1 [{ahead}]",
            "add {ahead}, {ahead_step}",
            "add {right}, 256",
            "sub {count}, 4",
            "jae 22b",
            "23:",
            "add {count}, 4",
            "jz 25f",
            "24:",
            $one,
            "add {right}, 64",
            "dec {count}",
            "jnz 24b",
            "25:",
            "add {right}, {gap}",
            "test {depth}, {depth}",
            "jnz 20b",
            count = out(reg) _,
            run = in(reg) $tile.right_run,
            gap = in(reg) $tile.right_gap.wrapping_mul(size_of::<f32>()),
            depth = inout(reg) $tile.depth => _,
            right = inout(reg) $tile.right => _,
            ahead = inout(reg) ahead => _,
            ahead_step = in(reg) 4 * $tile.ahead_step,
            $(inout($low) $sum[$row][0], inout($high) $sum[$row][1],)*
            out("ymm12") _, out("ymm13") _, out("ymm14") _, out("ymm15") _,
            options(nostack, readonly),
            $($operands)*
        )
    }};
}

/// The left side lies row by row.
macro_rules! by_row {
    ($tile:ident, $sum:ident, [$($row:literal: $low:tt, $high:tt, $value:tt, $address:tt;)*], [$($next:literal)*]) => {{
        let row = $tile.left_row * size_of::<f32>();
        let at = |index: usize| $tile.left.wrapping_byte_add(index * row);
        steps!(
            $tile, $sum, [$($row: $low, $high;)*],
            concat!(
                step!("0", "0", $(($low, $high, $value, $address))*),
                step!("64", "4", $(($low, $high, $value, $address))*),
                // The rows of the next tile.
                $("prefetcht0 [", $next, "]\n",)*
                step!("128", "8", $(($low, $high, $value, $address))*),
                step!("192", "12", $(($low, $high, $value, $address))*),
                "add {left}, 16\nadd {third}, 16\nadd {next}, 16\nadd {next_third}, 16",
            ),
            concat!(step!("0", "0", $(($low, $high, $value, $address))*), "add {left}, 4\nadd {third}, 4"),
            left = inout(reg) $tile.left => _,
            third = inout(reg) at(3) => _,
            next = inout(reg) at($sum.len()) => _,
            next_third = inout(reg) at($sum.len() + 3) => _,
            row = in(reg) row,
        )
    }};
}

/// The left side lies column by column.
macro_rules! by_column {
    ($tile:ident, $sum:ident, [$($row:literal: $low:tt, $high:tt, $value:tt, $address:tt;)*]) => {
        steps!(
            $tile, $sum, [$($row: $low, $high;)*],
            concat!(
                step!("0", "0", $(($low, $high, $value, $address))*), "add {left}, {column}\n",
                step!("64", "0", $(($low, $high, $value, $address))*), "add {left}, {column}\n",
                step!("128", "0", $(($low, $high, $value, $address))*), "add {left}, {column}\n",
                step!("192", "0", $(($low, $high, $value, $address))*), "add {left}, {column}",
            ),
            concat!(step!("0", "0", $(($low, $high, $value, $address))*), "add {left}, {column}"),
            left = inout(reg) $tile.left => _,
            column = in(reg) $tile.left_step * size_of::<f32>(),
        )
    };
}

/// The sums of a tile of `M` rows and one panel; `None` for heights that leave the compiler registers to spare.
///
/// # Safety
/// As [`Tile::compute`].
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn sums<const M: usize, const BY_COLUMN: bool>(tile: &Tile) -> Option<[[__m256; 2]; M]> {
    let mut sum = [[_mm256_setzero_ps(); 2]; M];
    if tile.depth == 0 {
        return Some(sum);
    }
    // SAFETY: the steps read `depth` values of each row of the left side and `depth` rows of the panel in its runs, which
    // `compute` promises; what is asked for ahead is a hint; no memory is written and every register used is named.
    unsafe {
        match (M, BY_COLUMN) {
            (4, false) => by_row!(tile, sum, [
                0: "ymm0", "ymm1", "ymm14", "{left}";
                1: "ymm2", "ymm3", "ymm15", "{left} + {row}";
                2: "ymm4", "ymm5", "ymm14", "{left} + 2*{row}";
                3: "ymm6", "ymm7", "ymm15", "{third}";
            ], ["{next}" "{next} + {row}" "{next} + 2*{row}" "{next_third}"]),
            (5, false) => by_row!(tile, sum, [
                0: "ymm0", "ymm1", "ymm14", "{left}";
                1: "ymm2", "ymm3", "ymm15", "{left} + {row}";
                2: "ymm4", "ymm5", "ymm14", "{left} + 2*{row}";
                3: "ymm6", "ymm7", "ymm15", "{third}";
                4: "ymm8", "ymm9", "ymm14", "{third} + {row}";
            ], ["{next}" "{next} + {row}" "{next} + 2*{row}" "{next_third}" "{next_third} + {row}"]),
            (6, false) => by_row!(tile, sum, [
                0: "ymm0", "ymm1", "ymm14", "{left}";
                1: "ymm2", "ymm3", "ymm15", "{left} + {row}";
                2: "ymm4", "ymm5", "ymm14", "{left} + 2*{row}";
                3: "ymm6", "ymm7", "ymm15", "{third}";
                4: "ymm8", "ymm9", "ymm14", "{third} + {row}";
                5: "ymm10", "ymm11", "ymm15", "{third} + 2*{row}";
            ], [
                "{next}" "{next} + {row}" "{next} + 2*{row}"
                "{next_third}" "{next_third} + {row}" "{next_third} + 2*{row}"
            ]),
            (6, true) => by_column!(tile, sum, [
                0: "ymm0", "ymm1", "ymm14", "{left}";
                1: "ymm2", "ymm3", "ymm15", "{left} + 4";
                2: "ymm4", "ymm5", "ymm14", "{left} + 8";
                3: "ymm6", "ymm7", "ymm15", "{left} + 12";
                4: "ymm8", "ymm9", "ymm14", "{left} + 16";
                5: "ymm10", "ymm11", "ymm15", "{left} + 20";
            ]),
            _ => return None,
        }
    }
    Some(sum)
}
