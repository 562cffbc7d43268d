//! Token shards: rows of tokens, packed into sequences, in a file that is read by memory map.
//!
//! All numbers are little-endian. A file is a header of 112 bytes, the tokens, zeros up to a multiple of 8, the row table, the sequence table:
//!
//! | offset | bytes | header field |
//! |---|---|---|
//! | 0 | 8 | `CHEMRTOK` |
//! | 8 | 4 | version, 1 |
//! | 12 | 4 | bytes of a token: 2 where the vocabulary has at most 65,536 tokens, otherwise 4 |
//! | 16 | 4 | most tokens of a sequence |
//! | 20 | 4 | size of the vocabulary |
//! | 24 | 8 | sequences |
//! | 32 | 8 | rows |
//! | 40 | 8 | tokens |
//! | 48 | 32 | SHA-256 of `tokenizer.json` |
//! | 80 | 32 | SHA-256 of all that follows the header |
//!
//! An entry of the row table is 24 bytes: the place of its first token (8), its tokens (4), how many of them are the prompt (4), the line of
//! the row in `SPLIT.jsonl`, from 0 (4), the place of its task in the `tasks` of the manifest (4). The sequence table has the number of each sequence's first row
//! (8 each), and last the number of rows. Rows follow each other without gaps, so the tokens of a sequence do, too.

mod read;
mod write;

pub use read::{RowSize, Shard, ShardRow, Shards};
pub use write::ShardNote;
pub(super) use write::{PackedRow, ShardWriter, Stamp};

const MAGIC: &[u8; 8] = b"CHEMRTOK";
const VERSION: u32 = 1;
const HEADER: usize = 112;
/// Bytes of an entry of the row table.
const ROW: usize = 24;

/// Bytes of a token in a vocabulary of this size.
fn width(vocab_size: u32) -> usize {
    if vocab_size <= 1 << 16 { 2 } else { 4 }
}

/// Zeros after so many bytes of tokens.
fn padding(bytes: usize) -> usize {
    bytes.next_multiple_of(8) - bytes
}
