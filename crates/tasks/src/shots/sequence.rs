//! How alike two texts are, as Python's `difflib.SequenceMatcher(None, a, b).ratio()` says (CPython 3.11), to the last bit.
//!
//! The ratio is `2 M / T`: `M` characters in matching blocks (the longest one first, then left and right of it), `T` characters in both. It is
//! not symmetric: `a` is the question, `b` the row. In a `b` of 200 characters or more, those that make up more than a hundredth of it start no
//! block (`autojunk`).
//!
//! A block takes many steps to find, and a question meets every row of a file. The longest common subsequence, some thousand steps with a bit for
//! each character, is never shorter than the blocks together; so rows are tried in the order of that bound, until none can come before those found.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;

/// From this many characters on, frequent ones start no block.
const AUTOJUNK: usize = 200;

/// A row's text, indexed.
#[derive(Clone, Debug)]
pub(super) struct Text {
    characters: Vec<char>,
    /// Different characters that may start a block, ascending; those at `n` stand at `places[starts[n]..starts[n + 1]]`.
    letters: Vec<char>,
    starts: Vec<u32>,
    places: Vec<u32>,
}

impl Text {
    pub fn new(text: &str) -> Text {
        let characters: Vec<char> = text.chars().collect();
        let mut index: BTreeMap<char, Vec<u32>> = BTreeMap::new();
        for (place, character) in (0..).zip(&characters) {
            index.entry(*character).or_default().push(place);
        }
        let most = if characters.len() < AUTOJUNK { usize::MAX } else { characters.len() / 100 + 1 };
        let mut text = Text { characters, letters: Vec::new(), starts: vec![0], places: Vec::new() };
        for (letter, places) in index.into_iter().filter(|(_, places)| places.len() <= most) {
            text.letters.push(letter);
            text.places.extend(places);
            text.starts.push(text.places.len() as u32);
        }
        text
    }

    /// Ascending places of a character that may start a block.
    fn places(&self, character: char) -> &[u32] {
        match self.letters.binary_search(&character) {
            Ok(found) => &self.places[self.starts[found] as usize..self.starts[found + 1] as usize],
            Err(_) => &[],
        }
    }
}

/// A question that is compared with rows.
pub(super) struct Query {
    characters: Vec<char>,
    /// Where each character stands, one bit a place, for the longest common subsequence.
    masks: BTreeMap<char, Vec<u64>>,
    /// Length of the run of equal characters that ends at a place of the row, and in which step it was noted.
    runs: Vec<(u64, u32)>,
    step: u64,
}

/// A matching block: its start in the question and in the row, and its length.
type Block = (usize, usize, usize);

impl Query {
    pub fn new(text: &str) -> Query {
        let characters: Vec<char> = text.chars().collect();
        let words = characters.len().div_ceil(64);
        let mut masks: BTreeMap<char, Vec<u64>> = BTreeMap::new();
        for (place, character) in characters.iter().enumerate() {
            masks.entry(*character).or_insert_with(|| vec![0; words])[place / 64] |= 1 << (place % 64);
        }
        Query { characters, masks, runs: Vec::new(), step: 0 }
    }

    /// The `count` rows most alike, best first; equal ones in the order of their numbers.
    pub fn most_alike(&mut self, rows: &[(usize, &Text)], count: usize) -> Vec<usize> {
        let bound = |text: &Text| self.ratio_of(self.common(text), text);
        let mut bounds: Vec<(f64, (usize, &Text))> = rows.iter().map(|row| (bound(row.1), *row)).collect();
        bounds.sort_by(|a, b| more_alike(&(a.0, a.1.0), &(b.0, b.1.0)));
        let mut best: Vec<(f64, usize)> = Vec::new();
        for (bound, (row, text)) in bounds {
            if best.len() == count && best.last().is_none_or(|(worst, _)| bound < *worst) {
                break;
            }
            let found = (self.ratio(text), row);
            let place = best.partition_point(|known| more_alike(known, &found).is_lt());
            best.insert(place, found);
            best.truncate(count);
        }
        best.into_iter().map(|(_, row)| row).collect()
    }

