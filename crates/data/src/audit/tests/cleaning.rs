//! The rows that stay.

use std::fs;
use std::path::Path;

use chemr_tasks::{Example, Split};
use serde_json::Value;

use super::super::{AuditOptions, CLEAN_FILE, Check, ConflictRule, FixOptions, Given, REMOVED_FILE, audit};
use super::support::{Desk, bbbp, forward, retro, row};

use Split::{Test, Train, Valid};

fn lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Split, first field and answer of the rows that stay.
fn kept(out: &Path) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let first = |row: &Value| text(row["input"].as_object().unwrap().values().next().unwrap());
    let rows = lines(&out.join(CLEAN_FILE));
    rows.iter().map(|row| [text(&row["split"]), first(row), text(&row["reference"])].join(" ")).collect()
}

/// Reasons of the removed rows, with the lines of both.
fn removed(out: &Path) -> Vec<(String, String, String)> {
    let line =
        |place: &Value| place.as_str().map_or(String::new(), |place| place.rsplit(':').next().unwrap().to_owned());
    let rows = lines(&out.join(REMOVED_FILE));
    rows.iter()
        .map(|row| (row["reason"].as_str().unwrap().to_owned(), line(&row["place"]), line(&row["collides_with"])))
        .collect()
}

fn rows() -> Vec<Example> {
    vec![
        bbbp(Train, "CCO", "Yes"),
        bbbp(Train, "CCC", "Yes"),
        bbbp(Train, "C(C)C", "Yes"),
        bbbp(Train, "CCN", "Yes"),
        bbbp(Train, "NCC", "No"),
        bbbp(Train, "CCN", "Yes"),
        bbbp(Valid, "CCF", "No"),
        bbbp(Train, "FCC", "No"),
        bbbp(Valid, "CCO", "No"),
        bbbp(Test, "CCO", "Yes"),
        bbbp(Test, "OCC", "Yes"),
        row("property.hiv", Train, &[("smiles", "CCO")], "Yes"),
        retro(Train, "CCCO", "C.CCO"),
        retro(Train, "CCCO", "CC.CO"),
        forward(Test, "C.CCO", "CCCO"),
        retro(Train, "CCCl", "CC.Cl"),
        retro(Train, "CCCl", "CCO.Cl"),
    ]
}

#[test]
fn what_goes_and_why() {
    let desk = Desk::new();
    let fix = Some(FixOptions::default());
    let (report, out) = desk.audit(&rows(), AuditOptions { fix, ..AuditOptions::default() });
    let reason = |reason: &str, row: &str, other: &str| (reason.to_owned(), row.to_owned(), other.to_owned());
    assert_eq!(
        removed(&out),
        [
            reason("leak.question", "1", "9"),
            reason("duplicate", "3", "2"),
            reason("conflict", "4", "5"),
            reason("conflict", "5", "4"),
            reason("conflict", "6", "5"),
            reason("leak.question", "8", "7"),
            reason("leak.question", "9", "10"),
            reason("leak.reaction", "13", "15"),
            reason("leak.molecule", "14", "15"),
        ]
    );
    assert_eq!(
        kept(&out),
        [
            "train CCC Yes",
            "valid CCF No",
            "test CCO Yes",
            "test OCC Yes",
            "train CCO Yes",
            "test C.CCO CCCO",
            "train CCCl CC.Cl",
            "train CCCl CCO.Cl",
        ]
    );
    let fixed = report.fix.unwrap();
    assert_eq!((fixed.kept, fixed.removed), (8, 9));
    assert_eq!(fixed.reasons["conflict"], 3);
    let train = fixed.sets.iter().find(|set| set.set.task == "property.bbbp" && set.set.split == Train).unwrap();
    assert_eq!((train.before, train.after), (7, 1));
    // A clean set has nothing to clean, and leaks nothing.
    let (again, out) =
        desk.try_audit(&[out.join(CLEAN_FILE)], AuditOptions { fix, ..AuditOptions::default() }).unwrap();
    assert_eq!((again.fix.unwrap().removed, removed(&out).len()), (0, 0));
    assert!(again.leakage.held_out.iter().all(|set| set.same == 0));
}

