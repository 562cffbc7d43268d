//! `chemr data prepare`: examples to training rows and token shards.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use chemr_data::prepare::{Augment, Manifest, Options, Overlong, Packing, Share, SplitBy, Tokeniser, Tokens, prepare};
use chemr_data::tell;
use chemr_data::wording::{counted, thousands};
use chemr_engine::tokenizer::TOKENIZER_FILE;
use chemr_protocol::Trace;
use chemr_tasks::{Example, Prompts};
use chemr_train::{file_sha256, supervised_tokens};

use crate::exit::{Outcome, say};
use crate::models;

const EXAMPLES: &str = "The folder gets train.jsonl, valid.jsonl, test.jsonl and prepare.json (all that repeats it, and the numbers); with --tokenizer also token shards \
of training and validation, and dropped.jsonl with the rows that were too long. The same molecule is never in two splits. docs/prepare.md says how each \
part works, and what the shards look like. What is not as was probably meant (an empty split, no reaction aligned) is told as a warning, and in prepare.json.

Exit codes: 0 the rows are written, whatever was warned of; 1 a file cannot be read, a line is no example, a row is too long with --overlong fail, no training \
row is left, or the folder exists; 2 wrong usage.

Examples:
  chemr data prepare imported/uspto-50k --out prepared/uspto-50k
  chemr data prepare imported/* --split scaffold --valid 0.1 --test 0.1 --augment random:3 --temperature 2 --out prepared/mixture
  chemr data prepare imported/mapped --align 20 --out prepared/aligned
  chemr data prepare imported/uspto-50k --tokenizer runs/quickstart-001 --length 512 --overlong fail --out prepared/tokens";

/// Make training rows of examples: splits, spellings, root-aligned reactions, mixtures, shuffling, token shards.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Folders that `chemr data import` or this command made, and files with one example a line (JSON, plain or gzipped).
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// New folder for the results.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// How rows are divided: given, random, scaffold, time or cluster.
    #[arg(long, value_name = "KIND", default_value = "given")]
    split: SplitBy,
    /// Share of validation rows among all rows that are divided, whatever their tasks; of no effect on given splits.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    valid: f64,
    /// Share of test rows, beside those given as test, which stay; of no effect on given splits.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    test: f64,
    /// Seed of every random choice.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Meta field with a number or a date, for --split time.
    #[arg(long, value_name = "FIELD", default_value = "year")]
    time_field: String,
    /// Tanimoto similarity from which on a molecule joins a cluster, for --split cluster.
    #[arg(long, value_name = "SIMILARITY", default_value_t = 0.5)]
    similarity: f64,
    /// Further spellings of each training question: random:K or rooted:K. An aligned reaction gets K further alignments instead.
    #[arg(long, value_name = "KIND:K")]
    augment: Option<Augment>,
    /// Write mapped reactions root-aligned (R-SMILES), each for training from K roots; needs `data import --keep-maps`.
    #[arg(long, value_name = "K", default_value_t = 0)]
    align: usize,
    /// Most training rows of a task; `*` for the tasks that are not named (repeatable).
    #[arg(long, value_name = "TASK=N")]
    cap: Vec<Share<usize>>,
    /// Weight of a task in the mixture, 1 by default (repeatable).
    #[arg(long, value_name = "TASK=W")]
    weight: Vec<Share<f64>>,
    /// Share of a task with n rows is in proportion to n^(1/T): 1 keeps proportions, higher ones even them out.
    #[arg(long, value_name = "T", default_value_t = 1.0)]
    temperature: f64,
    /// Training rows of the mixture, before copies; as many as there are by default.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    rows: usize,
    /// Keep training rows in the order of the inputs instead of shuffling them.
    #[arg(long)]
    keep_order: bool,
    /// Count lines that are no examples instead of ending at the first.
    #[arg(long)]
    skip_bad: bool,
    /// Also write token shards, with the tokenizer and the chat template of this model folder or run folder.
    #[arg(long, value_name = "DIR")]
    tokenizer: Option<PathBuf>,
    /// Words of the questions in the shards; by default those of the tokenizer's run, else the program's.
    #[arg(long, value_name = "FILE", requires = "tokenizer")]
    prompts: Option<PathBuf>,
    /// Tokens of a packed sequence.
    #[arg(long, value_name = "L", default_value_t = Packing::default().length, requires = "tokenizer")]
    length: usize,
    /// What happens to rows of more tokens: drop (counted and listed) or fail. They are never cut.
    #[arg(long, value_name = "WHAT", value_parser = ["drop", "fail"], default_value = "drop", requires = "tokenizer")]
    overlong: String,
    /// A shard ends when it holds so many tokens.
    #[arg(long, value_name = "N", default_value_t = Packing::default().shard_tokens, requires = "tokenizer")]
    shard_tokens: usize,
    /// Print the content of prepare.json.
    #[arg(long)]
    json: bool,
}

fn options(arguments: &Arguments) -> Options {
    let overlong = if arguments.overlong == "fail" { Overlong::Fail } else { Overlong::Drop };
    let packing =
        Packing { length: arguments.length, overlong, shard_tokens: arguments.shard_tokens, ..Packing::default() };
    Options {
        inputs: arguments.paths.clone(),
        split: arguments.split,
        valid: arguments.valid,
        test: arguments.test,
        seed: arguments.seed,
        time_field: arguments.time_field.clone(),
        similarity: arguments.similarity,
        augment: arguments.augment,
        align: arguments.align,
        caps: by_task(&arguments.cap),
        weights: by_task(&arguments.weight),
        temperature: arguments.temperature,
        rows: arguments.rows,
        keep_order: arguments.keep_order,
        skip_bad: arguments.skip_bad,
        trace_text: Trace::text_of,
        packing,
    }
}

fn by_task<T: Copy>(shares: &[Share<T>]) -> BTreeMap<String, T> {
    shares.iter().map(|share| (share.task.clone(), share.number)).collect()
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let options = options(arguments);
    let manifest = match &arguments.tokenizer {
        None => prepare(&options, None, &arguments.out)?,
        Some(folder) => tokenised(&options, folder, arguments)?,
    };
    for warning in &manifest.warnings {
        tell!("warning: {warning}");
    }
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&manifest).context("the manifest")?)?;
    } else {
        print_summary(&manifest, &arguments.out)?;
    }
    Ok(Outcome::Done)
}

fn tokenised(options: &Options, folder: &Path, arguments: &Arguments) -> anyhow::Result<Manifest> {
    let (folder, tokenizer) = models::tokenizer(folder)?;
    if tokenizer.eos().is_none() {
        bail!("the tokenizer of {} names no end-of-sequence token, so no completion could end", folder.display());
    }
    let prompts = match &arguments.prompts {
        Some(file) => Prompts::load(file)?,
        None => models::trained_prompts(&folder)?.unwrap_or_else(|| Prompts::builtin().clone()),
    };
    let encode = |example: &Example, completion: Option<&str>| {
        let (prompt, completion) =
            supervised_tokens(&tokenizer, &prompts, example, completion).map_err(|error| error.to_string())?;
        let length = prompt.len();
        Ok(Tokens { ids: [prompt, completion].concat(), prompt: length })
    };
    let tokeniser = Tokeniser {
        encode: &encode,
        vocab_size: tokenizer.vocab_size(),
        sha256: file_sha256(&folder.join(TOKENIZER_FILE))?,
        prompts_sha256: prompts.sha256(),
    };
    Ok(prepare(options, Some(&tokeniser), &arguments.out)?)
}

fn print_summary(manifest: &Manifest, out: &Path) -> std::io::Result<()> {
    say!(
        "{:<26} {:<5} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "task",
        "split",
        "read",
        "divided",
        "mixture",
        "written",
        "too long"
    )?;
    for (task, splits) in &manifest.counts {
        for (split, counts) in splits {
            let (read, divided, mixture, written) = (counts.read, counts.split, counts.mixture, counts.written);
            say!("{task:<26} {split:<5} {read:>9} {divided:>9} {mixture:>9} {written:>9} {:>9}", counts.over_long)?;
        }
    }
    for (title, counts) in [
        ("lines that are no examples", &manifest.skipped),
        ("rows in no split", &manifest.left_out),
        ("copies that could not be made", &manifest.not_made),
        ("reactions that were not aligned", &manifest.unaligned),
    ] {
        if !counts.is_empty() {
            let told: Vec<String> = counts.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
            say!("{title}: {}", told.join(", "))?;
        }
    }
    if manifest.not_respelled > 0 {
        let rows = counted(manifest.not_respelled as u64, "training row", "training rows");
        say!("{rows} with one spelling: no molecule in the question, or one that must stay as it is")?;
    }
    for (split, distances) in &manifest.aligned {
        let (before, after) = distances.means();
        let pairs = counted(distances.rows, "aligned pair", "aligned pairs");
        say!("{split}: {pairs}, mean edit distance {before:.2} before, {after:.2} after")?;
    }
    for (split, packed) in &manifest.packed {
        say!(
            "{split}: {} in {}, {:.2} % filled, {} of them of completions, {}",
            counted(packed.tokens, "token", "tokens"),
            counted(packed.sequences, "sequence", "sequences"),
            100.0 * packed.filled,
            thousands(packed.completion_tokens),
            counted(packed.shards.len() as u64, "shard", "shards")
        )?;
    }
    let memory = manifest.peak_memory_bytes.map_or(String::new(), |bytes| format!(", at most {} MiB", bytes >> 20));
    let groups = counted(manifest.groups as u64, "group", "groups");
    say!("{groups}; {:.1} s{memory}", manifest.seconds.total)?;
    say!("{}", out.display())
}
