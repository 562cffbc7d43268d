//! `chemr data fetch`: download datasets.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use chemr_data::sources::{
    ClientOptions, Dataset, Fault, FetchError, FetchOptions, FileStatus, Mirrors, ProxyChoice, Report, RetryPolicy,
    Role, Selection, Wanted, fetch, hub,
};
use chemr_data::tell;
use chemr_data::wording::counted;
use indicatif::DecimalBytes;

use super::display::Display;
use super::registry::RegistryArguments;
use crate::exit::{Outcome, say};
use crate::interrupt;

/// Where datasets go when neither --dest nor CHEMR_DATA says.
const DEFAULT_DESTINATION: &str = "data";

const EXAMPLES: &str = "Files go to DIR/DATASET/original/REPOSITORY/PATH, and SOURCE.json beside them says where they came from and under which licence. A \
file appears under its name only after its hash was checked; what was interrupted goes on with the same command.

Exit codes: 0 all files are there and checked, 1 a registry file is broken, 2 wrong usage, 4 network (no server, no complete answer, or --offline), 5 the \
bytes are not those of the registry, 6 the server does not have the file or refuses it, 7 the destination (full, read-only, or a file over --max-size), 130 \
stopped by Ctrl-C. When files fail for several reasons, the first of 130, 2, 7, 5, 6 and 4 counts.

Environment: CHEMR_DATA (destination), HTTPS_PROXY and NO_PROXY, CHEMR_MIRROR (as --mirror), HF_ENDPOINT (instead of https://huggingface.co), SSL_CERT_FILE (PEM \
file of the authorities to trust).

Examples:
  chemr data fetch chebi20 moleculenet --dest data
  chemr data fetch uspto-50k --role test --dry-run
  chemr data fetch qm9 --mirror https://mirror.example/github
  chemr data fetch hf:OWNER/REPOSITORY@REVISION:data/train.parquet#sha256=HEX";

/// Download datasets, each file checked against the hash that the registry has of it.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Datasets, or files on the Hugging Face hub as hf:OWNER/REPOSITORY@REVISION:PATH[#sha256=HEX].
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    #[command(flatten)]
    registry: RegistryArguments,
    /// Folder that gets a folder for each dataset; by default $CHEMR_DATA, else `data`.
    #[arg(long, value_name = "DIR")]
    dest: Option<PathBuf>,
    /// Also the optional files: other versions, large or rarely wanted ones.
    #[arg(long)]
    all: bool,
    /// Only files with this role (repeatable).
    #[arg(long = "role", value_name = "ROLE", value_parser = role_parser())]
    roles: Vec<Role>,
    /// Only files whose path contains TEXT, optional ones among them (repeatable).
    #[arg(long = "file", value_name = "TEXT")]
    texts: Vec<String>,
    /// Ask this address instead of the files' hosts, or HOST=URL for one host (repeatable).
    #[arg(long = "mirror", value_name = "URL")]
    mirrors: Vec<String>,
    /// Proxy, http://HOST:PORT or socks5://HOST:PORT; `none` for none in spite of HTTPS_PROXY.
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// Files at a time.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: u8,
    /// Attempts after a failed one that brought nothing new.
    #[arg(long, value_name = "N", default_value_t = 4)]
    retries: u32,
    /// Seconds without a byte after which a connection counts as dead.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    timeout: u32,
    /// Largest file in MiB to take when its length is not known beforehand.
    #[arg(long, value_name = "MIB", default_value_t = 2048, value_parser = clap::value_parser!(u32).range(1..))]
    max_size: u32,
    /// Take a file of the hub whose hash is not known; what came is recorded in SOURCE.json.
    #[arg(long)]
    allow_unpinned: bool,
    /// Download again and replace what is there.
    #[arg(long)]
    force: bool,
    /// Only check what is there, and tell what is missing.
    #[arg(long)]
    offline: bool,
    /// Only tell what would be downloaded.
    #[arg(long)]
    dry_run: bool,
    /// The result as one JSON object.
    #[arg(long)]
    json: bool,
}

