//! What the contents of a file must be.

use super::{Digests, ReceiptFile, SourceFile};

/// What is known beforehand about a file's contents.
#[derive(Clone, Debug, Default)]
pub(super) struct Expected {
    pub bytes: Option<u64>,
    pub sha256: Option<String>,
    pub git_blob: Option<String>,
}

impl Expected {
    pub(super) fn of(file: &SourceFile) -> Expected {
        Expected { bytes: file.bytes, sha256: file.sha256.clone(), git_blob: file.git_blob.clone() }
    }

    /// What a file was when it was taken, for one that the registry has no hash of.
    pub(super) fn recorded(entry: &ReceiptFile) -> Expected {
        Expected { bytes: Some(entry.bytes), sha256: Some(entry.sha256.clone()), git_blob: None }
    }

    /// Whether a hash is known.
    pub(super) fn is_pinned(&self) -> bool {
        self.sha256.is_some() || self.git_blob.is_some()
    }

    /// Names the contents, so that parts of two contents are never put together.
    pub(super) fn identity(&self) -> String {
        match (&self.sha256, &self.git_blob) {
            (Some(sha256), _) => format!("sha256 {sha256}"),
            (None, Some(git_blob)) => format!("git_blob {git_blob}"),
            (None, None) => "unknown".to_owned(),
        }
    }

    /// How the contents differ from what is known, if they do.
    pub(super) fn difference(&self, found: &Digests) -> Option<String> {
        if let Some(bytes) = self.bytes.filter(|bytes| *bytes != found.bytes) {
            return Some(format!("{} bytes, {bytes} expected", found.bytes));
        }
        let differs = |name: &str, wanted: &Option<String>, found: &str| {
            let wanted = wanted.as_deref().filter(|wanted| *wanted != found)?;
            Some(format!("{name} {found}, {wanted} expected"))
        };
        differs("SHA-256", &self.sha256, &found.sha256)
            .or_else(|| differs("git object id", &self.git_blob, &found.git_blob))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_fact_is_compared() {
        let found = Digests { bytes: 4, sha256: "aa".to_owned(), git_blob: "bb".to_owned() };
        let text = |text: &str| Some(text.to_owned());
        let of = |bytes, sha256, git_blob| Expected { bytes, sha256, git_blob }.difference(&found);
        assert_eq!(of(Some(4), text("aa"), text("bb")), None);
        assert_eq!(of(None, None, None), None);
        assert_eq!(of(Some(5), text("aa"), None), text("4 bytes, 5 expected"));
        assert_eq!(of(None, text("ab"), text("bb")), text("SHA-256 aa, ab expected"));
        assert_eq!(of(None, text("aa"), text("cc")), text("git object id bb, cc expected"));
    }
}
