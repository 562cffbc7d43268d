//! A run: tokenizer, the phases in order, checkpoints between and inside them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use chemr_engine::{Model, ModelConfig, Tokenizer, Trainer};
use serde_json::{Map, Value, json};

use crate::checkpoint::{self, PhaseState, complete_steps};
use crate::error::TrainError;
use crate::folder::{FinishedPhase, PARTIAL_TOKENIZER, RunFolder, step_name, write_atomic, write_json};
use crate::manifest::{Host, Manifest, file_sha256};
use crate::metrics::Metrics;
use crate::phase::{PhaseHook, PhaseKind, PhaseOutcome, RunOutcome, RunStatus};
use crate::progress::Progress;
use crate::recipe::Recipe;
use crate::seed::{Use, mix};
use crate::source::Source;
use crate::vocabulary::train_tokenizer;
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
    /// Loads the optimizer state that belongs to `state`, if any step is done.
    pub fn restore_optimizer(&self, trainer: &mut Trainer, state: &PhaseState) -> Result<(), TrainError> {
        if state.step == 0 {
            return Ok(());
        }
        let path = self.folder.checkpoint_dir(state.phase, state.step).join("state/optimizer.safetensors");
        trainer.load_state(&path).map_err(TrainError::engine(format!("loading {}", path.display())))
    }

    /// Saves the state after `state.step`, if any step is done, and removes checkpoints that are no longer kept.
    pub fn checkpoint(&self, state: &PhaseState, trainer: &Trainer, tokenizer: &Tokenizer) -> Result<(), TrainError> {
        if state.step == 0 {
            return Ok(());
        }
        checkpoint::save(self.folder, state, trainer, tokenizer)?;
        checkpoint::prune(self.folder, state.phase, self.recipe.phase(state.phase).1, self.recipe.run.keep_checkpoints)
    }

    /// Saves after every `run.checkpoint_every` steps; the end of the phase saves the last one.
    pub fn checkpoint_if_due(
        &self,
        state: &PhaseState,
        trainer: &Trainer,
        tokenizer: &Tokenizer,
    ) -> Result<(), TrainError> {
        let every = self.recipe.run.checkpoint_every;
        let due = every > 0 && state.step.is_multiple_of(every) && state.step < self.recipe.phase(state.phase).1;
        if due { self.checkpoint(state, trainer, tokenizer) } else { Ok(()) }
    }

    /// Writes what is known about a number that is not finite, and makes the error.
    pub fn not_finite(&self, phase: PhaseKind, step: u64, what: &str, facts: &Value) -> TrainError {
        let dump = self.folder.join(&format!("not-finite-{phase}-{}.json", step_name(step)));
        let newest = complete_steps(&self.folder.phase_dir(phase)).last().copied();
        let content =
            json!({"phase": phase.name(), "step": step, "what": what, "facts": facts, "last_checkpoint": newest});
        // The dump is a help, not the message: when it cannot be written the error still names the step.
        let _ = write_json(&dump, &content);
        TrainError::NotFinite { phase: phase.name().into(), step, what: what.into(), dump }
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
        run_phases(self, &phases, hook)
    }
}

/// Whether [`Run::start`] would take the folder, so that a wrong path, a changed recipe or a run that is still at work is
/// known before data is read.
///
/// # Errors
/// As [`RunFolder::open`], or the run to resume was made with another recipe.
pub fn check_start(recipe: &Recipe, out: &Path, resume: bool) -> Result<(), TrainError> {
    RunFolder::check(out, resume)?;
    if resume { same_recipe(recipe, out) } else { Ok(()) }
}

fn same_recipe(recipe: &Recipe, out: &Path) -> Result<(), TrainError> {
    let differences = recipe_of(out)?.differences(recipe);
    if differences.is_empty() {
        return Ok(());
    }
    let message = format!("was made with another recipe ({}); resume it with its own", differences.join(", "));
    Err(TrainError::folder(out, message))
}

