//! Ctrl-C, and progress of an evaluation.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// A flag that the first Ctrl-C (or SIGTERM) raises; the second ends the process at once.
pub fn stop_flag() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    ctrlc::set_handler(move || {
        if raised.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        eprintln!("\nstopping after this step and saving; press Ctrl-C again to stop at once");
    })?;
    Ok(flag)
}

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
            eprintln!("{name}: evaluating {total} held-out questions");
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
                let left = chemr_train::duration(pace * total.saturating_sub(done) as f64);
                eprintln!("{}: {done} of {total} answers, {left} left", self.name);
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
