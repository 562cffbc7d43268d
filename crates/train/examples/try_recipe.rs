//! Runs a recipe and prints a quick evaluation after each phase: for finding settings.
//!
//! `cargo run --release -p chemr-train --example try_recipe -- OUT RECIPE.toml|smoke|default|long [section.key=value …]`
//! `EVAL_N` = examples per task (default 60), `FROM` = checkpoint to start from, `PHASE` = run this phase alone.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use chemr_data::{Gym, GymConfig};
use chemr_engine::{ChatMessage, Generator, Sampling, load_folder};
use chemr_protocol::Truth;
use chemr_tasks::{Example, Mode, Split};
use chemr_train::{
    Budget, PhaseHook, PhaseKind, PhaseOutcome, Recipe, Source, expand_root, import, progress_for_stderr, run_phase,
    run_recipe,
};

type AnyError = Box<dyn std::error::Error + Send + Sync>;

struct Quick {
    recipe: Recipe,
    tasks: Vec<String>,
    out: std::path::PathBuf,
    n: usize,
}

impl Quick {
    fn examples(&self, task: &str) -> Result<Vec<Example>, AnyError> {
        if self.recipe.data.source == "gym" {
            let gym = Gym::new(GymConfig { seed: self.recipe.data.gym_seed, levels: self.recipe.data.levels.clone() })?;
            return Ok(gym.examples(task, Split::Valid, 0..self.n as u64)?);
        }
        let root = expand_root(&self.recipe.data.root)?;
        let mut rows = Vec::new();
        for name in &self.recipe.data.imports {
            rows.extend(import(name, &root, Split::Test)?.0.into_iter().filter(|row| row.task == task));
        }
        rows.truncate(self.n);
        Ok(rows)
    }
}

impl PhaseHook for Quick {
    fn after_phase(&mut self, outcome: &PhaseOutcome) -> Result<(), AnyError> {
        let clock = Instant::now();
        let (model, tokenizer) = load_folder(&outcome.checkpoint)?;
        let mut generator = Generator::new(&model);
        println!(
            "== {} step {} {:.0} s {} tokens, {} parameters",
            outcome.name,
            outcome.step,
            outcome.seconds,
            outcome.tokens,
            model.parameter_count()
        );
        let mut dump = String::new();
        let mut mean = 0.0;
        let (mut all_checked, mut all_false) = (0, 0);
        for id in &self.tasks {
            let Some(task) = chemr_tasks::task(id) else {
                continue;
            };
            let examples = self.examples(id)?;
            let prompts = examples
                .iter()
                .map(|example| {
                    let prompt = task.question(example);
                    tokenizer.encode_prompt(&[ChatMessage::system(prompt.system), ChatMessage::user(prompt.user)])
                })
                .collect::<Result<Vec<_>, _>>()?;
            let sampling = Sampling::greedy(self.recipe.eval.max_new_tokens, tokenizer.eos().into_iter().collect());
            let outs = generator.generate(&prompts, &sampling, &vec![0; prompts.len()])?;
            let (mut right, mut format, mut valid, mut length, mut checked, mut wrong) = (0, 0, 0, 0, 0, 0);
            let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
            let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
            for (example, out) in examples.iter().zip(&outs) {
                let text = tokenizer.decode(&out.tokens);
                let verdict = task.verify(example, &text, Mode::Loose);
                right += usize::from(verdict.correct);
                format += usize::from(verdict.format);
                valid += usize::from(verdict.valid);
                length += out.tokens.len();
                *reasons.entry(verdict.reason.to_string()).or_default() += 1;
                for claim in chemr_protocol::check_claims(example, &text) {
                    checked += usize::from(claim.truth != Truth::Unverifiable);
                    if claim.truth == Truth::False {
                        wrong += 1;
                        *kinds.entry(claim.kind.as_str().to_string()).or_default() += 1;
                    }
                }
                dump.push_str(&format!(
                    "{} {} {:?}\n  reference {}  aligned {:?}\n{}\n\n",
                    if verdict.correct { "ok" } else { "WRONG" },
                    id,
                    example.input,
                    example.reference,
                    example.meta.get("aligned_answer"),
                    text
                ));
            }
            let n = examples.len().max(1) as f64;
            mean += right as f64 / n;
            all_checked += checked;
            all_false += wrong;
            println!(
                "{id:28} accuracy {:.3} format {:.3} valid {:.3} length {:.1} claims {wrong}/{checked} {kinds:?} {reasons:?}",
                right as f64 / n,
                format as f64 / n,
                valid as f64 / n,
                length as f64 / n
            );
        }
        println!(
            "mean {:.3}  false claims {:.2} %  evaluation {:.0} s",
            mean / self.tasks.len() as f64,
            100.0 * all_false as f64 / all_checked.max(1) as f64,
            clock.elapsed().as_secs_f64()
        );
        std::fs::write(self.out.join(format!("quick-{}.txt", outcome.name)), dump)?;
        Ok(())
    }
}

fn main() -> Result<(), AnyError> {
    let mut arguments = std::env::args().skip(1);
    let (Some(out), Some(name)) = (arguments.next(), arguments.next()) else {
        return Err("usage: try_recipe OUT RECIPE [section.key=value …]".into());
    };
    let recipe = match name.parse::<Budget>() {
        Ok(budget) => Recipe::quickstart(budget)?,
        Err(_) => Recipe::load(Path::new(&name))?,
    };
    let recipe = recipe.with_overrides(&arguments.collect::<Vec<_>>())?;
    let tasks = Source::open(&recipe)?.task_ids().into_iter().map(String::from).collect();
    let n = std::env::var("EVAL_N").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let mut hook = Quick { recipe: recipe.clone(), tasks, out: out.clone().into(), n };
    let stop = AtomicBool::new(false);
    let progress = progress_for_stderr();
    let out = Path::new(&out);
    let resume = out.join("config.toml").is_file();
    let outcome = match std::env::var("PHASE").ok().and_then(|name| PhaseKind::from_name(&name)) {
        Some(phase) => {
            let from = std::env::var("FROM").ok();
            run_phase(phase, &recipe, from.as_deref().map(Path::new), out, resume, &stop, &*progress, &mut hook)?
        }
        None => run_recipe(&recipe, out, resume, &stop, &*progress, &mut hook)?,
    };
    println!("{:?}", outcome.status);
    Ok(())
}
