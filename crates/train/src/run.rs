//! A run: tokenizer, the phases in order, checkpoints between and inside them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use chemr_engine::tokenizer::TOKENIZER_FILE;
use chemr_engine::{AdamWConfig, Tokenizer};
use chemr_tasks::Prompts;

use crate::checkpoint::{self, PhaseState, complete_steps};
use crate::error::TrainError;
use crate::folder::{FinishedPhase, PROMPTS, RunFolder, write_atomic, write_json};
use crate::learner::{Learner, Values};
use crate::manifest::{Host, Manifest, file_sha256, weights_sha256};
use crate::metrics::Metrics;
use crate::phase::{PhaseHook, PhaseKind, PhaseOutcome, RunOutcome, RunStatus};
use crate::progress::Progress;
use crate::recipe::Recipe;
use crate::seed::{Use, mix};
use crate::source::Source;
use crate::start::{Start, starting_point, usable_folder};
use crate::{grpo, supervised};

/// What every phase of a run shares.
pub(crate) struct PhaseRun<'a> {
    pub recipe: &'a Recipe,
    pub folder: &'a RunFolder,
    pub source: &'a Source,
    pub metrics: &'a Metrics,
    pub progress: &'a dyn Progress,
}

impl PhaseRun<'_> {
    /// The learner of a phase that starts from, or goes on with, `values`: with the optimizer state that belongs to `state`, if
    /// any step is done.
    pub fn learner(&self, values: Values, config: AdamWConfig, state: &PhaseState) -> Result<Learner, TrainError> {
        let dropout_seed = mix(&[self.recipe.run.seed, Use::Dropout as u64, state.phase as u64]);
        let mut learner = Learner::new(values, config, dropout_seed, self.recipe.run.compute())?;
        if state.step > 0 {
            let path = self.folder.checkpoint_dir(state.phase, state.step).join("state/optimizer.safetensors");
            learner.load_state(&path).map_err(TrainError::engine(format!("loading {}", path.display())))?;
        }
        Ok(learner)
    }

    /// Saves the state after `state.step`, if any step is done, and removes checkpoints that are no longer kept.
    pub fn checkpoint(&self, state: &PhaseState, learner: &Learner, tokenizer: &Tokenizer) -> Result<(), TrainError> {
        if state.step == 0 {
            return Ok(());
        }
        checkpoint::save(self.folder, state, learner, tokenizer, &self.recipe.model.from)?;
        checkpoint::prune(self.folder, state.phase, self.recipe.phase(state.phase).1, self.recipe.run.keep_checkpoints)
    }

    /// SHA-256 of the `tokenizer.json` that the run began with.
    pub fn tokenizer_sha256(&self) -> Result<String, TrainError> {
        let from = &self.recipe.model.from;
        let folder = if from.is_empty() { self.folder.join("tokenizer") } else { PathBuf::from(from) };
        file_sha256(&folder.join(TOKENIZER_FILE))
    }

    /// Saves after every `run.checkpoint_every` steps; the end of the phase saves the last one.
    pub fn checkpoint_if_due(
        &self,
        state: &PhaseState,
        learner: &Learner,
        tokenizer: &Tokenizer,
    ) -> Result<(), TrainError> {
        let every = self.recipe.run.checkpoint_every;
        let due = every > 0 && state.step.is_multiple_of(every) && state.step < self.recipe.phase(state.phase).1;
        if due { self.checkpoint(state, learner, tokenizer) } else { Ok(()) }
    }
}

/// A run about to start, or to go on.
pub struct Run<'a> {
    /// What to do.
    pub recipe: &'a Recipe,
    /// The opened source of the recipe's data.
    pub source: &'a Source,
    /// The run folder: made, or with `resume` continued.
    pub out: &'a Path,
    /// Go on with the run in `out`.
    pub resume: bool,
    /// When this turns true the run saves a checkpoint and returns [`RunStatus::Stopped`].
    pub stop: &'a AtomicBool,
    /// Told of every step.
    pub progress: &'a dyn Progress,
}

