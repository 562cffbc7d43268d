//! Greedy evaluation of a model on rows of tasks.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use chemr_engine::{ChatMessage, Event, Generated, Generator, InferenceModel, Sampling, StopReason, Tokenizer};
use chemr_protocol::{Claim, ClaimTally, check_claims};
use chemr_tasks::shots::Questions;
use chemr_tasks::{Example, Mode, Prompts, Task, Verdict};
use rayon::prelude::*;

use crate::baseline::baseline_accuracy;
use crate::error::EvalError;
use crate::records::{ClaimRecord, PhaseScores, Sample, TaskDetail, TaskScore};
use crate::statistics::wilson;

/// The rows that a task is evaluated on.
pub struct TaskRows {
    pub task: &'static Task,
    /// Held-out rows.
    pub examples: Vec<Example>,
    /// References of training rows, for the baseline; some thousands are enough.
    pub training_references: Vec<String>,
}

/// How to evaluate.
#[derive(Clone, Debug, PartialEq)]
pub struct EvalOptions {
    /// Longest completion, in tokens.
    pub max_new_tokens: usize,
    /// Rows of each task kept as samples for reading: the first ones.
    pub samples_per_task: usize,
    /// Sequences generated at the same time.
    pub batch_width: usize,
    /// Seed of the random baseline. Decoding is greedy and needs none.
    pub seed: u64,
}

impl Default for EvalOptions {
    fn default() -> EvalOptions {
        EvalOptions { max_new_tokens: 384, samples_per_task: 10, batch_width: 64, seed: 0 }
    }
}

/// How far an evaluation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvalProgress {
    /// Completions written.
    pub done: usize,
    /// Completions wanted.
    pub total: usize,
}

/// A completion of one row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answered {
    pub text: String,
    /// Generated tokens.
    pub tokens: usize,
    /// The token limit ended it.
    pub truncated: bool,
    /// The question did not fit into the model, so nothing was generated.
    pub unasked: bool,
}

/// What the task and the claim checker say about a completion.
struct Judged {
    verdict: Verdict,
    claims: Vec<Claim>,
}

/// Lets the model answer every row greedily and scores the completions.
///
/// `progress` is called as completions finish; [`ControlFlow::Break`] ends the evaluation with [`EvalError::Stopped`].
///
/// # Errors
/// A task without rows, a question that cannot be encoded, a failure of the engine.
pub fn evaluate(
    model: &InferenceModel<'_>,
    tokenizer: &Tokenizer,
    tasks: &[TaskRows],
    questions: &Questions<'_>,
    options: &EvalOptions,
    progress: &mut dyn FnMut(&EvalProgress) -> ControlFlow<()>,
) -> Result<PhaseScores, EvalError> {
    if let Some(empty) = tasks.iter().find(|rows| rows.examples.is_empty()) {
        return Err(EvalError::NoRows { task: empty.task.id().to_string() });
    }
    let answers = answer_all(model, tokenizer, tasks, questions, options, progress)?;
    Ok(score(tasks, answers, questions.prompts(), options))
}

/// Scores completions that were written elsewhere: one for each row of each task, in order. A missing one counts as empty. `prompts` are those that
/// asked for them.
pub fn score(tasks: &[TaskRows], completions: Vec<Answered>, prompts: &Prompts, options: &EvalOptions) -> PhaseScores {
    let mut completions = completions.into_iter();
    let mut scores = PhaseScores { tasks: Vec::new(), samples: Vec::new() };
    for rows in tasks.iter().filter(|rows| !rows.examples.is_empty()) {
        let answered: Vec<Answered> = rows.examples.iter().map(|_| completions.next().unwrap_or_default()).collect();
        let judged: Vec<Judged> = rows
            .examples
            .par_iter()
            .zip(&answered)
            .map(|(example, answer)| Judged {
                verdict: rows.task.verify(example, &answer.text, Mode::Loose),
                claims: check_claims(example, &answer.text),
            })
            .collect();
        scores.tasks.push(detail(rows, &answered, &judged, options.seed));
        let kept = rows.examples.iter().zip(&answered).zip(&judged).take(options.samples_per_task);
        scores
            .samples
            .extend(kept.map(|((example, answer), judged)| sample(rows.task, prompts, example, answer, judged)));
    }
    scores
}

