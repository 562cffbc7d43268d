//! Project chores: `cargo xtask check` (everything CI runs), `cargo xtask features` and `cargo xtask licences`.

use std::process::{Command, ExitCode};
use std::time::Instant;

mod features;
mod licences;

const HELP: &str = "\
cargo xtask <COMMAND>

  check      format, features, clippy (warnings denied), tests, documentation, a short quickstart
  features   fail when a package alone builds its dependencies with other features than all packages together
  licences   write licences/dependencies.md from Cargo.lock
";

fn main() -> ExitCode {
    let command = std::env::args().nth(1);
    let outcome = match command.as_deref() {
        Some("check") => check(),
        Some("features") => features::check(),
        Some("licences") => licences::write(),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Runs every check in the order that fails fastest. The test command is the README's, so both
/// builds share one profile and one target folder.
fn check() -> Result<(), String> {
    let started = Instant::now();
    cargo("format", &["fmt", "--all", "--check"])?;
    features::check()?;
    cargo("tests", &["test", "--release"])?;
    cargo("clippy", &["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    documentation()?;
    licences::check()?;
    quickstart()?;
    println!("xtask: all checks passed in {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

fn documentation() -> Result<(), String> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["doc", "--release", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    run("documentation", command)
}

fn quickstart() -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("chemr-check-{}", std::process::id()));
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--release", "--", "quickstart", "--budget", "smoke", "--out"]).arg(&folder);
    let outcome = run("quickstart", command);
    let written = folder.join("summary.json").is_file() && folder.join("report.html").is_file();
    // The folder is only evidence; failing to remove it is no failed check.
    let _ = std::fs::remove_dir_all(&folder);
    outcome?;
    if written { Ok(()) } else { Err("quickstart ended without summary.json and report.html".to_owned()) }
}

fn cargo(name: &str, arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments);
    run(name, command)
}

fn run(name: &str, mut command: Command) -> Result<(), String> {
    println!("xtask: {name}");
    let started = Instant::now();
    let status = command.status().map_err(|error| format!("{name} could not start: {error}"))?;
    if !status.success() {
        return Err(format!("{name} failed ({status})"));
    }
    println!("xtask: {name} passed in {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}
