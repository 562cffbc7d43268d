//! Addresses: what a registry may name, and mirrors that stand in for hosts.

use std::env;

use ureq::http::Uri;

use super::FetchError;

/// Host of the Hugging Face hub; the environment variable `HF_ENDPOINT` replaces it, as in Hugging Face's own programs.
pub(super) const HUB: &str = "https://huggingface.co";

/// Why `url` cannot be an address of a file, if so.
pub(super) fn refusal(url: &str) -> Option<String> {
    let Ok(uri) = url.parse::<Uri>() else {
        return Some(format!("the address `{url}` cannot be read (percent-encode blanks and the like)"));
    };
    let web = matches!(uri.scheme_str(), Some("http" | "https"));
    let Some(authority) = uri.authority().filter(|authority| web && !authority.host().is_empty()) else {
        return Some(format!("the address `{url}` is no http or https address"));
    };
    // It would be stored in the receipt.
    authority.as_str().contains('@').then(|| format!("the address `{url}` holds a user name"))
}

/// Hosts and what stands in for them; the first that fits counts.
#[derive(Clone, Debug, Default)]
pub struct Mirrors {
    /// Host with port as in the address, or none for every host; and the beginning that replaces `https://HOST`.
    rules: Vec<(Option<String>, String)>,
}

impl Mirrors {
    /// Mirrors as they are written: `https://mirror.example/path` for every host, or `HOST=https://mirror.example/path`
    /// for one. What the command line gives comes first, then the environment variables `CHEMR_MIRROR` (several with
    /// blanks between them) and `HF_ENDPOINT`.
    ///
    /// # Errors
    /// One of them is no http or https address.
    pub fn from_environment(given: &[String]) -> Result<Mirrors, FetchError> {
        let variable = |name| env::var(name).unwrap_or_default();
        let mut texts = given.to_vec();
        texts.extend(variable("CHEMR_MIRROR").split_whitespace().map(str::to_owned));
        let endpoint = variable("HF_ENDPOINT");
        if !endpoint.trim().is_empty() {
            let host = HUB.trim_start_matches("https://");
            texts.push(format!("{host}={}", endpoint.trim()));
        }
        Mirrors::new(&texts)
    }

    /// Mirrors from their texts alone.
    ///
    /// # Errors
    /// One of them is no http or https address.
    pub fn new(texts: &[String]) -> Result<Mirrors, FetchError> {
        let rule = |text: &String| {
            let (host, base) = match text.split_once('=') {
                Some((host, base)) if !host.contains('/') => (Some(host.to_ascii_lowercase()), base),
                _ => (None, text.as_str()),
            };
            match refusal(base) {
                None => Ok((host, base.trim_end_matches('/').to_owned())),
                Some(message) => Err(FetchError::Setting { what: "mirror", text: text.clone(), message }),
            }
        };
        Ok(Mirrors { rules: texts.iter().map(rule).collect::<Result<_, _>>()? })
    }

    /// The address to ask instead of `url`.
    pub fn apply(&self, url: &str) -> String {
        let Some((_, rest)) = url.split_once("://") else { return url.to_owned() };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let fits = |wanted: &Option<String>| wanted.as_ref().is_none_or(|wanted| *wanted == host.to_ascii_lowercase());
        match self.rules.iter().find(|(wanted, _)| fits(wanted)) {
            Some((_, base)) => format!("{base}/{path}"),
            None => url.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirrors(texts: &[&str]) -> Mirrors {
        Mirrors::new(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_mirror_replaces_the_host() {
        let url = "https://raw.githubusercontent.com/a/b/c%20d.csv";
        assert_eq!(Mirrors::default().apply(url), url);
        assert_eq!(mirrors(&["http://10.0.0.1:80/gh/"]).apply(url), "http://10.0.0.1:80/gh/a/b/c%20d.csv");
        let one = mirrors(&["huggingface.co=https://hub.example", "RAW.githubusercontent.com=https://gh.example/x"]);
        assert_eq!(one.apply(url), "https://gh.example/x/a/b/c%20d.csv");
        assert_eq!(one.apply("https://huggingface.co/datasets/a"), "https://hub.example/datasets/a");
        assert_eq!(one.apply("https://other.example/a"), "https://other.example/a");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in ["mirror.example", "ftp://a/b", "https://", "raw.githubusercontent.com=x", "https://me:pw@a/b", ""] {
            let message = Mirrors::new(&[bad.to_owned()]).unwrap_err().to_string();
            assert!(message.starts_with(&format!("mirror `{bad}`")), "{message}");
        }
    }
}
