//! Servers that refuse, lie, stall and send something else.

use std::io::Write;
use std::time::{Duration, Instant};

use chemr_data::sources::{Fault, FileStatus, ProxyChoice, SourceFile};

use crate::server::{Server, head, send, serve, stall};
use crate::{Bench, blob, contents, dataset, file, unpinned};

#[test]
fn a_file_that_is_not_there_is_asked_for_once() {
    let server = Server::of(vec![]);
    let bench = Bench::start();
    let set = dataset(vec![file("a.csv", server.url("/a"), b"x")]);
    bench.fails(&set, Fault::Missing, "/a: the server answers 404: it does not have the file, or not any more");
    assert_eq!(server.requests().len(), 1);
    assert!(bench.names(&set).iter().all(|name| name != "a.csv"));
}

#[test]
fn a_refusal_tells_what_to_do() {
    let server = Server::start(|_, stream| send(stream, "403 Forbidden", &[], b"no"));
    let set = dataset(vec![file("a.csv", server.url("/a"), b"x")]);
    Bench::start().fails(&set, Fault::Missing, "answers 403: it wants an account or refuses; take the file by hand");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_copy_elsewhere_is_taken() {
    let body = contents(1000);
    let server = Server::of(vec![("/copy", body.clone())]);
    let bench = Bench::start();
    let mut set = dataset(vec![file("a.csv", server.url("/gone"), &body)]);
    set.files[0].copies = vec![server.url("/gone-too"), server.url("/copy")];
    bench.succeeds(&set, &body);
    set.files[0].copies.truncate(1);
    let other = Bench::start();
    other.fails(&set, Fault::Missing, "or not any more; nor from http://");
}

#[test]
fn a_busy_server_is_asked_again_when_it_says() {
    for status in ["429 Too Many Requests", "503 Service Unavailable"] {
        let body = contents(1000);
        let sent = body.clone();
        let server = Server::start(move |request, stream| match request.earlier {
            0 => send(stream, status, &[("Retry-After", "1")], b"later"),
            _ => serve(request, stream, &sent, None),
        });
        let started = Instant::now();
        Bench::start().succeeds(&dataset(vec![file("a.csv", server.url("/a"), &body)]), &body);
        assert!(started.elapsed() >= Duration::from_secs(1), "{status}: it did not wait");
        assert_eq!(server.requests().len(), 2);
    }
}

#[test]
fn a_server_that_wants_a_long_pause_is_left() {
    let server = Server::start(|_, stream| send(stream, "429 Too Many Requests", &[("Retry-After", "3600")], b""));
    let set = dataset(vec![file("a.csv", server.url("/a"), b"x")]);
    Bench::start().fails(&set, Fault::Network, "the server answers 429; it asks to come back in 3600 s");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_broken_server_is_given_up_after_the_attempts() {
    let server = Server::start(|_, stream| send(stream, "503 Service Unavailable", &[], b""));
    let set = dataset(vec![file("a.csv", server.url("/a"), b"x")]);
    Bench::start().fails(&set, Fault::Network, "the server answers 503 (4 attempts");
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn no_server_at_all() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let set = dataset(vec![file("a.csv", format!("http://127.0.0.1:{port}/a"), b"x")]);
    Bench::start().fails(&set, Fault::Network, "refused");
    let set = dataset(vec![file("a.csv", "http://no-such-host.invalid/a".to_owned(), b"x")]);
    Bench::start().fails(&set, Fault::Network, "is there a network?");
}

#[test]
fn what_is_no_http() {
    let server = Server::start(|_, stream| stream.write_all(b"220 mail.example ESMTP\r\n\r\n"));
    let set = dataset(vec![file("a.csv", server.url("/a"), b"x")]);
    Bench::start().fails(&set, Fault::Network, "the answer is no proper HTTP");
}

#[test]
fn an_answer_that_is_no_file() {
    let server = Server::start(|_, stream| send(stream, "204 No Content", &[], b""));
    let set = dataset(vec![file("a.csv", server.url("/a"), b"x")]);
    Bench::start().fails(&set, Fault::Network, "the server answers 204, which is neither the file nor a known refusal");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn wrong_bytes_of_the_right_length() {
    let body = contents(1000);
    let mut wrong = body.clone();
    wrong[500] ^= 1;
    let server = Server::of(vec![("/a", wrong)]);
    let bench = Bench::start();
    let set = dataset(vec![file("a.csv", server.url("/a"), &body)]);
    bench.fails(&set, Fault::Verification, "expected; nothing of it was kept");
    bench.fails(&set, Fault::Verification, "SHA-256 ");
    assert_eq!(server.requests().len(), 2, "asking again at once cannot help");
    assert_eq!(bench.names(&set), Vec::<String>::new());
}

#[test]
fn the_object_id_of_git_is_enough_to_check() {
    let body = contents(1000);
    let server = Server::of(vec![("/a", body.clone())]);
    let bench = Bench::start();
    let set = dataset(vec![blob("a.csv", server.url("/a"), &body)]);
    bench.succeeds(&set, &body);
    let other = dataset(vec![blob("b.csv", server.url("/a"), b"something else")]);
    bench.fails(&other, Fault::Verification, "git object id ");
}

#[test]
fn what_came_instead_is_told() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 7\n".to_vec();
    let page = b"\n<!DOCTYPE html><title>Log in</title>".to_vec();
    let server = Server::of(vec![("/pointer", pointer), ("/page", page)]);
    for (path, hint) in [("/pointer", "it is a Git LFS pointer"), ("/page", "does the network ask for a login?")] {
        let set = dataset(vec![blob("a.csv", server.url(path), b"x")]);
        Bench::start().fails(&set, Fault::Verification, hint);
    }
}

#[test]
fn a_wrong_length_is_refused_before_the_body() {
    let server = Server::start(|_, stream| {
        head(stream, "200 OK", &[], Some(5))?;
        stall(stream)
    });
    let started = Instant::now();
    let set = dataset(vec![file("a.csv", server.url("/a"), &contents(1000))]);
    Bench::start().fails(&set, Fault::Verification, "the server announces 5 bytes, 1000 expected");
    assert!(started.elapsed() < Duration::from_millis(290), "it waited for the body");
}

#[test]
fn more_bytes_than_announced_are_not_read() {
    let body = contents(1000);
    let sent = body.clone();
    let server = Server::start(move |_, stream| {
        head(stream, "200 OK", &[], Some(1000))?;
        stream.write_all(&sent)?;
        stream.write_all(b"and more")
    });
    Bench::start().succeeds(&dataset(vec![file("a.csv", server.url("/a"), &body)]), &body);
}

#[test]
fn a_body_without_end_is_cut_off() {
    let server = Server::start(|_, stream| {
        head(stream, "200 OK", &[], None)?;
        loop {
            stream.write_all(&[0; 4096])?;
        }
    });
    let bench = Bench::start();
    let set = dataset(vec![file("a.csv", server.url("/a"), &contents(1000))]);
    bench.fails(&set, Fault::Verification, "the server sends more than the 1000 bytes expected");
    // Of unknown length: the limit counts.
    let set = dataset(vec![blob("b.csv", server.url("/b"), b"x")]);
    bench.fails(&set, Fault::Disk, "over the limit of 1048576; raise it with --max-size");
    assert_eq!(std::fs::metadata(crate::part(&bench.place(&set))).map_or(0, |part| part.len()), 0);
}

#[test]
fn an_announced_length_over_the_limit_is_refused() {
    let server = Server::start(|_, stream| {
        head(stream, "200 OK", &[], Some(5 << 20))?;
        stall(stream)
    });
    let set = dataset(vec![blob("a.csv", server.url("/a"), b"x")]);
    Bench::start().fails(&set, Fault::Disk, "5242880 bytes or more, over the limit of 1048576");
}

#[test]
fn silence_is_not_waited_for_without_end() {
    let server = Server::start(|request, stream| match request.path.as_str() {
        "/answer" => stall(stream),
        _ => {
            head(stream, "200 OK", &[], Some(1000))?;
            stream.write_all(b"a")?;
            stall(stream)
        }
    });
    for path in ["/answer", "/body"] {
        let mut bench = Bench::start();
        bench.options.retry.retries = 1;
        let set = dataset(vec![file("a.csv", server.url(path), &contents(1000))]);
        bench.fails(&set, Fault::Network, "nothing arrived for 0.3 s (2 attempts");
    }
}

#[test]
fn a_slow_server_is_waited_for() {
    let body = contents(500);
    let sent = body.clone();
    let server = Server::start(move |_, stream| {
        head(stream, "200 OK", &[], Some(500))?;
        for piece in sent.chunks(100) {
            std::thread::sleep(Duration::from_millis(100));
            stream.write_all(piece)?;
        }
        Ok(())
    });
    // Longer in all than the time in which something must arrive.
    Bench::start().succeeds(&dataset(vec![file("a.csv", server.url("/a"), &body)]), &body);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn redirections_are_followed_and_end() {
    let body = contents(1000);
    let sent = body.clone();
    let server = Server::start(move |request, stream| match request.path.as_str() {
        "/a" => send(stream, "302 Found", &[("Location", "/b")], b""),
        "/b" => serve(request, stream, &sent, None),
        _ => send(stream, "302 Found", &[("Location", "/round")], b""),
    });
    let bench = Bench::start();
    bench.succeeds(&dataset(vec![file("a.csv", server.url("/a"), &body)]), &body);
    let set = dataset(vec![file("b.csv", server.url("/round"), &body)]);
    bench.fails(&set, Fault::Network, "too many redirects");
}

#[test]
fn a_proxy_is_asked_instead_of_the_host() {
    let body = contents(1000);
    let sent = body.clone();
    let server = Server::start(move |request, stream| serve(request, stream, &sent, None));
    let mut bench = Bench::start();
    bench.options.client.proxy = ProxyChoice::Address(server.url(""));
    bench.succeeds(&dataset(vec![file("a.csv", "http://files.invalid/a".to_owned(), &body)]), &body);
    let asked = server.requests();
    assert!(asked.iter().any(|request| request.path.contains("files.invalid")), "{asked:?}");
}

#[test]
fn without_a_hash_what_came_is_recorded() {
    let body = contents(1000);
    let server = Server::of(vec![("/a", body.clone()), ("/b", contents(20))]);
    let mut bench = Bench::start();
    let set = dataset(vec![unpinned("a.csv", server.url("/a"))]);
    assert_eq!(bench.succeeds(&set, &body).status, FileStatus::Fetched);
    let receipt = std::fs::read_to_string(bench.options.destination.join("set/original/SOURCE.json")).unwrap();
    assert!(receipt.contains("\"checked_against\": \"nothing\""), "{receipt}");
    assert_eq!(bench.succeeds(&set, &body).status, FileStatus::Present);
    assert_eq!(server.requests().len(), 1);
    // Known from now on.
    std::fs::write(bench.place(&set), b"changed").unwrap();
    bench.fails(&set, Fault::Verification, "differs from the registry (7 bytes, 1000 expected) and was left alone");
    bench.options.force = true;
    let newer = dataset(vec![SourceFile { url: server.url("/b"), ..set.files[0].clone() }]);
    bench.succeeds(&newer, &contents(20));
}