    /// `SequenceMatcher(None, self, text).ratio()`, 0 to 1.
    pub fn ratio(&mut self, text: &Text) -> f64 {
        let matches = self.matches(text);
        self.ratio_of(matches, text)
    }

    fn ratio_of(&self, matches: usize, text: &Text) -> f64 {
        match self.characters.len() + text.characters.len() {
            0 => 1.0,
            both => 2.0 * matches as f64 / both as f64,
        }
    }

    /// Length of the longest common subsequence, by the method of Crochemore et al., Inf. Process. Lett. 2001, 80, 279.
    fn common(&self, text: &Text) -> usize {
        let words = self.characters.len().div_ceil(64);
        // A zero bit is a character of the question that ends a longer subsequence than the one before it.
        let mut column = vec![u64::MAX; words];
        for mask in text.characters.iter().filter_map(|character| self.masks.get(character)) {
            let mut carry = false;
            for (word, mask) in column.iter_mut().zip(mask) {
                let matched = *word & mask;
                let (sum, over) = word.overflowing_add(matched);
                let (sum, more) = sum.overflowing_add(u64::from(carry));
                carry = over || more;
                *word = sum | (*word & !mask);
            }
        }
        // Bits beyond the question are in no mask and stay ones.
        column.iter().map(|word| word.count_zeros() as usize).sum()
    }

    /// Characters in all matching blocks together.
    fn matches(&mut self, text: &Text) -> usize {
        let places: Vec<&[u32]> = self.characters.iter().map(|character| text.places(*character)).collect();
        self.runs.resize(self.runs.len().max(text.characters.len()), (0, 0));
        let mut total = 0;
        let mut parts = vec![(0..self.characters.len(), 0..text.characters.len())];
        while let Some((ours, theirs)) = parts.pop() {
            let (at, there, length) = self.longest(text, &places, ours.clone(), theirs.clone());
            if length == 0 {
                continue;
            }
            total += length;
            for (ours, theirs) in
                [(ours.start..at, theirs.start..there), (at + length..ours.end, there + length..theirs.end)]
            {
                if !ours.is_empty() && !theirs.is_empty() {
                    parts.push((ours, theirs));
                }
            }
        }
        total
    }

    /// The longest block in a part of both; of equal ones the first in the question, then the first in the row.
    fn longest(&mut self, text: &Text, places: &[&[u32]], ours: Range<usize>, theirs: Range<usize>) -> Block {
        let mut best = (ours.start, theirs.start, 0);
        // Runs of an earlier call must not look like those of the step before the first one here.
        self.step += 1;
        for at in ours.clone() {
            self.step += 1;
            let row = places[at];
            let from = row.partition_point(|place| (*place as usize) < theirs.start);
            let to = row.partition_point(|place| (*place as usize) < theirs.end);
            let mut longest = (0, 0);
            // Descending, so that the run that ends one place before is still the one of the step before.
            for there in row[from..to].iter().rev().map(|place| *place as usize) {
                let before = there.checked_sub(1).map_or((0, 0), |place| self.runs[place]);
                let length = if before.0 + 1 == self.step { before.1 + 1 } else { 1 };
                self.runs[there] = (self.step, length);
                if length >= longest.0 {
                    longest = (length, there);
                }
            }
            let (length, end) = (longest.0 as usize, longest.1);
            if length > best.2 {
                best = (at + 1 - length, end + 1 - length, length);
            }
        }
        // Frequent characters start no block, but belong to one that reaches them.
        let (mut at, mut there, mut length) = best;
        let same = |at: usize, there: usize| self.characters[at] == text.characters[there];
        while at > ours.start && there > theirs.start && same(at - 1, there - 1) {
            (at, there, length) = (at - 1, there - 1, length + 1);
        }
        while at + length < ours.end && there + length < theirs.end && same(at + length, there + length) {
            length += 1;
        }
        (at, there, length)
    }
}

