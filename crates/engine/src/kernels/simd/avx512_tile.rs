//! The loop of single-precision register tiles on AVX-512, by hand.
//!
//! The compiler adds up the addresses of up to twelve rows at every step, on ports that multiply, too; where it is given four
//! steps at once, it keeps the sums in memory. This one counts once in four steps.

use std::arch::asm;
use std::arch::x86_64::{__m512, _mm512_setzero_ps};

use crate::kernels::tile::{LINE, Tile};

/// Lines that four steps ask for.
const ASKED: usize = 3;

/// One step of the depth: the two registers of the panel at `$right`, then each row's left value, `$along` bytes from its
/// address, times both. Left values take turns between four registers, so that they are read in time.
macro_rules! step {
    ($right:literal, $along:literal, $(($low:tt, $high:tt, $value:tt, $address:tt))*) => {
        concat!(
            "vmovups zmm24, [{right} + ", $right, "]\n",
            "vmovups zmm25, [{right} + ", $right, " + 64]\n",
            $(
                "vbroadcastss ", $value, ", dword ptr [", $address, " + ", $along, "]\n",
                "vfmadd231ps ", $low, ", ", $value, ", zmm24\n",
                "vfmadd231ps ", $high, ", ", $value, ", zmm25\n",
            )*
        )
    };
}

/// Four steps, with what is asked for between them.
macro_rules! four {
    ([$first:literal $second:literal $third:literal] $($row:tt)*) => {
        concat!(
            $first,
            step!("0", "0", $($row)*),
            $second,
            step!("128", "4", $($row)*),
            $third,
            step!("256", "8", $($row)*),
            step!("384", "12", $($row)*),
            "add {right}, 512\nadd {left}, 16\nadd {fourth}, 16\nadd {eighth}, 16",
        )
    };
}

/// All steps: four at a time, first those that ask for what lies ahead, then one by one. `$sum` are the sums with their
/// registers.
macro_rules! by_row {
    ($tile:ident, $sum:ident, $asking:ident, $quiet:ident, [$($row:literal: $low:tt, $high:tt, $value:tt, $address:tt;)*]) => {{
        let row = $tile.left_row * size_of::<f32>();
        let at = |index: usize| $tile.left.wrapping_byte_add(index * row);
        asm!(
            "test {asking}, {asking}",
            "jz 21f",
            "20:",
            four!(
                ["prefetcht1 [{ahead}]\n" "prefetcht1 [{ahead} + 64]\n" "prefetcht1 [{ahead} + 128]\n"]
                $(($low, $high, $value, $address))*
            ),
            "add {ahead}, 192",
            "dec {asking}",
            "jnz 20b",
            "21:",
            "test {quiet}, {quiet}",
            "jz 23f",
            "22:",
            four!(["" "" ""] $(($low, $high, $value, $address))*),
            "dec {quiet}",
            "jnz 22b",
            "23:",
            "test {single}, {single}",
            "jz 25f",
            "24:",
            step!("0", "0", $(($low, $high, $value, $address))*),
            "add {right}, 128\nadd {left}, 4\nadd {fourth}, 4\nadd {eighth}, 4",
            "dec {single}",
            "jnz 24b",
            "25:",
            asking = inout(reg) $asking => _,
            quiet = inout(reg) $quiet => _,
            single = inout(reg) $tile.depth % 4 => _,
            right = inout(reg) $tile.right => _,
            ahead = inout(reg) $tile.ahead => _,
            left = inout(reg) $tile.left => _,
            fourth = inout(reg) at(4) => _,
            eighth = inout(reg) at(8) => _,
            row = in(reg) row,
            row3 = in(reg) 3 * row,
            $(inout($low) $sum[$row][0], inout($high) $sum[$row][1],)*
            out("zmm24") _, out("zmm25") _, out("zmm26") _, out("zmm27") _, out("zmm28") _, out("zmm29") _,
            options(nostack, readonly),
        )
    }};
}

