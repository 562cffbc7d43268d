//! Recipes: the one TOML file that says everything about a run.
//!
//! A recipe is strict: a key it does not know is an error that names the key, its line and the nearest
//! known key. Every key has a default, so the smallest recipe is an empty file. `--set section.key=value`
//! changes single keys. The resolved recipe, all keys with their documentation, is stored as `config.toml`
//! in the run folder.

mod budget;
mod parse;
mod section;
mod write;

use std::path::Path;

pub use budget::Budget;
use chemr_engine::{Compute, EngineError, LoraConfig, LoraTarget, Operands, Precision};
use chemr_tasks::Prompts;
use section::{optimizer, section};
use serde::{Deserialize, Serialize};
pub(crate) use write::{digest, hex};

use crate::error::TrainError;
use crate::phase::PhaseKind;
use crate::schedule::ScheduleKind;

section! {
    /// The run as a whole.
    pub struct RunSection {
        /// Name shown in the report.
        name: String = "run".into(),
        /// Seed of weights, data order, traces and sampling. The same recipe and seed give the same bytes.
        seed: u64 = 1,
        /// Computing threads; 0 = one per core. The result does not depend on it.
        threads: usize = 0,
        /// Operands of matrix products in training: `fp32`, or `bf16` (rounded, added up in fp32): less memory, and faster where
        /// the processor has AMX or AVX-512 BF16.
        precision: Operands = Operands::Single,
        /// Keep the input of each layer only and compute the rest once more on the way back: less memory, more time, the same
        /// result.
        recompute: bool = false,
        /// Save a checkpoint every this many steps; 0 = only at the end of each phase.
        checkpoint_every: u64 = 100,
        /// Keep this many intermediate checkpoints of each phase (the last step of a phase is always kept).
        keep_checkpoints: usize = 2,
        /// Write a metrics line every this many steps.
        log_every: u64 = 10,
    }
}

section! {
    /// The model: a Llama-family decoder (RMSNorm, rotary positions, grouped-query attention, SwiGLU).
    pub struct ModelSection {
        /// A Hugging Face folder to start from, with its own tokenizer; empty = random weights with the sizes below.
        from: String = String::new(),
        /// Width of the residual stream.
        hidden_size: usize = 192,
        /// Width inside the feed-forward block.
        intermediate_size: usize = 512,
        /// Number of layers.
        layers: usize = 4,
        /// Query heads.
        heads: usize = 6,
        /// Key and value heads (divides `heads`).
        key_value_heads: usize = 3,
        /// Width of one head.
        head_size: usize = 32,
        /// Longest sequence, prompt and completion together, in tokens.
        max_positions: usize = 512,
        /// Base of the rotary frequencies.
        rope_theta: f32 = 10000.0,
        /// Epsilon of RMSNorm.
        norm_epsilon: f32 = 1e-5,
        /// One matrix for input embedding and output head.
        tie_embeddings: bool = true,
    }
}

section! {
    /// A low-rank adapter (LoRA, Hu et al. 2021) that is trained in place of the weights of `model.from`, through the enabled
    /// phases in turn. Checkpoints are adapter folders as PEFT writes them.
    pub struct AdapterSection {
        /// Rank of the adapter; 0 = no adapter, all weights are trained.
        rank: usize = 0,
        /// The adapter is multiplied with alpha / rank.
        alpha: f32 = 32.0,
        /// Share of its inputs that training sets to zero; from 0 to below 1. In GRPO it also moves the ratio to the sampling
        /// policy, which has no dropout.
        dropout: f32 = 0.0,
        /// Projections of each layer that get one: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj.
        targets: Vec<String> = LoraTarget::ALL.map(|target| target.to_string()).to_vec(),
        /// Multiply with alpha / sqrt(rank) (Kalajdzievski 2023).
        rank_stabilised: bool = false,
        /// How the weights of `model.from` are held meanwhile: `fp32`, `bf16` or `int8`.
        base: Precision = Precision::Single,
    }
}

