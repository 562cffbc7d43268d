//! Scoring batches.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use chemr_chem::{Gate, Mol};
use chemr_protocol::{Truth, check_claims};
use chemr_tasks::{Example, Judgement, Kind, Mode, Reason, Task, Verdict};

use super::batch;
use super::cache::{Cache, Judged, key};
use super::shaping::{Shaping, ShapingError};

/// Longest time that an item may take before it is given up. Algorithms are bounded, and hostile text takes milliseconds: this is for what
/// nobody thought of, and for machines under load.
const DEADLINE: Duration = Duration::from_secs(5);

/// Judgements that are kept: about 20 MB.
const CACHED: usize = 1 << 16;

/// A completion for a row of a task.
#[derive(Clone, Debug)]
pub struct Item {
    pub task: &'static Task,
    pub example: Example,
    pub completion: String,
}

/// Scores completions. It can be shared by threads.
#[derive(Clone)]
pub struct Scorer {
    shaping: Shaping,
    deadline: Duration,
    threads: usize,
    cache: Arc<Cache>,
}

impl Scorer {
    /// With a deadline of five seconds an item, all cores, and a cache of 65,536 judgements.
    ///
    /// # Errors
    /// As [`Shaping::check`].
    pub fn new(shaping: Shaping) -> Result<Scorer, ShapingError> {
        shaping.check()?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Scorer { shaping, deadline: DEADLINE, threads, cache: Arc::new(Cache::new(CACHED)) })
    }

    /// With another deadline.
    pub fn deadline(self, deadline: Duration) -> Scorer {
        Scorer { deadline, ..self }
    }

    /// On so many threads, at least one.
    pub fn threads(self, threads: usize) -> Scorer {
        Scorer { threads: threads.max(1), ..self }
    }

    /// With room for so many judgements; 0 to judge everything anew.
    pub fn cached(self, capacity: usize) -> Scorer {
        Scorer { cache: Arc::new(Cache::new(capacity)), ..self }
    }

    /// A verdict for each item, in their order. An item that is not done at its deadline gets the reason `timeout` and the score 0; the others
    /// do not wait for it.
    pub fn score(&self, items: Vec<Item>) -> Vec<Verdict> {
        let (shaping, cache) = (self.shaping.clone(), Arc::clone(&self.cache));
        let work = move |item: &Item| {
            // What is half built inside is dropped with the panic.
            catch_unwind(AssertUnwindSafe(|| score(item, &shaping, &cache)))
                .unwrap_or_else(|_| refused(item, Reason::ToolkitPanic))
        };
        batch::run(items, self.threads, self.deadline, work, |item| refused(item, Reason::Timeout))
    }
}

/// A verdict for an item that could not be judged.
fn refused(item: &Item, reason: Reason) -> Verdict {
    let format = item.task.extract(&item.completion, Mode::Strict).format;
    Verdict { score: 0.0, ..Verdict::of(Judgement::unreadable(reason), format, None) }
}

fn score(item: &Item, shaping: &Shaping, cache: &Cache) -> Verdict {
    let Item { task, example, completion } = item;
    let extraction = task.extract(completion, shaping.mode);
    let (judged, answer) = match extraction.answer {
        Ok(answer) => {
            let with_tanimoto = shaping.tanimoto > 0.0 && matches!(task.kind(), Kind::Molecule | Kind::Reaction);
            let judge = || {
                let judgement = task.judge(example, answer, shaping.mode);
                let is_asked = with_tanimoto && judgement.valid && !judgement.correct;
                let tanimoto = if is_asked { similarity(answer, &example.reference) } else { None };
                Judged { judgement, tanimoto }
            };
            let judged = cache.get_or(|| key(example, answer, shaping.mode, with_tanimoto), judge);
            (judged, Some(answer))
        }
        Err(reason) => (Judged { judgement: Judgement::unreadable(reason), tanimoto: None }, None),
    };
    let tanimoto = judged.tanimoto;
    let mut verdict = Verdict::of(judged.judgement, extraction.format, answer.map(chemr_tasks::stored));
    let accuracy = match tanimoto {
        Some(similarity) => {
            verdict.parts.insert("tanimoto", similarity);
            verdict.credit.max(shaping.tanimoto * similarity)
        }
        None => verdict.credit,
    };
    let claims = if shaping.claims > 0.0 { true_claims(example, completion, &mut verdict) } else { 0.0 };
    let format = f64::from(u8::from(verdict.format));
    verdict.score = shaping.format * format + shaping.accuracy * accuracy + shaping.claims * claims;
    if shaping.max_length > 0 {
        let factor = shaping.length_factor(completion.chars().count());
        verdict.parts.insert("length_factor", factor);
        verdict.score *= factor;
    }
    verdict
}

/// Tanimoto similarity of an answer to the reference.
fn similarity(answer: &str, reference: &str) -> Option<f64> {
    let given = Mol::parse(answer).ok()?;
    let wanted = Mol::parse_with(reference, &Gate::DATA).ok()?;
    Some(given.morgan(2, 2048).tanimoto(&wanted.morgan(2, 2048)))
}

/// The share of true claims among the decided ones; the counts go into the parts.
fn true_claims(example: &Example, completion: &str, verdict: &mut Verdict) -> f64 {
    // A completion that is too long to be read for its answer is not read for its claims.
    if completion.len() > chemr_tasks::MAX_COMPLETION_BYTES {
        return 0.0;
    }
    let claims = check_claims(example, completion);
    let count = |truth: Truth| claims.iter().filter(|claim| claim.truth == truth).count() as f64;
    let (right, wrong) = (count(Truth::True), count(Truth::False));
    verdict.parts.insert("claims_true", right);
    verdict.parts.insert("claims_false", wrong);
    verdict.parts.insert("claims_unverifiable", count(Truth::Unverifiable));
    if right + wrong > 0.0 { right / (right + wrong) } else { 0.0 }
}