/// Completions of all rows of all tasks, in order. All are generated together so that no batch runs half empty.
fn answer_all(
    model: &InferenceModel<'_>,
    tokenizer: &Tokenizer,
    tasks: &[TaskRows],
    questions: &Questions<'_>,
    options: &EvalOptions,
    progress: &mut dyn FnMut(&EvalProgress) -> ControlFlow<()>,
) -> Result<Vec<Answered>, EvalError> {
    let total = tasks.iter().map(|rows| rows.examples.len()).sum();
    let mut prompts = Vec::new();
    let mut places = Vec::new();
    let mut answers: Vec<Answered> = Vec::with_capacity(total);
    // Examples for a question are looked for among all rows of a file, so the questions are written on all cores.
    let asked: Vec<(&Task, &Example)> =
        tasks.iter().flat_map(|rows| rows.examples.iter().map(|example| (rows.task, example))).collect();
    let asked: Vec<Result<Vec<u32>, EvalError>> =
        asked.into_par_iter().map(|(task, example)| encode(task, example, questions, tokenizer)).collect();
    for tokens in asked {
        let tokens = tokens?;
        let fits = tokens.len() < model.config().max_position_embeddings;
        if fits {
            places.push(answers.len());
            prompts.push(tokens);
        }
        answers.push(Answered { text: String::new(), tokens: 0, truncated: false, unasked: !fits });
    }
    let stop = tokenizer.eos().into_iter().collect();
    let sampling = Sampling::greedy(options.max_new_tokens, stop);
    let seeds = vec![0; prompts.len()];
    let mut done = total - prompts.len();
    let mut stopped = progress(&EvalProgress { done, total }).is_break();
    if !stopped && !prompts.is_empty() {
        let mut generator = Generator::packed(model).with_batch_width(options.batch_width.max(1));
        let generated = generator.generate_observed(&prompts, &sampling, &seeds, |event| {
            if !matches!(event, Event::Finished { .. }) {
                return ControlFlow::Continue(());
            }
            done += 1;
            let flow = progress(&EvalProgress { done, total });
            stopped |= flow.is_break();
            flow
        })?;
        for (place, one) in places.into_iter().zip(&generated) {
            answers[place] = completed(one, tokenizer);
        }
    }
    if stopped { Err(EvalError::Stopped) } else { Ok(answers) }
}

fn encode(
    task: &Task,
    example: &Example,
    questions: &Questions<'_>,
    tokenizer: &Tokenizer,
) -> Result<Vec<u32>, EvalError> {
    let prompt = questions.ask(task, example);
    tokenizer
        .encode_prompt(&[ChatMessage::system(prompt.system), ChatMessage::user(prompt.user)])
        .map_err(|source| EvalError::Prompt { task: task.id().to_string(), id: example.id.clone(), source })
}

fn completed(generated: &Generated, tokenizer: &Tokenizer) -> Answered {
    let truncated = matches!(generated.stop, StopReason::MaxNewTokens | StopReason::MaxPositions);
    Answered { text: tokenizer.decode(&generated.tokens), tokens: generated.tokens.len(), truncated, unasked: false }
}