#[test]
fn rules_of_cleaning() {
    let desk = Desk::new();
    let keep = FixOptions { conflicts: ConflictRule::KeepFirst, ..FixOptions::default() };
    let (_, out) = desk.audit(&rows(), AuditOptions { fix: Some(keep), ..AuditOptions::default() });
    let found = removed(&out);
    assert!(kept(&out).contains(&"train CCN Yes".to_owned()));
    assert!(found.contains(&("conflict".into(), "5".into(), "4".into())), "{found:?}");
    assert!(found.contains(&("duplicate".into(), "6".into(), "4".into())), "{found:?}");
    let acid = "CC(C)Cc1ccc(cc1)C(C)C(=O)NCC(=O)OCC(F)(F)c1ccc2ncc(C(=O)O)cc2c1CCCN1CCOCC1";
    let near = [bbbp(Train, acid, "Yes"), bbbp(Test, &acid.replace("CCCN1", "CCCCN1"), "Yes")];
    for (is_near, count) in [(false, 0), (true, 1)] {
        let fix = Some(FixOptions { near: is_near, ..FixOptions::default() });
        let (report, _) = desk.audit(&near, AuditOptions { fix, ..AuditOptions::default() });
        assert_eq!(report.fix.unwrap().removed, count, "{is_near}");
    }
}

#[test]
fn leaks_go_whatever_checks_are_asked_for() {
    let desk = Desk::new();
    let whole = desk.audit(&rows(), AuditOptions { fix: Some(FixOptions::default()), ..AuditOptions::default() }).1;
    let options =
        AuditOptions { checks: vec![Check::Duplicates], fix: Some(FixOptions::default()), ..AuditOptions::default() };
    let (report, out) = desk.audit(&rows(), options);
    assert_eq!(removed(&out), removed(&whole));
    assert_eq!(report.options.checks, [Check::Duplicates, Check::Leakage]);
}

#[test]
fn the_first_number_and_those_within_the_tolerance_of_all_that_stay() {
    let desk = Desk::new();
    let esol = |value: &str| row("property.esol", Train, &[("smiles", "CCO")], value);
    let keep = FixOptions { conflicts: ConflictRule::KeepFirst, ..FixOptions::default() };
    let rows = ["1.00", "1.08", "0.92", "1.30", "1.05"].map(esol);
    let (report, out) = desk.audit(&rows, AuditOptions { fix: Some(keep), ..AuditOptions::default() });
    assert_eq!(kept(&out), ["train CCO 1.00", "train CCO 1.08", "train CCO 1.05"]);
    let conflicts = report.summary.iter().find(|finding| finding.check == Check::Conflicts).unwrap();
    assert_eq!((conflicts.count, conflicts.of), (1, 1));
    let options = AuditOptions { fix: Some(keep), ..AuditOptions::default() };
    let (again, _) = desk.try_audit(&[out.join(CLEAN_FILE)], options).unwrap();
    assert_eq!((again.fix.unwrap().removed, again.conflicts.len()), (0, 0));
}

#[test]
fn a_split_that_is_given_counts_and_is_written() {
    let desk = Desk::new();
    let train = desk.write(
        "train.jsonl",
        b"{\"task\":\"property.bbbp\",\"split\":\"test\",\"extra\":[1],\"input\":{\"smiles\":\"CCO\"},\"reference\":\"Yes\"}\n\n\
          {\"task\":\"property.bbbp\",\"input\":{\"smiles\":\"CC\"},\"reference\":\"Yes\"}",
    );
    let test = desk.rows("test.jsonl", &[bbbp(Train, "CC", "Yes")]);
    let given = |path: &Path, split| Given { path: path.to_owned(), split: Some(split) };
    let options = AuditOptions {
        given: vec![given(&train, Train), given(&test, Test)],
        fix: Some(FixOptions::default()),
        ..AuditOptions::default()
    };
    let out = desk.out();
    audit(&options, &out, &|_, _| {}).unwrap();
    assert_eq!(kept(&out), ["train CCO Yes", "test CC Yes"]);
    assert_eq!(removed(&out), [("leak.question".into(), "3".into(), "1".into())]);
    assert_eq!(lines(&out.join(CLEAN_FILE))[0]["extra"], serde_json::json!([1]));
}
