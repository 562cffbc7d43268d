//! Which files are imported, and what their names say.

use std::io;
use std::path::{Path, PathBuf};

use chemr_tasks::Split;

use crate::DataError;

/// Endings of files that can hold rows, before an optional `.gz`.
const ENDINGS: [&str; 6] = ["csv", "tsv", "txt", "json", "jsonl", "xlsx"];

/// A file to import.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub path: PathBuf,
    /// The path as it is reported: below the folder that was named, or the name of the file.
    pub shown: String,
    /// Whether the file itself was named; one that was found in a folder may be passed over.
    pub is_named: bool,
}

/// The files behind the given paths, those of folders in alphabetical order with all their sub-folders. Hidden ones are passed over.
///
/// # Errors
/// When a path does not exist or a folder cannot be read.
pub(crate) fn inputs(paths: &[PathBuf]) -> Result<Vec<Input>, DataError> {
    let mut found = Vec::new();
    for path in paths {
        let read = |source: io::Error| DataError::Import { path: path.clone(), message: source.to_string() };
        if std::fs::metadata(path).map_err(read)?.is_dir() {
            let before = found.len();
            below(path, path, &mut found).map_err(read)?;
            if found.len() == before {
                return Err(DataError::Import { path: path.clone(), message: "the folder holds no files".into() });
            }
        } else {
            let shown = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            found.push(Input { path: path.clone(), shown, is_named: true });
        }
    }
    Ok(found)
}

fn below(root: &Path, folder: &Path, found: &mut Vec<Input>) -> io::Result<()> {
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            entries.push(entry.path());
        }
    }
    entries.sort();
    for path in entries {
        // A link to a folder can lead back to where it lies.
        let is_link = std::fs::symlink_metadata(&path)?.file_type().is_symlink();
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() && !is_link => below(root, &path, found)?,
            Ok(metadata) if metadata.is_file() => {
                let shown = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                found.push(Input { path, shown, is_named: false });
            }
            // Devices, pipes, links to folders or to nothing.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// Whether the name of the file ends as those of rows do.
pub(crate) fn is_data(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending))
}

/// The split of a word that file names and columns use.
pub(crate) fn split_named(word: &str) -> Option<Split> {
    match word.to_lowercase().as_str() {
        // A pool is for training whatever else is done with it.
        "train" | "training" | "pool" => Some(Split::Train),
        "valid" | "validation" | "val" | "dev" | "eval" => Some(Split::Valid),
        "test" | "testing" | "public" => Some(Split::Test),
        _ => None,
    }
}

/// The split that the name of the file says, else that of its folder. Nothing where a name says two.
pub(crate) fn split_of_path(path: &str) -> Option<Split> {
    let said = |name: &str| {
        let words = name.split(|letter: char| !letter.is_alphanumeric());
        let mut splits: Vec<Split> = words.filter_map(split_named).collect();
        splits.dedup();
        match splits.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    };
    let mut parts = path.rsplit('/');
    let file = parts.next().unwrap_or_default();
    said(file).or_else(|| parts.next().and_then(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_the_split() {
        for (path, split) in [
            ("chebi20/test_public.csv", Some(Split::Test)),
            ("chebi20/valid.csv.gz", Some(Split::Valid)),
            ("validation.txt", Some(Split::Valid)),
            ("raw/train/forward_synthesis.jsonl", Some(Split::Train)),
            ("pubchem-iupac/simple_names_train.csv", Some(Split::Train)),
            ("yields/az_eln_pool.csv", Some(Split::Train)),
            ("moleculenet/bace.csv", None),
            ("train_and_test.csv", None),
            ("pretrained.csv", None),
            ("contest.csv", None),
        ] {
            assert_eq!(split_of_path(path), split, "{path}");
        }
    }

    #[test]
    fn endings() {
        for (name, is) in [("a.csv", true), ("a.JSONL.gz", true), ("README.md", false), ("a.gz", false), ("csv", false)]
        {
            assert_eq!(is_data(Path::new(name)), is, "{name}");
        }
    }
}
