//! Lines on standard error, for whoever reads them.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write, stderr};
use std::sync::OnceLock;

static NOBODY_READS: OnceLock<fn()> = OnceLock::new();

/// Has `then` called when a line finds that its reader went away (`2>&1 | head`). The first call of this function counts.
pub fn when_nobody_reads(then: fn()) {
    // A second caller is no fault of the first one's.
    let _ = NOBODY_READS.set(then);
}

/// Writes a line to standard error. What cannot be told is dropped: `eprintln!` would end the work with a panic instead.
pub fn line(text: Arguments<'_>) {
    let written = stderr().lock().write_all(format!("{text}\n").as_bytes());
    if let (Err(error), Some(then)) = (written, NOBODY_READS.get())
        && error.kind() == ErrorKind::BrokenPipe
    {
        then();
    }
}

/// A line on standard error, as `eprintln!`, but for [`line()`].
#[macro_export]
macro_rules! tell {
    ($($text:tt)*) => {
        $crate::telling::line(format_args!($($text)*))
    };
}
