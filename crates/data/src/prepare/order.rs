//! A shuffled order that needs no memory, and a place in it that can be stored.

use serde::{Deserialize, Serialize};

use crate::rng::{mix, permute};

/// A place in an endless sequence of epochs; a checkpoint stores it, and reading goes on with exactly the same rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub epoch: u64,
    /// Rows of the epoch that have been read.
    pub next: u64,
}

/// The order of `length` rows: each epoch is another permutation, a Feistel network of which any place is found at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    length: u64,
    seed: u64,
}

impl Order {
    pub fn new(length: u64, seed: u64) -> Order {
        Order { length, seed }
    }

    /// The number of the row at a place; `None` where an epoch has no such place.
    pub fn number(&self, at: Position) -> Option<u64> {
        (at.next < self.length).then(|| permute(at.next, self.length, mix(&[self.seed, at.epoch])))
    }

    /// Rows from a place on, epoch after epoch; a place past the end of an epoch is the start of the next.
    pub fn cursor(self, at: Position) -> Cursor {
        let epoch_ended = at.next >= self.length;
        let position = if epoch_ended { Position { epoch: at.epoch + 1, next: 0 } } else { at };
        Cursor { order: self, position }
    }
}

/// Numbers of rows in order, without end; none of no rows.
#[derive(Clone, Debug)]
pub struct Cursor {
    order: Order,
    position: Position,
}

impl Cursor {
    /// Where the next row will come from: what a checkpoint stores.
    pub fn position(&self) -> Position {
        self.position
    }
}

impl Iterator for Cursor {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let number = self.order.number(self.position)?;
        self.position.next += 1;
        if self.position.next == self.order.length {
            self.position = Position { epoch: self.position.epoch + 1, next: 0 };
        }
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_has_every_row_once_in_another_order() {
        for length in [1_u64, 2, 7, 64, 1000] {
            let read: Vec<u64> = Order::new(length, 3).cursor(Position::default()).take(3 * length as usize).collect();
            let epochs: Vec<&[u64]> = read.chunks(length as usize).collect();
            for epoch in &epochs {
                let mut sorted = epoch.to_vec();
                sorted.sort_unstable();
                assert_eq!(sorted, (0..length).collect::<Vec<_>>());
            }
            if length > 7 {
                assert_ne!(epochs[0], epochs[1]);
                assert_ne!(epochs[0], Order::new(length, 4).cursor(Position::default()).take(64).collect::<Vec<_>>());
            }
        }
        assert_eq!(Order::new(0, 1).cursor(Position::default()).next(), None);
    }

    #[test]
    fn a_stored_position_goes_on_with_the_same_rows() {
        let order = Order::new(10, 9);
        let whole: Vec<u64> = order.cursor(Position::default()).take(35).collect();
        for stop in 0..35 {
            let mut first = order.cursor(Position::default());
            let mut read: Vec<u64> = first.by_ref().take(stop).collect();
            let stored = serde_json::to_string(&first.position()).unwrap();
            read.extend(order.cursor(serde_json::from_str(&stored).unwrap()).take(35 - stop));
            assert_eq!(read, whole, "stopped after {stop}");
        }
        assert_eq!(order.cursor(Position { epoch: 4, next: 99 }).position(), Position { epoch: 5, next: 0 });
    }
}
