//! Words and pieces of texts.

use std::collections::HashMap;

/// Words between blanks, as Python's `str.split()` cuts them: its blanks include the four separators of ASCII.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| letter.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&letter))
        .filter(|word| !word.is_empty())
}

/// How often each run of `length` tokens occurs in both lists at once: the sum over runs of the smaller count.
pub(super) fn shared_runs<T: std::hash::Hash + Eq>(left: &[T], right: &[T], length: usize) -> usize {
    let mut left_over: HashMap<&[T], usize> = HashMap::new();
    for run in left.windows(length) {
        *left_over.entry(run).or_default() += 1;
    }
    let mut shared = 0;
    for run in right.windows(length) {
        if let Some(count) = left_over.get_mut(run).filter(|count| **count > 0) {
            *count -= 1;
            shared += 1;
        }
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_runs() {
        assert_eq!(words(" a\u{1c}b  c\n").collect::<Vec<_>>(), ["a", "b", "c"]);
        let (left, right) = (["a", "b", "a", "b"], ["a", "b", "b", "a", "a"]);
        assert_eq!([1, 2, 3, 5].map(|length| shared_runs(&left, &right, length)), [4, 2, 0, 0]);
    }
}
