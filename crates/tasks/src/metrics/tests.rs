use std::collections::BTreeSet;

use super::*;

fn value(id: &str, rows: &[(&str, &str)]) -> Option<f64> {
    let metric = metric(id).unwrap();
    let rows: Vec<_> =
        rows.iter().map(|(reference, prediction)| metric.row(&Pair::new(reference, &[prediction]))).collect();
    aggregate(metric, &rows).value
}

#[test]
fn every_metric_is_documented_and_unique() {
    let ids: BTreeSet<&str> = metrics().iter().map(|metric| metric.id).collect();
    assert_eq!(ids.len(), metrics().len());
    for metric in metrics() {
        let text = metric.documentation();
        let mut position = 0;
        for heading in ["# What it measures", "# Definition", "# Known disagreements", "# Reference"] {
            let found = text[position..].find(heading);
            assert!(found.is_some(), "{}: heading `{heading}` is missing or out of order", metric.id);
            position += found.unwrap_or(0) + heading.len();
        }
        assert!(text.contains(&format!("`{}`", metric.id)), "{} is not named in its file", metric.id);
    }
}

/// RDKit 2026.9.1: `MolToInchi`, `MolToSmiles`.
#[test]
fn seven_ways_to_be_the_same() {
    let all = ["string", "canonical", "inchi", "fragments", "component", "largest_fragment", "map_free"];
    for (reference, prediction, expected) in [
        ("CCO", "OCC", [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
        ("CCO", " CCO ", [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
        ("O=c1cccc[nH]1", "Oc1ccccn1", [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
        ("CC(=O)[O-].[Na+]", "[Na]OC(C)=O", [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
        ("CCO.Cl", "CCO", [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
        ("[CH3:1][OH:2]", "CO", [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]),
        ("C[C@H](N)O", "C[C@@H](N)O", [0.0; 7]),
        ("CCO", "not a molecule", [0.0; 7]),
        ("*CC", "*CCCC", [0.0; 7]),
        ("CCO", "", [0.0; 7]),
        ("CCO", "CCO.Cl", [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0]),
    ] {
        let found = all.map(|name| value(&format!("exact.{name}"), &[(reference, prediction)]).unwrap());
        assert_eq!(found, expected, "{reference} {prediction}");
    }
}

#[test]
fn a_reference_that_cannot_be_read_counts_nowhere() {
    for id in ["exact.canonical", "exact.inchi", "fts.maccs", "topk.5"] {
        assert_eq!(value(id, &[("C(", "CCO")]), None, "{id}");
    }
    assert_eq!(value("validity", &[("C(", "CCO")]), Some(1.0));
    assert_eq!(value("fts.maccs", &[("CCO", "C("), ("CCO", "OCC")]), Some(1.0), "only pairs that both read");
}

#[test]
fn labels_and_numbers() {
    let rows = [("Yes", "yes."), ("Yes", "No"), ("No", "no, it is not"), ("No", "maybe"), ("No", "No")];
    assert_eq!(value("accuracy", &rows), Some(0.6));
    assert_eq!(value("balanced_accuracy", &rows), Some((0.5 + 2.0 / 3.0) / 2.0));
    assert_eq!(value("f1", &rows), Some(0.5));
    assert_eq!(value("f1", &[("No", "No")]), None);
    assert_eq!(value("accuracy", &[("B", "B"), ("0", "True"), ("1", "True")]), Some(0.5));
    let rows = [("1.0", "2"), ("3", "1"), ("5", "about 5")];
    assert_eq!(value("mae", &rows), Some(1.5));
    assert_eq!(value("rmse", &rows), Some(2.5f64.sqrt()));
    assert_eq!(value("r2", &rows), Some(-1.5));
    assert_eq!(value("r2", &[("0.1", "0.6"); 5]), None);
    // scikit-learn 1.9.1: r2_score.
    let near = value("r2", &[("100", "100"), ("100.05", "100.04"), ("99.95", "99.96")]).unwrap();
    assert!((near - 0.96).abs() < 1e-6, "{near}");
    assert_eq!(value("r2", &[("1e12", "1e12"), ("1000000000001", "1e12")]), None);
    assert_eq!(value("rmse", &[("1", "2"), ("1", "1e200"), ("1", "inf")]), Some(1.0));
}

#[test]
fn a_later_prediction_counts_from_its_place_on() {
    let predictions = ["CC", "C(", "OCC", "CCO"];
    let pair = Pair::new("CCO", &predictions);
    let found: Vec<f64> = ["topk.1", "topk.3", "topk.5"]
        .iter()
        .map(|id| metric(id).and_then(|metric| metric.value(&metric.row(&pair)?)).unwrap())
        .collect();
    assert_eq!(found, [0.0, 1.0, 1.0]);
}

#[test]
fn empty_texts_have_values() {
    for (id, expected) in
        [("bleu.char", Some(0.0)), ("bleu4.whitespace", Some(0.0)), ("rougeL", Some(0.0)), ("meteor", Some(0.0))]
    {
        for rows in [[("CCO", "")], [("", "CCO")], [("", "")]] {
            assert_eq!(value(id, &rows), expected, "{id} {rows:?}");
        }
        assert_eq!(value(id, &[]), None, "{id}");
    }
}