fn detail(rows: &TaskRows, answered: &[Answered], judged: &[Judged], seed: u64) -> TaskDetail {
    let n = judged.len();
    let count = |test: &dyn Fn(&Verdict) -> bool| judged.iter().filter(|one| test(&one.verdict)).count();
    let share = |part: usize| part as f64 / n as f64;
    let right = count(&|verdict| verdict.correct);
    let (low, high) = wilson(right, n);
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut parts: BTreeMap<String, f64> = BTreeMap::new();
    let mut claims = ClaimTally::default();
    for one in judged {
        *reasons.entry(one.verdict.reason.to_string()).or_default() += 1;
        for (name, value) in &one.verdict.parts {
            *parts.entry((*name).to_string()).or_default() += value / n as f64;
        }
        for claim in &one.claims {
            claims.add(claim.truth);
        }
    }
    TaskDetail {
        task: rows.task.id().to_string(),
        score: TaskScore {
            accuracy: share(right),
            low,
            high,
            n,
            baseline: baseline_accuracy(rows.task, &rows.examples, &rows.training_references, seed),
            valid: share(count(&|verdict| verdict.valid)),
            format: share(count(&|verdict| verdict.format)),
        },
        baseline_kind: rows.task.baseline().title().to_string(),
        reasons,
        parts,
        claims,
        mean_tokens: answered.iter().map(|answer| answer.tokens).sum::<usize>() as f64 / n as f64,
        truncated: answered.iter().filter(|answer| answer.truncated).count(),
        unasked: answered.iter().filter(|answer| answer.unasked).count(),
        outcomes: judged.iter().map(|one| if one.verdict.correct { '1' } else { '0' }).collect(),
    }
}

