//! The destination: what is there, what may be written, and who else writes.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chemr_data::sources::{Event, Fault, FileStatus, Mirrors, Receipt, Wanted, fetch};

use crate::server::{Server, serve};
use crate::{Bench, contents, dataset, file, part};

#[test]
fn a_receipt_tells_where_files_came_from() {
    let body = contents(1000);
    let server = Server::of(vec![("/gh/owner/a%20b", body.clone())]);
    let mut bench = Bench::start();
    bench.options.mirrors = Mirrors::new(&[format!("files.example={}", server.url("/gh"))]).unwrap();
    let mut set = dataset(vec![file("owner/a b.csv", "https://files.example/owner/a%20b".to_owned(), &body)]);
    set.files[0].licence = Some("MIT".to_owned());
    bench.succeeds(&set, &body);
    let receipt = Receipt::load(&bench.options.destination.join("set/original")).unwrap().unwrap();
    assert_eq!((receipt.dataset.as_str(), receipt.licence.as_str()), ("set", "CC0"));
    let entry = receipt.file("owner/a b.csv").unwrap();
    assert_eq!(entry.url, "https://files.example/owner/a%20b");
    assert_eq!(entry.fetched_from.as_deref(), Some(server.url("/gh/owner/a%20b").as_str()));
    assert_eq!(entry.bytes, 1000);
    assert_eq!(Some(&entry.sha256), set.files[0].sha256.as_ref());
    assert_eq!((entry.licence.as_str(), entry.citation.as_str()), ("MIT", "nobody"));
    assert_eq!(entry.checked_against, "sha256");
}

