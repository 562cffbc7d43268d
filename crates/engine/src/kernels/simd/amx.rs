//! Tile registers of Intel AMX: 16 x 16 sums of products of bf16 pairs in one instruction (`tdpbf16ps`).
//!
//! The instructions are written out, since `std::arch` has them on nightly compilers only (`x86_amx_intrinsics`). One step
//! multiplies 16 pairs of the depth: `tdpbf16ps` adds up the products of the first values of all pairs and those of the second
//! ones, each a chain of multiply-adds from zero, adds the two and adds that to the sum; it rounds to nearest even and takes
//! denormal operands and results for zero whatever the floating-point mode says (Intel SDM, volume 2, TDPBF16PS).

use std::arch::asm;
use std::marker::PhantomData;
use std::mem::offset_of;
use std::sync::OnceLock;

use super::{Isa, Pair, has_pair_products, wanted};

/// Rows of a tile, and pairs or sums in one of its rows.
pub(crate) const SIDE: usize = 16;
/// Rows and columns of a [`Block`]: two tiles.
pub(crate) const BLOCK: usize = 2 * SIDE;
/// Bytes of a row of a full tile.
const ROW_BYTES: usize = 64;

/// Whether pairs are multiplied in tiles: asks the processor and, once for this process, the system. `CHEMR_ISA=avx512bf16` does
/// without.
pub(super) fn available(isa: Isa) -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    has_pair_products(isa)
        && *FOUND.get_or_init(|| !wanted().eq_ignore_ascii_case("avx512bf16") && processor_has() && system_permits())
}

/// AMX-TILE and AMX-BF16 with the one palette of tiles that exists, and their state saved by the system.
fn processor_has() -> bool {
    use std::arch::x86_64::{__cpuid_count, _xgetbv};
    const BF16_AND_TILE: u32 = 1 << 22 | 1 << 24;
    const XSAVE_IN_USE: u32 = 1 << 27;
    const TILE_STATE: u64 = 1 << 17 | 1 << 18;
    const PALETTES: u32 = 0x1D;
    // SAFETY: every x86-64 processor has the instruction; newer compilers call it safe.
    #[allow(unused_unsafe)]
    let leaf = |number, part| unsafe { __cpuid_count(number, part) };
    if leaf(0, 0).eax < PALETTES
        || leaf(7, 0).edx & BF16_AND_TILE != BF16_AND_TILE
        || leaf(1, 0).ecx & XSAVE_IN_USE == 0
    {
        return false;
    }
    let palette = leaf(PALETTES, 1);
    let (row_bytes, tiles, rows) = (palette.ebx & 0xFFFF, palette.ebx >> 16, palette.ecx & 0xFFFF);
    // SAFETY: the system uses XSAVE, as the flag above says, so that the register can be read.
    let saved = unsafe { _xgetbv(0) };
    saved & TILE_STATE == TILE_STATE && (row_bytes as usize, tiles, rows as usize) == (ROW_BYTES, 8, SIDE)
}

/// Linux gives the memory that a switch between threads needs for the tiles only to processes that asked for it
/// (Documentation/arch/x86/xstate.rst).
#[cfg(target_os = "linux")]
fn system_permits() -> bool {
    const ARCH_PRCTL: usize = 158;
    const ARCH_REQ_XCOMP_PERM: usize = 0x1023;
    const XFEATURE_XTILEDATA: usize = 18;
    let result: isize;
    // SAFETY: a system call that takes two numbers and no memory; it overwrites the registers named.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => result,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") XFEATURE_XTILEDATA,
            out("rcx") _,
            out("r11") _,
            options(nostack),
        );
    }
    result == 0
}

#[cfg(not(target_os = "linux"))]
fn system_permits() -> bool {
    false
}

/// What a block computes: at most [`BLOCK`] rows and columns, and pairs of one step, at most [`SIDE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub rows: usize,
    pub columns: usize,
    pub pairs: usize,
}