/// The recipe of an existing run, from its `config.toml`.
///
/// # Errors
/// No run there, or its file does not parse.
pub fn recipe_of(run: &Path) -> Result<Recipe, TrainError> {
    Recipe::load(&run.join("config.toml"))
}

fn run_phases(
    &Run { recipe, source, out, resume, stop, progress }: &Run<'_>,
    phases: &[PhaseKind],
    hook: &mut dyn PhaseHook,
) -> Result<RunOutcome, TrainError> {
    if recipe.run.threads > 0 {
        chemr_engine::set_threads(recipe.run.threads);
    }
    let folder = RunFolder::open(out, resume)?;
    if resume {
        same_recipe(recipe, out)?;
    }
    source.notes().iter().for_each(|note| progress.message(note));
    if !source.rows_fit(&recipe.data.shares) {
        return Err(TrainError::folder(out, "data.shares must have one number per task"));
    }
    write_atomic_if_new(&folder.join("config.toml"), recipe.to_documented_toml().as_bytes())?;
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
    let parameters = start.parameters()?;
    let fingerprint = write_manifest(&run, &tokenizer, parameters)?;
    let mut outcome =
        RunOutcome { status: RunStatus::Finished, out: out.to_path_buf(), phases: Vec::new(), parameters };
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
        origin = Start::Folder(last);
    }
    Ok(outcome)
}

/// Where a phase's weights come from.
enum Start {
    Random { config: ModelConfig, seed: u64 },
    Folder(PathBuf),
}

impl Start {
    fn model(&self) -> Result<Model, TrainError> {
        match self {
            Self::Random { config, seed } => {
                Model::init(config.clone(), *seed).map_err(TrainError::engine("making random weights"))
            }
            Self::Folder(dir) => Ok(checkpoint::load_model(dir)?.0),
        }
    }

    fn parameters(&self) -> Result<usize, TrainError> {
        match self {
            Self::Random { config, .. } => Ok(config.parameter_count()),
            Self::Folder(_) => Ok(self.model()?.parameter_count()),
        }
    }
}

/// The starting weights and the tokenizer: trained and kept in the run folder, or those of the folder started from.
fn starting_point(
    recipe: &Recipe,
    folder: &RunFolder,
    source: &Source,
    progress: &dyn Progress,
) -> Result<(Start, Tokenizer), TrainError> {
    if !recipe.model.from.is_empty() {
        let dir = PathBuf::from(&recipe.model.from);
        let (model, tokenizer) = checkpoint::load_model(&dir)?;
        if recipe.model.max_positions > model.config.max_position_embeddings {
            let message = format!(
                "has {} positions, model.max_positions asks for {}",
                model.config.max_position_embeddings, recipe.model.max_positions
            );
            return Err(TrainError::folder(&dir, message));
        }
        return Ok((Start::Folder(dir), tokenizer));
    }
    let dir = folder.join("tokenizer");
    let tokenizer = if dir.is_dir() {
        Tokenizer::load(&dir).map_err(TrainError::engine("loading the run's tokenizer"))?
    } else {
        let clock = std::time::Instant::now();
        progress.message("training the tokenizer on generated prompts, traces and answers");
        let tokenizer = train_tokenizer(recipe, source)?;
        save_tokenizer(&tokenizer, &dir)?;
        let seconds = clock.elapsed().as_secs_f64();
        progress.message(&format!("tokenizer: {} tokens, {seconds:.0} s", tokenizer.vocab_size()));
        let line = Map::from_iter([
            ("vocab_size".to_string(), Value::from(tokenizer.vocab_size())),
            ("seconds".to_string(), crate::metrics::rounded(seconds)),
        ]);
        Metrics::new(folder.path()).write("tokenizer", 0, line)?;
        tokenizer
    };
    let m = &recipe.model;
    let config = ModelConfig {
        vocab_size: tokenizer.vocab_size(),
        hidden_size: m.hidden_size,
        intermediate_size: m.intermediate_size,
        num_hidden_layers: m.layers,
        num_attention_heads: m.heads,
        num_key_value_heads: m.key_value_heads,
        head_dim: m.head_size,
        max_position_embeddings: m.max_positions,
        rms_norm_eps: m.norm_epsilon,
        rope_theta: m.rope_theta,
        tie_word_embeddings: m.tie_embeddings,
        bos_token_id: tokenizer.bos(),
        eos_token_id: tokenizer.eos(),
        more_eos_token_ids: Vec::new(),
        pad_token_id: tokenizer.pad(),
    };
    config.validate().map_err(TrainError::engine("model sizes of the recipe"))?;
    let seed = mix(&[recipe.run.seed, Use::Weights as u64]);
    Ok((Start::Random { config, seed }, tokenizer))
}

