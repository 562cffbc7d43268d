//! `chemr merge`: an adapter added to its base.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};
use chemr_data::tell;
use chemr_engine::hf::GENERATION_CONFIG_FILE;
use chemr_engine::{EngineError, Precision, load_merged_folder, save_folder_with};

use crate::exit::{Outcome, say};
use crate::models;

const EXAMPLES: &str = "Examples:
  chemr merge runs/adapter-001 --out models/merged
  chemr merge my-adapter --base models/base --out models/merged";

/// Write the model that computes without the adapter what its base computes with it, as a Hugging Face folder in single
/// precision.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Adapter folder, or run folder (its newest checkpoint).
    #[arg(value_name = "ADAPTER")]
    adapter: PathBuf,
    /// Folder to make; an existing one is never overwritten.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The model that the adapter belongs to; by default the one that its adapter_config.json names.
    #[arg(long, value_name = "DIR")]
    base: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let out = &arguments.out;
    if out.exists() {
        bail!("{} exists already and is not overwritten; name another folder with --out", out.display());
    }
    let found = models::find(models::resolve(&arguments.adapter)?, arguments.base.as_deref())?;
    let Some(base) = &found.base else {
        bail!("{} is a whole model: there is no adapter to merge", found.folder.display());
    };
    let (adapter, base_name) = (found.folder.display(), base.display());
    let merged = load_merged_folder(base, &found.folder);
    let (model, tokenizer) = merged.with_context(|| format!("adapter {adapter} on model {base_name}"))?;
    save_folder_with(out, &model, &tokenizer, |partial| {
        // How to generate is the base's to say: its temperature and its end tokens stay.
        let of_base = base.join(GENERATION_CONFIG_FILE);
        if of_base.is_file() {
            let copied = fs::copy(&of_base, partial.join(GENERATION_CONFIG_FILE));
            copied.map_err(|source| EngineError::Io { operation: "copy", path: of_base, source })?;
        }
        Ok(())
    })?;
    let trained_on = found.trained_base();
    if trained_on != Precision::Single {
        tell!(
            "it was trained on the model in {trained_on} and is merged into the exact one: answers can differ a little"
        );
    }
    say!("adapter {adapter} merged into {base_name}: {}", out.display())?;
    Ok(Outcome::Done)
}