/// `output = source + left * right` with one chain of steps for each value; distances are bytes.
#[derive(Clone, Copy)]
#[repr(C)] // read by instructions
pub(crate) struct Block {
    /// Rows of pairs `left_row` apart, the seventeenth at `left_below`; a step moves on by `left_step`.
    pub left: *const Pair,
    pub left_below: *const Pair,
    pub left_row: usize,
    pub left_step: usize,
    /// Rows of a panel, 32 pairs each; after every `run` steps, `gap` bytes are left out.
    pub right: *const Pair,
    pub run: usize,
    pub gap: usize,
    /// At least 1.
    pub steps: usize,
    /// Rows `source_row` apart; may be the output.
    pub source: *const f32,
    pub source_row: usize,
    pub output: *mut f32,
    pub output_row: usize,
}

/// The argument of `ldtilecfg`: tiles 0 to 3 are the sums, 4 and 5 the right side, 6 and 7 the left one.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Configuration {
    /// # Panics
    /// When the shape is no block: its tiles would be no tiles.
    fn new(shape: Shape) -> Self {
        let fits = |count: usize, most: usize| (1..=most).contains(&count);
        assert!(fits(shape.rows, BLOCK) && fits(shape.columns, BLOCK) && fits(shape.pairs, SIDE), "tiles of {shape:?}");
        let halves = |count: usize| [count.min(SIDE), count.saturating_sub(SIDE)];
        let ([upper, lower], [first, second]) = (halves(shape.rows), halves(shape.columns));
        let pairs = shape.pairs;
        let tiles = [
            (upper, first),
            (upper, second),
            (lower, first),
            (lower, second),
            (pairs, first),
            (pairs, second),
            (upper, pairs),
            (lower, pairs),
        ];
        let mut configuration = Self { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
        // A tile without rows or columns is one that is not used, and has neither.
        for (tile, (rows, columns)) in tiles.into_iter().enumerate().filter(|(_, (rows, columns))| rows * columns > 0) {
            // At most 16 rows of 64 bytes.
            configuration.rows[tile] = rows as u8;
            configuration.row_bytes[tile] = (columns * size_of::<Pair>()) as u16;
        }
        configuration
    }
}

/// Leaves a line out of a block that is one tile high or wide.
macro_rules! only {
    (true, $line:literal) => {
        $line
    };
    (false, $line:literal) => {
        ""
    };
}

/// All steps of a block with the tiles below and beside the first one, if any.
macro_rules! block {
    ($block:expr, $below:tt, $beside:tt, $both:tt) => {
        asm!(
            "mov {left}, [{block} + {source_at}]",
            "mov {row}, [{block} + {source_row_at}]",
            "tileloadd tmm0, [{left} + {row}*1]",
            only!($beside, "tileloadd tmm1, [{left} + {row}*1 + 64]"),
            "mov {below}, {row}",
            "shl {below}, 4",
            "add {below}, {left}",
            only!($below, "tileloadd tmm2, [{below} + {row}*1]"),
            only!($both, "tileloadd tmm3, [{below} + {row}*1 + 64]"),
            "mov {left}, [{block} + {left_at}]",
            "mov {below}, [{block} + {left_below_at}]",
            "mov {row}, [{block} + {left_row_at}]",
            "mov {step}, [{block} + {left_step_at}]",
            "mov {right}, [{block} + {right_at}]",
            "mov {steps}, [{block} + {steps_at}]",
            "20:", // the next run of the panel
            "mov {count}, [{block} + {run_at}]",
            "cmp {count}, {steps}",
            "cmova {count}, {steps}",
            "sub {steps}, {count}",
            "21:",
            "tileloadd tmm4, [{right} + {panel_row}*1]",
            "tileloadd tmm6, [{left} + {row}*1]",
            "tdpbf16ps tmm0, tmm6, tmm4",
            only!($beside, "tileloadd tmm5, [{right} + {panel_row}*1 + 64]"),
            only!($beside, "tdpbf16ps tmm1, tmm6, tmm5"),
            only!($below, "tileloadd tmm7, [{below} + {row}*1]"),
            only!($below, "tdpbf16ps tmm2, tmm7, tmm4"),
            only!($both, "tdpbf16ps tmm3, tmm7, tmm5"),
            "add {left}, {step}",
            "add {below}, {step}",
            "add {right}, 2048",
            "dec {count}",
            "jnz 21b",
            "add {right}, [{block} + {gap_at}]",
            "test {steps}, {steps}",
            "jnz 20b",
            "mov {left}, [{block} + {output_at}]",
            "mov {row}, [{block} + {output_row_at}]",
            "tilestored [{left} + {row}*1], tmm0",
            only!($beside, "tilestored [{left} + {row}*1 + 64], tmm1"),
            "mov {below}, {row}",
            "shl {below}, 4",
            "add {below}, {left}",
            only!($below, "tilestored [{below} + {row}*1], tmm2"),
            only!($both, "tilestored [{below} + {row}*1 + 64], tmm3"),
            block = in(reg) $block,
            panel_row = in(reg) BLOCK * size_of::<Pair>(),
            left = out(reg) _,
            below = out(reg) _,
            row = out(reg) _,
            step = out(reg) _,
            right = out(reg) _,
            steps = out(reg) _,
            count = out(reg) _,
            left_at = const offset_of!(Block, left),
            left_below_at = const offset_of!(Block, left_below),
            left_row_at = const offset_of!(Block, left_row),
            left_step_at = const offset_of!(Block, left_step),
            right_at = const offset_of!(Block, right),
            run_at = const offset_of!(Block, run),
            gap_at = const offset_of!(Block, gap),
            steps_at = const offset_of!(Block, steps),
            source_at = const offset_of!(Block, source),
            source_row_at = const offset_of!(Block, source_row),
            output_at = const offset_of!(Block, output),
            output_row_at = const offset_of!(Block, output_row),
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        )
    };
}

