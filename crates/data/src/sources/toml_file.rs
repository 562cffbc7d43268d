//! Reading a registry file strictly.

use chemr_tasks::suggestion;

use super::FetchError;
use super::registry::Dataset;

/// Reads one dataset. `file` is the name that errors tell.
pub(super) fn parse(text: &str, file: &str) -> Result<Dataset, FetchError> {
    let dataset: Dataset = toml::from_str(text).map_err(|error| describe(text, file, &error))?;
    match dataset.refusal() {
        Some(message) => Err(FetchError::Registry { file: file.to_owned(), line: None, message }),
        None => Ok(dataset),
    }
}

fn describe(text: &str, file: &str, error: &toml::de::Error) -> FetchError {
    let line = error.span().map(|span| {
        let before = text.as_bytes().iter().take(span.start);
        1 + before.filter(|byte| **byte == b'\n').count()
    });
    let message = error.message().trim();
    let unknown = ["field", "variant"]
        .iter()
        .find_map(|kind| message.strip_prefix(&format!("unknown {kind} `")).and_then(|rest| rest.split_once('`')));
    let message = match unknown {
        Some((name, rest)) => {
            format!("`{name}` is not known{}", suggestion(name, rest.split('`').skip(1).step_by(2)))
        }
        None => message.to_owned(),
    };
    FetchError::Registry { file: file.to_owned(), line, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
name = "mine"
title = "My reactions"
licence = "CC0"
citation = "me"

[[files]]
path = "data/train.csv"
url = "https://example.org/train.csv"
sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
role = "train"
"#;

    fn error(text: &str) -> String {
        parse(text, "mine.toml").unwrap_err().to_string()
    }

    #[test]
    fn a_registry_of_ones_own() {
        let dataset = parse(GOOD, "mine.toml").unwrap();
        assert_eq!(dataset.files[0].path, "data/train.csv");
        assert!(!dataset.files[0].optional);
    }

    #[test]
    fn mistakes_name_line_and_remedy() {
        for (from, to, wanted) in [
            ("licence =", "license =", "mine.toml:4: `license` is not known; did you mean `licence`?"),
            ("sha256 =", "sha265 =", "mine.toml:10: `sha265` is not known; did you mean `sha256`?"),
            ("\"train\"", "\"trian\"", "mine.toml:11: `trian` is not known; did you mean `train`?"),
            ("\"train\"", "\"holdout\"", "`holdout` is not known; known here: train, valid, test, pool"),
            ("name = \"mine\"", "name = 7", "mine.toml:2: invalid type: integer `7`, expected a string"),
            ("title = \"My reactions\"\n", "", "missing field `title`"),
            ("\"mine\"", "\"../mine\"", "the name `../mine` of the dataset"),
            ("\"mine\"", "\"hf\"", "the name `hf` of the dataset"),
            ("data/train.csv", "../train.csv", "`../train.csv`: `..` as a part of a path could leave the folder"),
            ("data/train.csv", "/train.csv", "`/train.csv`: the path is absolute"),
            (
                "https:",
                "file:",
                "`data/train.csv`: the address `file://example.org/train.csv` is no http or https address",
            ),
            ("example.org", "me:word@example.org", "holds a user name"),
            ("e3b0c442", "e3b0c44", "`data/train.csv`: sha256 has 64 hexadecimal digits"),
            ("e3b0c442", "E3B0C442", "`data/train.csv`: sha256 has 64 hexadecimal digits, in lower case"),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert_ne!(text, GOOD);
            let message = error(&text);
            assert!(message.contains(wanted), "{from} -> {to}: {message}");
        }
        let unpinned: String = GOOD.lines().filter(|line| !line.starts_with("sha256")).collect::<Vec<_>>().join("\n");
        assert!(error(&unpinned).contains("neither sha256 nor git_blob"), "{}", error(&unpinned));
    }

    #[test]
    fn two_files_cannot_share_a_place() {
        let file = GOOD.split("[[files]]").nth(1).unwrap();
        let twice = format!("{GOOD}\n[[files]]{file}");
        assert!(error(&twice).contains("`data/train.csv` is named twice"), "{}", error(&twice));
        let inside = format!("{GOOD}\n[[files]]{}", file.replace("data/train.csv", "data/train.csv/b.csv"));
        assert!(error(&inside).contains("is a file and a folder"), "{}", error(&inside));
        // Some file systems do not tell the two names apart.
        let case = format!("{GOOD}\n[[files]]{}", file.replace("data/train.csv", "Data/Train.csv"));
        assert!(error(&case).contains("is named twice"), "{}", error(&case));
    }
}
