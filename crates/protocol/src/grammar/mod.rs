//! The sentence patterns that the teacher writes and the checker reads.
