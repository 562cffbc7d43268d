//! Edit distance (`levenshtein`).
//!
//! # What it measures
//!
//! How many characters of the prediction would have to change to give the reference's text. Less is better.
//!
//! # Definition
//!
//! Insertions, deletions and substitutions of one character, each 1 (Levenshtein 1966), between the two texts without blanks around them;
//! the mean over all rows. A missing prediction has the length of the reference.
//!
//! # Known disagreements
//!
//! * It compares texts, not molecules: `OCC` and `CCO` are 2 apart. Some papers compare canonical SMILES, which lowers it.
//!
//! # Reference
//!
//! MolT5, EMNLP 2022 (`Levenshtein.distance`); computed with the bit-parallel method of Myers, J. ACM 1999, 46, 395, in blocks
//! of 64 characters.

use std::collections::HashMap;

use super::{Metric, Statistic, mean, mean_row};

pub(super) static LEVENSHTEIN: Metric = Metric {
    id: "levenshtein",
    version: 1,
    needs: &[],
    predictions: 1,
    title: "Levenshtein",
    row: |pair| Some(mean_row(distance(pair.reference(), pair.prediction()) as f64)),
    statistic: Statistic::Sums(mean),
    source: include_str!("levenshtein.rs"),
};

/// Edit distance in characters; `|a| * |b| / 64` steps.
pub fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let (pattern, text) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if pattern.is_empty() {
        return text.len();
    }
    let blocks = pattern.len().div_ceil(64);
    // Where each character stands in the pattern, one bit a place.
    let mut places: HashMap<char, Vec<u64>> = HashMap::new();
    for (index, character) in pattern.iter().enumerate() {
        places.entry(*character).or_insert_with(|| vec![0; blocks])[index / 64] |= 1 << (index % 64);
    }
    let (nowhere, last) = (vec![0; blocks], 1u64 << ((pattern.len() - 1) % 64));
    // Vertical differences of the column: +1 and -1.
    let (mut plus, mut minus) = (vec![u64::MAX; blocks], vec![0u64; blocks]);
    let mut distance = pattern.len();
    for character in &text {
        let equal = places.get(character).unwrap_or(&nowhere);
        // Horizontal differences that enter the block from above; the first row grows by one a column.
        let (mut plus_in, mut minus_in) = (1u64, 0u64);
        for block in 0..blocks {
            let vertical = equal[block] | minus[block];
            let matched = equal[block] | minus_in;
            let horizontal = ((matched & plus[block]).wrapping_add(plus[block]) ^ plus[block]) | matched;
            let up = minus[block] | !(horizontal | plus[block]);
            let down = plus[block] & horizontal;
            if block + 1 == blocks {
                distance += usize::from(up & last != 0);
                distance -= usize::from(down & last != 0);
            }
            let (up_in, down_in) = (up << 1 | plus_in, down << 1 | minus_in);
            (plus_in, minus_in) = (up >> 63, down >> 63);
            plus[block] = down_in | !(vertical | up_in);
            minus[block] = up_in & vertical;
        }
    }
    distance
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, cell by cell.
    fn by_table(a: &[char], b: &[char]) -> usize {
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.iter().enumerate() {
            let mut diagonal = row[0];
            row[0] = i + 1;
            for (j, y) in b.iter().enumerate() {
                let cell = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
                diagonal = std::mem::replace(&mut row[j + 1], cell);
            }
        }
        row[b.len()]
    }

    proptest::proptest! {
        #[test]
        fn blocks_give_the_distance_of_the_table(a in "[abé]{0,200}", b in "[abé]{0,200}") {
            let letters = |text: &str| text.chars().collect::<Vec<_>>();
            proptest::prop_assert_eq!(distance(&a, &b), by_table(&letters(&a), &letters(&b)));
        }
    }

    #[test]
    fn known_distances() {
        for (a, b, expected) in
            [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("", "", 0), ("OCC", "CCO", 2)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
        let long = "C".repeat(64);
        assert_eq!(distance(&long, &format!("{long}O")), 1);
    }
}
