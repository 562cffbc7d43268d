//! Threads that wait by spinning for a moment and then sleep: a fork and join costs a microsecond or two while work keeps
//! coming, and nothing when it does not.
//!
//! A job is a number of tasks; each runs exactly once, on whichever thread is free. Kernels give every task its own part
//! of the output, so no result depends on the number of threads or on their timing. A worker that the system has not
//! scheduled is not waited for: only workers that entered the job have to leave it.

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread::Thread;

mod parts;

/// A lock that only one thread ever wants: it lets tasks own their part without unsafe code.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) use parts::{Parts, Scratch, run_parts, run_parts_with};

/// Most threads that will ever be used.
const MAX_THREADS: usize = 256;
/// Turns of the wait loop (about 100 microseconds) before a worker sleeps.
const SPINS_BEFORE_SLEEP: u32 = 4000;
/// Turns of the join loop before the caller lets other processes run.
const SPINS_BEFORE_YIELD: u32 = 2000;

const OPEN: u64 = 1 << 31;
const ENTERED: u64 = OPEN - 1;

/// Number of threads that kernels use: what [`set_threads`] said, else the environment variable `CHEMR_THREADS`, else all
/// that the system grants.
pub fn threads() -> usize {
    requested().load(Ordering::Relaxed)
}

/// Sets the number of threads (at least 1 is used, at most 256). Results do not depend on it, only speed does.
pub fn set_threads(count: usize) {
    requested().store(count.clamp(1, MAX_THREADS), Ordering::Relaxed);
}

fn requested() -> &'static AtomicUsize {
    static REQUESTED: OnceLock<AtomicUsize> = OnceLock::new();
    REQUESTED.get_or_init(|| {
        let from_environment = std::env::var("CHEMR_THREADS")
            .ok()
            .and_then(|text| text.trim().parse::<usize>().ok())
            .filter(|count| *count > 0);
        let count =
            from_environment.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
        AtomicUsize::new(count.clamp(1, MAX_THREADS))
    })
}

/// Keeps a counter in cache lines of its own.
#[repr(align(128))]
struct Padded<T>(T);

type Body<'a> = dyn Fn(usize, usize) + Sync + 'a;

#[derive(Clone, Copy)]
struct Job {
    body: *const Body<'static>,
    tasks: usize,
}

struct Shared {
    /// Job number (upper half), whether it can be entered ([`OPEN`]), how many workers entered.
    state: Padded<AtomicU64>,
    next: Padded<AtomicUsize>,
    left: Padded<AtomicUsize>,
    /// Workers with this number or above stay out.
    limit: AtomicUsize,
    job: UnsafeCell<Option<Job>>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: `job` is written only by the one submitter (it holds the lock on the workers) while no worker is inside, and read
// only by workers that entered through a compare-and-swap on `state` after it was opened; the submitter keeps the borrowed
// body alive until all that entered have left.
unsafe impl Sync for Shared {}
// SAFETY: as above; the raw pointer in `job` is never dereferenced outside an open job.
unsafe impl Send for Shared {}

struct Worker {
    thread: Thread,
    asleep: Arc<AtomicBool>,
}

fn shared() -> &'static Shared {
    static SHARED: Shared = Shared {
        state: Padded(AtomicU64::new(0)),
        next: Padded(AtomicUsize::new(0)),
        left: Padded(AtomicUsize::new(0)),
        limit: AtomicUsize::new(0),
        job: UnsafeCell::new(None),
        panic: Mutex::new(None),
    };
    &SHARED
}

static WORKERS: Mutex<Vec<Worker>> = Mutex::new(Vec::new());

/// Runs `body(worker, task)` for every task in `0..tasks` on at most `limit` threads; returns when all are done.
///
/// Worker numbers are below `limit` and no two running tasks have the same one. Called while another job runs (from a task,
/// or from another thread), it does all tasks on the calling thread.
pub(crate) fn run(limit: usize, tasks: usize, body: &Body<'_>) {
    let limit = limit.min(threads()).min(tasks);
    if limit > 1
        && let Some(mut workers) = try_lock_workers()
    {
        spawn_up_to(&mut workers, limit - 1);
        if !workers.is_empty() {
            fork_join(&workers, limit, tasks, body);
            return;
        }
    }
    for task in 0..tasks {
        body(0, task);
    }
}

fn try_lock_workers() -> Option<MutexGuard<'static, Vec<Worker>>> {
    match WORKERS.try_lock() {
        Ok(guard) => Some(guard),
        // A task of an earlier job panicked on the submitting thread; the list itself is whole.
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

fn spawn_up_to(workers: &mut Vec<Worker>, count: usize) {
    while workers.len() < count {
        let number = workers.len() + 1;
        let asleep = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&asleep);
        let spawned = std::thread::Builder::new()
            .name(format!("chemr-engine-{number}"))
            .spawn(move || work(shared(), number, &flag));
        // Where the system grants no more threads, the work is done by those there are.
        let Ok(handle) = spawned else { return };
        workers.push(Worker { thread: handle.thread().clone(), asleep });
    }
}

