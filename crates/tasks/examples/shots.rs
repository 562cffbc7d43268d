//! Ranks and times of examples: which rows of a pool are chosen for each query, one line a query, as numbers of lines from 0; times on standard
//! error. Both files hold one input of the task a line.
//!
//! ```text
//! cargo run --release -p chemr-tasks --example shots -- TASK CHOICE COUNT POOL QUERIES > ranks.txt
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Instant;

use chemr_tasks::shots::{Shot, Shots};
use chemr_tasks::{Example, Split, task};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [id, choice, count, pool, queries] = arguments.as_slice() else {
        return Err("usage: shots TASK CHOICE COUNT POOL QUERIES".into());
    };
    let task = task(id).ok_or("unknown task")?;
    let read = |path: &str| -> std::io::Result<Vec<Shot>> {
        let text = std::fs::read_to_string(path)?;
        let row = |(row, line): (usize, &str)| {
            let input = BTreeMap::from([(task.input_key().to_owned(), line.to_owned())]);
            let place = BTreeMap::from([("place".to_owned(), row.to_string())]);
            Shot { row, example: Example::new(task.id(), "pool", Split::Train, 0, input, "", place) }
        };
        Ok(text.lines().enumerate().map(row).collect())
    };
    let (pool, queries) = (read(pool)?, read(queries)?);
    let rows = pool.len();
    let started = Instant::now();
    let shots = Shots::new(count.parse()?, choice.parse()?, 1, pool, &[task])?;
    eprintln!("{rows} rows ready in {:.2} s", started.elapsed().as_secs_f64());
    let started = Instant::now();
    for query in &queries {
        let chosen = shots.choose(task, &query.example);
        println!("{}", chosen.iter().map(|shot| shot.meta["place"].as_str()).collect::<Vec<_>>().join(" "));
    }
    eprintln!("{} queries in {:.2} s", queries.len(), started.elapsed().as_secs_f64());
    Ok(())
}
