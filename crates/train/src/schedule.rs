//! Learning rate as a function of the step.

use serde::{Deserialize, Serialize};

/// Shape of the learning rate after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleKind {
    /// Half a cosine from the peak to the final ratio.
    Cosine,
    /// Warm-up, stable, linear decay to the final ratio over the last part (Hu et al. 2024, MiniCPM).
    Wsd,
    /// A straight line from the peak to the final ratio; with 0 that of `get_linear_schedule_with_warmup` of transformers.
    Linear,
    /// The peak throughout.
    Constant,
}

/// A learning-rate schedule over a known number of steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Shape.
    pub kind: ScheduleKind,
    /// Peak learning rate.
    pub peak: f32,
    /// Steps of linear warm-up from peak/warmup to the peak.
    pub warmup: u64,
    /// All steps, warm-up included.
    pub total: u64,
    /// Final learning rate divided by the peak.
    pub final_ratio: f32,
    /// Share of `total` in the decay part of [`ScheduleKind::Wsd`].
    pub decay_share: f32,
}

impl Schedule {
    /// Learning rate of step `step`, counted from 0.
    pub fn rate(&self, step: u64) -> f32 {
        if step < self.warmup {
            return self.peak * (step + 1) as f32 / self.warmup as f32;
        }
        let after = self.total.saturating_sub(self.warmup).max(1) as f64;
        let done = ((step - self.warmup) as f64 / after).min(1.0);
        let floor = f64::from(self.final_ratio);
        let ratio = match self.kind {
            ScheduleKind::Constant => 1.0,
            ScheduleKind::Cosine => floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos()),
            ScheduleKind::Linear => floor + (1.0 - floor) * (1.0 - done),
            ScheduleKind::Wsd => {
                let decay = f64::from(self.decay_share).clamp(0.0, 1.0) * self.total as f64 / after;
                let into = if decay > 0.0 { ((done - (1.0 - decay)) / decay).clamp(0.0, 1.0) } else { 0.0 };
                1.0 - (1.0 - floor) * into
            }
        };
        (f64::from(self.peak) * ratio) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(kind: ScheduleKind) -> Schedule {
        Schedule { kind, peak: 1.0, warmup: 10, total: 110, final_ratio: 0.1, decay_share: 0.2 }
    }

    #[test]
    fn warm_up_is_linear_and_reaches_the_peak() {
        for kind in [ScheduleKind::Cosine, ScheduleKind::Wsd, ScheduleKind::Linear, ScheduleKind::Constant] {
            let s = schedule(kind);
            assert!((s.rate(0) - 0.1).abs() < 1e-6);
            assert!((s.rate(9) - 1.0).abs() < 1e-6);
            assert!((s.rate(10) - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn shapes_end_where_they_should() {
        assert!((schedule(ScheduleKind::Cosine).rate(60) - 0.55).abs() < 1e-3);
        assert!((schedule(ScheduleKind::Cosine).rate(110) - 0.1).abs() < 1e-6);
        let wsd = schedule(ScheduleKind::Wsd);
        assert_eq!(wsd.rate(80), 1.0);
        assert!((wsd.rate(99) - 0.55).abs() < 0.02);
        assert!((wsd.rate(110) - 0.1).abs() < 1e-6);
        assert_eq!(schedule(ScheduleKind::Constant).rate(1000), 1.0);
        assert!((schedule(ScheduleKind::Linear).rate(60) - 0.55).abs() < 1e-6);
        assert!((schedule(ScheduleKind::Linear).rate(110) - 0.1).abs() < 1e-6);
    }

    /// Values of `get_linear_schedule_with_warmup(optimizer, 10, 110)` of transformers 5.23.0 at a rate of 1. Its warm-up
    /// begins at 0 and is therefore one step behind.
    #[test]
    fn linear_is_that_of_transformers() {
        let linear = Schedule { final_ratio: 0.0, ..schedule(ScheduleKind::Linear) };
        let warmup = [(1, 0.1), (5, 0.5), (9, 0.9)];
        let after =
            [(10, 1.0), (11, 0.99), (35, 0.75), (60, 0.5), (85, 0.25), (100, 0.1), (109, 0.01), (110, 0.0), (111, 0.0)];
        for (step, expected) in warmup.map(|(step, rate)| (step - 1, rate)).into_iter().chain(after) {
            assert!((linear.rate(step) - expected).abs() < 1e-7, "{step}: {}", linear.rate(step));
        }
    }
}
