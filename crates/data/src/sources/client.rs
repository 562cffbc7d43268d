//! One HTTP request, and what its failure means.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, BodyReader, Error, Proxy, Timeout, http};

use super::FetchError;
use super::partial::Resume;

/// Variables that name a proxy, the first that is set counts; hosts in `NO_PROXY` are reached without.
const PROXY_VARIABLES: [&str; 6] = ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

const NO_HOST: &str = "is there a network? Set a proxy with HTTPS_PROXY or --proxy, or a mirror with --mirror";

/// How connections are made.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Longest time for a name to be looked up, and again for a connection to be made.
    pub connect_timeout: Duration,
    /// Longest time in which nothing arrives.
    pub idle_timeout: Duration,
    pub proxy: ProxyChoice,
    /// PEM file with the authorities to trust, instead of those that come with the program.
    pub certificates: Option<PathBuf>,
}

/// Which proxy to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyChoice {
    /// What `HTTPS_PROXY`, `NO_PROXY` and their like say.
    Environment,
    None,
    /// An http, https or socks address, with user name and password if need be.
    Address(String),
}

impl Default for ClientOptions {
    fn default() -> ClientOptions {
        ClientOptions {
            connect_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(30),
            proxy: ProxyChoice::Environment,
            certificates: None,
        }
    }
}

/// Makes requests. Clones share connections.
#[derive(Clone, Debug)]
pub(super) struct Client {
    agent: Agent,
    idle_timeout: Duration,
}

/// An answer, its body still to be read.
pub(super) struct Reply {
    pub status: u16,
    headers: http::HeaderMap,
    pub body: BodyReader<'static>,
}

/// Why there is no answer, or no more of it.
#[derive(Debug)]
pub(super) struct Trouble {
    pub message: String,
    /// Whether asking again may help.
    pub passing: bool,
}

impl Client {
    pub(super) fn new(options: &ClientOptions) -> Result<Client, FetchError> {
        let mut builder = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("chemr/", env!("CARGO_PKG_VERSION")))
            // A compressed transfer would not have the published length and hash.
            .accept_encoding("identity")
            .proxy(proxy(&options.proxy)?)
            .timeout_resolve(Some(options.connect_timeout))
            .timeout_connect(Some(options.connect_timeout))
            .timeout_per_read(Some(options.idle_timeout))
            .timeout_per_write(Some(options.idle_timeout));
        if let Some(path) = &options.certificates {
            let roots = RootCerts::new_with_certs(&certificates(path)?);
            builder = builder.tls_config(TlsConfig::builder().root_certs(roots).build());
        }
        Ok(Client { agent: builder.build().into(), idle_timeout: options.idle_timeout })
    }

    /// Asks for `url`, from where `resume` says.
    pub(super) fn get(&self, url: &str, resume: Option<&Resume>) -> Result<Reply, Trouble> {
        // A redirection must not lead from an encrypted address to an open one.
        let mut request = self.agent.get(url).config().https_only(url.starts_with("https:")).build();
        if let Some(resume) = resume {
            request = request.header("Range", format!("bytes={}-", resume.offset));
            if let Some(tag) = &resume.tag {
                request = request.header("If-Range", tag);
            }
        }
        let (parts, body) = request.call().map_err(|error| self.explain(error))?.into_parts();
        Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body: body.into_reader() })
    }

    /// What a failed read of a body means.
    pub(super) fn explain_read(&self, error: io::Error) -> Trouble {
        self.explain(error.into())
    }

    /// Cuts all connections, so that whoever waits for one wakes up.
    pub(super) fn interrupt(&self) {
        self.agent.clone().shutdown();
    }

    fn explain(&self, error: Error) -> Trouble {
        let passing = |message: String| Trouble { message, passing: true };
        let lasting = |message: String| Trouble { message, passing: false };
        match error {
            Error::Timeout(Timeout::PerRead) => {
                passing(format!("nothing arrived for {} s", self.idle_timeout.as_secs_f64()))
            }
            Error::Timeout(Timeout::Connect | Timeout::Resolve) => passing("no connection in time".to_owned()),
            Error::Timeout(reason) => passing(format!("timeout ({reason})")),
            Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                passing("the connection was cut before the end".to_owned())
            }
            // How the TLS library reports what it does not trust.
            Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => lasting(tls_trouble(&error.to_string())),
            // The standard library has no kind for it.
            Error::Io(error) if error.to_string().starts_with("failed to lookup address") => {
                lasting(format!("{error}; {NO_HOST}"))
            }
            Error::Io(error) => passing(error.to_string()),
            Error::Rustls(error) => lasting(tls_trouble(&error.to_string())),
            Error::Protocol(error) => passing(format!("the answer is no proper HTTP ({error})")),
            Error::HostNotFound => lasting(format!("the host is not found; {NO_HOST}")),
            Error::RequireHttpsOnly(url) => lasting(format!("it redirects to {url}, which is not encrypted")),
            Error::ConnectProxyFailed(message) => lasting(format!("the proxy refuses: {message}")),
            other => lasting(other.to_string()),
        }
    }
}

