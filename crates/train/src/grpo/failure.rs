//! The dump of an iteration whose numbers are not finite.

use chemr_engine::Tokenizer;
use serde_json::{Map, Value, json};

use super::rollout::{Iteration, Question};
use super::{Refused, pack};
use crate::error::TrainError;
use crate::failure::{Failure, floats, sequences};
use crate::learner::Learner;
use crate::run::PhaseRun;

/// A step on completions: prompt and completion, what they were sampled with, and what they earned.
pub(super) fn training(
    run: &PhaseRun<'_>,
    learner: &Learner,
    tokenizer: &Tokenizer,
    iteration: &Iteration,
    refused: Refused<'_>,
    learning_rate: f32,
) -> Result<Failure, TrainError> {
    let (batch, old, _) = pack(&refused.rollouts, iteration).map_err(TrainError::engine("packing a completion"))?;
    let sequences = sequences(&batch, tokenizer, |sequence, positions| {
        let rollout = refused.rollouts[sequence];
        let mut line = asked(run, &iteration.questions[rollout.question]);
        line.insert("completion".into(), rollout.text.as_str().into());
        line.insert("reward".into(), json!(rollout.reward));
        line.insert("advantage".into(), json!(rollout.advantage));
        line.insert("sampled_logp".into(), floats(&old[positions]));
        line
    });
    let (what, loss) = (refused.what, Some(refused.loss));
    Ok(Failure { what, learning_rate, loss, tensors: learner.not_finite(), sequences })
}

/// The prompts that could not be sampled from.
pub(super) fn sampling(
    run: &PhaseRun<'_>,
    learner: &Learner,
    tokenizer: &Tokenizer,
    questions: &[Question],
    learning_rate: f32,
) -> Failure {
    let prompt = |question: &Question| {
        let mut line = asked(run, question);
        line.insert("text".into(), tokenizer.decode_all(&question.prompt).into());
        line.insert("tokens".into(), question.prompt.as_slice().into());
        Value::Object(line)
    };
    Failure {
        what: "the distribution that completions are sampled from",
        learning_rate,
        loss: None,
        tensors: learner.not_finite(),
        sequences: questions.iter().map(prompt).collect(),
    }
}

fn asked(run: &PhaseRun<'_>, question: &Question) -> Map<String, Value> {
    let task = run.source.tasks()[question.task].id();
    Map::from_iter([("task".into(), task.into()), ("example".into(), question.example.id.to_string().into())])
}
