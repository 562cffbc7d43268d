//! `chemr doctor`: is this machine ready, and how fast is it.

use std::path::Path;
use std::time::Instant;

use chemr_chem::Mol;
use chemr_data::import::importers;
use chemr_engine::{AdamWConfig, CrossEntropy, Model, ModelConfig, PackedBatch, Trainer};
use chemr_train::Host;
use serde_json::{Value, json};

use crate::exit::{Outcome, say};
use crate::{environment, models};

const EXAMPLES: &str = "Examples:
  chemr doctor
  chemr doctor --json";

/// Check the machine: processor, memory, toolkit, engine, run folder and data.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

struct Check {
    name: &'static str,
    status: Status,
    fact: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Ok,
    /// Some commands will not work, or not as asked.
    Warning,
    Failed,
}

impl Status {
    fn of(passed: bool) -> Status {
        if passed { Status::Ok } else { Status::Failed }
    }

    /// Mark of the line, and word in JSON.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Status::Ok => ("ok  ", "ok"),
            Status::Warning => ("warn", "warning"),
            Status::Failed => ("FAIL", "failed"),
        }
    }
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let mut checks = vec![processor(), memory(), toolkit(), engine(), writable()];
    checks.push(data(std::env::var_os("CHEMR_DATA").as_deref().map(Path::new)));
    let complaints = environment::complaints().into_iter();
    checks.extend(complaints.map(|fact| Check { name: "settings", status: Status::Warning, fact }));
    let passed = checks.iter().all(|check| check.status != Status::Failed);
    if arguments.json {
        let checks: Vec<Value> = checks
            .iter()
            .map(|check| {
                let passed = check.status != Status::Failed;
                json!({"name": check.name, "passed": passed, "status": check.status.words().1, "fact": check.fact})
            })
            .collect();
        say!("{}", json!({"version": env!("CARGO_PKG_VERSION"), "passed": passed, "checks": checks}))?;
    } else {
        say!("chemr {}", env!("CARGO_PKG_VERSION"))?;
        for check in &checks {
            say!("{}  {:<10} {}", check.status.words().0, check.name, check.fact)?;
        }
    }
    if passed { Ok(Outcome::Done) } else { anyhow::bail!("a check failed; each FAIL line says what is needed") }
}

fn processor() -> Check {
    let host = Host::read(chemr_engine::threads());
    let fact = format!(
        "{}, {} cores, {} computing threads, kernels {}",
        host.cpu,
        host.cores,
        host.threads,
        chemr_engine::kernel_name()
    );
    Check { name: "processor", status: Status::Ok, fact }
}

/// The quickstart needs under 4 GB.
fn memory() -> Check {
    match models::free_memory().map(|bytes| bytes / 1024) {
        Some(kib) => Check {
            name: "memory",
            status: Status::of(kib >= 2 << 20),
            fact: format!("{:.1} GiB available; quickstart wants 2", kib as f64 / f64::from(1 << 20)),
        },
        None => {
            let fact = "unknown on this system; quickstart wants 2 GiB".to_owned();
            Check { name: "memory", status: Status::Ok, fact }
        }
    }
}

/// Values of RDKit 2026.9.1 for acetylsalicylic acid.
fn toolkit() -> Check {
    let wanted = ("CC(=O)Oc1ccccc1C(=O)O", "C9H8O4", "BSYNRYMUTXBXSQ-UHFFFAOYSA-N");
    let found = Mol::parse("OC(=O)c1ccccc1OC(C)=O")
        .map(|mol| (mol.canonical().to_owned(), mol.formula(), mol.inchikey().unwrap_or_default()));
    match found {
        Ok((canonical, formula, key)) if (canonical.as_str(), formula.as_str(), key.as_str()) == wanted => Check {
            name: "chemistry",
            status: Status::Ok,
            fact: "canonical SMILES, formula and InChIKey of a known compound agree with RDKit 2026.9.1".to_owned(),
        },
        other => {
            let fact = format!("a known compound gives {other:?}; reinstall");
            Check { name: "chemistry", status: Status::Failed, fact }
        }
    }
}

