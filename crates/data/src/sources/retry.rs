//! When to ask again.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// How often and how soon a request is repeated.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// Repetitions in a row without new bytes after which a file is given up.
    pub retries: u32,
    /// Pause before the first repetition; each further one doubles it.
    pub first_pause: Duration,
    /// Longest pause.
    pub longest_pause: Duration,
    /// Longest pause that a server may ask for.
    pub longest_requested: Duration,
}

impl Default for RetryPolicy {
    fn default() -> RetryPolicy {
        RetryPolicy {
            retries: 4,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
            longest_requested: Duration::from_secs(120),
        }
    }
}

impl RetryPolicy {
    /// Pause before repetition `number` (from 1): a random part, at least half, of the doubled pauses, so that many
    /// clients of one server that failed do not come back together.
    pub(super) fn pause(&self, number: u32) -> Duration {
        let doubled = self.first_pause.saturating_mul(1 << number.saturating_sub(1).min(20));
        let most = doubled.min(self.longest_pause);
        // The standard library's only source of random bits.
        let random = RandomState::new().hash_one(number) as f64 / u64::MAX as f64;
        most.mul_f64(0.5 + 0.5 * random)
    }
}

/// The pause that a `Retry-After` header asks for: seconds, or a date.
pub(super) fn retry_after(header: &str, now: SystemTime) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(header).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// Waits, and tells whether it was not cut short by `stop`.
pub(super) fn wait(pause: Duration, stop: &AtomicBool) -> bool {
    let end = Instant::now() + pause;
    loop {
        if stop.load(Ordering::SeqCst) {
            return false;
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let policy = RetryPolicy::default();
        for (number, most) in [(1, 1.0), (2, 2.0), (3, 4.0), (5, 16.0), (6, 30.0), (7, 30.0), (u32::MAX, 30.0)] {
            for _ in 0..20 {
                let pause = policy.pause(number).as_secs_f64();
                assert!(pause >= most / 2.0 && pause <= most, "{number}: {pause}");
            }
        }
        let pauses: Vec<Duration> = (0..20).map(|_| policy.pause(1)).collect();
        assert!(pauses.iter().any(|pause| *pause != pauses[0]), "no jitter");
    }

    #[test]
    fn a_server_may_ask_for_a_pause() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(retry_after(" 7 ", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:47 GMT", now), Some(Duration::from_secs(10)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:27 GMT", now), Some(Duration::ZERO));
        for bad in ["", "soon", "-1", "1.5"] {
            assert_eq!(retry_after(bad, now), None, "{bad}");
        }
    }

    #[test]
    fn a_pause_is_cut_short() {
        assert!(wait(Duration::from_millis(1), &AtomicBool::new(false)));
        assert!(!wait(Duration::from_secs(60), &AtomicBool::new(true)));
    }
}
