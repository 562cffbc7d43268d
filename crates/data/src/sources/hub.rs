//! Files of datasets on the Hugging Face hub, by address: `hf:OWNER/REPOSITORY@REVISION:PATH#sha256=HEX`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::address::HUB;
use super::registry::is_hash;
use super::{Dataset, FetchError, SourceFile, paths};

const PREFIX: &str = "hf:";

/// What need not be encoded in the path of an address.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Whether a name on the command line is such an address.
pub fn is_address(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// A dataset of the one file that `spec` names. Its hash is known when `spec` ends with it; otherwise the file can only be
/// taken as it comes, which `allow_unpinned` permits.
///
/// # Errors
/// The address cannot be read, or has no hash and `allow_unpinned` is false.
pub fn dataset(spec: &str, allow_unpinned: bool) -> Result<Dataset, FetchError> {
    let fail = |message: &str| FetchError::HubAddress { spec: spec.to_owned(), message: message.to_owned() };
    let rest = spec.strip_prefix(PREFIX).ok_or_else(|| fail("it does not begin with hf:"))?;
    let (rest, sha256) = match rest.split_once("#sha256=") {
        Some((rest, hash)) if is_hash(hash, 64) => (rest, Some(hash.to_owned())),
        Some(_) => return Err(fail("sha256 has 64 hexadecimal digits, in lower case")),
        None => (rest, None),
    };
    let (place, path) = rest.split_once(':').ok_or_else(|| fail("the path is missing"))?;
    let (repository, revision) = place.split_once('@').ok_or_else(|| fail("the revision is missing"))?;
    let (owner, name) = repository.split_once('/').ok_or_else(|| fail("the owner is missing"))?;
    let plain = |part: &str| part.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
    for part in [owner, name, revision] {
        if !plain(part) || paths::name_refusal(part).is_some() {
            return Err(fail(&format!("`{part}` is no name of an owner, a repository or a revision")));
        }
    }
    if let Some(reason) = paths::refusal(path) {
        return Err(fail(&format!("`{path}`: {reason}")));
    }
    if sha256.is_none() && !allow_unpinned {
        return Err(FetchError::Unpinned { spec: spec.to_owned() });
    }
    let page = format!("{HUB}/datasets/{repository}");
    let file = SourceFile {
        path: path.to_owned(),
        url: format!("{page}/resolve/{revision}/{}", utf8_percent_encode(path, ENCODED)),
        copies: Vec::new(),
        bytes: None,
        sha256,
        git_blob: None,
        role: None,
        format: None,
        rows: None,
        optional: false,
        note: String::new(),
        licence: None,
        citation: None,
    };
    Ok(Dataset {
        name: format!("hf/{repository}/{revision}"),
        title: format!("{repository} at {revision}, on the Hugging Face hub"),
        licence: format!("not recorded; see {page}"),
        citation: format!("not recorded; see {page}"),
        note: String::new(),
        files: vec![file],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_file_at_a_revision() {
        let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let found = dataset(&format!("hf:owner/set@0a1b:data/train 1.parquet#sha256={hash}"), false).unwrap();
        assert_eq!(found.name, "hf/owner/set/0a1b");
        assert_eq!(found.files[0].path, "data/train 1.parquet");
        assert_eq!(found.files[0].url, "https://huggingface.co/datasets/owner/set/resolve/0a1b/data/train%201.parquet");
        assert_eq!(found.files[0].sha256.as_deref(), Some(hash));
    }

    #[test]
    fn a_hash_or_leave_to_go_without_is_wanted() {
        let message = dataset("hf:owner/set@main:a.csv", false).unwrap_err().to_string();
        assert!(message.contains("--allow-unpinned") && message.contains("#sha256="), "{message}");
        assert!(dataset("hf:owner/set@main:a.csv", true).unwrap().files[0].sha256.is_none());
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for bad in [
            "hf:",
            "hf:set@main:a.csv",
            "hf:owner/set:a.csv",
            "hf:owner/set@main",
            "hf:owner/set@main:",
            "hf:owner/set@main:../a.csv",
            "hf:owner/set@main:/a.csv",
            "hf:../set@main:a.csv",
            "hf:owner/set@..:a.csv",
            "hf:owner/set/x@main:a.csv",
            "hf:owner/set@refs/pr/1:a.csv",
            "hf:owner/set@main:a.csv#sha256=12",
            "hf:own er/set@main:a.csv",
        ] {
            let error = dataset(bad, true).unwrap_err();
            assert!(matches!(error, FetchError::HubAddress { .. }), "{bad}: {error}");
        }
    }
}
