//! Exit codes, and what a failure prints.

use std::io::ErrorKind;
use std::process::ExitCode;

use chemr_data::DataError;
use chemr_data::audit::AuditError;
use chemr_data::export::ExportError;
use chemr_data::prepare::PrepareError;
use chemr_data::sources::{Fault, FetchError};
use chemr_data::tell;

/// How a command ended when it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All done.
    Done,
    /// Some lines of the input were invalid; each was reported in the output.
    InvalidInput,
    /// Ctrl-C; what was done is saved.
    Stopped,
    /// All done, and something was found that the user named as a failure.
    Found,
    /// Some files could not be downloaded; each was told.
    Faulty(Fault),
}

/// A line on standard output; `tell!` writes one to standard error. A closed pipe (`| head`) is an error to return, not a reason to panic as `println!` does.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write;
        writeln!(std::io::stdout().lock(), $($text)*)
    }};
}
pub(crate) use say;

/// Prints a failure and chooses the exit code.
pub fn code(outcome: anyhow::Result<Outcome>) -> ExitCode {
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::InvalidInput) => ExitCode::from(3),
        Ok(Outcome::Found) => ExitCode::from(8),
        Ok(Outcome::Stopped) => ExitCode::from(130),
        Ok(Outcome::Faulty(fault)) => ExitCode::from(fault_code(fault)),
        // `chemr mol - | head` closed the pipe: no failure worth a message.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            tell!("chemr: {}", message(&error));
            ExitCode::from(failure_code(&error))
        }
    }
}

fn failure_code(error: &anyhow::Error) -> u8 {
    if let Some(error) = error.downcast_ref::<FetchError>() {
        return fault_code(error.fault());
    }
    let is_usage = error.downcast_ref().is_some_and(PrepareError::is_usage)
        || error.downcast_ref().is_some_and(ExportError::is_usage)
        || error.downcast_ref().is_some_and(AuditError::is_usage)
        || error.downcast_ref().is_some_and(DataError::is_usage);
    if is_usage { 2 } else { 1 }
}

/// The exit codes of downloads; `chemr data fetch --help` lists them.
fn fault_code(fault: Fault) -> u8 {
    match fault {
        Fault::Registry => 1,
        Fault::Usage => 2,
        Fault::Network => 4,
        Fault::Verification => 5,
        Fault::Missing => 6,
        Fault::Disk => 7,
        Fault::Interrupted => 130,
    }
}

/// The error and its causes. Most of the project's errors name their cause themselves, which is not said again.
fn message(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |said, cause| {
        let cause = cause.to_string();
        match said.as_str() {
            "" => cause,
            _ if said.contains(&cause) => said,
            _ => format!("{said}: {cause}"),
        }
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|error| error.kind() == ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn a_reason_is_named_once() {
        let missing = std::fs::read_to_string("no such file").unwrap_err();
        let reason = missing.to_string();
        let error = chemr_train::TrainError::Io { operation: "read", path: "x".into(), source: missing };
        let said = message(&Err::<(), _>(error).context("the recipe").unwrap_err());
        assert!(said.starts_with(&format!("the recipe: read x: {reason}; ")), "{said}");
        assert_eq!(said.matches(&reason).count(), 1, "{said}");
    }
}