/// The more alike first, then the earlier row.
pub(super) fn more_alike(a: &(f64, usize), b: &(f64, usize)) -> Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A generator that the fixture's script has as well.
    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % bound
        }

        fn text(&mut self, length: u64, alphabet: &[char]) -> Vec<char> {
            (0..length).map(|_| alphabet[self.below(alphabet.len() as u64) as usize]).collect()
        }

        /// A text and another that is partly made of pieces of it.
        fn pair(&mut self) -> (String, String) {
            let all: Vec<char> = "etaoinshrdlu CN(=O)c1é漢".chars().collect();
            let alphabet = &all[..1 + self.below(all.len() as u64) as usize];
            let length = [12, 60, 190, 420][self.below(4) as usize];
            let length = self.below(length);
            let first = self.text(length, alphabet);
            let mut second = Vec::new();
            for _ in 0..self.below(6) {
                let start = self.below(first.len() as u64 + 1);
                let end = start + self.below(first.len() as u64 + 1 - start);
                second.extend_from_slice(&first[start as usize..end as usize]);
                let length = self.below(30);
                second.extend(self.text(length, alphabet));
            }
            (first.into_iter().collect(), second.into_iter().collect())
        }
    }

    fn pairs() -> Vec<(String, String)> {
        let mut random = Random(2026);
        (0..1000).map(|_| random.pair()).collect()
    }

    /// `tests/fixtures/shots.py` wrote the ratios of the same pairs with CPython 3.11.
    #[test]
    fn the_ratio_of_a_thousand_pairs_is_pythons() {
        let stored = include_str!("../../tests/fixtures/sequence_ratios.txt");
        let wanted: Vec<f64> =
            stored.lines().filter(|line| !line.starts_with('#')).map(|line| line.parse().unwrap()).collect();
        let pairs = pairs();
        assert_eq!(wanted.len(), pairs.len());
        let with_autojunk = pairs.iter().filter(|(_, second)| second.chars().count() >= AUTOJUNK).count();
        assert!(with_autojunk > 100, "{with_autojunk}");
        for ((first, second), wanted) in pairs.iter().zip(wanted) {
            let text = Text::new(second);
            let mut query = Query::new(first);
            assert_eq!(query.ratio(&text).to_bits(), wanted.to_bits(), "{first:?} {second:?}");
            let (matches, common) = (query.matches(&text), query.common(&text));
            assert!(matches <= common && common == subsequence(first, second), "{first:?} {second:?}");
        }
    }

    /// The definition, cell by cell.
    fn subsequence(a: &str, b: &str) -> usize {
        let b: Vec<char> = b.chars().collect();
        let mut row = vec![0; b.len() + 1];
        for x in a.chars() {
            let mut diagonal = 0;
            for (place, y) in b.iter().enumerate() {
                let above = row[place + 1];
                row[place + 1] = if x == *y { diagonal + 1 } else { above.max(row[place]) };
                diagonal = above;
            }
        }
        row[b.len()]
    }

    /// The order by bound leaves nothing out.
    #[test]
    fn the_most_alike_are_those_of_all_ratios() {
        let pairs = pairs();
        let texts: Vec<Text> = pairs.iter().map(|(_, second)| Text::new(second)).collect();
        let rows: Vec<(usize, &Text)> = texts.iter().enumerate().filter(|(row, _)| row % 7 != 0).collect();
        for (first, _) in pairs.iter().step_by(50) {
            let mut query = Query::new(first);
            let mut all: Vec<(f64, usize)> = rows.iter().map(|(row, text)| (query.ratio(text), *row)).collect();
            all.sort_by(more_alike);
            let all: Vec<usize> = all.into_iter().map(|(_, row)| row).collect();
            for count in [1, 5, 20, rows.len() + 1] {
                assert_eq!(query.most_alike(&rows, count), all[..count.min(rows.len())]);
            }
        }
    }
}
