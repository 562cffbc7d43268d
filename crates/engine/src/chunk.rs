//! Cuts a packed batch into chunks of whole sequences whose activations stay small enough for the caches.

use crate::PackedBatch;

/// A position whose target enters the loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Supervised {
    /// Row of the chunk.
    pub row: u32,
    /// Index in the batch.
    pub position: u32,
    pub target: u32,
    pub weight: f32,
}

/// Which positions go through the last block's feed-forward part and the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Select {
    /// Those with a weight other than 0.
    Supervised,
    /// All.
    All,
}

/// Some whole sequences of a batch, as the decoder sees them. The buffers are reused from chunk to chunk.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// Token of each row.
    pub tokens: Vec<u32>,
    /// Index of each row within its sequence.
    pub places: Vec<u32>,
    /// Index of each row in the batch.
    pub positions: Vec<u32>,
    /// First row of each sequence and, last, the number of rows.
    pub bounds: Vec<usize>,
    /// Rows that the head sees, ascending.
    pub supervised: Vec<Supervised>,
}

impl Chunk {
    pub(crate) fn rows(&self) -> usize {
        self.tokens.len()
    }

    pub(crate) fn sequences(&self) -> usize {
        self.bounds.len().saturating_sub(1)
    }

    /// Longest sequence of the chunk.
    pub(crate) fn longest(&self) -> usize {
        let lengths = self.bounds.windows(2).map(|pair| pair[1] - pair[0]);
        lengths.max().unwrap_or(0)
    }

    fn fill(&mut self, batch: &PackedBatch, select: Select, pieces: &[Piece]) {
        self.tokens.clear();
        self.places.clear();
        self.positions.clear();
        self.bounds.clear();
        self.supervised.clear();
        self.bounds.push(0);
        for piece in pieces {
            for (place, position) in (piece.start..piece.end).enumerate() {
                let weight = batch.weights[position];
                if weight != 0.0 || select == Select::All {
                    self.supervised.push(Supervised {
                        row: self.tokens.len() as u32,
                        position: position as u32,
                        target: batch.targets[position],
                        weight,
                    });
                }
                self.tokens.push(batch.tokens[position]);
                self.places.push(place as u32);
                self.positions.push(position as u32);
            }
            self.bounds.push(self.tokens.len());
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    start: usize,
    end: usize,
}

/// Calls `work` with one chunk after the other. Sequences stay whole; what follows a sequence's last selected position has
/// no influence on any result and is left out, as are sequences without such a position. Chunks have about equal sizes, at
/// most `limit` rows unless a single sequence is longer.
///
/// The cut depends on the batch alone, never on threads. `batch` must have been validated.
pub(crate) fn for_each_chunk(
    batch: &PackedBatch,
    select: Select,
    limit: usize,
    chunk: &mut Chunk,
    mut work: impl FnMut(&Chunk),
) {
    let pieces: Vec<Piece> = (0..batch.sequences())
        .filter_map(|index| {
            let range = batch.range(index);
            let needed = match select {
                Select::All => range.len(),
                Select::Supervised => {
                    batch.weights[range.clone()].iter().rposition(|weight| *weight != 0.0).map_or(0, |last| last + 1)
                }
            };
            (needed > 0).then_some(Piece { start: range.start, end: range.start + needed })
        })
        .collect();
    let total: usize = pieces.iter().map(|piece| piece.end - piece.start).sum();
    let each = total.div_ceil(total.div_ceil(limit.max(1)).max(1));
    let mut first = 0;
    while first < pieces.len() {
        let mut rows = 0;
        let mut last = first;
        while let Some(piece) = pieces.get(last) {
            let length = piece.end - piece.start;
            // Up to the even share; the sequence that crosses it still comes in when it stays within the limit.
            if last > first && (rows >= each || rows + length > limit) {
                break;
            }
            rows += length;
            last += 1;
        }
        chunk.fill(batch, select, &pieces[first..last]);
        work(chunk);
        first = last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> PackedBatch {
        let mut batch = PackedBatch::new();
        batch.push(&[1, 2, 3, 4, 5], &[0.0, 1.0, 0.5, 0.0]).unwrap();
        batch.push(&[6, 7], &[0.0]).unwrap();
        batch.push(&[8, 9, 10], &[1.0, 1.0]).unwrap();
        batch.push(&[11, 12], &[1.0]).unwrap();
        batch
    }

    #[test]
    fn keeps_what_the_loss_depends_on() {
        let mut seen = Vec::new();
        let mut chunk = Chunk::default();
        for_each_chunk(&batch(), Select::Supervised, 100, &mut chunk, |chunk| {
            seen.push((chunk.tokens.clone(), chunk.bounds.clone(), chunk.supervised.clone()));
        });
        assert_eq!(seen.len(), 1);
        let (tokens, bounds, supervised) = &seen[0];
        assert_eq!(tokens, &[1, 2, 3, 8, 9, 11]);
        assert_eq!(bounds, &[0, 3, 5, 6]);
        let rows: Vec<(u32, u32, u32)> = supervised.iter().map(|s| (s.row, s.position, s.target)).collect();
        assert_eq!(rows, [(1, 1, 3), (2, 2, 4), (3, 5, 9), (4, 6, 10), (5, 7, 12)]);
    }

    #[test]
    fn every_limit_covers_every_position_once() {
        for limit in 1..10 {
            let mut positions = Vec::new();
            let mut chunk = Chunk::default();
            for_each_chunk(&batch(), Select::All, limit, &mut chunk, |chunk| {
                assert!(chunk.rows() <= limit || chunk.sequences() == 1);
                assert_eq!(chunk.bounds.last(), Some(&chunk.rows()));
                positions.extend(chunk.supervised.iter().map(|s| s.position));
            });
            assert_eq!(positions, (0..8).collect::<Vec<u32>>());
        }
        let mut chunk = Chunk::default();
        for_each_chunk(&PackedBatch::new(), Select::All, 4, &mut chunk, |_| unreachable!());
    }
}