impl RunSection {
    /// How trainers compute.
    pub(crate) fn compute(&self) -> Compute {
        Compute { operands: self.precision, recompute: self.recompute }
    }
}

impl AdapterSection {
    /// The adapter to train, if one is; every value is checked in any case.
    ///
    /// # Errors
    /// What is wrong with which key.
    pub(crate) fn lora(&self) -> Result<Option<LoraConfig>, String> {
        let targets = self.targets.iter().map(|target| target.parse()).collect::<Result<_, _>>();
        let config = LoraConfig {
            rank: self.rank.max(1),
            alpha: self.alpha,
            dropout: self.dropout,
            targets: targets.map_err(|error| format!("adapter.targets: {error}"))?,
            rank_stabilised: self.rank_stabilised,
        };
        config.validate().map_err(|error| match error {
            EngineError::Config { field, value, reason } => {
                // The engine names the fields as PEFT does.
                let key = match field {
                    "r" => "rank",
                    "lora_alpha" => "alpha",
                    "lora_dropout" => "dropout",
                    "target_modules" => "targets",
                    other => other,
                };
                format!("adapter.{key} = {value}: {reason}")
            }
            other => other.to_string(),
        })?;
        Ok((self.rank > 0).then_some(config))
    }
}

section! {
    /// The tokenizer, trained before the model on prompts, traces and answers of the training split.
    pub struct TokenizerSection {
        /// Upper limit on the number of tokens, special tokens included.
        vocab_size: usize = 1024,
        /// Training texts per task.
        texts_per_task: usize = 1500,
    }
}

section! {
    /// Where examples come from.
    pub struct DataSection {
        /// `gym` (generated, unlimited), `files` (public files read by the importers) or `prepared` (a folder that
        /// `chemr data prepare` made).
        source: String = "gym".into(),
        /// Task ids, in the order of reports; empty = every task of the files; of the gym those with a protocol, which all phases can train.
        tasks: Vec<String> = Vec::new(),
        /// Difficulty levels of the gym, mixed equally.
        levels: Vec<u8> = vec![1],
        /// Seed of the gym; separate from `run.seed`, so that held-out examples stay the same over seeds.
        gym_seed: u64 = 1,
        /// Folder of the files, or the prepared folder; `$NAME` is replaced by that environment variable.
        root: String = "$CHEMR_DATA".into(),
        /// Importers to read, by name: uspto50k_retro, uspto50k_forward, pubchem_iupac, pubchem_formula, moleculenet_bbbp.
        imports: Vec<String> = Vec::new(),
        /// Keep at most this many training rows per importer, or of each task of a prepared folder; 0 = all.
        max_rows: usize = 0,
        /// The foundation phase takes the token shards of the prepared folder (docs/prepare.md), in the mixture that it was prepared with,
        /// in place of equal numbers of rows of each task.
        shards: bool = false,
        /// Rows of each task in a round of the supervised phases, in the order of the tasks; empty = one each.
        shares: Vec<u32> = Vec::new(),
        /// Steps of data made ahead of the trainer in one block.
        block_steps: usize = 32,
    }
}

section! {
    /// The words of the questions.
    pub struct PromptsSection {
        /// A file of prompts, which says what differs from those of the program (docs/prompts.md); empty = those of the program. The run keeps
        /// what was used as `prompts.toml`.
        file: String = String::new(),
    }
}

section! {
    /// A supervised phase: foundation (answers alone) or distillation (verified expert traces).
    pub struct SupervisedSection {
        /// Run this phase.
        enabled: bool = true,
        /// Optimizer steps.
        steps: u64 = 1000,
        /// Tokens per step, prompts included, on average; sequences are packed without padding.
        batch_tokens: usize = 4096,
        /// Rows longer than this are dropped, with a count, never cut.
        max_tokens: usize = 256,
        /// Peak learning rate.
        learning_rate: f32 = 3e-3,
        /// `cosine`, `linear`, `wsd` (warm-up, stable, decay) or `constant`.
        schedule: ScheduleKind = ScheduleKind::Cosine,
        /// Steps of linear warm-up.
        warmup_steps: u64 = 50,
        /// Final learning rate as a share of the peak (cosine, linear and wsd).
        final_ratio: f32 = 0.05,
        /// Share of the steps in the decay part (wsd).
        decay_share: f32 = 0.3,
        /// AdamW: decay of the first moment.
        beta1: f32 = 0.9,
        /// AdamW: decay of the second moment.
        beta2: f32 = 0.95,
        /// AdamW: epsilon.
        epsilon: f32 = 1e-8,
        /// AdamW: weight decay, decoupled.
        weight_decay: f32 = 0.05,
        /// Clip the global gradient norm here; 0 = off.
        max_grad_norm: f32 = 1.0,
        /// Weight of prompt tokens in the loss (completion tokens have weight 1); 0 = completions only.
        prompt_weight: f32 = 0.0,
    }
}

