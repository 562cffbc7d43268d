//! `chemr data`: rows of examples, one file per command.

pub mod import;

use crate::exit::Outcome;

/// Examples: make them of public files.
#[derive(clap::Args)]
#[command(arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Import(import::Arguments),
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    match &arguments.command {
        Command::Import(arguments) => import::run(arguments),
    }
}