/// A few steps on a fixed batch: the loss must fall, and the pace is what training will have.
fn engine() -> Check {
    let (passed, fact) = match training_pace() {
        Ok((first, last, pace)) => (
            last < first,
            format!("{pace:.0} training tokens per second (2 M parameters, loss {first:.3} to {last:.3})"),
        ),
        Err(error) => (false, error.to_string()),
    };
    Check { name: "engine", status: Status::of(passed), fact }
}

fn training_pace() -> anyhow::Result<(f64, f64, f64)> {
    let config = ModelConfig {
        vocab_size: 1024,
        hidden_size: 192,
        intermediate_size: 512,
        num_hidden_layers: 4,
        num_attention_heads: 6,
        num_key_value_heads: 3,
        head_dim: 32,
        max_position_embeddings: 256,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        tie_word_embeddings: true,
        bos_token_id: None,
        eos_token_id: None,
        more_eos_token_ids: Vec::new(),
        pad_token_id: None,
    };
    let mut trainer = Trainer::new(Model::init(config, 1)?, AdamWConfig::default());
    let mut batch = PackedBatch::new();
    for sequence in 0..32u32 {
        let tokens: Vec<u32> = (0..128).map(|position| (sequence * 131 + position * position) % 1024).collect();
        batch.push(&tokens, &[1.0; 127])?;
    }
    let objective = CrossEntropy { denominator: batch.weight_sum() as f32 };
    let mut losses = Vec::new();
    let mut started = Instant::now();
    for step in 0..6 {
        if step == 1 {
            // The first step plans the buffers.
            started = Instant::now();
        }
        losses.push(trainer.accumulate(&batch, &objective)?.loss_sum);
        trainer.step(1e-3, Some(1.0));
    }
    let pace = 5.0 * batch.tokens.len() as f64 / started.elapsed().as_secs_f64();
    Ok((losses[0], losses[5], pace))
}

fn writable() -> Check {
    let probe = Path::new(".chemr-doctor");
    let outcome = std::fs::write(probe, b"x").and_then(|()| std::fs::remove_file(probe));
    match outcome {
        Ok(()) => {
            let fact = "this folder is writable; runs go to runs/".to_owned();
            Check { name: "folder", status: Status::Ok, fact }
        }
        Err(error) => {
            let fact = format!("this folder is not writable ({error}); use --out");
            Check { name: "folder", status: Status::Failed, fact }
        }
    }
}

fn data(root: Option<&Path>) -> Check {
    let check = |status, fact| Check { name: "data", status, fact };
    let Some(root) = root else {
        let fact = "CHEMR_DATA is not set: fine for quickstart, needed by recipes that read files (docs/data.md)";
        return check(Status::Ok, fact.to_owned());
    };
    let is = format!("CHEMR_DATA is {}", root.display());
    if !root.is_dir() {
        return check(Status::Warning, format!("{is}, which is no folder; recipes that read files will fail"));
    }
    let mut folders: Vec<&str> = importers().iter().map(|importer| importer.folder).collect();
    folders.dedup();
    let (there, missing): (Vec<&str>, Vec<&str>) = folders.into_iter().partition(|name| root.join(name).is_dir());
    match (there.is_empty(), missing.is_empty()) {
        (_, true) => check(Status::Ok, format!("{is}, with {}", there.join(", "))),
        (true, _) => {
            let fact = format!("{is}, which holds none of the folders {} (docs/data.md)", missing.join(", "));
            check(Status::Warning, fact)
        }
        _ => {
            let (there, missing) = (there.join(", "), missing.join(", "));
            check(Status::Ok, format!("{is}, with {there}, without {missing} (docs/data.md)"))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_data_folder_without_data_is_warned_about() {
        let folder = tempfile::tempdir().unwrap();
        let (empty, set) = (folder.path().join("empty"), folder.path().join("set"));
        std::fs::create_dir(&empty).unwrap();
        std::fs::create_dir_all(set.join("uspto-50k")).unwrap();
        for (root, status, wanted) in [
            (None, "ok", "is not set"),
            (Some(folder.path().join("nothing")), "warning", "no folder"),
            (Some(empty), "warning", "docs/data.md"),
            (Some(set), "ok", "without pubchem-iupac, moleculenet"),
        ] {
            let check = data(root.as_deref());
            assert!(check.status.words().1 == status && check.fact.contains(wanted), "{}", check.fact);
        }
    }
}
