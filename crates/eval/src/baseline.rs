//! What a model has to beat: the majority label, or the reference of a random training row.

use std::collections::BTreeMap;

use chemr_tasks::{Baseline, Example, Mode, Task, answer_block};
use rayon::prelude::*;

/// Draws for each row of a random baseline: enough to make the figure steady.
const DRAWS: u64 = 5;

/// Accuracy of the task's baseline on these rows, judged by the task's own verifier. Without training references 0.
pub fn baseline_accuracy(task: &Task, examples: &[Example], training_references: &[String], seed: u64) -> f64 {
    if examples.is_empty() || training_references.is_empty() {
        return 0.0;
    }
    let right = |example: &Example, answer: &str| task.verify(example, &answer_block(answer), Mode::Loose).correct;
    match task.baseline() {
        Baseline::Majority => {
            let answer = most_frequent(training_references);
            let hits = examples.par_iter().filter(|example| right(example, answer)).count();
            hits as f64 / examples.len() as f64
        }
        Baseline::RandomReference => {
            let hits: usize = examples
                .par_iter()
                .enumerate()
                .map(|(row, example)| {
                    (0..DRAWS)
                        .filter(|draw| {
                            let chosen = mix(seed, row as u64 * DRAWS + draw) % training_references.len() as u64;
                            right(example, &training_references[chosen as usize])
                        })
                        .count()
                })
                .sum();
            hits as f64 / (examples.len() as u64 * DRAWS) as f64
        }
    }
}

/// The most frequent text; of equals the first in alphabetical order.
fn most_frequent(texts: &[String]) -> &str {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for text in texts {
        *counts.entry(text).or_default() += 1;
    }
    // `max_by_key` keeps the last of equals, so the order is turned round.
    counts.iter().rev().max_by_key(|(_, count)| **count).map_or("", |(text, _)| text)
}

/// SplitMix64 of a seed and a counter.
fn mix(seed: u64, counter: u64) -> u64 {
    let mut value = seed.wrapping_add(counter.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chemr_tasks::{Split, task};

    fn rows(task: &str, key: &str, references: &[&str]) -> Vec<Example> {
        let row = |reference: &&str| {
            let input = BTreeMap::from([(key.to_string(), "CCO".to_string())]);
            Example::new(task, "test", Split::Test, 1, input, *reference, BTreeMap::new())
        };
        references.iter().map(row).collect()
    }

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_string()).collect()
    }

    #[test]
    fn majority() {
        let task = task("property.bbbp").unwrap();
        let rows = rows("property.bbbp", "smiles", &["Yes", "Yes", "No", "Yes"]);
        assert_eq!(baseline_accuracy(task, &rows, &texts(&["Yes", "No", "Yes"]), 1), 0.75);
        assert_eq!(baseline_accuracy(task, &rows, &texts(&["No"]), 1), 0.25);
        assert_eq!(baseline_accuracy(task, &rows, &[], 1), 0.0);
        assert_eq!(most_frequent(&texts(&["b", "a", "b", "a"])), "a");
    }

    #[test]
    fn random_reference() {
        let task = task("name.smiles_to_formula").unwrap();
        let rows = rows("name.smiles_to_formula", "smiles", &["C2H6O"; 200]);
        let share = baseline_accuracy(task, &rows, &texts(&["C2H6O", "CH4", "C2H6", "H2O"]), 7);
        assert!((0.2..0.3).contains(&share), "{share}");
        assert_eq!(share, baseline_accuracy(task, &rows, &texts(&["C2H6O", "CH4", "C2H6", "H2O"]), 7));
    }
}
