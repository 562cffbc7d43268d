//! `chemr doctor`: is this machine ready, and how fast is it.

use std::path::Path;
use std::time::Instant;

use chemr_chem::Mol;
use chemr_engine::{AdamWConfig, CrossEntropy, Model, ModelConfig, PackedBatch, Trainer};
use chemr_train::Host;
use serde_json::{Value, json};

use crate::exit::{Outcome, say};

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
    passed: bool,
    fact: String,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let checks = [processor(), memory(), toolkit(), engine(), writable(), data()];
    let passed = checks.iter().all(|check| check.passed);
    if arguments.json {
        let checks: Vec<Value> = checks
            .iter()
            .map(|check| json!({"name": check.name, "passed": check.passed, "fact": check.fact}))
            .collect();
        say!("{}", json!({"version": env!("CARGO_PKG_VERSION"), "passed": passed, "checks": checks}))?;
    } else {
        say!("chemr {}", env!("CARGO_PKG_VERSION"))?;
        for check in &checks {
            say!("{}  {:<10} {}", if check.passed { "ok  " } else { "FAIL" }, check.name, check.fact)?;
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
    Check { name: "processor", passed: true, fact }
}

/// The quickstart needs under 4 GB.
fn memory() -> Check {
    let available = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?.to_owned();
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    match available {
        Some(kib) => Check {
            name: "memory",
            passed: kib >= 2 << 20,
            fact: format!("{:.1} GiB available; quickstart wants 2", kib as f64 / f64::from(1 << 20)),
        },
        None => {
            Check { name: "memory", passed: true, fact: "unknown on this system; quickstart wants 2 GiB".to_owned() }
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
            passed: true,
            fact: "canonical SMILES, formula and InChIKey of a known compound agree with RDKit 2026.9.1".to_owned(),
        },
        other => {
            Check { name: "chemistry", passed: false, fact: format!("a known compound gives {other:?}; reinstall") }
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
    Check { name: "engine", passed, fact }
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
        Ok(()) => Check { name: "folder", passed: true, fact: "this folder is writable; runs go to runs/".to_owned() },
        Err(error) => {
            Check { name: "folder", passed: false, fact: format!("this folder is not writable ({error}); use --out") }
        }
    }
}

fn data() -> Check {
    let fact = match std::env::var("CHEMR_DATA") {
        Ok(path) if Path::new(&path).is_dir() => format!("CHEMR_DATA is {path}"),
        Ok(path) => format!("CHEMR_DATA is {path}, which is no folder; recipes that read files will fail"),
        Err(_) => "CHEMR_DATA is not set: fine for quickstart, needed by recipes that read files".to_owned(),
    };
    Check { name: "data", passed: true, fact }
}
