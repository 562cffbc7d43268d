//! Broken files, hostile texts, and what must not change the results.

use std::fs;
use std::io::Write;

use chemr_tasks::{Example, Split};

use super::super::{AuditError, AuditOptions, CLEAN_FILE, FixOptions, HTML_FILE, REMOVED_FILE};
use super::support::{Desk, bbbp, row, stored};
use crate::predictions::MAX_LINE;
use crate::{Gym, GymConfig};

use Split::{Test, Train};

#[test]
fn broken_lines_are_counted_with_their_places() {
    let desk = Desk::new();
    let good = serde_json::to_string(&bbbp(Train, "CCO", "Yes")).unwrap();
    let mut bytes = format!("{good}\n{{\"task\": 1}}\n\nnot json\n").into_bytes();
    bytes.extend(b"\xff\xfe\n");
    bytes.extend(vec![b'x'; MAX_LINE + 5]);
    bytes.extend(format!("\n{good}\n[[[[\n").into_bytes());
    bytes.extend(serde_json::to_string(&row("no.such", Train, &[("smiles", "C(")], "x")).unwrap().bytes());
    let path = desk.write("rows.jsonl", &bytes);
    let options = AuditOptions { fix: Some(FixOptions::default()), ..AuditOptions::default() };
    let (report, out) = desk.try_audit(&[path], options).unwrap();
    assert_eq!((report.rows, report.unreadable.lines), (3, 5));
    let places: Vec<_> =
        report.unreadable.first_lines.iter().map(|line| line.place.rsplit(':').next().unwrap()).collect();
    assert_eq!(places, ["2", "4", "5", "6", "8"]);
    assert!(report.unreadable.first_lines[3].message.contains("longer than 1048576 bytes"));
    assert_eq!(report.unreadable.unknown_tasks["no.such"], 1);
    assert_eq!((report.unreadable.rows, report.unreadable.first_rows.len()), (1, 1));
    let fixed = report.fix.unwrap();
    assert_eq!((fixed.kept, fixed.removed, fixed.reasons["no_example"]), (2, 6, 5));
    assert_eq!(fs::read_to_string(out.join(REMOVED_FILE)).unwrap().lines().count(), 6);
}

#[test]
fn what_ends_an_audit() {
    let desk = Desk::new();
    let empty = desk.write("empty.jsonl", b"");
    let broken = desk.write("broken.jsonl", b"{}\n{}\n");
    let good = desk.rows("good.jsonl", &[bbbp(Train, "C", "Yes")]);
    let failed = |path: &std::path::Path, options| desk.try_audit(&[path.to_owned()], options).err().unwrap();
    let none = AuditOptions::default;
    assert!(matches!(failed(&empty, none()), AuditError::NothingReadable { lines: 0, .. }));
    let message = failed(&broken, none()).to_string();
    assert!(message.contains("2 lines") && message.contains("broken.jsonl, line 1"), "{message}");
    assert!(matches!(failed(desk.folder.path(), none()), AuditError::NoExamples { .. }));
    assert!(matches!(failed(&desk.folder.path().join("no"), none()), AuditError::Read { .. }));
    for near in [0.0, -1.0, 1.1, f64::NAN] {
        let options = AuditOptions { near, ..none() };
        assert!(matches!(failed(&good, options), AuditError::Option { name: "near", .. }), "{near}");
    }
    for tolerance in [-1.0, f64::NAN, f64::INFINITY] {
        let options = AuditOptions { tolerance, ..none() };
        assert!(matches!(failed(&good, options), AuditError::Option { name: "tolerance", .. }), "{tolerance}");
    }
    let taken = desk.out();
    fs::create_dir(&taken).unwrap();
    let options = AuditOptions { given: vec![super::super::Given { path: good, split: None }], ..none() };
    assert!(matches!(super::super::audit(&options, &taken, &|_, _| {}), Err(AuditError::Exists { .. })));
    // Nothing was made on the way.
    let names: Vec<_> = fs::read_dir(desk.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.iter().filter(|name| !name.to_string_lossy().ends_with(".jsonl")).count(), 1, "{names:?}");
}

#[test]
fn odd_rows_take_no_audit_down() {
    let long = "C".repeat(30_000);
    let texts =
        ["", " ", ".", "..", "C..C", ">>", ">", "C>>", "C>C>C>C", "C1.C1", "[", "%", "[C@@H", &long, "日本", "C\u{0}C"];
    let mut rows: Vec<Example> = Vec::new();
    for task in chemr_tasks::tasks() {
        for (place, text) in texts.iter().enumerate() {
            let split = [Split::Train, Split::Valid, Split::Test][place % 3];
            let fields: Vec<(&str, &str)> = task.fields().iter().map(|field| (field.key, *text)).collect();
            rows.push(row(task.id(), split, &fields, text));
        }
        rows.push(row(task.id(), Split::Test, &[], ""));
    }
    let options = AuditOptions { fix: Some(FixOptions::default()), ..AuditOptions::default() };
    let (report, _) = Desk::new().audit(&rows, options);
    assert_eq!(report.rows, rows.len() as u64);
}

#[test]
fn texts_of_rows_are_no_markup() {
    let attack = "<script>alert(1)</script>\u{202e}";
    let rows = [
        row("molecule_captioning", Train, &[("smiles", "CCO")], attack),
        row("molecule_captioning", Test, &[("smiles", "OCC")], attack),
        row(attack, Train, &[(attack, attack)], attack),
        Example { source: attack.to_owned(), ..bbbp(Train, attack, attack) },
    ];
    let desk = Desk::new();
    let (_, out) = desk.audit(&rows, AuditOptions::default());
    let page = fs::read_to_string(out.join(HTML_FILE)).unwrap();
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;⟨U+202E⟩"));
    assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("https://"));
}

#[test]
fn threads_and_packing_do_not_matter() {
    let gym = Gym::new(GymConfig { seed: 5, levels: vec![1, 2, 3] }).unwrap();
    let mut rows: Vec<Example> = Vec::new();
    for split in [Split::Train, Split::Valid, Split::Test] {
        for task in Gym::TASKS {
            rows.extend(gym.distinct(task, split, 25).unwrap());
        }
    }
    let again: Vec<Example> = rows.iter().step_by(3).map(|row| Example { split: Train, ..row.clone() }).collect();
    rows.extend(again);
    let desk = Desk::new();
    let path = desk.rows("rows.jsonl", &rows);
    let options = || AuditOptions { near: 0.7, fix: Some(FixOptions::default()), ..AuditOptions::default() };
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (report, out) = pool.install(|| desk.try_audit(std::slice::from_ref(&path), options())).unwrap();
        assert!(
            report.leakage.held_out.iter().any(|set| set.same > 0 && set.near > 0),
            "{:?}",
            report.leakage.held_out
        );
        (stored(&out), fs::read(out.join(CLEAN_FILE)).unwrap(), fs::read(out.join(REMOVED_FILE)).unwrap())
    };
    let one = on(1);
    assert!(one == on(4));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&fs::read(&path).unwrap()).unwrap();
    fs::write(&path, encoder.finish().unwrap()).unwrap();
    assert!(one == on(2));
}
