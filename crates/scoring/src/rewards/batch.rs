//! Work on many items by a few threads, under the eyes of a watchdog.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

struct Shared<T, R> {
    items: Vec<T>,
    results: Vec<OnceLock<R>>,
    next: AtomicUsize,
    /// Items without a result.
    left: Mutex<usize>,
    done: Condvar,
    start: Instant,
    work: Box<dyn Fn(&T) -> R + Send + Sync>,
}

/// What a thread is at: the item's place plus one (0 for none), and since when in nanoseconds from the start.
#[derive(Default)]
struct Place {
    item: AtomicUsize,
    since: AtomicU64,
    /// Another thread goes on in place of this one, which was given up.
    is_replaced: AtomicBool,
}

impl<T, R> Shared<T, R> {
    fn nanoseconds(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Stores a result unless there is one.
    fn finish(&self, item: usize, result: R) {
        if self.results[item].set(result).is_ok() {
            *self.left.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
            self.done.notify_one();
        }
    }

    fn work_on(&self, place: &Place) {
        loop {
            let item = self.next.fetch_add(1, Ordering::Relaxed);
            if item >= self.items.len() {
                return;
            }
            place.since.store(self.nanoseconds(), Ordering::Relaxed);
            place.item.store(item + 1, Ordering::Release);
            let result = (self.work)(&self.items[item]);
            place.item.store(0, Ordering::Release);
            self.finish(item, result);
            if place.is_replaced.load(Ordering::Acquire) {
                return;
            }
        }
    }
}

/// The results of `work` on all items, in their order. An item that takes longer than `deadline` gets the result `late`: its thread is left to
/// itself until it comes to an end, and another one goes on with the other items.
pub(crate) fn run<T, R>(
    items: Vec<T>,
    threads: usize,
    deadline: Duration,
    work: impl Fn(&T) -> R + Send + Sync + 'static,
    late: impl Fn(&T) -> R,
) -> Vec<R>
where
    T: Send + Sync + 'static,
    R: Clone + Send + Sync + 'static,
{
    let count = items.len();
    let shared = Arc::new(Shared {
        results: (0..count).map(|_| OnceLock::new()).collect(),
        items,
        next: AtomicUsize::new(0),
        left: Mutex::new(count),
        done: Condvar::new(),
        start: Instant::now(),
        work: Box::new(work),
    });
    let spawn = || {
        let (shared, place) = (Arc::clone(&shared), Arc::new(Place::default()));
        let watched = Arc::clone(&place);
        std::thread::Builder::new().name("chemr-rewards".into()).spawn(move || shared.work_on(&place)).ok()?;
        Some(watched)
    };
    let mut places: Vec<Arc<Place>> = (0..threads.clamp(1, count.max(1))).map_while(|_| spawn()).collect();
    if places.is_empty() {
        // No thread can be had: better late than not at all.
        shared.work_on(&Place::default());
    }
    let tick = (deadline / 4).clamp(Duration::from_millis(1), Duration::from_millis(50));
    let limit = u64::try_from(deadline.as_nanos()).unwrap_or(u64::MAX);
    loop {
        let left = shared.left.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, _) =
            shared.done.wait_timeout_while(left, tick, |left| *left > 0).unwrap_or_else(PoisonError::into_inner);
        let is_done = *left == 0;
        drop(left);
        if is_done {
            break;
        }
        let mut others = Vec::new();
        // Places of threads that were given up stay in the list: such a thread may have taken one more item.
        for place in &places {
            let item = place.item.load(Ordering::Acquire);
            // Read after the item: a thread that went on to another one since has a later time, and is not given up.
            let since = place.since.load(Ordering::Relaxed);
            if item > 0 && shared.nanoseconds().saturating_sub(since) > limit {
                shared.finish(item - 1, late(&shared.items[item - 1]));
                // When no thread can be had now, the next look tries again.
                if !place.is_replaced.load(Ordering::Relaxed)
                    && let Some(other) = spawn()
                {
                    place.is_replaced.store(true, Ordering::Release);
                    others.push(other);
                }
            }
        }
        places.append(&mut others);
    }
    shared.results.iter().filter_map(OnceLock::get).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_threads_gives_the_same() {
        let wanted: Vec<usize> = (0..1000).map(|item| item * item).collect();
        for threads in [1, 2, 3, 100, 5000] {
            let found = run((0..1000).collect(), threads, Duration::from_secs(5), |item: &usize| item * item, |_| 0);
            assert_eq!(found, wanted, "{threads} threads");
        }
        assert!(run(Vec::new(), 2, Duration::from_secs(5), |item: &usize| *item, |_| 0).is_empty());
    }

    #[test]
    fn one_that_hangs_is_given_up_and_the_others_go_on() {
        let start = Instant::now();
        let work = |item: &usize| {
            if item.is_multiple_of(4) {
                std::thread::sleep(Duration::from_secs(20));
            }
            *item
        };
        let found = run((1..=12).collect(), 2, Duration::from_millis(100), work, |_| 0);
        assert_eq!(found, [1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0]);
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
}