fn role_parser() -> impl clap::builder::TypedValueParser<Value = Role> {
    use clap::builder::TypedValueParser;
    clap::builder::PossibleValuesParser::new(Role::ALL.map(Role::name))
        .try_map(|name| Role::ALL.into_iter().find(|role| role.name() == name).ok_or("no role of this name"))
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let datasets = datasets(arguments)?;
    let selection = Selection { all: arguments.all, roles: arguments.roles.clone(), texts: arguments.texts.clone() };
    let mut wanted: Vec<Wanted> = Vec::new();
    for dataset in &datasets {
        wanted.extend(selection.of(dataset)?);
    }
    let options = options(arguments)?;
    let display = Display::new(wanted.iter().map(|Wanted { dataset, file }| format!("{} {}", dataset.name, file.path)));
    let report = fetch(&wanted, &options, interrupt::resumable_stop_flag(), &|event| display.show(event))?;
    let told = if arguments.json {
        let text = serde_json::to_string(&report)?;
        say!("{text}")
    } else {
        summarise(&datasets, &report)
    };
    let Some(fault) = report.fault() else {
        told?;
        return Ok(Outcome::Done);
    };
    // A reader that went away (`| head`) does not make the missing files less missing: the fault's exit code counts.
    let files = report.files.len() as u64;
    let complete = (report.count(FileStatus::Fetched) + report.count(FileStatus::Present)) as u64;
    if fault == Fault::Interrupted {
        let files = counted(files, "file", "files");
        tell!("chemr: stopped; {complete} of {files} complete, and the same command goes on from here");
    } else {
        tell!("chemr: {}", unfinished(files, complete, report.count(FileStatus::Differs) as u64));
    }
    Ok(Outcome::Faulty(fault))
}

/// How many files are not there, and how many are others than they should be.
fn unfinished(files: u64, complete: u64, differ: u64) -> String {
    let missing = files - complete - differ;
    let of = |number: u64, one: &str, several: &str| {
        let files = counted(files, "file", "files");
        (number > 0).then(|| format!("{number} of {files} {}", if number == 1 { one } else { several }))
    };
    let differ = of(differ, "differs from the registry", "differ from the registry");
    let missing = of(missing, "was not fetched", "were not fetched");
    [differ, missing].into_iter().flatten().collect::<Vec<String>>().join(", ")
}

/// Each dataset once, in the order of the command line.
fn datasets(arguments: &Arguments) -> Result<Vec<Dataset>, FetchError> {
    let registry = arguments.registry.load()?;
    let mut seen = BTreeSet::new();
    let names = arguments.names.iter().filter(|name| seen.insert(name.as_str()));
    names
        .map(|name| match hub::is_address(name) {
            true => hub::dataset(name, arguments.allow_unpinned),
            false => registry.find(name).cloned(),
        })
        .collect()
}

fn options(arguments: &Arguments) -> Result<FetchOptions, FetchError> {
    let path = |name| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let destination = arguments.dest.clone().or_else(|| path("CHEMR_DATA"));
    let proxy = match arguments.proxy.as_deref() {
        None => ProxyChoice::Environment,
        Some("none") => ProxyChoice::None,
        Some(address) => ProxyChoice::Address(address.to_owned()),
    };
    Ok(FetchOptions {
        destination: destination.unwrap_or_else(|| DEFAULT_DESTINATION.into()),
        client: ClientOptions {
            idle_timeout: Duration::from_secs(arguments.timeout.into()),
            proxy,
            certificates: path("SSL_CERT_FILE"),
            ..ClientOptions::default()
        },
        mirrors: Mirrors::from_environment(&arguments.mirrors)?,
        retry: RetryPolicy { retries: arguments.retries, ..RetryPolicy::default() },
        jobs: arguments.jobs.into(),
        max_bytes: u64::from(arguments.max_size) << 20,
        force: arguments.force,
        offline: arguments.offline,
        dry_run: arguments.dry_run,
    })
}

/// What is there now, dataset by dataset, and on which terms.
fn summarise(datasets: &[Dataset], report: &Report) -> std::io::Result<()> {
    for dataset in datasets {
        let files = || report.files.iter().filter(|file| file.dataset == dataset.name);
        let there = || files().filter(|file| matches!(file.status, FileStatus::Fetched | FileStatus::Present));
        let bytes: u64 = there().filter_map(|file| file.bytes).sum();
        let (complete, wanted) = (there().count(), files().count());
        let folder = report.destination.join(dataset.folder());
        let wanted = counted(wanted as u64, "file", "files");
        say!("{}: {complete} of {wanted}, {}, in {}", dataset.name, DecimalBytes(bytes), folder.display())?;
        say!("  licence  {}", dataset.licence)?;
        say!("  cite     {}", dataset.citation)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_and_what_differs_are_two_things() {
        assert_eq!(unfinished(1, 0, 1), "1 of 1 file differs from the registry");
        assert_eq!(unfinished(1, 0, 0), "1 of 1 file was not fetched");
        assert_eq!(unfinished(9, 3, 2), "2 of 9 files differ from the registry, 4 of 9 files were not fetched");
    }
}
