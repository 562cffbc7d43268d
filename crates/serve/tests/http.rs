//! The server as clients see it, over a socket.

#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chemr_serve::{Options, ServeError, Server};
use serde_json::{Value, json};

fn options() -> Options {
    Options {
        address: ([127, 0, 0, 1], 0).into(),
        token: None,
        max_body: 100_000,
        max_rows: 100,
        deadline: Duration::from_secs(5),
    }
}

/// A server that runs until it is dropped.
struct Running {
    address: SocketAddr,
    stop: &'static AtomicBool,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    fn new(options: Options) -> Running {
        let server = Server::bind(options).unwrap();
        let address = server.address().unwrap();
        let stop: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
        let thread = Some(std::thread::spawn(move || server.run(stop).unwrap()));
        Running { address, stop, thread }
    }

    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        // A server that refuses early may close before all is sent.
        let _ = stream.write_all(body.as_bytes());
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        let status = answer.split(' ').nth(1).unwrap_or("0").parse().unwrap();
        (status, answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned()))
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let (status, text) = self.send("POST", path, "", &body.to_string());
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

#[test]
fn verdicts_come_in_the_order_of_rows() {
    let server = Running::new(options());
    let full = |answer: &str| format!("<think>a</think><answer>{answer}</answer>");
    let body = json!({
        "task": "molecule_design",
        "shaping": {"tanimoto": 0.5},
        "items": [
            {"completion": full("OCC"), "reference": "CCO", "description": "an alcohol"},
            {"completion": full("CCCO"), "reference": "CCO"},
            {"completion": full("Yes"), "reference": 1, "task": "property.bbbp", "smiles": "CCO"},
            {"completion": full("CO"), "reference": ["CCO", "CO"], "task": "reagent.solvent", "reaction": "x", "candidates": ["CO", "CCO"]},
            {"completion": full("B"), "reference": "B", "task": "choice.mmlu", "question": "?", "options": ["a", "b"]},
            {"completion": "CCO", "reference": "CCO"},
            {"completion": full("CCO"), "reference": null, "task": "tomg.atom_num", "atoms": "2 carbon, 1 oxygen"},
        ],
    });
    let (status, answer) = server.post("/v1/score", &body);
    assert_eq!(status, 200, "{answer}");
    let of = |key: &str| answer["verdicts"].as_array().unwrap().iter().map(|one| one[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("reason"), ["correct", "wrong_answer", "correct", "wrong_answer", "correct", "no_answer", "correct"]);
    assert_eq!(of("correct"), [true, false, true, false, true, false, true]);
    assert!((answer["verdicts"][1]["score"].as_f64().unwrap() - (0.1 + 0.45 * 5.0 / 9.0)).abs() < 1e-12);

    let (status, text) = server.send("GET", "/metrics", "", "");
    assert_eq!(status, 200);
    for line in [
        "chemr_requests_total{route=\"/v1/score\",status=\"200\"} 1",
        "chemr_verdicts_total{task=\"molecule_design\",reason=\"correct\"} 1",
        "chemr_batch_seconds_count 1",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

/// The request of OpenRLHF's remote reward model, and the keys that it reads.
#[test]
fn openrlhf_is_answered() {
    let server = Running::new(options());
    let label = json!({"task": "name.smiles_to_formula", "reference": "C2H6O", "smiles": "CCO"});
    let body = json!({
        "query": ["user: ?<think>a</think><answer>C2H6O</answer>", "user: ?C2H6O"],
        "prompts": ["user: ?", "user: ?"],
        "labels": [label.to_string(), label],
    });
    let (status, answer) = server.post("/get_reward", &body);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["rewards"], json!([1.0, 0.0]));
    assert_eq!(answer["scores"], json!([1.0, 0.0]));
    assert_eq!(answer["extra_logs"]["format"], json!([1.0, 0.0]));
}

#[test]
fn what_is_wrong_is_said() {
    let server = Running::new(options());
    let row = json!({"completion": "C", "reference": "C"});
    let rows = vec![row.clone(); 101];
    for (path, body, status, message) in [
        ("/v1/score", json!({"items": [row]}), 422, "row 0 names no task"),
        ("/v1/score", json!({"task": "x", "items": [row]}), 422, "there is no task \"x\""),
        ("/v1/score", json!({"task": "retrosynthesis"}), 422, "missing field `items`"),
        (
            "/v1/score",
            json!({"task": "retrosynthesis", "items": [row, {"completion": "C"}]}),
            422,
            "row 1 has no `reference`",
        ),
        (
            "/v1/score",
            json!({"task": "retrosynthesis", "items": [{"reference": "C"}]}),
            422,
            "row 0 has no `completion`",
        ),
        ("/v1/score", json!({"items": [], "shaping": {"formt": 1}}), 422, "unknown field `formt`"),
        ("/v1/score", json!({"items": [], "shaping": {"format": 2}}), 422, "format is 2"),
        ("/v1/score", json!({"task": "retrosynthesis", "items": rows}), 413, "--max-rows"),
        ("/v1/score", json!({"task": "a".repeat(100_001), "items": []}), 413, "--max-body"),
        ("/get_reward", json!({"query": ["a"], "prompts": [], "labels": []}), 422, "1 queries, 0 prompts, 0 labels"),
        ("/get_reward", json!({"query": ["a"], "prompts": ["a"], "labels": ["x"]}), 422, "label 0 is no JSON object"),
        ("/v2/score", json!({}), 404, "/v1/score"),
    ] {
        let (found, answer) = server.post(path, &body);
        let said = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(found == status && said.contains(message), "{path}: {found} {answer}, not {status} {message}");
    }
    assert_eq!(server.send("GET", "/v1/score", "", "").0, 405);
    assert_eq!(server.send("POST", "/v1/score", "", "{").0, 422);
}

#[test]
fn a_token_is_asked_for() {
    let server = Running::new(Options { token: Some("secret".into()), ..options() });
    assert_eq!(server.send("GET", "/health", "", "").0, 200);
    assert_eq!(server.send("GET", "/metrics", "", "").0, 401);
    assert_eq!(server.send("POST", "/v1/score", "Authorization: Bearer wrong\r\n", "{}").0, 401);
    let body = "{\"items\": []}";
    assert_eq!(server.send("POST", "/v1/score", "Authorization: Bearer secret\r\n", body).0, 200);
}

#[test]
fn nothing_is_served_to_others_without_a_token() {
    let open = Options { address: ([0, 0, 0, 0], 0).into(), ..options() };
    assert!(matches!(Server::bind(open.clone()), Err(ServeError::Open { .. })));
    assert!(Server::bind(Options { token: Some("secret".into()), ..open.clone() }).is_ok());
    assert!(matches!(Server::bind(Options { token: Some("a b".into()), ..open }), Err(ServeError::Token)));
}
