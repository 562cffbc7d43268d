//! Progress of an evaluation.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use chemr_data::tell;
use indicatif::{ProgressBar, ProgressStyle};

/// Progress of one evaluation: a bar on a terminal, a line every ten seconds in a pipe.
pub struct EvaluationProgress {
    bar: Option<ProgressBar>,
    name: String,
    started: Instant,
    last: Instant,
}

impl EvaluationProgress {
    pub fn new(name: &str, total: usize) -> EvaluationProgress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total as u64);
            if let Ok(style) = ProgressStyle::with_template("{msg:>12} [{bar:30}] {pos}/{len} answers, {eta} left") {
                bar.set_style(style);
            }
            bar.set_message(format!("{name}: test"));
            bar
        });
        if bar.is_none() {
            tell!("{name}: evaluating {total} held-out questions");
        }
        let now = Instant::now();
        EvaluationProgress { bar, name: name.to_owned(), started: now, last: now }
    }

    pub fn update(&mut self, done: usize, total: usize) {
        match &self.bar {
            Some(bar) => bar.set_position(done as u64),
            None if self.last.elapsed() >= Duration::from_secs(10) => {
                self.last = Instant::now();
                let pace = self.started.elapsed().as_secs_f64() / done.max(1) as f64;
                let left = chemr_data::wording::duration(pace * total.saturating_sub(done) as f64);
                tell!("{}: {done} of {total} answers, {left} left", self.name);
            }
            None => {}
        }
    }

    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