impl Run<'_> {
    /// Runs the enabled phases of the recipe in order, from `model.from` or from random weights. A resumed run gives the
    /// same weights, byte for byte, as one that was never interrupted. `hook` is called after each finished phase.
    ///
    /// # Errors
    /// Any [`TrainError`]; the folder stays resumable.
    pub fn start(&self, hook: &mut dyn PhaseHook) -> Result<RunOutcome, TrainError> {
        let phases: Vec<PhaseKind> = PhaseKind::ALL.into_iter().filter(|phase| self.recipe.phase(*phase).0).collect();
        if phases.is_empty() {
            return Err(TrainError::folder(self.out, "the recipe enables no phase"));
        }
        if phases.contains(&PhaseKind::Distill) {
            check_protocols(self.source)?;
        }
        run_phases(self, &phases, hook)
    }
}

/// Refuses to begin a run whose second phase would find no expert trace of a task.
fn check_protocols(source: &Source) -> Result<(), TrainError> {
    let without = source.tasks_without_traces();
    if without.is_empty() {
        return Ok(());
    }
    let (have, them) = if without.len() == 1 { ("has", "it") } else { ("have", "them") };
    let message = format!(
        "{} {have} no protocol, so there are no expert traces for the phase distill; leave {them} out of data.tasks, or the phase \
         with distill.enabled = false",
        without.join(", ")
    );
    Err(TrainError::Data { context: "data.tasks".into(), message })
}

/// Whether [`Run::start`] would take the folder, so that a wrong path, a changed recipe, an adapter without a base or a run that
/// is still at work is known before data is read.
///
/// # Errors
/// As [`RunFolder::open`], the recipe has an adapter and no model, the model that it starts from is none, or the run to resume was made with
/// another recipe.
pub fn check_start(recipe: &Recipe, out: &Path, resume: bool) -> Result<(), TrainError> {
    recipe.check_base()?;
    if !recipe.model.from.is_empty() {
        usable_folder(Path::new(&recipe.model.from), recipe.model.max_positions)?;
    }
    RunFolder::check(out, resume)?;
    if resume {
        same_recipe(recipe, out)?;
        same_prompts(&recipe.load_prompts()?, out)?;
    }
    Ok(())
}

fn same_recipe(recipe: &Recipe, out: &Path) -> Result<(), TrainError> {
    let differences = recipe_of(out)?.differences(recipe);
    if differences.is_empty() {
        return Ok(());
    }
    let message = format!("was made with another recipe ({}); resume it with its own", differences.join(", "));
    Err(TrainError::folder(out, message))
}

/// Refuses to go on with other prompts than those that the run stored.
fn same_prompts(prompts: &Prompts, out: &Path) -> Result<(), TrainError> {
    match prompts_of(out)? {
        Some(stored) if stored.sha256() != prompts.sha256() => {
            let message = format!(
                "was made with other prompts; resume it with its own: --set prompts.file={}",
                out.join(PROMPTS).display()
            );
            Err(TrainError::folder(out, message))
        }
        _ => Ok(()),
    }
}

/// The recipe of an existing run, from its `config.toml`, with the prompts that the run stored.
///
/// # Errors
/// No run there, or its file does not parse.
pub fn recipe_of(run: &Path) -> Result<Recipe, TrainError> {
    let mut recipe = Recipe::load(&run.join("config.toml"))?;
    let prompts = run.join(PROMPTS);
    if prompts.is_file() {
        recipe.prompts.file = prompts.display().to_string();
    }
    Ok(recipe)
}

/// The prompts of an existing run, if it stored them.
///
/// # Errors
/// The file cannot be read, or is no file of prompts.
pub fn prompts_of(run: &Path) -> Result<Option<Prompts>, TrainError> {
    let path = run.join(PROMPTS);
    let load = || Prompts::load(&path).map_err(TrainError::data("the prompts of the run"));
    path.is_file().then(load).transpose()
}

