//! Toolkit calls that cannot take the program down.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chemr_chem::{Gate, Mol};

use crate::verdict::Reason;

/// Longest answer text that is stored in a verdict, in bytes.
const STORED_ANSWER: usize = 1000;

/// Runs a toolkit call; a panic becomes `None`.
///
/// The values that go in are only read, and whatever was half built inside is dropped with the panic, so no broken
/// state is seen afterwards.
pub(crate) fn caught<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}

/// Parses an answer behind the gate for model text.
pub(crate) fn answer_molecule(text: &str) -> Result<Mol, Reason> {
    match caught(|| Mol::parse(text)) {
        Some(Ok(mol)) => Ok(mol),
        Some(Err(error)) => Err(Reason::Invalid(error.class)),
        None => Err(Reason::ToolkitPanic),
    }
}

/// Parses a reference or input field, which may be longer than an answer.
pub(crate) fn data_molecule(text: &str) -> Result<Mol, Reason> {
    match caught(|| Mol::parse_with(text, &Gate::DATA)) {
        Some(Ok(mol)) => Ok(mol),
        Some(Err(_)) => Err(Reason::BrokenExample),
        None => Err(Reason::ToolkitPanic),
    }
}

/// The answer as it is stored: cut at a character boundary when it is very long.
pub(crate) fn stored(answer: &str) -> String {
    let mut end = answer.len().min(STORED_ANSWER);
    while !answer.is_char_boundary(end) {
        end -= 1;
    }
    answer[..end].to_string()
}
