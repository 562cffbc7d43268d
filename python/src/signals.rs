//! Ctrl-C while the chemistry toolkit works.
//!
//! The toolkit installs a SIGINT handler of its own around every substructure search and puts back the one before. Two threads that do so at
//! the same time can put back each other's, and Python's handler would be gone for good. So the handler is remembered before any work and put
//! back after the last, and SIGINT is blocked in the thread (and those that it starts) meanwhile: it is delivered right after the work.

/// Does work that may search for substructures.
pub fn undisturbed<T>(work: impl FnOnce() -> T) -> T {
    #[cfg(unix)]
    let _kept = unix::Kept::new();
    work()
}

#[cfg(unix)]
mod unix {
    use std::mem::MaybeUninit;
    use std::sync::{Mutex, PoisonError};

    /// How many are at work, and the handler from before the first.
    static HANDLER: Mutex<(usize, Option<libc::sigaction>)> = Mutex::new((0, None));

    pub struct Kept {
        mask: libc::sigset_t,
    }

    impl Kept {
        pub fn new() -> Kept {
            let mut at_work = HANDLER.lock().unwrap_or_else(PoisonError::into_inner);
            let mut mask = MaybeUninit::<libc::sigset_t>::zeroed();
            let mut interrupt = MaybeUninit::<libc::sigset_t>::zeroed();
            // SAFETY: all pointers are to live values of the types that the calls write; a null new action only asks for the present
            // one.
            unsafe {
                libc::sigemptyset(interrupt.as_mut_ptr());
                libc::sigaddset(interrupt.as_mut_ptr(), libc::SIGINT);
                libc::pthread_sigmask(libc::SIG_BLOCK, interrupt.as_ptr(), mask.as_mut_ptr());
                if at_work.0 == 0 {
                    let mut before = MaybeUninit::<libc::sigaction>::zeroed();
                    let asked = libc::sigaction(libc::SIGINT, std::ptr::null(), before.as_mut_ptr());
                    at_work.1 = (asked == 0).then(|| before.assume_init());
                }
            }
            at_work.0 += 1;
            // SAFETY: zeroed is a valid mask, and the call above wrote it.
            Kept { mask: unsafe { mask.assume_init() } }
        }
    }

    impl Drop for Kept {
        fn drop(&mut self) {
            let mut at_work = HANDLER.lock().unwrap_or_else(PoisonError::into_inner);
            at_work.0 -= 1;
            // SAFETY: both are values that the system gave.
            unsafe {
                if at_work.0 == 0
                    && let Some(before) = at_work.1.take()
                {
                    libc::sigaction(libc::SIGINT, &raw const before, std::ptr::null_mut());
                }
                libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.mask, std::ptr::null_mut());
            }
        }
    }
}
