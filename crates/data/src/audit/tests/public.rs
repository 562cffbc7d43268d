//! Public files, where they are at hand (CHEMR_DATA); the numbers are those of RDKit 2026.9.1 on the same rows.

use std::path::Path;

use chemr_tasks::Split;

use super::super::{AuditOptions, Check, Hit, Report};
use super::support::Desk;
use crate::import::{Request, import_files};

use Split::{Test, Train, Valid};

/// Imports files and audits them; `None` without the data.
fn audited(files: &[&str], checks: &[Check], mapped: &[&str]) -> Option<Report> {
    let data = std::env::var_os("CHEMR_DATA")?;
    let paths = |files: &[&str]| files.iter().map(|file| Path::new(&data).join(file)).collect();
    let desk = Desk::new();
    let folder = desk.folder.path().join("imported");
    import_files(&Request { paths: paths(files), ..Request::default() }, &folder).unwrap();
    let options = AuditOptions { checks: checks.to_vec(), mapped: paths(mapped), ..AuditOptions::default() };
    Some(desk.try_audit(&[folder], options).unwrap().0)
}

#[test]
fn duplicates_and_contradictions_of_moleculenet() {
    let files = ["train", "valid", "test_public"].map(|split| format!("moleculenet/BBBP_{split}.csv"));
    let checks = [Check::Duplicates, Check::Conflicts];
    let Some(report) = audited(&files.each_ref().map(String::as_str), &checks, &[]) else { return };
    let found: Vec<_> =
        report.duplicates.iter().map(|set| (set.set.split, set.rows, set.exact, set.question)).collect();
    assert_eq!(found, [(Train, 1458, 41, 51), (Valid, 174, 0, 0), (Test, 106, 0, 0)]);
    assert_eq!(report.conflicts[0].canonical.questions, 10);
}

#[test]
fn stereoisomers_of_chebi20() {
    let checks = [Check::Leakage];
    let Some(report) = audited(&["chebi20/valid.csv.gz", "chebi20/test_public.csv"], &checks, &[]) else { return };
    let pair = report.leakage.pairs.iter().find(|pair| {
        pair.train.task == "molecule_captioning"
            && pair.held_out.task == "molecule_captioning"
            && pair.train.split == Valid
    });
    let shared = &pair.unwrap().shared;
    let hit = |train_rows, held_out_rows| Hit { train_rows, held_out_rows };
    assert!(!shared.contains_key("molecule"));
    assert_eq!(shared["molecule_flat"], hit(53, 51));
    assert_eq!(shared["molecule_inchi_key"], hit(2, 2));
    assert_eq!(shared["molecule_skeleton"], hit(138, 127));
}

#[test]
fn the_centre_in_mapped_files_of_uspto_50k() {
    let file = "uspto-50k/test_mapped_public.csv";
    let Some(report) = audited(&[file], &[Check::Maps], &[file]) else { return };
    let map = &report.maps[0];
    assert_eq!((map.reactions, map.with_one, map.unread), (2430, 2421, 0));
    let shares = [map.one_in_centre, map.first_in_centre, map.expected].map(|share| (share * 10_000.0).round());
    assert_eq!(shares, [9244.0, 9243.0, 824.0]);
    // The import takes the maps off.
    assert_eq!(report.maps.len(), 1);
}
