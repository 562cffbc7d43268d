//! `chemr serve`: scoring over HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use chemr_serve::{Options, Server};

use crate::exit::{Outcome, say};
use crate::interrupt;

const EXAMPLES: &str = "The token can also stand in the environment variable CHEMR_TOKEN, where other users of the machine do not see it.

Examples:
  chemr serve --score-only
  curl -s localhost:8000/v1/score -d '{\"task\": \"name.smiles_to_formula\", \"items\": [{\"completion\": \"<think>C2</think><answer>C2H6O</answer>\", \"reference\": \"C2H6O\"}]}'
  CHEMR_TOKEN=secret chemr serve --score-only --listen 0.0.0.0:8000";

/// Serve over HTTP: verdicts for batches of completions.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Score completions; no model is loaded.
    #[arg(long, required = true)]
    score_only: bool,
    /// Address and port; others than this machine's own want a token.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000")]
    listen: SocketAddr,
    /// What requests have to carry as `Authorization: Bearer TOKEN`.
    #[arg(long)]
    token: Option<String>,
    /// Largest body of a request, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    max_body: u16,
    /// Most rows of a request.
    #[arg(long, value_name = "ROWS", default_value_t = 16384)]
    max_rows: usize,
    /// Longest time for one row, in milliseconds; later its verdict is `timeout`.
    #[arg(long, value_name = "MS", default_value_t = 5000, value_parser = clap::value_parser!(u64).range(1..))]
    deadline: u64,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let named = std::env::var("CHEMR_TOKEN").ok().filter(|token| !token.is_empty());
    let options = Options {
        address: arguments.listen,
        token: arguments.token.clone().or(named),
        max_body: usize::from(arguments.max_body) << 20,
        max_rows: arguments.max_rows,
        deadline: Duration::from_millis(arguments.deadline),
    };
    let server = Server::bind(options).context("chemr serve")?;
    say!("listening on http://{}", server.address()?)?;
    server.run(interrupt::stop_flag())?;
    Ok(Outcome::Done)
}