fn save_tokenizer(tokenizer: &Tokenizer, dir: &Path) -> Result<(), TrainError> {
    let partial = dir.with_file_name(PARTIAL_TOKENIZER);
    if partial.exists() {
        std::fs::remove_dir_all(&partial).map_err(TrainError::io("remove", &partial))?;
    }
    std::fs::create_dir_all(&partial).map_err(TrainError::io("create", &partial))?;
    tokenizer.save(&partial).map_err(TrainError::engine("saving the tokenizer"))?;
    std::fs::rename(&partial, dir).map_err(TrainError::io("rename", dir))
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
    let (state, model) = match newest {
        Some(step) => {
            let dir = run.folder.checkpoint_dir(phase, step);
            let state = checkpoint::load_state(&dir)?;
            if state.fingerprint != fingerprint {
                let message = "belongs to another recipe, or the data changed; start a new run";
                return Err(TrainError::folder(&dir, message));
            }
            run.progress.message(&format!("{phase}: resuming after step {step} of {total}"));
            (state, checkpoint::load_model(&dir)?.0)
        }
        None => (PhaseState::start(phase, total, fingerprint), origin.model()?),
    };
    run.metrics.truncate(phase, state.step)?;
    match phase {
        PhaseKind::Foundation => supervised::run(run, &run.recipe.foundation, model, tokenizer, state, stop),
        PhaseKind::Distill => supervised::run(run, &run.recipe.distill, model, tokenizer, state, stop),
        PhaseKind::Grpo => {
            let reference = if run.recipe.grpo.kl > 0.0 { Some(origin.model()?) } else { None };
            grpo::run(run, model, reference, tokenizer, state, stop)
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

/// Writes the manifest once; returns the fingerprint of recipe, data, tokenizer and starting model, which every
/// checkpoint carries.
fn write_manifest(run: &PhaseRun<'_>, tokenizer: &Tokenizer, parameters: usize) -> Result<String, TrainError> {
    let recipe = run.recipe;
    let from = &recipe.model.from;
    let tokenizer_dir = if from.is_empty() { run.folder.join("tokenizer") } else { PathBuf::from(from) };
    let manifest = Manifest {
        version: env!("CARGO_PKG_VERSION").into(),
        created: std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |elapsed| elapsed.as_secs()),
        seed: recipe.run.seed,
        recipe_sha256: recipe.hash(),
        data_sha256: run.source.fingerprint().into(),
        tokenizer_sha256: file_sha256(&tokenizer_dir.join("tokenizer.json"))?,
        start_model: from.clone(),
        start_model_sha256: if from.is_empty() {
            String::new()
        } else {
            file_sha256(&Path::new(from).join("model.safetensors"))?
        },
        tasks: run.source.task_ids().into_iter().map(String::from).collect(),
        protocols: chemr_protocol::protocols().iter().map(|p| format!("{} {}", p.id, p.version)).collect(),
        vocab_size: tokenizer.vocab_size(),
        parameters,
        host: Host::read(chemr_engine::threads()),
    };
    let path = run.folder.join("manifest.json");
    if !path.exists() {
        write_json(&path, &manifest)?;
    }
    Ok(crate::recipe::digest(&[
        &manifest.recipe_sha256,
        &manifest.data_sha256,
        &manifest.tokenizer_sha256,
        &manifest.start_model_sha256,
    ]))
}

fn write_atomic_if_new(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    if path.exists() { Ok(()) } else { write_atomic(path, bytes) }
}
