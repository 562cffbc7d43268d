//! A small HTTP server that misbehaves on demand. One thread a connection, one request a connection.

#![allow(dead_code, reason = "two test programs use it, each a part")]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// First byte of `Range: bytes=N-`.
    pub from: Option<u64>,
    pub if_range: Option<String>,
    /// How many requests for this path came before.
    pub earlier: usize,
}

pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Starts a server that lets `answer` write the answer. An error ends the connection, as a return does.
    pub fn start(answer: impl Fn(&Request, &mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&requests));
        // Ends with the test program.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                thread::spawn(move || talk(stream, &log, &*answer));
            }
        });
        Server { address, requests }
    }

    /// A server of these files that does everything right.
    pub fn of(files: Vec<(&'static str, Vec<u8>)>) -> Server {
        Server::start(move |request, stream| match files.iter().find(|(path, _)| *path == request.path) {
            Some((_, body)) => serve(request, stream, body, Some("\"1\"")),
            None => send(stream, "404 Not Found", &[], b"no"),
        })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What was asked until now.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no test panics in it").clone()
    }
}

fn talk(
    mut stream: TcpStream,
    log: &Mutex<Vec<Request>>,
    answer: &dyn Fn(&Request, &mut TcpStream) -> std::io::Result<()>,
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim_end() {
                "" => break,
                text => lines.push(text.to_owned()),
            }
        }
        let (method, rest) = lines.first()?.split_once(' ')?;
        let path = rest.split(' ').next()?.to_owned();
        let header = |name: &str| {
            let found = lines.iter().filter_map(|line| line.split_once(": "));
            found.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
        };
        let from = header("range")
            .and_then(|range| range.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-')?.parse().ok()));
        let mut known = log.lock().ok()?;
        let earlier = known.iter().filter(|request| request.path == path).count();
        let request = Request { method: method.to_owned(), path, from, if_range: header("if-range"), earlier };
        known.push(request.clone());
        drop(known);
        if request.method == "CONNECT" {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
            continue;
        }
        // What the client makes of a broken connection is the test's business.
        let _ = answer(&request, &mut stream);
        return None;
    }
}

/// Status line, headers and whole body, with the body's length.
pub fn send(stream: &mut TcpStream, status: &str, headers: &[(&str, &str)], body: &[u8]) -> std::io::Result<()> {
    head(stream, status, headers, Some(body.len() as u64))?;
    stream.write_all(body)
}

/// Status line and headers.
pub fn head(
    stream: &mut TcpStream,
    status: &str,
    headers: &[(&str, &str)],
    length: Option<u64>,
) -> std::io::Result<()> {
    let mut text = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    if let Some(length) = length {
        text += &format!("Content-Length: {length}\r\n");
    }
    stream.write_all((text + "\r\n").as_bytes())
}

/// Serves a file as a good server does: ranges, and the whole file when the tag is another one.
pub fn serve(request: &Request, stream: &mut TcpStream, body: &[u8], etag: Option<&str>) -> std::io::Result<()> {
    serve_until(request, stream, body, etag, body.len())
}

/// The same, but the connection breaks after the first `end` bytes of the file.
pub fn serve_until(
    request: &Request,
    stream: &mut TcpStream,
    body: &[u8],
    etag: Option<&str>,
    end: usize,
) -> std::io::Result<()> {
    let same = request.if_range.as_deref().is_none_or(|tag| Some(tag) == etag);
    let from = request.from.filter(|_| same).unwrap_or(0) as usize;
    let whole = body.len();
    let mut headers: Vec<(&str, &str)> = etag.map(|tag| ("ETag", tag)).into_iter().collect();
    let range = format!("bytes {from}-{}/{whole}", whole.saturating_sub(1));
    if from >= whole && from > 0 {
        let range = format!("bytes */{whole}");
        return send(stream, "416 Range Not Satisfiable", &[("Content-Range", &range)], b"");
    }
    let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
    if from > 0 {
        headers.push(("Content-Range", &range));
    }
    head(stream, status, &headers, Some((whole - from) as u64))?;
    stream.write_all(&body[from..end.max(from)])
}

/// Keeps a connection open without a word, until the client gives up or a minute is over.
pub fn stall(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut reader = BufReader::new(stream);
    reader.fill_buf().map(|_| ())
}
