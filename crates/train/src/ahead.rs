//! Data made ahead of the trainer.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use crate::error::TrainError;

/// Items `first..end`, made in blocks by another thread while the trainer works on earlier ones. What an item holds
/// depends on its number alone, so running ahead changes no result.
pub(crate) struct Ahead<'scope, T> {
    receiver: Receiver<Result<Vec<T>, TrainError>>,
    ready: std::vec::IntoIter<T>,
    _worker: ScopedJoinHandle<'scope, ()>,
}

impl<'scope, T: Send + 'scope> Ahead<'scope, T> {
    /// Starts making blocks of `block` items; at most one finished block waits.
    pub fn start<'env, F>(scope: &'scope Scope<'scope, 'env>, first: u64, end: u64, block: u64, make: F) -> Self
    where
        F: Fn(u64, u64) -> Result<Vec<T>, TrainError> + Send + 'scope,
    {
        let (sender, receiver) = sync_channel(1);
        let worker = scope.spawn(move || {
            let mut at = first;
            while at < end {
                let count = block.max(1).min(end - at);
                let made = make(at, count);
                let failed = made.is_err();
                // The receiver goes away when the trainer stops early: then there is nothing left to do.
                if sender.send(made).is_err() || failed {
                    return;
                }
                at += count;
            }
        });
        Self { receiver, ready: Vec::new().into_iter(), _worker: worker }
    }

    /// The next item; `None` after the last.
    pub fn next(&mut self) -> Result<Option<T>, TrainError> {
        loop {
            if let Some(item) = self.ready.next() {
                return Ok(Some(item));
            }
            match self.receiver.recv() {
                Ok(block) => self.ready = block?.into_iter(),
                Err(_) => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_in_order_and_errors_arrive() {
        std::thread::scope(|scope| {
            let mut ahead =
                Ahead::start(scope, 3, 17, 4, |first, count| Ok((first..first + count).collect::<Vec<_>>()));
            let mut seen = Vec::new();
            while let Some(item) = ahead.next().unwrap() {
                seen.push(item);
            }
            assert_eq!(seen, (3..17).collect::<Vec<u64>>());
            let mut failing = Ahead::<u64>::start(scope, 0, 9, 4, |_, _| {
                Err(TrainError::Data { context: "x".into(), message: "y".into() })
            });
            assert!(failing.next().is_err());
            // Dropping early must not hang the scope.
            drop(Ahead::start(scope, 0, 1000, 1, |first, _| Ok(vec![first])));
        });
    }
}
