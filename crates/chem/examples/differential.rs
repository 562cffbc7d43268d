//! What this crate says about SMILES, for a comparison with another toolkit.
//!
//! Reads one SMILES a line from standard input and writes one tab-separated line each:
//! error class or `none`, byte position or `-`, microseconds, canonical SMILES. The positions and
//! classes are those of [`chemr_chem::ChemError`]; the gate is [`Gate::DATA`].
//!
//! ```text
//! cargo run --release -p chemr-chem --example differential < smiles.txt > ours.tsv
//! ```

use std::io::{BufRead, Write};
use std::time::Instant;

use chemr_chem::{Gate, Mol};

fn main() -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let start = Instant::now();
        let answer = Mol::parse_with(&line, &Gate::DATA);
        let micros = start.elapsed().as_micros();
        match answer {
            Ok(mol) => writeln!(out, "none\t-\t{micros}\t{}", mol.canonical())?,
            Err(error) => {
                let position = error.position.map_or_else(|| "-".to_string(), |byte| byte.to_string());
                writeln!(out, "{}\t{position}\t{micros}\t{}", error.class, error.message)?;
            }
        }
    }
    Ok(())
}
