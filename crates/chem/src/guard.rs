//! Calls into the toolkit with its panics turned into errors.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::error::{ChemError, ErrorClass};

thread_local! {
    static GUARDED: Cell<u32> = const { Cell::new(0) };
}

static HOOK: Once = Once::new();

/// Keeps the default hook from printing a panic that is about to be caught; panics of any other
/// code go to the hook that was there before.
fn install_quiet_hook() {
    HOOK.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |information| {
            if GUARDED.with(Cell::get) == 0 {
                previous(information);
            }
        }));
    });
}

struct Depth;

impl Depth {
    fn enter() -> Depth {
        GUARDED.with(|depth| depth.set(depth.get() + 1));
        Depth
    }
}

impl Drop for Depth {
    fn drop(&mut self) {
        GUARDED.with(|depth| depth.set(depth.get().saturating_sub(1)));
    }
}

/// Runs `call`; a panic inside becomes an [`ErrorClass::Internal`] error.
pub(crate) fn guarded<T>(call: impl FnOnce() -> Result<T, ChemError>) -> Result<T, ChemError> {
    install_quiet_hook();
    let depth = Depth::enter();
    let outcome = catch_unwind(AssertUnwindSafe(call));
    drop(depth);
    outcome.unwrap_or_else(|payload| {
        let reason = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_string())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_string());
        Err(ChemError::new(ErrorClass::Internal, format!("the toolkit panicked: {reason}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_internal_error_and_the_next_call_works() {
        let error = guarded::<()>(|| panic!("deliberate {}", 7)).unwrap_err();
        assert_eq!(error.class, ErrorClass::Internal);
        assert!(error.message.contains("deliberate 7"));
        assert_eq!(guarded(|| Ok(3)), Ok(3));
        assert_eq!(GUARDED.with(Cell::get), 0);
    }
}