fn fork_join(workers: &[Worker], limit: usize, tasks: usize, body: &Body<'_>) {
    let shared = shared();
    // SAFETY: only the lifetime is erased. `Close` below waits, also when unwinding, until every worker that could call the
    // body has left, so the borrow outlives all uses.
    let body_pointer = unsafe { std::mem::transmute::<*const Body<'_>, *const Body<'static>>(body) };
    // SAFETY: this thread holds the lock on the workers and the previous job was closed, so nobody reads the cell.
    unsafe {
        *shared.job.get() = Some(Job { body: body_pointer, tasks });
    }
    shared.limit.store(limit, Ordering::Relaxed);
    shared.next.0.store(0, Ordering::Relaxed);
    shared.left.0.store(0, Ordering::Relaxed);
    let number = (shared.state.0.load(Ordering::Relaxed) >> 32).wrapping_add(1) & 0xFFFF_FFFF;
    shared.state.0.store(number << 32 | OPEN, Ordering::SeqCst);
    {
        let _close = Close(shared);
        for worker in workers.iter().take(limit - 1) {
            if worker.asleep.load(Ordering::SeqCst) && worker.asleep.swap(false, Ordering::SeqCst) {
                worker.thread.unpark();
            }
        }
        loop {
            let task = shared.next.0.fetch_add(1, Ordering::Relaxed);
            if task >= tasks {
                break;
            }
            body(0, task);
        }
    }
    let payload = match shared.panic.lock() {
        Ok(mut slot) => slot.take(),
        Err(poisoned) => poisoned.into_inner().take(),
    };
    if let Some(payload) = payload {
        resume_unwind(payload);
    }
}

/// Closes the open job and waits for the workers inside it.
struct Close(&'static Shared);

impl Drop for Close {
    fn drop(&mut self) {
        // After a panic on this thread the workers need not start the remaining tasks.
        if std::thread::panicking() {
            self.0.next.0.store(usize::MAX / 2, Ordering::Relaxed);
        }
        let state = self.0.state.0.fetch_and(!OPEN, Ordering::AcqRel);
        let entered = (state & ENTERED) as usize;
        let mut turns = 0;
        while self.0.left.0.load(Ordering::Acquire) != entered {
            turns += 1;
            if turns < SPINS_BEFORE_YIELD {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }
}

fn work(shared: &'static Shared, number: usize, asleep: &AtomicBool) {
    let mut seen = 0u64;
    let mut turns = 0u32;
    loop {
        let state = shared.state.0.load(Ordering::Acquire);
        if is_new(shared, state, seen, number) {
            let entered = shared.state.0.compare_exchange(state, state + 1, Ordering::AcqRel, Ordering::Relaxed);
            if entered.is_ok() {
                seen = state >> 32;
                // SAFETY: this worker entered the open job, so the cell is not written before it has left.
                if let Some(job) = unsafe { *shared.job.get() } {
                    take_tasks(shared, number, job);
                }
                shared.left.0.fetch_add(1, Ordering::Release);
            }
            turns = 0;
            continue;
        }
        turns += 1;
        if turns < SPINS_BEFORE_SLEEP {
            std::hint::spin_loop();
            continue;
        }
        // Announce the sleep, then look once more: the submitter opens the job first and looks for sleepers second, so one of
        // the two sees the other (both sides use sequentially consistent operations).
        asleep.store(true, Ordering::SeqCst);
        if is_new(shared, shared.state.0.load(Ordering::SeqCst), seen, number) {
            asleep.store(false, Ordering::SeqCst);
        } else {
            while asleep.load(Ordering::SeqCst) {
                std::thread::park();
            }
        }
        turns = 0;
    }
}

fn is_new(shared: &Shared, state: u64, seen: u64, number: usize) -> bool {
    state & OPEN != 0 && state >> 32 != seen && number < shared.limit.load(Ordering::Relaxed)
}

fn take_tasks(shared: &Shared, number: usize, job: Job) {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the submitter keeps the body alive until this worker has left the job.
        let body = unsafe { &*job.body };
        loop {
            let task = shared.next.0.fetch_add(1, Ordering::Relaxed);
            if task >= job.tasks {
                break;
            }
            body(number, task);
        }
    }));
    if let Err(payload) = outcome {
        shared.next.0.store(usize::MAX / 2, Ordering::Relaxed);
        let mut slot = match shared.panic.lock() {
            Ok(slot) => slot,
            Err(poisoned) => poisoned.into_inner(),
        };
        slot.get_or_insert(payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once_and_workers_are_distinct() {
        set_threads(4);
        for round in 0..200usize {
            let tasks = 1 + round % 37;
            let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
            let busy: Vec<AtomicBool> = (0..4).map(|_| AtomicBool::new(false)).collect();
            run(4, tasks, &|worker, task| {
                assert!(!busy[worker].swap(true, Ordering::SeqCst));
                counts[task].fetch_add(1, Ordering::Relaxed);
                busy[worker].store(false, Ordering::SeqCst);
            });
            assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
            if round % 50 == 49 {
                // Long enough for the workers to fall asleep: they must wake again.
                std::thread::sleep(std::time::Duration::from_millis(3));
            }
        }
    }

    #[test]
    fn nested_and_concurrent_jobs_finish() {
        let total = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        run(4, 8, &|_, _| {
                            run(4, 3, &|_, _| {
                                total.fetch_add(1, Ordering::Relaxed);
                            });
                        });
                    }
                });
            }
        });
        assert_eq!(total.load(Ordering::Relaxed), 3 * 50 * 8 * 3);
    }

    #[test]
    fn a_panic_in_a_task_reaches_the_caller_and_the_pool_lives_on() {
        for bad in 0..16 {
            let caught = catch_unwind(|| {
                run(4, 16, &|_, task| assert!(task != bad, "task {task} refuses"));
            });
            assert!(caught.is_err());
        }
        let total = AtomicUsize::new(0);
        run(4, 16, &|_, _| {
            total.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(total.load(Ordering::Relaxed), 16);
    }
}
