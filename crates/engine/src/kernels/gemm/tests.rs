use super::*;
use crate::Operands;
use crate::kernels::outer::tests::blocks;
use crate::kernels::outer::{Outer, accumulate_outer, outer_scratch};
use crate::rng::SplitMix64;

pub(in crate::kernels) fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut random = SplitMix64::new(seed);
    (0..count).map(|_| random.normal() as f32).collect()
}

/// `c = start + a * w^T` in double precision.
pub(in crate::kernels) fn reference(a: &[f32], w: &[f32], start: &[f32], m: usize, n: usize, k: usize) -> Vec<f64> {
    let mut c: Vec<f64> = start.iter().map(|v| f64::from(*v)).collect();
    for i in 0..m {
        for j in 0..n {
            for p in 0..k {
                c[i * n + j] += f64::from(a[i * k + p]) * f64::from(w[j * k + p]);
            }
        }
    }
    c
}

pub(in crate::kernels) fn assert_close(found: &[f32], expected: &[f64], depth: usize, what: &str) {
    for (index, (a, b)) in found.iter().zip(expected).enumerate() {
        let tolerance = 1e-6 * (depth as f64).sqrt() * 8.0 + 1e-6 * b.abs();
        assert!((f64::from(*a) - b).abs() <= tolerance, "{what}: value {index} is {a}, expected {b}");
    }
}

fn single(packed: &PackedMatrix) -> &[f32] {
    match &packed.panels {
        Panels::Single(values) => values,
        _ => panic!("stored in less"),
    }
}

const SHAPES: [(usize, usize, usize); 12] = [
    (1, 1, 1),
    (1, 100, 70),
    (2, 33, 17),
    (3, 64, 300),
    (4, 31, 257),
    (5, 16, 8),
    (6, 32, 256),
    (7, 50, 600),
    (13, 47, 33),
    (29, 130, 520),
    (97, 65, 64),
    (200, 96, 40),
];

#[test]
fn products_match_double_precision_for_all_shapes_and_instruction_sets() {
    for isa in Isa::available() {
        for (m, n, k) in SHAPES {
            let what = format!("{} {m}x{n}x{k}", isa.name());
            let (a, w, start) = (random(m * k, 1), random(n * k, 2), random(m * n, 3));
            let zero = vec![0.0; m * n];
            let mut packed = PackedMatrix::new(isa, k, n);
            packed.pack_weight(&w);
            let mut c = vec![f32::NAN; m * n];
            packed.multiply(&a, m, &mut c, Store::Overwrite);
            assert_close(&c, &reference(&a, &w, &zero, m, n, k), k, &what);
            let mut c = start.clone();
            packed.multiply(&a, m, &mut c, Store::Add);
            let expected = reference(&a, &w, &start, m, n, k);
            assert_close(&c, &expected, k, &what);
            let mut c = vec![f32::NAN; m * n];
            packed.multiply(&a, m, &mut c, Store::AddTo(&start, n));
            assert_close(&c, &expected, k, &what);
            // The same weight given as `[depth, columns]`.
            let mut straight = PackedMatrix::new(isa, k, n);
            let turned: Vec<f32> = (0..k * n).map(|i| w[(i % n) * k + i / n]).collect();
            straight.pack_rows(&turned);
            assert_eq!(single(&packed), single(&straight), "{what}");
        }
    }
}

/// What a packed weight stands for, in single precision.
fn widened(storage: Storage, weight: &[f32], depth: usize) -> Vec<f32> {
    match storage {
        Storage::Single => weight.to_vec(),
        Storage::Bf16 | Storage::Bf16Pairs => weight.iter().map(|value| Bf16::round(*value).to_f32()).collect(),
        Storage::Int8 => weight
            .chunks(depth)
            .flat_map(|row| {
                let scale = row.iter().fold(0.0f32, |most, value| most.max(value.abs())) / 127.0;
                row.iter().map(move |value| if scale > 0.0 { (value / scale).round_ties_even() * scale } else { 0.0 })
            })
            .collect(),
    }
}

