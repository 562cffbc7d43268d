//! Sampling and scoring of one iteration.

use std::collections::BTreeMap;

use chemr_engine::{EngineError, Generator, InferenceModel, Sampling, StopReason, Tokenizer};
use chemr_tasks::{Example, Mode};
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::advantage::advantages;
use crate::error::TrainError;
use crate::metrics::rounded;
use crate::phase::PhaseKind;
use crate::recipe::{GrpoSection, Recipe};
use crate::rows::prompt_tokens;
use crate::seed::{Use, mix};
use crate::source::Source;

/// One prompt of an iteration.
pub(crate) struct Question {
    pub task: usize,
    pub example: Example,
    pub prompt: Vec<u32>,
}

/// One sampled completion.
pub(crate) struct Rollout {
    /// Number of the question; all completions of a question are one group.
    pub question: usize,
    /// Completion tokens, with the end token last unless cut.
    pub tokens: Vec<u32>,
    /// Log-probability of each token when it was sampled.
    pub logps: Vec<f32>,
    pub truncated: bool,
    pub text: String,
    pub reward: f64,
    pub correct: bool,
    pub format: bool,
    pub reason: String,
    /// Claims of the trace: checked, and true among them (only when the reward asks for claims).
    pub claims: (usize, usize),
    /// Group-normalised advantage; `None` in a group whose rewards are all equal.
    pub advantage: Option<f64>,
}

/// Everything sampled in one iteration.
pub(crate) struct Iteration {
    pub questions: Vec<Question>,
    /// In order of question, then sample.
    pub rollouts: Vec<Rollout>,
    /// Prompts that were passed over because they leave no room for a completion.
    pub over_long: usize,
}

/// A prompt that leaves the model no room for a completion is replaced by the next of this many substitutes.
const SUBSTITUTES: u64 = 16;

/// The questions of iteration `step` (counted from 0), the same number for every task, and how many prompts of at least
/// `positions` tokens were passed over for them. A function of the step alone, so that a resumed run asks the same.
pub(crate) fn questions(
    source: &Source,
    tokenizer: &Tokenizer,
    section: &GrpoSection,
    step: u64,
    positions: usize,
) -> Result<(Vec<Question>, usize), TrainError> {
    let per_task = section.prompts_per_task as u64;
    let places: Vec<(usize, u64)> =
        (0..source.tasks().len()).flat_map(|task| (0..per_task).map(move |j| (task, step * per_task + j))).collect();
    let found: Vec<(Question, usize)> = places
        .into_par_iter()
        .map(|(task, position)| {
            // Substitutes lie far beyond the positions that any run asks for.
            let substitutes = (0..SUBSTITUTES).map(|k| (1 << 32) + position * SUBSTITUTES + k);
            for (passed_over, position) in std::iter::once(position).chain(substitutes).enumerate() {
                let example = source.example(PhaseKind::Grpo, task, position)?;
                let prompt = prompt_tokens(tokenizer, &source.question(task, &example))?;
                if prompt.len() < positions {
                    return Ok((Question { task, example, prompt }, passed_over));
                }
            }
            Err(TrainError::Data {
                context: format!("grpo: {}", source.tasks()[task].id()),
                message: format!(
                    "{} prompts in a row have {positions} tokens or more: no room to answer",
                    SUBSTITUTES + 1
                ),
            })
        })
        .collect::<Result<_, _>>()?;
    let over_long = found.iter().map(|(_, passed_over)| passed_over).sum();
    Ok((found.into_iter().map(|(question, _)| question).collect(), over_long))
}

/// Why there is nothing to train on.
pub(crate) enum SampleError {
    /// The model gave no distribution to sample from for these questions.
    NotFinite(Vec<Question>),
    Other(TrainError),
}

impl From<TrainError> for SampleError {
    fn from(error: TrainError) -> Self {
        Self::Other(error)
    }
}

