//! `chemr data` as a user runs it: exit codes and messages. The downloads themselves are tested in `chemr-data`.

#![allow(clippy::unwrap_used)]

#[path = "../../data/tests/fetch/server.rs"]
mod server;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use server::{Server, head, send, serve, stall};

/// `CCO` and a line break, with the hashes that `sha256sum` and `git hash-object` print.
const BODY: &[u8] = b"CCO\n";
const SHA256: &str = "5c9aa2a3024d56c903d547798cbd04ff743433ba0950dbfd8e19238e40651172";
const GIT_BLOB: &str = "d5434d138cb5fe20d52c8d357fc84aa7b45e5d8c";

/// The program, without the settings of whoever runs the tests.
fn chemr(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chemr"));
    for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "CHEMR_DATA", "CHEMR_MIRROR", "HF_ENDPOINT", "SSL_CERT_FILE"]
    {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Exit code, standard output, standard error.
fn ends(output: &Output) -> (Option<i32>, String, String) {
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A folder with a registry of one file at `url`.
fn registry(url: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    let text = format!(
        "name = 'mine'\ntitle = 'Mine'\nlicence = 'CC0'\ncitation = 'me'\n\n\
         [[files]]\npath = 'a.csv'\nurl = '{url}'\nsha256 = '{SHA256}'\ngit_blob = '{GIT_BLOB}'\n"
    );
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn fetch(folder: &Path, more: &[&str]) -> Output {
    let arguments = [&["data", "fetch", "mine", "--registry", "mine.toml", "--retries", "0"], more].concat();
    chemr(folder, &arguments).output().unwrap()
}

#[test]
fn a_download_tells_licence_and_place() {
    let server = Server::of(vec![("/a", BODY.to_vec())]);
    let (folder, _) = registry(&server.url("/a"));
    let (code, out, err) = ends(&fetch(folder.path(), &[]));
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(err, "mine a.csv: fetched and checked (4 B)\n");
    assert_eq!(out, "mine: 1 of 1 file, 4 B, in data/mine/original\n  licence  CC0\n  cite     me\n");
    assert_eq!(std::fs::read(folder.path().join("data/mine/original/a.csv")).unwrap(), BODY);
    let (code, out, err) = ends(&fetch(folder.path(), &["--json"]));
    assert_eq!((code, err.as_str()), (Some(0), "mine a.csv: there already, checked (4 B)\n"));
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["files"][0]["status"], "present");
    assert_eq!(report["files"][0]["sha256"], SHA256);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn the_destination_is_the_data_folder() {
    let server = Server::of(vec![("/a", BODY.to_vec())]);
    let (folder, _) = registry("https://files.example/a");
    let arguments = ["data", "fetch", "mine", "--registry", "mine.toml"];
    let mut command = chemr(folder.path(), &arguments);
    let output = command.env("CHEMR_DATA", "elsewhere").env("CHEMR_MIRROR", server.url("")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let receipt = std::fs::read_to_string(folder.path().join("elsewhere/mine/original/SOURCE.json")).unwrap();
    let receipt: Value = serde_json::from_str(&receipt).unwrap();
    assert_eq!(receipt["files"][0]["url"], "https://files.example/a");
    assert_eq!(receipt["files"][0]["git_blob"], GIT_BLOB);
}

#[test]
fn each_fault_has_its_exit_code() {
    let server = Server::start(|request, stream| match request.path.as_str() {
        "/other" => send(stream, "200 OK", &[], b"CCN\n"),
        "/busy" => send(stream, "503 Service Unavailable", &[], b""),
        "/good" => serve(request, stream, BODY, None),
        _ => send(stream, "404 Not Found", &[], b""),
    });
    for (path, more, code, message) in [
        ("/busy", &[][..], 4, "/busy: the server answers 503"),
        ("/good", &["--offline"], 4, "a.csv is not there, and --offline forbids to get it from http://"),
        ("/other", &[], 5, "SHA-256 "),
        ("/gone", &[], 6, "/gone: the server answers 404: it does not have the file"),
        ("/good", &["--dest", "mine.toml"], 7, "mine.toml/mine/original"),
        ("/good", &["--role", "holdout"], 2, "possible values"),
        ("/good", &["--file", "b.csv"], 2, "no file of `mine` has a path with b.csv"),
        ("/good", &["--mirror", "mirror.example"], 2, "mirror `mirror.example`"),
        ("/good", &["--proxy", "gopher://proxy.example"], 2, "proxy `gopher://proxy.example`"),
        ("/good", &["chebi-20"], 2, "there is no dataset `chebi-20`; did you mean `chebi20`?"),
        ("/good", &["chembench"], 2, "`chembench` has no files to download. 2,788 files"),
        ("/good", &["hf:owner/set@main:a.csv"], 2, "take it as it comes with --allow-unpinned"),
        ("/good", &["--dry-run"], 0, "mine a.csv: would be fetched from http://"),
    ] {
        let (folder, _) = registry(&server.url(path));
        let (found, _, err) = ends(&fetch(folder.path(), more));
        assert_eq!(found, Some(code), "{path} {more:?}: {err}");
        assert!(err.contains(message), "{path} {more:?}: {err}");
        assert!(!folder.path().join("data/mine/original/a.csv").exists(), "{path} {more:?}");
    }
}

#[test]
fn a_file_that_differs_is_not_called_missing() {
    let server = Server::of(vec![("/a", BODY.to_vec())]);
    let (folder, _) = registry(&server.url("/a"));
    std::fs::create_dir_all(folder.path().join("data/mine/original")).unwrap();
    std::fs::write(folder.path().join("data/mine/original/a.csv"), "mine own").unwrap();
    let (code, out, err) = ends(&fetch(folder.path(), &["--json"]));
    assert_eq!(code, Some(5));
    assert!(err.contains("was left alone") && err.ends_with("chemr: 1 of 1 file differs from the registry\n"), "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&report["files"][0]["status"], &report["files"][0]["fault"]),
        (&"differs".into(), &"verification".into())
    );
    std::fs::remove_file(folder.path().join("data/mine/original/a.csv")).unwrap();
    let (code, _, err) = ends(&fetch(folder.path(), &["--offline"]));
    assert_eq!(code, Some(4));
    assert!(err.ends_with("chemr: 1 of 1 file was not fetched\n"), "{err}");
}

#[test]
fn a_broken_registry_is_told_with_its_line() {
    let (folder, path) = registry("https://files.example/a");
    let broken = std::fs::read_to_string(&path).unwrap().replace("sha256", "sha265");
    std::fs::write(&path, broken).unwrap();
    let (code, _, err) = ends(&fetch(folder.path(), &[]));
    assert_eq!(code, Some(1));
    assert_eq!(err, "chemr: mine.toml:9: `sha265` is not known; did you mean `sha256`?\n");
}

#[test]
fn files_of_the_hub_come_by_address() {
    let server = Server::of(vec![("/datasets/owner/set/resolve/0a1b/data/a%20b.csv", BODY.to_vec())]);
    let folder = tempfile::tempdir().unwrap();
    let spec = format!("hf:owner/set@0a1b:data/a b.csv#sha256={SHA256}");
    let mut command = chemr(folder.path(), &["data", "fetch", &spec]);
    let output = command.env("HF_ENDPOINT", server.url("")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let place = folder.path().join("data/hf/owner/set/0a1b/original/data/a b.csv");
    assert_eq!(std::fs::read(place).unwrap(), BODY);
}

#[test]
fn datasets_are_listed_and_described() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, _) = ends(&chemr(folder.path(), &["data", "list"]).output().unwrap());
    assert_eq!(code, Some(0));
    assert!(out.lines().any(|line| line.starts_with("uspto-50k ")), "{out}");
    let (_, out, _) = ends(&chemr(folder.path(), &["data", "list", "--json"]).output().unwrap());
    let rows: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.iter().any(|row| row["name"] == "chebi20" && row["files"] == 3), "{out}");
    let (code, out, _) = ends(&chemr(folder.path(), &["data", "info", "chebi20"]).output().unwrap());
    assert_eq!(code, Some(0));
    for wanted in ["licence   captions ChEBI CC BY 4.0", "cite      Edwards et al. 2021", "ChEBI-20_data/test.txt"] {
        assert!(out.contains(wanted), "{out}");
    }
    let (_, out, _) = ends(&chemr(folder.path(), &["data", "info", "chebi20", "--json"]).output().unwrap());
    let entry: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(entry["files"][0]["role"], "train");
    let (code, _, err) = ends(&chemr(folder.path(), &["data", "info", "qm-9"]).output().unwrap());
    assert_eq!(code, Some(2));
    assert!(err.contains("did you mean `qm9`?"), "{err}");
}

/// A file of 200,000 bytes of which the first answer brings half, and then nothing.
fn stalling(body: Vec<u8>) -> Server {
    Server::start(move |request, stream| {
        if request.earlier > 0 {
            return serve(request, stream, &body, Some("\"1\""));
        }
        head(stream, "200 OK", &[("ETag", "\"1\"")], Some(body.len() as u64))?;
        stream.write_all(&body[..body.len() / 2])?;
        stall(stream)
    })
}

/// Ctrl-C, and an end without warning.
#[cfg(unix)]
#[test]
fn what_was_interrupted_goes_on() {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    for (signal, code) in [(Signal::SIGINT, Some(130)), (Signal::SIGKILL, None)] {
        let body: Vec<u8> = (0..200_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let server = stalling(body.clone());
        let folder = tempfile::tempdir().unwrap();
        let spec = "hf:owner/set@main:a.bin";
        let arguments = ["data", "fetch", spec, "--allow-unpinned"];
        let start = || chemr(folder.path(), &arguments).env("HF_ENDPOINT", server.url("")).spawn().unwrap();
        let child = start();
        let place = folder.path().join("data/hf/owner/set/main/original/a.bin");
        let part = place.with_file_name("a.bin.part");
        let started = Instant::now();
        while std::fs::metadata(&part).map_or(0, |part| part.len()) < 100_000 {
            assert!(started.elapsed() < Duration::from_secs(30), "nothing arrived");
            std::thread::sleep(Duration::from_millis(10));
        }
        let stopped = Instant::now();
        kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
        let (found, _, err) = ends(&child.wait_with_output().unwrap());
        assert!(stopped.elapsed() < Duration::from_secs(10), "it waited for the server");
        assert_eq!(found, code, "{err}");
        if code.is_some() {
            assert!(err.contains("stopped; 0 of 1 file complete, and the same command goes on from here"), "{err}");
        }
        assert!(!place.exists());
        let (found, _, err) = ends(&start().wait_with_output().unwrap());
        assert_eq!(found, Some(0), "{err}");
        assert_eq!(server.requests()[1].from, Some(100_000));
        assert!(std::fs::read(&place).unwrap() == body, "other contents");
    }
}