#[test]
fn narrow_storage_multiplies_what_it_stands_for() {
    for isa in Isa::available() {
        for (m, n, k) in SHAPES {
            let (a, mut w, start) = (random(m * k, 1), random(n * k, 2), random(m * n, 3));
            // One output without any weight.
            w[(n / 2) * k..(n / 2 + 1) * k].fill(0.0);
            for storage in [Storage::Bf16, Storage::Int8] {
                let what = format!("{} {storage:?} {m}x{n}x{k}", isa.name());
                let expected = reference(&a, &widened(storage, &w, k), &start, m, n, k);
                let mut packed = PackedMatrix::stored(isa, k, n, storage);
                packed.pack_weight(&w);
                let mut c = start.clone();
                packed.multiply(&a, m, &mut c, Store::Add);
                assert_close(&c, &expected, 4 * k, &what);
                let mut c = vec![f32::NAN; m * n];
                packed.multiply(&a, m, &mut c, Store::AddTo(&start, n));
                assert_close(&c, &expected, 4 * k, &what);
                // Filled piece by piece, the same bits.
                let mut pieces = PackedMatrix::stored(isa, k, n, storage);
                for (piece, rows) in w.chunks(isa.panel() * k).enumerate() {
                    pieces.pack_outputs(piece * isa.panel(), rows);
                }
                let mut again = vec![f32::NAN; m * n];
                pieces.multiply(&a, m, &mut again, Store::AddTo(&start, n));
                assert_eq!(c, again, "{what}");
            }
        }
    }
}

/// Every value rounded to bf16.
pub(in crate::kernels) fn rounded(values: &[f32]) -> Vec<f32> {
    values.iter().map(|value| Bf16::round(*value).to_f32()).collect()
}

#[test]
fn pairs_multiply_rounded_operands() {
    for isa in Isa::available() {
        for (m, n, k) in SHAPES {
            let what = format!("{} {m}x{n}x{k}", isa.name());
            let (a, w, start) = (random(m * k, 1), random(n * k, 2), random(m * n, 3));
            let expected = reference(&rounded(&a), &rounded(&w), &start, m, n, k);
            let mut packed = PackedMatrix::stored(isa, k, n, Storage::Bf16Pairs);
            packed.pack_weight(&w);
            let mut c = start.clone();
            packed.multiply(&a, m, &mut c, Store::Add);
            assert_close(&c, &expected, 4 * k, &what);
            let mut straight = PackedMatrix::stored(isa, k, n, Storage::Bf16Pairs);
            let turned: Vec<f32> = (0..k * n).map(|i| w[(i % n) * k + i / n]).collect();
            straight.pack_rows(&turned);
            let mut block = vec![f32::NAN; m * n];
            let mut spare = vec![f32::NAN; m * pair_stride(k)];
            straight.multiply_block(&a, m, &mut block, n, Store::AddTo(&start, n), &mut spare);
            assert_eq!(c, block, "{what}");
            // Rows that lie apart, with nothing written between them.
            let stride = n + 5;
            let mut apart = vec![f32::NAN; m * stride];
            straight.multiply_block(&a, m, &mut apart, stride, Store::Overwrite, &mut spare);
            let rows: Vec<f32> = apart.chunks(stride).flat_map(|row| &row[..n]).copied().collect();
            let zero = vec![0.0; m * n];
            assert_close(&rows, &reference(&rounded(&a), &rounded(&w), &zero, m, n, k), 4 * k, &what);
            assert!(apart.chunks(stride).all(|row| row[n..].iter().all(|value| value.is_nan())), "{what}");
        }
    }
}

#[test]
fn products_of_pairs_have_the_same_bits_for_every_cut() {
    let (m, n, k) = (97, 70, 1131);
    let (a, w) = (random(m * k, 7), random(n * k, 8));
    for isa in Isa::available() {
        let mut packed = PackedMatrix::stored(isa, k, n, Storage::Bf16Pairs);
        packed.pack_weight(&w);
        let mut together = vec![0.0; m * n];
        crate::set_threads(1);
        packed.multiply(&a, m, &mut together, Store::Overwrite);
        for threads in [2, 3, 5] {
            crate::set_threads(threads);
            let mut again = vec![0.0; m * n];
            packed.multiply(&a, m, &mut again, Store::Overwrite);
            assert!(again == together, "{} on {threads} threads", isa.name());
        }
        for rows in [1, 2, 16, 17, 64] {
            let mut apart = vec![0.0; m * n];
            let mut spare = vec![f32::NAN; rows * pair_stride(k)];
            for (a, c) in a.chunks(rows * k).zip(apart.chunks_mut(rows * n)) {
                packed.multiply_block(a, c.len() / n, c, n, Store::Overwrite, &mut spare);
            }
            assert!(apart == together, "{} by {rows} rows", isa.name());
        }
    }
}