/// The sums of a tile of `M` rows and one panel; `None` for low tiles, which wait for memory, and orders of operands that
/// only gradients have.
///
/// # Safety
/// As [`Tile::compute`].
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
pub(super) unsafe fn sums<const M: usize, const BY_COLUMN: bool>(tile: &Tile) -> Option<[[__m512; 2]; M]> {
    let mut sum = [[_mm512_setzero_ps(); 2]; M];
    if BY_COLUMN || M < 8 || tile.right_run < tile.depth {
        return None;
    }
    let quads = tile.depth / 4;
    let asking = quads.min((tile.depth * tile.ahead_step).div_ceil(ASKED * LINE));
    let quiet = quads - asking;
    // SAFETY: the steps read `depth` values of each row of the left side and `depth` rows of the panel, which `compute`
    // promises; what is asked for ahead is a hint; no memory is written and every register used is named.
    unsafe {
        match M {
            8 => by_row!(tile, sum, asking, quiet, [
                0: "zmm0", "zmm1", "zmm26", "{left}";
                1: "zmm2", "zmm3", "zmm27", "{left} + {row}";
                2: "zmm4", "zmm5", "zmm28", "{left} + 2*{row}";
                3: "zmm6", "zmm7", "zmm29", "{left} + {row3}";
                4: "zmm8", "zmm9", "zmm26", "{fourth}";
                5: "zmm10", "zmm11", "zmm27", "{fourth} + {row}";
                6: "zmm12", "zmm13", "zmm28", "{fourth} + 2*{row}";
                7: "zmm14", "zmm15", "zmm29", "{fourth} + {row3}";
            ]),
            9 => by_row!(tile, sum, asking, quiet, [
                0: "zmm0", "zmm1", "zmm26", "{left}";
                1: "zmm2", "zmm3", "zmm27", "{left} + {row}";
                2: "zmm4", "zmm5", "zmm28", "{left} + 2*{row}";
                3: "zmm6", "zmm7", "zmm29", "{left} + {row3}";
                4: "zmm8", "zmm9", "zmm26", "{fourth}";
                5: "zmm10", "zmm11", "zmm27", "{fourth} + {row}";
                6: "zmm12", "zmm13", "zmm28", "{fourth} + 2*{row}";
                7: "zmm14", "zmm15", "zmm29", "{fourth} + {row3}";
                8: "zmm16", "zmm17", "zmm26", "{eighth}";
            ]),
            10 => by_row!(tile, sum, asking, quiet, [
                0: "zmm0", "zmm1", "zmm26", "{left}";
                1: "zmm2", "zmm3", "zmm27", "{left} + {row}";
                2: "zmm4", "zmm5", "zmm28", "{left} + 2*{row}";
                3: "zmm6", "zmm7", "zmm29", "{left} + {row3}";
                4: "zmm8", "zmm9", "zmm26", "{fourth}";
                5: "zmm10", "zmm11", "zmm27", "{fourth} + {row}";
                6: "zmm12", "zmm13", "zmm28", "{fourth} + 2*{row}";
                7: "zmm14", "zmm15", "zmm29", "{fourth} + {row3}";
                8: "zmm16", "zmm17", "zmm26", "{eighth}";
                9: "zmm18", "zmm19", "zmm27", "{eighth} + {row}";
            ]),
            11 => by_row!(tile, sum, asking, quiet, [
                0: "zmm0", "zmm1", "zmm26", "{left}";
                1: "zmm2", "zmm3", "zmm27", "{left} + {row}";
                2: "zmm4", "zmm5", "zmm28", "{left} + 2*{row}";
                3: "zmm6", "zmm7", "zmm29", "{left} + {row3}";
                4: "zmm8", "zmm9", "zmm26", "{fourth}";
                5: "zmm10", "zmm11", "zmm27", "{fourth} + {row}";
                6: "zmm12", "zmm13", "zmm28", "{fourth} + 2*{row}";
                7: "zmm14", "zmm15", "zmm29", "{fourth} + {row3}";
                8: "zmm16", "zmm17", "zmm26", "{eighth}";
                9: "zmm18", "zmm19", "zmm27", "{eighth} + {row}";
                10: "zmm20", "zmm21", "zmm28", "{eighth} + 2*{row}";
            ]),
            12 => by_row!(tile, sum, asking, quiet, [
                0: "zmm0", "zmm1", "zmm26", "{left}";
                1: "zmm2", "zmm3", "zmm27", "{left} + {row}";
                2: "zmm4", "zmm5", "zmm28", "{left} + 2*{row}";
                3: "zmm6", "zmm7", "zmm29", "{left} + {row3}";
                4: "zmm8", "zmm9", "zmm26", "{fourth}";
                5: "zmm10", "zmm11", "zmm27", "{fourth} + {row}";
                6: "zmm12", "zmm13", "zmm28", "{fourth} + 2*{row}";
                7: "zmm14", "zmm15", "zmm29", "{fourth} + {row3}";
                8: "zmm16", "zmm17", "zmm26", "{eighth}";
                9: "zmm18", "zmm19", "zmm27", "{eighth} + {row}";
                10: "zmm20", "zmm21", "zmm28", "{eighth} + 2*{row}";
                11: "zmm22", "zmm23", "zmm29", "{eighth} + {row3}";
            ]),
            _ => return None,
        }
    }
    Some(sum)
}