fn run_phases(
    &Run { recipe, source, out, resume, stop, progress }: &Run<'_>,
    phases: &[PhaseKind],
    hook: &mut dyn PhaseHook,
) -> Result<RunOutcome, TrainError> {
    if recipe.run.threads > 0 {
        chemr_engine::set_threads(recipe.run.threads);
    }
    recipe.check_base()?;
    let folder = RunFolder::open(out, resume)?;
    if resume {
        same_recipe(recipe, out)?;
        same_prompts(source.prompts(), out)?;
    }
    source.notes().iter().for_each(|note| progress.message(note));
    if !source.rows_fit(&recipe.data.shares) {
        return Err(TrainError::folder(out, "data.shares must have one number per task"));
    }
    write_atomic_if_new(&folder.join("config.toml"), recipe.to_documented_toml().as_bytes())?;
    write_atomic_if_new(&folder.join(PROMPTS), source.prompts().to_toml().as_bytes())?;
    let (start, tokenizer) = match starting_point(recipe, &folder, source, progress) {
        Ok(prepared) => prepared,
        Err(error) => {
            // Nothing is trained yet: what is wrong can be put right and started again in the same folder.
            if !resume && let Err(leftover) = folder.clear() {
                progress.message(&format!("clearing up: {leftover}"));
            }
            return Err(error);
        }
    };
    let metrics = Metrics::new(out);
    let run = PhaseRun { recipe, folder: &folder, source, metrics: &metrics, progress };
    let (trained, parameters) = start.count()?;
    let fingerprint = write_manifest(&run, &tokenizer, trained, parameters)?;
    if let Ok(Some(lora)) = recipe.adapter.lora() {
        progress.message(&format!(
            "training an adapter of rank {}: {trained} values, the model has {parameters}",
            lora.rank
        ));
    }
    let mut outcome =
        RunOutcome { status: RunStatus::Finished, out: out.to_path_buf(), phases: Vec::new(), parameters, trained };
    let mut origin = start;
    for phase in phases {
        checkpoint::remove_leftovers(&folder.phase_dir(*phase))?;
        let finished = folder.finished()?.into_iter().find(|known| known.name == phase.name());
        let total = recipe.phase(*phase).1;
        let last = folder.checkpoint_dir(*phase, total);
        let finished = match finished.filter(|_| complete_steps(&folder.phase_dir(*phase)).contains(&total)) {
            Some(finished) => finished,
            None => {
                if stop.load(Ordering::Relaxed) {
                    outcome.status = RunStatus::Stopped;
                    return Ok(outcome);
                }
                let (status, state) = train_phase(&run, *phase, &origin, &tokenizer, &fingerprint, stop)?;
                progress.finish(phase.name());
                if status == RunStatus::Stopped {
                    outcome.status = RunStatus::Stopped;
                    return Ok(outcome);
                }
                report_drops(&state, progress);
                let finished = FinishedPhase {
                    name: phase.name().into(),
                    step: state.step,
                    seconds: state.seconds,
                    tokens: state.tokens,
                    hook_done: false,
                };
                folder.note_finished(finished.clone())?;
                finished
            }
        };
        let done = PhaseOutcome {
            phase: *phase,
            name: phase.name(),
            checkpoint: last.clone(),
            step: finished.step,
            seconds: finished.seconds,
            tokens: finished.tokens,
        };
        if !finished.hook_done {
            hook.after_phase(&done)
                .map_err(|error| TrainError::Hook { phase: phase.name().into(), message: error.to_string() })?;
            folder.note_finished(FinishedPhase { hook_done: true, ..finished })?;
        }
        outcome.phases.push(done);
        origin = origin.at(last);
    }
    Ok(outcome)
}

