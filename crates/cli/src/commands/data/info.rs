//! `chemr data info`: one dataset.

use chemr_data::sources::{Dataset, SourceFile};
use chemr_data::wording::counted;
use indicatif::DecimalBytes;

use super::registry::{RegistryArguments, size};
use crate::exit::{Outcome, say};

const EXAMPLES: &str = "Examples:
  chemr data info chebi20
  chemr data info uspto-50k --json";

/// Tell licence, citation and files of a dataset.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Name of the dataset.
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    registry: RegistryArguments,
    /// The registry's entry as JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let registry = arguments.registry.load()?;
    let dataset = registry.find(&arguments.name)?;
    if arguments.json {
        say!("{}", serde_json::to_string(dataset)?)?;
    } else {
        print(dataset)?;
    }
    Ok(Outcome::Done)
}

fn print(dataset: &Dataset) -> std::io::Result<()> {
    say!("{}: {}", dataset.name, dataset.title)?;
    say!("licence   {}", dataset.licence)?;
    say!("cite      {}", dataset.citation)?;
    if !dataset.note.is_empty() {
        say!("note      {}", dataset.note)?;
    }
    if dataset.files.is_empty() {
        return Ok(());
    }
    say!("folder    {}", dataset.folder().display())?;
    let usual = || dataset.files.iter().filter(|file| !file.optional);
    let files = counted(usual().count() as u64, "file", "files");
    say!("fetched   {files}, {}; files marked * only with --all or --file", size(usual()))?;
    say!("\n  {:<11} {:<8} {:>9} {:>10}  {:<8} path", "role", "format", "rows", "size", "hash")?;
    for file in &dataset.files {
        print_file(dataset, file)?;
    }
    Ok(())
}

fn print_file(dataset: &Dataset, file: &SourceFile) -> std::io::Result<()> {
    let mark = if file.optional { '*' } else { ' ' };
    let role = file.role.map_or("-", |role| role.name());
    let format = file.format.as_deref().unwrap_or("-");
    let rows = file.rows.map_or("?".to_owned(), |rows| rows.to_string());
    let size = file.bytes.map_or("?".to_owned(), |bytes| DecimalBytes(bytes).to_string());
    let hash = if file.sha256.is_some() { "SHA-256" } else { "git" };
    say!("{mark} {role:<11} {format:<8} {rows:>9} {size:>10}  {hash:<8} {}", file.path)?;
    let other = [
        (!file.note.is_empty()).then(|| file.note.clone()),
        file.licence
            .as_ref()
            .filter(|licence| **licence != dataset.licence)
            .map(|licence| format!("licence {licence}")),
        file.citation.as_ref().filter(|cite| **cite != dataset.citation).map(|cite| format!("cite {cite}")),
        (!file.copies.is_empty()).then(|| format!("copies {}", file.copies.len())),
    ];
    let other: Vec<String> = other.into_iter().flatten().collect();
    if other.is_empty() { Ok(()) } else { say!("{:>53} {}", "", other.join("; ")) }
}
