//! Verdicts that cannot take the program down.
//!
//! The chemistry layer turns the toolkit's panics into errors of the class `internal`; the one guard here stands around a
//! whole verdict, for the code of the tasks themselves.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chemr_chem::{ChemError, ErrorClass, Gate, Mol, Reading};

use crate::verdict::{Judgement, Reason};

/// Longest answer text that is stored in a verdict, in bytes.
const STORED_ANSWER: usize = 1000;

/// Runs the judgement of an answer; a panic becomes `None`.
///
/// The values that go in are only read, and whatever was half built inside is dropped with the panic, so no broken
/// state is seen afterwards.
pub(crate) fn caught<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}

/// Parses an answer behind the gate for model text.
pub(crate) fn answer_molecule(text: &str) -> Result<Mol, Reason> {
    answer_reading(text).and_then(canonicalised)
}

/// Reads an answer as [`answer_molecule`] does, without making its canonical form.
pub(crate) fn answer_reading(text: &str) -> Result<Reading, Reason> {
    Reading::new(text, &Gate::ANSWER).map_err(|error| refusal(&error, Reason::Invalid(error.class)))
}

/// Makes the canonical form of what was read.
pub(crate) fn canonicalised(reading: Reading) -> Result<Mol, Reason> {
    reading.canonicalise().map_err(|_| Reason::ToolkitPanic)
}

/// Reads a reference as [`data_molecule`] does, without making its canonical form.
pub(crate) fn data_reading(text: &str) -> Result<Reading, Reason> {
    Reading::new(text, &Gate::DATA).map_err(|error| refusal(&error, Reason::BrokenExample))
}

/// Parses a reference or input field, which may be longer than an answer.
pub(crate) fn data_molecule(text: &str) -> Result<Mol, Reason> {
    data_reading(text).and_then(canonicalised)
}

/// Judges a molecule that meets a demand or not; a mixture never does.
pub(crate) fn one_molecule(mol: &Mol, meets: bool) -> Judgement {
    if mol.canonical().contains('.') {
        return Judgement { reason: Reason::SeveralMolecules, ..Judgement::wrong() };
    }
    Judgement::of(meets)
}

/// Tanimoto similarity of Morgan fingerprints, radius 2, 2,048 bits.
pub(crate) fn similarity(a: &Mol, b: &Mol) -> f64 {
    a.morgan(2, 2048).tanimoto(&b.morgan(2, 2048))
}

/// The reason for a text that was not read: `otherwise`, unless the fault is the toolkit's.
fn refusal(error: &ChemError, otherwise: Reason) -> Reason {
    if error.class == ErrorClass::Internal { Reason::ToolkitPanic } else { otherwise }
}

/// The answer as verdicts store it: cut at a character boundary when it is very long.
pub fn stored(answer: &str) -> String {
    let mut end = answer.len().min(STORED_ANSWER);
    while !answer.is_char_boundary(end) {
        end -= 1;
    }
    answer[..end].to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_the_toolkit_is_no_fault_of_the_answer() {
        let error = |class| ChemError::new(class, "deliberate");
        let reason = |class| refusal(&error(class), Reason::Invalid(class));
        assert_eq!(reason(ErrorClass::Internal), Reason::ToolkitPanic);
        assert_eq!(reason(ErrorClass::Valence), Reason::Invalid(ErrorClass::Valence));
        assert_eq!(answer_molecule("C(C)(C)(C)(C)C").map(|_| ()), Err(Reason::Invalid(ErrorClass::Valence)));
        assert_eq!(data_molecule("C(").map(|_| ()), Err(Reason::BrokenExample));
    }
}
