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
            eprintln!("chemr: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|error| error.kind() == ErrorKind::BrokenPipe)
}
