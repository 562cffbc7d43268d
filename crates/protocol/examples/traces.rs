//! Writes expert traces for gym examples, or measures teacher and checker.
//!
//! ```text
//! cargo run --release -p chemr-protocol --example traces -- show 2 1      # two traces of each task at level 1
//! cargo run --release -p chemr-protocol --example traces -- measure 1000  # rates on one thread
//! ```

use std::time::Instant;

use chemr_data::{Gym, GymConfig};
use chemr_protocol::{FilterCounts, Truth, check_claims, expert_trace, filter, tally};
use chemr_tasks::{Example, Split};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |place: usize, default: u64| arguments.get(place).and_then(|text| text.parse().ok()).unwrap_or(default);
    match arguments.first().map(String::as_str) {
        Some("measure") => measure(number(1, 1000)),
        _ => show(number(1, 2), u8::try_from(number(2, 1))?),
    }
}

fn show(count: u64, level: u8) -> Result<(), Box<dyn std::error::Error>> {
    let gym = Gym::new(GymConfig { seed: 1, levels: vec![level] })?;
    for task in Gym::TASKS {
        for index in 0..count {
            let example = gym.example(task, Split::Train, index)?;
            println!("== {task} {:?}", example.input);
            match expert_trace(&example, index) {
                Ok(trace) => {
                    let text = trace.render();
                    println!("{text}");
                    let claims = check_claims(&example, &text);
                    let wrong: Vec<_> = claims.iter().filter(|claim| claim.truth != Truth::True).collect();
                    println!("-- {} claims, not true: {wrong:?}", claims.len());
                }
                Err(error) => println!("-- {error}"),
            }
        }
    }
    Ok(())
}

fn measure(count: u64) -> Result<(), Box<dyn std::error::Error>> {
    for level in 1..=3 {
        let gym = Gym::new(GymConfig { seed: 7, levels: vec![level] })?;
        for task in Gym::TASKS {
            let examples: Vec<Example> = gym.examples(task, Split::Train, 0..count)?;
            let start = Instant::now();
            let traces: Vec<_> = examples.iter().map(|example| expert_trace(example, 1)).collect();
            let teacher = start.elapsed().as_secs_f64();
            for error in traces.iter().filter_map(|trace| trace.as_ref().err()) {
                println!("    {error}");
            }
            let texts: Vec<(&Example, String)> = examples
                .iter()
                .zip(&traces)
                .filter_map(|(row, trace)| Some((row, trace.as_ref().ok()?.render())))
                .collect();
            let start = Instant::now();
            let claims: Vec<_> = texts.iter().map(|(example, text)| check_claims(example, text)).collect();
            let checker = start.elapsed().as_secs_f64();
            let mut counts = FilterCounts::default();
            for (example, text) in &texts {
                counts.add(&filter(example, text));
            }
            let all: Vec<_> = claims.into_iter().flatten().collect();
            let wrong = all.iter().filter(|claim| claim.truth == Truth::False).count();
            let per_second = |seconds: f64| count as f64 / seconds;
            println!(
                "level {level} {task:25} teacher {:7.0}/s checker {:7.0}/s written {}/{count} claims {:.1} false {wrong} dropped {:?}",
                per_second(teacher),
                per_second(checker),
                texts.len(),
                all.len() as f64 / texts.len().max(1) as f64,
                counts.dropped,
            );
            if wrong > 0 {
                for (kind, tally) in tally(&all) {
                    println!("    {kind}: {tally:?}");
                }
            }
        }
    }
    Ok(())
}
