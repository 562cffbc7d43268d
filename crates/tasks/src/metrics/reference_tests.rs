//! Metrics against the tools that define them: `tests/fixtures/metrics.py` made the rows and the values.

use serde_json::Value;

use super::*;

fn fixture() -> Value {
    serde_json::from_str(include_str!("../../tests/fixtures/metrics.json")).unwrap()
}

/// The vocabulary and the small WordNet of the fixture, read from files.
fn resources(fixture: &Value) -> Resources {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in fixture["wordnet"].as_object().unwrap() {
        std::fs::write(folder.path().join(name), text.as_str().unwrap()).unwrap();
    }
    let vocabulary = folder.path().join("vocab.txt");
    let lines: String = fixture["vocabulary"]
        .as_array()
        .unwrap()
        .iter()
        .map(|piece| format!("{}\n", piece.as_str().unwrap()))
        .collect();
    std::fs::write(&vocabulary, lines).unwrap();
    Resources::read(Some(&vocabulary), Some(folder.path())).unwrap()
}

/// A row of the fixture: reference, prediction, and perhaps a probability.
fn with_pair<T>(row: &Value, resources: &Resources, of: impl Fn(&Pair<'_>) -> T) -> T {
    let predictions = [row[1].as_str().unwrap()];
    let pair = Pair::new(row[0].as_str().unwrap(), &predictions).with_resources(resources);
    of(&match row[2].as_f64() {
        Some(probability) => pair.with_probability(probability),
        None => pair,
    })
}

/// A list of values is one for each row, a number the value over all rows.
#[test]
fn values_are_those_of_the_reference_tools() {
    let fixture = fixture();
    let resources = resources(&fixture);
    for group in fixture["groups"].as_array().unwrap() {
        let rows = group["rows"].as_array().unwrap();
        for (id, expected) in group["values"].as_object().unwrap() {
            let metric = metric(id).unwrap();
            let sums: Vec<Option<Sums>> =
                rows.iter().map(|row| with_pair(row, &resources, |pair| metric.row(pair))).collect();
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
                assert!(equal, "{id} of {row}: {found:?} here, {expected} there");
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

#[test]
fn pieces_are_those_of_transformers() {
    let fixture = fixture();
    let vocabulary = resources(&fixture).vocabulary.unwrap();
    for (text, expected) in fixture["pieces"].as_object().unwrap() {
        assert_eq!(vocabulary.pieces(text).unwrap().join(" "), *expected, "{text:?}");
    }
}
