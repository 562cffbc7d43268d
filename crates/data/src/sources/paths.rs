//! Paths that a registry may name: they stay inside the folder they are joined to, on every system.

use super::partial;
use super::receipt;

/// Most bytes of a path; file systems take 255 for one name.
const MAX_LENGTH: usize = 1024;
const MAX_NAME: usize = 200;

/// Why `path` cannot be the place of a file below a dataset's folder, if so.
pub(super) fn refusal(path: &str) -> Option<String> {
    if path.is_empty() || path.len() > MAX_LENGTH {
        return Some(format!("a path has 1 to {MAX_LENGTH} bytes"));
    }
    if path.starts_with('/') {
        return Some("the path is absolute and would leave the folder".to_owned());
    }
    for name in path.split('/') {
        if let Some(reason) = name_refusal(name) {
            return Some(reason);
        }
        let own = [partial::PART, partial::STATE].iter().any(|ending| name.ends_with(ending));
        if own || name.eq_ignore_ascii_case(receipt::NAME) {
            return Some(format!("the name `{name}` is taken by the downloader itself"));
        }
    }
    None
}

/// Why `name` cannot be one part of a path.
pub(super) fn name_refusal(name: &str) -> Option<String> {
    if name == ".." || name == "." || name.is_empty() {
        return Some(format!("`{name}` as a part of a path could leave the folder"));
    }
    if name.len() > MAX_NAME {
        return Some(format!("a name in a path has at most {MAX_NAME} bytes"));
    }
    // A colon names a drive or a stream on Windows, where a backslash parts names.
    if let Some(bad) = name.chars().find(|letter| letter.is_control() || ['\\', ':'].contains(letter)) {
        return Some(format!("{bad:?} cannot stand in a path"));
    }
    name.starts_with('.').then(|| "names that begin with a dot are the downloader's own".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_never_leave_their_folder() {
        for good in ["a.csv", "owner/repo/data/BH_dataset .npz", "Jin's set.zip", "a..b/c", "ä.txt"] {
            assert_eq!(refusal(good), None, "{good}");
        }
        let long = "a".repeat(300);
        for bad in [
            "",
            "/etc/passwd",
            "..",
            "../a",
            "a/../../b",
            "a/./b",
            "a//b",
            "a/",
            "C:/a",
            "C:a",
            "..\\a",
            "a\\..\\..\\b",
            "a\0b",
            "a\nb",
            ".hidden/a",
            "a.part",
            "a.part.json",
            "a.part/b",
            "SOURCE.json",
            "source.json/a",
            &long,
        ] {
            let reason = refusal(bad);
            assert!(reason.is_some(), "{bad:?} was let through");
        }
    }
}
