//! Downloads that break off, and how they go on.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chemr_data::sources::{Fault, FileStatus};

use crate::server::{Server, head, send, serve, serve_until, stall};
use crate::{Bench, blob, contents, dataset, file, part, unpinned};

/// Where each request for a path began.
fn beginnings(server: &Server) -> Vec<Option<u64>> {
    server.requests().iter().map(|request| request.from).collect()
}

#[test]
fn a_cut_connection_goes_on_where_it_was_cut() {
    let body = contents(300_000);
    let sent = body.clone();
    let server = Server::start(move |request, stream| {
        serve_until(request, stream, &sent, Some("\"1\""), [100_000, 200_000, 300_000][request.earlier])
    });
    Bench::start().succeeds(&dataset(vec![file("a.csv", server.url("/a"), &body)]), &body);
    assert_eq!(beginnings(&server), [None, Some(100_000), Some(200_000)]);
    assert_eq!(server.requests()[1].if_range.as_deref(), Some("\"1\""));
}

#[test]
fn a_server_without_ranges_begins_anew() {
    let body = contents(300_000);
    let sent = body.clone();
    let server = Server::start(move |request, stream| {
        head(stream, "200 OK", &[], Some(300_000))?;
        stream.write_all(&sent[..if request.earlier == 0 { 100_000 } else { 300_000 }])
    });
    Bench::start().succeeds(&dataset(vec![file("a.csv", server.url("/a"), &body)]), &body);
    assert_eq!(beginnings(&server), [None, Some(100_000)]);
}

#[test]
fn the_next_run_goes_on_after_the_attempts_are_used_up() {
    let body = contents(300_000);
    let sent = body.clone();
    let server = Server::start(move |request, stream| {
        let end = if request.earlier < 4 { 100_000 } else { 300_000 };
        serve_until(request, stream, &sent, None, end)
    });
    let bench = Bench::start();
    let set = dataset(vec![file("a.csv", server.url("/a"), &body)]);
    bench.fails(&set, Fault::Network, "the connection was cut before the end (4 attempts)");
    assert_eq!(bench.names(&set), ["a.csv.part", "a.csv.part.json"]);
    assert_eq!(std::fs::metadata(part(&bench.place(&set))).unwrap().len(), 100_000);
    assert_eq!(bench.succeeds(&set, &body).status, FileStatus::Fetched);
    assert_eq!(beginnings(&server).last(), Some(&Some(100_000)));
    assert_eq!(bench.names(&set), ["SOURCE.json", "a.csv"]);
}

#[test]
fn progress_gives_new_attempts() {
    // Cut more often than there are attempts, each time a little more than a mebibyte further.
    let body = contents(8 << 20);
    let sent = body.clone();
    let server = Server::start(move |request, stream| {
        let from = request.from.unwrap_or(0) as usize;
        serve_until(request, stream, &sent, None, (from + (5 << 18)).min(8 << 20))
    });
    Bench::start().succeeds(&dataset(vec![file("a.csv", server.url("/a"), &body)]), &body);
    assert_eq!(server.requests().len(), 7);
}

