//! What a run says while it works: a bar on a terminal, plain lines in a pipe.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use chemr_data::tell;
use chemr_data::wording::duration;
use indicatif::{ProgressBar, ProgressStyle};

/// Where a phase stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Update<'a> {
    /// `tokenizer`, `foundation`, `distill` or `grpo`.
    pub phase: &'a str,
    /// Steps done.
    pub step: u64,
    /// Steps in all.
    pub total: u64,
    /// Tokens per second, lately.
    pub tokens_per_second: f64,
    /// Seconds left in this phase, estimated from the pace so far; `None` while there is too little to go by.
    pub seconds_left: Option<f64>,
    /// The numbers that matter in this phase, in a few words (`loss 0.412`).
    pub message: &'a str,
}

/// Receives the news of a run. Implementations must not fail and should return quickly.
pub trait Progress: Sync {
    /// A step is done.
    fn update(&self, update: &Update<'_>);
    /// Something worth a line of its own.
    fn message(&self, text: &str);
    /// A phase is over (finished or stopped).
    fn finish(&self, phase: &str);
}

/// Says nothing.
#[derive(Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn update(&self, _: &Update<'_>) {}
    fn message(&self, _: &str) {}
    fn finish(&self, _: &str) {}
}

/// One plain line on standard error at most every `every`, and at the first and last step of a phase.
#[derive(Debug)]
pub struct Lines {
    every: Duration,
    last: Mutex<Option<(String, Instant)>>,
}

impl Lines {
    /// A line at most every `every`.
    pub fn new(every: Duration) -> Self {
        Self { every, last: Mutex::new(None) }
    }

    /// Whether a line is due, and if so, notes that it was written.
    fn due(&self, update: &Update<'_>) -> bool {
        let Ok(mut last) = self.last.lock() else {
            return false;
        };
        let due = match &*last {
            Some((phase, at)) => phase != update.phase || at.elapsed() >= self.every || update.step >= update.total,
            None => true,
        };
        if due {
            *last = Some((update.phase.to_string(), Instant::now()));
        }
        due
    }
}

impl Progress for Lines {
    fn update(&self, update: &Update<'_>) {
        if self.due(update) {
            tell!("{}", line(update));
        }
    }

    fn message(&self, text: &str) {
        tell!("{text}");
    }

    fn finish(&self, _: &str) {
        if let Ok(mut last) = self.last.lock() {
            *last = None;
        }
    }
}

/// A bar on standard error.
#[derive(Debug, Default)]
pub struct Bar {
    bar: Mutex<Option<(String, ProgressBar)>>,
}

impl Progress for Bar {
    fn update(&self, update: &Update<'_>) {
        let Ok(mut slot) = self.bar.lock() else {
            return;
        };
        if slot.as_ref().is_none_or(|(phase, _)| phase != update.phase) {
            let bar = ProgressBar::new(update.total);
            let style = ProgressStyle::with_template("{prefix:>11} [{bar:32}] {pos}/{len}  {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
            bar.set_prefix(update.phase.to_string());
            *slot = Some((update.phase.to_string(), bar));
        }
        if let Some((_, bar)) = slot.as_ref() {
            bar.set_length(update.total);
            bar.set_position(update.step);
            bar.set_message(rate_and_time(update));
        }
    }

    fn message(&self, text: &str) {
        match self.bar.lock() {
            Ok(slot) => match slot.as_ref() {
                Some((_, bar)) => bar.suspend(|| tell!("{text}")),
                None => tell!("{text}"),
            },
            Err(_) => tell!("{text}"),
        }
    }

    fn finish(&self, _: &str) {
        if let Ok(mut slot) = self.bar.lock()
            && let Some((_, bar)) = slot.take()
        {
            bar.abandon();
        }
    }
}

/// A bar when standard error is a terminal, otherwise a plain line about every ten seconds.
pub fn progress_for_stderr() -> Box<dyn Progress> {
    use std::io::IsTerminal;
    if std::io::stderr().is_terminal() {
        Box::new(Bar::default())
    } else {
        Box::new(Lines::new(Duration::from_secs(10)))
    }
}

fn line(update: &Update<'_>) -> String {
    format!("{} {}/{}  {}", update.phase, update.step, update.total, rate_and_time(update))
}

fn rate_and_time(update: &Update<'_>) -> String {
    let mut out = String::new();
    if !update.message.is_empty() {
        out.push_str(update.message);
        out.push_str("  ");
    }
    if update.tokens_per_second > 0.0 {
        out.push_str(&format!("{:.0} tokens/s  ", update.tokens_per_second));
    }
    if let Some(left) = update.seconds_left {
        out.push_str(&format!("{} left", duration(left)));
    }
    out.truncate(out.trim_end().len());
    out
}

/// Pace of a phase: tokens per second over the last few seconds and the time left.
#[derive(Debug)]
pub(crate) struct Pace {
    start: Instant,
    first_step: u64,
    window: Vec<(Instant, u64)>,
    tokens: u64,
}

impl Pace {
    /// Starts the clock at `step`.
    pub fn new(step: u64) -> Self {
        let now = Instant::now();
        Self { start: now, first_step: step, window: vec![(now, 0)], tokens: 0 }
    }

    /// Notes `tokens` more; returns tokens per second over about the last ten seconds.
    pub fn add(&mut self, tokens: u64) -> f64 {
        self.tokens += tokens;
        let now = Instant::now();
        self.window.push((now, self.tokens));
        while self.window.len() > 2 && now.duration_since(self.window[1].0) > Duration::from_secs(10) {
            self.window.remove(0);
        }
        let (at, before) = self.window[0];
        (self.tokens - before) as f64 / now.duration_since(at).as_secs_f64().max(1e-3)
    }

    /// Seconds left for the steps from `step` to `total` at the pace so far. The first steps also plan buffers and wait for
    /// data, so three steps and five seconds must have passed.
    pub fn seconds_left(&self, step: u64, total: u64) -> Option<f64> {
        let (done, seconds) = (step.saturating_sub(self.first_step), self.seconds());
        (done >= 3 && seconds >= 5.0).then(|| seconds / done as f64 * total.saturating_sub(step) as f64)
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(phase: &str, step: u64) -> Update<'_> {
        Update { phase, step, total: 10, tokens_per_second: 1234.4, seconds_left: Some(200.0), message: "loss 0.5" }
    }

    #[test]
    fn plain_lines_are_rare_but_first_and_last_are_written() {
        let lines = Lines::new(Duration::from_secs(3600));
        assert!(lines.due(&update("a", 1)));
        assert!(!lines.due(&update("a", 2)));
        assert!(lines.due(&update("a", 10)));
        assert!(lines.due(&update("b", 1)));
        assert_eq!(line(&update("a", 1)), "a 1/10  loss 0.5  1234 tokens/s  3 min 20 s left");
        assert_eq!(line(&Update { seconds_left: None, ..update("a", 1) }), "a 1/10  loss 0.5  1234 tokens/s");
    }

    #[test]
    fn the_time_left_is_told_when_there_is_a_pace() {
        let began = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
        let pace = |seconds| Pace { start: began(seconds), ..Pace::new(10) };
        assert_eq!((pace(60).seconds_left(12, 20), pace(4).seconds_left(16, 20)), (None, None));
        let left = pace(60).seconds_left(16, 20).unwrap();
        assert!((left - 40.0).abs() < 1.0, "{left}");
    }
}