/// Samples `group_size` completions for each question and scores them.
pub(crate) fn sample(
    recipe: &Recipe,
    source: &Source,
    model: &InferenceModel<'_>,
    tokenizer: &Tokenizer,
    step: u64,
) -> Result<Iteration, SampleError> {
    let section = &recipe.grpo;
    let (questions, over_long) = questions(source, tokenizer, section, step, model.config().max_position_embeddings)?;
    // A completion also ends where the model's positions do; that is for the generator to see to, row by row.
    let sampling = Sampling::sampled(1.0, section.max_new_tokens, tokenizer.eos().into_iter().collect());
    let mut prompts = Vec::with_capacity(questions.len() * section.group_size);
    let mut seeds = Vec::with_capacity(prompts.capacity());
    for (number, question) in questions.iter().enumerate() {
        for sample in 0..section.group_size {
            prompts.push(question.prompt.clone());
            seeds.push(mix(&[recipe.run.seed, Use::Sampling as u64, step, number as u64, sample as u64]));
        }
    }
    let generated = match Generator::packed(model).generate(&prompts, &sampling, &seeds) {
        Ok(generated) => generated,
        Err(EngineError::NotFinite { .. }) => return Err(SampleError::NotFinite(questions)),
        Err(error) => return Err(TrainError::engine(format!("sampling in grpo iteration {}", step + 1))(error).into()),
    };
    let mut rollouts: Vec<Rollout> = generated
        .into_par_iter()
        .enumerate()
        .map(|(index, out)| {
            let question = index / section.group_size;
            let truncated = !matches!(out.stop, StopReason::StopToken(_));
            let text = tokenizer.decode(&out.tokens);
            let mut rollout = Rollout {
                question,
                tokens: out.tokens,
                logps: out.logps,
                truncated,
                text,
                reward: 0.0,
                correct: false,
                format: false,
                reason: String::new(),
                claims: (0, 0),
                advantage: None,
            };
            score(section, source, &questions[question], &mut rollout);
            rollout
        })
        .collect();
    for group in rollouts.chunks_mut(section.group_size) {
        let rewards: Vec<f64> = group.iter().map(|rollout| rollout.reward).collect();
        if let Some(values) = advantages(&rewards, section.normalise_std, f64::from(section.advantage_epsilon)) {
            for (rollout, advantage) in group.iter_mut().zip(values) {
                rollout.advantage = Some(advantage);
            }
        }
    }
    Ok(Iteration { questions, rollouts, over_long })
}

/// Reward = format + accuracy (strict grammar), plus the share of true claims where the recipe asks for it. Claims are
/// counted in any text, but paid for only where the format is met: a trace without end or answer earns nothing by them.
fn score(section: &GrpoSection, source: &Source, question: &Question, rollout: &mut Rollout) {
    let verdict = source.tasks()[question.task].verify(&question.example, &rollout.text, Mode::Strict);
    // A completion that was cut has no end: the strict grammar cannot be met, whatever the text so far says.
    rollout.format = verdict.format && !rollout.truncated;
    rollout.correct = verdict.correct && rollout.format;
    rollout.reason = if rollout.truncated { "truncated".into() } else { verdict.reason.to_string() };
    rollout.reward = f64::from(section.format_weight) * f64::from(u8::from(rollout.format))
        + f64::from(section.accuracy_weight) * f64::from(u8::from(rollout.correct));
    if section.claims_weight > 0.0 {
        let claims = chemr_protocol::check_claims(&question.example, &rollout.text);
        let right = claims.iter().filter(|claim| claim.truth == chemr_protocol::Truth::True).count();
        let wrong = claims.iter().filter(|claim| claim.truth == chemr_protocol::Truth::False).count();
        rollout.claims = (right + wrong, right);
        if right + wrong > 0 && rollout.format {
            rollout.reward += f64::from(section.claims_weight) * right as f64 / (right + wrong) as f64;
        }
    }
}

/// Means over completions, for one task or for all.
#[derive(Debug, Default, Clone)]
struct Means {
    count: usize,
    reward: f64,
    correct: usize,
    format: usize,
    truncated: usize,
    tokens: usize,
    surprise: f64,
    groups: usize,
    zero_variance: usize,
    claims: (usize, usize),
}