section! {
    /// GRPO: reinforcement learning with the tasks' own verdicts (strict answer grammar).
    pub struct GrpoSection {
        /// Run this phase.
        enabled: bool = true,
        /// Iterations: one round of sampling and the optimizer steps on it.
        steps: u64 = 40,
        /// Prompts of each task in an iteration (the same number for every task).
        prompts_per_task: usize = 8,
        /// Completions per prompt (the group).
        group_size: usize = 8,
        /// Longest completion in tokens; longer ones are cut and earn nothing. Sampling is from the model's own distribution
        /// (temperature 1, no top-p or top-k), of which the objective's ratio speaks.
        max_new_tokens: usize = 160,
        /// Optimizer steps per pass over an iteration's completions.
        mini_batches: usize = 2,
        /// Passes over an iteration's completions.
        epochs: usize = 1,
        /// Tokens per forward and backward pass (memory only; the result does not depend on it).
        micro_tokens: usize = 8192,
        /// Peak learning rate.
        learning_rate: f32 = 2e-4,
        /// `constant`, `cosine`, `linear` or `wsd`, over all iterations.
        schedule: ScheduleKind = ScheduleKind::Constant,
        /// Iterations of linear warm-up.
        warmup_steps: u64 = 2,
        /// Final learning rate as a share of the peak (cosine, linear and wsd).
        final_ratio: f32 = 0.1,
        /// Share of the iterations in the decay part (wsd).
        decay_share: f32 = 0.3,
        /// AdamW: decay of the first moment.
        beta1: f32 = 0.9,
        /// AdamW: decay of the second moment.
        beta2: f32 = 0.95,
        /// AdamW: epsilon.
        epsilon: f32 = 1e-8,
        /// AdamW: weight decay, decoupled.
        weight_decay: f32 = 0.0,
        /// Clip the global gradient norm here; 0 = off.
        max_grad_norm: f32 = 1.0,
        /// Lower clip of the probability ratio: 1 - clip_low.
        clip_low: f32 = 0.2,
        /// Upper clip of the probability ratio: 1 + clip_high.
        clip_high: f32 = 0.28,
        /// Divide the advantage by the group's standard deviation (plain GRPO); false = mean removed only.
        normalise_std: bool = true,
        /// Added to the standard deviation.
        advantage_epsilon: f32 = 1e-4,
        /// Weight of the KL term (k3 estimator) to the model this phase started from; 0 = off.
        kl: f32 = 0.0,
        /// The log-ratio inside the KL term is clamped to plus or minus this.
        kl_clamp: f32 = 10.0,
        /// Reward for the strict completion grammar.
        format_weight: f32 = 0.1,
        /// Reward for a right answer in the strict grammar.
        accuracy_weight: f32 = 0.9,
        /// Reward for the share of true claims among the checked ones of a trace in the strict grammar; 0 = claims are not
        /// checked.
        claims_weight: f32 = 0.0,
        /// Leave completions out of the loss that reached `max_new_tokens` without an end.
        mask_truncated: bool = false,
        /// Write sampled completions every this many iterations; 0 = never.
        samples_every: u64 = 10,
    }
}

optimizer!(SupervisedSection, GrpoSection);