fn sample(task: &Task, prompts: &Prompts, example: &Example, answer: &Answered, judged: &Judged) -> Sample {
    let verdict = &judged.verdict;
    Sample {
        task: task.id().to_string(),
        id: example.id.clone(),
        level: example.level,
        input_key: task.input_key().to_string(),
        input: example.field(task.input_key()).to_string(),
        question: prompts.line(task).to_string(),
        completion: answer.text.clone(),
        correct: verdict.correct,
        format: verdict.format,
        valid: verdict.valid,
        reason: verdict.reason.to_string(),
        answer: verdict.answer.clone(),
        reference: example.reference.clone(),
        tokens: answer.tokens,
        truncated: answer.truncated,
        claims: judged.claims.iter().map(ClaimRecord::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chemr_engine::{Model, ModelConfig, Precision, TokenizerTraining};
    use chemr_protocol::Truth;
    use chemr_tasks::{Split, answer_block, completion, task};

    fn rows(id: &str, pairs: &[(&str, &str)]) -> TaskRows {
        let task = task(id).unwrap();
        let examples = pairs
            .iter()
            .map(|(field, reference)| {
                let input = BTreeMap::from([(task.input_key().to_string(), (*field).to_string())]);
                Example::new(id, "test", Split::Test, 1, input, *reference, BTreeMap::new())
            })
            .collect();
        TaskRows { task, examples, training_references: pairs.iter().map(|(_, text)| (*text).to_string()).collect() }
    }

    fn two_tasks() -> Vec<TaskRows> {
        vec![
            rows("name.smiles_to_formula", &[("CCO", "C2H6O"), ("CC", "C2H6"), ("C", "CH4"), ("O", "H2O")]),
            rows("property.bbbp", &[("CCO", "Yes"), ("CCCC", "Yes"), ("NCCN", "No")]),
        ]
    }

    #[test]
    fn scores_completions() {
        let tasks = two_tasks();
        let text = |text: String| Answered { text, tokens: 10, ..Answered::default() };
        let answers = vec![
            text(completion("The formula is C2H6O.", "C2H6O")),
            text(answer_block("C2H6")),
            text(completion("So", "C2H4")),
            Answered { truncated: true, ..text("<think>So".into()) },
            text(completion("So", "Yes")),
            text(completion("So", "perhaps")),
            Answered { unasked: true, ..Answered::default() },
        ];
        let options = EvalOptions { samples_per_task: 2, ..EvalOptions::default() };
        let scores = score(&tasks, answers, Prompts::builtin(), &options);
        let formula = scores.task("name.smiles_to_formula").unwrap();
        assert_eq!((formula.score.accuracy, formula.score.valid, formula.score.format), (0.5, 0.75, 0.5));
        assert_eq!((formula.outcomes.as_str(), formula.truncated, formula.score.n), ("1100", 1, 4));
        assert_eq!(formula.mean_tokens, 10.0);
        assert_eq!(formula.reasons["no_answer"], 1);
        let property = scores.task("property.bbbp").unwrap();
        assert_eq!((property.outcomes.as_str(), property.unasked), ("100", 1));
        assert!((property.score.baseline - 2.0 / 3.0).abs() < 1e-12);
        assert!((scores.mean() - (0.5 + 1.0 / 3.0) / 2.0).abs() < 1e-12);
        assert!((scores.worst() - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(scores.samples.len(), 4);
        assert!(
            scores.samples.iter().all(|sample| sample.claims.iter().all(|claim| claim.end <= sample.completion.len()))
        );
        assert_eq!(scores.claims().wrong, scores.tasks.iter().map(|task| task.claims.wrong).sum::<usize>());
        assert!(scores.samples[0].claims.iter().all(|claim| claim.truth != Truth::False));
    }

    fn tiny_model(max_position_embeddings: usize) -> (Model, Tokenizer) {
        let texts: Vec<String> = two_tasks()
            .iter()
            .flat_map(|rows| rows.examples.iter().map(|example| rows.task.question(example).user))
            .collect();
        let training = TokenizerTraining { vocab_size: 320, ..TokenizerTraining::default() };
        let tokenizer = Tokenizer::train(&texts, &training).unwrap();
        let config = ModelConfig {
            vocab_size: tokenizer.vocab_size(),
            hidden_size: 16,
            intermediate_size: 32,
            num_hidden_layers: 1,
            num_attention_heads: 2,
            num_key_value_heads: 1,
            head_dim: 8,
            max_position_embeddings,
            rms_norm_eps: 1e-5,
            rope_theta: 10_000.0,
            tie_word_embeddings: true,
            bos_token_id: tokenizer.bos(),
            eos_token_id: tokenizer.eos(),
            more_eos_token_ids: Vec::new(),
            pad_token_id: tokenizer.pad(),
        };
        (Model::init(config, 1).unwrap(), tokenizer)
    }

    fn zero_shot() -> Questions<'static> {
        Questions::zero_shot(Prompts::builtin())
    }

    fn packed(model: &Model) -> InferenceModel<'_> {
        InferenceModel::new(model, Precision::Single)
    }

    #[test]
    fn evaluates_a_model() {
        let tasks = two_tasks();
        let (model, tokenizer) = tiny_model(512);
        let options = EvalOptions { max_new_tokens: 8, samples_per_task: 1, ..EvalOptions::default() };
        let mut seen = Vec::new();
        let run = |progress: &mut dyn FnMut(&EvalProgress) -> ControlFlow<()>| {
            evaluate(&packed(&model), &tokenizer, &tasks, &zero_shot(), &options, progress)
        };
        let scores = run(&mut |progress| {
            seen.push(*progress);
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(seen.first(), Some(&EvalProgress { done: 0, total: 7 }));
        assert_eq!(seen.last(), Some(&EvalProgress { done: 7, total: 7 }));
        assert_eq!((scores.tasks.len(), scores.samples.len()), (2, 2));
        assert!(scores.tasks.iter().all(|task| task.mean_tokens > 0.0 && task.unasked == 0));
        // Greedy: the same again.
        assert_eq!(run(&mut |_| ControlFlow::Continue(())).unwrap(), scores);
        assert!(matches!(run(&mut |_| ControlFlow::Break(())), Err(EvalError::Stopped)));
    }

    #[test]
    fn questions_that_do_not_fit_count_as_wrong() {
        let (model, tokenizer) = tiny_model(4);
        let scores =
            evaluate(&packed(&model), &tokenizer, &two_tasks(), &zero_shot(), &EvalOptions::default(), &mut |_| {
                ControlFlow::Continue(())
            })
            .unwrap();
        assert!(scores.tasks.iter().all(|task| task.unasked == task.score.n && task.score.accuracy == 0.0));
    }

    #[test]
    fn a_task_without_rows_is_an_error() {
        let (model, tokenizer) = tiny_model(64);
        let tasks = [rows("retrosynthesis", &[])];
        let options = EvalOptions::default();
        let error =
            evaluate(&packed(&model), &tokenizer, &tasks, &zero_shot(), &options, &mut |_| ControlFlow::Continue(()));
        assert!(matches!(error, Err(EvalError::NoRows { .. })));
    }
}
