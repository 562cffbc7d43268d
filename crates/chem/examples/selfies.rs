//! Reads and writes SELFIES for a comparison with another implementation.
//!
//! `cargo run --release -p chemr-chem --example selfies -- decode|encode [OPTION]... < lines`
//!
//! Writes for each line `ok`, a tab and the result, or `refused`, a tab and the reason; the time that all lines took goes to
//! standard error. Options: `compatible` (decode), `unchecked` (encode), `octet_rule`, `hypervalent`. `alphabet` instead of
//! `decode` writes the robust alphabet.

use std::io::Write;
use std::time::Instant;

use chemr_chem::selfies::{Constraints, Decoding, decode_with, encode_with};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let set = |option: &str| arguments.iter().skip(1).any(|argument| argument == option);
    let constraints = Constraints::ALL.into_iter().find(|table| set(table.name())).unwrap_or_default();
    let decoding = Decoding { constraints, compatible: set("compatible") };
    let checked = (!set("unchecked")).then_some(constraints);
    let work = |line: &str| -> Result<String, String> {
        match arguments.first().map(String::as_str) {
            Some("decode") => decode_with(line, &decoding).map_err(|error| error.to_string()),
            Some("encode") => encode_with(line, checked).map_err(|error| error.to_string()),
            _ => Err("decode, encode or alphabet?".to_string()),
        }
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if arguments.first().is_some_and(|argument| argument == "alphabet") {
        writeln!(out, "{}", constraints.robust_alphabet().join("\n"))?;
        return Ok(());
    }
    let input = std::io::read_to_string(std::io::stdin())?;
    let lines: Vec<&str> = input.lines().collect();
    let start = Instant::now();
    let results: Vec<Result<String, String>> = lines.iter().map(|line| work(line)).collect();
    eprintln!("{} lines in {:.6} s", lines.len(), start.elapsed().as_secs_f64());
    for result in results {
        match result {
            Ok(text) => writeln!(out, "ok\t{text}")?,
            Err(reason) => writeln!(out, "refused\t{reason}")?,
        }
    }
    Ok(out.flush()?)
}