/// The tile registers of this thread, configured as long as this lives.
pub(crate) struct Tiles {
    shape: Option<Shape>,
    /// Registers belong to a thread.
    thread: PhantomData<*const ()>,
}

impl Tiles {
    /// `None` where pairs are multiplied without tiles.
    pub(crate) fn of(isa: Isa) -> Option<Self> {
        // Made only where it can be dropped: dropping releases the tiles.
        available(isa).then(|| Self { shape: None, thread: PhantomData })
    }

    /// Computes one block.
    ///
    /// # Safety
    /// The left side, the right side, the source and the output are valid for `shape` and the steps and distances of
    /// `block`; the output overlaps nothing but possibly the source at the same place.
    #[inline(never)] // profiles show it by its name; a block is long enough for a call
    pub(crate) unsafe fn multiply(&mut self, shape: Shape, block: &Block) {
        assert!(block.steps >= 1 && block.run >= 1, "every step of a run is taken at least once");
        self.configure(shape);
        // SAFETY: `Tiles::of` found the instructions, the tiles have the shape that each branch uses, the operands are valid by
        // the contract, and all registers written are named.
        unsafe {
            match (shape.rows > SIDE, shape.columns > SIDE) {
                (true, true) => block!(block, true, true, true),
                (true, false) => block!(block, true, false, false),
                (false, true) => block!(block, false, true, false),
                (false, false) => block!(block, false, false, false),
            }
        }
    }

    fn configure(&mut self, shape: Shape) {
        if self.shape == Some(shape) {
            return;
        }
        let configuration = Configuration::new(shape);
        // SAFETY: `Tiles::of` found the instruction, which reads the 64 bytes of a valid configuration; what the tiles held
        // before is not used any more.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &configuration, options(nostack, readonly)) };
        self.shape = Some(shape);
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        if self.shape.is_some() {
            // Tiles in use would be saved at every switch between threads.
            // SAFETY: `configure` ran, so the instruction is there; nobody else of this thread uses tiles.
            unsafe { asm!("tilerelease", options(nostack, nomem)) };
        }
    }
}

/// Multiplications and additions in a round of [`multiply_registers`].
pub(crate) const ROUND_OPERATIONS: usize = 4 * SIDE * SIDE * 4 * SIDE;