impl Means {
    fn add(&mut self, rollout: &Rollout) {
        self.count += 1;
        self.reward += rollout.reward;
        self.correct += usize::from(rollout.correct);
        self.format += usize::from(rollout.format);
        self.truncated += usize::from(rollout.truncated);
        self.tokens += rollout.tokens.len();
        self.surprise -= rollout.logps.iter().map(|logp| f64::from(*logp)).sum::<f64>();
        self.claims.0 += rollout.claims.0;
        self.claims.1 += rollout.claims.1;
    }

    fn line(&self) -> Map<String, Value> {
        let n = self.count.max(1) as f64;
        let mut line = Map::new();
        line.insert("reward".into(), rounded(self.reward / n));
        line.insert("accuracy".into(), rounded(self.correct as f64 / n));
        line.insert("format".into(), rounded(self.format as f64 / n));
        line.insert("length".into(), rounded(self.tokens as f64 / n));
        // Mean surprise of the sampled tokens: at temperature 1 an unbiased estimate of the entropy.
        line.insert("entropy".into(), rounded(self.surprise / self.tokens.max(1) as f64));
        line.insert("truncated".into(), rounded(self.truncated as f64 / n));
        line.insert("groups".into(), self.groups.into());
        line.insert("zero_variance_groups".into(), self.zero_variance.into());
        if self.claims.0 > 0 {
            line.insert("true_claims".into(), rounded(self.claims.1 as f64 / self.claims.0 as f64));
        }
        line
    }
}

impl Iteration {
    /// All tokens, prompts and completions.
    pub fn tokens(&self) -> u64 {
        self.rollouts
            .iter()
            .map(|rollout| self.questions[rollout.question].prompt.len() + rollout.tokens.len())
            .sum::<usize>() as u64
    }

    /// Mean reward.
    pub fn reward(&self) -> f64 {
        self.rollouts.iter().map(|rollout| rollout.reward).sum::<f64>() / self.rollouts.len().max(1) as f64
    }

    /// Share of right completions.
    pub fn accuracy(&self) -> f64 {
        self.rollouts.iter().filter(|rollout| rollout.correct).count() as f64 / self.rollouts.len().max(1) as f64
    }

    /// The metrics line: means over all, and for each task.
    pub fn line(&self, source: &Source, group_size: usize) -> Map<String, Value> {
        let mut all = Means::default();
        let mut by_task: BTreeMap<usize, Means> = BTreeMap::new();
        for (index, rollout) in self.rollouts.iter().enumerate() {
            for means in [&mut all, by_task.entry(self.questions[rollout.question].task).or_default()] {
                means.add(rollout);
                if index % group_size == 0 {
                    means.groups += 1;
                    means.zero_variance += usize::from(rollout.advantage.is_none());
                }
            }
        }
        let mut line = all.line();
        let ids = source.task_ids();
        let tasks: Map<String, Value> =
            by_task.into_iter().map(|(task, means)| (ids[task].to_string(), means.line().into())).collect();
        line.insert("tasks".into(), tasks.into());
        if self.over_long > 0 {
            line.insert("over_long_prompts".into(), self.over_long.into());
        }
        line
    }

    /// The first completions of each question, one JSON object a line.
    pub fn samples(&self, source: &Source, group_size: usize) -> String {
        let ids = source.task_ids();
        let mut out = String::new();
        for (index, rollout) in self.rollouts.iter().enumerate() {
            if index % group_size >= 2 {
                continue;
            }
            let question = &self.questions[rollout.question];
            let line = json!({
                "task": ids[question.task], "example": question.example.id, "input": question.example.input,
                "reference": question.example.reference, "completion": rollout.text, "reward": rollout.reward,
                "reason": rollout.reason, "tokens": rollout.tokens.len(), "advantage": rollout.advantage,
            });
            out.push_str(&line.to_string());
            out.push('\n');
        }
        out
    }
}