fn tls_trouble(message: &str) -> String {
    format!(
        "no secure connection: {message}; if a proxy here signs with its own authority, name its PEM file in SSL_CERT_FILE"
    )
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Length of the body, as announced.
    pub(super) fn length(&self) -> Option<u64> {
        self.header("content-length")?.trim().parse().ok()
    }

    /// The entity tag, unless it is weak: equal weak tags do not mean equal bytes.
    pub(super) fn strong_etag(&self) -> Option<String> {
        self.header("etag").filter(|tag| tag.starts_with('"')).map(str::to_owned)
    }

    /// First byte and whole length in `Content-Range: bytes 5-9/10`; the length may be `*`.
    pub(super) fn range(&self) -> Option<(u64, Option<u64>)> {
        parse_range(self.header("content-range")?)
    }
}

fn parse_range(header: &str) -> Option<(u64, Option<u64>)> {
    let (span, whole) = header.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = span.split_once('-')?;
    let whole = match whole.trim() {
        "*" => None,
        length => Some(length.parse().ok()?),
    };
    Some((first.trim().parse().ok()?, whole))
}

fn proxy(choice: &ProxyChoice) -> Result<Option<Proxy>, FetchError> {
    let read = |what, text: &str| {
        Proxy::new(text).map_err(|_| FetchError::Setting {
            what,
            // It may hold a password.
            text: text.rsplit('@').next().unwrap_or_default().to_owned(),
            message: "wanted is an address like http://proxy.example:3128 or socks5://proxy.example:1080".to_owned(),
        })
    };
    match choice {
        ProxyChoice::None => Ok(None),
        ProxyChoice::Address(text) => Ok(Some(read("proxy", text)?)),
        ProxyChoice::Environment => {
            for name in PROXY_VARIABLES {
                if let Some(text) = std::env::var(name).ok().filter(|text| !text.is_empty()) {
                    // The library would pass over one that it cannot read.
                    read(name, &text)?;
                    break;
                }
            }
            Ok(Proxy::try_from_env())
        }
    }
}

fn certificates(path: &Path) -> Result<Vec<ureq::tls::Certificate<'static>>, FetchError> {
    let fail =
        |message: String| FetchError::Setting { what: "certificates", text: path.display().to_string(), message };
    let text = std::fs::read(path).map_err(|error| fail(error.to_string()))?;
    let mut found = Vec::new();
    for item in parse_pem(&text) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| fail(error.to_string()))? {
            found.push(certificate);
        }
    }
    if found.is_empty() { Err(fail("no certificate in PEM form".to_owned())) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        assert_eq!(parse_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(parse_range("bytes 0-0/*"), Some((0, None)));
        for bad in ["", "bytes */10", "bytes 5-9", "items 5-9/10", "bytes -9/10", "bytes x-9/10", "bytes 5-9/ten"] {
            assert_eq!(parse_range(bad), None, "{bad}");
        }
    }

    #[test]
    fn settings_that_cannot_be_used_are_told() {
        let options = |proxy| ClientOptions { proxy, ..ClientOptions::default() };
        let address = |text: &str| options(ProxyChoice::Address(text.to_owned()));
        for good in ["http://proxy.example:3128", "socks5h://proxy.example", "proxy.example:80"] {
            assert!(Client::new(&address(good)).is_ok(), "{good}");
        }
        let message = Client::new(&address("gopher://me:secret@proxy.example")).unwrap_err().to_string();
        assert!(message.starts_with("proxy `proxy.example`: wanted is an address like"), "{message}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let with = |path: &Path| ClientOptions { certificates: Some(path.to_owned()), ..options(ProxyChoice::None) };
        assert!(Client::new(&with(&path)).unwrap_err().to_string().contains("ca.pem"));
        std::fs::write(&path, "no certificate").unwrap();
        let message = Client::new(&with(&path)).unwrap_err().to_string();
        assert!(message.contains("no certificate in PEM form"), "{message}");
    }
}
