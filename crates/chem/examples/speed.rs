//! Time of each operation on a list of SMILES: mean, the slowest, and what it was.
//!
//! Reads one SMILES a line from standard input; texts that cannot be read count for `parse` only.
//! `parse` includes the canonical form.
//!
//! ```text
//! cargo run --release -p chemr-chem --example speed < smiles.txt
//! ```

use std::hint::black_box;
use std::io::BufRead;
use std::time::{Duration, Instant};

use chemr_chem::{Gate, Mol, groups};

#[derive(Default)]
struct Clock {
    calls: u32,
    total: Duration,
    slowest: Duration,
    culprit: String,
}

impl Clock {
    fn add(&mut self, took: Duration, text: &str) {
        self.calls += 1;
        self.total += took;
        if took > Duration::from_secs(1) {
            eprintln!("{:.1} s for {}", took.as_secs_f64(), text);
        }
        if took > self.slowest {
            self.slowest = took;
            self.culprit = text.chars().take(60).collect();
        }
    }
}

type Operation = (&'static str, fn(&Mol));

const OPERATIONS: [Operation; 13] = [
    ("canonical_flat", |mol| drop(black_box(mol.canonical_flat()))),
    ("atoms+bonds", |mol| drop(black_box((mol.atoms(), mol.bonds())))),
    ("formula", |mol| drop(black_box(mol.formula()))),
    ("logp", |mol| _ = black_box(mol.logp())),
    ("qed", |mol| _ = black_box(mol.qed())),
    ("scaffold", |mol| drop(black_box(mol.scaffold()))),
    ("fragments", |mol| drop(black_box(mol.fragments()))),
    ("inchikey", |mol| drop(black_box(mol.inchikey()))),
    ("morgan2", |mol| drop(black_box(mol.morgan(2, 2048)))),
    ("morgan2 counts", |mol| drop(black_box(mol.morgan_counts(2)))),
    ("maccs", |mol| drop(black_box(mol.maccs()))),
    ("rdk", |mol| drop(black_box(mol.rdk()))),
    ("groups", |mol| drop(black_box(groups().counts(mol)))),
];

fn main() -> std::io::Result<()> {
    let mut parse = Clock::default();
    let mut clocks: Vec<Clock> = OPERATIONS.iter().map(|_| Clock::default()).collect();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let start = Instant::now();
        let outcome = Mol::parse_with(&line, &Gate::DATA);
        parse.add(start.elapsed(), &line);
        let Ok(mol) = outcome else { continue };
        for ((_, operation), clock) in OPERATIONS.iter().zip(&mut clocks) {
            let start = Instant::now();
            operation(&mol);
            clock.add(start.elapsed(), &line);
        }
    }
    println!("{:<16} {:>8} {:>10} {:>10}  slowest text", "operation", "calls", "mean us", "max us");
    let names = std::iter::once("parse").chain(OPERATIONS.iter().map(|(name, _)| *name));
    for (name, clock) in names.zip(std::iter::once(&parse).chain(&clocks)) {
        println!(
            "{name:<16} {:>8} {:>10.1} {:>10}  {}",
            clock.calls,
            clock.total.as_secs_f64() * 1e6 / f64::from(clock.calls.max(1)),
            clock.slowest.as_micros(),
            clock.culprit
        );
    }
    Ok(())
}
