//! The loops of register tiles that are written by hand.

use super::{Avx2, Avx512, Isa, Simd};
use crate::kernels::tile::Tile;

/// Each value is the chain of multiply-adds that [`Tile`] promises, bit for bit, for every height, order of the left
/// side, depth around the steps of four, and cut of the panel into runs.
fn each_sum_is_one_chain_in_the_order_of_the_depth<S: Simd>(isa: Isa) {
    if !Isa::available().contains(&isa) {
        return;
    }
    let (panel, value) = (S::PANEL, |index: usize| ((index * 2654435761) % 2003) as f32 / 1001.5 - 1.0);
    for (rows, depth, run, gap) in (1..=S::ROWS).flat_map(|rows| {
        (0..20).flat_map(move |depth| {
            [(99, 0), (1, panel), (4, panel), (5, 2 * panel), (8, 2 * panel)].map(|(run, gap)| (rows, depth, run, gap))
        })
    }) {
        let right: Vec<f32> = (0..panel * depth + gap * (depth / run + 1)).map(value).collect();
        // Asks for nothing, at some steps, at all of them.
        for (by_column, ahead_step) in [(false, 0), (false, 16), (false, 4096), (true, 4096)] {
            let (left_row, left_step) = if by_column { (1, 13) } else { (20, 1) };
            let left: Vec<f32> = (0..12 * left_row + 20 * left_step).map(|index| value(index + 77)).collect();
            let mut output = vec![0.0; rows * panel];
            let tile = Tile::<f32> {
                rows,
                columns: panel,
                depth,
                left: left.as_ptr(),
                left_row,
                left_step,
                right: right.as_ptr(),
                right_panel: 0,
                right_run: run,
                right_gap: gap,
                // Far from any memory of this program: a hint must not fault.
                ahead: std::ptr::without_provenance(1 << 60),
                ahead_step,
                scales: std::ptr::null(),
                output: output.as_mut_ptr(),
                output_row: panel,
                source: std::ptr::null(),
                source_row: 0,
            };
            // SAFETY: the processor has the instructions; the vectors hold what the shapes say.
            unsafe { S::tile(&tile) };
            for (index, found) in output.iter().enumerate() {
                let (row, column) = (index / panel, index % panel);
                let expected = (0..depth).fold(0.0f32, |sum, step| {
                    let right = right[step * panel + step / run * gap + column];
                    left[row * left_row + step * left_step].mul_add(right, sum)
                });
                assert_eq!(
                    found.to_bits(),
                    expected.to_bits(),
                    "{isa:?}: {rows} x {depth}, runs of {run}, {by_column}, {ahead_step}, {index}"
                );
            }
        }
    }
}

#[test]
fn each_sum_of_avx2_is_one_chain() {
    each_sum_is_one_chain_in_the_order_of_the_depth::<Avx2>(Isa::Avx2);
}

#[test]
fn each_sum_of_avx512_is_one_chain() {
    each_sum_is_one_chain_in_the_order_of_the_depth::<Avx512>(Isa::Avx512);
}
