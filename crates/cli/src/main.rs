//! `chemr`: arguments to calls. How things work is in the library crates.

// They panic when nobody reads any more: `say!` and `tell!` do not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod commands;
mod environment;
mod evaluator;
mod exit;
mod interrupt;
mod models;
mod program;
mod rows;
mod shots;
mod terminal;

use std::process::ExitCode;

use chemr_data::tell;
use clap::{Parser, Subcommand};

use crate::commands::{ask, data, doctor, eval, merge, mol, prompts, quickstart, report, run, score, serve, train};

/// The toolkit makes many small values: with the system's allocator a third of the time of reading a molecule goes there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EXIT_CODES: &str = "Exit codes: 0 success, 1 failure, 2 wrong usage, 3 some input lines were invalid, 4 to 7 a download failed (see `chemr data fetch --help`), 8 an audit found what `--fail-on` names, 130 stopped by Ctrl-C (resume with --resume).";

/// Teaches a language model to reason as a chemist, and checks every step it can.
#[derive(Parser)]
#[command(name = "chemr", version, after_help = EXIT_CODES, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Quickstart(quickstart::Arguments),
    Run(run::Arguments),
    Train(train::Arguments),
    Eval(eval::Arguments),
    Score(score::Arguments),
    Serve(serve::Arguments),
    Report(report::Arguments),
    Data(data::Arguments),
    Ask(ask::Arguments),
    Merge(merge::Arguments),
    Mol(mol::Arguments),
    Prompts(prompts::Arguments),
    Doctor(doctor::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Err(error) = interrupt::listen() {
        return exit::code(Err(error));
    }
    // The doctor tells them among its checks.
    if !matches!(arguments.command, Command::Doctor(_)) {
        for complaint in environment::complaints() {
            tell!("warning: {complaint}");
        }
    }
    let outcome = match arguments.command {
        Command::Quickstart(arguments) => quickstart::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Score(arguments) => score::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Data(arguments) => data::run(&arguments),
        Command::Ask(arguments) => ask::run(&arguments),
        Command::Merge(arguments) => merge::run(&arguments),
        Command::Mol(arguments) => mol::run(&arguments),
        Command::Prompts(arguments) => prompts::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
    };
    exit::code(outcome)
}
