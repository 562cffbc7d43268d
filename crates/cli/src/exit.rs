//! Exit codes, and what a failure prints.

use std::io::ErrorKind;
use std::process::ExitCode;

/// How a command ended when it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All done.
    Done,
    /// Some lines of the input were invalid; each was reported in the output.
    InvalidInput,
    /// Ctrl-C; what was done is saved.
    Stopped,
}

/// A line on standard output. A closed pipe (`| head`) is an error to return, not a reason to panic as `println!` does.
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
        Ok(Outcome::Stopped) => ExitCode::from(130),
        // `chemr mol - | head` closed the pipe: no failure worth a message.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chemr: {}", message(&error));
            ExitCode::FAILURE
        }
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
