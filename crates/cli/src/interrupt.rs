//! Ctrl-C, SIGTERM, and readers that go away.
//!
//! The chemistry toolkit installs a SIGINT handler of its own around every substructure search, shared by all threads, and
//! cuts the search short when the signal comes. So no handler may ever run: the signals are blocked in every thread and a
//! thread of ours waits for them.

use std::sync::atomic::{AtomicBool, Ordering};

use chemr_data::tell;
use chemr_data::telling::when_nobody_reads;

static STOP: AtomicBool = AtomicBool::new(false);
static GRACEFUL: AtomicBool = AtomicBool::new(false);
static RESUMABLE: AtomicBool = AtomicBool::new(false);

/// A flag that the first Ctrl-C (or SIGTERM) raises from now on; the second one ends the process at once.
pub fn stop_flag() -> &'static AtomicBool {
    GRACEFUL.store(true, Ordering::SeqCst);
    &STOP
}

/// As [`stop_flag`], for work that the same command goes on with. It also stops when nobody reads its progress any more.
pub fn resumable_stop_flag() -> &'static AtomicBool {
    RESUMABLE.store(true, Ordering::SeqCst);
    stop_flag()
}

/// Somebody piped a run into `head` and has seen enough. Work whose result would be lost goes on to its end.
fn nobody_reads() {
    if RESUMABLE.load(Ordering::SeqCst) {
        STOP.store(true, Ordering::SeqCst);
    }
}

fn interrupted() {
    if !GRACEFUL.load(Ordering::SeqCst) {
        tell!("\nstopped");
        std::process::exit(130);
    }
    if STOP.swap(true, Ordering::SeqCst) {
        std::process::exit(130);
    }
    tell!("\nstopping at the next safe point; press Ctrl-C again to stop at once");
}

/// Starts to listen. Must come before any other thread exists, so that all inherit the blocked signals.
///
/// # Errors
/// The system refuses to block signals or to start a thread.
#[cfg(unix)]
pub fn listen() -> anyhow::Result<()> {
    when_nobody_reads(nobody_reads);
    use nix::sys::signal::{SigSet, Signal};
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    signals.thread_block()?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        while signals.wait().is_ok() {
            interrupted();
        }
    })?;
    Ok(())
}

/// Starts to listen.
///
/// # Errors
/// The system refuses the handler.
#[cfg(not(unix))]
pub fn listen() -> anyhow::Result<()> {
    when_nobody_reads(nobody_reads);
    Ok(ctrlc::set_handler(interrupted)?)
}
