use super::*;
use crate::kernels::gemm::tests::{assert_close, random, reference, rounded};

/// Rows of `columns` values in blocks.
pub(in crate::kernels) fn blocks(isa: Isa, rows: &[f32], columns: usize, operands: Operands) -> Vec<f32> {
    let mut blocks = vec![f32::NAN; blocks_len(isa, rows.len() / columns, columns, operands)];
    let each = block_len(isa, columns, operands);
    for (rows, block) in rows.chunks(block_rows(operands) * columns).zip(blocks.chunks_exact_mut(each)) {
        put_block(isa, rows, columns, operands, block);
    }
    blocks
}

#[test]
fn weight_gradients_match_double_precision() {
    for (isa, operands) in Isa::available().into_iter().flat_map(|isa| Operands::ALL.map(|operands| (isa, operands))) {
        for (depth, out, input) in [(1, 5, 7), (40, 13, 33), (49, 9, 16), (300, 50, 70), (700, 24, 16), (1000, 70, 96)]
        {
            let (dy, x, start) = (random(depth * out, 4), random(depth * input, 5), random(out * input, 6));
            let exact = |values: &[f32]| match operands {
                Operands::Single => values.to_vec(),
                Operands::Bf16 => rounded(values),
            };
            let (dy_exact, x_exact) = (exact(&dy), exact(&x));
            let dyt: Vec<f32> = (0..depth * out).map(|i| dy_exact[(i % depth) * out + i / depth]).collect();
            let xt: Vec<f32> = (0..depth * input).map(|i| x_exact[(i % depth) * input + i / depth]).collect();
            let expected = reference(&dyt, &xt, &start, out, input, depth);
            let mut found = start.clone();
            let mut whole = start.clone();
            let mut scratch = vec![f32::NAN; outer_scratch(isa, out, operands)];
            let right = blocks(isa, &x, input, operands);
            let outer = |first, rows| Outer {
                left: &dy,
                left_stride: out,
                first,
                rows,
                right: &right,
                columns: input,
                depth,
                operands,
            };
            let half = out / 2;
            accumulate_outer(isa, &outer(0, half), &mut found[..half * input], &mut scratch);
            accumulate_outer(isa, &outer(half, out - half), &mut found[half * input..], &mut scratch);
            assert_close(&found, &expected, 4 * depth, isa.name());
            accumulate_outer(isa, &outer(0, out), &mut whole, &mut scratch);
            assert_eq!(found, whole, "strips do not change the result");
        }
    }
}

#[test]
fn instruction_sets_add_in_the_same_order() {
    let (depth, width) = (300, 70);
    let (left, x) = (random(depth * width, 7), random(depth * width, 8));
    let square = |isa: Isa, operands| {
        let right = blocks(isa, &x, width, operands);
        let (rows, columns) = (width, width);
        let outer = Outer { left: &left, left_stride: width, first: 0, rows, right: &right, columns, depth, operands };
        let mut square = vec![0.0; width * width];
        accumulate_outer(isa, &outer, &mut square, &mut vec![0.0; outer_scratch(isa, width, operands)]);
        square
    };
    for (one, other) in Isa::twins() {
        assert!(square(one, Operands::Single) == square(other, Operands::Single), "{} {}", one.name(), other.name());
    }
}
