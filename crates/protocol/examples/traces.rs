//! Writes expert traces, or measures teacher and checker.
//!
//! ```text
//! cargo run --release -p chemr-protocol --example traces -- show 2 1        # two gym traces of each task at level 1
//! cargo run --release -p chemr-protocol --example traces -- measure 1000    # rates on gym examples, one thread
//! cargo run --release -p chemr-protocol --example traces -- real DATA 300   # the same on imported rows (validation halves)
//! cargo run --release -p chemr-protocol --example traces -- dump 300        # every gym trace as JSON lines, to compare two versions
//! cargo run --release -p chemr-protocol --example traces -- dump 300 DATA   # the same for imported rows
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Instant;

use chemr_data::{Gym, GymConfig, import};
use chemr_protocol::{FilterCounts, Truth, check_claims, expert_trace, filter, has_protocol, tally};
use chemr_tasks::{Example, Split, task};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |place: usize, default: u64| arguments.get(place).and_then(|text| text.parse().ok()).unwrap_or(default);
    match arguments.first().map(String::as_str) {
        Some("measure") => {
            for level in Gym::LEVELS {
                let gym = Gym::new(GymConfig { seed: 7, levels: vec![level] })?;
                for task in taught() {
                    let examples = gym.examples(task, Split::Train, 0..number(1, 1000))?;
                    measure(&format!("level {level} {task:25}"), &examples);
                }
            }
            Ok(())
        }
        Some("real") => {
            let folder = arguments.get(1).ok_or("name the data folder")?;
            let names: Vec<&str> = import::importers().iter().map(|importer| importer.name).collect();
            for (name, imported) in names.iter().zip(import::import(&names, Path::new(folder), Split::Valid)?) {
                let mut rows = imported.examples;
                rows.truncate(usize::try_from(number(2, 300))?);
                for example in rows.iter().take(3) {
                    print(example, 1);
                }
                measure(name, &rows);
            }
            Ok(())
        }
        Some("dump") => match arguments.get(2) {
            Some(folder) => dump_real(number(1, 300), Path::new(folder)),
            None => dump(number(1, 300)),
        },
        _ => show(number(1, 2), u8::try_from(number(2, 1))?),
    }
}

/// The tasks of the gym that have a protocol.
fn taught() -> impl Iterator<Item = &'static str> {
    Gym::TASKS.into_iter().filter(|id| task(id).is_some_and(has_protocol))
}

fn show(count: u64, level: u8) -> Outcome {
    let gym = Gym::new(GymConfig { seed: 1, levels: vec![level] })?;
    for task in taught() {
        for index in 0..count {
            print(&gym.example(task, Split::Train, index)?, index);
        }
    }
    Ok(())
}

fn dump(count: u64) -> Outcome {
    for level in Gym::LEVELS {
        let gym = Gym::new(GymConfig { seed: 7, levels: vec![level] })?;
        for task in taught() {
            for (seed, example) in (0..).zip(gym.examples(task, Split::Train, 0..count)?) {
                line(&example, level, seed);
            }
        }
    }
    Ok(())
}

fn dump_real(count: u64, folder: &Path) -> Outcome {
    let names: Vec<&str> = import::importers().iter().map(|importer| importer.name).collect();
    for imported in import::import(&names, folder, Split::Valid)? {
        for (seed, example) in (0..count).zip(&imported.examples) {
            line(example, 0, seed);
        }
    }
    Ok(())
}

fn line(example: &Example, level: u8, seed: u64) {
    let text = expert_trace(example, seed).map_or_else(|error| error.to_string(), |trace| trace.render());
    let row = serde_json::json!({
        "task": example.task, "level": level, "input": example.input, "reference": example.reference, "text": text,
    });
    println!("{row}");
}

fn print(example: &Example, seed: u64) {
    println!("== {} {:?}", example.task, example.input);
    match expert_trace(example, seed) {
        Ok(trace) => {
            let text = trace.render();
            println!("{text}");
            let claims = check_claims(example, &text);
            let wrong: Vec<_> = claims.iter().filter(|claim| claim.truth != Truth::True).collect();
            println!("-- {} claims, not true: {wrong:?}", claims.len());
        }
        Err(error) => println!("-- {error}"),
    }
}

/// Seconds of processor time of this thread (Linux), so that other work on the machine does not count; else wall time.
fn seconds() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .map_or_else(|| START.get_or_init(Instant::now).elapsed().as_secs_f64(), |nanoseconds| nanoseconds * 1e-9)
}

fn measure(title: &str, examples: &[Example]) {
    let start = seconds();
    let traces: Vec<_> = examples.iter().map(|example| expert_trace(example, 1)).collect();
    let teacher = (seconds() - start).max(1e-6);
    let mut errors: BTreeMap<String, usize> = BTreeMap::new();
    for error in traces.iter().filter_map(|trace| trace.as_ref().err()) {
        *errors.entry(error.code().to_string()).or_default() += 1;
        if errors.len() < 2 && errors.values().sum::<usize>() < 3 {
            println!("    {error}");
        }
    }
    let texts: Vec<(&Example, String)> =
        examples.iter().zip(&traces).filter_map(|(row, trace)| Some((row, trace.as_ref().ok()?.render()))).collect();
    let start = seconds();
    let claims: Vec<_> = texts.iter().map(|(example, text)| check_claims(example, text)).collect();
    let checker = (seconds() - start).max(1e-6);
    let mut counts = FilterCounts::default();
    for (example, text) in &texts {
        counts.add(&filter(example, text));
    }
    let all: Vec<_> = claims.iter().flatten().cloned().collect();
    let wrong = all.iter().filter(|claim| claim.truth == Truth::False).count();
    let fewest =
        claims.iter().map(|claims| claims.iter().filter(|claim| claim.truth != Truth::Unverifiable).count()).min();
    println!(
        "{title} teacher {:7.0}/s checker {:6.0}/s written {}/{} errors {errors:?} claims {:.1} fewest {fewest:?} false {wrong} dropped {:?}",
        examples.len() as f64 / teacher,
        texts.len() as f64 / checker,
        texts.len(),
        examples.len(),
        all.len() as f64 / texts.len().max(1) as f64,
        counts.dropped,
    );
    if wrong > 0 {
        for (kind, tally) in tally(&all) {
            println!("    {kind}: {tally:?}");
        }
        for (place, claims) in
            claims.iter().enumerate().filter(|(_, claims)| claims.iter().any(|c| c.truth == Truth::False)).take(3)
        {
            let bad: Vec<_> = claims.iter().filter(|claim| claim.truth == Truth::False).collect();
            println!("    {}\n    {bad:?}", texts[place].1);
        }
    }
}