#[test]
fn bf16_storage_gives_the_bits_of_rounded_weights() {
    let (m, n, k) = (7, 90, 600);
    let (a, w) = (random(m * k, 1), random(n * k, 2));
    for isa in Isa::available() {
        let product = |storage, weight: &[f32]| {
            let mut packed = PackedMatrix::stored(isa, k, n, storage);
            packed.pack_weight(weight);
            let mut c = vec![0.0; m * n];
            packed.multiply(&a, m, &mut c, Store::Overwrite);
            c
        };
        let rounded = widened(Storage::Bf16, &w, k);
        assert_eq!(product(Storage::Bf16, &w), product(Storage::Single, &rounded), "{}", isa.name());
    }
}

#[test]
#[should_panic(expected = "do not fill whole panels")]
fn pieces_of_panels_are_refused() {
    PackedMatrix::new(Isa::Portable, 4, 40).pack_outputs(3, &[0.0; 16]);
}

#[test]
fn results_have_the_same_bits_for_every_cut() {
    let (m, n, k) = (50, 200, 300);
    let (a, w) = (random(m * k, 7), random(n * k, 8));
    let packed = PackedMatrix::from_weight(&w, n, k);
    let mut together = vec![0.0; m * n];
    crate::set_threads(3);
    packed.multiply(&a, m, &mut together, Store::Overwrite);
    for rows in [1, 2, 3, 5, 17] {
        let mut apart = vec![0.0; m * n];
        let mut row = 0;
        while row < m {
            let count = rows.min(m - row);
            packed.multiply(&a[row * k..], count, &mut apart[row * n..(row + count) * n], Store::Overwrite);
            row += count;
        }
        assert!(apart.iter().zip(&together).all(|(x, y)| x.to_bits() == y.to_bits()));
    }
    // Every instruction set multiplies and adds in the same order.
    let product = |isa: Isa| {
        let mut packed = PackedMatrix::new(isa, k, n);
        packed.pack_weight(&w);
        let mut c = vec![0.0; m * n];
        packed.multiply(&a, m, &mut c, Store::Overwrite);
        c
    };
    for (one, other) in Isa::twins() {
        assert!(product(one) == product(other), "{} and {}", one.name(), other.name());
    }
}

/// Prints GFLOP/s of the training and decoding shapes: `cargo test --release -p chemr-engine speed_of_products -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn speed_of_products() {
    let best = |flops: f64, work: &mut dyn FnMut()| {
        let mut best = f64::INFINITY;
        let start = std::time::Instant::now();
        while start.elapsed().as_secs_f64() < 0.4 {
            let begin = std::time::Instant::now();
            work();
            best = best.min(begin.elapsed().as_secs_f64());
        }
        flops / best / 1e9
    };
    let isa = Isa::detect();
    println!("{} on {} threads", isa.name(), pool::threads());
    for (m, n, k, storage) in [
        (4096, 1376, 256),
        (4096, 256, 688),
        (1024, 512, 192),
        (1024, 128, 128),
        (4096, 2816, 512),
        (32, 1376, 256),
        (32, 2816, 512),
        (1, 1376, 256),
        (1, 2816, 512),
    ]
    .into_iter()
    .flat_map(|(m, n, k)| [Storage::Single, Storage::Bf16Pairs].map(|storage| (m, n, k, storage)))
    {
        let (a, w) = (random(m * k, 1), random(n * k, 2));
        let mut packed = PackedMatrix::stored(isa, k, n, storage);
        packed.pack_weight(&w);
        let mut c = vec![0.0; m * n];
        let flops = 2.0 * (m * n * k) as f64;
        let speed = best(flops, &mut || packed.multiply(&a, m, &mut c, Store::Overwrite));
        println!("forward {storage:?} {m}x{n}x{k}: {speed:.0} GFLOP/s");
    }
    for operands in Operands::ALL {
        for (depth, out, input) in [(1024, 1376, 256), (1024, 256, 688), (1024, 512, 192)] {
            let (dy, x) = (random(depth * out, 4), random(depth * input, 5));
            let right = blocks(isa, &x, input, operands);
            let mut gradient = vec![0.0; out * input];
            let mut scratch = Scratch::default();
            scratch.prepare(outer_scratch(isa, 96, operands));
            let flops = 2.0 * (depth * out * input) as f64;
            let speed = best(flops, &mut || {
                run_parts(
                    out.div_ceil(96),
                    &mut scratch,
                    [Parts::even(&mut gradient, 96 * input)],
                    |task, memory, [part]| {
                        let outer = Outer {
                            left: &dy,
                            left_stride: out,
                            first: task * 96,
                            rows: part.len() / input,
                            right: &right,
                            columns: input,
                            depth,
                            operands,
                        };
                        accumulate_outer(isa, &outer, part, memory);
                    },
                );
            });
            println!("gradient {operands} {depth}x{out}x{input}: {speed:.0} GFLOP/s");
        }
    }
}
