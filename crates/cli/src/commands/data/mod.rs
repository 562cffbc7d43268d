//! `chemr data`: rows of examples, one file per command.

pub mod export;

use crate::exit::Outcome;

/// Examples: write them in the forms that other programs read.
#[derive(clap::Args)]
#[command(arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Export(export::Arguments),
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    match &arguments.command {
        Command::Export(arguments) => export::run(arguments),
    }
}