/// Trains one phase from its newest checkpoint, or from `origin`.
fn train_phase(
    run: &PhaseRun<'_>,
    phase: PhaseKind,
    origin: &Start,
    tokenizer: &Tokenizer,
    fingerprint: &str,
    stop: &AtomicBool,
) -> Result<(RunStatus, PhaseState), TrainError> {
    let total = run.recipe.phase(phase).1;
    let newest = complete_steps(&run.folder.phase_dir(phase)).last().copied();
    let (state, values) = match newest {
        Some(step) => {
            let dir = run.folder.checkpoint_dir(phase, step);
            let state = checkpoint::load_state(&dir)?;
            if state.fingerprint != fingerprint {
                let message = "belongs to another recipe, or the data, the prompts or the starting model changed; start a new run";
                return Err(TrainError::folder(&dir, message));
            }
            run.progress.message(&format!("{phase}: resuming after step {step} of {total}"));
            (state, origin.at(dir).values()?)
        }
        None => (PhaseState::start(phase, total, fingerprint), origin.values()?),
    };
    run.metrics.truncate(phase, state.step)?;
    match phase {
        PhaseKind::Foundation => supervised::run(run, &run.recipe.foundation, values, tokenizer, state, stop),
        PhaseKind::Distill => supervised::run(run, &run.recipe.distill, values, tokenizer, state, stop),
        PhaseKind::Grpo => {
            let with_kl = run.recipe.grpo.kl > 0.0;
            let reference = with_kl.then(|| origin.values()?.reference(run.recipe.run.compute())).transpose()?;
            grpo::run(run, values, reference, tokenizer, state, stop)
        }
    }
}

/// Tells how many rows a supervised phase could not use, by task and reason.
fn report_drops(state: &PhaseState, progress: &dyn Progress) {
    for (task, reasons) in &state.dropped {
        let used = state.rows.get(task).copied().unwrap_or(0);
        let list: Vec<String> = reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        progress.message(&format!("{}: {task}: {used} rows used, dropped: {}", state.phase, list.join(", ")));
    }
}

/// Writes the manifest once; returns the fingerprint of recipe, data, prompts, tokenizer and starting model, which every
/// checkpoint carries.
fn write_manifest(
    run: &PhaseRun<'_>,
    tokenizer: &Tokenizer,
    trained_parameters: usize,
    parameters: usize,
) -> Result<String, TrainError> {
    let recipe = run.recipe;
    let from = &recipe.model.from;
    let manifest = Manifest {
        version: env!("CARGO_PKG_VERSION").into(),
        created: std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |elapsed| elapsed.as_secs()),
        seed: recipe.run.seed,
        recipe_sha256: recipe.hash(),
        data_sha256: run.source.fingerprint().into(),
        prompts_sha256: run.source.prompts().sha256(),
        tokenizer_sha256: run.tokenizer_sha256()?,
        start_model: from.clone(),
        start_model_sha256: if from.is_empty() { String::new() } else { weights_sha256(Path::new(from))? },
        tasks: run.source.task_ids().into_iter().map(String::from).collect(),
        protocols: chemr_protocol::protocols().iter().map(|p| format!("{} {}", p.id, p.version)).collect(),
        vocab_size: tokenizer.vocab_size(),
        parameters,
        trained_parameters,
        adapter: (recipe.adapter.rank > 0).then(|| recipe.adapter.clone()),
        host: Host::read(chemr_engine::threads()),
    };
    let path = run.folder.join("manifest.json");
    if !path.exists() {
        write_json(&path, &manifest)?;
    } else if let Some(began) = Manifest::read_host(&path)
        && manifest.host.rounds_unlike(&began, recipe.run.precision)
    {
        let (old, new) = (&began.kernels, &manifest.host.kernels);
        run.progress.message(&format!(
            "begun with the kernels {old}, goes on with {new}, which round differently: the bytes will differ from those of a run \
             without the change"
        ));
    }
    Ok(crate::recipe::digest(&[
        &manifest.recipe_sha256,
        &manifest.data_sha256,
        &manifest.prompts_sha256,
        &manifest.tokenizer_sha256,
        &manifest.start_model_sha256,
    ]))
}

fn write_atomic_if_new(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    if path.exists() { Ok(()) } else { write_atomic(path, bytes) }
}
