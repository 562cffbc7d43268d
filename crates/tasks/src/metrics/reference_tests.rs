//! Metrics against the tools that define them: `tests/fixtures/metrics.py` made the rows and the values.

use serde_json::Value;

use super::*;

fn fixture() -> Value {
    serde_json::from_str(include_str!("../../tests/fixtures/metrics.json")).unwrap()
}

/// A list of values is one for each row, a number the value over all rows.
#[test]
fn values_are_those_of_the_reference_tools() {
    let fixture = fixture();
    for group in fixture["groups"].as_array().unwrap() {
        let rows: Vec<(&str, &str)> = group["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (row[0].as_str().unwrap(), row[1].as_str().unwrap()))
            .collect();
        for (id, expected) in group["values"].as_object().unwrap() {
            let metric = metric(id).unwrap();
            let sums: Vec<Option<Sums>> =
                rows.iter().map(|(reference, prediction)| metric.row(&Pair::new(reference, &[prediction]))).collect();
            if let Some(value) = expected.as_f64() {
                let found = aggregate(metric, &sums).value.unwrap();
                assert!((found - value).abs() < 1e-9, "{id}: {found} here, {value} there");
                continue;
            }
            for ((row, sums), expected) in rows.iter().zip(&sums).zip(expected.as_array().unwrap()) {
                let found = sums.as_ref().and_then(|sums| metric.value(sums));
                let equal = match (found, expected.as_f64()) {
                    (Some(found), Some(expected)) => (found - expected).abs() < 1e-9,
                    (found, expected) => found == expected,
                };
                assert!(equal, "{id} of {row:?}: {found:?} here, {expected} there");
            }
        }
    }
}

#[test]
fn stems_are_those_of_nltk() {
    for (word, expected) in fixture()["stems"].as_object().unwrap() {
        assert_eq!(stem::stem(word), expected.as_str().unwrap(), "{word}");
    }
}
