//! Writes gym examples as JSON lines, and what they cost to standard error.
//!
//! `cargo run --release -p chemr-data --example gym -- TASK [LEVELS] [SPLIT] [COUNT]`
//! for example `retrosynthesis 1,2 train 1000`.

use std::collections::BTreeSet;
use std::io::{BufWriter, Write};
use std::time::Instant;

use chemr_data::{Gym, GymConfig};
use chemr_tasks::Split;

/// The allocator of the program, so that the rate is the program's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    match write_examples() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!(
                "{error}; usage: gym TASK [LEVELS] [SPLIT] [COUNT], for example `gym retrosynthesis 1,2 train 1000`"
            );
            std::process::ExitCode::FAILURE
        }
    }
}

fn write_examples() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize, default: &str| arguments.get(index).cloned().unwrap_or_else(|| default.to_string());
    let task = argument(0, "reaction_prediction");
    let levels = argument(1, "1").split(',').map(str::parse).collect::<Result<Vec<u8>, _>>()?;
    let split = match argument(2, "train").as_str() {
        "train" => Split::Train,
        "valid" => Split::Valid,
        "test" => Split::Test,
        other => return Err(format!("no split {other:?}: train, valid or test").into()),
    };
    let count: u64 = argument(3, "10").parse()?;
    let gym = Gym::new(GymConfig { seed: 1, levels })?;
    // Tables that are made at first use do not belong to the rate.
    gym.example(&task, split, u64::MAX)?;
    let started = Instant::now();
    let examples = gym.examples(&task, split, 0..count)?;
    let seconds = started.elapsed().as_secs_f64();
    let keys: BTreeSet<&String> = examples.iter().filter_map(|example| example.meta.get("key")).collect();
    let questions: BTreeSet<String> = examples.iter().map(|example| format!("{:?}", example.input)).collect();
    eprintln!(
        "{task}: {count} examples in {seconds:.2} s ({:.0}/s, {} threads), {} distinct key molecules, {} distinct questions",
        count as f64 / seconds,
        rayon::current_num_threads(),
        keys.len(),
        questions.len(),
    );
    let mut out = BufWriter::new(std::io::stdout().lock());
    for example in &examples {
        writeln!(out, "{}", serde_json::to_string(example)?)?;
    }
    out.flush()?;
    Ok(())
}
