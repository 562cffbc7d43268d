//! `chemr data list`: the known datasets.

use serde_json::json;

use super::registry::{RegistryArguments, size};
use crate::exit::{Outcome, say};

const EXAMPLES: &str = "Examples:
  chemr data list
  chemr data list --json
  chemr data list --registry mine.toml";

/// List the datasets that `chemr data fetch` knows.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    registry: RegistryArguments,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let registry = arguments.registry.load()?;
    if !arguments.json {
        say!("{:<24} {:>5} {:>8}  {:<12} title", "dataset", "files", "optional", "size")?;
    }
    for dataset in registry.datasets() {
        let usual = || dataset.files.iter().filter(|file| !file.optional);
        let optional = dataset.files.len() - usual().count();
        if arguments.json {
            let row = json!({
                "name": dataset.name,
                "title": dataset.title,
                "licence": dataset.licence,
                "citation": dataset.citation,
                "files": usual().count(),
                "optional_files": optional,
                "bytes_known": usual().filter_map(|file| file.bytes).sum::<u64>(),
                "files_of_unknown_length": usual().filter(|file| file.bytes.is_none()).count(),
            });
            say!("{row}")?;
        } else {
            let (count, size) = match usual().count() {
                0 => ("-".to_owned(), "-".to_owned()),
                count => (count.to_string(), size(usual())),
            };
            say!("{:<24} {count:>5} {optional:>8}  {size:<12} {}", dataset.name, dataset.title)?;
        }
    }
    if !arguments.json {
        say!(
            "\n+ and ?: the length of some files is not known. `chemr data info NAME` tells licence, citation and files."
        )?;
    }
    Ok(Outcome::Done)
}
