//! What a run leaves behind when its numbers stop being finite: enough to repeat the step.

use std::ops::Range;

use chemr_engine::{PackedBatch, Tokenizer};
use serde_json::{Map, Value, json};

use crate::checkpoint::{PhaseState, complete_steps};
use crate::error::TrainError;
use crate::folder::{step_name, write_json};
use crate::learner::NotFinite;
use crate::metrics::number;
use crate::run::PhaseRun;

/// A step that cannot be taken.
pub(crate) struct Failure {
    /// Which number is not finite.
    pub what: &'static str,
    pub learning_rate: f32,
    /// Summed loss of the step, where it was computed.
    pub loss: Option<f64>,
    /// Tensors that are not finite.
    pub tensors: NotFinite,
    /// The batch: see [`sequences`].
    pub sequences: Vec<Value>,
}

impl PhaseRun<'_> {
    /// Writes `failures/PHASE-step-000123/batch.json` about the step after `state`, and makes the error that names it. A
    /// resumed run fails at the same step and writes the same.
    pub fn not_finite(&self, state: &PhaseState, failure: Failure) -> TrainError {
        let (phase, step) = (state.phase, state.step + 1);
        let dump = self.folder.join("failures").join(format!("{phase}-{}", step_name(step))).join("batch.json");
        let newest = complete_steps(&self.folder.phase_dir(phase)).last().map(|step| {
            let dir = self.folder.checkpoint_dir(phase, *step);
            dir.strip_prefix(self.folder.path()).unwrap_or(&dir).display().to_string()
        });
        let content = json!({
            "phase": phase.name(),
            "step": step,
            "what": failure.what,
            "loss": failure.loss.map(number),
            "learning_rate": number(f64::from(failure.learning_rate)),
            "seed": self.recipe.run.seed,
            // Of this phase: null where it has saved none, and began with the phase before or `model.from`.
            "last_checkpoint": newest,
            "not_finite": failure.tensors,
            "sequences": failure.sequences,
        });
        // The dump is a help, not the message: when it cannot be written the error still names the step.
        if let Err(error) = write_json(&dump, &content) {
            self.progress.message(&format!("the batch could not be written: {error}"));
        }
        let slower = format!("a new run with a lower {phase}.learning_rate may get past it");
        let remedy = match failure.tensors.weights.first() {
            Some(name) if state.step == 0 => format!(
                "{name} held such values before this phase: start from another model, or train the phase before with a \
                 lower learning rate"
            ),
            Some(name) => format!("{name} holds such values already; {slower}"),
            None => slower,
        };
        TrainError::NotFinite { phase: phase.name().into(), step, what: failure.what.into(), remedy, dump }
    }
}

/// The sequences of a batch: text, token ids, targets and weights of each position, and what `more` knows of the sequence by its
/// number and positions.
pub(crate) fn sequences(
    batch: &PackedBatch,
    tokenizer: &Tokenizer,
    more: impl Fn(usize, Range<usize>) -> Map<String, Value>,
) -> Vec<Value> {
    let one = |sequence: usize| {
        let range = batch.range(sequence);
        let last = range.end.checked_sub(1).map(|last| batch.targets[last]);
        let whole: Vec<u32> = batch.tokens[range.clone()].iter().copied().chain(last).collect();
        let mut line = more(sequence, range.clone());
        line.insert("text".into(), tokenizer.decode_all(&whole).into());
        line.insert("tokens".into(), batch.tokens[range.clone()].into());
        line.insert("targets".into(), batch.targets[range.clone()].into());
        line.insert("weights".into(), floats(&batch.weights[range]));
        Value::Object(line)
    };
    (0..batch.sequences()).map(one).collect()
}

/// A list of numbers, `null` where one is not finite.
pub(crate) fn floats(values: &[f32]) -> Value {
    values.iter().map(|value| number(f64::from(*value))).collect()
}
