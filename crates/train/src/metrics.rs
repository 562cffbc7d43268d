//! `metrics.jsonl`: one JSON object a line, never a line twice.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::TrainError;
use crate::folder::write_atomic;
use crate::phase::PhaseKind;

/// The metrics file of a run.
#[derive(Debug)]
pub(crate) struct Metrics {
    path: PathBuf,
}

impl Metrics {
    /// The metrics file of `run`.
    pub fn new(run: &Path) -> Self {
        Self { path: run.join("metrics.jsonl") }
    }

    /// Appends one line `{"phase": …, "step": …, …}` in a single write.
    pub fn write(&self, phase: &str, step: u64, values: Map<String, Value>) -> Result<(), TrainError> {
        let mut line = Map::new();
        line.insert("phase".into(), phase.into());
        line.insert("step".into(), step.into());
        line.extend(values);
        let mut text = Value::Object(line).to_string();
        text.push('\n');
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)
            .map_err(TrainError::io("open", &self.path))?;
        file.write_all(text.as_bytes()).map_err(TrainError::io("write", &self.path))
    }

    /// Cuts the file back to what was known at `step` of `phase`: later lines of that phase and all lines of later
    /// phases go, as does a line that a kill cut short. Lines of other phase names (tokenizer) stay.
    pub fn truncate(&self, phase: PhaseKind, step: u64) -> Result<(), TrainError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(TrainError::io("read", &self.path)(error)),
        };
        let keep = |line: &str| {
            let Ok(value) = serde_json::from_str::<Value>(line) else {
                return false;
            };
            let at = value.get("step").and_then(Value::as_u64).unwrap_or(0);
            match value.get("phase").and_then(Value::as_str).and_then(PhaseKind::from_name) {
                Some(known) => known < phase || (known == phase && at <= step),
                None => true,
            }
        };
        let kept: String = text.lines().filter(|line| keep(line)).flat_map(|line| [line, "\n"]).collect();
        if kept == text { Ok(()) } else { write_atomic(&self.path, kept.as_bytes()) }
    }
}

/// A JSON number of an `f64`, `null` when it is not finite.
pub(crate) fn number(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// [`number`] rounded to six significant digits, so that log lines stay short.
pub(crate) fn rounded(value: f64) -> Value {
    format!("{value:.5e}").parse().map_or(Value::Null, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncation_keeps_what_the_checkpoint_knew() {
        let dir = tempfile::tempdir().unwrap();
        let metrics = Metrics::new(dir.path());
        metrics.truncate(PhaseKind::Distill, 5).unwrap();
        metrics.write("tokenizer", 0, Map::new()).unwrap();
        for (phase, steps) in [("foundation", 3), ("distill", 8), ("grpo", 2)] {
            for step in 1..=steps {
                metrics.write(phase, step, Map::from_iter([("loss".to_string(), rounded(0.1234567))])).unwrap();
            }
        }
        let mut text = fs::read_to_string(dir.path().join("metrics.jsonl")).unwrap();
        text.push_str("{\"phase\":\"distill\",\"st");
        fs::write(dir.path().join("metrics.jsonl"), &text).unwrap();
        metrics.truncate(PhaseKind::Distill, 5).unwrap();
        let kept = fs::read_to_string(dir.path().join("metrics.jsonl")).unwrap();
        assert_eq!(kept.lines().count(), 1 + 3 + 5);
        assert!(
            kept.lines().last().unwrap().starts_with("{\"phase\":\"distill\",\"step\":5,\"loss\":0.123457"),
            "{kept}"
        );
    }
}