#[test]
fn always_beginning_anew_is_no_progress() {
    let body = contents(4 << 20);
    let sent = body.clone();
    let server = Server::start(move |_, stream| {
        head(stream, "200 OK", &[], Some(4 << 20))?;
        stream.write_all(&sent[..2 << 20])
    });
    let set = dataset(vec![file("a.csv", server.url("/a"), &body)]);
    Bench::start().fails(&set, Fault::Network, "the connection was cut before the end");
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_connection_that_just_ends_is_no_whole_file() {
    let body = contents(1000);
    let sent = body.clone();
    let server = Server::start(move |request, stream| {
        if request.earlier > 0 {
            return serve(request, stream, &sent, None);
        }
        head(stream, "200 OK", &[], None)?;
        stream.write_all(&sent[..600])
    });
    Bench::start().succeeds(&dataset(vec![file("a.csv", server.url("/a"), &body)]), &body);
    assert_eq!(beginnings(&server), [None, Some(600)]);
}

#[test]
fn more_announced_than_sent_is_a_cut_connection() {
    let server = Server::start(|request, stream| {
        head(stream, "200 OK", &[("ETag", "\"1\"")], Some(2000))?;
        stream.write_all(&contents(1000)[request.from.unwrap_or(0) as usize..])
    });
    // Nothing but the hash is known, so the announced length is believed.
    let set = dataset(vec![blob("a.csv", server.url("/a"), &contents(1000))]);
    Bench::start().fails(&set, Fault::Network, "the connection was cut before the end");
}

#[test]
fn a_file_that_changed_in_between_is_sent_whole_for_another_tag() {
    let (old, new) = (contents(200_000), contents(200_001));
    let sent = new.clone();
    let server = Server::start(move |request, stream| match request.earlier {
        0 => serve_until(request, stream, &old, Some("\"old\""), 100_000),
        _ => serve(request, stream, &sent, Some("\"new\"")),
    });
    let set = dataset(vec![blob("a.csv", server.url("/a"), &new)]);
    Bench::start().succeeds(&set, &new);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_file_that_changed_unnoticed_is_fetched_once_more() {
    let new = contents(200_000);
    let old: Vec<u8> = new.iter().map(|byte| !byte).collect();
    for (good_again, requests) in [(true, 3), (false, 3)] {
        let (old, sent) = (old.clone(), new.clone());
        let server = Server::start(move |request, stream| match request.earlier {
            0 => serve_until(request, stream, &old, None, 100_000),
            1 => serve(request, stream, &sent, None),
            _ => serve(request, stream, if good_again { &sent } else { &old }, None),
        });
        let bench = Bench::start();
        let set = dataset(vec![file("a.csv", server.url("/a"), &new)]);
        match good_again {
            true => drop(bench.succeeds(&set, &new)),
            false => {
                bench.fails(&set, Fault::Verification, "SHA-256 ");
                assert_eq!(bench.names(&set), Vec::<String>::new());
            }
        }
        assert_eq!(server.requests().len(), requests);
        assert_eq!(beginnings(&server), [None, Some(100_000), None]);
    }
}

#[test]
fn a_range_that_begins_elsewhere_is_not_appended() {
    let body = contents(200_000);
    let sent = body.clone();
    let server = Server::start(move |request, stream| match request.earlier {
        0 => serve_until(request, stream, &sent, None, 100_000),
        1 => {
            let range = [("Content-Range", "bytes 50000-199999/200000")];
            send(stream, "206 Partial Content", &range, &sent[50_000..])
        }
        _ => serve(request, stream, &sent, None),
    });
    Bench::start().succeeds(&dataset(vec![file("a.csv", server.url("/a"), &body)]), &body);
    assert_eq!(beginnings(&server), [None, Some(100_000), None]);
}

#[test]
fn a_beginning_longer_than_the_file_is_thrown_away() {
    let body = contents(1000);
    let server = Server::of(vec![("/a", body.clone())]);
    let bench = Bench::start();
    let set = dataset(vec![blob("a.csv", server.url("/a"), &body)]);
    // As a process leaves it that was killed.
    std::fs::create_dir_all(bench.place(&set).parent().unwrap()).unwrap();
    std::fs::write(part(&bench.place(&set)), contents(5000)).unwrap();
    let identity = format!("git_blob {}", set.files[0].git_blob.as_deref().unwrap());
    let state = format!("{{\"identity\": \"{identity}\", \"url\": \"http://elsewhere/\", \"etag\": null}}");
    std::fs::write(bench.place(&set).with_file_name("a.csv.part.json"), state).unwrap();
    bench.succeeds(&set, &body);
    assert_eq!(beginnings(&server), [Some(5000), None]);
}

#[test]
fn without_hash_and_tag_nothing_is_put_together() {
    let body = contents(200_000);
    let sent = body.clone();
    let server = Server::start(move |request, stream| {
        serve_until(request, stream, &sent, None, if request.earlier == 0 { 100_000 } else { 200_000 })
    });
    Bench::start().succeeds(&dataset(vec![unpinned("a.csv", server.url("/a"))]), &body);
    assert_eq!(beginnings(&server), [None, None]);
}

#[test]
fn a_range_that_is_shorter_than_what_is_left_is_not_the_end() {
    let body = contents(1000);
    let sent = body.clone();
    let server = Server::start(move |request, stream| match request.earlier {
        0 => serve_until(request, stream, &sent, Some("\"1\""), 400),
        1 => {
            let headers = [("ETag", "\"1\""), ("Content-Range", "bytes 400-699/1000")];
            send(stream, "206 Partial Content", &headers, &sent[400..700])
        }
        _ => serve(request, stream, &sent, Some("\"1\"")),
    });
    Bench::start().succeeds(&dataset(vec![unpinned("a.csv", server.url("/a"))]), &body);
    assert_eq!(beginnings(&server), [None, Some(400), Some(700)]);
}

#[test]
fn a_copy_goes_on_where_the_first_address_broke_off() {
    let body = contents(200_000);
    let sent = body.clone();
    let server = Server::start(move |request, stream| match request.path.as_str() {
        "/a" if request.earlier == 0 => serve_until(request, stream, &sent, Some("\"a\""), 100_000),
        "/a" => send(stream, "503 Service Unavailable", &[], b""),
        _ => serve(request, stream, &sent, Some("\"b\"")),
    });
    let mut set = dataset(vec![file("a.csv", server.url("/a"), &body)]);
    set.files[0].copies = vec![server.url("/b")];
    Bench::start().succeeds(&set, &body);
    let last = server.requests().pop().unwrap();
    // The tag of one server means nothing to the other; the hash decides.
    assert_eq!((last.path.as_str(), last.from, last.if_range), ("/b", Some(100_000), None));
}

#[test]
fn a_redirection_goes_on_too() {
    let body = contents(200_000);
    let sent = body.clone();
    let server = Server::start(move |request, stream| match request.path.as_str() {
        "/a" => send(stream, "302 Found", &[("Location", "/b")], b""),
        _ => serve_until(request, stream, &sent, Some("\"1\""), [100_000, 200_000][request.earlier]),
    });
    Bench::start().succeeds(&dataset(vec![unpinned("a.csv", server.url("/a"))]), &body);
    let last = server.requests().pop().unwrap();
    assert_eq!((last.path.as_str(), last.from, last.if_range.as_deref()), ("/b", Some(100_000), Some("\"1\"")));
}

#[test]
fn stopping_ends_a_stalled_download_at_once_and_keeps_what_came() {
    let body = contents(200_000);
    let sent = body.clone();
    let server = Server::start(move |request, stream| {
        if request.earlier > 0 {
            return serve(request, stream, &sent, None);
        }
        head(stream, "200 OK", &[], Some(200_000))?;
        stream.write_all(&sent[..100_000])?;
        stall(stream)
    });
    let mut bench = Bench::start();
    bench.options.client.idle_timeout = Duration::from_secs(60);
    bench.options.jobs = 1;
    let url = server.url("/a");
    let set = dataset(vec![file("a.csv", url, &body), file("b.csv", server.url("/b"), &body)]);
    let started = Instant::now();
    let report = std::thread::scope(|scope| {
        let running = scope.spawn(|| bench.fetch(&set));
        let arrived = || std::fs::metadata(part(&bench.place(&set))).is_ok_and(|part| part.len() == 100_000);
        while !arrived() && started.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(10));
        }
        bench.stop.store(true, Ordering::SeqCst);
        running.join().unwrap()
    });
    assert!(started.elapsed() < Duration::from_secs(20), "it waited for the server");
    assert_eq!(report.fault(), Some(Fault::Interrupted));
    let statuses: Vec<FileStatus> = report.files.iter().map(|file| file.status).collect();
    assert_eq!(statuses, [FileStatus::Failed, FileStatus::Skipped]);
    bench.stop.store(false, Ordering::SeqCst);
    bench.options.client.idle_timeout = Duration::from_millis(300);
    assert_eq!(bench.fetch(&set).fault(), None);
    assert_eq!(server.requests()[1].from, Some(100_000));
}

#[test]
fn no_more_files_at_a_time_than_asked_for() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counter, highest) = (Arc::clone(&now), Arc::clone(&most));
    let server = Server::start(move |request, stream| {
        highest.fetch_max(counter.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(50));
        counter.fetch_sub(1, Ordering::SeqCst);
        serve(request, stream, &contents(100), None)
    });
    let mut bench = Bench::start();
    bench.options.jobs = 3;
    let files = (0..12).map(|number| file(&format!("{number}.csv"), server.url("/a"), &contents(100))).collect();
    let report = bench.fetch(&dataset(files));
    assert_eq!(report.count(FileStatus::Fetched), 12);
    assert_eq!(most.load(Ordering::SeqCst), 3);
}
