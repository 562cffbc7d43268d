//! One file: from the first request to the checked file under its name.

use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use super::client::{Client, Reply, Trouble};
use super::expected::Expected;
use super::partial::Partial;
use super::retry::{self, RetryPolicy};
use super::{Digests, Fault, FetchError, digest};

/// New bytes after which earlier failures no longer count: a long file over a bad line arrives in the end.
const PROGRESS: u64 = 1 << 20;

/// What happens to a file, for a display.
#[derive(Debug)]
pub(super) enum Happening<'a> {
    /// A server answers; so many bytes are there, of so many.
    Answered {
        have: u64,
        total: Option<u64>,
    },
    Received {
        have: u64,
    },
    Pausing {
        reason: &'a str,
        pause: Duration,
    },
}

/// Downloads files, one at a time; several may share a client.
pub(super) struct Downloader<'a> {
    pub client: &'a Client,
    pub retry: RetryPolicy,
    /// Limit for a file whose length is not known.
    pub max_bytes: u64,
    pub stop: &'a AtomicBool,
    pub tell: &'a dyn Fn(Happening),
}

/// Why an attempt ended.
enum Failure {
    /// Worth another attempt, after the pause that the server asks for.
    Passing {
        message: String,
        pause: Option<Duration>,
    },
    Lasting(FetchError),
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Failure {
        Failure::Lasting(error)
    }
}

impl Downloader<'_> {
    /// Gets a file from `url`, or else from the first of the copies that gives it, and puts it at `target`. Returns the
    /// address that it came from.
    pub(super) fn download<'u>(
        &self,
        url: &'u str,
        copies: &'u [String],
        target: &Path,
        expected: &Expected,
    ) -> Result<(&'u str, Digests), FetchError> {
        let first = match self.try_address(url, target, expected) {
            Ok(digests) => return Ok((url, digests)),
            Err(error) if is_this_server(&error) => error,
            Err(error) => return Err(error),
        };
        let mut others = Vec::new();
        for copy in copies {
            match self.try_address(copy, target, expected) {
                Ok(digests) => return Ok((copy, digests)),
                Err(error) if is_this_server(&error) => others.push(error.to_string()),
                Err(error) => return Err(error),
            }
        }
        match others.is_empty() {
            true => Err(first),
            false => Err(FetchError::AllAddresses { first: Box::new(first), others }),
        }
    }

    fn try_address(&self, url: &str, target: &Path, expected: &Expected) -> Result<Digests, FetchError> {
        let mut again = true;
        loop {
            let mut partial = Partial::open(target, expected)?;
            let pieces = self.complete(url, &mut partial, expected)?;
            let found = digest(partial.path()).map_err(|error| FetchError::disk("read", partial.path(), error))?;
            let Some(difference) = expected.difference(&found) else {
                partial.finish(target)?;
                return Ok(found);
            };
            let hint = look_inside(partial.path());
            partial.discard()?;
            // Put together from several answers, it may be wrong only because the file changed in between.
            if !(pieces && again) {
                return Err(FetchError::Verification { url: url.to_owned(), message: difference + hint });
            }
            again = false;
        }
    }

    /// Attempts until the whole file is there. Tells whether it came in pieces.
    fn complete(&self, url: &str, partial: &mut Partial, expected: &Expected) -> Result<bool, FetchError> {
        let mut pieces = partial.length() > 0;
        let mut furthest = partial.length();
        let mut failed = 0;
        loop {
            let (message, pause) = match self.attempt(url, partial, expected) {
                Ok(()) => return Ok(pieces),
                Err(Failure::Lasting(error)) => return Err(error),
                Err(Failure::Passing { message, pause }) => (message, pause),
            };
            if self.stop.load(Ordering::SeqCst) {
                return Err(FetchError::Interrupted);
            }
            pieces |= partial.length() > 0;
            // Measured from the furthest point: a server that always begins anew and always breaks off makes no progress.
            if partial.length() >= furthest + PROGRESS {
                furthest = partial.length();
                failed = 0;
            }
            failed += 1;
            let network = |message| FetchError::Network { url: url.to_owned(), message, tries: failed };
            if failed > self.retry.retries {
                return Err(network(message));
            }
            let pause = match pause {
                Some(pause) if pause > self.retry.longest_requested => {
                    return Err(network(format!("{message}; it asks to come back in {} s", pause.as_secs())));
                }
                Some(pause) => pause,
                None => self.retry.pause(failed),
            };
            (self.tell)(Happening::Pausing { reason: &message, pause });
            if !retry::wait(pause, self.stop) {
                return Err(FetchError::Interrupted);
            }
        }
    }

    /// One request and its body.
    fn attempt(&self, url: &str, partial: &mut Partial, expected: &Expected) -> Result<(), Failure> {
        if self.stop.load(Ordering::SeqCst) {
            return Err(FetchError::Interrupted.into());
        }
        if expected.bytes.is_some_and(|bytes| partial.length() == bytes && bytes > 0) {
            return Ok(());
        }
        let mut resume = partial.resume(url);
        let mut reply = self.client.get(url, resume.as_ref()).map_err(|trouble| self.trouble(url, trouble))?;
        let fits = |reply: &Reply| match (&resume, reply.status) {
            (Some(resume), 206) => reply.range().is_some_and(|(first, _)| first == resume.offset),
            (Some(_), 416) => false,
            _ => true,
        };
        if !fits(&reply) {
            // What is here is longer than the file there, or the server counts differently: all of it, then.
            partial.empty()?;
            resume = None;
            reply = self.client.get(url, None).map_err(|trouble| self.trouble(url, trouble))?;
        }
        let total = match (reply.status, resume) {
            (206, Some(resume)) => {
                let whole = reply.range().and_then(|(_, whole)| whole);
                whole.or_else(|| Some(resume.offset + reply.length()?))
            }
            (200, _) => reply.length(),
            _ => return Err(refused(url, &reply)),
        };
        self.check_length(url, total, expected)?;
        if reply.status == 200 {
            partial.begin(url, reply.strong_etag())?;
        }
        let total = expected.bytes.or(total);
        (self.tell)(Happening::Answered { have: partial.length(), total });
        self.receive(url, reply, partial, expected)?;
        match total {
            // A server that announces no length ends an answer by closing the connection, whole or not; another sends less than is left.
            Some(total) if partial.length() < total => Err(Failure::Passing {
                message: format!("the connection ended after {} of {total} bytes", partial.length()),
                pause: None,
            }),
            _ => Ok(()),
        }
    }

    /// Refuses a body before it is read when its length alone shows that it is not wanted.
    fn check_length(&self, url: &str, total: Option<u64>, expected: &Expected) -> Result<(), FetchError> {
        let Some(total) = total else { return Ok(()) };
        match expected.bytes {
            Some(bytes) if total != bytes => Err(FetchError::Verification {
                url: url.to_owned(),
                message: format!("the server announces {total} bytes, {bytes} expected"),
            }),
            None if total > self.max_bytes => {
                Err(FetchError::TooLarge { url: url.to_owned(), bytes: total, limit: self.max_bytes })
            }
            _ => Ok(()),
        }
    }

    fn receive(&self, url: &str, mut reply: Reply, partial: &mut Partial, expected: &Expected) -> Result<(), Failure> {
        let limit = expected.bytes.unwrap_or(self.max_bytes);
        let mut buffer = vec![0; 128 * 1024];
        loop {
            if self.stop.load(Ordering::SeqCst) {
                return Err(FetchError::Interrupted.into());
            }
            let read = match reply.body.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.trouble(url, self.client.explain_read(error))),
            };
            let length = partial.length() + read as u64;
            if length > limit {
                partial.empty()?;
                return Err(Failure::Lasting(match expected.bytes {
                    Some(bytes) => FetchError::Verification {
                        url: url.to_owned(),
                        message: format!("the server sends more than the {bytes} bytes expected"),
                    },
                    None => FetchError::TooLarge { url: url.to_owned(), bytes: length, limit },
                }));
            }
            partial.append(&buffer[..read])?;
            (self.tell)(Happening::Received { have: partial.length() });
        }
        Ok(())
    }

    fn trouble(&self, url: &str, trouble: Trouble) -> Failure {
        if self.stop.load(Ordering::SeqCst) {
            return Failure::Lasting(FetchError::Interrupted);
        }
        match trouble {
            Trouble { message, passing: true } => Failure::Passing { message, pause: None },
            Trouble { message, passing: false } => {
                Failure::Lasting(FetchError::Network { url: url.to_owned(), message, tries: 1 })
            }
        }
    }
}