#[test]
fn what_is_there_is_not_asked_for() {
    let body = contents(1000);
    let server = Server::of(vec![("/a", body.clone())]);
    let mut bench = Bench::start();
    let set = dataset(vec![file("a.csv", server.url("/a"), &body)]);
    // Put there by hand: it is checked and recorded.
    std::fs::create_dir_all(bench.place(&set).parent().unwrap()).unwrap();
    std::fs::write(bench.place(&set), &body).unwrap();
    for _ in 0..2 {
        assert_eq!(bench.succeeds(&set, &body).status, FileStatus::Present);
    }
    let receipt = Receipt::load(&bench.options.destination.join("set/original")).unwrap().unwrap();
    assert_eq!(receipt.files[0].fetched_from, None);
    assert_eq!(server.requests().len(), 0);
    bench.options.force = true;
    assert_eq!(bench.succeeds(&set, &body).status, FileStatus::Fetched);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn other_contents_are_left_alone_without_force() {
    let body = contents(1000);
    let server = Server::of(vec![("/a", body.clone())]);
    let mut bench = Bench::start();
    let set = dataset(vec![file("a.csv", server.url("/a"), &body)]);
    std::fs::create_dir_all(bench.place(&set).parent().unwrap()).unwrap();
    std::fs::write(bench.place(&set), b"my own notes").unwrap();
    bench.fails(
        &set,
        Fault::Verification,
        "(12 bytes, 1000 expected) and was left alone; move it away, or replace it with --force",
    );
    assert_eq!(std::fs::read(bench.place(&set)).unwrap(), b"my own notes");
    assert_eq!(server.requests().len(), 0);
    bench.options.force = true;
    bench.succeeds(&set, &body);
}

#[test]
fn force_keeps_the_old_file_until_the_new_one_is_checked() {
    let body = contents(1000);
    let server = Server::of(vec![("/a", contents(999))]);
    let mut bench = Bench::start();
    let set = dataset(vec![file("a.csv", server.url("/a"), &body)]);
    std::fs::create_dir_all(bench.place(&set).parent().unwrap()).unwrap();
    std::fs::write(bench.place(&set), &body).unwrap();
    bench.options.force = true;
    bench.fails(&set, Fault::Verification, "announces 999 bytes");
    assert_eq!(std::fs::read(bench.place(&set)).unwrap(), body);
}

#[test]
fn offline_and_dry_runs_touch_nothing() {
    let body = contents(1000);
    let server = Server::of(vec![("/a", body.clone())]);
    let mut bench = Bench::start();
    let set = dataset(vec![file("a.csv", server.url("/a"), &body)]);
    bench.options.dry_run = true;
    let report = bench.fetch(&set);
    assert_eq!((report.fault(), report.files[0].status), (None, FileStatus::Planned));
    bench.options.dry_run = false;
    bench.options.offline = true;
    bench.fails(&set, Fault::Network, "a.csv is not there, and --offline forbids to get it from http://");
    assert!(!bench.options.destination.exists());
    // The mirror's address is the one to ask.
    bench.options.mirrors = Mirrors::new(&["https://mirror.example/x".to_owned()]).unwrap();
    bench.fails(&set, Fault::Network, "from https://mirror.example/x/a");
    bench.options.offline = false;
    bench.options.mirrors = Mirrors::default();
    bench.succeeds(&set, &body);
    bench.options.offline = true;
    assert_eq!(bench.succeeds(&set, &body).status, FileStatus::Present);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn two_downloads_into_one_folder_share_the_work() {
    let body = contents(100_000);
    let sent = body.clone();
    let server = Server::start(move |request, stream| {
        std::thread::sleep(Duration::from_millis(100));
        serve(request, stream, &sent, None)
    });
    let bench = Bench::start();
    let files = (0..6).map(|number| file(&format!("{number}.csv"), server.url(&format!("/{number}")), &body));
    let set = dataset(files.collect());
    let waited = std::sync::atomic::AtomicBool::new(false);
    let tell = |event: Event| {
        waited.store(waited.load(Ordering::SeqCst) || matches!(event, Event::Waiting { .. }), Ordering::SeqCst)
    };
    let run = || {
        let wanted: Vec<Wanted> = set.files.iter().map(|file| Wanted { dataset: &set, file }).collect();
        fetch(&wanted, &bench.options, &bench.stop, &tell).unwrap()
    };
    let reports = std::thread::scope(|scope| {
        let both = [scope.spawn(run), scope.spawn(run)];
        both.map(|one| one.join().unwrap())
    });
    assert!(waited.load(Ordering::SeqCst));
    for report in &reports {
        assert_eq!(report.fault(), None, "{report:?}");
    }
    assert_eq!(reports.iter().map(|report| report.count(FileStatus::Fetched)).sum::<usize>(), 6);
    assert_eq!(server.requests().len(), 6, "a file was fetched twice");
    let receipt = Receipt::load(&bench.options.destination.join("set/original")).unwrap().unwrap();
    assert_eq!(receipt.files.len(), 6);
}

#[test]
fn a_destination_that_cannot_be_made_is_told() {
    let bench = Bench::start();
    let set = dataset(vec![file("a.csv", "http://127.0.0.1:1/a".to_owned(), b"x")]);
    std::fs::write(&bench.options.destination, "a file").unwrap();
    let wanted = [Wanted { dataset: &set, file: &set.files[0] }];
    let report = fetch(&wanted, &bench.options, &bench.stop, &|_| {});
    let (fault, message) = match report {
        Err(error) => (Some(error.fault()), error.to_string()),
        Ok(report) => (report.fault(), report.files[0].message.clone().unwrap_or_default()),
    };
    assert_eq!(fault, Some(Fault::Disk), "{message}");
    assert!(message.contains("data/set/original"), "{message}");
}

/// `/dev/full` refuses every byte as a full disk does.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_stops_everything() {
    let body = contents(1000);
    let server = Server::of(vec![("/a", body.clone()), ("/b", body.clone())]);
    let mut bench = Bench::start();
    bench.options.jobs = 1;
    let set = dataset(vec![file("a.csv", server.url("/a"), &body), file("b.csv", server.url("/b"), &body)]);
    let place = bench.place(&set);
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/dev/full", part(&place)).unwrap();
    let report = bench.fetch(&set);
    assert_eq!(report.fault(), Some(Fault::Disk));
    let message = report.files[0].message.as_deref().unwrap();
    assert!(message.contains("a.csv.part: No space left on device"), "{message}");
    assert!(message.contains("make room or choose another folder with --dest"), "{message}");
    assert_eq!(report.files[1].status, FileStatus::Skipped);
    assert_eq!(server.requests().len(), 1);
    assert!(!place.exists());
    // Room again.
    std::fs::remove_file(part(&place)).unwrap();
    assert_eq!(bench.fetch(&set).count(FileStatus::Fetched), 2);
}
