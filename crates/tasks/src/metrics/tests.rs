use std::collections::BTreeSet;

use super::*;
use crate::verdict::{Judgement, Reason};

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
    assert_eq!(value("fts.maccs.all", &[("CCO", "C("), ("CCO", "OCC"), ("CCO", ""), ("C(", "C")]), Some(1.0 / 3.0));
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

#[test]
fn without_what_it_needs_a_metric_has_no_value() {
    for metric in metrics().iter().filter(|metric| !metric.needs.is_empty()) {
        for row in [("CCO", "CCO"), ("Yes", "Yes")] {
            assert_eq!(value(metric.id, &[row]), None, "{}", metric.id);
        }
    }
}

/// Two right answers of three, similarities 0.5 and 0.25 of the valid ones: the product of the means.
#[test]
fn success_is_weighed_by_the_mean_similarity() {
    let judgements = [
        Judgement::of(true).part("similarity", 0.5),
        Judgement::of(true).part("similarity", 0.25),
        Judgement::unreadable(Reason::NoAnswer),
    ];
    let weighted = metric("success.weighted").unwrap();
    let found = |judgements: &[Judgement]| {
        let rows: Vec<_> =
            judgements.iter().map(|judgement| weighted.row(&Pair::new("", &[]).judged(judgement.clone()))).collect();
        aggregate(weighted, &rows).value
    };
    assert_eq!(found(&judgements), Some(2.0 / 3.0 * 0.375));
    assert_eq!(found(&judgements[2..]), None, "no valid answer");
    assert_eq!(found(&[Judgement::of(true)]), None, "a task without a given molecule");
}

#[test]
fn the_area_under_the_curve_counts_pairs() {
    let area = metric("roc_auc").unwrap();
    let found = |rows: &[(&str, f64)]| {
        let row = |(reference, probability): &(&str, f64)| {
            area.row(&Pair::new(reference, &[]).with_probability(*probability))
        };
        aggregate(area, &rows.iter().map(row).collect::<Vec<_>>())
    };
    assert_eq!(found(&[("Yes", 0.9), ("No", 0.1), ("Yes", 0.4), ("No", 0.4), ("B", 0.0)]).value, Some(0.875));
    assert_eq!(found(&[("1", -0.0), ("0", 0.0)]).value, Some(0.5), "the two zeros are a tie");
    assert_eq!(found(&[("Yes", 0.9), ("Yes", 0.1)]).value, None, "one class only");
    let some: Vec<(&str, f64)> =
        (0..200).map(|row| (if row % 4 == 0 { "Yes" } else { "No" }, f64::from(row * 7 % 200))).collect();
    let interval = found(&some);
    let (low, high) = (interval.low.unwrap(), interval.high.unwrap());
    // Hanley and McNeil 1982, equation 2, for an area of one half.
    let (area, positives, negatives) = (interval.value.unwrap(), 50.0, 150.0);
    let both_positive = area / (2.0 - area) - area * area;
    let both_negative = 2.0 * area * area / (1.0 + area) - area * area;
    let variance = area * (1.0 - area) + (positives - 1.0) * both_positive + (negatives - 1.0) * both_negative;
    let half = 1.96 * (variance / (positives * negatives)).sqrt();
    assert!(
        (low - (area - half)).abs() < 0.25 * half && (high - (area + half)).abs() < 0.25 * half,
        "{interval:?} {half}"
    );
}

#[test]
fn files_that_are_something_else_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vocab.txt");
    let refused = |resources: Result<Resources, ResourceError>| resources.unwrap_err().to_string();
    assert!(refused(Resources::read(Some(&path), None)).contains("vocab.txt: No such file"));
    std::fs::write(&path, "{\"model\": 1}\n").unwrap();
    assert!(
        refused(Resources::read(Some(&path), None))
            .contains("vocab.txt: there is no line [UNK]; a WordPiece vocabulary is")
    );
    std::fs::write(&path, b"[UNK]\n\xff").unwrap();
    assert!(refused(Resources::read(Some(&path), None)).contains("cannot read"));
    for part in ["noun", "verb", "adj", "adv"] {
        std::fs::write(folder.path().join(format!("data.{part}")), "  licence\n00000010 00 n 01 ox 0 000 | a bull\n")
            .unwrap();
        std::fs::write(folder.path().join(format!("index.{part}")), "  licence\nox n 1 0 1 0 00000010\n").unwrap();
        std::fs::write(folder.path().join(format!("{part}.exc")), "oxen ox\n").unwrap();
    }
    let read = || Resources::read(None, Some(folder.path()));
    let wordnet = read().unwrap().wordnet.unwrap();
    assert_eq!(wordnet.synonyms("oxen").collect::<Vec<_>>(), ["ox"; 4]);
    for (name, line) in [
        ("index.adj", "ox n 1 0 1 0 00000011"),
        ("index.adj", "ox n 2 0 1 0 00000010"),
        ("index.adj", "ox n 1 18446744073709551615 1 0 00000010"),
        ("data.adj", "00000010 00 n ff ox 0"),
        ("data.adj", "00000010 00 n ffffffffffffffffff ox 0"),
        ("data.adj", "version https"),
    ] {
        let good = std::fs::read_to_string(folder.path().join(name)).unwrap();
        std::fs::write(folder.path().join(name), format!("{good}{line}\n")).unwrap();
        let message = refused(read());
        assert!(message.contains(&format!("{name}: line 3 is none of WordNet's")), "{line}: {message}");
        std::fs::write(folder.path().join(name), good).unwrap();
    }
}