section! {
    /// Evaluation after each phase.
    pub struct EvalSection {
        /// Held-out examples per task.
        examples_per_task: usize = 100,
        /// `test` or `valid`.
        split: String = "test".into(),
        /// Longest completion in tokens.
        max_new_tokens: usize = 192,
        /// Evaluation samples kept per task for the report.
        samples_per_task: usize = 24,
        /// Evaluate after the foundation phase too (false saves time).
        after_foundation: bool = true,
        /// Evaluate after the distillation phase too (false saves time).
        after_distill: bool = true,
    }
}

/// A complete, resolved recipe.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// The run as a whole.
    pub run: RunSection,
    /// Model sizes.
    pub model: ModelSection,
    /// Adapter training.
    pub adapter: AdapterSection,
    /// Tokenizer training.
    pub tokenizer: TokenizerSection,
    /// Where examples come from.
    pub data: DataSection,
    /// The words of the questions.
    pub prompts: PromptsSection,
    /// Phase 1.
    pub foundation: SupervisedSection,
    /// Phase 2.
    pub distill: SupervisedSection,
    /// Phase 3.
    pub grpo: GrpoSection,
    /// Evaluation after each phase.
    pub eval: EvalSection,
}

/// Section name, its purpose, and its keys with documentation, in the order of the file.
pub(crate) type SectionDocs = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

impl Recipe {
    /// Documentation of every section and key.
    pub(crate) const DOCS: &'static [SectionDocs] = &[
        ("run", RunSection::ABOUT, RunSection::KEYS),
        ("model", ModelSection::ABOUT, ModelSection::KEYS),
        ("adapter", AdapterSection::ABOUT, AdapterSection::KEYS),
        ("tokenizer", TokenizerSection::ABOUT, TokenizerSection::KEYS),
        ("data", DataSection::ABOUT, DataSection::KEYS),
        ("prompts", PromptsSection::ABOUT, PromptsSection::KEYS),
        ("foundation", SupervisedSection::ABOUT, SupervisedSection::KEYS),
        ("distill", SupervisedSection::ABOUT, SupervisedSection::KEYS),
        ("grpo", GrpoSection::ABOUT, GrpoSection::KEYS),
        ("eval", EvalSection::ABOUT, EvalSection::KEYS),
    ];

    /// The recipe without the keys that change no weight: its name, threads, checkpoints, log lines, whether activations
    /// are computed again, and where the prompts stand (a run is identified by what they say). A run may be resumed with other
    /// values of these.
    pub(crate) fn essence(&self) -> Self {
        let RunSection { seed, precision, .. } = self.run;
        let kept = RunSection { seed, precision, ..RunSection::default() };
        Self { run: kept, prompts: PromptsSection::default(), ..self.clone() }
    }

    /// The prompts that the recipe names.
    ///
    /// # Errors
    /// The file cannot be read, or is no file of prompts; with its line.
    pub fn load_prompts(&self) -> Result<Prompts, TrainError> {
        match self.prompts.file.as_str() {
            "" => Ok(Prompts::builtin().clone()),
            file => Prompts::load(Path::new(file)).map_err(TrainError::data("prompts.file")),
        }
    }

    /// Whether a phase is enabled, and its number of steps.
    pub(crate) fn phase(&self, phase: PhaseKind) -> (bool, u64) {
        match phase {
            PhaseKind::Foundation => (self.foundation.enabled, self.foundation.steps),
            PhaseKind::Distill => (self.distill.enabled, self.distill.steps),
            PhaseKind::Grpo => (self.grpo.enabled, self.grpo.steps),
        }
    }

    /// The recipe for one phase alone, starting from the model folder `from` (a checkpoint of an earlier phase), or as
    /// `model` says when `from` is `None`.
    #[must_use]
    pub fn only(mut self, phase: PhaseKind, from: Option<&Path>) -> Self {
        if let Some(from) = from {
            self.model.from = from.display().to_string();
        }
        self.foundation.enabled = phase == PhaseKind::Foundation;
        self.distill.enabled = phase == PhaseKind::Distill;
        self.grpo.enabled = phase == PhaseKind::Grpo;
        self
    }
}
