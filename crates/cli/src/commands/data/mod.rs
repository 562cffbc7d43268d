//! `chemr data`: public datasets and rows of examples, one file per command.

pub mod audit;
mod display;
pub mod export;
pub mod fetch;
pub mod import;
pub mod info;
pub mod list;
pub mod prepare;
mod registry;

use crate::exit::Outcome;

/// Public datasets: list, describe and download them; their rows as examples, audits of examples, and examples for other programs.
#[derive(clap::Args)]
#[command(arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    List(list::Arguments),
    Info(info::Arguments),
    Fetch(fetch::Arguments),
    Import(import::Arguments),
    Audit(audit::Arguments),
    Prepare(prepare::Arguments),
    Export(export::Arguments),
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    match &arguments.command {
        Command::List(arguments) => list::run(arguments),
        Command::Info(arguments) => info::run(arguments),
        Command::Fetch(arguments) => fetch::run(arguments),
        Command::Import(arguments) => import::run(arguments),
        Command::Audit(arguments) => audit::run(arguments),
        Command::Prepare(arguments) => prepare::run(arguments),
        Command::Export(arguments) => export::run(arguments),
    }
}
