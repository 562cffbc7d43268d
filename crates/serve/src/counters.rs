//! What the server counts, in the text format of Prometheus (version 0.0.4).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chemr_tasks::Verdict;

#[derive(Default)]
struct Counts {
    requests: BTreeMap<(&'static str, u16), u64>,
    verdicts: BTreeMap<(&'static str, &'static str), u64>,
    seconds: f64,
    batches: u64,
}

#[derive(Default)]
pub(crate) struct Counters(Mutex<Counts>);

impl Counters {
    fn change(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub fn request(&self, route: &'static str, status: u16) {
        self.change(|counts| *counts.requests.entry((route, status)).or_default() += 1);
    }

    /// A batch that took so long, with the tasks of its rows.
    pub fn batch<'a>(&self, took: Duration, rows: impl Iterator<Item = (&'static str, &'a Verdict)>) {
        self.change(|counts| {
            counts.batches += 1;
            counts.seconds += took.as_secs_f64();
            for (task, verdict) in rows {
                *counts.verdicts.entry((task, verdict.reason.as_str())).or_default() += 1;
            }
        });
    }

    pub fn render(&self) -> String {
        let mut text = String::new();
        self.change(|counts| {
            text.push_str(
                "# HELP chemr_requests_total Requests by route and status.\n# TYPE chemr_requests_total counter\n",
            );
            for ((route, status), count) in &counts.requests {
                let _ = writeln!(text, "chemr_requests_total{{route=\"{route}\",status=\"{status}\"}} {count}");
            }
            text.push_str(
                "# HELP chemr_verdicts_total Verdicts by task and reason.\n# TYPE chemr_verdicts_total counter\n",
            );
            for ((task, reason), count) in &counts.verdicts {
                let _ = writeln!(text, "chemr_verdicts_total{{task=\"{task}\",reason=\"{reason}\"}} {count}");
            }
            text.push_str("# HELP chemr_batch_seconds Time to score batches.\n# TYPE chemr_batch_seconds summary\n");
            let _ = writeln!(
                text,
                "chemr_batch_seconds_sum {}\nchemr_batch_seconds_count {}",
                counts.seconds, counts.batches
            );
        });
        text
    }
}