/// Whether another server may do better.
fn is_this_server(error: &FetchError) -> bool {
    matches!(error.fault(), Fault::Network | Fault::Missing | Fault::Verification)
}

/// What a status means that brings no contents.
fn refused(url: &str, reply: &Reply) -> Failure {
    let missing = |remedy| Failure::Lasting(FetchError::Missing { url: url.to_owned(), status: reply.status, remedy });
    match reply.status {
        408 | 429 | 500 | 502 | 503 | 504 => Failure::Passing {
            message: format!("the server answers {}", reply.status),
            pause: reply.header("retry-after").and_then(|header| retry::retry_after(header, SystemTime::now())),
        },
        404 | 410 => missing("it does not have the file, or not any more"),
        401 | 403 => missing("it wants an account or refuses; take the file by hand and put it in its place"),
        400..500 => missing("it refuses the request"),
        status => Failure::Lasting(FetchError::Network {
            url: url.to_owned(),
            message: format!("the server answers {status}, which is neither the file nor a known refusal"),
            tries: 1,
        }),
    }
}

/// What came instead of the file, where its beginning tells.
fn look_inside(path: &Path) -> &'static str {
    let mut beginning = [0; 64];
    let read = std::fs::File::open(path).and_then(|mut file| file.read(&mut beginning)).unwrap_or_default();
    let text = String::from_utf8_lossy(&beginning[..read]).trim_start().to_ascii_lowercase();
    if text.starts_with("version https://git-lfs") {
        return " (it is a Git LFS pointer, not the file behind it)";
    }
    match text.starts_with("<!doctype html") || text.starts_with("<html") {
        true => " (it is a web page; does the network ask for a login?)",
        false => "",
    }
}