/// Multiplies full tiles, four in each round, without any memory.
pub(crate) fn multiply_registers(isa: Isa, rounds: usize) {
    let Some(mut tiles) = Tiles::of(isa) else { return };
    tiles.configure(Shape { rows: BLOCK, columns: BLOCK, pairs: SIDE });
    // SAFETY: the tiles are configured and hold zeros; all registers written are named and no memory is touched.
    unsafe {
        asm!(
            "20:",
            "tdpbf16ps tmm0, tmm6, tmm4",
            "tdpbf16ps tmm1, tmm6, tmm5",
            "tdpbf16ps tmm2, tmm7, tmm4",
            "tdpbf16ps tmm3, tmm7, tmm5",
            "dec {count}",
            "jnz 20b",
            count = inout(reg) rounds.max(1) => _,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            options(nostack, nomem),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::gemm::tests::random;

    /// Each value is the chain of steps that the module describes, bit for bit, for every kind of edge, cut of the panel
    /// into runs and distance of rows; nothing beside the block is written, and nothing beside the operands is read (it is
    /// NaN).
    #[test]
    fn each_sum_is_one_chain_of_steps() {
        let Some(mut tiles) = Tiles::of(Isa::Avx512) else { return };
        let sizes = [1, 5, 15, 16, 17, 31, 32];
        let depths = [(1, 16, 1, 0), (1, 1, 1, 0), (1, 7, 1, 0), (3, 16, 3, 0), (7, 16, 2, 96), (6, 16, 3, 32)];
        for (rows, columns) in sizes.into_iter().flat_map(|rows| sizes.map(|columns| (rows, columns))) {
            for (steps, pairs, run, gap) in depths {
                let shape = Shape { rows, columns, pairs };
                let depth = steps * pairs;
                let (left_row, source_row, output_row) = (depth + 3, columns + 1, columns + 7);
                let of = |values: Vec<f32>| -> Vec<Pair> {
                    values.chunks(2).map(|values| Pair::round(values[0], values[1])).collect()
                };
                let nothing = Pair::round(f32::NAN, f32::NAN);
                let mut left = of(random(2 * rows * left_row, 1));
                left.chunks_mut(left_row).for_each(|row| row[depth..].fill(nothing));
                let mut right = of(random(2 * (steps * (SIDE * BLOCK + gap)), 2));
                for (index, value) in right.iter_mut().enumerate() {
                    let within = index % (run * SIDE * BLOCK + gap);
                    let row = within / BLOCK % SIDE;
                    if within >= run * SIDE * BLOCK || row >= pairs || within % BLOCK >= columns {
                        *value = nothing;
                    }
                }
                let source = random(rows * source_row, 3);
                let mut output = vec![f32::NAN; rows * output_row];
                let block = Block {
                    left: left.as_ptr(),
                    left_below: left.as_ptr().wrapping_add(SIDE * left_row),
                    left_row: left_row * size_of::<Pair>(),
                    left_step: pairs * size_of::<Pair>(),
                    right: right.as_ptr(),
                    run,
                    gap: gap * size_of::<Pair>(),
                    steps,
                    source: source.as_ptr(),
                    source_row: source_row * size_of::<f32>(),
                    output: output.as_mut_ptr(),
                    output_row: output_row * size_of::<f32>(),
                };
                // SAFETY: the vectors hold what the shapes and distances say.
                unsafe { tiles.multiply(shape, &block) };
                for (index, found) in output.iter().enumerate() {
                    let (row, column) = (index / output_row, index % output_row);
                    if column >= columns {
                        assert!(found.is_nan(), "{shape:?}: {row}, {column} was written");
                        continue;
                    }
                    let expected = (0..steps).fold(source[row * source_row + column], |sum, step| {
                        let mut chains = [0.0f32; 2];
                        for pair in 0..pairs {
                            let a = left[row * left_row + step * pairs + pair].to_f32();
                            let at = (step * SIDE + pair) * BLOCK + step / run * gap + column;
                            let b = right[at].to_f32();
                            chains = [0, 1].map(|half| a[half].mul_add(b[half], chains[half]));
                        }
                        sum + (chains[0] + chains[1])
                    });
                    assert_eq!(
                        found.to_bits(),
                        expected.to_bits(),
                        "{shape:?}, {steps} steps in runs of {run}: {row}, {column} is {found}, expected {expected}"
                    );
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "tiles of Shape")]
    fn shapes_larger_than_a_block_are_refused() {
        Configuration::new(Shape { rows: BLOCK + 1, columns: 1, pairs: 1 });
    }
}
